#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/mail/door_proto.h"
#include "store/account.h"
#include "store/account_commit.h"
#include "store/door_client.h"
#include "store/door_watch.h"

enum { BEHIND = 64 * 1024 };

struct client *
client_ref(struct client *c)
{
	atomic_fetch_add(&c->refs, 1);
	return c;
}

void
client_unref(struct client *c)
{
	if (atomic_fetch_sub(&c->refs, 1) != 1)
		return;
	chan_clear(&c->chan);
	pthread_mutex_destroy(&c->lock);
	buf_clear(&c->appends);
	free(c->file);
	free(c);
}

int
client_begin(struct client *c, unsigned type, uint32_t id)
{
	pthread_mutex_lock(&c->lock);
	if (c->gone) {
		pthread_mutex_unlock(&c->lock);
		return 0;
	}
	msg_begin(&c->chan, &proto_door, type, id);
	return 1;
}

void
client_end(struct client *c, struct shard *by)
{
	unsigned bit = 1u << shard_number(by);
	int first, lost = msg_end(&c->chan) == -1;

	first = !(c->flushing & bit);
	c->flushing |= bit;
	if (lost)
		c->broken = 1;
	pthread_mutex_unlock(&c->lock);
	if (lost)
		client_poke(c);
	if (first)
		shard_flush(by, client_ref(c));
}

void
client_failed(struct client *c, struct shard *by, uint32_t id,
    enum door_error e, const char *words)
{
	if (!client_begin(c, DM_FAILED, id))
		return;
	msg_u32(&c->chan, DF_ERROR, e);
	msg_words(&c->chan, DF_WORDS, words, RESULT_WORDS_MAX);
	client_end(c, by);
}

void
client_done(struct client *c, uint32_t id)
{
	if (client_begin(c, DM_DONE, id))
		client_end(c, c->shard);
}

int
request_read(const struct request *r, enum engine_result e)
{
	if (e != ENGINE_LATER && !account_failed(r->account, e))
		return 0;
	request_fail(r, D_LATER, "the index does not answer");
	return -1;
}

int
request_commit(const struct request *r)
{
	if (account_commit(r->account) == 0)
		return 0;
	request_fail(r, D_LATER, "the index cannot be written");
	return -1;
}

/* As chan_flush; under the lock. What the reading side will not see ends it. */
static int
client_flush(struct client *c)
{
	int r = chan_flush(&c->chan);

	if (r == -1 && errno != EPIPE && errno != ECONNRESET)
		c->broken = 1;
	return r == -1 && !c->broken ? 1 : r;
}

/* The shard that answered may not be the one whose loop has the watchers. */
void
client_send(struct client *c)
{
	int r;

	pthread_mutex_lock(&c->lock);
	c->flushing = 0;
	r = c->gone ? 1 : client_flush(c);
	pthread_mutex_unlock(&c->lock);
	if (r != 1)
		client_poke(c);
}

static void
client_poked(struct item *i)
{
	struct client *c = (struct client *)i;
	int r, broken;

	pthread_mutex_lock(&c->lock);
	c->poked = 0;
	r = c->gone || c->broken ? 1 : client_flush(c);
	broken = c->broken;
	pthread_mutex_unlock(&c->lock);
	if (broken)
		client_drop(c, "does not read its answers");
	else if (r == 0)
		ev_io_start(shard_loop(c->shard), &c->out);
	if (c->paused)
		c->resume(c);
	client_unref(c);
}

/* Asks the owning shard to look at the door. */
void
client_poke(struct client *c)
{
	int first;

	pthread_mutex_lock(&c->lock);
	first = !c->poked;
	c->poked = 1;
	pthread_mutex_unlock(&c->lock);
	if (!first)
		return;
	client_ref(c);
	c->item.run = client_poked;
	shard_post(&c->item);
}

void
client_break(struct client *c)
{
	pthread_mutex_lock(&c->lock);
	c->broken = 1;
	pthread_mutex_unlock(&c->lock);
	client_poke(c);
}

int
client_behind(struct client *c)
{
	int r;

	pthread_mutex_lock(&c->lock);
	r = !c->gone && c->chan.out.len > BEHIND;
	pthread_mutex_unlock(&c->lock);
	return r;
}

unsigned
client_max(const struct client *c)
{
	return c->kind == PEER_DELIVER ? CLIENT_PENDING_MAX : CLIENT_TASKS_MAX;
}

struct client *
client_hold(struct client *c)
{
	atomic_fetch_add(&c->pending, 1);
	return client_ref(c);
}

void
client_release(struct client *c)
{
	if (atomic_fetch_sub(&c->pending, 1) == client_max(c) / 2)
		client_poke(c);
	client_unref(c);
}

static void
client_leave(struct client *c)
{
	struct account *a = c->account;
	size_t i;

	for (i = 0; i < c->n_files; i++)
		body_put_back(c->file[i]);
	c->n_files = 0;
	if (a == NULL)
		return;
	for (i = 0; i < a->n_mailboxes && c->watches > 0; i++)
		client_unwatch(c, a->mailbox[i]);
	for (i = 0; i < a->n_clients; i++)
		if (a->clients[i] == c) {
			a->clients[i] = a->clients[--a->n_clients];
			break;
		}
	if (a->pop == c)
		a->pop = NULL;
	c->account = NULL;
}

void
client_drop(struct client *c, const char *why)
{
	int was;

	pthread_mutex_lock(&c->lock);
	was = c->gone;
	c->gone = 1;
	pthread_mutex_unlock(&c->lock);
	if (was)
		return;
	if (why != NULL)
		log_warn("door of %s %u%s%s: %s", peer_name(c->kind),
		    c->instance, *c->user != '\0' ? " for " : "", c->user,
		    why);
	ev_io_stop(shard_loop(c->shard), &c->in);
	ev_io_stop(shard_loop(c->shard), &c->out);
	shard_wake(c->shard);
	if (c->leave != NULL)
		c->leave(c);
	client_leave(c);
	pthread_mutex_lock(&c->lock);
	chan_clear(&c->chan);
	pthread_mutex_unlock(&c->lock);
	client_unref(c);
}

void
client_out(struct ev_loop *loop, ev_io *w, int revents)
{
	struct client *c = w->data;
	int r;

	pthread_mutex_lock(&c->lock);
	r = client_flush(c);
	pthread_mutex_unlock(&c->lock);
	if (r != 0)
		ev_io_stop(loop, w);
	if (r == -1)
		client_drop(c, strerror(errno));
}

/* Of requests. */

/* Whose thread runs the request. */
static struct shard *
request_shard(const struct request *r)
{
	return r->account != NULL ? r->account->shard : r->c->shard;
}

void
request_fail(const struct request *r, enum door_error e, const char *words)
{
	client_failed(r->c, request_shard(r), r->m->id, e, words);
}

uint32_t *
request_uids(const struct request *r, size_t *n_r)
{
	struct cursor c;
	uint32_t *list;
	const char *p;
	size_t len, i;

	p = msg_get(r->m, DF_UIDS, &len);
	list = mem_zalloc(len / 4 + 1, sizeof(*list));
	cursor_init(&c, p, len);
	for (i = 0; i < len / 4; i++) {
		list[i] = cursor_u32(&c);
		if (list[i] == 0 || (i > 0 && list[i] <= list[i - 1]))
			break;
	}
	*n_r = len / 4;
	if (i == len / 4 && len % 4 == 0)
		return list;
	free(list);
	return NULL;
}
