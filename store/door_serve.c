/*
 * What a door asks: its requests are read here and begun, and each knows from
 * its row in op_*.c what must hold for it.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/fd.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/mail/door_proto.h"
#include "store/access.h"
#include "store/account.h"
#include "store/account_load.h"
#include "store/door_client.h"
#include "store/door_news.h"
#include "store/door_serve.h"
#include "store/op_append.h"
#include "store/op_append_many.h"
#include "store/op_copy.h"
#include "store/op_deliver.h"
#include "store/op_expunge.h"
#include "store/op_file.h"
#include "store/op_flags.h"
#include "store/op_follow.h"
#include "store/op_ids.h"
#include "store/op_mailbox.h"
#include "store/op_read.h"
#include "store/op_sieve.h"

/* The busiest first: a request is looked for in this order. */
static const struct op *const families[] = {
	op_read_rows, op_flags_rows, op_append_rows, op_expunge_rows,
	op_copy_rows, op_file_rows, op_mailbox_rows, op_follow_rows,
	op_ids_rows, op_sieve_rows,
};

static const struct op *
op_find(unsigned type)
{
	const struct op *op;
	size_t i;

	for (i = 0; i < sizeof(families) / sizeof(families[0]); i++)
		for (op = families[i]; op->run != NULL; op++)
			if (op->type == type)
				return op;
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

static int
no_room(unsigned flags, enum store_room room)
{
	switch (room) {
	case STORE_NO_WRITES:
		return flags & (OP_ADDS | OP_CHANGES | OP_REMOVES);
	case STORE_NO_CHANGES:
		return flags & (OP_ADDS | OP_CHANGES);
	case STORE_NO_ADDS:
		return flags & OP_ADDS;
	case STORE_ROOM:
		break;
	}
	return 0;
}

/* 0, or -1: it is not begun, and answered. */
static int
request_may(struct request *r, unsigned flags)
{
	enum door_error e = access_judge(r->c, r->m);

	if (e != D_OK)
		return refuse(r, e, "no such mailbox");
	if (r->c->adds && flags & OP_REMOVES)
		return refuse(r, D_REFUSED, "nothing may be removed");
	if (r->account != NULL &&
	    (r->account->state != ACCOUNT_READY || r->account->lost))
		return refuse(r, D_LATER, "the mailboxes cannot be read");
	if (no_room(flags, store_room()))
		return refuse(r, D_LATER, "the disk is full");
	if (!(flags & OP_MAILBOX))
		return 0;
	r->mailbox = account_mailbox(r->account,
	    msg_get_u32(r->m, DF_MAILBOX));
	return r->mailbox != NULL ? 0 :
	    refuse(r, D_ABSENT, "no such mailbox");
}

/*
 * One request of a user's door, or of deliver's for a file. The file that an
 * APPEND names is given up with it, whatever the answer: it must not stay and
 * fill the disk.
 */
static void
client_request(struct client *c, struct account *a, struct msg *m)
{
	struct request r = { .c = c, .m = m, .account = a };
	const struct op *op = op_find(m->type);

	if (op == NULL)
		return;
	if (request_may(&r, op->flags) == 0)
		op->run(&r);
	else if (m->type == DM_APPEND || m->type == DM_IMPORT)
		append_part_back(&r);
	else if (m->type == DM_FILE_BACK)
		op_file_back(&r);
}

/*
 * A request of one that follows, on its way to the shard of the account that
 * it names.
 */
struct follower {
	struct item item;
	struct client *c;
	struct msg m;
	char	*owner;
	char	 data[];
};

static void
follower_run(struct item *i)
{
	struct follower *f = (struct follower *)i;
	int stops = shard_stopping(i->shard);
	struct account *a = stops ? NULL : account_get(i->shard, f->owner);

	if (a != NULL && a->busy) {
		account_wait(a, i);
		return;
	}
	if (a != NULL)
		client_request(f->c, a, &f->m);
	else
		client_failed(f->c, i->shard, f->m.id, stops ? D_LATER :
		    D_ABSENT, stops ? "the store stops" : "no such account");
	client_release(f->c);
	free(f->owner);
	free(f);
}

/* The fields lie in the channel: the copy takes them along. */
static void
follower_request(struct client *c, struct msg *m)
{
	struct follower *f = mem_alloc(sizeof(*f) + m->frame.len);
	unsigned i;

	memset(f, 0, sizeof(*f));
	f->m = *m;
	if (m->frame.len > 0)
		memcpy(f->data, m->frame.data, m->frame.len);
	for (i = 0; i < MSG_TAGS; i++)
		if (msg_has(m, (uint8_t)i) && m->f[i].p != NULL)
			f->m.f[i].p = f->data + (m->f[i].p - m->frame.data);
	f->c = client_hold(c);
	f->owner = msg_get_dup(m, DF_OWNER);
	f->item.shard = shard_of(f->owner, NULL);
	f->item.run = follower_run;
	shard_post(&f->item);
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
		else if (c->kind == PEER_FOLLOW)
			follower_request(c, &m);
		else
			client_request(c, c->account, &m);
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

static void
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

static int
of_one_user(enum peer kind)
{
	return kind != PEER_DELIVER && kind != PEER_FOLLOW;
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
	if (c->kind == PEER_FOLLOW && news_join(c) == -1) {
		client_drop(c, "too many follow");
		return;
	}
	if (of_one_user(c->kind) &&
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

static struct client *
client_make(enum peer kind, uint32_t instance, const char *user, int fd)
{
	struct client *c = mem_zalloc(1, sizeof(*c));

	chan_init(&c->chan, fd);
	fd_nonblock(fd, 1);
	c->kind = kind;
	c->instance = instance;
	c->resume = client_resume;
	str_copy(c->user, sizeof(c->user), user);
	atomic_init(&c->refs, 1);
	atomic_init(&c->pending, 0);
	pthread_mutex_init(&c->lock, NULL);
	c->shard = of_one_user(kind) ? shard_of(user, NULL) :
	    shard_at(instance % store.n_shards);
	c->item.shard = c->shard;
	c->item.run = client_adopt;
	return c;
}

void
client_new(enum peer kind, uint32_t instance, const char *user, int fd)
{
	shard_post(&client_make(kind, instance, user, fd)->item);
}

void
client_new_adds(enum peer kind, uint32_t instance, const char *user, int fd)
{
	struct client *c = client_make(kind, instance, user, fd);

	c->adds = 1;
	shard_post(&c->item);
}
