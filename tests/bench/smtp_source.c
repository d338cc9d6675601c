/*
 * A source of SMTP load: N connections at once from one process, by poll(2).
 * Works against any server; says how many messages were acknowledged, how fast
 * and how late, and writes down what was acknowledged, for a check of the
 * mailboxes afterwards.
 *
 *   smtp_source [-c connections] [-n messages] [-m messages-per-connection]
 *       [-s size] [-f sender] [-t recipient] [-R recipients] [-i acked-file]
 *       [-b first-number] [-P] [-j] host port
 *
 * A %d in the recipient becomes the number of the message modulo -R. -P sends
 * MAIL, RCPT and DATA together (PIPELINING). -j prints JSON. Exit status 0
 * only if every message was acknowledged.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/buf.h"
#include "lib/base/clock.h"
#include "lib/base/fd.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"

enum {
	CONNECTIONS_MAX = 10000,
	PATIENCE = 60000,	/* ms without any progress: give up */
	ERRORS_SHOWN = 5,
};

enum step {
	STEP_IDLE,		/* no connection */
	STEP_CONNECT, STEP_BANNER, STEP_EHLO, STEP_MAIL, STEP_RCPT, STEP_DATA,
	STEP_BODY, STEP_QUIT,
};

struct connection {
	int	 fd;
	enum step step;
	struct buf out;
	size_t	 sent;
	char	 in[4096];
	size_t	 in_len;
	long	 number;	/* of the message under way; -1 none */
	unsigned done;		/* messages of this connection */
	int64_t	 began;		/* us: MAIL of this message */
};

static struct {
	long	 connections, messages, per_connection, size, recipients, first;
	const char *sender, *recipient, *acked;
	int	 pipelining, json;
	struct sockaddr_storage to;
	socklen_t to_len;
} opt = { .connections = 1, .messages = 1000, .per_connection = 1,
	.size = 4096, .recipients = 1, .sender = "bench@source.test",
	.recipient = "anna@example.test" };

static struct connection *conns;
static struct pollfd *polls;
static long next_number, acked, failed, open_now;
static int64_t *latency;
static FILE *acked_file;
static unsigned shown;
static struct buf filler = BUF_INIT(0);

static void
complain(const char *what, const char *words)
{
	if (shown++ < ERRORS_SHOWN)
		log_warn("%s: %s", what, words);
}

static void
recipient_of(long number, char *out, size_t size)
{
	const char *d = strstr(opt.recipient, "%d");

	if (d == NULL)
		snprintf(out, size, "%s", opt.recipient);
	else
		snprintf(out, size, "%.*s%ld%s", (int)(d - opt.recipient),
		    opt.recipient, number % opt.recipients, d + 2);
}

/* Lines of 76 octets, as much as the largest message needs. */
static void
make_filler(void)
{
	static const char text[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	    "abcdefghijklmnopqrstuvwxyz0123456789+/ABCDEFGHIJ\r\n";
	size_t want = (size_t)opt.size;

	while (filler.len < want)
		buf_append(&filler, text, sizeof(text) - 1);
}

/* The whole message has opt.size octets, header and all (at least 300). */
static void
put_message(struct buf *b, long number)
{
	char to[400];
	size_t start = b->len, rest;

	recipient_of(number, to, sizeof(to));
	buf_printf(b, "From: <%s>\r\nTo: <%s>\r\nSubject: bench %ld\r\n"
	    "Date: Sun, 22 Nov 2026 12:00:00 +0000\r\n"
	    "Message-ID: <%ld.bench@source.test>\r\n\r\n", opt.sender, to,
	    number, number);
	rest = (size_t)opt.size > b->len - start + 2 ?
	    (size_t)opt.size - (b->len - start) - 2 : 0;
	if (rest > filler.len)
		rest = filler.len;
	if (rest > 0 && filler.data[rest - 1] == '\r')
		rest--;
	buf_append(b, filler.data, rest);
	if (rest == 0 || filler.data[rest - 1] != '\n')
		buf_puts(b, "\r\n");
	buf_puts(b, ".\r\n");
}

static void
close_connection(struct connection *c, const char *why)
{
	if (c->number != -1) {
		failed++;
		complain("message lost", why);
	}
	c->number = -1;
	fd_close(&c->fd);
	buf_reset(&c->out);
	c->sent = c->in_len = 0;
	c->step = STEP_IDLE;
	open_now--;
}

static void
open_connection(struct connection *c)
{
	c->fd = socket(opt.to.ss_family, SOCK_STREAM | SOCK_NONBLOCK |
	    SOCK_CLOEXEC, 0);
	if (c->fd == -1)
		log_fatal("socket: %s", strerror(errno));
	setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int));
	c->number = next_number++;
	c->done = 0;
	c->step = STEP_CONNECT;
	open_now++;
	if (connect(c->fd, (struct sockaddr *)&opt.to, opt.to_len) == -1 &&
	    errno != EINPROGRESS)
		close_connection(c, strerror(errno));
}

static void
begin_message(struct connection *c)
{
	char to[400];

	recipient_of(c->number, to, sizeof(to));
	c->began = clock_now_us();
	c->step = STEP_MAIL;
	buf_printf(&c->out, "MAIL FROM:<%s>\r\n", opt.sender);
	if (opt.pipelining)
		buf_printf(&c->out, "RCPT TO:<%s>\r\nDATA\r\n", to);
}

static void
acknowledged(struct connection *c, const char *line)
{
	latency[acked++] = clock_now_us() - c->began;
	if (acked_file != NULL)
		fprintf(acked_file, "%ld %s\n", c->number, line);
	c->number = -1;
	if (++c->done < opt.per_connection && next_number < opt.first +
	    opt.messages) {
		c->number = next_number++;
		begin_message(c);
	} else {
		c->step = STEP_QUIT;
		buf_puts(&c->out, "QUIT\r\n");
	}
}

/* One reply; 0, or -1 where it is not the one hoped for. */
static int
reply(struct connection *c, const char *line)
{
	static const char want[] = { [STEP_BANNER] = '2', [STEP_EHLO] = '2',
		[STEP_MAIL] = '2', [STEP_RCPT] = '2', [STEP_DATA] = '3',
		[STEP_BODY] = '2', [STEP_QUIT] = '2' };
	char to[400];

	if (line[0] != want[c->step])
		return -1;
	switch (c->step) {
	case STEP_BANNER:
		buf_puts(&c->out, "EHLO source.test\r\n");
		c->step = STEP_EHLO;
		break;
	case STEP_EHLO:
		begin_message(c);
		break;
	case STEP_MAIL:
		recipient_of(c->number, to, sizeof(to));
		if (!opt.pipelining)
			buf_printf(&c->out, "RCPT TO:<%s>\r\n", to);
		c->step = STEP_RCPT;
		break;
	case STEP_RCPT:
		if (!opt.pipelining)
			buf_puts(&c->out, "DATA\r\n");
		c->step = STEP_DATA;
		break;
	case STEP_DATA:
		put_message(&c->out, c->number);
		c->step = STEP_BODY;
		break;
	case STEP_BODY:
		acknowledged(c, line);
		break;
	default:
		close_connection(c, "");
	}
	return 0;
}

static void
take_lines(struct connection *c)
{
	char *lf, *p = c->in;
	size_t left = c->in_len;

	while (c->fd != -1 && (lf = memchr(p, '\n', left)) != NULL) {
		*lf = '\0';
		if (lf > p && lf[-1] == '\r')
			lf[-1] = '\0';
		if (strlen(p) >= 4 && p[3] == '-')
			;	/* more of this reply to come */
		else if (reply(c, p) == -1) {
			close_connection(c, p);
			return;
		}
		left -= (size_t)(lf + 1 - p);
		p = lf + 1;
	}
	if (c->fd == -1)
		return;
	memmove(c->in, p, left);
	c->in_len = left;
	if (left == sizeof(c->in))
		close_connection(c, "endless reply");
}

static void
flush(struct connection *c)
{
	ssize_t n;

	while (c->fd != -1 && c->sent < c->out.len) {
		n = send(c->fd, c->out.data + c->sent, c->out.len - c->sent,
		    MSG_NOSIGNAL);
		if (n == -1 && errno == EAGAIN)
			return;
		if (n == -1) {
			close_connection(c, strerror(errno));
			return;
		}
		c->sent += (size_t)n;
	}
	buf_reset(&c->out);
	c->sent = 0;
}

static void
readable(struct connection *c)
{
	ssize_t n;

	n = recv(c->fd, c->in + c->in_len, sizeof(c->in) - c->in_len, 0);
	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		close_connection(c, n == 0 ? "closed" : strerror(errno));
		return;
	}
	c->in_len += (size_t)n;
	take_lines(c);
}

static void
handle(struct connection *c, short events)
{
	int e = 0;
	socklen_t len = sizeof(e);

	if (c->step == STEP_CONNECT && events != 0) {
		getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &e, &len);
		if (e != 0) {
			close_connection(c, strerror(e));
			return;
		}
		c->step = STEP_BANNER;
	}
	if (events & (POLLIN | POLLHUP | POLLERR))
		readable(c);
	if (c->fd != -1)
		flush(c);
}

static void
run(void)
{
	long i;
	int n;

	while (next_number < opt.first + opt.messages || open_now > 0) {
		for (i = 0; i < opt.connections; i++) {
			struct connection *c = &conns[i];

			if (c->step == STEP_IDLE && next_number <
			    opt.first + opt.messages)
				open_connection(c);
			polls[i].fd = c->fd;
			polls[i].events = POLLIN;
			if (c->step == STEP_CONNECT || c->out.len > 0)
				polls[i].events |= POLLOUT;
		}
		n = poll(polls, (nfds_t)opt.connections, PATIENCE);
		if (n == -1 && errno != EINTR)
			log_fatal("poll: %s", strerror(errno));
		if (n == 0)
			log_fatal("no progress for a minute, %ld of %ld "
			    "acknowledged", acked, opt.messages);
		for (i = 0; n > 0 && i < opt.connections; i++)
			if (polls[i].fd != -1 && polls[i].revents != 0)
				handle(&conns[i], polls[i].revents);
	}
}

static int
by_size(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return x < y ? -1 : x > y;
}

static double
percentile(int p)
{
	return acked == 0 ? 0 : (double)latency[(acked - 1) * p / 100] / 1000;
}

static void
report(double seconds)
{
	struct rusage ru;
	double cpu;

	getrusage(RUSAGE_SELF, &ru);
	cpu = (double)(ru.ru_utime.tv_sec + ru.ru_stime.tv_sec) +
	    (double)(ru.ru_utime.tv_usec + ru.ru_stime.tv_usec) / 1e6;
	qsort(latency, (size_t)acked, sizeof(*latency), by_size);
	printf(opt.json ? "{\"acknowledged\": %ld, \"failed\": %ld, "
	    "\"seconds\": %.3f, \"per_second\": %.1f, \"ms_p50\": %.2f, "
	    "\"ms_p95\": %.2f, \"ms_p99\": %.2f, \"own_cpu_seconds\": %.3f}\n" :
	    "acknowledged %ld, failed %ld, %.3f s, %.1f messages/s, "
	    "ms p50 %.2f p95 %.2f p99 %.2f, own CPU %.3f s\n", acked, failed,
	    seconds, (double)acked / seconds, percentile(50), percentile(95),
	    percentile(99), cpu);
}

static void
target(const char *host, const char *port)
{
	struct sockaddr_in *s4 = (void *)&opt.to;
	struct sockaddr_in6 *s6 = (void *)&opt.to;
	uint16_t n = htons((uint16_t)atoi(port));

	if (inet_pton(AF_INET, host, &s4->sin_addr) == 1) {
		s4->sin_family = AF_INET;
		s4->sin_port = n;
		opt.to_len = sizeof(*s4);
	} else if (inet_pton(AF_INET6, host, &s6->sin6_addr) == 1) {
		s6->sin6_family = AF_INET6;
		s6->sin6_port = n;
		opt.to_len = sizeof(*s6);
	} else
		log_usage("%s is no address", host);
}

static long
number(const char *text, long min, long max)
{
	char *end;
	long v = strtol(text, &end, 10);

	if (*text == '\0' || *end != '\0' || v < min || v > max)
		log_usage("%s is no number from %ld to %ld", text, min, max);
	return v;
}

static void
options(int argc, char **argv)
{
	int c;

	while ((c = getopt(argc, argv, "c:n:m:s:f:t:R:i:b:Pj")) != -1) {
		if (c == 'c')
			opt.connections = number(optarg, 1, CONNECTIONS_MAX);
		else if (c == 'n')
			opt.messages = number(optarg, 1, 100000000);
		else if (c == 'm')
			opt.per_connection = number(optarg, 1, 100000000);
		else if (c == 's')
			opt.size = number(optarg, 1, 1 << 30);
		else if (c == 'f')
			opt.sender = optarg;
		else if (c == 't')
			opt.recipient = optarg;
		else if (c == 'R')
			opt.recipients = number(optarg, 1, 1000000);
		else if (c == 'i')
			opt.acked = optarg;
		else if (c == 'b')
			opt.first = number(optarg, 0, 1000000000);
		else if (c == 'P')
			opt.pipelining = 1;
		else if (c == 'j')
			opt.json = 1;
		else
			log_usage("see the head of smtp_source.c");
	}
	if (argc - optind != 2)
		log_usage("usage: smtp_source [options] address port");
	target(argv[optind], argv[optind + 1]);
}

int
main(int argc, char **argv)
{
	int64_t start;
	long i;

	log_init("smtp_source", 1);
	signal(SIGPIPE, SIG_IGN);
	options(argc, argv);
	make_filler();
	conns = mem_zalloc((size_t)opt.connections, sizeof(*conns));
	polls = mem_zalloc((size_t)opt.connections, sizeof(*polls));
	latency = mem_zalloc((size_t)opt.messages, sizeof(*latency));
	for (i = 0; i < opt.connections; i++) {
		conns[i].fd = -1;
		conns[i].number = -1;
	}
	if (opt.acked != NULL && (acked_file = fopen(opt.acked, "we")) == NULL)
		log_fatal("%s: %s", opt.acked, strerror(errno));
	next_number = opt.first;
	start = clock_now_us();
	run();
	report((double)(clock_now_us() - start) / 1e6);
	if (acked_file != NULL && fclose(acked_file) != 0)
		log_fatal("%s: %s", opt.acked, strerror(errno));
	return acked == opt.messages ? 0 : 1;
}
