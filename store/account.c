/* Accounts and mailboxes in memory, and who may change them when. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/mail/door_proto.h"
#include "store/account.h"
#include "store/account_full.h"
#include "store/door_client.h"
#include "store/door_watch.h"
#include "store/sum.h"

/*
 * The id of an account whose `mailboxes` has none: FNV-1a of its name, twice.
 * Part of what is stored, never to be changed.
 */
static void
id_of_name(struct account *a)
{
	uint64_t h = 14695981039346656037u;
	const char *p;
	int i, k;

	for (i = 0; i < RECORD_ID; i += 8) {
		for (p = a->name; *p != '\0'; p++)
			h = (h ^ (unsigned char)*p) * 1099511628211u;
		for (k = 0; k < 8; k++)
			a->id[i + k] = (unsigned char)(h >> (8 * k));
	}
}

struct account *
account_new(struct shard *s, const char *name, const char *path, unsigned db)
{
	struct account *a = mem_zalloc(1, sizeof(*a));

	a->shard = s;
	a->db_number = db;
	a->db = engine_db(store.engine, db);
	a->name = mem_strdup(name);
	a->path = mem_strdup(path);
	id_of_name(a);
	a->full = full_is(name);
	a->warned = -1;
	a->waiting_tail = &a->waiting;
	return a;
}

static void
mailbox_free(struct mailbox *m)
{
	unsigned i;

	shard_forget(m);
	engine_unwatch(&m->watch);
	for (i = 0; i < m->n_keywords; i++)
		free(m->keywords[i]);
	free(m->keywords);
	free(m->held);
	free(m->watchers);
	free(m->dirty);
	free(m->name);
	free(m->more);
	free(m);
}

void
account_free(struct account *a)
{
	size_t i;

	for (i = 0; i < a->n_mailboxes; i++)
		mailbox_free(a->mailbox[i]);
	for (i = 0; i < a->n_dead; i++)
		mailbox_free(a->dead[i]);
	for (i = 0; i < a->n_subscribed; i++)
		free(a->subscribed[i]);
	free(a->subscribed);
	for (i = 0; i < a->n_more; i++)
		free(a->more[i]);
	free(a->more);
	free(a->mailbox);
	free(a->dead);
	free(a->clients);
	engine_batch_clear(&a->batch);
	free(a->name);
	free(a->path);
	free(a);
}

static void
account_idle(struct account *a)
{
	void (*idle)(struct account *) = a->idle;

	if (!a->busy || a->tasks > 0 || idle == NULL)
		return;
	a->idle = NULL;
	idle(a);
}

void
account_begin(struct account *a, void (*idle)(struct account *), void *arg)
{
	if (a->busy)
		log_panic("%s is busy already", a->name);
	a->busy = 1;
	a->idle = idle;
	a->idle_arg = arg;
	account_idle(a);
}

void
account_end(struct account *a)
{
	struct item *t = a->waiting, *next;
	size_t i;

	a->busy = 0;
	a->waiting = NULL;
	a->waiting_tail = &a->waiting;
	if (a->lost)
		shard_lost(a->shard);
	for (; t != NULL; t = next) {
		next = t->next;
		t->run(t);
	}
	if (a->go_on != NULL)
		a->go_on(a);
	for (i = a->n_clients; i > 0 && !a->busy; i--)
		if (i <= a->n_clients)
			a->clients[i - 1]->resume(a->clients[i - 1]);
}

void
account_wait(struct account *a, struct item *i)
{
	i->next = NULL;
	*a->waiting_tail = i;
	a->waiting_tail = &i->next;
}

void
account_task_done(struct account *a)
{
	a->tasks--;
	account_idle(a);
}

struct mailbox *
account_mailbox(const struct account *a, uint32_t id)
{
	size_t lo = 0, hi = a->n_mailboxes, mid;

	while (lo < hi) {
		mid = (lo + hi) / 2;
		if (a->mailbox[mid]->id == id)
			return a->mailbox[mid];
		if (a->mailbox[mid]->id < id)
			lo = mid + 1;
		else
			hi = mid;
	}
	return NULL;
}

struct mailbox *
account_by_name(const struct account *a, const char *name)
{
	size_t i;

	for (i = 0; i < a->n_mailboxes; i++)
		if (strcmp(a->mailbox[i]->name, name) == 0)
			return a->mailbox[i];
	return NULL;
}

struct mailbox *
account_by_use(const struct account *a, uint32_t attrs)
{
	size_t i;

	for (i = 0; i < a->n_mailboxes; i++)
		if ((a->mailbox[i]->attrs & attrs) == attrs)
			return a->mailbox[i];
	return NULL;
}

struct mailbox *
mailbox_new(struct account *a, uint32_t id)
{
	struct mailbox *m = mem_zalloc(1, sizeof(*m));

	m->account = a;
	m->id = id;
	m->next_uid = 1;
	m->row.uidnext = m->row.recent_low = 1;
	m->seen = m->row;
	a->mailbox = mem_realloc(a->mailbox, a->n_mailboxes + 1,
	    sizeof(*a->mailbox));
	a->mailbox[a->n_mailboxes++] = m;
	return m;
}

/* UIDVALIDITY is max(last + 1, now); last outlives every mailbox. */
static uint32_t
new_uidvalidity(struct account *a)
{
	uint32_t now = (uint32_t)clock_now();

	a->last_uidvalidity = a->last_uidvalidity + 1 > now ?
	    a->last_uidvalidity + 1 : now;
	return a->last_uidvalidity;
}

void
mailbox_oid(struct mailbox *m)
{
	int i;

	memcpy(m->oid, m->account->id, 8);
	for (i = 0; i < 4; i++) {
		m->oid[8 + i] = (unsigned char)(m->uidvalidity >> (24 - 8 * i));
		m->oid[12 + i] = (unsigned char)(m->id >> (24 - 8 * i));
	}
}

struct mailbox *
account_add(struct account *a, const char *name, uint32_t attrs)
{
	struct mailbox *m = mailbox_new(a, a->next_id++);

	m->name = mem_strdup(name);
	m->attrs = attrs;
	m->uidvalidity = new_uidvalidity(a);
	mailbox_oid(m);
	m->row.modseq = m->row.flags_modseq = m->row.gone_floor =
	    m->row.order_floor = shard_modseq(a->shard);
	m->seen = m->row;
	if (strcmp(name, "INBOX") == 0)
		a->inbox = m;
	return m;
}

void
account_remove(struct account *a, struct mailbox *m)
{
	struct client *c;
	size_t i;

	for (i = 0; i < a->n_mailboxes && a->mailbox[i] != m; i++)
		;
	if (i == a->n_mailboxes)
		return;
	memmove(a->mailbox + i, a->mailbox + i + 1,
	    (a->n_mailboxes - i - 1) * sizeof(*a->mailbox));
	a->n_mailboxes--;
	while (m->n_watchers > 0) {
		c = m->watchers[m->n_watchers - 1].c;
		client_unwatch(c, m);
	}
	m->dead = 1;
	shard_counted(m);
	shard_forget(m);
	a->dead = mem_realloc(a->dead, a->n_dead + 1, sizeof(*a->dead));
	a->dead[a->n_dead++] = m;
}

void
account_changed(struct account *a)
{
	struct client *c;
	size_t i;

	for (i = 0; i < a->n_clients; i++) {
		c = a->clients[i];
		if (c->kind != PEER_IMAPD || !client_begin(c, DM_EVENT, 0))
			continue;
		msg_bytes(&c->chan, DF_UIDS, "", 0);
		msg_u32(&c->chan, DF_ON, 1);
		client_end(c, a->shard);
	}
}

void
account_reserve(struct account *a, uint64_t size, uint64_t count)
{
	a->pending_size += size;
	a->pending_count += count;
	sum_note(a);
}

void
account_release(struct account *a, uint64_t size, uint64_t count)
{
	a->pending_size -= size;
	a->pending_count -= count;
	sum_note(a);
}

void
account_usage(const struct account *a, uint64_t *size_r, uint64_t *count_r)
{
	*size_r = a->size + a->pending_size;
	*count_r = a->messages + a->pending_count;
}

void
account_format(const struct account *a, struct buf *out)
{
	struct boxes b = { .next_id = a->next_id,
		.last_uidvalidity = a->last_uidvalidity, .n = a->n_mailboxes,
		.subscribed = a->subscribed, .n_subscribed = a->n_subscribed,
		.more = a->more, .n_more = a->n_more };
	size_t i;

	memcpy(b.oid, a->id, sizeof(b.oid));

	b.box = mem_zalloc(a->n_mailboxes + 1, sizeof(*b.box));
	for (i = 0; i < a->n_mailboxes; i++) {
		b.box[i].id = a->mailbox[i]->id;
		b.box[i].uidvalidity = a->mailbox[i]->uidvalidity;
		b.box[i].attrs = a->mailbox[i]->attrs;
		b.box[i].name = a->mailbox[i]->name;
		b.box[i].more = a->mailbox[i]->more;
		memcpy(b.box[i].oid, a->mailbox[i]->oid, BOX_ID);
	}
	boxes_format(&b, out);
	free(b.box);
}
