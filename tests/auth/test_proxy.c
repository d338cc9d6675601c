/*
 * The real login between a TLS client (OpenSSL), a stand-in for auth and the
 * other end of a session: all in one thread, turn by turn.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include "auth/login_auth.h"
#include "auth/login_count.h"
#include "auth/login_events.h"
#include "auth/login_io.h"
#include "auth/login_proxy.h"
#include "auth/login_server.h"
#include "lib/base/clock.h"
#include "lib/base/fd.h"
#include "lib/mail/imap_capability.h"
#include "lib/mail/proto.h"
#include "lib/net/tls.h"

enum { TURNS = 4000 };

static int64_t skew;		/* ms that the clock is ahead */

int64_t	__real_clock_mono_ms(void);
int64_t	__wrap_clock_mono_ms(void);

int64_t
__wrap_clock_mono_ms(void)
{
	return __real_clock_mono_ms() + skew;
}

static char dir[] = "/tmp/test_proxy.XXXXXX", cert[64], key[64];
static struct ev_loop *loop;
static struct login_server server;
static struct chan auth;
static SSL_CTX *client_ctx;

/* A client's end. */
struct end {
	int	 fd;
	SSL	*ssl;
};

static void
write_pem(long serial)
{
	EVP_PKEY *k = EVP_EC_gen("P-256");
	X509 *x = X509_new();
	FILE *f;

	ASN1_INTEGER_set(X509_get_serialNumber(x), serial);
	X509_gmtime_adj(X509_getm_notBefore(x), 0);
	X509_gmtime_adj(X509_getm_notAfter(x), 3600);
	X509_set_pubkey(x, k);
	X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN",
	    MBSTRING_ASC, (const unsigned char *)"mail.example.test", -1, -1,
	    0);
	X509_set_issuer_name(x, X509_get_subject_name(x));
	assert_true(X509_sign(x, k, EVP_sha256()) > 0);
	f = fopen(cert, "w");
	assert_int_equal(PEM_write_X509(f, x), 1);
	fclose(f);
	f = fopen(key, "w");
	assert_int_equal(PEM_write_PrivateKey(f, k, NULL, NULL, 0, NULL,
	    NULL), 1);
	fclose(f);
	X509_free(x);
	EVP_PKEY_free(k);
}

static void
turn(void)
{
	ev_run(loop, EVRUN_NOWAIT);
}

static void
open_server(void)
{
	struct buf why = BUF_INIT(300);
	SSL_CTX *a, *b;
	int fd[2];

	memset(&server, 0, sizeof(server));
	a = tls_server_new(TLS_PATHS(cert, key), "imap", 1, &why);
	b = tls_server_new(TLS_PATHS(cert, key), "pop3", 1, &why);
	assert_non_null(a);
	assert_non_null(b);
	login_server_init(&server, loop, 10, a, b);
	server.max_address = 5;
	server.max_user = 3;
	server.talk_ms = 60000;
	assert_int_equal(fd_pair(fd), 0);
	fd_nonblock(fd[0], 1);
	login_auth_set(&server, fd[0]);
	chan_init(&auth, fd[1]);
	fd_nonblock(fd[1], 1);
}

static void
close_server(void)
{
	login_server_clear(&server);
	chan_clear(&auth);
}

static void
peer_open(struct end *p, enum service s, const char *remote)
{
	int fd[2];

	assert_int_equal(fd_pair(fd), 0);
	fd_nonblock(fd[0], 1);
	fd_nonblock(fd[1], 1);
	p->fd = fd[1];
	p->ssl = NULL;
	login_client_new(&server, s, fd[0], remote);
	turn();
}

static int
peer_tls(struct end *p)
{
	int i, r = 0;

	p->ssl = SSL_new(client_ctx);
	SSL_set_fd(p->ssl, p->fd);
	for (i = 0; i < TURNS && r != 1; i++) {
		ERR_clear_error();
		r = SSL_connect(p->ssl);
		if (r != 1 && SSL_get_error(p->ssl, r) != SSL_ERROR_WANT_READ)
			return -1;
		turn();
	}
	return r == 1 ? 0 : -1;
}

static void
peer_close(struct end *p)
{
	SSL_free(p->ssl);
	p->ssl = NULL;
	fd_close(&p->fd);
}

static void
peer_say(struct end *p, const char *s)
{
	size_t n = strlen(s);

	if (p->ssl != NULL)
		assert_int_equal(SSL_write(p->ssl, s, (int)n), (int)n);
	else
		assert_int_equal(write(p->fd, s, n), (int)n);
	turn();
}

/* What came, up to size octets; -1: nothing there, 0: the end. */
static ssize_t
peer_read(struct end *p, char *out, size_t size)
{
	int r;

	if (p->ssl == NULL)
		return read(p->fd, out, size);
	ERR_clear_error();
	r = SSL_read(p->ssl, out, (int)size);
	if (r > 0)
		return r;
	return SSL_get_error(p->ssl, r) == SSL_ERROR_WANT_READ ? -1 : 0;
}

/* Reads until the text ends in want. */
static void
peer_expect(struct end *p, const char *want)
{
	char got[4096];
	size_t n = 0, len = strlen(want);
	ssize_t r;
	int i;

	for (i = 0; i < TURNS; i++) {
		turn();
		r = peer_read(p, got + n, sizeof(got) - 1 - n);
		if (r > 0)
			n += (size_t)r;
		got[n] = '\0';
		if (n >= len && strcmp(got + n - len, want) == 0)
			return;
		if (r == 0)
			break;
	}
	fail_msg("expected \"%s\", got \"%s\"", want, got);
}

static void
peer_expect_end(struct end *p)
{
	char junk[4096];
	ssize_t r = -1;
	int i;

	for (i = 0; i < TURNS && r != 0; i++) {
		turn();
		r = peer_read(p, junk, sizeof(junk));
	}
	assert_int_equal(r, 0);
}

/* What else the last question said. */
static char asked_remote[100], asked_tls[100];
static uint32_t asked_service;

static void
text_of(const struct msg *m, uint8_t tag, char *out, size_t size)
{
	char *s = msg_get_dup(m, tag);

	snprintf(out, size, "%s", s);
	free(s);
}

/* The question that login put to auth: its id. */
static uint32_t
asked(const char *user, const char *password)
{
	struct buf why = BUF_INIT(200);
	struct msg m;
	uint32_t id;
	char *s;
	int i, r = 0;

	for (i = 0; i < TURNS && r != 1; i++) {
		turn();
		(void)!chan_read(&auth);
		r = msg_next(&m, &proto_auth, PEER_LOGIN, &auth, &why);
	}
	assert_int_equal(r, 1);
	s = msg_get_dup(&m, AF_USER);
	assert_string_equal(s, user);
	free(s);
	s = msg_get_dup(&m, AF_PASSWORD);
	assert_string_equal(s, password);
	free(s);
	text_of(&m, AF_REMOTE, asked_remote, sizeof(asked_remote));
	text_of(&m, AF_TLS, asked_tls, sizeof(asked_tls));
	asked_service = msg_get_u32(&m, AF_SERVICE);
	id = m.id;
	msg_done(&m);
	return id;
}

static void
refuse(uint32_t id, enum a_reason why)
{
	msg_begin(&auth, &proto_auth, A_NO, id);
	msg_u32(&auth, AF_REASON, why);
	msg_text(&auth, AF_WORDS, "words");
	assert_int_equal(msg_end(&auth), 0);
	assert_int_equal(chan_flush(&auth), 1);
}

/* Says yes; the other end of the session. */
static int
pass(uint32_t id, const char *user)
{
	int fd[2];

	assert_int_equal(fd_pair(fd), 0);
	msg_begin(&auth, &proto_auth, A_OK, id);
	msg_text(&auth, AF_USER, user);
	msg_fd(&auth, fd[0]);
	assert_int_equal(msg_end(&auth), 0);
	assert_int_equal(chan_flush(&auth), 1);
	fd_nonblock(fd[1], 1);
	turn();
	return fd[1];
}

/* A client that is logged in; the session's end. */
static int
logged_in(struct end *p)
{
	int fd;

	peer_open(p, SERVICE_IMAPS, "192.0.2.1:1");
	assert_int_equal(peer_tls(p), 0);
	peer_expect(p, "] Rohrpost ready\r\n");
	peer_say(p, "a LOGIN anna kaffee\r\n");
	fd = pass(asked("anna", "kaffee"), "anna@example.test");
	peer_expect(p, "a OK [CAPABILITY " IMAP_CAPABILITY "] logged in\r\n");
	return fd;
}

static void
session_expect(int fd, const char *want)
{
	char got[1000];
	size_t n = 0;
	ssize_t r;
	int i;

	for (i = 0; i < TURNS && n < strlen(want); i++) {
		turn();
		r = read(fd, got + n, sizeof(got) - 1 - n);
		if (r > 0)
			n += (size_t)r;
	}
	got[n] = '\0';
	assert_string_equal(got, want);
}

static void
test_login(void **state)
{
	struct end p;
	char c;
	int fd;

	open_server();
	peer_open(&p, SERVICE_IMAP, "192.0.2.1:1");
	peer_expect(&p, "] Rohrpost ready\r\n");
	/* What stands behind STARTTLS in the segment is never executed. */
	peer_say(&p, "a STARTTLS\r\nx LOGOUT\r\n");
	peer_expect(&p, "a OK begin TLS now\r\n");
	assert_int_equal(peer_tls(&p), 0);
	peer_say(&p, "b LOGIN {4+}\r\nanna kaffee\r\nc SELECT INBOX\r\n");
	fd = pass(asked("anna", "kaffee"), "anna@example.test");
	peer_expect(&p, "] logged in\r\n");
	session_expect(fd, "c SELECT INBOX\r\n");
	assert_int_equal(write(fd, "c OK\r\n", 6), 6);
	peer_expect(&p, "c OK\r\n");
	/* The client says no more: the session is told, and may answer. */
	peer_say(&p, "d LOGOUT\r\n");
	SSL_shutdown(p.ssl);
	session_expect(fd, "d LOGOUT\r\n");
	turn();
	assert_int_equal(read(fd, &c, 1), 0);
	assert_int_equal(write(fd, "* BYE\r\n", 7), 7);
	close(fd);
	peer_expect(&p, "* BYE\r\n");
	peer_expect_end(&p);
	peer_close(&p);
	turn();
	assert_int_equal(server.clients, 0);
	close_server();
}

static void
test_refused(void **state)
{
	static const struct {
		enum a_reason why;
		const char *text;
	} row[] = {
		{ A_BAD, "a NO [AUTHENTICATIONFAILED] wrong name or "
		  "password\r\n" },
		{ A_LATER, "a NO [UNAVAILABLE] temporary trouble, try again "
		  "later\r\n" },
		{ A_LIMIT, "a NO [LIMIT] too many failed logins, wait a "
		  "while\r\n" },
		{ A_SESSIONS, "a NO [LIMIT] too many open sessions of this "
		  "user\r\n" },
		{ A_PROTOCOL, "a NO [AUTHORIZATIONFAILED] IMAP is switched "
		  "off for this account\r\n" },
		/* One that a later auth may have. */
		{ A_PROTOCOL + 1, "a NO [UNAVAILABLE] temporary trouble, try "
		  "again later\r\n" },
	};
	struct end p;
	uint32_t id;
	size_t i;
	int fd;

	open_server();
	peer_open(&p, SERVICE_IMAPS, "192.0.2.1:1");
	assert_int_equal(peer_tls(&p), 0);
	for (i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		peer_say(&p, "a LOGIN anna x\r\n");
		refuse(asked("anna", "x"), row[i].why);
		peer_expect(&p, row[i].text);
	}
	/* Auth dies while it is asked; then there is none; then a new one. */
	peer_say(&p, "a LOGIN anna x\r\n");
	asked("anna", "x");
	chan_clear(&auth);
	peer_expect(&p, row[1].text);
	peer_say(&p, "a LOGIN anna x\r\n");
	peer_expect(&p, row[1].text);
	peer_close(&p);
	close_server();

	/* The client is gone when the answer comes: the session sees an end. */
	open_server();
	peer_open(&p, SERVICE_IMAPS, "192.0.2.1:1");
	assert_int_equal(peer_tls(&p), 0);
	peer_say(&p, "a LOGIN anna x\r\n");
	id = asked("anna", "x");
	peer_close(&p);
	turn();
	fd = pass(id, "anna@example.test");
	for (i = 0; i < 100; i++)
		turn();
	peer_close(&(struct end){ .fd = fd });
	close_server();
}

/*
 * What a client has sent behind a refused login, more than is held while auth
 * is asked: TLS has read it already, and no descriptor tells.
 */
static void
test_refused_pipelined(void **state)
{
	enum { LINES = 30, PAD = 1000 };
	struct buf b = BUF_INIT(0);
	struct end p;
	int i, pad, logins;

	for (logins = 1; logins <= 3; logins++) {
		open_server();
		peer_open(&p, SERVICE_IMAPS, "192.0.2.1:1");
		assert_int_equal(peer_tls(&p), 0);
		peer_expect(&p, "] Rohrpost ready\r\n");
		buf_reset(&b);
		for (i = 0; i < logins; i++)
			buf_puts(&b, "a LOGIN anna x\r\n");
		for (i = 0; i < LINES; i++) {
			buf_puts(&b, "b ID (\"name\" \"");
			for (pad = 0; pad < PAD; pad++)
				buf_putc(&b, 'x');
			buf_puts(&b, "\")\r\n");
		}
		buf_puts(&b, "c NOOP\r\n");
		peer_say(&p, b.data);
		for (i = 0; i < logins; i++)
			refuse(asked("anna", "x"), A_BAD);
		peer_expect(&p, "c OK done\r\n");
		peer_close(&p);
		close_server();
	}
	buf_clear(&b);
}

static void
fill(char *p, size_t len, unsigned *seed)
{
	size_t i;

	for (i = 0; i < len; i++)
		p[i] = (char)((*seed = *seed * 1103515245 + 12345) >> 16);
}

/* The session writes without end to a client that does not read. */
static void
test_pressure_down(void **state)
{
	enum { TOTAL = 8 << 20, BOUND = 2 << 20 };
	static char out[65536], in[65536], expected[65536];
	unsigned seed = 1, check = 1;
	size_t sent = 0, got = 0, quiet, i;
	struct end p;
	ssize_t n;
	int fd;

	open_server();
	fd = logged_in(&p);
	fill(out, sizeof(out), &seed);
	for (quiet = 0; quiet < 100; ) {
		n = write(fd, out + sent % sizeof(out),
		    sizeof(out) - sent % sizeof(out));
		quiet = n > 0 ? 0 : quiet + 1;
		if (n > 0)
			sent += (size_t)n;
		if (n > 0 && sent % sizeof(out) == 0)
			fill(out, sizeof(out), &seed);
		turn();
		assert_true(sent < BOUND);
	}
	/* Now it reads: every octet comes, in order. */
	fill(expected, sizeof(expected), &check);
	while (got < TOTAL) {
		if (sent < TOTAL) {
			n = write(fd, out + sent % sizeof(out),
			    sizeof(out) - sent % sizeof(out));
			if (n > 0)
				sent += (size_t)n;
			if (n > 0 && sent % sizeof(out) == 0)
				fill(out, sizeof(out), &seed);
		}
		turn();
		n = peer_read(&p, in, sizeof(in));
		for (i = 0; n > 0 && i < (size_t)n; i++, got++) {
			if (got > 0 && got % sizeof(expected) == 0)
				fill(expected, sizeof(expected), &check);
			assert_int_equal(in[i],
			    expected[got % sizeof(expected)]);
		}
		assert_int_not_equal(n, 0);
	}
	close(fd);
	peer_close(&p);
	close_server();
}

/* The client writes without end to a session that does not read. */
static void
test_pressure_up(void **state)
{
	enum { TOTAL = 8 << 20, BOUND = 2 << 20 };
	static char out[16384], in[65536];
	size_t sent = 0, got = 0, quiet = 0;
	struct end p;
	ssize_t n;
	int fd, r;

	open_server();
	fd = logged_in(&p);
	memset(out, 'x', sizeof(out));
	SSL_set_mode(p.ssl, SSL_MODE_ENABLE_PARTIAL_WRITE |
	    SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	while (quiet < 100) {
		ERR_clear_error();
		r = SSL_write(p.ssl, out, sizeof(out));
		quiet = r > 0 ? 0 : quiet + 1;
		if (r > 0)
			sent += (size_t)r;
		turn();
		assert_true(sent < BOUND);
	}
	while (got < TOTAL) {
		ERR_clear_error();
		r = SSL_write(p.ssl, out, sizeof(out));
		if (r > 0)
			sent += (size_t)r;
		turn();
		n = read(fd, in, sizeof(in));
		if (n > 0)
			got += (size_t)n;
		assert_int_not_equal(n, 0);
	}
	close(fd);
	peer_close(&p);
	close_server();
}

/* Room for a turn's share and more, within what any system grants. */
static void
roomy(int fd)
{
	int n = 200 * 1024;

	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &n, sizeof(n)),
	    0);
}

/* Reads all that is there; how much. */
static size_t
session_drain(int fd)
{
	static char in[65536];
	size_t all = 0;
	ssize_t n;

	while ((n = read(fd, in, sizeof(in))) > 0)
		all += (size_t)n;
	return all;
}

/*
 * A session that was behind takes all at once: what the client's share of a
 * turn leaves, TLS has read ahead, and no descriptor tells.
 */
static void
test_pressure_end(void **state)
{
	enum { FROM = 512 * 1024, TO = 1024 * 1024, STEP = 5000 };
	static char out[STEP];
	size_t total, sent, got, quiet;
	struct end p;
	int fd;

	memset(out, 'x', sizeof(out));
	for (total = FROM; total < TO; total += STEP) {
		open_server();
		fd = logged_in(&p);
		roomy(p.fd);
		roomy(server.slot[0]->session);
		sent = got = 0;
		for (quiet = 0; quiet < 20 && sent < total; turn()) {
			ERR_clear_error();
			quiet++;
			if (SSL_write(p.ssl, out, sizeof(out)) > 0) {
				sent += sizeof(out);
				quiet = 0;
			}
		}
		for (quiet = 0; quiet < 20 && got < sent; quiet++) {
			got += session_drain(fd);
			turn();
		}
		assert_int_equal(got, sent);
		close(fd);
		peer_close(&p);
		close_server();
	}
}

static void
test_vanished(void **state)
{
	struct end p;
	int fd;

	open_server();
	fd = logged_in(&p);
	close(fd);
	peer_expect(&p, "* BYE the session has ended, connect again\r\n");
	peer_expect_end(&p);
	peer_close(&p);
	/* In the middle of a literal nothing of ours may stand. */
	fd = logged_in(&p);
	assert_int_equal(write(fd, "* 1 FETCH (BODY[] {99}\r\nhello\r\n", 31),
	    31);
	close(fd);
	peer_expect(&p, "hello\r\n");
	peer_expect_end(&p);
	peer_close(&p);
	close_server();
}

static void
test_rest(void **state)
{
	static const struct {
		enum login_rest was;
		const char *text;
		enum login_rest rest;
	} row[] = {
		{ 0, "* 1 FETCH (FLAGS ())\r\na1 OK done\r\n", 1 },
		{ 1, "a1 NO [X] y\r\n", 1 }, { 0, "a1 OK done\r\n", 0 },
		{ 1, "+ idling\r\n", 1 }, { 1, "* 12 EXISTS\r\n", 1 },
		{ 1, "* 12 FETCH (x\r\n", 0 }, { 1, "* BYE x\r\n", 2 },
		{ 1, "* BYE x\r\na1 OK done\r\n", 2 },
		{ 0, "x\r\n* BYE x\r\na1 OK done\r\n", 2 },
		{ 2, "a1 OK done\r\n", 2 },
		{ 1, "* BYE x\r\nhello\r\nb OK\r\n", 0 },
		{ 1, "a1 OK done", 0 }, { 1, "", 0 }, { 1, "\n", 0 },
		{ 1, "\r\n", 0 }, { 1, "x\r\n* 5 apples\r\n", 0 },
	};
	size_t i;

	for (i = 0; i < sizeof(row) / sizeof(row[0]); i++)
		assert_int_equal(login_proxy_rest(row[i].was, row[i].text,
		    strlen(row[i].text)), row[i].rest);
}

static void
test_limits(void **state)
{
	struct end p[12];
	char remote[40];
	int fd[4], i;

	open_server();
	/* One address. */
	for (i = 0; i < 5; i++)
		peer_open(&p[i], SERVICE_IMAP, "192.0.2.1:1");
	peer_open(&p[5], SERVICE_POP3, "192.0.2.1:2");
	peer_expect(&p[5], "-ERR too many connections\r\n");
	peer_expect_end(&p[5]);
	for (i = 0; i < 6; i++)
		peer_close(&p[i]);
	for (i = 0; i < 50; i++)
		turn();
	assert_int_equal(server.clients, 0);
	/* All places taken: the oldest that is not logged in makes room. */
	for (i = 0; i < 11; i++) {
		snprintf(remote, sizeof(remote), "192.0.2.%d:1", i + 1);
		peer_open(&p[i], SERVICE_IMAP, remote);
	}
	assert_int_equal(server.clients, 10);
	peer_expect_end(&p[0]);
	peer_expect(&p[10], "] Rohrpost ready\r\n");
	for (i = 0; i < 11; i++)
		peer_close(&p[i]);
	for (i = 0; i < 50; i++)
		turn();
	/* One user. */
	for (i = 0; i < 3; i++)
		fd[i] = logged_in(&p[i]);
	peer_open(&p[3], SERVICE_POP3S, "192.0.2.1:1");
	assert_int_equal(peer_tls(&p[3]), 0);
	peer_say(&p[3], "USER anna\r\nPASS kaffee\r\n");
	fd[3] = pass(asked("anna", "kaffee"), "anna@example.test");
	peer_expect(&p[3], "-ERR [SYS/TEMP] too many open sessions of this "
	    "user\r\n");
	for (i = 0; i < 4; i++) {
		peer_close(&p[i]);
		close(fd[i]);
	}
	close_server();
}

/* What auth hears of a client; an answer counts for its question alone. */
static void
test_questions(void **state)
{
	struct end p, q;
	uint32_t first, second;
	char c;
	int fd;

	open_server();
	peer_open(&p, SERVICE_POP3S, "192.0.2.1:1");
	assert_int_equal(peer_tls(&p), 0);
	peer_expect(&p, "ready\r\n");
	peer_say(&p, "USER anna\r\nPASS x\r\n");
	first = asked("anna", "x");
	assert_int_equal(asked_service, SERVICE_POP3S);
	assert_string_equal(asked_remote, "192.0.2.1:1");
	assert_int_equal(strncmp(asked_tls, "TLSv1.3 ", 8), 0);
	refuse(first, A_BAD);
	peer_expect(&p, "wrong name or password\r\n");
	/* The name went with its password. */
	peer_say(&p, "PASS x\r\n");
	peer_expect(&p, "-ERR USER first\r\n");
	peer_say(&p, "USER anna\r\nPASS y\r\n");
	second = asked("anna", "y");
	assert_int_not_equal(first, second);
	fd = pass(first, "anna@example.test");
	turn();
	assert_int_equal(read(fd, &c, 1), 0);
	close(fd);
	assert_int_equal(server.slot[second & 0xffff]->state, LOGIN_WAIT);
	/* Nor for another who has the slot now. */
	peer_open(&q, SERVICE_IMAPS, "192.0.2.2:1");
	assert_int_equal(peer_tls(&q), 0);
	peer_expect(&q, "] Rohrpost ready\r\n");
	fd = pass(second & 0xffff, "anna@example.test");
	turn();
	assert_int_equal(read(fd, &c, 1), 0);
	close(fd);
	refuse(second, A_LIMIT);
	peer_expect(&p, "wait a while\r\n");
	peer_close(&p);
	peer_close(&q);
	close_server();
}

/* Another auth: who waits for the one before hears so. */
static void
test_auth_anew(void **state)
{
	struct end p;
	int fd[2];

	open_server();
	peer_open(&p, SERVICE_IMAPS, "192.0.2.1:1");
	assert_int_equal(peer_tls(&p), 0);
	peer_say(&p, "a LOGIN anna x\r\n");
	asked("anna", "x");
	assert_int_equal(fd_pair(fd), 0);
	fd_nonblock(fd[0], 1);
	login_auth_set(&server, fd[0]);
	chan_clear(&auth);
	chan_init(&auth, fd[1]);
	fd_nonblock(fd[1], 1);
	peer_expect(&p, "a NO [UNAVAILABLE] temporary trouble, try again "
	    "later\r\n");
	peer_say(&p, "b LOGIN anna y\r\n");
	refuse(asked("anna", "y"), A_BAD);
	peer_expect(&p, "b NO [AUTHENTICATIONFAILED] wrong name or "
	    "password\r\n");
	peer_close(&p);
	close_server();
}

/* Who logged in is no more one of those who dawdle, and leaves no count. */
static void
test_places(void **state)
{
	struct end p[11];
	char remote[40];
	int fd[11], i;

	open_server();
	server.max_user = 20;
	/* More than may be before login, of one address. */
	for (i = 0; i < 7; i++)
		fd[i] = logged_in(&p[i]);
	for (; i < 10; i++) {
		snprintf(remote, sizeof(remote), "192.0.2.%d:1", i + 2);
		peer_open(&p[i], SERVICE_IMAP, remote);
		peer_expect(&p[i], "] Rohrpost ready\r\n");
	}
	/* All places are taken: the first that is not logged in goes. */
	peer_open(&p[10], SERVICE_IMAP, "192.0.2.99:1");
	peer_expect(&p[10], "] Rohrpost ready\r\n");
	peer_expect_end(&p[7]);
	for (i = 0; i < 7; i++) {
		assert_int_equal(write(fd[i], "* here\r\n", 8), 8);
		peer_expect(&p[i], "* here\r\n");
	}
	for (i = 0; i < 11; i++)
		peer_close(&p[i]);
	for (i = 0; i < 7; i++)
		close(fd[i]);
	for (i = 0; i < 100; i++)
		turn();
	assert_int_equal(server.clients, 0);
	/* As many of that user again. */
	server.max_user = 2;
	for (i = 0; i < 2; i++)
		fd[i] = logged_in(&p[i]);
	for (i = 0; i < 2; i++) {
		peer_close(&p[i]);
		close(fd[i]);
	}
	close_server();
}

/* Who is turned away, for whatever reason, counts for no address. */
static void
test_turned_away(void **state)
{
	struct end p[10], more;
	int fd[10], i;

	open_server();
	server.max_user = 20;
	for (i = 0; i < 10; i++)
		fd[i] = logged_in(&p[i]);
	/* All places are those of sessions: nobody makes room. */
	for (i = 0; i < 2 * (int)server.max_address; i++) {
		peer_open(&more, SERVICE_IMAP, "192.0.2.99:1");
		peer_expect(&more, "* BYE too many connections\r\n");
		peer_expect_end(&more);
		peer_close(&more);
	}
	/* Under TLS at once no word would be understood. */
	peer_open(&more, SERVICE_IMAPS, "192.0.2.99:1");
	assert_int_equal(peer_read(&more, (char[9]){ 0 }, 9), 0);
	peer_close(&more);
	peer_close(&p[0]);
	close(fd[0]);
	for (i = 0; i < 100; i++)
		turn();
	assert_int_equal(server.clients, 9);
	peer_open(&more, SERVICE_IMAP, "192.0.2.99:1");
	peer_expect(&more, "] Rohrpost ready\r\n");
	peer_close(&more);
	for (i = 1; i < 10; i++) {
		peer_close(&p[i]);
		close(fd[i]);
	}
	close_server();
}

/* However many there are, each has a count of its own, and leaves none. */
static void
test_counts(void **state)
{
	enum { KEYS = 50000 };
	static struct login_count *at[KEYS];
	struct login_counts *c = login_counts_new();
	struct login_count *more;
	char name[20];
	int i, turns;

	for (turns = 0; turns < 2; turns++) {
		for (i = 0; i < KEYS; i++) {
			snprintf(name, sizeof(name), "%d", i);
			at[i] = login_count_take(c, name, strlen(name), 1);
			assert_non_null(at[i]);
			assert_null(login_count_take(c, name, strlen(name),
			    1));
		}
		assert_null(login_count_take(c, "none", 4, 0));
		for (i = 0; i < KEYS; i++)
			login_count_drop(c, &at[i]);
	}
	/* One that begins like another is another. */
	at[0] = login_count_take(c, "anna", 4, 1);
	more = login_count_take(c, "ann", 3, 1);
	assert_non_null(at[0]);
	assert_non_null(more);
	login_count_drop(c, &at[0]);
	login_count_drop(c, &more);
	assert_null(more);
	login_counts_free(&c);
}

/* The timer of that slot: seconds, 0 where it is not set. */
static double
timer_of(uint32_t slot)
{
	struct login_client *c = server.slot[slot];

	return ev_is_active(&c->timer) ? ev_timer_remaining(loop, &c->timer) :
	    0;
}

static void
has_time(uint32_t slot, double ms, double less_ms)
{
	double t = timer_of(slot);

	/* Two points of time in floating point are subtracted. */
	if (t > ms / 1000 + 0.001 || t <= less_ms / 1000)
		fail_msg("%.1f s, not %.1f", t, ms / 1000);
}

/* Each state has its time; none is without, but who is logged in. */
static void
test_timers(void **state)
{
	enum { TALK = 60000 };
	static char piece[4096];
	struct end p;
	uint32_t slot;
	int fd, i;

	open_server();
	server.talk_ms = TALK;
	peer_open(&p, SERVICE_IMAP, "192.0.2.1:1");
	slot = server.oldest->slot;
	has_time(slot, TALK, LOGIN_TLS_MS);
	peer_expect(&p, "] Rohrpost ready\r\n");
	peer_say(&p, "a STARTTLS\r\n");
	peer_expect(&p, "a OK begin TLS now\r\n");
	has_time(slot, LOGIN_TLS_MS, LOGIN_CLOSE_MS);
	assert_int_equal(peer_tls(&p), 0);
	has_time(slot, TALK, LOGIN_TLS_MS);
	peer_say(&p, "a LOGIN anna x\r\n");
	asked("anna", "x");
	has_time(slot, LOGIN_ASK_MS, TALK);
	chan_clear(&auth);
	peer_expect(&p, "a NO [UNAVAILABLE] temporary trouble, try again "
	    "later\r\n");
	has_time(slot, TALK, LOGIN_TLS_MS);
	peer_say(&p, "b LOGOUT\r\n");
	peer_expect(&p, "b OK done\r\n");
	has_time(slot, LOGIN_CLOSE_MS, 0);
	peer_close(&p);
	close_server();

	open_server();
	fd = logged_in(&p);
	assert_int_equal(server.clients, 1);
	for (slot = 0; server.slot[slot] == NULL;)
		slot++;
	assert_true(timer_of(slot) == 0);
	/* What it does not read has a time, and its end stops that. */
	for (i = 0; i < 10000 && server.slot[slot]->io.tx.len == 0; i++) {
		(void)!send(fd, piece, sizeof(piece), MSG_DONTWAIT);
		turn();
	}
	assert_true(server.slot[slot]->io.tx.len > 0);
	has_time(slot, LOGIN_STALL_MS, LOGIN_ASK_MS);
	for (i = 0; i < 10000 && timer_of(slot) > 0; i++) {
		(void)peer_read(&p, piece, sizeof(piece));
		turn();
	}
	assert_true(timer_of(slot) == 0);
	while (peer_read(&p, piece, sizeof(piece)) > 0)
		turn();
	/* It says no more: the session has a while to end. */
	shutdown(p.fd, SHUT_WR);
	turn();
	turn();
	has_time(slot, LOGIN_STALL_MS, LOGIN_ASK_MS);
	peer_close(&p);
	close(fd);
	close_server();
}

/* As if its time were over. */
static void
time_over(uint32_t slot)
{
	ev_feed_event(loop, &server.slot[slot]->timer, EV_TIMER);
	turn();
}

static void
gone(void)
{
	int i;

	for (i = 0; i < TURNS && server.clients > 0; i++)
		turn();
	assert_int_equal(server.clients, 0);
}

/* In each state, what who is too slow hears. */
static void
test_time_is_over(void **state)
{
	static const struct {
		enum service service;
		const char *text;
	} row[] = {
		{ SERVICE_IMAP, "* BYE time is up\r\n" },
		{ SERVICE_POP3, "-ERR time is up\r\n" },
	};
	struct end p;
	uint32_t slot;
	char c;
	size_t i;
	int fd;

	open_server();
	for (i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		peer_open(&p, row[i].service, "192.0.2.1:1");
		peer_expect(&p, "ready\r\n");
		slot = server.oldest->slot;
		time_over(slot);
		peer_expect(&p, row[i].text);
		peer_expect_end(&p);
		/* What it says now is not heard; its end is waited for. */
		assert_null(server.oldest);
		assert_int_equal(write(p.fd, "a NOOP\r\n", 8), 8);
		turn();
		assert_int_equal(server.slot[slot]->state, LOGIN_CLOSE);
		has_time(slot, LOGIN_CLOSE_MS, 0);
		if (i == 0) {
			time_over(slot);
			assert_int_equal(server.clients, 0);
		}
		peer_close(&p);
		gone();
	}
	/* A handshake ends without a word. */
	peer_open(&p, SERVICE_IMAPS, "192.0.2.1:1");
	time_over(server.oldest->slot);
	assert_int_equal(peer_read(&p, &c, 1), 0);
	assert_int_equal(server.clients, 0);
	peer_close(&p);
	/* Auth is waited for no more, and its answer comes too late. */
	peer_open(&p, SERVICE_IMAPS, "192.0.2.1:1");
	slot = server.oldest->slot;
	assert_int_equal(peer_tls(&p), 0);
	peer_say(&p, "a LOGIN anna x\r\n");
	fd = (int)asked("anna", "x");
	time_over(slot);
	peer_expect(&p, "a NO [UNAVAILABLE] temporary trouble, try again "
	    "later\r\n");
	fd = pass((uint32_t)fd, "anna@example.test");
	turn();
	assert_int_equal(read(fd, &c, 1), 0);
	close(fd);
	assert_int_equal(server.slot[slot]->state, LOGIN_TALK);
	peer_close(&p);
	gone();
	/* A session whose client takes nothing. */
	fd = logged_in(&p);
	for (slot = 0; server.slot[slot] == NULL;)
		slot++;
	time_over(slot);
	assert_int_equal(server.clients, 0);
	assert_int_equal(read(fd, &c, 1), 0);
	close(fd);
	peer_close(&p);
	close_server();
}

/* The time of the dialogue runs from its begin, whatever is said. */
static void
test_time_of_a_dialogue(void **state)
{
	struct end p;
	uint32_t slot;

	open_server();
	peer_open(&p, SERVICE_IMAPS, "192.0.2.1:1");
	slot = server.oldest->slot;
	skew += 20000;
	assert_int_equal(peer_tls(&p), 0);
	has_time(slot, 40000, 30000);
	skew += 20000;
	peer_say(&p, "a LOGIN anna x\r\n");
	refuse(asked("anna", "x"), A_BAD);
	peer_expect(&p, "wrong name or password\r\n");
	has_time(slot, 20000, 10000);
	/* It is over while auth is asked. */
	peer_say(&p, "b LOGIN anna x\r\n");
	skew += 30000;
	refuse(asked("anna", "x"), A_BAD);
	peer_expect(&p, "b NO [AUTHENTICATIONFAILED] wrong name or "
	    "password\r\n* BYE time is up\r\n");
	peer_expect_end(&p);
	skew = 0;
	peer_close(&p);
	close_server();
}

/* Who is not logged in is told; sessions go on. */
static void
test_stop(void **state)
{
	static const char bye[] = "* BYE the server is shutting down\r\n";
	struct end p[5];
	char c;
	int fd;

	open_server();
	fd = logged_in(&p[0]);
	peer_open(&p[1], SERVICE_IMAP, "192.0.2.1:1");
	peer_expect(&p[1], "ready\r\n");
	peer_open(&p[2], SERVICE_POP3, "192.0.2.1:1");
	peer_expect(&p[2], "ready\r\n");
	peer_open(&p[3], SERVICE_IMAPS, "192.0.2.1:1");
	peer_open(&p[4], SERVICE_IMAPS, "192.0.2.1:1");
	assert_int_equal(peer_tls(&p[4]), 0);
	peer_expect(&p[4], "ready\r\n");
	peer_say(&p[4], "a LOGIN anna x\r\n");
	asked("anna", "x");
	login_server_stop(&server);
	/* Nobody's end is waited for. */
	assert_int_equal(server.clients, 1);
	peer_expect(&p[1], bye);
	peer_expect_end(&p[1]);
	peer_expect(&p[2], "-ERR the server is shutting down\r\n");
	peer_expect_end(&p[2]);
	assert_int_equal(peer_read(&p[3], &c, 1), 0);
	peer_expect(&p[4], bye);
	peer_expect_end(&p[4]);
	assert_int_equal(write(fd, "* here\r\n", 8), 8);
	peer_expect(&p[0], "* here\r\n");
	peer_say(&p[0], "a LOGOUT\r\n");
	session_expect(fd, "a LOGOUT\r\n");
	assert_int_equal(write(fd, "* BYE\r\na OK done\r\n", 18), 18);
	close(fd);
	peer_expect(&p[0], "a OK done\r\n");
	peer_expect_end(&p[0]);
	gone();
	for (fd = 0; fd < 5; fd++)
		peer_close(&p[fd]);
	close_server();
}

static long
serial_of(const struct end *p)
{
	X509 *x = SSL_get1_peer_certificate(p->ssl);
	long n = ASN1_INTEGER_get(X509_get0_serialNumber(x));

	X509_free(x);
	return n;
}

/* New certificates are for who comes; who is there keeps the connection. */
static void
test_certificates_anew(void **state)
{
	struct buf why = BUF_INIT(300);
	SSL_CTX *a, *b;
	struct end p, q;
	int fd;

	open_server();
	fd = logged_in(&p);
	peer_open(&q, SERVICE_POP3, "192.0.2.1:1");
	peer_expect(&q, "ready\r\n");
	write_pem(2);
	a = tls_server_new(TLS_PATHS(cert, key), "imap", 1, &why);
	write_pem(3);
	b = tls_server_new(TLS_PATHS(cert, key), "pop3", 1, &why);
	write_pem(1);
	login_server_certs(&server, a, b);
	assert_int_equal(write(fd, "* here\r\n", 8), 8);
	peer_expect(&p, "* here\r\n");
	assert_int_equal(serial_of(&p), 1);
	peer_say(&q, "STLS\r\n");
	peer_expect(&q, "+OK begin TLS now\r\n");
	assert_int_equal(peer_tls(&q), 0);
	assert_int_equal(serial_of(&q), 3);
	peer_close(&q);
	close(fd);
	peer_close(&p);
	gone();
	close(logged_in(&p));
	assert_int_equal(serial_of(&p), 2);
	peer_close(&p);
	close_server();
}

/* Each question has a number of its own, the next one after the last too. */
static void
test_numbers_of_questions(void **state)
{
	struct end p;
	uint32_t id, i;

	open_server();
	server.generation = 0xfffe;
	peer_open(&p, SERVICE_IMAPS, "192.0.2.1:1");
	assert_int_equal(peer_tls(&p), 0);
	for (i = 0; i < 3; i++) {
		peer_say(&p, "a LOGIN anna x\r\n");
		id = asked("anna", "x");
		assert_int_equal(id >> 16, i == 0 ? 0xffff : i);
		assert_int_equal(id & 0xffff, server.oldest->slot);
		refuse(id, A_LATER);
		peer_expect(&p, "later\r\n");
	}
	peer_close(&p);
	close_server();
}

/* RFC 8446 4.6.3 lets a client ask for new keys for ever; we do not. */
static void
test_key_updates(void **state)
{
	struct end p;
	char c;
	int fd, i;

	open_server();
	fd = logged_in(&p);
	for (i = 0; i < 5; i++) {
		assert_int_equal(SSL_key_update(p.ssl,
		    SSL_KEY_UPDATE_REQUESTED), 1);
		peer_say(&p, "x");
		(void)!read(fd, &c, 1);
	}
	assert_int_equal(server.clients, 1);
	for (i = 0; i < 100; i++) {
		ERR_clear_error();
		SSL_key_update(p.ssl, SSL_KEY_UPDATE_NOT_REQUESTED);
		SSL_write(p.ssl, "x", 1);
		turn();
		(void)!read(fd, &c, 1);
	}
	assert_int_equal(server.clients, 0);
	close(fd);
	peer_close(&p);
	close_server();
}

/* As many as a minute may have, and one more. */
static void
test_key_updates_of_a_minute(void **state)
{
	struct end p;
	char c;
	int fd, i;

	open_server();
	fd = logged_in(&p);
	for (i = 0; i < LOGIN_IO_UPDATES; i++) {
		assert_int_equal(SSL_key_update(p.ssl,
		    SSL_KEY_UPDATE_NOT_REQUESTED), 1);
		peer_say(&p, "x");
		assert_int_equal(read(fd, &c, 1), 1);
	}
	assert_int_equal(server.clients, 1);
	assert_int_equal(SSL_key_update(p.ssl, SSL_KEY_UPDATE_NOT_REQUESTED),
	    1);
	SSL_write(p.ssl, "x", 1);
	turn();
	assert_int_equal(server.clients, 0);
	close(fd);
	peer_close(&p);
	close_server();
}

/* Each minute has its own count. */
static void
test_key_updates_of_an_hour(void **state)
{
	struct end p;
	char c;
	int fd, i;

	open_server();
	fd = logged_in(&p);
	for (i = 0; i < 3 * LOGIN_IO_UPDATES; i++) {
		if (i % (LOGIN_IO_UPDATES / 2) == 0)
			skew += 60000;
		assert_int_equal(SSL_key_update(p.ssl,
		    SSL_KEY_UPDATE_NOT_REQUESTED), 1);
		peer_say(&p, "x");
		assert_int_equal(read(fd, &c, 1), 1);
	}
	assert_int_equal(server.clients, 1);
	skew = 0;
	close(fd);
	peer_close(&p);
	close_server();
}

/* Neither random octets nor half a hello may hurt others. */
static void
test_bad_tls(void **state)
{
	struct end p[4];
	int i;

	open_server();
	for (i = 0; i < 4; i++)
		peer_open(&p[i], SERVICE_IMAPS, "192.0.2.1:1");
	peer_say(&p[0], "a LOGIN x y\r\n");
	assert_int_equal(write(p[1].fd, "\x16\x03\x01\xff\xff", 5), 5);
	peer_close(&p[2]);
	assert_int_equal(peer_tls(&p[3]), 0);
	peer_expect(&p[3], "] Rohrpost ready\r\n");
	for (i = 0; i < 50; i++)
		turn();
	assert_true(server.clients <= 2);
	peer_close(&p[0]);
	peer_close(&p[1]);
	peer_close(&p[3]);
	close_server();
}

static int
setup(void **state)
{
	signal(SIGPIPE, SIG_IGN);
	assert_non_null(mkdtemp(dir));
	snprintf(cert, sizeof(cert), "%s/cert.pem", dir);
	snprintf(key, sizeof(key), "%s/key.pem", dir);
	write_pem(1);
	tls_init();
	client_ctx = SSL_CTX_new(TLS_client_method());
	loop = ev_loop_new(0);
	return loop == NULL || client_ctx == NULL;
}

static int
teardown(void **state)
{
	SSL_CTX_free(client_ctx);
	ev_loop_destroy(loop);
	unlink(cert);
	unlink(key);
	return rmdir(dir);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_login),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_refused_pipelined),
		cmocka_unit_test(test_pressure_down),
		cmocka_unit_test(test_pressure_up),
		cmocka_unit_test(test_pressure_end),
		cmocka_unit_test(test_vanished),
		cmocka_unit_test(test_rest),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_questions),
		cmocka_unit_test(test_auth_anew),
		cmocka_unit_test(test_places),
		cmocka_unit_test(test_turned_away),
		cmocka_unit_test(test_counts),
		cmocka_unit_test(test_timers),
		cmocka_unit_test(test_time_is_over),
		cmocka_unit_test(test_time_of_a_dialogue),
		cmocka_unit_test(test_stop),
		cmocka_unit_test(test_certificates_anew),
		cmocka_unit_test(test_numbers_of_questions),
		cmocka_unit_test(test_key_updates),
		cmocka_unit_test(test_key_updates_of_a_minute),
		cmocka_unit_test(test_key_updates_of_an_hour),
		cmocka_unit_test(test_bad_tls),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
