#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "lib/base/fd.h"
#include "lib/base/mem.h"
#include "lib/net/stream.h"
#include "lib/net/tls.h"

static char dir[] = "/tmp/test_stream.XXXXXX";
static char cert[100], key[100];

static void
say(int fd, const char *p, size_t len)
{
	assert_int_equal(fd_write_all(fd, p, len), 0);
}

static void
test_lines(void **state)
{
	static const struct {
		const char *in;
		enum stream_status want[4];
		const char *line[4];
	} t[] = {
		{ "one\r\ntwo\r\n", { STREAM_OK, STREAM_OK, STREAM_EOF },
		    { "one", "two" } },
		{ "\r\n\r\n", { STREAM_OK, STREAM_OK, STREAM_EOF },
		    { "", "" } },
		{ "bare\nok\r\n", { STREAM_BARE, STREAM_OK, STREAM_EOF },
		    { "bare", "ok" } },
		{ "\nok\r\n", { STREAM_BARE, STREAM_OK, STREAM_EOF },
		    { "", "ok" } },
		{ "a\rb\r\r\n", { STREAM_OK, STREAM_EOF }, { "a\rb\r" } },
		{ "0123456789\r\n", { STREAM_OK, STREAM_EOF },
		    { "0123456789" } },
		{ "0123456789x\r\nok\r\n", { STREAM_LONG, STREAM_OK,
		    STREAM_EOF }, { NULL, "ok" } },
		{ "0123456789xyzzzzzzzzzzzzzzz\r\nok\r\n", { STREAM_LONG,
		    STREAM_OK, STREAM_EOF }, { NULL, "ok" } },
		{ "half", { STREAM_EOF, STREAM_EOF }, { NULL } },
	};
	struct stream s;
	size_t i, j, len;
	char *line;
	int p[2];

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		assert_int_equal(fd_pair(p), 0);
		stream_init(&s, p[0]);
		say(p[1], t[i].in, strlen(t[i].in));
		close(p[1]);
		for (j = 0;; j++) {
			assert_int_equal(stream_line(&s, 10, &line, &len),
			    t[i].want[j]);
			if (t[i].line[j] != NULL)
				assert_string_equal(line, t[i].line[j]);
			if (t[i].want[j] == STREAM_EOF)
				break;
		}
		stream_clear(&s);
	}
}

/* An endless line is skipped without keeping it, and ends at the bound. */
static void
test_endless(void **state)
{
	static char junk[100000];
	struct stream s;
	size_t i, len;
	char *line;
	int p[2];
	pid_t pid;

	memset(junk, 'x', sizeof(junk));
	assert_int_equal(fd_pair(p), 0);
	assert_true((pid = fork()) != -1);
	if (pid == 0) {
		signal(SIGPIPE, SIG_IGN);
		close(p[0]);
		for (i = 0; i < 100; i++)
			if (fd_write_all(p[1], junk, sizeof(junk)) == -1)
				break;
		_exit(0);
	}
	close(p[1]);
	stream_init(&s, p[0]);
	assert_int_equal(stream_line(&s, 2046, &line, &len), STREAM_ERROR);
	assert_int_equal(stream_line(&s, 2046, &line, &len), STREAM_ERROR);
	stream_clear(&s);
	waitpid(pid, NULL, 0);
}

static void
test_deadline(void **state)
{
	struct stream s;
	size_t len;
	char *line;
	int p[2];

	assert_int_equal(fd_pair(p), 0);
	stream_init(&s, p[0]);
	stream_deadline(&s, 30);
	say(p[1], "sl", 2);
	assert_int_equal(stream_line(&s, 10, &line, &len), STREAM_TIMEOUT);
	say(p[1], "ow\r\n", 4);
	stream_deadline(&s, 1000);
	assert_int_equal(stream_line(&s, 10, &line, &len), STREAM_TIMEOUT);
	stream_clear(&s);
	close(p[1]);
}

/* A word on another descriptor ends a wait, and nothing is lost by it. */
/* What is there too late is not read: no trickle outlives a deadline. */
static void
test_trickle(void **state)
{
	struct stream s;
	int p[2];

	assert_int_equal(fd_pair(p), 0);
	stream_init(&s, p[0]);
	stream_deadline(&s, 60000);
	say(p[1], "x", 1);
	assert_int_equal(stream_fill(&s), STREAM_OK);
	stream_deadline(&s, 0);
	usleep(5000);
	say(p[1], "x", 1);
	assert_int_equal(stream_fill(&s), STREAM_TIMEOUT);
	stream_clear(&s);
	close(p[1]);
}

/* Something to read is there: in the buffer, or on its way. */
static void
test_readable(void **state)
{
	struct stream s;
	size_t len;
	char *line;
	int p[2];

	assert_int_equal(fd_pair(p), 0);
	stream_init(&s, p[0]);
	assert_false(stream_readable(&s));
	say(p[1], "a\r\nb\r\n", 6);
	assert_true(stream_readable(&s));
	assert_false(stream_has_input(&s));
	assert_int_equal(stream_line(&s, 10, &line, &len), STREAM_OK);
	assert_true(stream_has_input(&s));
	assert_true(stream_readable(&s));
	assert_int_equal(stream_line(&s, 10, &line, &len), STREAM_OK);
	assert_false(stream_readable(&s));
	close(p[1]);
	assert_true(stream_readable(&s));
	stream_clear(&s);
}

/* A descriptor that blocks: the deadline holds, for reading and writing. */
static void
test_block(void **state)
{
	static char much[1 << 20];
	struct stream s;
	char *line;
	size_t len;
	int p[2];

	assert_int_equal(fd_pair(p), 0);
	stream_init(&s, p[0]);
	stream_block(&s);
	assert_true(s.slices);
	stream_deadline(&s, 100);
	stream_puts(&s, "hello\r\n");
	assert_int_equal(stream_line(&s, 100, &line, &len), STREAM_TIMEOUT);
	assert_int_equal(stream_revive(&s, 60000), 1);
	say(p[1], "one\r\ntwo\r\n", 10);
	assert_int_equal(stream_line(&s, 100, &line, &len), STREAM_OK);
	assert_string_equal(line, "one");
	assert_int_equal(stream_line(&s, 100, &line, &len), STREAM_OK);
	assert_string_equal(line, "two");
	/* A peer that does not read. */
	stream_deadline(&s, 100);
	stream_write(&s, much, sizeof(much));
	assert_int_equal(stream_flush(&s), STREAM_TIMEOUT);
	assert_int_equal(stream_revive(&s, 60000), 0);
	stream_clear(&s);
	close(p[1]);
	assert_int_equal(fd_pair(p), 0);
	stream_init(&s, p[0]);
	stream_block(&s);
	close(p[1]);
	assert_int_equal(stream_line(&s, 100, &line, &len), STREAM_EOF);
	stream_clear(&s);
}

static void
test_wake(void **state)
{
	struct stream s;
	char *line, c;
	size_t len;
	int p[2], w[2];

	assert_int_equal(fd_pair(p), 0);
	assert_int_equal(fd_pair(w), 0);
	stream_init(&s, p[0]);
	stream_deadline(&s, 5000);
	stream_wake(&s, w[0]);
	say(p[1], "he", 2);
	say(w[1], "x", 1);
	assert_int_equal(stream_line(&s, 10, &line, &len), STREAM_WOKEN);
	assert_int_equal(read(w[0], &c, 1), 1);
	say(p[1], "llo\r\n", 5);
	assert_int_equal(stream_line(&s, 10, &line, &len), STREAM_OK);
	assert_string_equal(line, "hello");
	say(w[1], "x", 1);
	say(p[1], "0123456789abc", 13);
	stream_deadline(&s, 20);
	/* Within a line that is skipped nobody is woken. */
	assert_int_equal(stream_line(&s, 10, &line, &len), STREAM_TIMEOUT);
	assert_int_equal(stream_revive(&s, 1000), 1);
	assert_int_equal(stream_revive(&s, 1000), 0);
	stream_puts(&s, "bye");
	assert_int_equal(stream_flush(&s), STREAM_OK);
	stream_clear(&s);
	assert_int_equal(stream_revive(&s, 1000), 0);
	close(p[1]);
	close(w[0]);
	close(w[1]);
}

/* Replies to pipelined lines leave together, at the first wait. */
static void
test_gather(void **state)
{
	struct stream s;
	char *line, got[100];
	size_t i, len;
	int p[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, p), 0);
	stream_init(&s, p[0]);
	stream_deadline(&s, 20);
	assert_int_equal(write(p[1], "a\r\nb\r\nc\r\n", 9), 9);
	for (i = 0; i < 3; i++) {
		assert_int_equal(stream_line(&s, 10, &line, &len), STREAM_OK);
		stream_printf(&s, "250 %s\r\n", line);
	}
	assert_false(stream_has_input(&s));
	assert_int_equal(stream_line(&s, 10, &line, &len), STREAM_TIMEOUT);
	assert_int_equal(read(p[1], got, sizeof(got)), 21);
	assert_memory_equal(got, "250 a\r\n250 b\r\n250 c\r\n", 21);
	stream_clear(&s);
	close(p[1]);
}

/* What is gathered is bounded: from there on it goes out, or ends. */
static void
test_gather_bound(void **state)
{
	static char half[STREAM_OUT_MAX / 2];
	struct stream s;
	int p[2], formatted;

	memset(half, 'x', sizeof(half));
	for (formatted = 0; formatted < 2; formatted++) {
		assert_int_equal(fd_pair(p), 0);
		stream_init(&s, p[0]);
		close(p[1]);
		stream_write(&s, half, sizeof(half));
		stream_write(&s, half, sizeof(half) - 1);
		assert_int_equal(s.out.len, STREAM_OUT_MAX - 1);
		assert_int_equal(s.end, STREAM_OK);
		if (formatted)
			stream_printf(&s, "%c", 'x');
		else
			stream_write(&s, "x", 1);
		assert_int_equal(s.out.len, 0);
		assert_int_equal(s.end, STREAM_ERROR);
		assert_false(s.wrote);
		stream_clear(&s);
	}
}

static void
make_certificate(void)
{
	EVP_PKEY *k = EVP_EC_gen("P-256");
	X509 *x = X509_new();
	X509_NAME *n;
	X509_EXTENSION *e;
	FILE *f;

	assert_non_null(mkdtemp(dir));
	snprintf(cert, sizeof(cert), "%s/cert", dir);
	snprintf(key, sizeof(key), "%s/key", dir);
	X509_set_version(x, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
	X509_gmtime_adj(X509_getm_notBefore(x), -3600);
	X509_gmtime_adj(X509_getm_notAfter(x), 3600);
	X509_set_pubkey(x, k);
	n = X509_get_subject_name(x);
	X509_NAME_add_entry_by_txt(n, "CN", MBSTRING_ASC,
	    (const unsigned char *)"mx.example.test", -1, -1, 0);
	X509_set_issuer_name(x, n);
	e = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name,
	    "DNS:mx.example.test");
	X509_add_ext(x, e, -1);
	X509_EXTENSION_free(e);
	assert_true(X509_sign(x, k, EVP_sha256()) > 0);
	assert_non_null(f = fopen(cert, "w"));
	PEM_write_X509(f, x);
	fclose(f);
	assert_non_null(f = fopen(key, "w"));
	PEM_write_PrivateKey(f, k, NULL, NULL, 0, NULL, NULL);
	fclose(f);
	X509_free(x);
	EVP_PKEY_free(k);
}

/* A client in a child: STARTTLS by hand, with words behind it if injected. */
static pid_t
tls_client(int fd, int other, const char *host, const char *alpn)
{
	struct buf why = BUF_INIT(0);
	struct stream s;
	SSL_CTX *ctx;
	size_t len;
	char *line;
	pid_t pid;
	int r;

	if ((pid = fork()) != 0)
		return pid;
	signal(SIGPIPE, SIG_IGN);
	close(other);
	stream_init(&s, fd);
	stream_deadline(&s, 5000);
	ctx = tls_client_new(host != NULL ? cert : NULL, host != NULL ?
	    TLS_VERIFIED : TLS_WEAK, &why);
	if (ctx == NULL)
		_exit(2);
	if (alpn != NULL)
		SSL_CTX_set_alpn_protos(ctx, (const unsigned char *)alpn,
		    (unsigned)strlen(alpn));
	if (stream_tls_connect(&s, ctx, host ? host : "any.test", &why) == -1)
		_exit(3);
	stream_puts(&s, "hello\r\n");
	r = stream_line(&s, 100, &line, &len) == STREAM_OK &&
	    strcmp(line, "hello back") == 0 ? 0 : 4;
	/* An orderly end of TLS, then octets in the clear. */
	if (SSL_shutdown(s.ssl) >= 0 && write(fd, "clear\r\n", 7) == -1)
		r |= 0;		/* the server was quicker to close */
	stream_clear(&s);
	tls_free(&ctx);
	buf_clear(&why);
	_exit(r);
}

static void
test_tls(void **state)
{
	static const struct {
		const char *host, *alpn;
		int status;
	} t[] = {
		{ NULL, NULL, 0 },
		{ "mx.example.test", NULL, 0 },
		{ "mx.example.com", NULL, 3 },
		{ "mx.example.test", "\004smtp", 0 },
		{ "mx.example.test", "\002h2\004smtp", 0 },
		{ "mx.example.test", "\002h2\010http/1.1", 3 },
	};
	struct buf why = BUF_INIT(0);
	struct stream s;
	SSL_CTX *ctx;
	size_t i, len;
	char *line, text[100];
	int p[2], status;
	pid_t pid;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		ctx = tls_server_new(TLS_PATHS(cert, key), "smtp", 0, &why);
		assert_non_null(ctx);
		assert_int_equal(fd_pair(p), 0);
		pid = tls_client(p[1], p[0], t[i].host, t[i].alpn);
		close(p[1]);
		stream_init(&s, p[0]);
		stream_deadline(&s, 5000);
		/* What stands in the buffer never outlives the handshake. */
		memcpy(s.in, "RSET\r\n", 6);
		s.in_end = 6;
		if (stream_tls_accept(&s, ctx, &why) == 0) {
			tls_describe(s.ssl, text, sizeof(text));
			assert_memory_equal(text, "TLSv1.3 TLS_", 12);
			if (stream_line(&s, 100, &line, &len) == STREAM_OK) {
				assert_string_equal(line, "hello");
				stream_puts(&s, "hello back\r\n");
				assert_int_equal(stream_line(&s, 100, &line,
				    &len), STREAM_EOF);
				assert_int_equal(stream_fill(&s), STREAM_EOF);
			}
		} else
			assert_true(why.len > 0);
		stream_clear(&s);
		tls_free(&ctx);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_int_equal(WEXITSTATUS(status), t[i].status);
	}
	assert_null(tls_server_new(TLS_PATHS("/nonexistent", key), NULL, 0,
	    &why));
	assert_non_null(strstr(buf_str(&why), "/nonexistent"));
	assert_null(tls_server_new(TLS_PATHS(cert, cert), NULL, 0, &why));
	buf_clear(&why);
}

/* Whoever closes says so: an end without that word may be a forged one. */
static void
test_tls_close(void **state)
{
	struct buf why = BUF_INIT(0);
	struct stream s;
	SSL_CTX *ctx;
	size_t len;
	char *line;
	int p[2], status;
	pid_t pid;

	assert_int_equal(fd_pair(p), 0);
	if ((pid = fork()) == 0) {
		close(p[0]);
		stream_init(&s, p[1]);
		stream_deadline(&s, 20000);
		ctx = tls_client_new(NULL, TLS_WEAK, &why);
		if (stream_tls_connect(&s, ctx, "any.test", &why) == -1 ||
		    stream_line(&s, 100, &line, &len) != STREAM_OK)
			_exit(2);
		_exit(stream_line(&s, 100, &line, &len) == STREAM_EOF ? 0 : 1);
	}
	close(p[1]);
	ctx = tls_server_new(TLS_PATHS(cert, key), NULL, 0, &why);
	stream_init(&s, p[0]);
	stream_deadline(&s, 20000);
	assert_int_equal(stream_tls_accept(&s, ctx, &why), 0);
	stream_puts(&s, "bye\r\n");
	stream_close(&s);
	assert_int_equal(s.fd, -1);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	tls_free(&ctx);
	buf_clear(&why);
}

/* The end of TLS is something to read: nobody waits for more after it. */
static void
test_tls_readable_at_end(void **state)
{
	struct buf why = BUF_INIT(0);
	struct stream s;
	SSL_CTX *ctx;
	size_t len;
	char *line;
	int p[2], status, abrupt;
	pid_t pid;

	for (abrupt = 0; abrupt < 2; abrupt++) {
		assert_int_equal(fd_pair(p), 0);
		if ((pid = fork()) == 0) {
			close(p[0]);
			stream_init(&s, p[1]);
			stream_deadline(&s, 20000);
			ctx = tls_client_new(NULL, TLS_WEAK, &why);
			if (stream_tls_connect(&s, ctx, "any.test", &why) ==
			    -1)
				_exit(2);
			if (!abrupt)
				stream_close(&s);
			_exit(0);
		}
		close(p[1]);
		ctx = tls_server_new(TLS_PATHS(cert, key), NULL, 0, &why);
		stream_init(&s, p[0]);
		stream_deadline(&s, 20000);
		assert_int_equal(stream_tls_accept(&s, ctx, &why), 0);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_int_equal(status, 0);
		assert_true(stream_readable(&s));
		assert_true(stream_line(&s, 100, &line, &len) != STREAM_OK);
		stream_clear(&s);
		tls_free(&ctx);
	}
	buf_clear(&why);
}

/* A server whose records leave when it says so, over one descriptor. */
struct records {
	SSL	*ssl;
	BIO	*in, *out;
	int	 fd;
};

static void
records_send(struct records *r)
{
	char *p;
	long n = BIO_get_mem_data(r->out, &p);

	if (n > 0 && fd_write_all(r->fd, p, (size_t)n) == -1)
		_exit(2);
	(void)BIO_reset(r->out);
}

static void
records_receive(struct records *r)
{
	char block[4096];
	ssize_t n = read(r->fd, block, sizeof(block));

	if (n <= 0 || BIO_write(r->in, block, (int)n) != (int)n)
		_exit(3);
}

static void
records_say(struct records *r, const char *words)
{
	if (SSL_write(r->ssl, words, (int)strlen(words)) <= 0)
		_exit(4);
}

/* Waits for a line of the client. */
static void
records_hear(struct records *r)
{
	char line[100];

	while (SSL_read(r->ssl, line, sizeof(line)) <= 0)
		records_receive(r);
}

/* A session ticket and a new key, which asks for the client's. */
static void
records_extra(struct records *r)
{
	if (SSL_new_session_ticket(r->ssl) != 1 ||
	    SSL_do_handshake(r->ssl) != 1 ||
	    SSL_key_update(r->ssl, SSL_KEY_UPDATE_REQUESTED) != 1 ||
	    SSL_do_handshake(r->ssl) != 1)
		_exit(5);
}

static void
records_serve(int fd)
{
	struct buf why = BUF_INIT(300);
	SSL_CTX *ctx = tls_server_new(TLS_PATHS(cert, key), NULL, 2, &why);
	struct records r = { .fd = fd, .ssl = SSL_new(ctx),
		.in = BIO_new(BIO_s_mem()), .out = BIO_new(BIO_s_mem()) };

	alarm(20);
	BIO_set_mem_eof_return(r.in, -1);
	SSL_set_bio(r.ssl, r.in, r.out);
	while (SSL_accept(r.ssl) != 1) {
		records_send(&r);
		records_receive(&r);
	}
	/* In one piece: tickets, a line, more of TLS's own. */
	records_say(&r, "one\r\n");
	records_extra(&r);
	records_send(&r);
	records_hear(&r);
	/* By itself, between two lines. */
	records_extra(&r);
	records_send(&r);
	records_hear(&r);
	records_say(&r, "two\r\n");
	records_say(&r, "three\r\n");
	records_send(&r);
	records_hear(&r);
	SSL_free(r.ssl);
	tls_free(&ctx);
	buf_clear(&why);
	_exit(0);
}

/* What TLS says for itself is no input, whenever it comes; text is. */
static void
test_tls_own_records(void **state)
{
	struct buf why = BUF_INIT(300);
	SSL_CTX *ctx = tls_client_new(NULL, TLS_WEAK, &why);
	struct pollfd w = { .events = POLLIN };
	struct stream s;
	int p[2], status;
	size_t len;
	char *line;
	pid_t pid;

	assert_int_equal(fd_pair(p), 0);
	assert_true((pid = fork()) != -1);
	if (pid == 0) {
		close(p[0]);
		records_serve(p[1]);
	}
	close(p[1]);
	stream_init(&s, w.fd = p[0]);
	stream_deadline(&s, 20000);
	assert_int_equal(stream_tls_connect(&s, ctx, "any.test", &why), 0);
	assert_int_equal(stream_line(&s, 100, &line, &len), STREAM_OK);
	assert_string_equal(line, "one");
	assert_false(stream_has_input(&s));
	assert_false(stream_readable(&s));
	stream_puts(&s, "next\r\n");
	assert_int_equal(stream_flush(&s), STREAM_OK);
	assert_int_equal(poll(&w, 1, 20000), 1);
	assert_false(stream_readable(&s));
	assert_false(stream_has_input(&s));
	stream_puts(&s, "next\r\n");
	assert_int_equal(stream_line(&s, 100, &line, &len), STREAM_OK);
	assert_string_equal(line, "two");
	assert_true(stream_has_input(&s));
	assert_int_equal(stream_line(&s, 100, &line, &len), STREAM_OK);
	assert_string_equal(line, "three");
	stream_puts(&s, "next\r\n");
	assert_int_equal(stream_flush(&s), STREAM_OK);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	/* The end of the connection is something to be read, as in the clear. */
	assert_true(stream_readable(&s));
	assert_int_not_equal(s.end, STREAM_OK);
	assert_string_equal(stream_words(&s),
	    "the peer closed the connection");
	stream_clear(&s);
	tls_free(&ctx);
	buf_clear(&why);
}

/* What every context has, and what one for sessions of their own has. */
static void
test_contexts(void **state)
{
	struct buf why = BUF_INIT(300);
	SSL_CTX *ctx;
	unsigned i;

	for (i = 0; i < 5; i++) {
		ctx = i < 2 ? tls_server_new(TLS_PATHS(cert, key), NULL, i * 2,
		    &why) : tls_client_new(i == 3 ? cert : NULL, i == 2 ?
		    TLS_WEAK : i == 3 ? TLS_VERIFIED : TLS_UNKNOWN, &why);
		assert_non_null(ctx);
		/* Where nothing is verified the other choice is none. */
		assert_int_equal(SSL_CTX_get_min_proto_version(ctx),
		    i == 2 ? TLS1_VERSION : TLS1_2_VERSION);
		assert_int_equal(SSL_CTX_get_security_level(ctx) == 0,
		    i == 2);
		assert_int_equal(SSL_CTX_get_options(ctx) &
		    (SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION),
		    SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
		assert_int_equal(SSL_CTX_get_verify_mode(ctx) &
		    SSL_VERIFY_PEER, i == 3 ? SSL_VERIFY_PEER : 0);
		if (i < 2) {
			assert_int_equal((SSL_CTX_get_options(ctx) &
			    SSL_OP_NO_TICKET) != 0, i == 0);
			assert_int_equal(SSL_CTX_get_num_tickets(ctx), i * 2);
			assert_int_equal(SSL_CTX_get_session_cache_mode(ctx),
			    SSL_SESS_CACHE_OFF);
		}
		tls_free(&ctx);
		assert_null(ctx);
	}
	buf_clear(&why);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_endless),
		cmocka_unit_test(test_deadline),
		cmocka_unit_test(test_trickle),
		cmocka_unit_test(test_readable),
		cmocka_unit_test(test_block),
		cmocka_unit_test(test_wake),
		cmocka_unit_test(test_gather),
		cmocka_unit_test(test_gather_bound),
		cmocka_unit_test(test_tls),
		cmocka_unit_test(test_tls_close),
		cmocka_unit_test(test_tls_readable_at_end),
		cmocka_unit_test(test_tls_own_records),
		cmocka_unit_test(test_contexts),
	};
	int r;

	signal(SIGPIPE, SIG_IGN);
	tls_init();
	make_certificate();
	r = cmocka_run_group_tests(tests, NULL, NULL);
	unlink(cert);
	unlink(key);
	rmdir(dir);
	return r;
}
