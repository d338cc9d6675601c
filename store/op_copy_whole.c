/*
 * Links and rows of the target go as those of a long COPY. The commit with
 * which they are messages has the notes of a MOVE (rows 'V'), each of as many
 * messages as one request may change: so they have moved, and a kill behind it
 * has the next load delete what is left in the source. The source's rows then
 * go note by note. Nobody asks meanwhile.
 */
#include "config.h"

#include <stdlib.h>

#include "lib/base/mem.h"
#include "lib/mail/door_proto.h"
#include "store/account.h"
#include "store/account_commit.h"
#include "store/op_copy_impl.h"
#include "store/op_copy_whole.h"
#include "store/shard_syncer.h"

struct whole {
	struct copy_task c;		/* first */
	struct moved *part;
	size_t	 n_parts;
	struct copy_whole_end end;
};

static void	whole_next(struct whole *w);

static void
whole_notes(struct whole *w)
{
	struct copy_task *c = &w->c;
	struct moved *v;
	size_t at, i;

	w->n_parts = (c->n + DOOR_CHANGE_MAX - 1) / DOOR_CHANGE_MAX;
	w->part = mem_zalloc(w->n_parts, sizeof(*w->part));
	for (v = w->part, at = 0; at < c->n; v++, at += v[-1].n) {
		v->m = c->from;
		v->n = c->n - at < DOOR_CHANGE_MAX ? c->n - at :
		    DOOR_CHANGE_MAX;
		v->uids = mem_zalloc(v->n, sizeof(*v->uids));
		for (i = 0; i < v->n; i++)
			v->uids[i] = c->rec[at + i].d.uid;
		v->note = shard_modseq(c->t.account->shard);
		moved_note(v, c->to->id);
	}
}

static void
whole_commit(struct task *t)
{
	struct whole *w = (struct whole *)t;
	struct copy_task *c = &w->c;
	size_t end;

	if (t->error != D_OK)
		return;
	if (c->phase == COPY_GONE) {
		moved_delete(&w->part[c->at]);
		return;
	}
	if (c->phase != COPY_ROWS)
		return;
	if (c->at == 0)
		c->to_modseq = shard_modseq(t->account->shard);
	end = copy_slice_end(c, COPY_SLICE_ROWS);
	copy_rows(c, c->at, end);
	if ((c->at = end) < c->n)
		return;
	whole_notes(w);
	copy_row(c);
}

/* This part is done, or has failed. */
static void
whole_done(struct whole *w)
{
	struct copy_task *c = &w->c, next = { .t = { .kind = c->t.kind,
	    .account = c->t.account }, .from = c->from, .to = c->to,
	    .move = 1 };
	struct account *a = c->t.account;
	struct whole *fresh;
	enum door_error e = c->t.error;
	size_t i;

	copy_release(c);
	for (i = 0; i < w->n_parts; i++)
		moved_clear(&w->part[i]);
	free(w->part);
	w->part = NULL;
	w->n_parts = 0;
	if (e == D_OK) {
		drop_files(a);
		fresh = mem_zalloc(1, sizeof(*fresh));
		fresh->c = next;
		fresh->end = w->end;
		whole_next(fresh);
	} else
		w->end.run(a, w->end.arg, e, c->t.words);
	copy_free(c);
}

static void
whole_finish(struct task *t)
{
	struct whole *w = (struct whole *)t;
	struct copy_task *c = &w->c;

	if (c->phase == COPY_GONE) {
		if (t->error == D_OK)
			moved_show(&w->part[c->at++]);
		if (t->error != D_OK || c->at == w->n_parts) {
			whole_done(w);
			return;
		}
	} else if (!copy_slice_next(c)) {
		if (t->error != D_OK) {
			whole_done(w);
			return;
		}
		copy_show(c);
		c->phase = COPY_GONE;
		c->at = 0;
	}
	task_submit(t);
}

static const struct task_kind whole_kind = {
	copy_slice_files, whole_commit, whole_finish, 1
};

/* Ends before anything was begun. */
static void
whole_end(struct whole *w, enum door_error e, const char *words)
{
	w->end.run(w->c.t.account, w->end.arg, e, words);
	copy_free(&w->c);
}

/* As many as are to move together. */
static void
whole_next(struct whole *w)
{
	struct copy_task *c = &w->c;
	struct account *a = c->t.account;
	enum engine_result found;
	enum door_error e;
	size_t i;

	c->max = c->from->row.messages < DOOR_COPY_UIDS_MAX ?
	    c->from->row.messages : DOOR_COPY_UIDS_MAX;
	c->rec = mem_zalloc(c->max + 1, sizeof(*c->rec));
	if (account_commit(a) == -1) {
		whole_end(w, D_LATER, "the index does not answer");
		return;
	}
	found = c->max == 0 ? ENGINE_DONE : index_range(a->db, a->number,
	    c->from->id, 1, UINT32_MAX, copy_one, c);
	if ((found != ENGINE_DONE && found != ENGINE_MORE) ||
	    UINT32_MAX - c->to->next_uid <= c->n) {
		whole_end(w, D_LATER, "the index does not answer");
		return;
	}
	if (c->n == 0) {
		whole_end(w, D_OK, "");
		return;
	}
	if ((e = copy_keywords(c)) != D_OK) {
		whole_end(w, e, "the keywords cannot be read");
		return;
	}
	c->size = 0;		/* it adds nothing */
	c->to_uid = mem_zalloc(c->n, sizeof(*c->to_uid));
	for (i = 0; i < c->n; i++)
		c->to_uid[i] = c->to->next_uid++;
	task_submit(&c->t);
}

void
copy_whole(struct mailbox *from, struct mailbox *to,
    const struct copy_whole_end *end)
{
	struct whole *w = mem_zalloc(1, sizeof(*w));

	w->c.t.kind = &whole_kind;
	w->c.t.account = from->account;
	w->c.from = from;
	w->c.to = to;
	w->c.move = 1;
	w->end = *end;
	whole_next(w);
}
