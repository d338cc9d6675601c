/*
 * Quotas come from the compiled tables (tables.h) and are kept for some
 * seconds. The accounts that are full are published in jail/state/full.cdb,
 * where smtpd looks (tables_full).
 */
#include "config.h"

#include <cdb.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/fd.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "store/account.h"

enum {
	QUOTA_KEEP = 3000,	/* ms a table row is believed */
	PUBLISH_AGAIN = 5000,	/* ms, after a failure */
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char **full;		/* sorted */
static size_t n_full;
static int publishing, changed;	/* changed: since the last good one began */
static int64_t failed_at;	/* clock_mono_ms; 0: the last one was good */
static struct chore publish_chore;

/* Where the name stands, or would. 1 if it is there. */
static int
full_find(const char *name, size_t *at_r)
{
	size_t lo = 0, hi = n_full, mid;
	int r;

	while (lo < hi) {
		mid = (lo + hi) / 2;
		if ((r = strcmp(full[mid], name)) == 0) {
			*at_r = mid;
			return 1;
		}
		if (r < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	*at_r = lo;
	return 0;
}

static int
full_set(const char *name, int on)
{
	size_t at;
	int there = full_find(name, &at);

	if (there == on)
		return 0;
	if (on) {
		full = mem_realloc(full, n_full + 1, sizeof(*full));
		memmove(full + at + 1, full + at,
		    (n_full - at) * sizeof(*full));
		full[at] = mem_strdup(name);
		n_full++;
	} else {
		free(full[at]);
		memmove(full + at, full + at + 1,
		    (n_full - at - 1) * sizeof(*full));
		n_full--;
	}
	return 1;
}

/* The file need not be durable: it is made anew at each start. */
static int
write_cdb(int fd)
{
	struct cdb_make c;
	size_t i;
	int r = 0;

	cdb_make_start(&c, fd);
	pthread_mutex_lock(&lock);
	for (i = 0; i < n_full && r == 0; i++)
		r = cdb_make_add(&c, full[i], (unsigned)strlen(full[i]), "",
		    0);
	pthread_mutex_unlock(&lock);
	return cdb_make_finish(&c) == -1 ? -1 : r;
}

/* 0, or -1 with errno. */
static int
publish(void)
{
	char tmp[1024];
	int fd, r, e;

	snprintf(tmp, sizeof(tmp), "%s.new", store.full_path);
	fd = open(tmp, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW,
	    0644);
	if (fd == -1)
		return -1;
	r = write_cdb(fd) == -1 ? -1 : fd_sync(fd);
	e = errno;
	if (close(fd) == -1 && r == 0) {
		r = -1;
		e = errno;
	}
	if (r == 0)
		return rename(tmp, store.full_path);
	errno = e;
	return -1;
}

/* Under the lock: how it went. */
static void
publish_note(int r, int e)
{
	if (r == -1 && failed_at == 0)
		log_warn("%s: %s; it is tried again, until then smtpd goes by "
		    "the old one", store.full_path, strerror(e));
	if (r == 0 && failed_at != 0)
		log_info("%s: written again", store.full_path);
	failed_at = r == 0 ? 0 : clock_mono_ms() | 1;
	changed |= r == -1;
}

/* What changes while the file is written is written next. */
static void
publish_run(struct chore *c)
{
	int r, e;

	pthread_mutex_lock(&lock);
	do {
		changed = 0;
		pthread_mutex_unlock(&lock);
		r = publish();
		e = errno;
		pthread_mutex_lock(&lock);
		publish_note(r, e);
	} while (r == 0 && changed);
	publishing = 0;
	pthread_mutex_unlock(&lock);
}

static void
quota_publish_now(void)
{
	int post;

	if (store.full_path[0] == '\0')
		return;
	pthread_mutex_lock(&lock);
	changed = 1;
	post = !publishing;
	publishing = 1;
	pthread_mutex_unlock(&lock);
	publish_chore.run = publish_run;
	if (post)
		helper_post(HELPER_KEEP, &publish_chore);
}

void
quota_tick(void)
{
	int due;

	pthread_mutex_lock(&lock);
	due = failed_at != 0 && !publishing &&
	    clock_mono_ms() - failed_at >= PUBLISH_AGAIN;
	pthread_mutex_unlock(&lock);
	if (due)
		quota_publish_now();
}

static void
full_change(const char *name, int on)
{
	int did;

	pthread_mutex_lock(&lock);
	did = full_set(name, on);
	pthread_mutex_unlock(&lock);
	if (did)
		quota_publish_now();
}

int
quota_published(const char *name)
{
	size_t at;
	int there;

	pthread_mutex_lock(&lock);
	there = full_find(name, &at);
	pthread_mutex_unlock(&lock);
	return there;
}

static enum lookup
quota_read(struct account *a)
{
	int64_t now = clock_mono_ms();
	enum lookup r;

	if (a->quota_read != 0 && now - a->quota_read < QUOTA_KEEP)
		return LOOKUP_FOUND;
	r = store.user(a->name, &a->quota);
	a->quota_read = r == LOOKUP_FOUND ? now : 0;
	return r;
}

static int
is_full(const struct tables_user *q, uint64_t size, uint64_t count)
{
	return (q->quota_size != 0 && size >= q->quota_size) ||
	    (q->quota_count != 0 && count >= q->quota_count);
}

static enum quota
quota_known(struct account *a)
{
	switch (quota_read(a)) {
	case LOOKUP_ABSENT:
		return QUOTA_NO_USER;
	case LOOKUP_ERROR:
		return QUOTA_LATER;
	case LOOKUP_FOUND:
		break;
	}
	return QUOTA_OK;
}

enum quota
quota_check(struct account *a, uint64_t size, uint64_t count)
{
	enum quota r = quota_known(a);
	uint64_t used, number;

	if (r != QUOTA_OK)
		return r;
	account_usage(a, &used, &number);
	if ((a->quota.quota_size != 0 && used + size > a->quota.quota_size) ||
	    (a->quota.quota_count != 0 &&
	    number + count > a->quota.quota_count))
		return QUOTA_FULL;
	return QUOTA_OK;
}

enum quota
quota_delivery(struct account *a, uint64_t size)
{
	enum quota r = quota_known(a);
	uint64_t used, number;

	if (r != QUOTA_OK)
		return r;
	if (a->quota.quota_size != 0 && size > a->quota.quota_size)
		return QUOTA_NEVER;
	account_usage(a, &used, &number);
	return is_full(&a->quota, used, number) ? QUOTA_FULL : QUOTA_OK;
}

void
quota_note(struct account *a)
{
	uint64_t size, count;
	int now;

	if (quota_read(a) != LOOKUP_FOUND)
		return;
	account_usage(a, &size, &count);
	now = is_full(&a->quota, size, count);
	if (now == a->full)
		return;
	a->full = now;
	full_change(a->name, now);
}

void
quota_forget(struct account *a)
{
	a->quota_read = 0;
	quota_note(a);
}

struct again {
	struct item item;
	char	 name[];
};

static void
again_run(struct item *i)
{
	struct again *g = (struct again *)i;
	struct account *a = account_get(i->shard, g->name);

	if (a != NULL)
		a->quota_read = 0;
	if (a != NULL && a->state == ACCOUNT_READY && !a->busy)
		quota_note(a);
	free(g);
}

void
quota_full_again(void)
{
	struct again *g;
	size_t i, size;

	pthread_mutex_lock(&lock);
	for (i = 0; i < n_full; i++) {
		size = strlen(full[i]) + 1;
		g = mem_zalloc(1, sizeof(*g) + size);
		memcpy(g->name, full[i], size);
		g->item.shard = shard_of(g->name, NULL);
		g->item.run = again_run;
		shard_post(&g->item);
	}
	pthread_mutex_unlock(&lock);
}

/*
 * At the start every account that the index knows is looked at once: who is
 * full, and (behind a crash) whose flags file is behind.
 */
struct walk {
	struct item item;
	struct engine_db *db;
	struct buf names;
};

struct sums {
	uint64_t size, count;
	int	 behind;
};

static int
walk_name(void *arg, const void *key, size_t klen, const void *value,
    size_t vlen)
{
	struct walk *w = arg;

	if (klen > ENGINE_GROUP + 1 && vlen == 4) {
		buf_put_lv(&w->names, (const char *)key + ENGINE_GROUP + 1,
		    klen - ENGINE_GROUP - 1);
		buf_append(&w->names, value, 4);
	}
	return 0;
}

static int
walk_row(void *arg, const void *key, size_t klen, const void *value,
    size_t vlen)
{
	struct sums *s = arg;
	struct index_row row;

	if (index_get_row(value, vlen, &row) == 0) {
		s->size += row.size;
		s->count += row.messages;
		s->behind |= row.modseq > row.flags_modseq;
	}
	return 0;
}

static void
walk_account(struct walk *w, const char *name, uint32_t number)
{
	struct index_key from = index_account_key(number, 'M');
	struct index_key to = index_account_key(number, 'M' + 1);
	struct sums s = { 0, 0, 0 };
	struct account *a = NULL;
	struct tables_user q;
	int is;

	engine_scan(w->db, ENGINE_CORE, from.k, from.len, to.k, to.len,
	    walk_row, &s);
	is = store.user(name, &q) == LOOKUP_FOUND &&
	    is_full(&q, s.size, s.count);
	if (s.behind || is)
		a = account_get(w->item.shard, name);
	/* One that could be loaded knows which of the rows count. */
	if (a != NULL && a->state == ACCOUNT_READY) {
		quota_note(a);
	} else if (is) {
		if (a != NULL)
			a->full = 1;
		full_change(name, 1);
	}
}

static void
walk_run(struct item *i)
{
	struct walk *w = (struct walk *)i;
	struct index_key from = index_account_key(0, 'u');
	struct index_key to = index_account_key(0, 'u' + 1);
	struct cursor c;
	const char *p;
	char name[400];
	size_t len;

	engine_scan(w->db, ENGINE_CORE, from.k, from.len, to.k, to.len,
	    walk_name, w);
	cursor_init(&c, w->names.data, w->names.len);
	while (cursor_left(&c) > 0) {
		p = cursor_lv(&c, &len, sizeof(name) - 1);
		if (c.bad)
			break;
		memcpy(name, p, len);
		name[len] = '\0';
		walk_account(w, name, cursor_u32(&c));
	}
	buf_clear(&w->names);
	free(w);
}

void
quota_start(void)
{
	struct walk *w;
	unsigned i;

	quota_publish_now();
	for (i = 0; i < ENGINE_DBS; i++) {
		w = mem_zalloc(1, sizeof(*w));
		w->db = engine_db(store.engine, i);
		w->item.shard = shard_at(i % store.n_shards);
		w->item.run = walk_run;
		shard_post(&w->item);
	}
}
