/*
 * Catastrophic recovery needs a copy of the table and every log since the
 * checkpoint before it was made. So the copy is made and synced first, in
 * home/backup.new, renamed to home/backup, and only then the older logs go: at
 * any moment one copy is whole and has all its logs.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/fd.h"
#include "lib/base/log.h"
#include "lib/map/bdb_impl.h"

enum { PATH_LEN = 1200, COPY = 256 * 1024 };

static void
path_of(const struct bdb *b, char path[PATH_LEN], const char *dir,
    const char *name)
{
	snprintf(path, PATH_LEN, "%.900s/%s%s%.200s", b->home, dir,
	    dir[0] != '\0' ? "/" : "", name);
}

/* Makes a file, or the names of a folder, durable. */
static int
sync_path(const char *path, int dir)
{
	int r, fd = open(path, (dir ? O_RDONLY | O_DIRECTORY : O_RDWR) |
	    O_CLOEXEC | O_NOFOLLOW);

	if (fd == -1)
		return -1;
	r = dir ? fd_sync_dir(fd) : fd_sync(fd);
	fd_close(&fd);
	return r;
}

/* Marks */

static void
mark(struct bdb *b, const char *name)
{
	char path[PATH_LEN];
	int fd;

	path_of(b, path, "", name);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	fd_close(&fd);
}

void
bdb_note_broken(struct bdb *b)
{
	char path[PATH_LEN];
	struct stat st;

	path_of(b, path, "", "panic");
	if (stat(path, &st) == 0 &&
	    clock_now() - st.st_mtime < BROKEN_AGAIN)
		mark(b, "broken");
	else
		mark(b, "panic");
}

int
bdb_is_broken(struct bdb *b)
{
	char path[PATH_LEN];

	path_of(b, path, "", "broken");
	return access(path, F_OK) == 0;
}

void
bdb_note_whole(struct bdb *b)
{
	char path[PATH_LEN];

	path_of(b, path, "", "panic");
	unlink(path);
	path_of(b, path, "", "broken");
	unlink(path);
}

/* Backup */

static int
copy_table(struct bdb *b, const char *name)
{
	char fresh[PATH_LEN], old[PATH_LEN], dir[PATH_LEN];
	int r;

	path_of(b, dir, "", "backup");
	if (mkdir(dir, 0700) == -1 && errno != EEXIST)
		return -1;
	path_of(b, dir, "", "backup.new");
	if (mkdir(dir, 0700) == -1 && errno != EEXIST)
		return -1;
	path_of(b, fresh, "backup.new", name);
	unlink(fresh);
	if ((r = b->env->dbbackup(b->env, name, dir, 0)) != 0) {
		log_warn("%s: backup: %s", b->home, db_strerror(r));
		errno = EIO;
		return -1;
	}
	path_of(b, old, "backup", name);
	if (sync_path(fresh, 0) == -1 || rename(fresh, old) == -1)
		return -1;
	path_of(b, dir, "", "backup");
	return sync_path(dir, 1) == -1 ? -1 : sync_path(b->home, 1);
}

/* How many log files are as large as the table. */
static int
logs_enough(struct bdb *b, const char *name)
{
	char path[PATH_LEN];
	struct stat st;
	int n = 0;

	path_of(b, path, "", name);
	if (stat(path, &st) == 0 && st.st_size / BDB_LOG_FILE < INT_MAX)
		n = (int)(st.st_size / BDB_LOG_FILE);
	return n > BDB_BACKUP_LOGS ? n : BDB_BACKUP_LOGS;
}

int
bdb_backup(struct bdb *b, const char *name)
{
	char **list = NULL, **p;
	int r, n = 0, enough = logs_enough(b, name);

	if (!(b->flags & BDB_KEEP_LOGS))
		return 0;
	if ((r = b->env->log_archive(b->env, &list, DB_ARCH_ABS)) != 0) {
		log_warn("%s: logs: %s", b->home, db_strerror(r));
		return -1;
	}
	for (p = list; p != NULL && *p != NULL; p++)
		n++;
	r = 0;
	if (n >= enough && (r = copy_table(b, name)) == -1)
		log_warn("%s: backup: %s", b->home, strerror(errno));
	for (p = list; n >= enough && r == 0 && *p != NULL; p++)
		if (unlink(*p) == -1)
			log_warn("%s: %s", *p, strerror(errno));
	free(list);
	return r;
}

/* Restoring */

static int
copy_file(const char *from, const char *to)
{
	int in = open(from, O_RDONLY | O_CLOEXEC | O_NOFOLLOW), out, r = -1;
	static char chunk[COPY];
	ssize_t n = -1;

	if (in == -1)
		return -1;
	out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW,
	    0600);
	while (out != -1 && (n = read(in, chunk, sizeof(chunk))) > 0)
		if (fd_write_all(out, chunk, (size_t)n) == -1)
			break;
	if (out != -1 && n == 0)
		r = fd_sync(out);
	if (fd_close(&out) == -1)
		r = -1;
	fd_close(&in);
	return r;
}

static int
is_table(const char *dir, const char *name)
{
	static const char *const ours[] = { "lock", "panic", "broken",
		"doubt", "reserve" };
	char path[PATH_LEN];
	struct stat st;
	size_t i;

	for (i = 0; i < sizeof(ours) / sizeof(ours[0]); i++)
		if (strcmp(name, ours[i]) == 0)
			return 0;
	snprintf(path, sizeof(path), "%.900s/%.200s", dir, name);
	return strstr(name, ".bad-") == NULL && lstat(path, &st) == 0 &&
	    S_ISREG(st.st_mode);
}

/* Calls each for every table in a folder under home. 0, or -1. */
static int
each_table(struct bdb *b, const char *folder,
    int (*each)(struct bdb *, const char *name))
{
	char path[PATH_LEN];
	struct dirent *d;
	int r = 0;
	DIR *dir;

	path_of(b, path, "", folder);
	if ((dir = opendir(path)) == NULL)
		return errno == ENOENT ? 0 : -1;
	while (r == 0 && (d = readdir(dir)) != NULL)
		if (is_table(path, d->d_name))
			r = each(b, d->d_name);
	closedir(dir);
	return r;
}

static int
put_aside(struct bdb *b, const char *name)
{
	char from[PATH_LEN], to[PATH_LEN + 30];

	path_of(b, from, "", name);
	snprintf(to, sizeof(to), "%s.bad-%lld", from, (long long)clock_now());
	return rename(from, to);
}

static int
bring_back(struct bdb *b, const char *name)
{
	char from[PATH_LEN], to[PATH_LEN];

	path_of(b, from, "backup", name);
	path_of(b, to, "", name);
	return copy_file(from, to);
}

int
bdb_restore(struct bdb *b)
{
	/* Until it is done, the next start must come here again. */
	mark(b, "broken");
	if (each_table(b, "", put_aside) == 0 &&
	    each_table(b, "backup", bring_back) == 0 &&
	    sync_path(b->home, 1) == 0)
		return 0;
	log_warn("%s: restoring: %s", b->home, strerror(errno));
	return -1;
}
