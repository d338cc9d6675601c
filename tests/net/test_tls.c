/*
 * TLS contexts: which files are taken and what is said of the others, which
 * peers are served, and whom a client that verifies believes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <fcntl.h>
#include <unistd.h>
#include <cmocka.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "lib/base/fd.h"
#include "lib/net/tls.h"

static char dir[] = "/tmp/test_tls.XXXXXX";
static EVP_PKEY *keys[2];

/* The path of a file in our folder; in turn, so that two are there at once. */
static const char *
path(const char *name)
{
	static char text[4][60];
	static unsigned turn;
	char *p = text[turn++ % 4];

	snprintf(p, sizeof(text[0]), "%s/%s", dir, name);
	return p;
}

static X509 *
make(const char *names, long begin, long end)
{
	X509 *x = X509_new();
	X509_EXTENSION *e;
	X509_NAME *n;

	X509_set_version(x, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
	X509_gmtime_adj(X509_getm_notBefore(x), begin);
	X509_gmtime_adj(X509_getm_notAfter(x), end);
	X509_set_pubkey(x, keys[0]);
	n = X509_get_subject_name(x);
	X509_NAME_add_entry_by_txt(n, "CN", MBSTRING_ASC,
	    (const unsigned char *)"common.test", -1, -1, 0);
	X509_set_issuer_name(x, n);
	e = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, names);
	X509_add_ext(x, e, -1);
	X509_EXTENSION_free(e);
	assert_true(X509_sign(x, keys[0], EVP_sha256()) > 0);
	return x;
}

static void
write_cert(const char *name, const char *names, int copies)
{
	X509 *x = make(names, -3600, 3600);
	FILE *f = fopen(path(name), "w");

	assert_non_null(f);
	while (copies-- > 0)
		PEM_write_X509(f, x);
	fclose(f);
	X509_free(x);
}

static void
write_key(const char *name, EVP_PKEY *k, const char *passphrase)
{
	FILE *f = fopen(path(name), "w");

	assert_non_null(f);
	PEM_write_PrivateKey(f, k, passphrase != NULL ? EVP_aes_128_cbc() :
	    NULL, NULL, 0, NULL, (void *)(uintptr_t)passphrase);
	fclose(f);
}

/* What from holds, where it is not NULL, between the two. */
static void
write_text(const char *name, const char *before, const char *from,
    const char *text)
{
	FILE *f = fopen(path(name), "w"), *old;
	int c;

	assert_non_null(f);
	fputs(before, f);
	if (from != NULL) {
		assert_non_null(old = fopen(path(from), "r"));
		while ((c = getc(old)) != EOF)
			putc(c, f);
		fclose(old);
	}
	fputs(text, f);
	fclose(f);
}

static void
test_files(void **state)
{
	static const struct {
		const char *cert, *key, *why;	/* behind the folder */
	} rows[] = {
		{ "good.pem", "good.key", NULL },
		{ "chain.pem", "good.key", NULL },
		{ "mark.pem", "good.key", NULL },
		{ "words.pem", "good.key", NULL },
		{ "none.pem", "good.key", "tls_certificate: D/none.pem: No "
		  "such file or directory" },
		{ "good.pem", "none.key", "tls_key: D/none.key: No such file "
		  "or directory" },
		{ "empty", "good.key", "tls_certificate: D/empty: holds no "
		  "PEM certificate" },
		{ "good.key", "good.key", "tls_certificate: D/good.key: holds "
		  "no PEM certificate" },
		{ "broken.pem", "good.key", "tls_certificate: D/broken.pem: "
		  "holds a broken PEM certificate (" },
		{ "half.pem", "good.key", "tls_certificate: D/half.pem: "
		  "holds a broken PEM certificate (" },
		{ "good.pem", "empty", "tls_key: D/empty: holds no PEM "
		  "private key" },
		{ "good.pem", "good.pem", "tls_key: D/good.pem: holds no PEM "
		  "private key" },
		{ "good.pem", "other.key", "tls_key: D/other.key: is not the "
		  "key of D/good.pem" },
		{ "good.pem", "secret.key", "tls_key: D/secret.key: the "
		  "private key needs a passphrase, and nobody is there to be "
		  "asked" },
	};
	struct buf why = BUF_INIT(300), want = BUF_INIT(300);
	STACK_OF(X509) *chain;
	const char *p;
	SSL_CTX *ctx;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		buf_reset(&why);
		ctx = tls_server_new(TLS_PATHS(path(rows[i].cert),
		    path(rows[i].key)), NULL, 0, &why);
		buf_reset(&want);
		for (p = rows[i].why; p != NULL && *p != '\0'; p++)
			if (p[0] == 'D' && p[1] == '/')
				buf_puts(&want, dir);
			else
				buf_putc(&want, *p);
		if ((ctx == NULL) != (rows[i].why != NULL) ||
		    strncmp(buf_str(&why), buf_str(&want), want.len) != 0 ||
		    (why.len > want.len && want.data[want.len - 1] != '('))
			fail_msg("row %zu: \"%s\"", i, buf_str(&why));
		assert_int_equal(ERR_peek_error(), 0);
		tls_free(&ctx);
	}
	/* Those that vouch for it are sent, too. */
	ctx = tls_server_new(TLS_PATHS(path("chain.pem"), path("good.key")),
	    NULL, 0, &why);
	assert_int_equal(SSL_CTX_get0_chain_certs(ctx, &chain), 1);
	assert_int_equal(sk_X509_num(chain), 2);
	tls_free(&ctx);
	buf_clear(&why);
	buf_clear(&want);
}

/* A descriptor goes before the path, is read from its start and stays open. */
static void
test_descriptors(void **state)
{
	struct buf why = BUF_INIT(300);
	struct tls_files f = { "/no/cert", "/no/key", -1, -1 };
	SSL_CTX *ctx;
	char c;
	int i;

	f.cert_fd = open(path("good.pem"), O_RDONLY);
	f.key_fd = open(path("good.key"), O_RDONLY);
	for (i = 0; i < 2; i++) {
		assert_int_equal(read(f.cert_fd, &c, 1), 1);
		ctx = tls_server_new(&f, NULL, 0, &why);
		assert_non_null(ctx);
		tls_free(&ctx);
	}
	close(f.cert_fd);
	close(f.key_fd);
	buf_clear(&why);
}

/* Both sides, turn by turn. 1: they agree. */
static int
meet(SSL_CTX *server, SSL_CTX *client, const char *host, const char *alpn)
{
	SSL *a = SSL_new(server), *b = SSL_new(client);
	int s[2], i, x = 0, y = 0;

	assert_int_equal(fd_pair(s), 0);
	fd_nonblock(s[0], 1);
	fd_nonblock(s[1], 1);
	SSL_set_fd(a, s[0]);
	SSL_set_fd(b, s[1]);
	if (host != NULL)
		assert_int_equal(tls_client_host(b, host), 0);
	if (alpn != NULL)
		assert_int_equal(SSL_set_alpn_protos(b,
		    (const unsigned char *)alpn, (unsigned)strlen(alpn)), 0);
	for (i = 0; i < 20 && (x != 1 || y != 1); i++) {
		ERR_clear_error();
		y = SSL_connect(b);
		if (y != 1 && SSL_get_error(b, y) != SSL_ERROR_WANT_READ)
			break;
		ERR_clear_error();
		x = SSL_accept(a);
		if (x != 1 && SSL_get_error(a, x) != SSL_ERROR_WANT_READ)
			break;
	}
	SSL_free(a);
	SSL_free(b);
	close(s[0]);
	close(s[1]);
	ERR_clear_error();
	return x == 1 && y == 1;
}

/* RFC 6125: the name that was asked for, and no other. */
static void
test_names(void **state)
{
	static const struct {
		const char *host;
		int	 good;
	} rows[] = {
		{ "mail.example.test", 1 }, { "MAIL.example.test", 1 },
		{ "mail2.example.test", 0 }, { "example.test", 0 },
		{ "a.wild.test", 1 }, { "a.b.wild.test", 0 },
		{ "wild.test", 0 }, { "part1.some.test", 0 },
		{ "common.test", 0 }, { "192.0.2.1", 1 }, { "192.0.2.2", 0 },
		{ "2001:db8::1", 1 }, { "2001:db8::2", 0 },
	};
	struct buf why = BUF_INIT(300);
	SSL_CTX *server, *client, *weak, *unknown;
	size_t i;

	server = tls_server_new(TLS_PATHS(path("names.pem"),
	    path("good.key")), NULL, 0, &why);
	client = tls_client_new(path("names.pem"), TLS_VERIFIED, &why);
	weak = tls_client_new(NULL, TLS_WEAK, &why);
	unknown = tls_client_new(NULL, TLS_UNKNOWN, &why);
	assert_true(server && client && weak && unknown);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (meet(server, client, rows[i].host, NULL) != rows[i].good)
			fail_msg("%s", rows[i].host);
		assert_int_equal(meet(server, weak, rows[i].host, NULL), 1);
		assert_int_equal(meet(server, unknown, rows[i].host, NULL), 1);
	}
	/* Nobody vouches for it. */
	tls_free(&client);
	client = tls_client_new(path("good.pem"), TLS_VERIFIED, &why);
	assert_int_equal(meet(server, client, "mail.example.test", NULL), 0);
	tls_free(&client);
	assert_null(tls_client_new(path("none.pem"), TLS_VERIFIED, &why));
	assert_true(strstr(buf_str(&why), "none.pem: ") != NULL);
	/* The system's do not know it either. */
	client = tls_client_new(NULL, TLS_VERIFIED, &why);
	assert_non_null(client);
	assert_int_equal(meet(server, client, "mail.example.test", NULL), 0);
	tls_free(&client);
	tls_free(&server);
	tls_free(&weak);
	tls_free(&unknown);
	buf_clear(&why);
}

static void
test_protocols(void **state)
{
	static const struct {
		const char *alpn;
		int	 good;
	} rows[] = {
		{ NULL, 1 }, { "\4imap", 1 }, { "\4pop3", 0 },
		{ "\10http/1.1\4imap", 1 }, { "\5imap4", 0 }, { "\3ima", 0 },
		{ "\4IMAP", 0 },
	};
	struct buf why = BUF_INIT(300);
	SSL_CTX *server, *any, *client;
	size_t i;

	server = tls_server_new(TLS_PATHS(path("good.pem"), path("good.key")),
	    "imap", 0, &why);
	any = tls_server_new(TLS_PATHS(path("good.pem"), path("good.key")),
	    NULL, 0, &why);
	client = tls_client_new(NULL, TLS_WEAK, &why);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (meet(server, client, NULL, rows[i].alpn) != rows[i].good)
			fail_msg("row %zu", i);
		assert_int_equal(meet(any, client, NULL, rows[i].alpn), 1);
	}
	/* TLS 1.2 at least, with forward secrecy. */
	SSL_CTX_set_max_proto_version(client, TLS1_2_VERSION);
	assert_int_equal(meet(server, client, NULL, NULL), 1);
	assert_int_equal(SSL_CTX_set_cipher_list(client,
	    "ECDHE-ECDSA-AES128-SHA"), 1);
	assert_int_equal(meet(server, client, NULL, NULL), 0);
	SSL_CTX_set_max_proto_version(client, TLS1_1_VERSION);
	assert_int_equal(meet(server, client, NULL, NULL), 0);
	tls_free(&server);
	tls_free(&any);
	tls_free(&client);
	buf_clear(&why);
}

static void
test_judge(void **state)
{
	enum { DAY = 86400 };
	static const struct {
		long	 begin, end;
		const char *host, *words;
	} rows[] = {
		{ -DAY, 15 * DAY, "mail.example.test", NULL },
		{ -DAY, 13 * DAY, "mail.example.test", "runs out on " },
		{ -2 * DAY, -DAY, "mail.example.test", "ran out on " },
		{ DAY, 90 * DAY, "mail.example.test", "is not valid before " },
		{ -DAY, 90 * DAY, "mx.example.test", "is not for this host's "
		  "name, mx.example.test" },
		{ -DAY, 90 * DAY, "common.test", "is not for this host's "
		  "name, common.test" },
	};
	struct buf words = BUF_INIT(0);
	size_t i;
	X509 *x;
	int r;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		x = make("DNS:mail.example.test", rows[i].begin, rows[i].end);
		buf_reset(&words);
		r = tls_judge(x, "/p", rows[i].host, time(NULL), &words);
		if ((r == 0) != (rows[i].words == NULL) || (r == -1 &&
		    (strncmp(buf_str(&words), "tls_certificate: /p: ", 21) ||
		    strstr(buf_str(&words), rows[i].words) == NULL)))
			fail_msg("row %zu: %s", i, buf_str(&words));
		X509_free(x);
	}
	/* A line for each fault. */
	x = make("DNS:a.test", -2 * DAY, -DAY);
	buf_reset(&words);
	assert_int_equal(tls_judge(x, "/p", "b.test", time(NULL), &words), -1);
	assert_non_null(strstr(buf_str(&words), "ran out"));
	assert_non_null(strstr(buf_str(&words), "\ntls_certificate: /p: is not "
	    "for"));
	X509_free(x);
	buf_clear(&words);
}

static int
setup(void **state)
{
	tls_init();
	assert_non_null(mkdtemp(dir));
	keys[0] = EVP_EC_gen("P-256");
	keys[1] = EVP_EC_gen("P-256");
	write_cert("good.pem", "DNS:mail.example.test", 1);
	write_cert("chain.pem", "DNS:mail.example.test", 3);
	write_cert("names.pem", "DNS:mail.example.test,DNS:*.wild.test,"
	    "DNS:part*.some.test,IP:192.0.2.1,IP:2001:db8::1", 1);
	write_key("good.key", keys[0], NULL);
	write_key("other.key", keys[1], NULL);
	write_key("secret.key", keys[0], "words");
	write_text("empty", "", NULL, "");
	write_text("words.pem", "Mine:\n", "good.pem", "what people write behind it\n");
	write_text("broken.pem", "", NULL, "-----BEGIN CERTIFICATE-----\n"
	    "AAAA\n-----END CERTIFICATE-----\n");
	/* The second one is cut off. */
	write_text("half.pem", "", "good.pem", "-----BEGIN CERTIFICATE-----\n"
	    "AAAA\n");
	write_text("mark.pem", "\xef\xbb\xbf", "good.pem", "");
	return 0;
}

static int
teardown(void **state)
{
	static const char *const names[] = { "good.pem", "chain.pem",
		"names.pem", "good.key", "other.key", "secret.key", "empty",
		"words.pem", "broken.pem", "half.pem", "mark.pem" };
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		unlink(path(names[i]));
	EVP_PKEY_free(keys[0]);
	EVP_PKEY_free(keys[1]);
	return rmdir(dir);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_files),
		cmocka_unit_test(test_descriptors),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_protocols),
		cmocka_unit_test(test_judge),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
