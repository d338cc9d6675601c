/*
 * imap_source: load for an IMAP server, over TLS.
 *
 *	-a ADDR:PORT  the server (imaps)	-u USER  "user%@example.test"
 *	-p PASSWORD				-U N     users in the pattern
 *	-c N  connections			-n N     rounds of each
 *	-s OCTETS  of a message that is appended
 *	-i    idle: log in, SELECT, IDLE, print "ready", stay until standard
 *	      input ends
 *
 * A round is what a mail program does: SELECT; FETCH of all flags; ENVELOPE
 * and BODYSTRUCTURE of the last twenty; one whole message; a flag set; one
 * message appended. Prints JSON: commands, seconds, and of each kind its count
 * and the seconds spent waiting.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/buf.h"
#include "tests/bench/bench.h"

enum kind { LOGIN, SELECT, FLAGS, ENVELOPE, BODY, STORE, APPEND, KINDS };

static const char *const kind_names[] = {
	"login", "select", "fetch_flags", "fetch_envelope", "fetch_body",
	"store", "append",
};

static const char *where, *user = "user%@example.test", *password = "secret";
static unsigned users = 1, connections = 1, rounds = 10;
static size_t size = 4096;
static int idle;
static SSL_CTX *tls;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct { unsigned long n; double seconds; } total[KINDS];
static unsigned long octets;

struct session {
	struct bench_conn c;
	unsigned tag, exists;
	unsigned long octets;
	struct { unsigned long n; double seconds; } kinds[KINDS];
};

/* "{123}" at the end of a line: the length of the literal that follows. */
static size_t
literal(const char *p, size_t len)
{
	const char *open;

	if (len < 3 || p[len - 1] != '}' ||
	    (open = memrchr(p, '{', len)) == NULL)
		return 0;
	return strtoul(open + 1, NULL, 10);
}

/* Reads up to the tagged answer, which has to be OK. */
static void
finish(struct session *s, const char *what)
{
	char tag[16], *p;
	size_t len, n;
	int k = snprintf(tag, sizeof(tag), "a%u ", s->tag);

	for (;;) {
		p = bench_line(&s->c, &len);
		s->octets += len + 2;
		if (strncmp(p, tag, (size_t)k) == 0)
			break;
		if (strncmp(p, "* ", 2) == 0 && strstr(p, " EXISTS") != NULL)
			s->exists = (unsigned)strtoul(p + 2, NULL, 10);
		n = literal(p, len);
		bench_skip(&s->c, n);
		s->octets += n;
	}
	if (strncmp(p + k, "OK", 2) != 0)
		bench_die("%s: %s", what, p);
}

static void
command(struct session *s, enum kind kind, const char *text)
{
	double began = bench_now();

	bench_printf(&s->c, "a%u %s\r\n", ++s->tag, text);
	finish(s, text);
	s->kinds[kind].n++;
	s->kinds[kind].seconds += bench_now() - began;
}

static void
append(struct session *s, unsigned who, unsigned round)
{
	double began = bench_now();
	struct buf b = BUF_INIT(0);
	size_t len;
	char *p;

	bench_message(&b, "append", who * 100000 + round, size);
	bench_printf(&s->c, "a%u APPEND INBOX {%zu}\r\n", ++s->tag, b.len);
	while (*(p = bench_line(&s->c, &len)) != '+')
		if (*p == 'a')
			bench_die("APPEND: %s", p);
	bench_write(&s->c, b.data, b.len);
	bench_write(&s->c, "\r\n", 2);
	finish(s, "APPEND");
	s->kinds[APPEND].n++;
	s->kinds[APPEND].seconds += bench_now() - began;
	buf_clear(&b);
}

static void
one_round(struct session *s, unsigned who, unsigned round)
{
	char text[100];
	unsigned first, one;

	command(s, SELECT, "SELECT INBOX");
	if (s->exists == 0)
		bench_die("the mailbox is empty");
	first = s->exists > 20 ? s->exists - 19 : 1;
	one = 1 + (who * 7919 + round * 104729) % s->exists;
	command(s, FLAGS, "FETCH 1:* (UID FLAGS)");
	snprintf(text, sizeof(text), "FETCH %u:%u (UID RFC822.SIZE ENVELOPE "
	    "BODYSTRUCTURE)", first, s->exists);
	command(s, ENVELOPE, text);
	snprintf(text, sizeof(text), "FETCH %u BODY.PEEK[]", one);
	command(s, BODY, text);
	snprintf(text, sizeof(text), "STORE %u %cFLAGS.SILENT (\\Seen)", one,
	    round % 2 ? '-' : '+');
	command(s, STORE, text);
	append(s, who, round);
}

static void
log_in(struct session *s, unsigned who)
{
	char name[200], text[400];
	size_t len;

	bench_name(name, sizeof(name), user, who % users);
	bench_open(&s->c, where, tls);
	bench_line(&s->c, &len);
	snprintf(text, sizeof(text), "LOGIN \"%s\" \"%s\"", name, password);
	command(s, LOGIN, text);
}

static void
session(unsigned who)
{
	struct session s;
	unsigned i;

	memset(&s, 0, sizeof(s));
	log_in(&s, who);
	for (i = 0; i < rounds; i++)
		one_round(&s, who, i);
	bench_close(&s.c);
	pthread_mutex_lock(&lock);
	for (i = 0; i < KINDS; i++) {
		total[i].n += s.kinds[i].n;
		total[i].seconds += s.kinds[i].seconds;
	}
	octets += s.octets;
	pthread_mutex_unlock(&lock);
}

static void
stay_idle(void)
{
	struct session *all = calloc(connections, sizeof(*all));
	unsigned i;
	size_t len;
	char c;

	for (i = 0; i < connections; i++) {
		log_in(&all[i], i);
		command(&all[i], SELECT, "SELECT INBOX");
		bench_printf(&all[i].c, "a%u IDLE\r\n", ++all[i].tag);
		while (*bench_line(&all[i].c, &len) != '+')
			continue;
	}
	puts("ready");
	fflush(stdout);
	while (read(0, &c, 1) > 0)
		continue;
	free(all);
}

static void
report(double seconds)
{
	unsigned long n = 0;
	unsigned i;

	for (i = 0; i < KINDS; i++)
		n += total[i].n;
	printf("{\"commands\": %lu, \"seconds\": %.3f, \"octets\": %lu, "
	    "\"rounds\": %u, \"kinds\": {", n, seconds, octets,
	    connections * rounds);
	for (i = 0; i < KINDS; i++)
		printf("%s\"%s\": {\"n\": %lu, \"ms\": %.3f}", i ? ", " : "",
		    kind_names[i], total[i].n, total[i].n == 0 ? 0 :
		    total[i].seconds * 1000 / (double)total[i].n);
	puts("}}");
}

int
main(int argc, char **argv)
{
	int c;

	while ((c = getopt(argc, argv, "a:u:p:U:c:n:s:i")) != -1)
		switch (c) {
		case 'a': where = optarg; break;
		case 'u': user = optarg; break;
		case 'p': password = optarg; break;
		case 'U': users = (unsigned)atoi(optarg); break;
		case 'c': connections = (unsigned)atoi(optarg); break;
		case 'n': rounds = (unsigned)atoi(optarg); break;
		case 's': size = (size_t)atol(optarg); break;
		case 'i': idle = 1; break;
		default: return 100;
		}
	if (where == NULL || users == 0 || connections == 0)
		bench_die("usage: imap_source -a ADDR:PORT [-u USER] ...");
	tls = bench_tls();
	if (idle)
		stay_idle();
	else
		report(bench_threads(connections, session));
	return 0;
}
