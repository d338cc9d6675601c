/*
 * Bodies as files below the mail folder. Fresh files lie in its folder .new
 * (no domain begins with a dot): one folder for all users, so that one sync
 * serves a batch of names.
 */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "lib/base/fd.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/base/reserve.h"
#include "lib/mail/limits.h"
#include "store/body.h"
#include "store/body_impl.h"

enum {
	AHEAD = 64,		/* fresh files made in one go */
	AHEAD_LOW = 24,
	RESERVE = 1 << 20,
};

static int root = -1, fresh = -1, queue = -1;
static char *queue_path, *reserve_path;

/* Fresh files that wait: numbers, given out last in first out. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static uint64_t ready[AHEAD * 2];
static size_t n_ready;
static uint64_t next_number = 1;

enum body_result
body_failed(int e)
{
	switch (e) {
	case ENOENT:
	case ENOTDIR:
		return BODY_ABSENT;
	case ENOSPC:
	case EDQUOT:
		return BODY_FULL;
	default:
		errno = e;
		return BODY_TROUBLE;
	}
}

static void
fresh_name(char name[BODY_NAME], uint64_t n)
{
	snprintf(name, BODY_NAME, "%016llx", (unsigned long long)n);
}

static void
fresh_empty(void)
{
	struct dirent *e;
	DIR *d = fd_opendir(fresh, ".");

	if (d == NULL) {
		log_warn("mail/.new: %s", strerror(errno));
		return;
	}
	while ((e = readdir(d)) != NULL)
		if (e->d_name[0] != '.')
			unlinkat(fresh, e->d_name, 0);
	closedir(d);
}

static int
open_dir(int at, const char *path)
{
	return openat(at, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static char *
path_below(const char *dir, const char *name)
{
	size_t size = strlen(dir) + strlen(name) + 2;
	char *p = mem_alloc(size);

	snprintf(p, size, "%s/%s", dir, name);
	return p;
}

int
body_start(const char *mail, const char *bodies, struct buf *why)
{
	fd_close(&root);
	fd_close(&fresh);
	fd_close(&queue);
	free(queue_path);
	free(reserve_path);
	reserve_path = path_below(mail, ".reserve");
	if ((mkdir(mail, 0700) == -1 && errno != EEXIST) ||
	    (root = open_dir(AT_FDCWD, mail)) == -1 ||
	    (mkdirat(root, ".new", 0700) == -1 && errno != EEXIST) ||
	    (fresh = open_dir(root, ".new")) == -1 ||
	    fd_sync_dir(root) == -1) {
		buf_set(why, "%s: %s", mail, strerror(errno));
		return -1;
	}
	queue_path = mem_strdup(bodies);
	queue = open_dir(AT_FDCWD, queue_path);
	fresh_empty();
	return 0;
}

int
body_root(void)
{
	return root;
}

int
body_fresh(void)
{
	return fresh;
}

/* Opened at the start, or, where it was not there yet, now. */
int
body_queue(void)
{
	int fd;

	pthread_mutex_lock(&lock);
	if (queue == -1)
		queue = open_dir(AT_FDCWD, queue_path);
	fd = queue;
	pthread_mutex_unlock(&lock);
	return fd;
}

int
body_wants(void)
{
	int wants;

	pthread_mutex_lock(&lock);
	wants = n_ready < AHEAD_LOW;
	pthread_mutex_unlock(&lock);
	return wants;
}

void
body_prepare(void)
{
	uint64_t made[AHEAD], n;
	char name[BODY_NAME];
	size_t i, count = 0;
	int fd;

	for (i = 0; i < AHEAD; i++) {
		pthread_mutex_lock(&lock);
		n = next_number++;
		pthread_mutex_unlock(&lock);
		fresh_name(name, n);
		fd = openat(fresh, name, O_WRONLY | O_CREAT | O_EXCL |
		    O_CLOEXEC | O_NOFOLLOW, 0600);
		if (fd == -1)
			break;
		fd_close(&fd);
		made[count++] = n;
	}
	if (count == 0 || fd_sync_dir(fresh) == -1)
		return;
	pthread_mutex_lock(&lock);
	for (i = 0; i < count && n_ready < AHEAD * 2; i++)
		ready[n_ready++] = made[i];
	pthread_mutex_unlock(&lock);
}

int
body_put(char name_r[BODY_NAME])
{
	int made = 1, flags = O_WRONLY | O_CLOEXEC | O_NOFOLLOW;
	uint64_t n;

	pthread_mutex_lock(&lock);
	if (n_ready > 0) {
		n = ready[--n_ready];
	} else {
		/* Its name becomes durable with the mailbox it is linked to. */
		n = next_number++;
		made = 0;
	}
	pthread_mutex_unlock(&lock);
	fresh_name(name_r, n);
	return openat(fresh, name_r, made ? flags : flags | O_CREAT | O_EXCL,
	    0600);
}

void
body_put_back(const char *name)
{
	unlinkat(fresh, name, 0);
}

/* What is no file in its place fails when it is read: nobody waits for the
   other end of it. */
static int
open_file(const char *path)
{
	return openat(root, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW |
	    O_NONBLOCK);
}

int
body_open(const char *user, uint32_t mailbox, uint32_t uid)
{
	char path[BODY_PATH_MAX];

	snprintf(path, sizeof(path), "%s/%u/%u", user, mailbox, uid);
	return open_file(path);
}

int
body_open_expunged(const char *user, uint32_t mailbox, uint32_t uid)
{
	char path[BODY_PATH_MAX];

	snprintf(path, sizeof(path), "%s/%u/expunged/%u", user, mailbox, uid);
	return open_file(path);
}

enum body_result
body_aside(const char *user, uint32_t mailbox, uint32_t uid)
{
	char path[BODY_PATH_MAX], to[BODY_PATH_MAX];
	struct stat st;

	snprintf(path, sizeof(path), "%s/%u/%u", user, mailbox, uid);
	if (fstatat(root, path, &st, AT_SYMLINK_NOFOLLOW) == -1)
		return body_failed(errno);
	snprintf(to, sizeof(to), "%s/%u/expunged", user, mailbox);
	if (mkdirat(root, to, 0700) == -1 && errno != EEXIST)
		return body_failed(errno);
	snprintf(to, sizeof(to), "%s/%u/expunged/%u.%llu", user, mailbox, uid,
	    (unsigned long long)st.st_ino);
	return renameat(root, path, root, to) == 0 ? BODY_DONE :
	    body_failed(errno);
}

enum body_result
body_expunge(const char *user, uint32_t mailbox, uint32_t uid)
{
	char from[BODY_PATH_MAX], to[BODY_PATH_MAX];

	snprintf(from, sizeof(from), "%s/%u/%u", user, mailbox, uid);
	snprintf(to, sizeof(to), "%s/%u/expunged/%u", user, mailbox, uid);
	if (renameat(root, from, root, to) == 0)
		return BODY_DONE;
	if (errno != ENOENT)
		return body_failed(errno);
	/* The folder is missing, or the file. */
	snprintf(to, sizeof(to), "%s/%u/expunged", user, mailbox);
	if (mkdirat(root, to, 0700) == -1 &&
	    (!body_give() || mkdirat(root, to, 0700) == -1))
		return errno == EEXIST ? BODY_ABSENT : body_failed(errno);
	snprintf(to, sizeof(to), "%s/%u/expunged/%u", user, mailbox, uid);
	return renameat(root, from, root, to) == 0 ? BODY_DONE :
	    body_failed(errno);
}

enum body_result
body_drop(const char *user, uint32_t mailbox, uint32_t uid)
{
	char path[BODY_PATH_MAX];

	snprintf(path, sizeof(path), "%s/%u/%u", user, mailbox, uid);
	return unlinkat(root, path, 0) == 0 ? BODY_DONE : body_failed(errno);
}

int
body_dir(const char *path)
{
	return open_dir(root, path);
}

int
body_sync_path(const char *path)
{
	int r, e, fd = body_dir(path);

	if (fd == -1)
		return -1;
	r = fd_sync_dir(fd);
	e = errno;
	fd_close(&fd);
	errno = e;
	return r;
}

int
body_sync(const char *user, uint32_t mailbox, int expunged)
{
	char path[BODY_PATH_MAX];

	snprintf(path, sizeof(path), "%s/%u%s", user, mailbox,
	    expunged ? "/expunged" : "");
	return body_sync_path(path);
}

int
body_make_mailbox(const char *user, uint32_t mailbox)
{
	char path[BODY_PATH_MAX], *slash;

	snprintf(path, sizeof(path), "%s/%u", user, mailbox);
	for (slash = strchr(path, '/'); slash != NULL;
	    slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdirat(root, path, 0700) == -1 && errno != EEXIST)
			return errno;
		*slash = '/';
	}
	if (mkdirat(root, path, 0700) == -1 && errno != EEXIST)
		return errno;
	/* Where there is no journal a name alone does not keep a folder. */
	if (body_sync_path(path) == -1)
		return errno;
	while ((slash = strrchr(path, '/')) != NULL) {
		*slash = '\0';
		if (body_sync_path(path) == -1)
			return errno;
	}
	return fd_sync_dir(root) == -1 ? errno : 0;
}

/* Its ctime tells since when. */
void
body_unused(const char *user, uint32_t mailbox)
{
	char path[BODY_PATH_MAX];

	snprintf(path, sizeof(path), "%s/%u", user, mailbox);
	if (utimensat(root, path, NULL, 0) == -1 && errno != ENOENT)
		log_warn("mail/%s: %s", path, strerror(errno));
}

void
body_keep(void)
{
	if (reserve_keep(reserve_path, RESERVE, DISK_FLOOR) == -1)
		log_warn("%s: %s", reserve_path, strerror(errno));
}

int
body_give(void)
{
	int e = errno;

	if (e != ENOSPC && e != EDQUOT)
		return 0;
	if (reserve_give(reserve_path))
		log_warn("%s is given up: the disk is full", reserve_path);
	errno = e;
	return 1;
}

uint64_t
body_space(void)
{
	struct statvfs v;

	if (fstatvfs(root, &v) == -1)
		return UINT64_MAX;
	return v.f_favail == 0 && v.f_files > 0 ? 0 :
	    (uint64_t)v.f_bavail * v.f_frsize;
}
