#include "config.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include <fcntl.h>
#include <string.h>
#include <time.h>

#include "ctl/ctl_cert.h"
#include "lib/base/fd.h"
#include "lib/base/str.h"
#include "lib/base/words.h"
#include "lib/net/tls.h"

enum { DAYS = 3650, BEFORE = 3600, SERIAL_OCTETS = 16, CN_MAX = 64 };

static int
set_serial(X509 *x)
{
	unsigned char octets[SERIAL_OCTETS];
	BIGNUM *n;
	int ok;

	if (RAND_bytes(octets, sizeof(octets)) != 1)
		return 0;
	octets[0] = (octets[0] & 0x7f) | 0x40;	/* positive, full length */
	n = BN_bin2bn(octets, sizeof(octets), NULL);
	ok = n != NULL && BN_to_ASN1_INTEGER(n,
	    X509_get_serialNumber(x)) != NULL;
	BN_free(n);
	return ok;
}

/* RFC 5280 4.1.2.4: subject and issuer are the same. */
static int
set_names(X509 *x, const char *hostname)
{
	X509_NAME *name = X509_get_subject_name(x);
	/* A common name has at most 64 characters; SAN is what counts. */
	const char *cn = strlen(hostname) <= CN_MAX ? hostname : "rohrpost";

	return X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
	    (const unsigned char *)cn, -1, -1, 0) == 1 &&
	    X509_set_issuer_name(x, name) == 1;
}

static int
add_extension(X509 *x, int nid, const char *value)
{
	X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, NULL, nid, value);
	int ok = e != NULL && X509_add_ext(x, e, -1) == 1;

	X509_EXTENSION_free(e);
	return ok;
}

static int
set_extensions(X509 *x, const char *hostname, char *const *domains, size_t n)
{
	struct buf san = BUF_INIT(0);
	size_t i;
	int ok;

	buf_printf(&san, "DNS:%s", hostname);
	for (i = 0; i < n; i++) {
		if (strcmp(domains[i], hostname) != 0)
			buf_printf(&san, ",DNS:%s", domains[i]);
	}
	ok = add_extension(x, NID_subject_alt_name, buf_str(&san)) &&
	    add_extension(x, NID_basic_constraints, "critical,CA:FALSE") &&
	    add_extension(x, NID_key_usage, "critical,digitalSignature") &&
	    add_extension(x, NID_ext_key_usage, "serverAuth");
	buf_clear(&san);
	return ok;
}

static X509 *
build(EVP_PKEY *key, const char *hostname, char *const *domains, size_t n)
{
	X509 *x = X509_new();

	if (x != NULL && X509_set_version(x, X509_VERSION_3) == 1 &&
	    set_serial(x) && set_names(x, hostname) &&
	    X509_gmtime_adj(X509_getm_notBefore(x), -BEFORE) != NULL &&
	    X509_time_adj_ex(X509_getm_notAfter(x), DAYS, 0, NULL) != NULL &&
	    X509_set_pubkey(x, key) == 1 &&
	    set_extensions(x, hostname, domains, n) &&
	    X509_sign(x, key, EVP_sha256()) != 0)
		return x;
	X509_free(x);
	return NULL;
}

static int
take_bio(BIO *b, struct buf *out)
{
	char *p;
	long n = BIO_get_mem_data(b, &p);

	return n > 0 && buf_append(out, p, (size_t)n) == 0;
}

static int
print(EVP_PKEY *key, X509 *x, struct buf *cert_pem, struct buf *key_pem)
{
	BIO *c = BIO_new(BIO_s_mem()), *k = BIO_new(BIO_s_secmem());
	int ok;

	ok = c != NULL && k != NULL && PEM_write_bio_X509(c, x) == 1 &&
	    PEM_write_bio_PrivateKey(k, key, NULL, NULL, 0, NULL, NULL) == 1 &&
	    take_bio(c, cert_pem) && take_bio(k, key_pem);
	BIO_free(c);
	BIO_free(k);
	return ok;
}

int
cert_make(const char *hostname, char *const *domains, size_t n,
    struct buf *cert, struct buf *key, struct buf *why)
{
	EVP_PKEY *pkey = EVP_EC_gen("P-256");
	X509 *x = pkey == NULL ? NULL : build(pkey, hostname, domains, n);
	int ok = x != NULL && print(pkey, x, cert, key);

	if (!ok)
		buf_set(why, _("certificate: %s"),
		    ERR_reason_error_string(ERR_peek_last_error()));
	X509_free(x);
	EVP_PKEY_free(pkey);
	return ok ? 0 : -1;
}

/* NULL where it cannot be read: the programs say why. */
static X509 *
read_file(const char *path)
{
	struct buf pem = BUF_INIT(1 << 20);
	int fd = fd_open_file(AT_FDCWD, path, 0);
	const char *p;
	X509 *x = NULL;
	BIO *b = NULL;
	size_t len;

	if (fd != -1 && fd_slurp(fd, &pem) == 0) {
		p = buf_str(&pem);
		len = pem.len;
		if (str_mark(&p, &len) == 0)
			b = BIO_new_mem_buf(p, (int)len);
	}
	if (b != NULL)
		x = PEM_read_bio_X509(b, NULL, NULL, NULL);
	BIO_free(b);
	fd_close(&fd);
	buf_clear(&pem);
	ERR_clear_error();
	return x;
}

int
cert_good(const char *path, const char *hostname)
{
	X509 *x = read_file(path);
	int ok = x != NULL && X509_cmp_current_time(X509_get0_notAfter(x)) >
	    0 && X509_check_host(x, hostname, 0, 0, NULL) == 1;

	X509_free(x);
	ERR_clear_error();
	return ok;
}

int
cert_is_ours(const char *path)
{
	X509 *x = read_file(path);
	int days = 0, seconds = 0;
	int ok = x != NULL && X509_self_signed(x, 1) == 1 &&
	    ASN1_TIME_diff(&days, &seconds, X509_get0_notBefore(x),
	    X509_get0_notAfter(x)) == 1 && days == DAYS &&
	    (seconds == BEFORE || seconds == BEFORE + 1);

	X509_free(x);
	ERR_clear_error();
	return ok;
}

int
cert_reads(const char *path)
{
	X509 *x = read_file(path);

	X509_free(x);
	return x != NULL;
}

int
cert_judge(const char *path, const char *hostname, struct buf *words)
{
	X509 *x = read_file(path);
	int r = x == NULL ? 0 : tls_judge(x, path, hostname, time(NULL),
	    words);

	X509_free(x);
	ERR_clear_error();
	return r;
}

const char *
cert_hidden(const char *dir, const char *path)
{
	/* ProtectHome and PrivateTmp of the unit (conf/). */
	static const char *const hidden[] = { "/home/", "/root/",
		"/run/user/", "/tmp/", "/var/tmp/" };
	size_t i, n;

	for (i = 0; i < sizeof(hidden) / sizeof(hidden[0]); i++) {
		n = strlen(hidden[i]);
		if (strncmp(dir, hidden[i], n) == 0)
			return NULL;	/* so no unit runs it */
	}
	for (i = 0; i < sizeof(hidden) / sizeof(hidden[0]); i++) {
		if (strncmp(path, hidden[i], strlen(hidden[i])) == 0)
			return hidden[i];
	}
	return NULL;
}
