#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "auth/auth_peer.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/mail/proto.h"

static void
peer_flush(struct auth_peer *p)
{
	if (chan_flush(&p->chan) == 0)
		ev_io_start(p->loop, &p->writable);
	else
		ev_io_stop(p->loop, &p->writable);
}

/*
 * Where writing failed, reading finds the end and the peer is lost: that must
 * not happen below a caller that holds it.
 */
void
auth_peer_send(struct auth_peer *p)
{
	if (msg_end(&p->chan) == -1) {
		log_warn("%s %u does not read its answers",
		    peer_name(p->kind), (unsigned)p->instance);
		(void)shutdown(p->chan.fd, SHUT_RDWR);
		return;
	}
	peer_flush(p);
}

static void
peer_writable(struct ev_loop *loop, ev_io *w, int events)
{
	peer_flush(w->data);
}

/* All whole messages that were read: 0, or -1: drop the asker. */
static int
peer_messages(struct auth_peer *p)
{
	struct buf why = BUF_INIT(300);
	struct msg m;
	int r;

	while ((r = msg_next(&m, &proto_auth, p->kind, &p->chan, &why)) == 1) {
		r = p->message(p, &m);
		/* The password lay in the channel's memory. */
		mem_wipe(p->chan.in.data + (m.frame.data - p->chan.in.data),
		    m.frame.len);
		msg_done(&m);
		if (r == -1)
			break;
	}
	if (why.len > 0)
		log_warn("%s %u is dropped: %s", peer_name(p->kind),
		    (unsigned)p->instance, buf_str(&why));
	buf_clear(&why);
	return r;
}

static void
peer_readable(struct ev_loop *loop, ev_io *w, int events)
{
	struct auth_peer *p = w->data;
	int r = chan_read(&p->chan);

	if (r == -1 && (errno == EAGAIN || errno == EWOULDBLOCK))
		return;
	if (r != 1 || peer_messages(p) == -1)
		p->lost(p);
}

struct auth_peer *
auth_peer_new(struct ev_loop *loop, enum peer kind, uint32_t instance, int fd)
{
	struct auth_peer *p = mem_zalloc(1, sizeof(*p));

	p->loop = loop;
	p->kind = kind;
	p->instance = instance;
	chan_init(&p->chan, fd);
	ev_io_init(&p->readable, peer_readable, fd, EV_READ);
	ev_io_init(&p->writable, peer_writable, fd, EV_WRITE);
	p->readable.data = p->writable.data = p;
	ev_io_start(loop, &p->readable);
	return p;
}

void
auth_peer_free(struct auth_peer **pp)
{
	struct auth_peer *p = *pp;

	ev_io_stop(p->loop, &p->readable);
	ev_io_stop(p->loop, &p->writable);
	chan_clear(&p->chan);
	free(p);
	*pp = NULL;
}
