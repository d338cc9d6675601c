#include <stdlib.h>
#include <string.h>

#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "queue/queue_body.h"
#include "queue/queue_commit.h"
#include "queue/queue_message.h"
#include "queue/queue_origin.h"
#include "queue/queue_record.h"
#include "queue/queue_table.h"
#include "queue/queue_write.h"

static const double NAMES_AFTER = 1.0;	/* seconds a finished name waits */
static const double RETRY_AFTER = 1.0;	/* where the table refused results */
static const double CHECKPOINT_EVERY = 5.0;

/* Rows, about. */
enum {
	/* Of a transaction, so that it takes no longer than a turn may: of
	   messages of many recipients only some are written at once. */
	ROWS_MAX = 1000,
	/* That are not flushed: the table would do it for itself before it
	   reuses their pages, and have the loop wait for the disk. */
	ROWS_UNFLUSHED = ROWS_MAX,
};

struct ids {
	uint64_t *id;
	size_t	 n, cap;
};

/* A flush and what waits for it. */
struct round {
	struct task task;
	struct submission *sub;
	size_t	 n, cap;
	struct ids names;	/* finished before it: removed after it */
	int	 failed;
};

static const struct commit_hooks *hooks;
static struct submission *waiting;
static size_t n_waiting, cap_waiting;
static struct ids finished;
static struct round round_now;
static int flushing;
static size_t unflushed;		/* rows of results since the last flush */
static struct message *dirty, **dirty_end = &dirty;
static ev_timer names_timer, retry_timer, checkpoint_timer;
static struct task checkpoint;
static int checkpointing;

static void
ids_add(struct ids *l, uint64_t id)
{
	if (l->n == l->cap) {
		l->cap = l->cap * 2 + 64;
		l->id = mem_realloc(l->id, l->cap, sizeof(*l->id));
	}
	l->id[l->n++] = id;
}

void
commit_submit(const struct submission *s)
{
	if (n_waiting == cap_waiting) {
		cap_waiting = cap_waiting * 2 + 64;
		waiting = mem_realloc(waiting, cap_waiting, sizeof(*waiting));
	}
	waiting[n_waiting++] = *s;
}

/* Drops what was not accepted: its file with it. */
static void
refuse(const struct submission *s)
{
	origin_failed(s->m);
	body_drop(s->m->id);
	message_free(s->m);
	if (s->done != NULL)
		s->done(s, 0);
}

void
commit_abandon(const void *from)
{
	size_t i, n = 0;

	for (i = 0; i < round_now.n; i++)
		if (round_now.sub[i].from == from)
			round_now.sub[i].done = NULL;
	for (i = 0; i < n_waiting; i++) {
		if (waiting[i].from != from) {
			waiting[n++] = waiting[i];
			continue;
		}
		waiting[i].done = NULL;
		refuse(&waiting[i]);
	}
	n_waiting = n;
}

/* Results */

/* What write_message put is written. */
static void
message_saved(struct message *m)
{
	size_t i;

	m->dirty = 0;
	if (m->fate == FATE_GONE) {
		ids_add(&finished, m->id);
	} else {
		m->entry->stored = 1;
		m->targets_stored |= m->targets.n > 0;
		for (i = 0; i < m->targets.n; i++)
			m->targets.t[i].unsaved = 0;
	}
	hooks->saved(m);
}

void
commit_dirty(struct message *m)
{
	if (m->dirty)
		return;
	m->dirty = 1;
	m->next_dirty = NULL;
	*dirty_end = m;
	dirty_end = &m->next_dirty;
}

/* Those that the next transaction is of: takes them out of the list. */
static struct message *
take_dirty(size_t *rows_r)
{
	struct message *first = dirty, **m = &dirty;
	size_t rows;

	for (rows = 0; *m != NULL && rows < ROWS_MAX; m = &(*m)->next_dirty)
		rows += 1 + (*m)->targets.n;
	*rows_r = rows;
	dirty = *m;
	if (dirty == NULL)
		dirty_end = &dirty;
	*m = NULL;
	return first;
}

/* ... and puts them back, to the head. */
static void
put_back(struct message *first)
{
	struct message **end = &first->next_dirty;

	while (*end != NULL)
		end = &(*end)->next_dirty;
	*end = dirty;
	if (dirty == NULL)
		dirty_end = end;
	dirty = first;
}

static void
commit_results(void)
{
	struct message *first, *m, *next;
	size_t rows;

	if (dirty == NULL || ev_is_active(&retry_timer))
		return;
	first = take_dirty(&rows);
	table_begin();
	for (m = first; m != NULL; m = m->next_dirty)
		write_message(m);
	if (table_commit(COMMIT_WRITTEN) == -1) {
		put_back(first);
		ev_timer_set(&retry_timer, RETRY_AFTER, 0);
		ev_timer_start(queue.loop, &retry_timer);
		return;
	}
	unflushed += rows;
	for (m = first; m != NULL; m = next) {
		next = m->next_dirty;
		message_saved(m);
	}
	queue.more |= dirty != NULL;
}

/* Batches */

static void
round_flush(struct task *t)
{
	struct round *r = (struct round *)t;

	r->failed = table_flush() == -1;
}

static void
round_done(struct task *t)
{
	struct round *r = (struct round *)t;
	size_t i;

	/* What the flush did not write is lost (fsync(2)): what the table
	   believes is no longer true. Nobody was told that it is. */
	if (r->failed)
		log_fatal("the queue table cannot be made durable");
	for (i = 0; i < r->n; i++) {
		origin_durable(r->sub[i].m);
		if (r->sub[i].done != NULL)
			r->sub[i].done(&r->sub[i], 1);
	}
	for (i = 0; i < r->n; i++)
		hooks->accepted(r->sub[i].m);
	for (i = 0; i < r->names.n; i++)
		body_drop(r->names.id[i]);
	r->n = r->names.n = 0;
	flushing = 0;
}

static int
round_write(const struct round *r)
{
	size_t i;

	/* The room that is left is for what becomes of the others. */
	if (table_room() != BDB_ROOM)
		return -1;
	table_begin();
	for (i = 0; i < r->n; i++) {
		write_submission(r->sub[i].m, r->sub[i].about);
		origin_write(r->sub[i].m);
	}
	write_last(body_last());
	return table_commit(COMMIT_FLUSH_FOLLOWS);
}

/* All that waits but for bounces about more than ROWS_MAX targets together:
   their results are in the same transaction. */
static void
round_fill(struct round *r)
{
	struct submission *sub = r->sub, *s;
	size_t i, cap = r->cap, n = 0, rows = 0;

	r->sub = waiting;
	r->cap = cap_waiting;
	waiting = sub;
	cap_waiting = cap;
	r->n = n_waiting;
	n_waiting = 0;
	for (i = 0; i < r->n; i++) {
		s = &r->sub[i];
		if (s->about != NULL && rows >= ROWS_MAX) {
			commit_submit(s);
			continue;
		}
		rows += s->about != NULL ? s->about->targets.n : 0;
		r->sub[n++] = *s;
	}
	r->n = n;
}

static void
round_begin(void)
{
	struct round *r = &round_now;
	struct ids names = r->names;
	size_t i;

	round_fill(r);
	if (r->n > 0 && round_write(r) == -1) {
		for (i = 0; i < r->n; i++)
			refuse(&r->sub[i]);
		r->n = 0;
		return;
	}
	r->names = finished;
	finished = names;
	ev_timer_stop(queue.loop, &names_timer);
	r->task.run = round_flush;
	r->task.done = round_done;
	flushing = 1;
	unflushed = 0;
	lane_put(queue.sync, &r->task);
}

void
commit_turn(void)
{
	commit_results();
	if (flushing)
		return;
	if (n_waiting > 0 || unflushed >= ROWS_UNFLUSHED)
		round_begin();
	else if (finished.n > 0 && !ev_is_active(&names_timer))
		ev_timer_start(queue.loop, &names_timer);
}

/* Nothing came that a flush would have been for: one for the names alone. */
static void
on_names(struct ev_loop *l, ev_timer *w, int events)
{
	ev_timer_stop(l, w);
	ev_timer_set(w, NAMES_AFTER, 0);
	if (!flushing)
		round_begin();
}

static void
on_retry(struct ev_loop *l, ev_timer *w, int events)
{
	ev_timer_stop(l, w);
}

int
commit_quiet(void)
{
	return !flushing && n_waiting == 0 && dirty == NULL;
}

/* What does not wait for the end of the turn */

int
commit_schedule(struct entry *e, int64_t next, uint32_t flags,
    const char *words)
{
	table_begin();
	write_schedule(e, next, flags, words);
	if (table_commit(COMMIT_WRITTEN) == -1)
		return -1;
	e->stored = 1;
	return 0;
}

int
commit_forget(struct entry *e)
{
	table_begin();
	/* Of one that is loaded, a batch may have written results just now. */
	table_forget(e->id, e->stored || e->msg != NULL);
	if (table_commit(COMMIT_WRITTEN) == -1)
		return -1;
	if (e->msg != NULL)
		return 0;
	ids_add(&finished, e->id);
	sched_remove(&queue.sched, e);
	return 0;
}

static void
checkpoint_run(struct task *t)
{
	table_checkpoint();
}

static void
checkpoint_done(struct task *t)
{
	checkpointing = 0;
}

static void
on_checkpoint(struct ev_loop *l, ev_timer *w, int events)
{
	if (checkpointing)
		return;
	checkpointing = 1;
	checkpoint.run = checkpoint_run;
	checkpoint.done = checkpoint_done;
	lane_put(queue.slow, &checkpoint);
}

void
commit_start(const struct commit_hooks *h)
{
	hooks = h;
	ev_timer_init(&names_timer, on_names, NAMES_AFTER, 0);
	ev_timer_init(&retry_timer, on_retry, RETRY_AFTER, 0);
	ev_timer_init(&checkpoint_timer, on_checkpoint, CHECKPOINT_EVERY,
	    CHECKPOINT_EVERY);
	ev_timer_start(queue.loop, &checkpoint_timer);
}

void
commit_end(void)
{
	size_t i;

	if (table_flush() == -1)
		return;
	for (i = 0; i < finished.n; i++)
		body_drop(finished.id[i]);
	finished.n = 0;
}
