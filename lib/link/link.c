/*
 * Whatever ends a link outside of the loop's own call is kept in it, and the
 * loop is told to look (ev_feed_event needs no system call).
 */
#include <errno.h>
#include <string.h>

#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/link/link.h"

enum {
	WHY_MAX = 300,
	FINISH_READS = 1000,	/* of a link whose peer has ended */
};

static void
link_lost(struct link *l, enum link_end how, const char *why)
{
	/* What was answered goes out first, as far as it goes. */
	if (how != LINK_ENDED && chan_pending(&l->chan))
		(void)!chan_flush(&l->chan);
	link_clear(l);
	l->kind->lost(l, how, why);
}

/* A peer's end is found by reading, behind what it said before. */
static int
is_end(int error)
{
	return error == EPIPE || error == ECONNRESET;
}

static void
link_write(struct link *l)
{
	size_t len = l->chan.out.len;
	int r = chan_flush(&l->chan);

	if (r == 0) {
		l->full = 1;
		ev_io_start(l->loop, &l->writing);
		return;
	}
	/* Else it may have been fed for `written`, which this takes back. */
	if (l->full)
		ev_io_stop(l->loop, &l->writing);
	if (r == -1) {
		if (!is_end(errno))
			link_drop(l, LINK_ENDED, strerror(errno));
		return;
	}
	if (l->kind->secret && l->chan.out.data != NULL)
		mem_wipe(l->chan.out.data, len);
	if (l->full && l->kind->written != NULL)
		ev_feed_event(l->loop, &l->writing, EV_CUSTOM);
	l->full = 0;
}

static void
touch(struct link *l)
{
	if (l->touched)
		return;
	l->touched = 1;
	TAILQ_INSERT_TAIL(l->kind->turn, l, in_turn);
}

static void
untouch(struct link *l)
{
	if (l->touched)
		TAILQ_REMOVE(l->kind->turn, l, in_turn);
	l->touched = 0;
}

/* True where the hook may have another message. */
static int
wants(const struct link *l)
{
	return !l->paused && !l->ending;
}

/* All messages that were read. 0 where the owner may be gone. */
static int
link_messages(struct link *l)
{
	struct buf why = BUF_INIT(WHY_MAX);
	int r = 0, cleared = 0;
	struct msg m;

	l->cleared = &cleared;
	while (wants(l) && (r = msg_next(&m, l->kind->proto, l->peer, &l->chan,
	    &why)) == 1) {
		r = l->kind->message(l, &m, &why);
		if (!cleared && l->kind->secret)
			mem_wipe(l->chan.in.data +
			    (m.frame.data - l->chan.in.data), m.frame.len);
		msg_done(&m);
		if (cleared || r == -1)
			break;
	}
	if (!cleared) {
		l->cleared = NULL;
		if (r == -1)
			link_lost(l, LINK_BROKE, why.len > 0 ? buf_str(&why) :
			    NULL);
	}
	buf_clear(&why);
	return !cleared && r != -1;
}

/* EV_READ: the socket has something; else we were told to look. */
static void
on_readable(struct ev_loop *loop, ev_io *w, int events)
{
	struct link *l = w->data;
	int r = 1;

	if (l->ending) {
		link_lost(l, l->how, l->why);
		return;
	}
	if (l->paused)
		return;
	if (events & EV_READ)
		r = chan_read(&l->chan);
	if (r == 1)
		(void)link_messages(l);
	else if (r == 0 || is_end(errno))
		link_lost(l, LINK_ENDED, NULL);
	else if (errno != EAGAIN)
		link_lost(l, LINK_ENDED, strerror(errno));
}

/* EV_WRITE: the socket takes more; else we were told that all is out. */
static void
on_writable(struct ev_loop *loop, ev_io *w, int events)
{
	struct link *l = w->data;

	if (!(events & EV_WRITE)) {
		l->kind->written(l);
	} else if (l->kind->turn != NULL) {
		ev_io_stop(loop, w);
		touch(l);
	} else {
		link_write(l);
	}
}

void
link_init(struct link *l, struct ev_loop *loop, const struct link_kind *kind,
    void *owner)
{
	memset(l, 0, sizeof(*l));
	chan_init(&l->chan, -1);
	l->loop = loop;
	l->kind = kind;
	l->owner = owner;
}

void
link_open(struct link *l, enum peer peer, uint32_t instance, int fd)
{
	l->peer = peer;
	l->instance = instance;
	l->paused = l->full = l->ending = 0;
	chan_init(&l->chan, fd);
	ev_io_init(&l->reading, on_readable, fd, EV_READ);
	ev_io_init(&l->writing, on_writable, fd, EV_WRITE);
	l->reading.data = l->writing.data = l;
	ev_io_start(l->loop, &l->reading);
}

void
link_clear(struct link *l)
{
	if (!link_is_open(l))
		return;
	if (l->cleared != NULL)
		*l->cleared = 1;
	l->cleared = NULL;
	untouch(l);
	ev_io_stop(l->loop, &l->reading);
	ev_io_stop(l->loop, &l->writing);
	if (l->kind->secret && l->chan.in.data != NULL)
		mem_wipe(l->chan.in.data, l->chan.in.cap);
	if (l->kind->secret && l->chan.out.data != NULL)
		mem_wipe(l->chan.out.data, l->chan.out.cap);
	chan_clear(&l->chan);
}

int
link_is_open(const struct link *l)
{
	return l->chan.fd != -1;
}

struct chan *
link_begin(struct link *l, unsigned type, uint32_t id)
{
	msg_begin(&l->chan, l->kind->proto, type, id);
	return &l->chan;
}

void
link_send(struct link *l)
{
	if (!link_is_open(l))
		chan_clear(&l->chan);
	else if (msg_end(&l->chan) == -1)
		link_drop(l, LINK_DEAF, errno == ENOBUFS ?
		    "does not read its answers" :
		    "is to be told what its protocol does not allow");
	else
		link_flush(l);
}

void
link_flush(struct link *l)
{
	if (!link_is_open(l))
		return;
	if (l->kind->turn != NULL)
		touch(l);
	else
		link_write(l);
}

void
link_turn_flush(struct link_turn *t)
{
	struct link *l;

	while ((l = TAILQ_FIRST(t)) != NULL) {
		untouch(l);
		link_write(l);
	}
}

void
link_drop(struct link *l, enum link_end how, const char *why)
{
	if (!link_is_open(l) || l->ending)
		return;
	l->ending = 1;
	l->how = how;
	l->why = why;
	ev_feed_event(l->loop, &l->reading, EV_CUSTOM);
}

void
link_finish(struct link *l)
{
	int i;

	if (!link_is_open(l) || l->ending)
		return;
	/* More than a socket holds: whoever still writes is not the peer. */
	for (i = 0; i < FINISH_READS && chan_read(&l->chan) == 1; i++)
		if (!link_messages(l))
			return;
	link_lost(l, LINK_ENDED, NULL);
}

void
link_pause(struct link *l)
{
	if (!link_is_open(l))
		return;
	l->paused = 1;
	/* This takes an event back that was fed: an end that is due stays. */
	if (!l->ending)
		ev_io_stop(l->loop, &l->reading);
}

void
link_lend(struct link *l)
{
	link_pause(l);
	untouch(l);
	ev_io_stop(l->loop, &l->writing);
}

void
link_resume(struct link *l)
{
	if (!link_is_open(l) || !l->paused)
		return;
	l->paused = 0;
	ev_io_start(l->loop, &l->reading);
	ev_feed_event(l->loop, &l->reading, EV_CUSTOM);
}

void
link_warn(const struct link *l, const char *why)
{
	if (why != NULL)
		log_warn("%s %u: %s", peer_name(l->peer), (unsigned)l->instance,
		    why);
}
