/*
 * smtp_load: sends messages over many connections at once.
 *
 *	-a ADDR:PORT  the server	-S       TLS from the first octet
 *	-c N  connections		-n N     messages in all
 *	-m N  messages of a connection, then a new one (0: no bound)
 *	-s OCTETS  of a message		-r RUN   name of the run
 *	-f FROM   -t TO  "user%@example.test"	-U N  users in the pattern
 *	-l LOGIN -p PASSWORD  AUTH PLAIN
 *	-q    quiet trouble: a 4xx reply is counted, not fatal
 *	-L    LMTP
 *	-w N  connections that wait for their greeting at once: for a server
 *	      whose queue of them is short. What overflows is lost to both.
 *
 * Messages have the numbers 0..n-1, each is sent once. MAIL, RCPT and DATA go
 * out in one write where the server allows it. Prints JSON: accepted, refused, seconds, and milliseconds
 * from MAIL to the last 250: median and 99th percentile.
 */
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/base64.h"
#include "lib/base/mem.h"
#include "tests/bench/bench.h"

static const char *where, *run = "run", *from = "sender@far.test";
static const char *to = "user%@example.test", *login, *password = "secret";
static unsigned connections = 1, messages = 100, per_connection, users = 1;
static unsigned waiting = 1000;
static sem_t may_wait;
static size_t size = 4096;
static int quiet, lmtp;
static SSL_CTX *tls;
static atomic_uint next, accepted, refused;
static float *times;

/* Reads one reply; its first digit. */
static int
reply(struct bench_conn *c, int want, const char *what)
{
	size_t len;
	char *p;

	do
		p = bench_line(c, &len);
	while (len > 3 && p[3] == '-');
	if (*p != want && !(quiet && *p == '4'))
		bench_die("%s: %s", what, p);
	return *p;
}

/* The greeting; whether the server lets commands go out together. */
static int
greet(struct bench_conn *c)
{
	int together = 0;
	size_t len;
	char *p;

	bench_printf(c, "%s source.far.test\r\n", lmtp ? "LHLO" : "EHLO");
	do {
		p = bench_line(c, &len);
		together |= len > 4 && strcmp(p + 4, "PIPELINING") == 0;
	} while (len > 3 && p[3] == '-');
	if (*p != '2')
		bench_die("EHLO: %s", p);
	return together;
}

static int
hello(struct bench_conn *c)
{
	int together;

	struct buf plain = BUF_INIT(0), b64 = BUF_INIT(0);

	sem_wait(&may_wait);
	bench_open(c, where, tls);
	reply(c, '2', "banner");
	sem_post(&may_wait);
	together = greet(c);
	if (login == NULL)
		return together;
	buf_putc(&plain, '\0');
	buf_puts(&plain, login);
	buf_putc(&plain, '\0');
	buf_puts(&plain, password);
	base64_encode(&b64, plain.data, plain.len);
	bench_printf(c, "AUTH PLAIN %s\r\n", buf_str(&b64));
	reply(c, '2', "AUTH");
	buf_clear(&plain);
	buf_clear(&b64);
	return together;
}

/* The message as data: dots doubled, the final dot. */
static void
stuff(struct buf *out, const struct buf *m)
{
	const char *p = m->data, *end = p + m->len, *lf;

	buf_reset(out);
	for (; p < end; p = lf) {
		lf = memchr(p, '\n', (size_t)(end - p));
		lf = lf == NULL ? end : lf + 1;
		if (*p == '.')
			buf_putc(out, '.');
		buf_append(out, p, (size_t)(lf - p));
	}
	buf_puts(out, ".\r\n");
}

/* MAIL, RCPT and DATA: in one write, where the server says PIPELINING. */
static int
envelope(struct bench_conn *c, const char *rcpt, int together)
{
	if (together) {
		bench_printf(c, "MAIL FROM:<%s>\r\nRCPT TO:<%s>\r\nDATA\r\n",
		    from, rcpt);
		reply(c, '2', "MAIL");
		reply(c, '2', "RCPT");
		return reply(c, '3', "DATA");
	}
	bench_printf(c, "MAIL FROM:<%s>\r\n", from);
	reply(c, '2', "MAIL");
	bench_printf(c, "RCPT TO:<%s>\r\n", rcpt);
	reply(c, '2', "RCPT");
	bench_printf(c, "DATA\r\n");
	return reply(c, '3', "DATA");
}

static void
send_one(struct bench_conn *c, unsigned seq, int together, struct buf *m,
    struct buf *data)
{
	double began;
	char name[200];

	bench_message(m, run, seq, size);
	stuff(data, m);
	bench_name(name, sizeof(name), to, seq % users);
	began = bench_now();
	if (envelope(c, name, together) != '3') {
		atomic_fetch_add(&refused, 1);
		return;
	}
	bench_write(c, data->data, data->len);
	if (reply(c, '2', "message") != '2') {
		atomic_fetch_add(&refused, 1);
		return;
	}
	times[seq] = (float)(bench_now() - began);
	atomic_fetch_add(&accepted, 1);
}

static void
session(unsigned who)
{
	struct buf m = BUF_INIT(0), data = BUF_INIT(0);
	struct bench_conn c;
	unsigned seq, sent = 0;
	int open = 0, together = 0;

	while ((seq = atomic_fetch_add(&next, 1)) < messages) {
		if (!open) {
			together = hello(&c);
			open = 1;
		}
		send_one(&c, seq, together, &m, &data);
		if (per_connection != 0 && ++sent % per_connection == 0) {
			bench_printf(&c, "QUIT\r\n");
			reply(&c, '2', "QUIT");
			bench_close(&c);
			open = 0;
		}
	}
	if (open) {
		bench_printf(&c, "QUIT\r\n");
		reply(&c, '2', "QUIT");
		bench_close(&c);
	}
	buf_clear(&m);
	buf_clear(&data);
}

static int
by_value(const void *a, const void *b)
{
	float x = *(const float *)a, y = *(const float *)b;

	return x < y ? -1 : x > y;
}

int
main(int argc, char **argv)
{
	double seconds;
	int c;

	while ((c = getopt(argc, argv, "a:Sc:n:m:s:r:f:t:U:l:p:qLw:")) != -1)
		switch (c) {
		case 'a': where = optarg; break;
		case 'S': tls = bench_tls(); break;
		case 'c': connections = (unsigned)atoi(optarg); break;
		case 'n': messages = (unsigned)atoi(optarg); break;
		case 'm': per_connection = (unsigned)atoi(optarg); break;
		case 's': size = (size_t)atol(optarg); break;
		case 'r': run = optarg; break;
		case 'f': from = optarg; break;
		case 't': to = optarg; break;
		case 'U': users = (unsigned)atoi(optarg); break;
		case 'l': login = optarg; break;
		case 'p': password = optarg; break;
		case 'q': quiet = 1; break;
		case 'L': lmtp = 1; break;
		case 'w': waiting = (unsigned)atoi(optarg); break;
		default: return 100;
		}
	if (where == NULL || users == 0 || messages == 0)
		bench_die("usage: smtp_load -a ADDR:PORT [-c N] [-n N] ...");
	sem_init(&may_wait, 0, waiting);
	times = mem_zalloc(messages, sizeof(*times));
	seconds = bench_threads(connections, session);
	qsort(times, messages, sizeof(*times), by_value);
	printf("{\"accepted\": %u, \"refused\": %u, \"seconds\": %.3f, "
	    "\"median_ms\": %.2f, \"p99_ms\": %.2f}\n", accepted, refused,
	    seconds, (double)times[messages / 2] * 1000,
	    (double)times[messages - 1 - messages / 100] * 1000);
	return 0;
}
