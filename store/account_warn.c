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
#include "store/sum.h"
#include "store/warn_text.h"

enum { NOT_READ = -1 };

struct warn_task {
	struct task t;
	struct mailbox *m;
	char	 file[BODY_NAME];
	struct door_record rec;
	uint32_t crc;
	int	 level;		/* as warn_level */
	char	 domain[DOMAIN_MAX + 1];	/* that is full; "": itself */
};

/* The row that says what was told: of itself, or of a domain. */
struct told {
	unsigned char k[ENGINE_GROUP + 1 + DOMAIN_MAX];
	size_t	 len;
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

static struct told
told_key(const struct account *a, const char *domain)
{
	struct index_key k = index_account_key(a->number,
	    domain[0] != '\0' ? 'w' : 'W');
	size_t n = strlen(domain);
	struct told t = { .len = k.len + n };

	memcpy(t.k, k.k, k.len);
	memcpy(t.k + k.len, domain, n);
	return t;
}

static void
put_level(struct account *a, const char *domain, int level)
{
	struct told k = told_key(a, domain);
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
	put_level(t->account, w->domain, w->level);
	mailbox_commit_begin(w->m, w->rec.modseq);
	shard_row(w->m);
}

/* The next change looks again, or the next tick. */
static void
warn_failed(struct warn_task *w)
{
	struct task *t = &w->t;

	if (w->domain[0] != '\0') {
		log_warn("%s: the domain %s is nearly full, but its postmaster "
		    "cannot be told: %s", t->account->name, w->domain,
		    t->words);
		return;
	}
	t->account->warned = NOT_READ;
	log_warn("%s: the mailbox is nearly full, but its user cannot "
	    "be told: %s", t->account->name, t->words);
}

static void
warn_finish(struct task *t)
{
	struct warn_task *w = (struct warn_task *)t;
	int ok = t->error == D_OK && !w->m->dead;

	if (ok) {
		mailbox_added(w->m, &w->rec);
		mailbox_commit_seen(w->m, w->rec.modseq);
		quota_note(t->account);
		log_info("%s: told that %s%s is %d percent full",
		    t->account->name, w->domain[0] != '\0' ? "the domain " :
		    "the mailbox", w->domain, w->level == 1 ? WARN_PERCENT :
		    WARN_PERCENT_MORE);
	} else {
		warn_failed(w);
	}
	if (w->domain[0] != '\0')
		sum_told(w->domain, ok);
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

/* domain "": of the account itself. 0, or -1: it cannot be written. */
static int
warn_begin(struct account *a, const char *domain, const struct warn_usage *u,
    int level)
{
	struct warn_task *w = mem_zalloc(1, sizeof(*w));
	struct buf text = BUF_INIT(0);
	int r;

	w->t.kind = &warn_kind;
	w->t.account = a;
	w->m = a->inbox;
	w->level = level;
	memcpy(w->domain, domain, strlen(domain) + 1);
	w->rec.date = clock_now();
	w->rec.save_date = (uint32_t)w->rec.date;
	w->rec.flags = MARK_WHOLE;
	warn_text(&text, a->name, domain, (enum language)store.conf.language,
	    u, w->rec.date, &w->rec.header_len);
	if ((r = write_text(w, &text)) == -1) {
		log_warn("%s: a warning cannot be written: %s", a->name,
		    strerror(errno));
		free(w);
	} else {
		w->rec.uid = a->inbox->next_uid++;
		task_submit(&w->t);
	}
	buf_clear(&text);
	return r;
}

/* What was told of it, NOT_READ: the index does not answer. */
static int
read_level(struct account *a, const char *domain)
{
	struct told k = told_key(a, domain);
	struct buf v = BUF_INIT(0);
	enum engine_result r = engine_get(a->db, ENGINE_CORE, k.k, k.len, &v);
	int level = NOT_READ;

	if (r == ENGINE_ABSENT)
		level = 0;
	else if (r == ENGINE_DONE && v.len == 1 && v.data[0] <= 2)
		level = v.data[0];
	buf_clear(&v);
	return level;
}

/* Without bounds that are too small. */
static struct warn_usage
warned_of(const struct warn_usage *u)
{
	struct warn_usage w = *u;

	if (w.size_max < WARN_SIZE_MIN)
		w.size_max = 0;
	if (w.count_max < WARN_COUNT_MIN)
		w.count_max = 0;
	return w;
}

int
warn_level(const struct warn_usage *u)
{
	struct warn_usage w = warned_of(u);
	unsigned percent = warn_percent(&w);

	return percent >= WARN_PERCENT_MORE ? 2 : percent >= WARN_PERCENT;
}

static int
may_be_told(const struct account *a)
{
	return store_room() == STORE_ROOM && a->inbox->next_uid < UINT32_MAX;
}

void
quota_warn(struct account *a)
{
	struct warn_usage u;
	int level;

	if (a->state != ACCOUNT_READY || a->busy || a->lost ||
	    quota_usage(a, &u) == -1)
		return;
	u = warned_of(&u);
	if (u.size_max == 0 && u.count_max == 0 && a->warned <= 0)
		return;
	level = warn_level(&u);
	if (a->warned == NOT_READ &&
	    (a->warned = read_level(a, "")) == NOT_READ)
		return;
	if (level > a->warned && may_be_told(a)) {
		if (warn_begin(a, "", &u, level) == 0)
			a->warned = level;
	} else if (level < a->warned) {
		a->warned = level;
		put_level(a, "", level);
	}
}

enum warned
domain_warn(struct account *a, const char *domain, const struct warn_usage *u,
    int level)
{
	struct warn_usage w = warned_of(u);
	int told;

	if (a->state != ACCOUNT_READY || a->busy || a->lost ||
	    (told = read_level(a, domain)) == NOT_READ)
		return WARNED_NOT;
	if (level > told)
		return may_be_told(a) && warn_begin(a, domain, &w, level) ==
		    0 ? WARNED_BEGUN : WARNED_NOT;
	if (level < told) {
		put_level(a, domain, level);
		log_info("%s: the domain %s is below %d percent again",
		    a->name, domain, told == 2 && level == 1 ?
		    WARN_PERCENT_MORE : WARN_PERCENT);
	}
	return WARNED_DONE;
}
