#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <arpa/inet.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "lib/base/fd.h"
#include "lib/base/mem.h"
#include "lib/net/stream.h"
#include "lib/net/tls.h"
#include "tests/relay/mx.h"

const struct mx mx_good = {
	.banner = "220 mx", .ehlo = "250-mx\r\n250-PIPELINING\r\n"
	    "250-8BITMIME\r\n250 STARTTLS",
	.ehlo_tls = "250-mx\r\n250 PIPELINING", .starttls = "220 go",
	.auth = "235 welcome", .rset = "250 reset", .mail = "250 sender",
	.rcpt = "250 recipient", .data = "354 go", .dot = "250 taken",
};
struct mx mx_host[MX_HOSTS + 1];
unsigned mx_port;
char mx_ca[] = "/tmp/mx-ca-XXXXXX", mx_cert_ca[] = "/tmp/mx-signed-XXXXXX",
    mx_cert_self[] = "/tmp/mx-self-XXXXXX";

enum { CONNS_MAX = 300 };

static int listener = -1;
static pthread_t acceptor;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static unsigned open_now, n_conns;	/* connections */
static struct buf conns[CONNS_MAX];	/* what was said on each, in order */
static struct buf said = BUF_INIT(0);

struct conn {
	int	 fd;
	unsigned host;
	struct buf *said;
	struct stream io;
	int	 in_data;
	unsigned n;		/* recipients of this transaction */
};

static void
note(struct conn *c, const char *mark, const char *words)
{
	buf_printf(c->said, "%u%s%s\n", c->host, mark, words);
}

static void
leave(void)
{
	pthread_mutex_lock(&mutex);
	open_now--;
	pthread_cond_signal(&changed);
	pthread_mutex_unlock(&mutex);
}

/* 0, or -1 where the connection is to be closed. */
static int
say(struct stream *s, const char *reply)
{
	if (reply == NULL)
		return -1;
	stream_puts(s, reply);
	stream_puts(s, "\r\n");
	return 0;
}

static int
secure(struct conn *c, const struct mx *m)
{
	const char *file = m->cert != NULL ? m->cert : mx_cert_self;
	struct buf why = BUF_INIT(300);
	SSL_CTX *ctx;
	int r;

	if (m->tls_fails) {
		stream_puts(&c->io, "no TLS here\r\n");
		(void)stream_flush(&c->io);
		return -1;
	}
	ctx = tls_server_new(TLS_PATHS(file, file), NULL, 0, &why);
	r = ctx == NULL ? -1 : stream_tls_accept(&c->io, ctx, &why);
	tls_free(&ctx);
	buf_clear(&why);
	if (r == 0)
		note(c, " TLS", "");
	return r;
}

static int
is(const char *line, const char *verb)
{
	return strncmp(line, verb, strlen(verb)) == 0;
}

/* One command, and its reply. */
static int
answer(struct conn *c, const struct mx *m, const char *line)
{
	note(c, ":", line);
	if (is(line, "EHLO"))
		return say(&c->io, c->io.ssl != NULL ? m->ehlo_tls : m->ehlo);
	if (is(line, "STARTTLS"))
		return say(&c->io, m->starttls) == -1 ? -1 :
		    is(m->starttls, "220") ? secure(c, m) : 0;
	if (is(line, "AUTH"))
		return say(&c->io, m->auth);
	if (is(line, "RSET"))
		return say(&c->io, m->rset);
	if (is(line, "MAIL")) {
		c->n = 0;
		return say(&c->io, m->mail);
	}
	if (is(line, "RCPT"))
		return say(&c->io, c->n++ > 0 && m->second != NULL ?
		    m->second : m->rcpt);
	if (is(line, "DATA")) {
		c->in_data = m->data != NULL && is(m->data, "354");
		return say(&c->io, m->data);
	}
	return is(line, "QUIT") ? -1 : say(&c->io, m->pass);
}

static void
talk(struct conn *c, const struct mx *m)
{
	size_t size;
	char *line;
	int r;

	if ((m->tls_first && secure(c, m) == -1) ||
	    say(&c->io, m->banner) == -1)
		return;
	do {
		if (stream_line(&c->io, 4000, &line, &size) != STREAM_OK)
			return;
		r = 0;
		if (!c->in_data)
			r = answer(c, m, line);
		else if (strcmp(line, ".") == 0) {
			c->in_data = 0;
			note(c, ":", ".");
			r = say(&c->io, m->dot);
		}
	} while (r == 0);
}

static void *
serve(void *arg)
{
	struct conn *c = arg;
	struct sockaddr_in us;
	socklen_t len = sizeof(us);

	if (getsockname(c->fd, (struct sockaddr *)&us, &len) == -1)
		abort();
	c->host = ntohl(us.sin_addr.s_addr) & 0xff;
	stream_init(&c->io, c->fd);
	stream_deadline(&c->io, 60000);
	note(c, "*", "");
	talk(c, &mx_host[c->host]);
	stream_close(&c->io);
	free(c);
	leave();
	return NULL;
}

static void *
accept_all(void *arg)
{
	pthread_attr_t detached;
	struct conn *c;
	pthread_t t;
	int fd;

	pthread_attr_init(&detached);
	pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
	while ((fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC)) != -1) {
		c = mem_zalloc(1, sizeof(*c));
		c->fd = fd;
		pthread_mutex_lock(&mutex);
		open_now++;
		c->said = &conns[n_conns++];
		if (n_conns == CONNS_MAX)
			abort();
		pthread_mutex_unlock(&mutex);
		if (pthread_create(&t, &detached, serve, c) != 0)
			abort();
	}
	return NULL;
}

const char *
mx_said(void)
{
	unsigned i;

	pthread_mutex_lock(&mutex);
	while (open_now > 0)
		pthread_cond_wait(&changed, &mutex);
	buf_reset(&said);
	for (i = 0; i < n_conns; i++)
		buf_puts(&said, buf_str(&conns[i]));
	pthread_mutex_unlock(&mutex);
	return buf_str(&said);
}

void
mx_all(const struct mx *m)
{
	size_t i;

	(void)mx_said();
	while (n_conns > 0)
		buf_clear(&conns[--n_conns]);
	for (i = 0; i <= MX_HOSTS; i++)
		mx_host[i] = *m;
}

/* A certificate for name, signed by the issuer's, or by itself. */
static X509 *
certify(EVP_PKEY *key, const char *name, X509 *issuer, EVP_PKEY *issuer_key)
{
	X509 *x = X509_new();
	X509_NAME *n = X509_get_subject_name(x);
	X509_EXTENSION *e;
	char alt[100];

	X509_set_version(x, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(x), issuer == NULL ? 1 : 2);
	X509_gmtime_adj(X509_getm_notBefore(x), -3600);
	X509_gmtime_adj(X509_getm_notAfter(x), 3600);
	X509_set_pubkey(x, key);
	X509_NAME_add_entry_by_txt(n, "CN", MBSTRING_ASC,
	    (const unsigned char *)name, -1, -1, 0);
	X509_set_issuer_name(x, issuer == NULL ? n :
	    X509_get_subject_name(issuer));
	snprintf(alt, sizeof(alt), "DNS:%s", name);
	e = X509V3_EXT_conf_nid(NULL, NULL, issuer == NULL ?
	    NID_basic_constraints : NID_subject_alt_name, issuer == NULL ?
	    "critical,CA:TRUE" : alt);
	X509_add_ext(x, e, -1);
	X509_EXTENSION_free(e);
	assert_true(X509_sign(x, issuer == NULL ? key : issuer_key,
	    EVP_sha256()) > 0);
	return x;
}

static void
write_pem(char *path, X509 *x, EVP_PKEY *key)
{
	int fd = mkstemp(path);
	FILE *f = fdopen(fd, "w");

	assert_non_null(f);
	PEM_write_X509(f, x);
	if (key != NULL)
		PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL);
	fclose(f);
}

static void
make_certificates(void)
{
	EVP_PKEY *ca_key = EVP_EC_gen("P-256"), *key = EVP_EC_gen("P-256");
	X509 *ca = certify(ca_key, "authority", NULL, NULL);
	X509 *signed_by_ca = certify(key, "mx1.test", ca, ca_key);
	X509 *by_itself = certify(key, "mx1.test", NULL, NULL);

	write_pem(mx_ca, ca, NULL);
	write_pem(mx_cert_ca, signed_by_ca, key);
	write_pem(mx_cert_self, by_itself, key);
	X509_free(ca);
	X509_free(signed_by_ca);
	X509_free(by_itself);
	EVP_PKEY_free(ca_key);
	EVP_PKEY_free(key);
}

void
mx_begin(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET };
	socklen_t len = sizeof(a);

	tls_init();
	make_certificates();
	listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(listener, (struct sockaddr *)&a, len), 0);
	assert_int_equal(listen(listener, 100), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&a, &len),
	    0);
	mx_port = ntohs(a.sin_port);
	mx_all(&mx_good);
	pthread_create(&acceptor, NULL, accept_all, NULL);
}

void
mx_end(void)
{
	mx_all(&mx_good);
	shutdown(listener, SHUT_RDWR);
	pthread_join(acceptor, NULL);
	fd_close(&listener);
	unlink(mx_ca);
	unlink(mx_cert_ca);
	unlink(mx_cert_self);
	buf_clear(&said);
}
