#include <sys/socket.h>

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/fd.h"
#include "lib/mail/trick.h"
#include "lib/net/stream.h"
#include "probe/probe.h"

struct trial {
	unsigned port;
	int	 fd;		/* -1: it is settled */
	enum probe_state state;
};

/* The asker's own address, whatever he says, and that port of it. */
static void
own_port(struct addr *to, const struct sockaddr_storage *asker, socklen_t len,
    unsigned port)
{
	to->ss = *asker;
	to->len = len;
	if (to->ss.ss_family == AF_INET6)
		((struct sockaddr_in6 *)(void *)&to->ss)->sin6_port =
		    htons((uint16_t)port);
	else
		((struct sockaddr_in *)(void *)&to->ss)->sin_port =
		    htons((uint16_t)port);
}

static int
begin(struct trial *t, const struct sockaddr_storage *asker, socklen_t len)
{
	struct addr to;

	own_port(&to, asker, len, t->port);
	t->state = PROBE_SILENT;
	t->fd = socket(to.ss.ss_family, SOCK_STREAM | SOCK_CLOEXEC |
	    SOCK_NONBLOCK, 0);
	if (t->fd == -1)
		return -1;
	if (connect(t->fd, (const struct sockaddr *)&to.ss, len) == 0)
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

struct question {
	unsigned port[PROBE_PORTS_MAX];
	int	 tricks;	/* at the first port; else ports alone */
	char	 domain[DOMAIN_MAX + 1], host[DOMAIN_MAX + 1];
};

/* How many ports are to be tried; -1: none. */
static int
read_question(struct stream *s, struct question *q, int any_port, int ms)
{
	unsigned *port = q->port;
	char *line;
	size_t len;
	int n, i;

	stream_deadline(s, ms);
	if (stream_line(s, TRICK_ASK_MAX, &line, &len) != STREAM_OK)
		return -1;
	q->tricks = trick_parse_question(line, len, port, q->domain, q->host);
	n = q->tricks;
	if (n == 0)
		n = len > PROBE_LINE_MAX ? -1 : probe_parse(line, len, port);
	for (i = 0; i < n; i++)
		if (port[i] == 0 || (!any_port && !probe_port(port[i])))
			return -1;
	return n;
}

/* Each trick at that port of the asker's own address, until he hangs up. */
static void
try_tricks(struct stream *s, struct trick_server *to, int (*ending)(void))
{
	int64_t end = clock_mono_ms() + TRICK_ALL_MS;
	struct buf said = BUF_INIT(TRICK_REPLY_MAX);
	enum stream_status st = STREAM_OK;
	char ip[ADDR_TEXT_MAX];
	size_t i;

	stream_deadline(s, TRICK_ALL_MS + PROBE_ASK_MS);
	addr_print_ip((const struct sockaddr *)&to->at.ss, ip, sizeof(ip));
	stream_printf(s, "AT %s\r\n", ip);
	for (i = 0; tricks[i].name != NULL && st == STREAM_OK; i++) {
		enum trick_verdict v = trick_try(&tricks[i], to,
		    end - clock_mono_ms(), &said);

		stream_printf(s, "%s %s %s\r\n", tricks[i].name,
		    trick_verdict_name(v), buf_str(&said));
		st = stream_flush(s);
		if ((i == TRICK_POSTMASTER && v != TRICK_WORKS) || ending())
			break;
	}
	stream_puts(s, "END\r\n");
	buf_clear(&said);
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
probe_serve(int fd, int crowded, int any_port, int (*ending)(void))
{
	struct sockaddr_storage asker = { .ss_family = AF_UNSPEC };
	struct trial t[PROBE_PORTS_MAX];
	struct question q = { .tricks = 0 };
	socklen_t len = sizeof(asker);
	struct stream s;
	int n = -1, i;

	stream_init(&s, fd);
	if (crowded) {
		/* A close over what was not read would take the word away. */
		(void)read_question(&s, &q, any_port, PROBE_BUSY_MS);
		stream_puts(&s, "BUSY\r\n");
	} else if (getpeername(fd, (struct sockaddr *)&asker, &len) == 0 &&
	    (asker.ss_family == AF_INET || asker.ss_family == AF_INET6))
		n = read_question(&s, &q, any_port, PROBE_ASK_MS);
	if (n > 0 && q.tricks) {
		struct trick_server to = { .domain = q.domain,
			.host = q.host };

		own_port(&to.at, &asker, len, q.port[0]);
		try_tricks(&s, &to, ending);
		stream_close(&s);
		return n;
	}
	for (i = 0; i < n; i++) {
		t[i] = (struct trial){ .port = q.port[i], .fd = -1 };
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
