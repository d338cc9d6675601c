/*
 * Rebuild: the index of one account from its files. Helpers read, the shard
 * writes in pieces; the account is busy meanwhile. Several go on side by side,
 * in slices: the one of which least was done goes first, so that a short one
 * never waits for a long one. Of those that take much memory only a few are
 * begun; others of that size let go of what they have read and wait.
 *
 * The length of a header and the mark are believed where the flags file tells
 * them, for a body never changes; but not when an operator has asked. Numbers never come back:
 * UIDNEXT goes to the highest number known from anywhere + 2^20, unless there
 * is no sign that the mailbox ever held a message. Flags that the index alone
 * knows are written to their files first.
 */
#include "config.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "store/account.h"
#include "store/account_adopt.h"
#include "store/account_commit.h"
#include "store/account_flags.h"
#include "store/account_mailbox.h"
#include "store/account_message.h"
#include "store/account_rebuild.h"
#include "store/account_rebuild_old.h"
#include "store/account_scan.h"
#include "store/body.h"
#include "store/op_fetched.h"
#include "store/op_move.h"
#include "store/shard_chores.h"

enum {
	UID_GAP = 1 << 20,
	PIECE = 5000,		/* records of one commit */
	SLICE = 512,		/* entries or headers read at a time */
	LARGE = 200000,		/* entries that take much memory: 30 MB */
	LARGE_MAX = 3,		/* as many of these at a time */
};

struct rebuild {
	struct chore chore;	/* first */
	struct call call;
	struct account *a;	/* busy, so it stays */
	struct call *waiter;	/* who asked, or NULL */
	struct buf why;		/* of failed */
	void	(*step)(struct rebuild *); /* the next; NULL: it has ended */
	struct found found;
	struct old_aside aside;
	size_t	 mailbox, message; /* where the next slice begins */
	uint64_t modseq;
	int	 large;			/* it is one of LARGE_MAX */
	int	 cleared;		/* the index has nothing more of it */
	int	 written;		/* all of it */
	int	 failed;
	int	 broken;		/* the account, as it was loaded then */
};

/* Those that are large, and those that are to become it. */
static struct {
	pthread_mutex_t lock;
	unsigned n;
	struct chore *waiting;
} large = { .lock = PTHREAD_MUTEX_INITIALIZER };

/* What the index knew, if it can still be read. */
static void
rebuild_old(struct call *c)
{
	struct rebuild *r = c->arg;

	r->failed = old_read(r->a, &r->found) == -1 ||
	    account_commit(r->a) == -1;
	helper_done(c);
}

/* A piece of what the index still has. */
static void
rebuild_clear(struct call *c)
{
	struct rebuild *r = c->arg;
	struct account *a = r->a;
	struct engine_batch b;
	enum engine_result done;

	b = account_own_batch(a);
	done = index_delete_some(a->db, &b);
	r->cleared = done == ENGINE_DONE;
	r->failed = !r->cleared && done != ENGINE_MORE;
	engine_batch_clear(&b);
	r->modseq = shard_modseq(a->shard);
	helper_done(c);
}

static void
record_of(const struct rebuild *r, const struct found_mailbox *f,
    const struct found_message *m, struct record *rec)
{
	struct door_record *d = &rec->d;

	*rec = m->rec;
	if (!m->has_line) {
		memset(rec, 0, sizeof(*rec));
		d->date = m->mtime;
		/* What was copied here is not as old as its file. */
		d->save_date = (uint32_t)m->since;
		d->flags = m->rec.d.flags & MARK_ALL;
	}
	d->uid = m->uid;
	d->size = m->size;
	d->header_len = m->rec.d.header_len;
	d->modseq = r->modseq;
	message_id(r->a, f->id, rec);
}

/* The row and the keywords of a mailbox, after its last message. */
static void
put_mailbox(struct rebuild *r, struct engine_batch *b,
    const struct found_mailbox *f)
{
	struct index_row row = { .modseq = r->modseq,
		.flags_modseq = r->modseq, .gone_floor = r->modseq,
		.order_floor = r->modseq,
		.flags_lines = f->flags_lines };
	struct index_key k = index_key_u32(r->a->number, 'K', f->id);
	struct buf words = BUF_INIT(0);
	struct record rec;
	size_t i;

	row.uidnext = f->highest > UINT32_MAX - 2 * UID_GAP ?
	    UINT32_MAX : f->highest + UID_GAP + 1;
	if (!f->used && f->highest == 0)
		row.uidnext = 1;
	row.recent_low = row.uidnext;
	for (i = 0; i < f->n; i++) {
		record_of(r, f, &f->msg[i], &rec);
		mailbox_count(&row, &rec.d, 1);
		if (!f->msg[i].has_line)
			row.flags_modseq = r->modseq - 1;
	}
	index_put_row(b, f->id, &row);
	for (i = 0; i < f->n_keywords; i++)
		buf_put_lv(&words, f->keyword[i] != NULL ? f->keyword[i] :
		    "$lost", f->keyword[i] != NULL ?
		    strlen(f->keyword[i]) : 5);
	if (f->n_keywords > 0)
		engine_put(b, ENGINE_CORE, k.k, k.len, words.data, words.len);
	buf_clear(&words);
}

/* Writes one piece; r->written is set after the last one. */
static void
rebuild_piece(struct call *c)
{
	struct rebuild *r = c->arg;
	struct account *a = r->a;
	struct engine_batch b = account_own_batch(a);
	struct found_mailbox *f;
	struct record rec;
	struct index_key k;
	unsigned n = 0;

	for (; r->mailbox < r->found.boxes.n && n < PIECE; r->mailbox++) {
		f = &r->found.mailbox[r->mailbox];
		for (; r->message < f->n && n < PIECE; r->message++, n++) {
			record_of(r, f, &f->msg[r->message], &rec);
			index_put_record(&b, f->id, &rec);
			if (rec.fetched != 0)
				fetched_note(&b);
		}
		if (r->message < f->n)
			break;
		put_mailbox(r, &b, f);
		r->message = 0;
	}
	if (r->mailbox == r->found.boxes.n) {
		k = index_account_key(a->number, 'C');
		engine_put(&b, ENGINE_CORE, k.k, k.len, "", 0);
		r->written = 1;
	}
	if (engine_commit_one(a->db, &b) != ENGINE_DONE)
		r->failed = 1;
	engine_batch_clear(&b);
	helper_done(c);
}

static void
rebuild_end(struct call *c)
{
	struct rebuild *r = c->arg;
	struct account *a = r->a;
	size_t i;

	account_end_load(a, r->failed);
	r->broken = a->state != ACCOUNT_READY;
	for (i = 0; i < a->n_mailboxes; i++)
		shard_touched(a->mailbox[i]);
	account_changed(a);
	/* Also of moves that no load has finished. */
	if (!r->broken)
		drop_files(a);
	account_end(a);
	helper_done(c);
}

static void step_end(struct rebuild *r), step_read(struct rebuild *r);

/* 1; 0: it is one of those that wait now, and will begin again. */
static int
large_begin(struct rebuild *r)
{
	struct chore **p;
	int begun;

	pthread_mutex_lock(&large.lock);
	if ((begun = large.n < LARGE_MAX)) {
		large.n++;
		r->large = 1;
	} else {
		found_clear(&r->found);
		r->step = step_read;
		for (p = &large.waiting; *p != NULL; p = &(*p)->next)
			;
		r->chore.next = NULL;
		*p = &r->chore;
	}
	pthread_mutex_unlock(&large.lock);
	return begun;
}

/* The next one takes its place. */
static void
large_end(void)
{
	struct chore *next;

	pthread_mutex_lock(&large.lock);
	if ((next = large.waiting) != NULL)
		large.waiting = next->next;
	else
		large.n--;
	pthread_mutex_unlock(&large.lock);
	if (next == NULL)
		return;
	((struct rebuild *)next)->large = 1;
	helper_post(HELPER_DEMAND, next);
}

static void
rebuild_failed(struct rebuild *r)
{
	log_warn("%s: %s", r->a->name, buf_str(&r->why));
	r->failed = 1;
	r->step = step_end;
}

static int
no_room(struct rebuild *r)
{
	if (store_room() < STORE_NO_CHANGES)
		return 0;
	buf_set(&r->why, "the disk is full");
	rebuild_failed(r);
	return 1;
}

static void
step_write(struct rebuild *r)
{
	if (no_room(r))
		return;
	r->chore.done += PIECE;
	r->call.fn = r->cleared ? rebuild_piece : rebuild_clear;
	if (helper_call(r->a->shard, &r->call) == -1)
		r->failed = 1;
	if (!r->failed && !r->written)
		return;
	if (r->failed || engine_durable(store.engine,
	    engine_token(store.engine)) != ENGINE_DONE) {
		buf_set(&r->why, "the index cannot be written");
		r->failed = 1;
	}
	r->step = step_end;
}

/* Before the index forgets its UIDNEXT: from then on they would be messages
   that have no record. */
static void
step_aside(struct rebuild *r)
{
	if (!old_aside_next(r->a, &r->aside, SLICE))
		r->step = step_write;
	r->chore.done += SLICE;
}

static void
step_old(struct rebuild *r)
{
	if (no_room(r))
		return;
	r->call.fn = rebuild_old;
	if (helper_call(r->a->shard, &r->call) == -1)
		r->failed = 1;
	if (r->failed) {
		buf_set(&r->why, "the index does not answer");
		rebuild_failed(r);
		return;
	}
	old_leave_out(&r->found, &r->aside);
	r->step = step_aside;
}

static int
file_known(const struct rebuild *r, const struct found_message *m)
{
	uint32_t len = m->rec.d.header_len;

	return r->waiter == NULL && m->has_line && len > 0 && len <= m->size;
}

/* The mailbox is whole: its folder is made durable. */
static int
files_end(struct rebuild *r)
{
	struct found_mailbox *f = &r->found.mailbox[r->mailbox];

	r->message = 0;
	if (f->missing && (errno = body_make_mailbox(r->a->path, f->id)) != 0)
		return -1;
	return !(r->found.boxes.box[r->mailbox].attrs & ATTR_NOSELECT) &&
	    body_sync(r->a->path, f->id, 0) == -1 ? -1 : 0;
}

/* The files' own part: headers, and the folders. */
static void
step_files(struct rebuild *r)
{
	struct found_mailbox *f = &r->found.mailbox[r->mailbox];
	struct found_message *m;
	unsigned n = 0;

	if (r->mailbox == r->found.boxes.n) {
		r->mailbox = 0;
		r->step = step_old;
		return;
	}
	for (; r->message < f->n && n < SLICE; r->message++) {
		m = &f->msg[r->message];
		if (file_known(r, m))
			continue;
		found_file(r->a->path, f->id, m);
		n++;
	}
	r->chore.done += n + 1;
	if (r->message < f->n)
		return;
	if (files_end(r) == -1) {
		buf_set(&r->why, "%s/%u: %s", r->a->path, f->id,
		    strerror(errno));
		rebuild_failed(r);
	}
	r->mailbox++;
}

static void
step_read(struct rebuild *r)
{
	uint64_t was = r->found.entries;
	int more;

	do
		more = found_next(&r->found, r->a->path, &r->why);
	while (more == 1 && r->found.entries < was + SLICE);
	r->chore.done += r->found.entries - was;
	if (more == -1)
		rebuild_failed(r);
	else if (more == 0)
		r->step = step_files;
}

static void
step_end(struct rebuild *r)
{
	r->call.fn = rebuild_end;
	(void)helper_call(r->a->shard, &r->call);
	found_clear(&r->found);
	if (r->large)
		large_end();
	helper_answer(r->waiter, r->failed || r->broken, r->failed ?
	    buf_str(&r->why) : "made anew, but the mailboxes cannot be used");
	r->step = NULL;
}

static void
rebuild_run(struct chore *chore)
{
	struct rebuild *r = (struct rebuild *)chore;

	if (r->step == NULL) {
		log_info("%s: the index is made anew", r->a->name);
		r->step = step_read;
	}
	r->step(r);
	if (r->step == NULL) {
		buf_clear(&r->why);
		old_aside_clear(&r->aside);
		free(r);
		return;
	}
	if (r->found.entries > LARGE && !r->large && !large_begin(r))
		return;
	helper_post(HELPER_DEMAND, chore);
}

static void
rebuild_post(struct account *a)
{
	struct rebuild *r = mem_zalloc(1, sizeof(*r));

	r->chore.run = rebuild_run;
	r->call.arg = r;
	r->a = a;
	buf_init(&r->why, 400);
	r->waiter = a->idle_arg;
	helper_post(HELPER_DEMAND, &r->chore);
}

static int
flags_behind(const struct account *a)
{
	size_t i;

	for (i = 0; i < a->n_mailboxes; i++)
		if (flagsfile_behind(a->mailbox[i]))
			return 1;
	return 0;
}

/* The flags are in the files now, or the index stays: it alone has them. */
static void
rebuild_flushed(struct account *a)
{
	static const char why[] = "the flags cannot be written";
	struct call *waiter = a->idle_arg;

	if (!flags_behind(a)) {
		rebuild_post(a);
		return;
	}
	log_warn("%s: not rebuilt, for %s", a->name, why);
	/* account_load asked: the index does not know all there is. */
	if (waiter == NULL)
		a->state = ACCOUNT_BROKEN;
	account_end(a);
	helper_answer(waiter, 1, why);
}

void
rebuild_account(struct account *a)
{
	size_t i;

	if (a->state != ACCOUNT_READY || !flags_behind(a)) {
		rebuild_post(a);
		return;
	}
	if (account_commit(a) == -1) {
		rebuild_flushed(a);
		return;
	}
	a->idle = rebuild_flushed;
	for (i = 0; i < a->n_mailboxes; i++)
		if (flagsfile_behind(a->mailbox[i]))
			flagsfile_flush(a->mailbox[i]);
}
