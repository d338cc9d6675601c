/*
 * The environment is private to the process (DB_PRIVATE: regions in the heap),
 * for its one owner recovers it at every start anyhow; so no region file is
 * written back by the kernel, and none can be of another version.
 *
 * Log files are filled with zeros when they are made (DB_LOG_ZERO), so that
 * a flush writes data alone and the file system has no size to record.
 */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/fd.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/map/bdb.h"
#include "lib/map/bdb_impl.h"

static void
bdb_complain(const DB_ENV *env, const char *prefix, const char *msg)
{
	log_warn("%s: %s", prefix, msg);
}

static void
bdb_event(DB_ENV *env, u_int32_t event, void *info)
{
	struct bdb *b = env->app_private;

	if (event == DB_EVENT_PANIC && b->opening)
		return;
	if (event == DB_EVENT_PANIC || event == DB_EVENT_WRITE_FAILED)
		bdb_note_doubt(b);
	if (event == DB_EVENT_PANIC)
		bdb_distrust(b);
	if (event == DB_EVENT_PANIC)
		log_fatal("%s: the database environment broke", b->home);
	if (event == DB_EVENT_WRITE_FAILED)
		log_warn("%s: a write failed", b->home);
}

/* Makes the folder and takes its lock. */
static int
bdb_hold(struct bdb *b, struct buf *why)
{
	const char *network;
	char path[1100];

	if (mkdir(b->home, 0700) == -1 && errno != EEXIST)
		goto fail;
	snprintf(path, sizeof(path), "%s/log", b->home);
	if (mkdir(path, 0700) == -1 && errno != EEXIST)
		goto fail;
	snprintf(path, sizeof(path), "%s/lock", b->home);
	b->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (b->lock == -1)
		goto fail;
	if ((network = fd_network(b->lock)) != NULL) {
		buf_set(why, "%s lies on %s, which keeps no promise of a sync "
		    "or a lock: give it a local disk", b->home, network);
		errno = EPERM;
		return -1;
	}
	if (flock(b->lock, LOCK_EX | LOCK_NB) == -1) {
		buf_set(why, "%s: another process uses it", b->home);
		return -1;
	}
	return 0;
fail:
	buf_set(why, "%s: %s", b->home, strerror(errno));
	return -1;
}

static int
bdb_set(struct bdb *b, const struct bdb_conf *conf)
{
	DB_ENV *e = b->env;
	int r;

	e->app_private = b;
	e->set_errpfx(e, b->home);
	e->set_errcall(e, bdb_complain);
	if ((r = e->set_event_notify(e, bdb_event)) != 0 ||
	    (r = e->set_lg_dir(e, "log")) != 0 ||
	    (r = e->set_lg_max(e, BDB_LOG_FILE)) != 0 ||
	    (r = e->set_lg_bsize(e, BDB_LOG_BUFFER)) != 0 ||
	    (r = e->set_cachesize(e, (u_int32_t)(conf->cache >> 30),
	    (u_int32_t)(conf->cache & ((1u << 30) - 1)), 1)) != 0 ||
	    (r = e->set_flags(e, DB_TXN_NOSYNC, 1)) != 0 ||
	    (r = e->log_set_config(e, DB_LOG_ZERO, 1)) != 0)
		return r;
	if (!(b->flags & BDB_KEEP_LOGS))
		r = e->log_set_config(e, DB_LOG_AUTO_REMOVE, 1);
	if (r == 0 && (b->flags & BDB_LOCKS))
		r = e->set_lk_detect(e, DB_LOCK_DEFAULT);
	return r;
}

/* One try with the given kind of recovery. 0 or Berkeley DB's error. */
static int
bdb_try(struct bdb *b, const struct bdb_conf *conf, u_int32_t recover)
{
	u_int32_t flags = DB_CREATE | DB_INIT_TXN | DB_INIT_LOG |
	    DB_INIT_MPOOL | DB_PRIVATE | DB_THREAD | recover;
	int r;

	if (b->flags & BDB_LOCKS)
		flags |= DB_INIT_LOCK;
	if ((r = db_env_create(&b->env, 0)) != 0)
		return r;
	b->opening = 1;
	if ((r = bdb_set(b, conf)) != 0 ||
	    (r = b->env->open(b->env, b->home, flags, 0600)) != 0) {
		b->env->close(b->env, 0);
		b->env = NULL;
	}
	b->opening = 0;
	return r;
}

struct bdb *
bdb_open(const struct bdb_conf *conf, struct buf *why)
{
	struct bdb *b = mem_zalloc(1, sizeof(*b));
	int e, r;

	bdb_world();
	bdb_world_forget();
	b->home = mem_strdup(conf->home);
	b->flags = conf->flags;
	b->lock = -1;
	b->reserve = conf->reserve;
	if (bdb_hold(b, why) == -1) {
		e = bdb_passing(errno) ? errno : EAGAIN;
		goto fail;
	}
	bdb_reserve_add(b);
	bdb_settle_doubt(b);
	r = bdb_is_broken(b) ? DB_RUNRECOVERY : bdb_try(b, conf, DB_RECOVER);
	if (r != 0 && (b->flags & BDB_KEEP_LOGS) && bdb_errno(r) == EIO) {
		log_warn("%s: recovery failed (%s): recovering from the backup "
		    "and all logs", b->home, db_strerror(r));
		if (bdb_restore(b) == 0 &&
		    (r = bdb_try(b, conf, DB_RECOVER_FATAL)) == 0)
			bdb_note_whole(b);
	}
	if (r == 0) {
		(void)bdb_room(b);
		return b;
	}
	bdb_reserve_remove(b);
	/* That is the disk's fault, not the files': they may be good. */
	if (bdb_world_error() == EIO)
		bdb_note_doubt(b);
	buf_set(why, "%s: will not open: %s", b->home, bdb_reason(r));
	e = bdb_errno(r);
fail:
	fd_close(&b->lock);
	free(b->home);
	free(b);
	errno = e;
	return NULL;
}

int
bdb_close(struct bdb **bp)
{
	struct bdb *b = *bp;
	int r, e;

	if (b == NULL)
		return 0;
	r = bdb_checkpoint(b, 1);
	if ((e = b->env->close(b->env, 0)) != 0) {
		log_warn("%s: close: %s", b->home, db_strerror(e));
		r = -1;
	}
	if (r == 0)
		bdb_note_whole(b);
	bdb_reserve_remove(b);
	fd_close(&b->lock);
	free(b->home);
	free(b);
	*bp = NULL;
	return r;
}

void
bdb_distrust(struct bdb *b)
{
	/* Where the world failed it is the disk that is not to be trusted. */
	if (bdb_syncs_failed() == 0 && bdb_world_error() == 0)
		bdb_note_broken(b);
}

DB_ENV *
bdb_env(struct bdb *b)
{
	return b->env;
}

DB *
bdb_table(struct bdb *b, const char *name, struct buf *why)
{
	DB *t;
	int r;

	if ((r = db_create(&t, b->env, 0)) != 0) {
		buf_set(why, "%s/%s: %s", b->home, name, db_strerror(r));
		errno = bdb_errno(r);
		return NULL;
	}
	/* What may be discarded is set aside by the caller. */
	b->opening = !(b->flags & BDB_KEEP_LOGS);
	if ((r = t->set_pagesize(t, BDB_PAGE)) == 0 &&
	    (r = t->set_flags(t, DB_CHKSUM)) == 0)
		r = t->open(t, NULL, name, NULL, DB_BTREE,
		    DB_CREATE | DB_AUTO_COMMIT | DB_THREAD, 0600);
	b->opening = 0;
	if (r == 0)
		return t;
	buf_set(why, "%s/%s: %s", b->home, name, bdb_reason(r));
	t->close(t, 0);
	errno = bdb_errno(r);
	return NULL;
}

void
bdb_table_close(DB **t)
{
	int r;

	if (*t != NULL && (r = (*t)->close(*t, 0)) != 0)
		log_warn("closing a table: %s", db_strerror(r));
	*t = NULL;
}

int
bdb_flush(struct bdb *b)
{
	int r = b->env->log_flush(b->env, NULL);

	if (r != 0) {
		bdb_note_doubt(b);
		log_warn("%s: log flush: %s", b->home, db_strerror(r));
	}
	return r == 0 ? 0 : -1;
}

int
bdb_checkpoint(struct bdb *b, int force)
{
	int r = b->env->txn_checkpoint(b->env, force ? 0 : BDB_LOG_FILE >> 10,
	    0, force ? DB_FORCE : 0);

	/* The next one would believe that those pages are on the disk. */
	if (r == EIO) {
		bdb_note_doubt(b);
		log_fatal("%s: checkpoint: %s", b->home, db_strerror(r));
	}
	if (r != 0)
		log_warn("%s: checkpoint: %s", b->home, db_strerror(r));
	return r == 0 ? 0 : -1;
}

/*
 * The owner may not be able to rename the folder itself: its parent is root's.
 * So what is in it goes one floor down; the lock stays.
 */
static int
bdb_move_all(int home, const char *to)
{
	int fd = dup(home), r = 0;
	DIR *d = fd == -1 ? NULL : fdopendir(fd);
	char path[300];
	struct dirent *e;

	if (d == NULL) {
		fd_close(&fd);
		return -1;
	}
	while (r == 0 && (e = readdir(d)) != NULL) {
		if (e->d_name[0] == '.' || strcmp(e->d_name, "lock") == 0 ||
		    strcmp(e->d_name, "reserve") == 0 ||
		    strncmp(e->d_name, "bad-", 4) == 0)
			continue;
		snprintf(path, sizeof(path), "%s/%s", to, e->d_name);
		r = renameat(home, e->d_name, home, path);
	}
	closedir(d);
	return r;
}

static int
bdb_sync_aside(int home, const char *to)
{
	int fd = openat(home, to, O_RDONLY | O_DIRECTORY | O_CLOEXEC), r = -1;

	if (fd != -1 && fd_sync_dir(fd) == 0)
		r = fd_sync_dir(home);
	fd_close(&fd);
	return r;
}

int
bdb_set_aside(const char *home, struct buf *why)
{
	char to[40];
	int r = -1, fd = open(home, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	snprintf(to, sizeof(to), "bad-%lld", (long long)clock_now());
	if (fd != -1 && (mkdirat(fd, to, 0700) == 0 || errno == EEXIST))
		r = bdb_move_all(fd, to);
	if (r == 0)
		r = bdb_sync_aside(fd, to);
	if (r == -1)
		buf_set(why, "%s/%s: %s", home, to, strerror(errno));
	fd_close(&fd);
	return r;
}
