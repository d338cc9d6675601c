#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "lib/base/fd.h"
#include "lib/base/str.h"
#include "lib/base/words.h"
#include "lib/net/tls.h"

enum { PEM_MAX = 1 << 20 };	/* octets of a certificate or key file */

/* RFC 7540 appendix A and RFC 9325 section 4.2: ECDHE with AEAD. */
static const char ciphers[] =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
    "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305:"
    "DHE-RSA-AES128-GCM-SHA256:DHE-RSA-AES256-GCM-SHA384";

void
tls_init(void)
{
	unsigned char b[16];
	EVP_MD *md;

	OPENSSL_init_ssl(OPENSSL_INIT_LOAD_SSL_STRINGS |
	    OPENSSL_INIT_LOAD_CRYPTO_STRINGS, NULL);
	(void)RAND_bytes(b, sizeof(b));
	if ((md = EVP_MD_fetch(NULL, "SHA256", NULL)) != NULL)
		EVP_MD_free(md);
}

const char *
tls_reason(unsigned long e)
{
	const char *words = ERR_reason_error_string(e);
	int alert = ERR_GET_REASON(e) - SSL_AD_REASON_OFFSET;

	/* What the peer said of it: RFC 8446 6. */
	if (ERR_GET_LIB(e) == ERR_LIB_SSL && alert >= 0 && alert <= 0xff)
		return SSL_alert_desc_string_long(alert);
	if (ERR_GET_REASON(e) == SSL_R_UNEXPECTED_EOF_WHILE_READING)
		return "the peer closed the connection";
	return words != NULL ? words : "the TLS library fails";
}

void
tls_error(struct buf *why, const char *doing)
{
	unsigned long first = ERR_peek_error(), e = ERR_peek_last_error();
	const char *reason;

	/* "PEM lib", "system lib" stand above what the matter is. */
	if (ERR_GET_REASON(e) & ERR_RFLAG_COMMON)
		e = first;
	reason = e != 0 ? tls_reason(e) : NULL;
	if (first != 0 && ERR_SYSTEM_ERROR(first))
		reason = strerror(ERR_GET_REASON(first));
	buf_set(why, "%s: %s", doing, reason != NULL ? reason :
	    e == 0 && errno != 0 ? strerror(errno) : "the TLS library fails");
	ERR_clear_error();
}

/* A key with a passphrase is refused: nobody is there to be asked. */
static int
tls_no_password(char *p, int size, int writing, void *arg)
{
	return -1;
}

static SSL_CTX *
tls_new(const SSL_METHOD *method, struct buf *why)
{
	SSL_CTX *ctx;

	ERR_clear_error();
	if ((ctx = SSL_CTX_new(method)) == NULL) {
		tls_error(why, "TLS context");
		return NULL;
	}
	SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
	SSL_CTX_set_options(ctx, SSL_OP_NO_COMPRESSION |
	    SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE |
	    SSL_OP_PRIORITIZE_CHACHA);
	SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE |
	    SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_default_passwd_cb(ctx, tls_no_password);
	/* One read(2) takes header and body of a record, or several records. */
	SSL_CTX_set_read_ahead(ctx, 1);
	if (SSL_CTX_set_cipher_list(ctx, ciphers) != 1) {
		tls_error(why, "TLS ciphers");
		tls_free(&ctx);
	}
	return ctx;
}

/* RFC 7301 section 3.2: no protocol in common ends the handshake. */
static int
tls_alpn(SSL *ssl, const unsigned char **out, unsigned char *outlen,
    const unsigned char *in, unsigned inlen, void *arg)
{
	const char *own = arg;
	size_t len = strlen(own);
	unsigned i;

	for (i = 0; i < inlen; i += 1u + in[i]) {
		if (in[i] != len || i + 1 + len > inlen ||
		    memcmp(in + i + 1, own, len) != 0)
			continue;
		*out = in + i + 1;
		*outlen = in[i];
		return SSL_TLSEXT_ERR_OK;
	}
	return SSL_TLSEXT_ERR_ALERT_FATAL;
}

static void
tls_set_tickets(SSL_CTX *ctx, unsigned tickets)
{
	static const unsigned char id[] = "rohrpost";

	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_num_tickets(ctx, tickets);
	if (tickets == 0)
		SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET);
	else
		SSL_CTX_set_session_id_context(ctx, id, sizeof(id) - 1);
}

/* What a server's context has beside certificate and key. */
static void
tls_server_set(SSL_CTX *ctx, const char *alpn, unsigned tickets)
{
	tls_set_tickets(ctx, tickets);
	SSL_CTX_set_dh_auto(ctx, 1);
	if (alpn != NULL)
		SSL_CTX_set_alpn_select_cb(ctx, tls_alpn, (void *)alpn);
}

/* The file's text, from fd or, where that is -1, from path. */
static int
tls_slurp(int fd, const char *what, const char *path, struct buf *pem,
    struct buf *why)
{
	int r, own = -1;
	const char *p;
	size_t len;

	if (fd == -1)
		fd = own = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY |
		    O_NONBLOCK);
	if ((r = fd == -1 ? -1 : fd_slurp(fd, pem)) == -1)
		buf_set(why, "%s: %s: %s", what, path, strerror(errno));
	fd_close(&own);
	p = buf_str(pem);
	len = pem->len;
	if (r == 0 && (r = str_mark(&p, &len)) == -1)
		buf_set(why, "%s: %s: %s", what, path, _(STR_UTF16));
	buf_consume(pem, pem->len - len);
	return r;
}

/* What the library says of a PEM file, for people: what is not in it. */
static void
tls_pem_error(struct buf *why, const char *key, const char *path,
    const char *kind)
{
	unsigned long e, first = ERR_peek_error();
	const char *reason = ERR_reason_error_string(first);
	int secret = 0;

	while ((e = ERR_get_error()) != 0)
		secret |= ERR_GET_LIB(e) == ERR_LIB_PEM &&
		    ERR_GET_REASON(e) == PEM_R_BAD_PASSWORD_READ;
	if (secret)
		buf_set(why, _("%s: %s: the %s needs a passphrase, and "
		    "nobody is there to be asked"), key, path, _(kind));
	else if (reason == NULL ||
	    ERR_GET_REASON(first) == PEM_R_NO_START_LINE ||
	    ERR_GET_REASON(first) == ERR_R_UNSUPPORTED)
		buf_set(why, _("%s: %s: holds no PEM %s"), key, path, _(kind));
	else
		buf_set(why, _("%s: %s: holds a broken PEM %s (%s)"), key,
		    path, _(kind), reason);
}

/* The certificate, then those that vouch for it. 0, or -1. */
static int
tls_use_chain(SSL_CTX *ctx, BIO *bio)
{
	X509 *x = PEM_read_bio_X509_AUX(bio, NULL, tls_no_password, NULL);
	int ok = x != NULL && SSL_CTX_use_certificate(ctx, x) == 1;

	X509_free(x);
	while (ok && (x = PEM_read_bio_X509(bio, NULL, tls_no_password,
	    NULL)) != NULL)
		if (SSL_CTX_add0_chain_cert(ctx, x) != 1) {
			X509_free(x);
			ok = 0;
		}
	if (!ok || ERR_GET_REASON(ERR_peek_last_error()) !=
	    PEM_R_NO_START_LINE)
		return -1;
	ERR_clear_error();	/* it was the end of the file */
	return 0;
}

static int
tls_use_key(SSL_CTX *ctx, BIO *bio, const struct tls_files *f,
    struct buf *why)
{
	EVP_PKEY *k = PEM_read_bio_PrivateKey(bio, NULL, tls_no_password,
	    NULL);
	int r = -1;

	if (k == NULL) {
		tls_pem_error(why, "tls_key", f->key, N_("private key"));
	} else if (X509_check_private_key(SSL_CTX_get0_certificate(ctx), k) !=
	    1) {
		buf_set(why, _("tls_key: %s: is not the key of %s"), f->key,
		    f->cert);
		ERR_clear_error();
	} else if (SSL_CTX_use_PrivateKey(ctx, k) != 1) {
		tls_error(why, "tls_key");
	} else {
		r = 0;
	}
	EVP_PKEY_free(k);
	return r;
}

/* Certificate and key into ctx. 0, or -1 with why. */
static int
tls_load_pair(SSL_CTX *ctx, const struct tls_files *f, struct buf *why)
{
	static const char cert[] = "tls_certificate", key[] = "tls_key";
	struct buf pem = BUF_INIT(PEM_MAX), secret = BUF_INIT(PEM_MAX);
	BIO *bio = NULL, *kbio = NULL;
	int r = -1;

	if (tls_slurp(f->cert_fd, cert, f->cert, &pem, why) == -1 ||
	    tls_slurp(f->key_fd, key, f->key, &secret, why) == -1)
		goto out;
	bio = BIO_new_mem_buf(buf_str(&pem), (int)pem.len);
	kbio = BIO_new_mem_buf(buf_str(&secret), (int)secret.len);
	if (bio == NULL || kbio == NULL)
		tls_error(why, cert);
	else if (tls_use_chain(ctx, bio) == -1)
		tls_pem_error(why, cert, f->cert, N_("certificate"));
	else
		r = tls_use_key(ctx, kbio, f, why);
out:
	BIO_free(bio);
	BIO_free(kbio);
	buf_clear(&pem);
	buf_wipe(&secret);
	return r;
}

SSL_CTX *
tls_server_new(const struct tls_files *f, const char *alpn, unsigned tickets,
    struct buf *why)
{
	SSL_CTX *ctx = tls_new(TLS_server_method(), why);

	if (ctx != NULL && tls_load_pair(ctx, f, why) == -1)
		tls_free(&ctx);
	if (ctx != NULL)
		tls_server_set(ctx, alpn, tickets);
	return ctx;
}

/*
 * Nobody knows who the peer is: whoever stands between reads all, and an old
 * peer is better reached weakly than in the clear (RFC 7435 3). So short keys,
 * old signatures, TLS 1.0 and peers without RFC 5746 will do.
 */
static void
tls_set_weak(SSL_CTX *ctx)
{
	SSL_CTX_set_security_level(ctx, 0);
	SSL_CTX_set_min_proto_version(ctx, TLS1_VERSION);
	SSL_CTX_set_options(ctx, SSL_OP_LEGACY_SERVER_CONNECT);
	if (SSL_CTX_set_cipher_list(ctx, "ALL:!aNULL:!eNULL:!PSK:!SRP") != 1)
		ERR_clear_error();
}

/*
 * The same peer, but what it cannot do waits: ciphers that only lack forward
 * secrecy or AEAD will do, nothing that can be broken.
 */
static void
tls_set_unknown(SSL_CTX *ctx)
{
	if (SSL_CTX_set_cipher_list(ctx, "HIGH:!aNULL:!eNULL:!PSK:!SRP") != 1)
		ERR_clear_error();
}

SSL_CTX *
tls_client_new(const char *ca_file, enum tls_trust trust, struct buf *why)
{
	SSL_CTX *ctx = tls_new(TLS_client_method(), why);

	if (ctx == NULL)
		return NULL;
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_verify(ctx, trust == TLS_VERIFIED ? SSL_VERIFY_PEER :
	    SSL_VERIFY_NONE, NULL);
	if (trust != TLS_VERIFIED) {
		(trust == TLS_WEAK ? tls_set_weak : tls_set_unknown)(ctx);
		return ctx;
	}
	if (ca_file != NULL ?
	    SSL_CTX_load_verify_file(ctx, ca_file) != 1 :
	    SSL_CTX_set_default_verify_paths(ctx) != 1) {
		tls_error(why, ca_file != NULL ? ca_file :
		    "the system's certificate authorities");
		tls_free(&ctx);
	} else if (ca_file == NULL) {
		/*
		 * The default directory is read at need, which a jail
		 * forbids; the bundle file is read here.
		 */
		(void)SSL_CTX_load_verify_file(ctx,
		    "/etc/ssl/certs/ca-certificates.crt");
		ERR_clear_error();
	}
	return ctx;
}

int
tls_client_host(SSL *ssl, const char *host)
{
	X509_VERIFY_PARAM *param = SSL_get0_param(ssl);
	unsigned char ip[16];

	if (inet_pton(AF_INET, host, ip) == 1 ||
	    inet_pton(AF_INET6, host, ip) == 1)
		return X509_VERIFY_PARAM_set1_ip_asc(param, host) == 1 ? 0 :
		    -1;
	X509_VERIFY_PARAM_set_hostflags(param,
	    X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
	if (SSL_set_tlsext_host_name(ssl, host) != 1 ||
	    X509_VERIFY_PARAM_set1_host(param, host, 0) != 1)
		return -1;
	return 0;
}

void
tls_free(SSL_CTX **ctx)
{
	SSL_CTX_free(*ctx);
	*ctx = NULL;
}

const char *
tls_describe(const SSL *ssl, char *out, size_t size)
{
	snprintf(out, size, "%s %s", SSL_get_version(ssl),
	    SSL_get_cipher_name(ssl));
	return out;
}
