/*
 * The flags file follows the index, at most a minute behind. What it holds is
 * noted in the row as a modseq, so that a start after a crash writes the rest.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/mail/uids.h"
#include "store/account.h"
#include "store/account_commit.h"
#include "store/account_flags.h"
#include "store/account_keywords.h"
#include "store/account_message.h"
#include "store/file_flags.h"
#include "store/shard_files.h"
#include "store/shard_syncer.h"
#include "store/text.h"

enum {
	PIECE = 2048,		/* lines of one */
	LOOK = 4 * PIECE,	/* records that are looked at for them */
	WRITING = 64,		/* files of a shard that are being written */
	FLAGS_DELAY = 50 * 1000,	/* ms that a line may wait */
};

/*
 * A file is written in pieces, each a task, with others served between. What
 * changes after it was begun is behind again.
 */
struct flags_task {
	struct task t;
	struct mailbox *m;
	struct buf text;		/* the piece */
	uint64_t modseq;		/* as it was begun: all up to there */
	uint32_t lines;
	const char *head;		/* of a file that is made */
	int	 replace, begun, last;
	uint32_t *uids;			/* to be written; NULL: */
	size_t	 n, at;
	uint32_t next;			/* all from here on ... */
	uint64_t since;			/* ... that changed since */
	unsigned looked, room;		/* in this piece */
	unsigned keywords;		/* whose names are in it */
};

static int
add_line(void *arg, const struct record *r)
{
	struct flags_task *f = arg;
	struct record line = *r;

	if (f->looked++ == LOOK || f->room == 0)
		return 1;
	f->next = r->d.uid + 1;
	if (r->d.modseq > f->since) {
		message_id(f->m->account, f->m->id, &line);
		flags_line(&f->text, &line);
		f->lines++;
		f->room--;
	}
	return 0;
}

static const char *
flags_head(const struct mailbox *m)
{
	return m->n_keywords > 64 ? FLAGS_HEAD_WIDE : FLAGS_HEAD;
}

/* What stands before the records: names that the file has not. 0; -1: the index
   does not answer. */
static int
gather_head(struct flags_task *f)
{
	struct mailbox *m = f->m;
	unsigned i;

	if (mailbox_keywords(m) == -1)
		return -1;
	f->head = flags_head(m);
	if (f->replace) {
		buf_puts(&f->text, f->head);
		m->keywords_filed = 0;
	}
	flags_next_line(&f->text, m->row.uidnext);
	f->lines++;
	f->keywords = m->n_keywords;
	for (i = m->keywords_filed; i < m->n_keywords; i++) {
		flags_keyword_line(&f->text, i, m->keywords[i]);
		f->lines++;
	}
	return 0;
}

/* Fills the piece. 0; -1: the index does not answer. */
static int
gather(struct flags_task *f)
{
	struct account *a = f->m->account;
	enum engine_result r;
	size_t n;

	buf_reset(&f->text);
	f->looked = 0;
	f->room = PIECE;
	if (account_commit(a) == -1 || (!f->begun && gather_head(f) == -1))
		return -1;
	if (f->uids == NULL) {
		r = index_range(a->db, a->number, f->m->id, f->next,
		    UINT32_MAX, add_line, f);
		f->last = r == ENGINE_DONE;
		return r == ENGINE_DONE || r == ENGINE_MORE ? 0 : -1;
	}
	n = f->n - f->at < PIECE ? f->n - f->at : PIECE;
	r = index_records(a->db, a->number, f->m->id, f->uids + f->at, n,
	    add_line, f);
	f->at += n;
	f->last = f->at == f->n;
	return r == ENGINE_DONE ? 0 : -1;
}

static int
flags_append(struct flags_task *f)
{
	int made, r;

	if (f->text.len == 0)
		return 0;
	r = task_text_append(&f->t, f->m->id, "flags", f->head, &f->text,
	    &made);
	if (r == 0 && made)
		task_dir(&f->t, f->m->id, 0);
	return r;
}

static void
flags_files(struct task *t)
{
	struct flags_task *f = (struct flags_task *)t;
	int r;

	if (t->error != D_OK)
		return;
	if (!f->replace)
		r = flags_append(f);
	else
		r = task_text_piece(t, f->m->id, "flags", &f->text, !f->begun);
	if (r == 0 && f->replace && f->last)
		r = task_text_end(t, f->m->id, "flags");
	if (r == -1)
		task_fail(t, D_LATER, strerror(errno));
	f->begun = 1;
}

static void
flags_commit(struct task *t)
{
	struct flags_task *f = (struct flags_task *)t;
	struct index_row *row = &f->m->row;

	if (t->error != D_OK || f->m->dead || !f->last)
		return;
	row->flags_modseq = f->modseq;
	f->m->keywords_filed = f->keywords;
	if (f->m->anew)
		row->flags_lines = FLAGSFILE_ANEW;
	else
		row->flags_lines = f->lines +
		    (f->replace ? 0 : row->flags_lines);
	shard_row(f->m);
}

static void
flags_end(struct flags_task *f)
{
	struct mailbox *m = f->m;
	struct shard *s = m->account->shard;

	m->flags_busy = 0;
	if (f->t.error != D_OK && !m->dead) {
		log_warn("%s/%u/flags: %s", m->account->path, m->id,
		    f->t.words);
		m->dirty_all = 1;
		/* Back into the list, with a new delay. */
		if (!shard_stopping(s))
			shard_flags(m);
	}
	free(f->uids);
	buf_clear(&f->text);
	free(f);
	(void)shard_writing(s, -1);
	flagsfiles_write(s, shard_stopping(s));
}

static void
flags_finish(struct task *t)
{
	struct flags_task *f = (struct flags_task *)t;

	if (t->error != D_OK || f->m->dead || f->last) {
		flags_end(f);
		return;
	}
	if (gather(f) == -1)
		task_fail(t, D_LATER, "the index does not answer");
	task_submit(t);
}

static const struct task_kind flags_kind = {
	flags_files, flags_commit, flags_finish, 1
};

int
flagsfile_behind(const struct mailbox *m)
{
	return !m->dead && (m->n_dirty > 0 || m->dirty_all);
}

/* What is behind, from the mailbox. */
static void
take_dirty(struct flags_task *f)
{
	struct mailbox *m = f->m;

	if (f->replace || m->dirty_all) {
		f->since = f->replace ? 0 : m->row.flags_modseq;
		f->next = 1;
		free(m->dirty);
	} else {
		/* One more, for none is NULL. */
		f->uids = mem_realloc(m->dirty, m->n_dirty + 1,
		    sizeof(*f->uids));
		f->n = uids_sort(f->uids, m->n_dirty);
	}
	m->dirty = NULL;
	m->n_dirty = m->cap_dirty = 0;
	m->dirty_all = 0;
	shard_unflags(m);
}

void
flagsfile_flush(struct mailbox *m)
{
	struct flags_task *f;

	if (m->flags_busy || m->dead)
		return;
	f = mem_zalloc(1, sizeof(*f));
	f->t.kind = &flags_kind;
	f->t.account = m->account;
	f->m = m;
	f->modseq = m->row.modseq;
	f->replace = m->row.flags_lines > 2 * m->row.messages + 200 +
	    m->n_keywords;
	m->anew = 0;
	m->flags_busy = 1;
	(void)shard_writing(m->account->shard, 1);
	take_dirty(f);
	if (gather(f) == -1)
		task_fail(&f->t, D_LATER, "the index does not answer");
	task_submit(&f->t);
}

void
flagsfiles_write(struct shard *s, int all)
{
	int64_t due = clock_mono_ms() - FLAGS_DELAY;
	struct mailbox *m, *next;

	for (m = shard_dirty(s); m != NULL && (all || m->dirty_since <= due) &&
	    shard_writing(s, 0) < WRITING; m = next) {
		next = m->next_dirty;
		if (!m->account->busy)
			flagsfile_flush(m);
	}
}
