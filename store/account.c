/*
 * An account is read at its first use: the list of mailboxes from its text
 * file, the counters from the index. Where there is no such file the account
 * is made, unless something tells of an earlier one; where the index does not
 * know it, or a mailbox with mail, its index is made from the files.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/fd.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/mail/door_proto.h"
#include "store/account.h"
#include "store/body.h"
#include "store/door_client.h"

enum {
	MAILBOXES_FILE_MAX = 16 << 20,
	BROKEN_MS = 5000,	/* between two looks at a broken account */
};

static struct account *
account_new(struct shard *s, const char *name, const char *path, unsigned db)
{
	struct account *a = mem_zalloc(1, sizeof(*a));

	a->shard = s;
	a->db_number = db;
	a->db = engine_db(store.engine, db);
	a->name = mem_strdup(name);
	a->path = mem_strdup(path);
	a->full = quota_published(name);
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
	free(m->watchers);
	free(m->dirty);
	free(m->name);
	free(m);
}

static void
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
	free(a->mailbox);
	free(a->dead);
	free(a->clients);
	free(a->name);
	free(a->path);
	free(a);
}

struct account *
account_get(struct shard *s, const char *name)
{
	struct account **b = shard_bucket(s, name), *a;
	char path[BODY_PATH_MAX / 2];
	unsigned db;

	for (a = *b; a != NULL; a = a->next)
		if (strcmp(a->name, name) == 0) {
			a->used = clock_mono_ms();
			account_retry(a);
			return a;
		}
	if (shard_of(name, &db) != s ||
	    body_user_path(name, path, sizeof(path)) == -1)
		return NULL;
	a = account_new(s, name, path, db);
	a->used = clock_mono_ms();
	a->next = *b;
	*b = a;
	account_load(a);
	if (a->state != ACCOUNT_ABSENT)
		return a;
	/* A name that nobody has: it leaves nothing behind. */
	*b = a->next;
	account_free(a);
	return NULL;
}

static int
account_unused(const struct account *a, int64_t older_than)
{
	size_t i;

	if (a->n_clients > 0 || a->tasks > 0 || a->busy || a->waiting != NULL ||
	    a->used > older_than)
		return 0;
	for (i = 0; i < a->n_mailboxes; i++)
		if (a->mailbox[i]->dirty_since != 0 ||
		    a->mailbox[i]->row_dirty)
			return 0;
	return 1;
}

void
account_expire(struct shard *s, struct account **bucket, int64_t older_than)
{
	struct account **p = bucket, *a;

	while ((a = *p) != NULL) {
		if (account_unused(a, older_than)) {
			*p = a->next;
			account_free(a);
		} else
			p = &a->next;
	}
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
	for (; t != NULL; t = next) {
		next = t->next;
		a->resume((struct task *)t);
	}
	for (i = a->n_clients; i > 0 && !a->busy; i--)
		if (i <= a->n_clients)
			client_resume(a->clients[i - 1]);
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

static struct mailbox *
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

struct mailbox *
account_add(struct account *a, const char *name, uint32_t attrs)
{
	struct mailbox *m = mailbox_new(a, a->next_id++);

	m->name = mem_strdup(name);
	m->attrs = attrs;
	m->uidvalidity = new_uidvalidity(a);
	m->row.modseq = m->row.flags_modseq = m->row.gone_floor =
	    shard_modseq(a->shard);
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
account_usage(const struct account *a, uint64_t *size_r, uint64_t *count_r)
{
	size_t i;

	*size_r = a->pending_size;
	*count_r = a->pending_count;
	for (i = 0; i < a->n_mailboxes; i++) {
		*size_r += a->mailbox[i]->row.size;
		*count_r += a->mailbox[i]->row.messages;
	}
}

void
account_format(const struct account *a, struct buf *out)
{
	struct boxes b = { .next_id = a->next_id,
		.last_uidvalidity = a->last_uidvalidity, .n = a->n_mailboxes,
		.subscribed = a->subscribed, .n_subscribed = a->n_subscribed };
	size_t i;

	b.box = mem_zalloc(a->n_mailboxes + 1, sizeof(*b.box));
	for (i = 0; i < a->n_mailboxes; i++) {
		b.box[i].id = a->mailbox[i]->id;
		b.box[i].uidvalidity = a->mailbox[i]->uidvalidity;
		b.box[i].attrs = a->mailbox[i]->attrs;
		b.box[i].name = a->mailbox[i]->name;
	}
	boxes_format(&b, out);
	free(b.box);
}

/* Adopting what file and index say. */

static int
adopt_row(void *arg, const void *key, size_t klen, const void *value,
    size_t vlen)
{
	struct account *a = arg;
	struct mailbox *m = account_mailbox(a, index_tail_u32(key, klen));

	if (m == NULL)
		return 0;
	if (index_get_row(value, vlen, &m->row) == -1) {
		log_warn("%s: the row of mailbox %u is broken", a->name, m->id);
		return 0;
	}
	m->seen = m->row;
	m->next_uid = m->row.uidnext;
	if (m->row.modseq > m->row.flags_modseq) {
		m->dirty_all = 1;
		shard_flags(m);
	}
	return 0;
}

static void
adopt_box(struct account *a, const struct box *x)
{
	struct mailbox *m = account_mailbox(a, x->id);

	if (m == NULL)
		m = mailbox_new(a, x->id);
	free(m->name);
	m->name = mem_strdup(x->name);
	m->uidvalidity = x->uidvalidity;
	m->attrs = x->attrs;
	m->keywords_loaded = 0;
	if (strcmp(m->name, "INBOX") == 0)
		a->inbox = m;
}

static void
adopt_boxes(struct account *a, struct boxes *b)
{
	size_t i, k;

	for (i = a->n_mailboxes; i > 0; i--) {
		for (k = 0; k < b->n &&
		    b->box[k].id != a->mailbox[i - 1]->id; k++)
			;
		if (k == b->n)
			account_remove(a, a->mailbox[i - 1]);
	}
	a->inbox = NULL;
	for (i = 0; i < b->n; i++)
		adopt_box(a, &b->box[i]);
	a->next_id = b->next_id;
	a->last_uidvalidity = b->last_uidvalidity;
	for (i = 0; i < a->n_subscribed; i++)
		free(a->subscribed[i]);
	free(a->subscribed);
	a->subscribed = b->subscribed;
	a->n_subscribed = b->n_subscribed;
	b->subscribed = NULL;
	b->n_subscribed = 0;
}

static void
adopt_queue_ids(struct account *a)
{
	struct index_key from = index_account_key(a->number, 'Q');
	struct index_key to = index_account_key(a->number, 'Q' + 1);
	struct buf k = BUF_INIT(0);

	a->max_queue_id = 0;
	if (engine_last(a->db, ENGINE_CORE, from.k, from.len, to.k, to.len,
	    &k) == 1)
		a->max_queue_id = index_tail_u64(k.data, k.len);
	a->min_queue_id = a->max_queue_id == 0 ? 0 : 1;
	buf_clear(&k);
}

/* Fills in from what mailboxes says, with the rows of the index. */
static int
account_adopt(struct account *a, const char *text, size_t len)
{
	struct index_key from = index_account_key(a->number, 'M');
	struct index_key to = index_account_key(a->number, 'M' + 1);
	struct buf why = BUF_INIT(200);
	struct boxes b;
	int r = boxes_parse(&b, text, len, &why);

	if (r == 0) {
		adopt_boxes(a, &b);
		if (a->inbox == NULL) {
			buf_set(&why, "mailboxes: no INBOX");
			r = -1;
		}
	}
	boxes_clear(&b);
	if (r == -1) {
		log_warn("%s: %s; its mail waits", a->name, buf_str(&why));
		a->state = ACCOUNT_BROKEN;
	} else {
		engine_scan(a->db, ENGINE_CORE, from.k, from.len, to.k,
		    to.len, adopt_row, a);
		leftover_delete(a);
		adopt_queue_ids(a);
		a->state = ACCOUNT_READY;
		quota_note(a);
	}
	buf_clear(&why);
	return r;
}

static int
index_complete(struct account *a)
{
	struct buf v = BUF_INIT(0);
	struct index_key k;
	int r = 0;

	if (index_number(a->db, a->name, 0, &a->number)) {
		k = index_account_key(a->number, 'C');
		r = engine_get(a->db, ENGINE_CORE, k.k, k.len, &v);
	}
	buf_clear(&v);
	return r;
}

/* The text of `mailboxes`: 0, -1 with errno. */
static int
read_mailboxes(const struct account *a, struct buf *text)
{
	char path[BODY_PATH_MAX];
	int fd, r, e;

	snprintf(path, sizeof(path), "%s/mailboxes", a->path);
	fd = openat(body_root(), path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd == -1)
		return -1;
	r = fd_slurp(fd, text);
	e = errno;
	fd_close(&fd);
	errno = e;
	return r;
}

void
account_retry(struct account *a)
{
	if (a->state == ACCOUNT_READY || a->busy ||
	    (a->state == ACCOUNT_BROKEN &&
	    clock_mono_ms() - a->tried < BROKEN_MS))
		return;
	account_load(a);
}

void
account_load(struct account *a)
{
	struct buf text = BUF_INIT(MAILBOXES_FILE_MAX);
	int r = read_mailboxes(a, &text);

	a->tried = clock_mono_ms();
	if (r == -1 && errno == ENOENT) {
		first_use(a);
	} else if (r == -1) {
		log_warn("%s/mailboxes: %s", a->path, strerror(errno));
		a->state = ACCOUNT_BROKEN;
	} else if (!index_complete(a)) {
		account_begin(a, rebuild_account, NULL);
	} else if (account_adopt(a, buf_str(&text), text.len) == -1) {
		/* It said so. */
	} else if (traces_unknown(a)) {
		account_begin(a, rebuild_account, NULL);
	} else {
		recover_account(a);
		drop_files(a);
	}
	buf_clear(&text);
}

void
account_end_load(struct account *a, int failed)
{
	struct buf text = BUF_INIT(MAILBOXES_FILE_MAX);

	if (failed || read_mailboxes(a, &text) == -1)
		a->state = ACCOUNT_BROKEN;
	else
		(void)account_adopt(a, buf_str(&text), text.len);
	buf_clear(&text);
}
