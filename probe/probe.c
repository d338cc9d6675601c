#include <sys/socket.h>

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/fd.h"
#include "lib/net/stream.h"
#include "probe/probe.h"

struct trial {
	unsigned port;
	int	 fd;		/* -1: it is settled */
	enum probe_state state;
};

/* The asker's own address, whatever he says, and that port of it. */
static int
begin(struct trial *t, const struct sockaddr_storage *asker, socklen_t len)
{
	struct sockaddr_storage to = *asker;

	if (to.ss_family == AF_INET6)
		((struct sockaddr_in6 *)(void *)&to)->sin6_port =
		    htons((uint16_t)t->port);
	else
		((struct sockaddr_in *)(void *)&to)->sin_port =
		    htons((uint16_t)t->port);
	t->state = PROBE_SILENT;
	t->fd = socket(to.ss_family, SOCK_STREAM | SOCK_CLOEXEC |
	    SOCK_NONBLOCK, 0);
	if (t->fd == -1)
		return -1;
	if (connect(t->fd, (const struct sockaddr *)&to, len) == 0)
		t->state = PROBE_OPEN;
	else if (errno == EINPROGRESS)
		return 0;
	else if (errno == ECONNREFUSED)
		t->state = PROBE_REFUSED;
	fd_close(&t->fd);
	return 0;
}

static void
settle(struct trial *t)
{
	socklen_t len = sizeof(int);
	int e = 0;

	if (getsockopt(t->fd, SOL_SOCKET, SO_ERROR, &e, &len) == -1)
		e = errno;
	t->state = e == 0 ? PROBE_OPEN : e == ECONNREFUSED ? PROBE_REFUSED :
	    PROBE_SILENT;
	fd_close(&t->fd);
}

/* All at once, until each has its answer or the time is over. */
static void
wait_for_all(struct trial *t, int n)
{
	int64_t end = clock_mono_ms() + PROBE_PORT_MS, left;
	struct pollfd p[PROBE_PORTS_MAX];
	int i, open;

	do {
		for (i = open = 0; i < n; i++) {
			p[i] = (struct pollfd){ .fd = t[i].fd,
				.events = POLLOUT };
			open += t[i].fd != -1;
		}
		left = end - clock_mono_ms();
		if (open == 0 || left <= 0 || (poll(p, (nfds_t)n,
		    (int)left) == -1 && errno != EINTR))
			break;
		for (i = 0; i < n; i++)
			if (t[i].fd != -1 && p[i].revents != 0)
				settle(&t[i]);
	} while (1);
	for (i = 0; i < n; i++)
		fd_close(&t[i].fd);
}

/* How many ports are to be tried; -1: none. */
static int
read_question(struct stream *s, unsigned port[PROBE_PORTS_MAX], int any_port,
    int ms)
{
	char *line;
	size_t len;
	int n, i;

	stream_deadline(s, ms);
	if (stream_line(s, PROBE_LINE_MAX, &line, &len) != STREAM_OK ||
	    (n = probe_parse(line, len, port)) == -1)
		return -1;
	for (i = 0; i < n; i++)
		if (port[i] == 0 || (!any_port && !probe_port(port[i])))
			return -1;
	return n;
}

static void
answer(struct stream *s, const struct trial *t, int n)
{
	int i;

	for (i = 0; i < n; i++)
		stream_printf(s, "%u %s\r\n", t[i].port,
		    probe_state_name(t[i].state));
	stream_puts(s, "END\r\n");
}

int
probe_serve(int fd, int crowded, int any_port)
{
	struct sockaddr_storage asker = { .ss_family = AF_UNSPEC };
	struct trial t[PROBE_PORTS_MAX];
	unsigned port[PROBE_PORTS_MAX];
	socklen_t len = sizeof(asker);
	struct stream s;
	int n = -1, i;

	stream_init(&s, fd);
	if (crowded) {
		/* A close over what was not read would take the word away. */
		(void)read_question(&s, port, any_port, PROBE_BUSY_MS);
		stream_puts(&s, "BUSY\r\n");
	} else if (getpeername(fd, (struct sockaddr *)&asker, &len) == 0 &&
	    (asker.ss_family == AF_INET || asker.ss_family == AF_INET6))
		n = read_question(&s, port, any_port, PROBE_ASK_MS);
	for (i = 0; i < n; i++) {
		t[i] = (struct trial){ .port = port[i], .fd = -1 };
		(void)begin(&t[i], &asker, len);
	}
	if (n > 0) {
		wait_for_all(t, n);
		stream_deadline(&s, PROBE_ASK_MS);
		answer(&s, t, n);
	}
	stream_close(&s);
	return n;
}
