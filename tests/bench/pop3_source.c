/*
 * pop3_source: each of N connections downloads a whole mailbox over TLS, so
 * many times, and checks every message on the way.
 *
 *	-a ADDR:PORT  the server (pop3s)	-u USER  "user%@example.test"
 *	-p PASSWORD				-U N     users in the pattern
 *	-c N  connections			-n N     downloads of each
 *	-r RUN  of the messages that are expected there
 *
 * Prints JSON: messages, octets, seconds.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/buf.h"
#include "tests/bench/bench.h"

static const char *where, *user = "user%@example.test", *password = "secret";
static const char *run;
static unsigned users = 1, connections = 1, rounds = 1;
static SSL_CTX *tls;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static unsigned long messages, octets;

static char *
answer(struct bench_conn *c, const char *what)
{
	size_t len;
	char *p = bench_line(c, &len);

	if (strncmp(p, "+OK", 3) != 0)
		bench_die("%s: %s", what, p);
	return p;
}

/* Reads a message up to its dot, unstuffed. */
static void
message(struct bench_conn *c, struct buf *b)
{
	size_t len;
	char *p;

	buf_reset(b);
	for (;;) {
		p = bench_line(c, &len);
		if (p[0] == '.' && len == 1)
			return;
		if (p[0] == '.') {
			p++;
			len--;
		}
		buf_append(b, p, len);
		buf_append(b, "\r\n", 2);
	}
}

static void
download(unsigned who)
{
	unsigned long n, i, total = 0;
	struct buf b = BUF_INIT(0);
	struct bench_conn c;
	char name[200];
	unsigned seq;

	bench_name(name, sizeof(name), user, who % users);
	bench_open(&c, where, tls);
	answer(&c, "banner");
	bench_printf(&c, "USER %s\r\n", name);
	answer(&c, "USER");
	bench_printf(&c, "PASS %s\r\n", password);
	answer(&c, "PASS");
	bench_printf(&c, "STAT\r\n");
	n = strtoul(answer(&c, "STAT") + 4, NULL, 10);
	bench_printf(&c, "UIDL\r\n");
	answer(&c, "UIDL");
	message(&c, &b);
	for (i = 1; i <= n; i++) {
		bench_printf(&c, "RETR %lu\r\n", i);
		answer(&c, "RETR");
		message(&c, &b);
		total += b.len;
		if (run != NULL &&
		    bench_verify(buf_str(&b), b.len, run, &seq) != 1)
			bench_die("%s %lu: not as it was sent", name, i);
	}
	bench_printf(&c, "QUIT\r\n");
	answer(&c, "QUIT");
	bench_close(&c);
	buf_clear(&b);
	pthread_mutex_lock(&lock);
	messages += n;
	octets += total;
	pthread_mutex_unlock(&lock);
}

static void
session(unsigned who)
{
	unsigned i;

	for (i = 0; i < rounds; i++)
		download(who);
}

int
main(int argc, char **argv)
{
	double seconds;
	int c;

	while ((c = getopt(argc, argv, "a:u:p:U:c:n:r:")) != -1)
		switch (c) {
		case 'a': where = optarg; break;
		case 'u': user = optarg; break;
		case 'p': password = optarg; break;
		case 'U': users = (unsigned)atoi(optarg); break;
		case 'c': connections = (unsigned)atoi(optarg); break;
		case 'n': rounds = (unsigned)atoi(optarg); break;
		case 'r': run = optarg; break;
		default: return 100;
		}
	if (where == NULL || users == 0)
		bench_die("usage: pop3_source -a ADDR:PORT [-u USER] ...");
	tls = bench_tls();
	seconds = bench_threads(connections, session);
	printf("{\"messages\": %lu, \"octets\": %lu, \"seconds\": %.3f}\n",
	    messages, octets, seconds);
	return 0;
}
