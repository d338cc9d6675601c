/*
 * The accounts that are full are published in jail/state/full.cdb, where smtpd
 * looks (tables_full).
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
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "store/account_full.h"
#include "store/shard.h"
#include "store/shard_chores.h"

enum { PUBLISH_AGAIN = 5000 };	/* ms, after a failure */

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

/*
 * The file need not be durable, for it is made anew at each start; and it does
 * not wait for the disk, which may be busy for longer than who has made room,
 * or has none left, should be told the contrary.
 */
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
	r = write_cdb(fd);
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

void
full_publish(void)
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
		helper_post(HELPER_TELL, &publish_chore);
}

void
full_tick(void)
{
	int due;

	pthread_mutex_lock(&lock);
	due = failed_at != 0 && !publishing &&
	    clock_mono_ms() - failed_at >= PUBLISH_AGAIN;
	pthread_mutex_unlock(&lock);
	if (due)
		full_publish();
}

void
full_change(const char *name, int on)
{
	int did;

	pthread_mutex_lock(&lock);
	did = full_set(name, on);
	pthread_mutex_unlock(&lock);
	if (did)
		full_publish();
}

int
full_is(const char *name)
{
	size_t at;
	int there;

	pthread_mutex_lock(&lock);
	there = full_find(name, &at);
	pthread_mutex_unlock(&lock);
	return there;
}

void
full_each(void (*each)(void *arg, const char *name), void *arg)
{
	size_t i;

	pthread_mutex_lock(&lock);
	for (i = 0; i < n_full; i++)
		each(arg, full[i]);
	pthread_mutex_unlock(&lock);
}
