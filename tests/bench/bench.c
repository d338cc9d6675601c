#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/crc32c.h"
#include "lib/base/mem.h"
#include "tests/bench/bench.h"

enum { POOL_LINES = 1024, POOL_LINE = 72, HEAD_SIZE = 350 };

void
bench_die(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	_exit(1);
}

double
bench_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

int
bench_connect(const char *where)
{
	struct sockaddr_in a = { .sin_family = AF_INET };
	const char *colon = strrchr(where, ':');
	char host[64];
	int fd, on = 1, tries = 0;

	if (colon == NULL || (size_t)(colon - where) >= sizeof(host))
		bench_die("%s is no address", where);
	memcpy(host, where, (size_t)(colon - where));
	host[colon - where] = '\0';
	a.sin_port = htons((uint16_t)atoi(colon + 1));
	if (inet_pton(AF_INET, host, &a.sin_addr) != 1)
		bench_die("%s is no address", where);
	/* A full backlog is the server's way to say "slowly". */
	for (;;) {
		fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		if (fd == -1)
			bench_die("socket: %s", strerror(errno));
		if (connect(fd, (struct sockaddr *)(void *)&a,
		    sizeof(a)) == 0)
			break;
		close(fd);
		if (++tries == 5)
			bench_die("%s: %s", where, strerror(errno));
	}
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	return fd;
}

SSL_CTX *
bench_tls(void)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());

	if (ctx == NULL)
		bench_die("TLS does not start");
	SSL_CTX_set_verify(ctx, SSL_VERIFY_NONE, NULL);
	return ctx;
}

void
bench_open(struct bench_conn *c, const char *where, SSL_CTX *ctx)
{
	memset(c, 0, sizeof(*c));
	c->in = mem_alloc(BENCH_IN + 1);
	c->fd = bench_connect(where);
	if (ctx == NULL)
		return;
	c->ssl = SSL_new(ctx);
	if (c->ssl == NULL || SSL_set_fd(c->ssl, c->fd) != 1 ||
	    SSL_connect(c->ssl) != 1)
		bench_die("%s: the TLS handshake failed", where);
}

void
bench_close(struct bench_conn *c)
{
	if (c->ssl != NULL) {
		SSL_shutdown(c->ssl);
		SSL_free(c->ssl);
	}
	close(c->fd);
	free(c->in);
}

void
bench_write(struct bench_conn *c, const void *p, size_t len)
{
	const char *s = p;
	ssize_t n;

	for (; len > 0; s += n, len -= (size_t)n) {
		n = c->ssl != NULL ? SSL_write(c->ssl, s, (int)len) :
		    write(c->fd, s, len);
		if (n <= 0)
			bench_die("the server does not read: %s",
			    strerror(errno));
	}
}

void
bench_printf(struct bench_conn *c, const char *fmt, ...)
{
	struct buf b = BUF_INIT(0);
	va_list ap;

	va_start(ap, fmt);
	buf_vprintf(&b, fmt, ap);
	va_end(ap);
	bench_write(c, b.data, b.len);
	buf_clear(&b);
}

static void
bench_fill(struct bench_conn *c)
{
	ssize_t n;

	if (c->start > 0) {
		memmove(c->in, c->in + c->start, c->end - c->start);
		c->end -= c->start;
		c->start = 0;
	}
	if (c->end == BENCH_IN)
		bench_die("the server sent a line without end");
	n = c->ssl != NULL ? SSL_read(c->ssl, c->in + c->end,
	    (int)(BENCH_IN - c->end)) :
	    read(c->fd, c->in + c->end, BENCH_IN - c->end);
	if (n <= 0)
		bench_die("the server closed the connection: %s",
		    n == 0 ? "end" : strerror(errno));
	c->end += (size_t)n;
}

char *
bench_line(struct bench_conn *c, size_t *len_r)
{
	size_t seen = 0;
	char *p, *lf;

	while ((lf = memchr(c->in + c->start + seen, '\n',
	    c->end - c->start - seen)) == NULL) {
		seen = c->end - c->start;
		bench_fill(c);
	}
	p = c->in + c->start;
	c->start = (size_t)(lf - c->in) + 1;
	if (lf > p && lf[-1] == '\r')
		lf--;
	*lf = '\0';
	*len_r = (size_t)(lf - p);
	return p;
}

void
bench_skip(struct bench_conn *c, size_t len)
{
	size_t n;

	while (len > 0) {
		if (c->start == c->end) {
			c->start = c->end = 0;
			bench_fill(c);
		}
		n = c->end - c->start < len ? c->end - c->start : len;
		c->start += n;
		len -= n;
	}
}

static uint32_t
next_random(uint32_t *x)
{
	*x ^= *x << 13;
	*x ^= *x >> 17;
	*x ^= *x << 5;
	return *x;
}

/* Lines of text, made once; a message is a run of them. */
static char pool[POOL_LINES][POOL_LINE + 1];
static pthread_once_t pool_once = PTHREAD_ONCE_INIT;

static void
pool_fill(void)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz  ABCDEFGHIJ"
	    "KLMNOPQRSTUVWXYZ0123456789.,";
	uint32_t x = 2463534242u;
	unsigned i, k;

	for (i = 0; i < POOL_LINES; i++) {
		for (k = 0; k < POOL_LINE - 2; k++)
			pool[i][k] = letters[next_random(&x) % 64];
		if (i % 16 == 0)
			pool[i][0] = '.';
		memcpy(pool[i] + POOL_LINE - 2, "\r\n", 3);
	}
}

void
bench_message(struct buf *out, const char *run, unsigned seq, size_t size)
{
	static const char head[] = "From: Sender <sender@far.test>\r\n"
	    "To: Receiver <receiver@example.test>\r\n"
	    "Date: Mon, 02 Nov 2026 10:00:00 +0000\r\n"
	    "MIME-Version: 1.0\r\n"
	    "Content-Type: text/plain; charset=us-ascii\r\n";
	unsigned i, line = seq * 7919, n;
	uint32_t crc = 0;

	pthread_once(&pool_once, pool_fill);
	n = size > HEAD_SIZE ? (unsigned)((size - HEAD_SIZE) / POOL_LINE) : 0;
	for (i = 0; i < n; i++)
		crc = crc32c(crc, pool[(line + i) % POOL_LINES], POOL_LINE);
	buf_reset(out);
	buf_append(out, head, sizeof(head) - 1);
	buf_printf(out, "Subject: Message %u of a load test\r\n"
	    "Message-ID: <%s.%u@far.test>\r\n"
	    "X-Bench: %s %u %08x\r\n\r\n", seq, run, seq, run, seq, crc);
	for (i = 0; i < n; i++)
		buf_append(out, pool[(line + i) % POOL_LINES], POOL_LINE);
}

int
bench_verify(const char *p, size_t len, const char *run, unsigned *seq_r)
{
	struct buf plain = BUF_INIT(0);
	const char *x, *body;
	char name[64];
	unsigned sum, crc;
	size_t i, step = 4;

	body = memmem(p, len, "\r\n\r\n", 4);
	if (body == NULL && (body = memmem(p, len, "\n\n", 2)) != NULL)
		step = 2;
	x = memmem(p, len, "\nX-Bench: ", 10);
	if (body == NULL || x == NULL || x > body ||
	    sscanf(x + 10, "%63s %u %x", name, seq_r, &sum) != 3 ||
	    strcmp(name, run) != 0)
		return 0;
	body += step;
	if (step == 4)
		crc = crc32c(0, body, len - (size_t)(body - p));
	else {
		/* a store that keeps lines with LF alone: as they were sent */
		for (i = (size_t)(body - p); i < len; i++) {
			if (p[i] == '\n')
				buf_putc(&plain, '\r');
			buf_putc(&plain, p[i]);
		}
		crc = crc32c(0, buf_str(&plain), plain.len);
		buf_clear(&plain);
	}
	return crc == sum ? 1 : -1;
}

void
bench_name(char *out, size_t size, const char *pattern, unsigned n)
{
	const char *percent = strchr(pattern, '%');

	if (percent == NULL)
		snprintf(out, size, "%s", pattern);
	else
		snprintf(out, size, "%.*s%u%s", (int)(percent - pattern),
		    pattern, n, percent + 1);
}

struct job {
	void	(*run)(unsigned);
	unsigned n;
};

static void *
job_main(void *arg)
{
	struct job *j = arg;

	j->run(j->n);
	return NULL;
}

double
bench_threads(unsigned n, void (*run)(unsigned))
{
	pthread_t *threads = mem_zalloc(n, sizeof(*threads));
	struct job *jobs = mem_zalloc(n, sizeof(*jobs));
	double began = bench_now();
	unsigned i;

	for (i = 0; i < n; i++) {
		jobs[i] = (struct job){ .run = run, .n = i };
		if (pthread_create(&threads[i], NULL, job_main, &jobs[i]) != 0)
			bench_die("no thread");
	}
	for (i = 0; i < n; i++)
		pthread_join(threads[i], NULL);
	free(threads);
	free(jobs);
	return bench_now() - began;
}
