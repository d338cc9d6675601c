/*
 * What a shard holds: items, the batches, and the lists of what the end of its
 * turn has to look after (shard_turn.c).
 */
#include "config.h"

#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/mail/limits.h"
#include "store/account.h"
#include "store/body.h"
#include "store/shard_impl.h"
#include "store/sum.h"

struct store store;

static int adds_nothing;
static enum store_room told;

enum store_room
store_room(void)
{
	switch (engine_room(store.engine)) {
	case ENGINE_NONE:
		return STORE_NO_WRITES;
	case ENGINE_LOW:
		return STORE_NO_CHANGES;
	case ENGINE_ROOM:
		break;
	}
	return __atomic_load_n(&adds_nothing, __ATOMIC_RELAXED) ?
	    STORE_NO_ADDS : STORE_ROOM;
}

void
store_look(void)
{
	static const char *const words[] = {
		[STORE_ROOM] = "the disk has space again",
		[STORE_NO_ADDS] = "the disk is full: nothing is added",
		[STORE_NO_CHANGES] = "the disk is full: nothing is added, and "
		    "no flags are changed",
		[STORE_NO_WRITES] = "the disk is full: nothing is added, "
		    "changed or removed; mail can be read",
	};
	enum store_room now;

	engine_look(store.engine);
	__atomic_store_n(&adds_nothing, body_space() < DISK_FLOOR,
	    __ATOMIC_RELAXED);
	now = store_room();
	if (now == STORE_ROOM)
		body_keep();
	if (now != told)
		log_warn("%s", words[now]);
	told = now;
}

void
item_list_add(struct item_list *l, struct item *i)
{
	i->next = NULL;
	if (l->head == NULL)
		l->head = i;
	else
		l->tail->next = i;
	l->tail = i;
}

/* FNV-1a: part of the format of the index, never to be changed. */
static uint32_t
name_hash(const char *name)
{
	uint32_t h = 2166136261u;

	for (; *name != '\0'; name++)
		h = (h ^ (unsigned char)*name) * 16777619u;
	return h;
}

struct shard *
shard_of(const char *name, unsigned *db_r)
{
	unsigned db = name_hash(name) % ENGINE_DBS;

	if (db_r != NULL)
		*db_r = db;
	return &store.shards[db % store.n_shards];
}

struct shard *
shard_at(unsigned n)
{
	return &store.shards[n];
}

unsigned
shard_number(const struct shard *s)
{
	return s->n;
}

int
shard_stopping(const struct shard *s)
{
	return s->stopping;
}

struct ev_loop *
shard_loop(struct shard *s)
{
	return s->loop;
}

uint64_t
shard_modseq(struct shard *s)
{
	return ++s->modseq;
}

void
shard_modseq_above(struct shard *s, uint64_t modseq)
{
	if (s->modseq < modseq)
		s->modseq = modseq;
}

uint64_t
shard_token(const struct shard *s)
{
	return atomic_load(&s->token);
}

void
shard_committed(struct shard *s, uint64_t token)
{
	atomic_store(&s->token, token);
}

void
shard_lost(struct shard *s)
{
	s->lost = 1;
}

struct account **
shard_bucket(struct shard *s, const char *name)
{
	return &s->bucket[name_hash(name) / ENGINE_DBS % SHARD_BUCKETS];
}

void
shard_each_account(struct shard *s, void (*each)(struct account *a))
{
	struct account *a;
	size_t i;

	for (i = 0; i < SHARD_BUCKETS; i++)
		for (a = s->bucket[i]; a != NULL; a = a->next)
			each(a);
}

void
shard_post(struct item *i)
{
	struct shard *s = i->shard;
	int first;

	pthread_mutex_lock(&s->lock);
	first = s->inbox.head == NULL;
	item_list_add(&s->inbox, i);
	pthread_mutex_unlock(&s->lock);
	if (first)
		ev_async_send(s->loop, &s->wake);
}

void
shard_wake(struct shard *s)
{
	ev_async_send(s->loop, &s->wake);
}

void
shard_enter(struct shard *s)
{
	__atomic_add_fetch(&s->wanted, 1, __ATOMIC_RELAXED);
	pthread_mutex_lock(&s->own);
	__atomic_sub_fetch(&s->wanted, 1, __ATOMIC_RELAXED);
}

void
shard_leave(struct shard *s)
{
	pthread_cond_signal(&s->turn);
	pthread_mutex_unlock(&s->own);
}

static void
grow(struct mailbox ***list, size_t n, size_t *cap)
{
	if (n < *cap)
		return;
	*cap = *cap * 2 + 16;
	*list = mem_realloc(*list, *cap, sizeof(**list));
}

void
shard_counted(struct mailbox *m)
{
	struct account *a = m->account;
	uint64_t size = m->dead ? 0 : m->row.size;
	uint64_t messages = m->dead ? 0 : m->row.messages;

	a->size += size - m->size;
	a->messages += messages - m->messages;
	m->size = size;
	m->messages = messages;
	sum_note(a);
}

void
shard_row(struct mailbox *m)
{
	m->account->shard->rows_now = 1;
	shard_row_later(m);
}

void
shard_row_later(struct mailbox *m)
{
	struct shard *s = m->account->shard;

	shard_counted(m);
	if (m->row_dirty || m->dead)
		return;
	grow(&s->row, s->n_rows, &s->cap_rows);
	s->row[s->n_rows++] = m;
	m->row_dirty = 1;
}

/*
 * The condition is the row as it was committed last: somebody who also writes
 * to this mailbox is noticed before anything is answered.
 */
static void
put_row(struct mailbox *m)
{
	struct account *a = m->account;
	struct index_key k = index_key_u32(a->number, 'M', m->id);
	struct buf v = { .data = m->was, .cap = sizeof(m->was),
		.max = sizeof(m->was) - 1 };

	engine_expect(&a->batch, k.k, k.len, m->was_len > 0 ? m->was : NULL,
	    m->was_len);
	index_pack_row(&v, &m->row);
	m->was_len = (unsigned)v.len;
	engine_put(&a->batch, ENGINE_CORE, k.k, k.len, v.data, v.len);
	shard_changed(a);
}

void
shard_put_rows(struct shard *s, const struct account *only)
{
	struct mailbox *m;
	size_t i, kept = 0;

	if (only == NULL)
		s->rows_now = 0;
	for (i = 0; i < s->n_rows; i++) {
		m = s->row[i];
		if (only != NULL && m->account != only) {
			s->row[kept++] = m;
			continue;
		}
		m->row_dirty = 0;
		if (!m->dead && !m->account->lost)
			put_row(m);
	}
	s->n_rows = kept;
}

void
shard_changed(struct account *a)
{
	struct shard *s = a->shard;

	if (a->changed)
		return;
	if (s->n_changed == s->cap_changed) {
		s->cap_changed = s->cap_changed * 2 + 16;
		s->changed = mem_realloc(s->changed, s->cap_changed,
		    sizeof(struct account *));
		s->batches = mem_realloc(s->batches, s->cap_changed,
		    sizeof(struct engine_batch *));
	}
	s->changed[s->n_changed++] = a;
	a->changed = 1;
}

void
shard_touched(struct mailbox *m)
{
	struct shard *s = m->account->shard;

	if (!(m->touched & TOUCHED_LISTED)) {
		grow(&s->touched, s->n_touched, &s->cap_touched);
		s->touched[s->n_touched++] = m;
	}
	m->touched |= TOUCHED_LISTED | TOUCHED_NEW;
}

void
shard_flags(struct mailbox *m)
{
	struct shard *s = m->account->shard;

	if (m->dirty_since != 0)
		return;
	m->dirty_since = clock_mono_ms();
	if (m->dirty_since == 0)
		m->dirty_since = 1;
	m->next_dirty = NULL;
	if ((m->prev_dirty = s->dirty_last) != NULL)
		m->prev_dirty->next_dirty = m;
	else
		s->dirty = m;
	s->dirty_last = m;
}

void
shard_unflags(struct mailbox *m)
{
	struct shard *s = m->account->shard;

	if (m->dirty_since == 0)
		return;
	if (m->prev_dirty != NULL)
		m->prev_dirty->next_dirty = m->next_dirty;
	else
		s->dirty = m->next_dirty;
	if (m->next_dirty != NULL)
		m->next_dirty->prev_dirty = m->prev_dirty;
	else
		s->dirty_last = m->prev_dirty;
	m->dirty_since = 0;
}

struct mailbox *
shard_dirty(struct shard *s)
{
	return s->dirty;
}

unsigned
shard_writing(struct shard *s, int more)
{
	s->writing += (unsigned)more;
	return s->writing;
}

void
shard_forget(struct mailbox *m)
{
	struct shard *s = m->account->shard;
	size_t i, kept;

	for (i = kept = 0; i < s->n_rows; i++)
		if (s->row[i] != m)
			s->row[kept++] = s->row[i];
	s->n_rows = kept;
	for (i = kept = 0; i < s->n_touched; i++)
		if (s->touched[i] != m)
			s->touched[kept++] = s->touched[i];
	s->n_touched = kept;
	shard_unflags(m);
}

void
shard_flush(struct shard *s, struct client *c)
{
	if (s->n_flush == s->cap_flush) {
		s->cap_flush = s->cap_flush * 2 + 16;
		s->flush = mem_realloc(s->flush, s->cap_flush,
		    sizeof(struct client *));
	}
	s->flush[s->n_flush++] = c;
}

void
shard_lazy(struct shard *s)
{
	s->lazy = 1;
}

/* The way of a task. */

void
task_submit(struct task *t)
{
	struct account *a = t->account;

	t->item.shard = a->shard;
	t->dir[0] = t->dir[1] = t->body = -1;
	a->tasks++;
	a->shard->n_tasks++;
	item_list_add(t->kind->slow ? &a->shard->to_slow :
	    &a->shard->to_files, &t->item);
}

void
task_fail(struct task *t, enum door_error e, const char *words)
{
	size_t n = strnlen(words, sizeof(t->words) - 1);

	t->error = e;
	memcpy(t->words, words, n);
	t->words[n] = '\0';
}
