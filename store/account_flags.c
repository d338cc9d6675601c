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
#include "store/account_flags.h"
#include "store/account_keywords.h"
#include "store/account_message.h"
#include "store/file_flags.h"
#include "store/shard_files.h"
#include "store/shard_syncer.h"
#include "store/text.h"

struct flags_task {
	struct task t;
	struct mailbox *m;
	struct buf text;
	uint64_t modseq;
	uint32_t lines;
	int	 replace;
};

struct gather {
	struct flags_task *f;
	uint64_t since;
};

static int
add_line(void *arg, const struct record *r)
{
	struct gather *g = arg;
	struct record line = *r;

	if (r->d.modseq > g->since) {
		message_id(g->f->m->account, g->f->m->id,
	    &line);
		flags_line(&g->f->text, &line);
		g->f->lines++;
	}
	return 0;
}

static enum engine_result
gather_dirty(struct mailbox *m, struct gather *g)
{
	size_t n = uids_sort(m->dirty, m->n_dirty);

	return index_records(m->account->db, m->account->number, m->id,
	    m->dirty, n, add_line, g);
}

/* 0; -1: the index does not answer. */
static int
gather_lines(struct mailbox *m, struct flags_task *f)
{
	struct gather g = { f, 0 };
	enum engine_result r;
	unsigned i;

	if (mailbox_keywords(m) == -1)
		return -1;
	if (f->replace)
		buf_puts(&f->text, FLAGS_HEAD);
	flags_next_line(&f->text, m->row.uidnext);
	f->lines++;
	for (i = 0; i < m->n_keywords; i++) {
		flags_keyword_line(&f->text, i, m->keywords[i]);
		f->lines++;
	}
	if (!f->replace && m->dirty_all)
		g.since = m->row.flags_modseq;
	if (f->replace || m->dirty_all)
		r = index_range(m->account->db, m->account->number, m->id, 1,
		    UINT32_MAX, add_line, &g);
	else
		r = gather_dirty(m, &g);
	if (r != ENGINE_DONE)
		return -1;
	m->n_dirty = 0;
	m->dirty_all = 0;
	if (m->cap_dirty > 4096) {
		free(m->dirty);
		m->dirty = NULL;
		m->cap_dirty = 0;
	}
	return 0;
}

static int
flags_write(struct flags_task *f)
{
	int made, r;

	if (f->replace)
		return task_text(&f->t, f->m->id, "flags", &f->text);
	r = task_text_append(&f->t, f->m->id, "flags", FLAGS_HEAD, &f->text,
	    &made);
	if (r == 0 && made)
		task_dir(&f->t, f->m->id, 0);
	return r;
}

static void
flags_files(struct task *t)
{
	struct flags_task *f = (struct flags_task *)t;

	if (t->error == D_OK && flags_write(f) == -1)
		task_fail(t, D_LATER, strerror(errno));
}

static void
flags_commit(struct task *t)
{
	struct flags_task *f = (struct flags_task *)t;
	struct index_row *row = &f->m->row;

	if (t->error != D_OK || f->m->dead)
		return;
	row->flags_modseq = f->modseq;
	if (f->m->anew)
		row->flags_lines = FLAGSFILE_ANEW;
	else
		row->flags_lines = f->lines +
		    (f->replace ? 0 : row->flags_lines);
	shard_row(f->m);
}

static void
flags_finish(struct task *t)
{
	struct flags_task *f = (struct flags_task *)t;
	struct mailbox *m = f->m;
	int again = flagsfile_behind(m);

	m->flags_busy = 0;
	if (t->error != D_OK && !m->dead) {
		log_warn("%s/%u/flags: %s", m->account->path, m->id,
		    t->words);
		m->dirty_all = 1;
		again = !shard_stopping(m->account->shard);
	}
	/* Back into the list with a new delay, or out of it. */
	if (!m->dead) {
		shard_unflags(m);
		if (again)
			shard_flags(m);
	}
	buf_clear(&f->text);
	free(f);
}

static const struct task_kind flags_kind = {
	flags_files, flags_commit, flags_finish
};

int
flagsfile_behind(const struct mailbox *m)
{
	return !m->dead && (m->n_dirty > 0 || m->dirty_all);
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
	f->replace = m->row.flags_lines > 2 * m->row.messages + 200;
	m->anew = 0;
	m->flags_busy = 1;
	if (gather_lines(m, f) == -1)
		task_fail(&f->t, D_LATER, "the index does not answer");
	task_submit(&f->t);
}

void
flagsfile_write(struct mailbox *m)
{
	if (!m->account->busy)
		flagsfile_flush(m);
}
