#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/mail/proto.h"
#include "lib/mail/result.h"
#include "relay/resolve_client.h"
#include "relay/resolve_lookup.h"

enum { HOSTS_PACKED_MAX = 60 * 1024 };

struct client;

struct request {
	struct client *client;
	struct lookup *lookup;		/* NULL: the slot is free */
	uint32_t id;
};

struct client {
	struct client *next;
	struct ev_loop *loop;
	struct chan chan;
	struct ev_io io;
	enum peer peer;
	uint32_t instance;
	client_self *self;
	struct request requests[CLIENT_LOOKUPS_MAX];
	unsigned n;
};

static struct client *clients;
static unsigned busy;
static void (*on_quiet)(void);

unsigned
client_busy(void)
{
	return busy;
}

void
client_on_quiet(void (*quiet)(void))
{
	on_quiet = quiet;
}

static void
client_drop(struct client *c)
{
	struct client **p;
	unsigned i;

	for (p = &clients; *p != c; p = &(*p)->next)
		continue;
	*p = c->next;
	ev_io_stop(c->loop, &c->io);
	for (i = 0; i < CLIENT_LOOKUPS_MAX; i++)
		lookup_cancel(&c->requests[i].lookup);
	busy -= c->n;
	chan_clear(&c->chan);
	free(c);
}

/* Waits for what makes sense now: questions if there is room, room to write. */
static void
client_watch(struct client *c)
{
	int events = 0;

	if (c->n < CLIENT_LOOKUPS_MAX)
		events |= EV_READ;
	if (chan_pending(&c->chan))
		events |= EV_WRITE;
	ev_io_stop(c->loop, &c->io);
	ev_io_set(&c->io, c->chan.fd, events);
	if (events != 0)
		ev_io_start(c->loop, &c->io);
}

static int
client_answer(struct client *c, uint32_t id, const struct lookup_answer *a)
{
	struct buf hosts = BUF_INIT(HOSTS_PACKED_MAX);
	int r;

	msg_begin(&c->chan, &proto_resolve, N_HOSTS, id);
	msg_u32(&c->chan, NF_STATUS, (uint32_t)a->status);
	if (a->status == N_OK) {
		hosts_pack(a->hosts, &hosts);
		msg_bytes(&c->chan, NF_HOSTS, buf_str(&hosts), hosts.len);
		msg_u32(&c->chan, NF_SECURE, a->secure != 0);
	} else
		msg_words(&c->chan, NF_WORDS, a->words, RESULT_WORDS_MAX);
	r = msg_end(&c->chan);
	buf_clear(&hosts);
	return r;
}

static void client_input(struct client *c);

static void
request_done(void *arg, const struct lookup_answer *a)
{
	struct request *r = arg;
	struct client *c = r->client;

	r->lookup = NULL;
	c->n--;
	busy--;
	if (client_answer(c, r->id, a) == -1 || chan_flush(&c->chan) == -1) {
		log_warn("%s does not read its answers: dropped",
		    peer_name(c->peer));
		client_drop(c);
	} else
		client_input(c);
	if (busy == 0 && on_quiet != NULL)
		on_quiet();
}

static void
client_request(struct client *c, const struct msg *m)
{
	struct request *r = c->requests;
	char *name = msg_get_dup(m, NF_NAME);

	while (r->lookup != NULL)
		r++;
	r->client = c;
	r->id = m->id;
	r->lookup = lookup_start(c->loop, (enum n_type)m->type, name,
	    c->self(), request_done, r);
	c->n++;
	busy++;
	free(name);
}

/* Takes what was read, as far as there is room; the rest stays in chan. */
static void
client_input(struct client *c)
{
	struct buf why = BUF_INIT(300);
	struct msg m;
	int r = 0;

	while (c->n < CLIENT_LOOKUPS_MAX &&
	    (r = msg_next(&m, &proto_resolve, c->peer, &c->chan, &why)) == 1) {
		client_request(c, &m);
		msg_done(&m);
	}
	if (r == -1) {
		log_warn("%s: %s: dropped", peer_name(c->peer), buf_str(&why));
		server_retire_peer(c->peer, c->instance);
		client_drop(c);
	} else
		client_watch(c);
	buf_clear(&why);
}

static void
client_ready(struct ev_loop *loop, struct ev_io *w, int events)
{
	struct client *c = w->data;
	int r;

	if (events & EV_WRITE && chan_flush(&c->chan) == -1) {
		client_drop(c);
		return;
	}
	if (!(events & EV_READ)) {
		client_watch(c);
		return;
	}
	r = chan_read(&c->chan);
	if (r == 0 || (r == -1 && errno != EAGAIN && errno != EINTR))
		client_drop(c);
	else
		client_input(c);
}

void
client_gone(struct ev_loop *loop, enum peer peer, uint32_t instance)
{
	struct client *c;

	for (c = clients; c != NULL; c = c->next)
		if (c->peer == peer && c->instance == instance) {
			client_drop(c);
			return;
		}
}

void
client_add(struct ev_loop *loop, const struct wire *w, client_self *self)
{
	struct client *c;

	client_gone(loop, w->peer, w->instance);
	c = mem_zalloc(1, sizeof(*c));
	c->loop = loop;
	c->peer = w->peer;
	c->instance = w->instance;
	c->self = self;
	chan_init(&c->chan, w->fd);
	ev_io_init(&c->io, client_ready, w->fd, EV_READ);
	c->io.data = c;
	c->next = clients;
	clients = c;
	client_watch(c);
}
