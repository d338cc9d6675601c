/*
 * smtp_sink: an SMTP server that takes everything and keeps nothing: the far
 * end of a relay benchmark.
 *
 *	-a ADDR:PORT  where to listen
 *	-r RUN -n N   the messages that are expected: checked, counted once
 *
 * Prints "ready"; then, when all N have come or standard input ends, JSON:
 * whole, duplicate, broken, connections, seconds between the first message
 * and the last.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/buf.h"
#include "lib/base/mem.h"
#include "tests/bench/bench.h"

enum { CLIENTS_MAX = 200 };

struct client {
	struct buf in, out, data;
	int	 in_data;
};

static struct client clients[CLIENTS_MAX];
static struct pollfd fds[CLIENTS_MAX + 2];	/* 0 stdin, 1 listener */
static const char *run = "run";
static unsigned char *seen;
static unsigned expected, whole, duplicate, broken, connections;
static double first, last;

static int
listen_on(const char *where)
{
	struct sockaddr_in a = { .sin_family = AF_INET };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), on = 1;
	const char *colon = strrchr(where, ':');

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	a.sin_port = htons((uint16_t)atoi(colon != NULL ? colon + 1 : where));
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, (struct sockaddr *)(void *)&a, sizeof(a)) == -1 ||
	    listen(fd, CLIENTS_MAX) == -1)
		bench_die("%s: %s", where, strerror(errno));
	return fd;
}

static void
take_message(struct client *c)
{
	unsigned seq = 0;

	last = bench_now();
	if (first == 0)
		first = last;
	if (bench_verify(buf_str(&c->data), c->data.len, run, &seq) != 1 ||
	    seq >= expected)
		broken++;
	else if (seen[seq]++)
		duplicate++;
	else
		whole++;
	buf_reset(&c->data);
}

static void
data_line(struct client *c, const char *p, size_t len)
{
	if (len == 1 && p[0] == '.') {
		take_message(c);
		c->in_data = 0;
		buf_puts(&c->out, "250 2.0.0 taken\r\n");
		return;
	}
	if (p[0] == '.')
		p++, len--;
	buf_append(&c->data, p, len);
	buf_append(&c->data, "\r\n", 2);
}

/* Returns -1 at QUIT. */
static int
command(struct client *c, const char *p)
{
	if (strncasecmp(p, "EHLO", 4) == 0)
		buf_puts(&c->out, "250-sink\r\n250-PIPELINING\r\n250-SIZE "
		    "100000000\r\n250-ENHANCEDSTATUSCODES\r\n250 8BITMIME"
		    "\r\n");
	else if (strncasecmp(p, "DATA", 4) == 0) {
		c->in_data = 1;
		buf_puts(&c->out, "354 go\r\n");
	} else if (strncasecmp(p, "QUIT", 4) == 0)
		return -1;
	else
		buf_puts(&c->out, "250 2.0.0 ok\r\n");
	return 0;
}

static int
take_lines(struct client *c)
{
	size_t at = 0, len;
	char *lf, *p;
	int r = 0;

	while (r == 0 && (lf = memchr(c->in.data + at, '\n',
	    c->in.len - at)) != NULL) {
		p = c->in.data + at;
		len = (size_t)(lf - p);
		at += len + 1;
		if (len > 0 && p[len - 1] == '\r')
			len--;
		p[len] = '\0';
		if (c->in_data)
			data_line(c, p, len);
		else
			r = command(c, p);
	}
	buf_consume(&c->in, at);
	return r;
}

static void
drop(int i)
{
	struct client *c = &clients[i - 2];

	close(fds[i].fd);
	fds[i].fd = -1;
	buf_clear(&c->in);
	buf_clear(&c->out);
	buf_clear(&c->data);
	c->in_data = 0;
}

static void
serve(int i)
{
	struct client *c = &clients[i - 2];
	ssize_t n;

	if (buf_reserve(&c->in, 65536) == -1)
		bench_die("memory");
	n = read(fds[i].fd, c->in.data + c->in.len, 65536);
	if (n == -1 && errno == EAGAIN)
		return;
	if (n <= 0) {
		drop(i);
		return;
	}
	c->in.len += (size_t)n;
	n = take_lines(c);
	if (c->out.len > 0 &&
	    write(fds[i].fd, c->out.data, c->out.len) == -1)
		n = -1;
	buf_reset(&c->out);
	if (n == -1)
		drop(i);
}

static void
greet(void)
{
	int fd, i, on = 1;

	while ((fd = accept4(fds[1].fd, NULL, NULL, SOCK_NONBLOCK)) != -1) {
		for (i = 2; i < CLIENTS_MAX + 2 && fds[i].fd != -1; i++)
			continue;
		if (i == CLIENTS_MAX + 2) {
			close(fd);
			continue;
		}
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
		fds[i] = (struct pollfd){ .fd = fd, .events = POLLIN };
		connections++;
		if (write(fd, "220 sink ESMTP\r\n", 16) == -1)
			drop(i);
	}
}

int
main(int argc, char **argv)
{
	const char *where = NULL;
	int c, i;

	while ((c = getopt(argc, argv, "a:r:n:")) != -1)
		switch (c) {
		case 'a': where = optarg; break;
		case 'r': run = optarg; break;
		case 'n': expected = (unsigned)atoi(optarg); break;
		default: return 100;
		}
	if (where == NULL)
		bench_die("usage: smtp_sink -a ADDR:PORT -r RUN -n N");
	seen = mem_zalloc(expected + 1, 1);
	for (i = 0; i < CLIENTS_MAX + 2; i++)
		fds[i] = (struct pollfd){ .fd = -1, .events = POLLIN };
	fds[0].fd = 0;
	fds[1].fd = listen_on(where);
	puts("ready");
	fflush(stdout);
	while (whole < expected) {
		if (poll(fds, CLIENTS_MAX + 2, -1) == -1)
			bench_die("poll: %s", strerror(errno));
		if (fds[0].revents != 0)
			break;
		if (fds[1].revents != 0)
			greet();
		for (i = 2; i < CLIENTS_MAX + 2; i++)
			if (fds[i].fd != -1 && fds[i].revents != 0)
				serve(i);
	}
	printf("{\"whole\": %u, \"duplicate\": %u, \"broken\": %u, "
	    "\"connections\": %u, \"seconds\": %.3f}\n", whole, duplicate,
	    broken, connections, last - first);
	fflush(stdout);
	/* Replies on the way are read before the connections go. */
	usleep(200000);
	return 0;
}
