#include <stdlib.h>

#include "lib/base/mem.h"
#include "lib/link/link.h"
#include "lib/mail/proto.h"
#include "lib/mail/result.h"
#include "relay/resolve_client.h"
#include "relay/resolve_lookup.h"

enum { HOSTS_PACKED_MAX = 60 * 1024 };

struct resolve_client;

struct resolve_request {
	struct resolve_client *client;
	struct lookup *lookup;		/* NULL: the slot is free */
	uint32_t id;
};

struct resolve_client {
	struct resolve_client *next;
	struct link link;
	client_self *self;
	struct resolve_request requests[CLIENT_LOOKUPS_MAX];
	unsigned n;
};

static struct resolve_client *clients;
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
client_free(struct resolve_client *c)
{
	struct resolve_client **p;
	unsigned i;

	for (p = &clients; *p != c; p = &(*p)->next)
		continue;
	*p = c->next;
	for (i = 0; i < CLIENT_LOOKUPS_MAX; i++)
		lookup_cancel(&c->requests[i].lookup);
	busy -= c->n;
	link_clear(&c->link);
	free(c);
}

static void
client_answer(struct resolve_client *c, uint32_t id,
    const struct lookup_answer *a)
{
	struct buf hosts = BUF_INIT(HOSTS_PACKED_MAX);
	struct chan *ch = link_begin(&c->link, N_HOSTS, id);

	msg_u32(ch, NF_STATUS, (uint32_t)a->status);
	if (a->status == N_OK) {
		hosts_pack(a->hosts, &hosts);
		msg_bytes(ch, NF_HOSTS, buf_str(&hosts), hosts.len);
		msg_u32(ch, NF_SECURE, a->secure != 0);
	} else
		msg_words(ch, NF_WORDS, a->words, RESULT_WORDS_MAX);
	link_send(&c->link);
	buf_clear(&hosts);
}

static void
request_done(void *arg, const struct lookup_answer *a)
{
	struct resolve_request *r = arg;
	struct resolve_client *c = r->client;

	r->lookup = NULL;
	c->n--;
	busy--;
	client_answer(c, r->id, a);
	link_resume(&c->link);
	if (busy == 0 && on_quiet != NULL)
		on_quiet();
}

static int
client_request(struct link *l, struct msg *m, struct buf *why)
{
	struct resolve_client *c = l->owner;
	struct resolve_request *r = c->requests;
	char *name = msg_get_dup(m, NF_NAME);

	while (r->lookup != NULL)
		r++;
	r->client = c;
	r->id = m->id;
	r->lookup = lookup_start(l->loop, (enum n_type)m->type, name,
	    c->self(), request_done, r);
	busy++;
	free(name);
	if (++c->n == CLIENT_LOOKUPS_MAX)
		link_pause(l);
	return 0;
}

static void
client_lost(struct link *l, enum link_end how, const char *why)
{
	link_warn(l, why);
	if (how != LINK_ENDED)
		server_retire_peer(l->peer, l->instance);
	client_free(l->owner);
}

static const struct link_kind resolve_link = {
	.proto = &proto_resolve,
	.message = client_request,
	.lost = client_lost,
};

void
client_gone(struct ev_loop *loop, enum peer peer, uint32_t instance)
{
	struct resolve_client *c;

	for (c = clients; c != NULL; c = c->next)
		if (c->link.peer == peer && c->link.instance == instance) {
			client_free(c);
			return;
		}
}

void
client_add(struct ev_loop *loop, const struct wire *w, client_self *self)
{
	struct resolve_client *c;

	client_gone(loop, w->peer, w->instance);
	c = mem_zalloc(1, sizeof(*c));
	c->self = self;
	link_init(&c->link, loop, &resolve_link, c);
	link_open(&c->link, w->peer, w->instance, w->fd);
	c->next = clients;
	clients = c;
}
