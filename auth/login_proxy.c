#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>

#include "auth/login_proxy.h"
#include "lib/base/str.h"

enum {
	ROUNDS = 4,		/* pieces of one client before the others */
	KEEPALIVE_IDLE = 300,	/* seconds until the first probe */
	BULK = 4096,		/* octets at once that are more than a line */
};

/* What passes through; used within one call, shared by all. */
static char piece[LOGIN_IO_PIECE];

/*
 * A line that ends an answer: "tag OK ...", "+ ...", and what an IDLE says. Any
 * other line may stand in the middle of one, or of a literal.
 */
static int
is_end_line(const char *p, size_t len)
{
	const char *end = p + len, *word, *next;
	size_t n;

	if (len >= 2 && p[0] == '+' && p[1] == ' ')
		return 1;
	if ((word = memchr(p, ' ', len)) == NULL)
		return 0;
	word++;
	next = memchr(word, ' ', (size_t)(end - word));
	if (next == NULL)
		return 0;
	n = (size_t)(next - word);
	if (p[0] != '*')
		return str_is(word, n, "OK") || str_is(word, n, "NO") ||
		    str_is(word, n, "BAD");
	for (; word < next; word++)
		if (*word < '0' || *word > '9')
			return 0;
	next++;
	n = (size_t)(end - next);
	return str_is(next, n, "EXISTS") || str_is(next, n, "RECENT") ||
	    str_is(next, n, "EXPUNGE");
}

static int
is_bye(const char *p, size_t len)
{
	return len >= 5 && memcmp(p, "* BYE", 5) == 0;
}

/* Where the line that ends at end begins; NULL: before start. */
static const char *
line_start(const char *start, const char *end)
{
	const char *lf = memrchr(start, '\n', (size_t)(end - start));

	return lf != NULL ? lf + 1 : NULL;
}

enum login_rest
login_proxy_rest(enum login_rest was, const char *p, size_t len)
{
	const char *end, *last, *before;

	if (was == LOGIN_REST_BYE)
		return was;
	if (len < 2 || memcmp(p + len - 2, "\r\n", 2) != 0)
		return LOGIN_REST_NO;
	end = p + len - 2;
	if ((last = line_start(p, end)) == NULL) {
		if (was == LOGIN_REST_NO)
			return was;
		last = p;
	}
	before = last == p ? NULL : line_start(p, last - 1);
	if (before == NULL)
		before = p;
	if (is_bye(last, (size_t)(end - last)) ||
	    is_bye(before, (size_t)(last - before)))
		return LOGIN_REST_BYE;
	return is_end_line(last, (size_t)(end - last)) ? LOGIN_REST_YES :
	    LOGIN_REST_NO;
}

/* Sends what waits for the session; its end shows on the reading side. */
static void
to_session(struct login_client *c, const char *p, size_t len)
{
	ssize_t n;

	do
		n = send(c->session, p, len, MSG_NOSIGNAL);
	while (n == -1 && errno == EINTR);
	if (n == -1 && errno != EAGAIN) {
		c->client_ended = 1;
		return;
	}
	if (n == -1)
		n = 0;
	if ((size_t)n < len)
		(void)buf_append(&c->rx, p + n, len - (size_t)n);
}

/* The client will say no more; when the session has it all, it is told. */
static void
pass_end(struct login_client *c)
{
	if (!c->client_ended || c->rx.len > 0)
		return;
	(void)shutdown(c->session, SHUT_WR);
	if (!ev_is_active(&c->timer))
		login_client_timer(c, LOGIN_STALL_MS);
}

/* Fills piece from the client. Returns what it holds; an end is noted. */
static size_t
from_client(struct login_client *c)
{
	size_t got = 0;
	ssize_t n;

	while (got < sizeof(piece)) {
		n = login_io_read(&c->io, piece + got, sizeof(piece) - got);
		if (n > 0) {
			got += (size_t)n;
			if (login_io_drained(&c->io))
				break;
			continue;
		}
		if (n == 0)
			c->client_ended = 1;
		else if (errno != EAGAIN)
			c->state = LOGIN_DEAD;
		break;
	}
	return got;
}

/*
 * A client that sends a message and then, apart, the end of its line waits with
 * the second for our acknowledgement of the first (Nagle), which the kernel puts
 * off for 40 ms.
 */
static void
acknowledge(int fd)
{
	(void)setsockopt(fd, IPPROTO_TCP, TCP_QUICKACK, &(int){ 1 },
	    sizeof(int));
}

static void
up(struct login_client *c)
{
	size_t n, all = 0;
	int i;

	for (i = 0; i < ROUNDS; i++) {
		if (c->client_ended || c->rx.len > 0)
			break;
		if ((n = from_client(c)) > 0)
			to_session(c, piece, n);
		all += n;
		if (c->state == LOGIN_DEAD)
			return;
		if (n < sizeof(piece))
			break;
	}
	if (all >= BULK)
		acknowledge(c->io.fd);
	/* What TLS has read ahead wakes nobody: come back for it. */
	c->again = i == ROUNDS;
	pass_end(c);
}

static void
session_end(struct login_client *c)
{
	static const char bye[] = "* BYE the session has ended, connect "
	    "again\r\n";

	if (c->io.tx.len > 0)
		return;
	if ((c->service == SERVICE_IMAP || c->service == SERVICE_IMAPS) &&
	    c->rest == LOGIN_REST_YES &&
	    login_io_write(&c->io, bye, sizeof(bye) - 1) == -1)
		c->state = LOGIN_DEAD;
	else
		login_client_end(c);
}

static void
down(struct login_client *c)
{
	ssize_t n;
	int i;

	for (i = 0; i < ROUNDS && c->io.tx.len == 0; i++) {
		do
			n = recv(c->session, piece, sizeof(piece), 0);
		while (n == -1 && errno == EINTR);
		if (n == -1 && errno == EAGAIN)
			break;
		if (n <= 0) {
			c->session_ended = 1;
			break;
		}
		c->rest = login_proxy_rest(c->rest, piece, (size_t)n);
		if (login_io_write(&c->io, piece, (size_t)n) == -1) {
			c->state = LOGIN_DEAD;
			return;
		}
		if ((size_t)n < sizeof(piece))
			break;
	}
	if (c->io.tx.len > 0 && !ev_is_active(&c->timer))
		login_client_timer(c, LOGIN_STALL_MS);
	if (c->session_ended)
		session_end(c);
}

void
login_proxy_client(struct login_client *c, int events)
{
	if ((events & EV_WRITE) && c->io.tx.len > 0)
		login_client_timer(c, LOGIN_STALL_MS);
	else if ((events & EV_WRITE) && !c->client_ended)
		ev_timer_stop(c->server->loop, &c->timer);
	if ((events & EV_WRITE) && c->session_ended) {
		session_end(c);
		return;
	}
	if (events & EV_READ)
		up(c);
}

void
login_proxy_session(struct login_client *c, int events)
{
	struct buf rx;

	if (events & EV_WRITE) {
		rx = c->rx;
		buf_init(&c->rx, rx.max);
		to_session(c, rx.data, rx.len);
		buf_clear(&rx);
		/* The client was not read meanwhile; TLS may hold some. */
		if (c->rx.len == 0)
			up(c);
	}
	if (c->state == LOGIN_PROXY && (events & EV_READ))
		down(c);
}

static void
keepalive(int fd)
{
	int on = 1, idle = KEEPALIVE_IDLE;

	(void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	(void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof(idle));
}

void
login_proxy_start(struct login_client *c)
{
	ev_timer_stop(c->server->loop, &c->timer);
	keepalive(c->io.fd);
	if (c->io.tx.len > 0)
		login_client_timer(c, LOGIN_STALL_MS);
	if (c->rx.len > 0)
		login_proxy_session(c, EV_WRITE);
	else
		up(c);
}
