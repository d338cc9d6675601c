/* A warning goes the way of an APPEND of its own. */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/crc32c.h"
#include "lib/base/fd.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "store/account.h"
#include "store/account_commit.h"
#include "store/account_mailbox.h"
#include "store/account_message.h"
#include "store/account_quota.h"
#include "store/account_warn.h"
#include "store/body.h"
#include "store/shard_files.h"
#include "store/shard_syncer.h"
#include "store/warn_text.h"

enum { NOT_READ = -1 };

struct warn_task {
	struct task t;
	struct mailbox *m;
	char	 file[BODY_NAME];
	struct door_record rec;
	uint32_t crc;
	int	 level;		/* 1: 80 percent, 2: 95 */
};

static void
warn_files(struct task *t)
{
	struct warn_task *w = (struct warn_task *)t;

	if (task_link_put(t, w->m->id, w->rec.uid, w->file, w->rec.size,
	    w->crc) == BODY_DONE)
		task_dir(t, w->m->id, 0);
	else
		task_fail(t, D_LATER, strerror(errno));
}

static void
put_level(struct account *a, int level)
{
	struct index_key k = index_account_key(a->number, 'W');
	char value = (char)level;

	engine_put(account_batch(a), ENGINE_CORE, k.k, k.len, &value, 1);
}

static void
warn_commit(struct task *t)
{
	static const struct keyword_set none;
	struct warn_task *w = (struct warn_task *)t;

	if (t->error != D_OK || w->m->dead)
		return;
	mailbox_add(w->m, &w->rec, &none, NULL);
	put_level(t->account, w->level);
	mailbox_commit_begin(w->m, w->rec.modseq);
	shard_row(w->m);
}

static void
warn_finish(struct task *t)
{
	struct warn_task *w = (struct warn_task *)t;

	if (t->error == D_OK && !w->m->dead) {
		mailbox_added(w->m, &w->rec);
		mailbox_commit_seen(w->m, w->rec.modseq);
		quota_note(t->account);
		log_info("%s: told that the mailbox is %d percent full",
		    t->account->name, w->level == 1 ? WARN_PERCENT :
		    WARN_PERCENT_MORE);
	} else {
		/* The next change looks again. */
		t->account->warned = NOT_READ;
		log_warn("%s: the mailbox is nearly full, but its user cannot "
		    "be told: %s", t->account->name, t->words);
	}
	body_put_back(w->file);
	free(w);
}

static const struct task_kind warn_kind = {
	warn_files, warn_commit, warn_finish
};

/* 0, or -1 with errno. */
static int
write_text(struct warn_task *w, const struct buf *text)
{
	int fd = body_put(w->file), r;

	if (fd == -1)
		return -1;
	r = fd_write_all(fd, text->data, text->len);
	if (fd_close(&fd) == -1)
		r = -1;
	if (r == -1)
		body_put_back(w->file);
	w->rec.size = text->len;
	w->crc = crc32c(0, text->data, text->len);
	return r;
}

static void
warn_user(struct account *a, const struct warn_usage *u, int level)
{
	struct warn_task *w = mem_zalloc(1, sizeof(*w));
	struct buf text = BUF_INIT(0);

	w->t.kind = &warn_kind;
	w->t.account = a;
	w->m = a->inbox;
	w->level = level;
	w->rec.date = clock_now();
	w->rec.save_date = (uint32_t)w->rec.date;
	w->rec.flags = MARK_WHOLE;
	warn_text(&text, a->name, (enum language)store.conf.language, u,
	    w->rec.date, &w->rec.header_len);
	if (write_text(w, &text) == -1) {
		log_warn("%s: a warning cannot be written: %s", a->name,
		    strerror(errno));
		free(w);
	} else {
		w->rec.uid = a->inbox->next_uid++;
		a->warned = level;
		task_submit(&w->t);
	}
	buf_clear(&text);
}

/* What was told. 0, or -1: the index does not answer. */
static int
read_level(struct account *a)
{
	struct index_key k = index_account_key(a->number, 'W');
	struct buf v = BUF_INIT(0);
	enum engine_result r = engine_get(a->db, ENGINE_CORE, k.k, k.len, &v);

	if (r == ENGINE_ABSENT)
		a->warned = 0;
	else if (r == ENGINE_DONE && v.len == 1 && v.data[0] <= 2)
		a->warned = v.data[0];
	buf_clear(&v);
	return a->warned == NOT_READ ? -1 : 0;
}

/* 1 where there is a quota to warn of, and it is known. */
static int
warns(struct account *a, struct warn_usage *u)
{
	if (quota_usage(a, u) == -1)
		return 0;
	if (u->size_max < WARN_SIZE_MIN)
		u->size_max = 0;
	if (u->count_max < WARN_COUNT_MIN)
		u->count_max = 0;
	return u->size_max > 0 || u->count_max > 0 || a->warned > 0;
}

void
quota_warn(struct account *a)
{
	struct warn_usage u;
	unsigned percent;
	int level;

	if (a->state != ACCOUNT_READY || a->busy || a->lost || !warns(a, &u))
		return;
	percent = warn_percent(&u);
	level = percent >= WARN_PERCENT_MORE ? 2 : percent >= WARN_PERCENT;
	if (a->warned == NOT_READ && read_level(a) == -1)
		return;
	if (level > a->warned && store_room() == STORE_ROOM &&
	    a->inbox->next_uid < UINT32_MAX)
		warn_user(a, &u, level);
	else if (level < a->warned) {
		a->warned = level;
		put_level(a, level);
	}
}
