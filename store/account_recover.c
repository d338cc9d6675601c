/*
 * After a crash: a message whose file is in the expunged folder but whose
 * record is still there was being expunged. Its expunge is finished. What lies
 * from UIDNEXT on, records and files, is what a COPY, a delivery or APPEND was
 * about, and never was a message: it goes.
 *
 * To look costs both folders of each mailbox and a look-up for each name among
 * the expunged, so it is done once after each crash, however many starts later the account
 * is loaded: its row 'C' says for which. A look that found something, or
 * failed, is repeated. It goes in steps, with other accounts served between.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>

#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/mail/uids.h"
#include "store/account.h"
#include "store/account_commit.h"
#include "store/account_recover.h"
#include "store/body.h"
#include "store/op_expunge.h"

enum {
	STEP = 64,	/* mailboxes looked at in a step, where all are empty */
	ABOVE = 256,	/* records from UIDNEXT on of a step */
};

/* 1, 0; -1: the index does not answer. */
static int
has_record(struct mailbox *m, uint32_t uid)
{
	struct index_key k = index_message(m->account->number, m->id, uid);
	struct buf v = BUF_INIT(0);
	enum engine_result r = engine_get(m->account->db, ENGINE_CORE, k.k,
	    k.len, &v);

	buf_clear(&v);
	return r == ENGINE_DONE ? 1 : r == ENGINE_ABSENT ? 0 : -1;
}

/* Of one account; it is busy meanwhile, but for the first step. */
struct recovery {
	struct item item;
	struct account *a;
	size_t	 at;			/* of its mailboxes */
	struct body_list *list;		/* that one's, as far as it was read */
	uint32_t *uids;			/* found in it */
	size_t	 n;
	enum {
		PART_RECORDS,		/* from UIDNEXT on */
		PART_FILES,		/* the same */
		PART_EXPUNGED,
	} part;				/* of that mailbox */
	unsigned aside;			/* files that were moved */
	int	 again;			/* something is left to do */
};

/* Those of a slice that have a record and no file. 0, or -1. */
static int
add_halves(struct recovery *r, struct mailbox *m, const struct body_entry *e,
    int count)
{
	int i, there;

	for (i = 0; i < count; i++) {
		if (e[i].aside)
			continue;
		if ((there = has_record(m, e[i].number)) == -1)
			return -1;
		if (there == 0)
			continue;
		there = body_present(m->account->path, m->id, e[i].number);
		if (there == -1)
			return -1;
		if (there == 1)
			continue;
		r->uids = mem_realloc(r->uids, r->n + 1, sizeof(*r->uids));
		r->uids[r->n++] = e[i].number;
	}
	return 0;
}

static void
end_mailbox(struct recovery *r, struct mailbox *m)
{
	r->at++;
	r->part = PART_RECORDS;
	if (r->aside > 0)
		log_info("%s: %u files of mailbox %u were no messages yet: "
		    "they are moved to expunged", m->account->name, r->aside,
		    m->id);
	r->aside = 0;
	if (r->n == 0)
		return;
	log_info("%s: %zu messages of mailbox %u were being expunged",
	    m->account->name, r->n, m->id);
	uids_sort(r->uids, r->n);
	expunge_finish_files(m, r->uids, r->n);
	r->uids = NULL;
	r->n = 0;
	r->again = 1;
}

/*
 * Records from UIDNEXT on. There is a commit in any case, which is refused
 * where another store has the index now, or has changed the mailbox.
 */
static enum engine_result
clear_records(struct recovery *r, struct mailbox *m)
{
	struct engine_batch b = account_own_batch(r->a);
	struct index_key row = index_key_u32(b.account, 'M', m->id);
	struct index_key first = index_message(b.account, m->id,
	    m->row.uidnext);
	enum engine_result e;

	engine_expect(&b, row.k, row.len, m->was, m->was_len);
	engine_del(&b, ENGINE_CORE, first.k, first.len);
	e = index_delete_above(r->a->db, &b, m->id, m->row.uidnext, ABOVE);
	engine_batch_clear(&b);
	r->again |= e != ENGINE_DONE;
	return e;
}

/*
 * None is removed, for an index from a copy of the last seconds would call
 * messages so. The whole folder is read: uids are reserved in order, but those
 * of what failed are a gap of any size.
 */
static void
aside_above(struct recovery *r, struct mailbox *m, const struct body_entry *e,
    int count)
{
	enum body_result done;
	int i;

	for (i = 0; i < count; i++) {
		if (e[i].number < m->row.uidnext)
			continue;
		done = body_aside(r->a->path, m->id, e[i].number);
		r->again |= done != BODY_ABSENT;
		r->aside += done == BODY_DONE;
	}
}

/* The next of a folder: how many, 0 at its end, or where it cannot be read. */
static int
list_next(struct recovery *r, struct mailbox *m, int what,
    const struct body_entry **e)
{
	int n;

	if (r->list == NULL)
		r->list = body_list(m->account->path, m->id, what);
	n = r->list != NULL ? body_list_next(r->list, e) :
	    errno == ENOENT ? 0 : -1;
	r->again |= n == -1;
	if (n <= 0)
		body_list_end(&r->list);
	return n > 0 ? n : 0;
}

/* A slice of what lies from UIDNEXT on: 1; 0: there is none any more. */
static int
clear_above(struct recovery *r, struct mailbox *m)
{
	const struct body_entry *e;
	enum engine_result done;
	int n;

	if (r->part == PART_RECORDS) {
		/* Who does not know UIDNEXT takes nothing away. */
		done = m->known ? clear_records(r, m) : ENGINE_LATER;
		if (done == ENGINE_MORE)
			return 1;
		r->part = done == ENGINE_DONE ? PART_FILES : PART_EXPUNGED;
	}
	if (r->part == PART_FILES &&
	    (n = list_next(r, m, BODY_MESSAGES, &e)) > 0) {
		aside_above(r, m, e, n);
		return 1;
	}
	r->part = PART_EXPUNGED;
	return 0;
}

/* One slice of one mailbox: 0 at its end. */
static int
recover_slice(struct recovery *r)
{
	struct mailbox *m = r->a->mailbox[r->at];
	const struct body_entry *e;
	int n = 0;

	if (!(m->attrs & ATTR_NOSELECT)) {
		if (r->part != PART_EXPUNGED && clear_above(r, m))
			return 1;
		n = list_next(r, m, BODY_EXPUNGED, &e);
	}
	if (n > 0 && add_halves(r, m, e, n) == 0)
		return 1;
	r->again |= n != 0;
	body_list_end(&r->list);
	end_mailbox(r, m);
	return 0;
}

/* A slice, and not too many empty ones. 1: there is more. */
static int
recover_step(struct recovery *r)
{
	unsigned i;

	for (i = 0; i < STEP && r->at < r->a->n_mailboxes && !r->a->lost; i++)
		if (recover_slice(r) > 0)
			return 1;
	return r->at < r->a->n_mailboxes && !r->a->lost;
}

static void
recover_end(struct recovery *r)
{
	struct account *a = r->a;
	struct index_key k = index_account_key(a->number, 'C');
	struct buf v = BUF_INIT(0);

	if (!r->again && !a->lost) {
		a->unsure = 0;
		buf_put_u64(&v, store.crash);
		engine_put(account_batch(a), ENGINE_CORE, k.k, k.len, v.data,
		    v.len);
		shard_lazy(a->shard);
	}
	buf_clear(&v);
	body_list_end(&r->list);
	free(r->uids);
	free(r);
}

static void
recover_on(struct item *i)
{
	struct recovery *r = (struct recovery *)i;
	struct account *a = r->a;

	if (recover_step(r)) {
		shard_post(&r->item);
		return;
	}
	recover_end(r);
	account_end(a);
}

static void
recover_go(struct account *a)
{
	recover_on(a->idle_arg);
}

/* Of which crash the row 'C' says that it was looked behind; 0: of none. */
static uint64_t
recovered(struct account *a, const struct index_key *k)
{
	struct buf v = BUF_INIT(0);
	struct cursor c;
	uint64_t r = 0;

	if (engine_get(a->db, ENGINE_CORE, k->k, k->len, &v) == ENGINE_DONE &&
	    v.len == 8) {
		cursor_init(&c, v.data, v.len);
		r = cursor_u64(&c);
	}
	buf_clear(&v);
	return r;
}

void
recover_account(struct account *a)
{
	struct index_key k = index_account_key(a->number, 'C');
	struct recovery *r;

	if (recovered(a, &k) == store.crash && !a->unsure)
		return;
	r = mem_zalloc(1, sizeof(*r));
	r->a = a;
	r->item.shard = a->shard;
	r->item.run = recover_on;
	if (recover_step(r))
		account_begin(a, recover_go, r);
	else
		recover_end(r);
}
