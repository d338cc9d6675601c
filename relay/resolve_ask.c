#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/fd.h"
#include "relay/resolve_ask.h"

enum {
	HEADER = 12,
	NS = 2,
	FLAG_RD = 0x01, FLAG_TC = 0x02, FLAG_QR = 0x80,
	QUESTIONS = 4,	/* bit by bit as in enum ask_seen */
};

/* The name as labels (RFC 1035 3.1). Its length, 0 where it is none. */
static size_t
put_name(unsigned char *to, const char *name)
{
	size_t n, at = 0;

	while (*name != '\0') {
		n = strcspn(name, ".");
		if (n == 0 || n > 63 || at + n + 2 > 255)
			return 0;
		to[at++] = (unsigned char)n;
		memcpy(to + at, name, n);
		at += n;
		name += n + (name[n] == '.');
	}
	to[at++] = 0;
	return at;
}

/* A question into to (ASK_QUERY_MAX); its length, 0 for no name. */
static size_t
put_question(unsigned char *to, unsigned id, const char *name, unsigned type,
    int edns)
{
	/* Name, type, size, no extended code, version 0, DO, no options. */
	static const unsigned char opt[] = { 0, 0, 41, 1232 >> 8, 1232 & 255,
		0, 0, 0x80, 0, 0, 0 };
	size_t n = put_name(to + HEADER, name), at = HEADER + n;

	memset(to, 0, HEADER);
	to[0] = (unsigned char)(id >> 8);
	to[1] = (unsigned char)id;
	to[2] = FLAG_RD;
	to[5] = 1;
	to[11] = (unsigned char)(edns != 0);
	to[at++] = (unsigned char)(type >> 8);
	to[at++] = (unsigned char)type;
	to[at++] = 0;
	to[at++] = 1;
	if (edns) {
		memcpy(to + at, opt, sizeof(opt));
		at += sizeof(opt);
	}
	return n == 0 ? 0 : at;
}

static void
tcp_close(struct ask *a, unsigned how)
{
	a->seen |= how;
	ev_io_stop(a->loop, &a->on_tcp);
	fd_close(&a->tcp);
}

/* It is connected: the question goes out at once, or not. Then its answer. */
static void
on_tcp(struct ev_loop *loop, ev_io *w, int events)
{
	struct ask *a = w->data;
	char first;

	if (events & EV_WRITE) {
		if (send(a->tcp, a->query, 2 + a->len, MSG_NOSIGNAL) !=
		    (ssize_t)(2 + a->len)) {
			tcp_close(a, ASK_TCP_FAILED);
			return;
		}
		ev_io_stop(loop, w);
		ev_io_set(w, a->tcp, EV_READ);
		ev_io_start(loop, w);
	} else
		tcp_close(a, recv(a->tcp, &first, 1, 0) == 1 ? ASK_TCP :
		    ASK_TCP_FAILED);
}

static void
tcp_start(struct ask *a)
{
	const struct sockaddr *sa = (const struct sockaddr *)&a->addr.ss;

	if (a->tcp != -1 || (a->seen & (ASK_TCP | ASK_TCP_FAILED)))
		return;
	a->tcp = socket(sa->sa_family, SOCK_STREAM | SOCK_CLOEXEC |
	    SOCK_NONBLOCK, 0);
	ev_io_init(&a->on_tcp, on_tcp, a->tcp, EV_WRITE);
	a->on_tcp.data = a;
	if (a->tcp == -1 || (connect(a->tcp, sa, a->addr.len) == -1 &&
	    errno != EINPROGRESS))
		tcp_close(a, ASK_TCP_FAILED);
	else
		ev_io_start(a->loop, &a->on_tcp);
}

static void
on_udp(struct ev_loop *loop, ev_io *w, int events)
{
	struct ask *a = w->data;
	unsigned char p[HEADER];
	unsigned i;
	ssize_t n;

	while ((n = recv(a->udp, p, sizeof(p), 0)) >= 0) {
		i = ((unsigned)p[0] << 8 | p[1]) - a->id;
		if (n < HEADER || i >= QUESTIONS || !(p[2] & FLAG_QR))
			continue;
		a->seen |= 1u << i;
		if (i >= 2 && (p[2] & FLAG_TC)) {
			a->seen |= ASK_CUT;
			tcp_start(a);
		}
	}
}

void
ask_again(struct ask *a, const char *name, unsigned type)
{
	unsigned char q[ASK_QUERY_MAX];
	size_t len;
	unsigned i;

	for (i = 0; i < QUESTIONS && a->udp != -1; i++) {
		len = put_question(q, a->id + i, i < 2 ? "" : name, i < 2 ? NS :
		    type, i % 2 != 0);
		/* What does not go out is not answered. */
		if (len > 0 && !(a->seen & 1u << i))
			(void)!send(a->udp, q, len, MSG_NOSIGNAL);
	}
}

void
ask_start(struct ask *a, struct ev_loop *loop, const char *name,
    unsigned type)
{
	const struct sockaddr *sa = (const struct sockaddr *)&a->addr.ss;

	a->loop = loop;
	a->seen = 0;
	a->tcp = -1;
	a->id = arc4random_uniform(65536 - QUESTIONS);
	a->len = put_question(a->query + 2, a->id, name, type, 0);
	a->query[0] = (unsigned char)(a->len >> 8);
	a->query[1] = (unsigned char)a->len;
	a->udp = socket(sa->sa_family, SOCK_DGRAM | SOCK_CLOEXEC |
	    SOCK_NONBLOCK, 0);
	ev_io_init(&a->on_udp, on_udp, a->udp, EV_READ);
	a->on_udp.data = a;
	if (a->udp == -1 || connect(a->udp, sa, a->addr.len) == -1) {
		fd_close(&a->udp);
		return;
	}
	ev_io_start(loop, &a->on_udp);
	ask_again(a, name, type);
}

int
ask_is_done(const struct ask *a)
{
	const unsigned all = ASK_ROOT | ASK_ROOT_EDNS | ASK_NAME |
	    ASK_NAME_EDNS;

	return (a->seen & all) == all && a->tcp == -1;
}

void
ask_stop(struct ask *a)
{
	if (a->udp != -1)
		ev_io_stop(a->loop, &a->on_udp);
	fd_close(&a->udp);
	if (a->tcp != -1)
		tcp_close(a, ASK_TCP_FAILED);
}
