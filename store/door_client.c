#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/fd.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/mail/door_proto.h"
#include "store/account.h"
#include "store/door_client.h"

enum {
	OP_MAILBOX = 1,		/* DF_MAILBOX must name one */
	OP_ALONE = 2,		/* changes the list of mailboxes */
	OP_ADDS = 4,		/* takes space */
	BEHIND = 64 * 1024,
};

static const struct op {
	void	(*run)(struct request *r);
	unsigned flags;
} ops[] = {
	[DM_LIST] = { op_list, 0 },
	[DM_CREATE] = { op_create, OP_ALONE | OP_ADDS },
	[DM_DELETE] = { op_delete, OP_MAILBOX | OP_ALONE },
	[DM_RENAME] = { op_rename, OP_ALONE | OP_ADDS },
	[DM_SUBSCRIBE] = { op_subscribe, OP_ALONE },
	[DM_SUBSCRIBED] = { op_subscribed, 0 },
	[DM_STATUS] = { op_status, OP_MAILBOX },
	[DM_SELECT] = { op_select, OP_MAILBOX },
	[DM_UNSELECT] = { op_unselect, 0 },
	[DM_KEYWORDS] = { op_keywords, OP_MAILBOX },
	[DM_RECORDS] = { op_records, OP_MAILBOX },
	[DM_STORE] = { op_store, OP_MAILBOX },
	[DM_EXPUNGE] = { op_expunge, OP_MAILBOX },
	[DM_COPY] = { op_copy, OP_MAILBOX | OP_ADDS },
	[DM_OPEN] = { op_open, OP_MAILBOX },
	[DM_CACHE_GET] = { op_cache_get, OP_MAILBOX },
	[DM_CACHE_PUT] = { op_cache_put, OP_MAILBOX },
	[DM_FILE] = { op_file, OP_ADDS },
	[DM_FILE_BACK] = { op_file_back, 0 },
	[DM_APPEND] = { op_append, OP_MAILBOX | OP_ADDS },
	[DM_POP_LOCK] = { op_pop_lock, 0 },
	[DM_QUOTA] = { op_quota, 0 },
};

enum { OPS = sizeof(ops) / sizeof(ops[0]) };

static void client_poke(struct client *c);

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
		shard_flush(by, c);
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

void
request_fail(const struct request *r, enum door_error e, const char *words)
{
	client_failed(r->c, r->c->shard, r->m->id, e, words);
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
		client_resume(c);
	client_unref(c);
}

/* Asks the owning shard to look at the door. */
static void
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

int
client_behind(struct client *c)
{
	int r;

	pthread_mutex_lock(&c->lock);
	r = !c->gone && c->chan.out.len > BEHIND;
	pthread_mutex_unlock(&c->lock);
	return r;
}

static unsigned
client_max(const struct client *c)
{
	return c->kind == PEER_DELIVER ? CLIENT_PENDING_MAX : CLIENT_TASKS_MAX;
}

void
client_more(struct client *c)
{
	atomic_fetch_add(&c->pending, 1);
}

void
client_less(struct client *c)
{
	if (atomic_fetch_sub(&c->pending, 1) == client_max(c) / 2)
		client_poke(c);
}

void
client_unwatch(struct client *c, struct mailbox *m)
{
	size_t i;

	for (i = 0; i < m->n_watchers; i++)
		if (m->watchers[i].c == c) {
			m->watchers[i] = m->watchers[--m->n_watchers];
			c->watches--;
			break;
		}
	if (m->n_watchers == 0)
		engine_unwatch(&m->watch);
}

static void
client_leave(struct client *c)
{
	struct account *a = c->account;
	size_t i;

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
	for (i = 0; i < c->n_files; i++)
		body_put_back(c->file[i]);
	c->n_files = 0;
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
	client_leave(c);
	pthread_mutex_lock(&c->lock);
	chan_clear(&c->chan);
	pthread_mutex_unlock(&c->lock);
	client_unref(c);
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

/* What has no answer is refused in silence. */
static int
refuse(const struct request *r, enum door_error e, const char *words)
{
	if (r->m->id != 0)
		request_fail(r, e, words);
	return -1;
}

/* 0, or -1: it is not begun, and answered. */
static int
request_may(struct request *r, unsigned flags)
{
	if (r->c->account->state != ACCOUNT_READY)
		return refuse(r, D_LATER, "the mailboxes cannot be read");
	if ((flags & OP_ADDS) && store_no_space())
		return refuse(r, D_LATER, "the disk is full");
	if (!(flags & OP_MAILBOX))
		return 0;
	r->mailbox = account_mailbox(r->c->account,
	    msg_get_u32(r->m, DF_MAILBOX));
	return r->mailbox != NULL ? 0 :
	    refuse(r, D_ABSENT, "no such mailbox");
}

/*
 * One request of a user's door. The file that an APPEND names is given up with
 * it, whatever the answer: it must not stay and fill the disk.
 */
static void
client_request(struct client *c, struct msg *m)
{
	struct request r = { .c = c, .m = m };
	const struct op *op = &ops[m->type];

	if (request_may(&r, op->flags) == 0)
		op->run(&r);
	else if (m->type == DM_APPEND || m->type == DM_FILE_BACK)
		op_file_back(&r);
}

static int
client_must_wait(const struct client *c)
{
	if (c->gone || shard_stopping(c->shard))
		return 1;
	if (c->account != NULL && c->account->busy)
		return 1;
	return atomic_load(&c->pending) >= client_max(c);
}

/* Does what was read: some of it, so that other doors get their turn. */
static void
client_process(struct client *c)
{
	struct buf why = BUF_INIT(300);
	struct msg m;
	int r = 0, n = 0;

	if (c->account != NULL)
		account_retry(c->account);
	while (!client_must_wait(c) && n < CLIENT_TURN &&
	    (r = msg_next(&m, &proto_door, c->kind, &c->chan, &why)) == 1) {
		n++;
		if (m.type == DM_DELIVER)
			deliver_request(c, &m);
		else if (m.type < OPS && ops[m.type].run != NULL)
			client_request(c, &m);
		msg_done(&m);
	}
	if (r == -1)
		client_drop(c, buf_str(&why));
	else if ((n == CLIENT_TURN || client_must_wait(c)) && !c->gone) {
		c->paused = 1;
		ev_io_stop(shard_loop(c->shard), &c->in);
		if (n == CLIENT_TURN)
			client_poke(c);
	}
	buf_clear(&why);
}

void
client_resume(struct client *c)
{
	if (!c->paused || client_must_wait(c))
		return;
	c->paused = 0;
	ev_io_start(shard_loop(c->shard), &c->in);
	shard_wake(c->shard);
	client_ref(c);
	client_process(c);
	client_unref(c);
}

static void
client_in(struct ev_loop *loop, ev_io *w, int revents)
{
	struct client *c = w->data;
	int r = chan_read(&c->chan);

	if (r == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	client_ref(c);
	if (r == 1)
		client_process(c);
	else
		client_drop(c, r == 0 || errno == ECONNRESET ? NULL :
		    strerror(errno));
	client_unref(c);
}

static void
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

/* In the shard: the door begins to be served. */
static void
client_adopt(struct item *i)
{
	struct client *c = (struct client *)i;
	struct account *a = NULL;

	ev_io_init(&c->in, client_in, c->chan.fd, EV_READ);
	ev_io_init(&c->out, client_out, c->chan.fd, EV_WRITE);
	c->in.data = c->out.data = c;
	if (c->kind != PEER_DELIVER &&
	    (a = account_get(c->shard, c->user)) == NULL) {
		client_drop(c, "no such account name");
		return;
	}
	c->account = a;
	if (a != NULL) {
		a->clients = mem_realloc(a->clients, a->n_clients + 1,
		    sizeof(*a->clients));
		a->clients[a->n_clients++] = c;
	}
	ev_io_start(shard_loop(c->shard), &c->in);
}

void
client_new(enum peer kind, uint32_t instance, const char *user, int fd)
{
	struct client *c = mem_zalloc(1, sizeof(*c));

	chan_init(&c->chan, fd);
	fd_nonblock(fd, 1);
	c->kind = kind;
	c->instance = instance;
	str_copy(c->user, sizeof(c->user), user);
	atomic_init(&c->refs, 1);
	atomic_init(&c->pending, 0);
	pthread_mutex_init(&c->lock, NULL);
	c->shard = kind == PEER_DELIVER ? shard_at(instance % store.n_shards) :
	    shard_of(user, NULL);
	c->item.shard = c->shard;
	c->item.run = client_adopt;
	shard_post(&c->item);
}
