/*
 * Bodies as files below the mail folder. Fresh files lie in its folder .new
 * (no domain begins with a dot): one folder for all users, so that one sync
 * serves a batch of names.
 *
 * Whether a name that is linked is the file that was meant is asked of the
 * new name, after the link: what was compared cannot be exchanged any more.
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

#include "lib/base/crc32c.h"
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
	CHUNK = 128 * 1024,
	RESERVE = 1 << 20,
};

static int root = -1, fresh = -1, queue = -1;
static char *queue_path, *reserve_path;

/* Fresh files that wait: numbers, given out last in first out. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static uint64_t ready[AHEAD * 2];
static size_t n_ready;
static uint64_t next_number = 1;

static enum body_result
failed(int e)
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

int
body_open(const char *user, uint32_t mailbox, uint32_t uid)
{
	char path[BODY_PATH_MAX];

	snprintf(path, sizeof(path), "%s/%u/%u", user, mailbox, uid);
	/* What is no file in its place fails when it is read: nobody waits for
	   the other end of it. */
	return openat(root, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW |
	    O_NONBLOCK);
}

enum body_result
body_aside(const char *user, uint32_t mailbox, uint32_t uid)
{
	char path[BODY_PATH_MAX], to[BODY_PATH_MAX];
	struct stat st;

	snprintf(path, sizeof(path), "%s/%u/%u", user, mailbox, uid);
	if (fstatat(root, path, &st, AT_SYMLINK_NOFOLLOW) == -1)
		return failed(errno);
	snprintf(to, sizeof(to), "%s/%u/expunged", user, mailbox);
	if (mkdirat(root, to, 0700) == -1 && errno != EEXIST)
		return failed(errno);
	snprintf(to, sizeof(to), "%s/%u/expunged/%u.%llu", user, mailbox, uid,
	    (unsigned long long)st.st_ino);
	return renameat(root, path, root, to) == 0 ? BODY_DONE : failed(errno);
}

/* Gives way to the message uid: another file of that name goes to expunged. */
static enum body_result
give_way(const char *user, uint32_t mailbox, uint32_t uid)
{
	enum body_result r = body_aside(user, mailbox, uid);

	if (r == BODY_DONE)
		log_info("%s/%u/%u: it was never a message, and is moved aside "
		    "to expunged", user, mailbox, uid);
	return r;
}

/*
 * Links and makes sure that the new name is the inode of st.
 */
static enum body_result
link_checked(int from_dir, const char *from, const char *user,
    uint32_t mailbox, uint32_t uid, const struct stat *st)
{
	char path[BODY_PATH_MAX];
	enum body_result r;
	struct stat now;
	int e, tries;

	snprintf(path, sizeof(path), "%s/%u/%u", user, mailbox, uid);
	for (tries = 0; linkat(from_dir, from, root, path, 0) == -1; tries++) {
		if (errno != EEXIST)
			return failed(errno);
		if (fstatat(root, path, &now, AT_SYMLINK_NOFOLLOW) == -1)
			return failed(errno);
		if (now.st_ino == st->st_ino && now.st_dev == st->st_dev)
			return BODY_DONE;
		if (tries > 0)
			return BODY_TROUBLE;
		if ((r = give_way(user, mailbox, uid)) != BODY_DONE)
			return r;
	}
	if (fstatat(root, path, &now, AT_SYMLINK_NOFOLLOW) == -1) {
		e = errno;
		unlinkat(root, path, 0);
		return failed(e);
	}
	if (now.st_ino == st->st_ino && now.st_dev == st->st_dev)
		return BODY_DONE;
	unlinkat(root, path, 0);
	return BODY_FALSE;
}

/* A file system that has no links, none of that file, or not to there. */
static int
cannot_link(enum body_result r)
{
	return r == BODY_TROUBLE && (errno == EXDEV || errno == EMLINK ||
	    errno == EPERM || errno == EOPNOTSUPP || errno == ENOSYS);
}

/* A fresh file of our own; where there are no links it moves. */
static enum body_result
link_fresh(const char *name, const char *user, uint32_t mailbox, uint32_t uid,
    const struct stat *st)
{
	enum body_result r = link_checked(fresh, name, user, mailbox, uid, st);
	char path[BODY_PATH_MAX];

	if (!cannot_link(r))
		return r;
	snprintf(path, sizeof(path), "%s/%u/%u", user, mailbox, uid);
	if (faccessat(root, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0 &&
	    (r = give_way(user, mailbox, uid)) != BODY_DONE)
		return r;
	return renameat(fresh, name, root, path) == 0 ? BODY_DONE :
	    failed(errno);
}

static int
copy_data(int from, int to, uint64_t size)
{
	off_t off = 0;
	char *space;
	ssize_t n;
	int r = 0;

	while ((uint64_t)off < size) {
		n = copy_file_range(from, &off, to, NULL,
		    (size_t)(size - (uint64_t)off), 0);
		if (n <= 0)
			break;
	}
	space = mem_alloc(CHUNK);
	while (r == 0 && (uint64_t)off < size) {
		n = pread(from, space, CHUNK, off);
		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0)
			errno = n == 0 ? EIO : errno;
		r = n <= 0 ? -1 : fd_write_all(to, space, (size_t)n);
		off += n > 0 ? n : 0;
	}
	free(space);
	return r;
}

/* For what cannot be linked: a file of our own, durable, then linked. */
static enum body_result
link_copy(const char *user, uint32_t mailbox, uint32_t uid, int fd,
    uint64_t size)
{
	char name[BODY_NAME];
	enum body_result r;
	struct stat st;
	int to = body_put(name);

	if (to == -1)
		return failed(errno);
	if (copy_data(fd, to, size) == -1 || fd_sync(to) == -1 ||
	    fstat(to, &st) == -1)
		r = failed(errno);
	else
		r = BODY_DONE;
	if (fd_close(&to) == -1 && r == BODY_DONE)
		r = failed(errno);
	if (r == BODY_DONE)
		r = link_fresh(name, user, mailbox, uid, &st);
	body_put_back(name);
	return r;
}

/*
 * Where queue's file cannot be linked each message has a copy; but those of one
 * file share the first one, while it is there and remembered.
 */
enum { COPIES = 32 };

static struct copy {
	ino_t	 ino;			/* of queue's file; its name */
	char	 id[BODY_NAME];
	struct stat st;			/* of the copy; where it is: */
	char	 path[BODY_PATH_MAX];
} copies[COPIES];
static unsigned next_copy;

static int
copy_find(const char *id, const struct stat *from, struct copy *c_r)
{
	int i, found = 0;

	pthread_mutex_lock(&lock);
	for (i = 0; i < COPIES && !found; i++)
		if (copies[i].ino == from->st_ino &&
		    strcmp(copies[i].id, id) == 0) {
			*c_r = copies[i];
			found = 1;
		}
	pthread_mutex_unlock(&lock);
	return found;
}

static void
copy_note(const char *id, const struct stat *from, const char *user,
    uint32_t mailbox, uint32_t uid)
{
	struct copy *c;

	if (strlen(id) >= sizeof(c->id))
		return;
	pthread_mutex_lock(&lock);
	c = &copies[next_copy++ % COPIES];
	snprintf(c->path, sizeof(c->path), "%s/%u/%u", user, mailbox, uid);
	strcpy(c->id, id);
	c->ino = fstatat(root, c->path, &c->st, AT_SYMLINK_NOFOLLOW) == 0 ?
	    from->st_ino : 0;
	pthread_mutex_unlock(&lock);
}

static enum body_result
link_again(const char *user, uint32_t mailbox, uint32_t uid, const char *id,
    int fd, const struct stat *from)
{
	enum body_result r;
	struct copy c;

	if (copy_find(id, from, &c) && link_checked(root, c.path, user,
	    mailbox, uid, &c.st) == BODY_DONE)
		return BODY_DONE;
	r = link_copy(user, mailbox, uid, fd, (uint64_t)from->st_size);
	if (r == BODY_DONE)
		copy_note(id, from, user, mailbox, uid);
	return r;
}

/* Opened at the start, or, where it was not there yet, now. */
static int
queue_dir(void)
{
	int fd;

	pthread_mutex_lock(&lock);
	if (queue == -1)
		queue = open_dir(AT_FDCWD, queue_path);
	fd = queue;
	pthread_mutex_unlock(&lock);
	return fd;
}

enum body_result
body_link_queue(const char *user, uint32_t mailbox, uint32_t uid,
    const char *id, int fd, uint64_t size)
{
	enum body_result r;
	struct stat st, named;

	if (queue_dir() == -1)
		return BODY_TROUBLE;
	if (fstat(fd, &st) == -1)
		return failed(errno);
	if (!S_ISREG(st.st_mode) || (uint64_t)st.st_size != size)
		return BODY_FALSE;
	errno = 0;
	r = link_checked(queue, id, user, mailbox, uid, &st);
	if (cannot_link(r)) {
		if (fstatat(queue, id, &named, AT_SYMLINK_NOFOLLOW) == -1 ||
		    named.st_ino != st.st_ino || named.st_dev != st.st_dev)
			return BODY_FALSE;
		r = link_again(user, mailbox, uid, id, fd, &st);
	}
	if (r == BODY_ABSENT && faccessat(queue, id, F_OK, 0) == -1)
		r = BODY_FALSE;
	return r;
}

static int
crc_of(int fd, uint64_t size, uint32_t *crc_r)
{
	char *space = mem_alloc(CHUNK);
	uint64_t off = 0;
	size_t n;
	int r = 0;

	*crc_r = 0;
	for (; r == 0 && off < size; off += n) {
		n = size - off < CHUNK ? (size_t)(size - off) : CHUNK;
		if ((r = fd_pread_all(fd, space, n, (off_t)off)) == 0)
			*crc_r = crc32c(*crc_r, space, n);
	}
	free(space);
	return r;
}

enum body_result
body_link_put(const char *user, uint32_t mailbox, uint32_t uid,
    const char *name, uint64_t size, uint32_t crc)
{
	int fd = openat(fresh, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	enum body_result r;
	struct stat st;
	uint32_t is;

	if (fd == -1)
		return BODY_FALSE;
	if (fstat(fd, &st) == -1)
		r = failed(errno);
	else if ((uint64_t)st.st_size != size || fd_no_writer(fd) != 1 ||
	    crc_of(fd, size, &is) == -1 || is != crc)
		r = BODY_FALSE;
	else
		r = link_fresh(name, user, mailbox, uid, &st);
	fd_close(&fd);
	return r;
}

/*
 * The last copies that were made of bodies that have all the links they can:
 * further ones are linked to those. Of a thread, for that is one shard's; what
 * is said here is looked at again, so it may be old.
 */
static _Thread_local struct base {
	dev_t	 dev;
	ino_t	 ino;			/* of the full one */
	struct stat st;			/* of its copy */
	char	 path[BODY_PATH_MAX];
} bases[4];
static _Thread_local unsigned next_base;

/* BODY_ABSENT: there is no such copy, or it is full too. */
static enum body_result
link_base(const struct stat *full, const char *user, uint32_t mailbox,
    uint32_t uid)
{
	const struct base *b;
	struct stat now;

	for (b = bases; b < bases + sizeof(bases) / sizeof(bases[0]); b++) {
		if (b->ino != full->st_ino || b->dev != full->st_dev ||
		    fstatat(root, b->path, &now, AT_SYMLINK_NOFOLLOW) == -1 ||
		    now.st_ino != b->st.st_ino ||
		    now.st_size != full->st_size ||
		    now.st_mtim.tv_sec != b->st.st_mtim.tv_sec ||
		    now.st_mtim.tv_nsec != b->st.st_mtim.tv_nsec)
			continue;
		if (link_checked(root, b->path, user, mailbox, uid,
		    &now) == BODY_DONE)
			return BODY_DONE;
	}
	return BODY_ABSENT;
}

static void
note_base(const struct stat *full, const char *path)
{
	struct base *b = &bases[next_base];

	b->ino = 0;
	if (fstatat(root, path, &b->st, AT_SYMLINK_NOFOLLOW) == -1)
		return;
	b->dev = full->st_dev;
	b->ino = full->st_ino;
	snprintf(b->path, sizeof(b->path), "%s", path);
	next_base = (next_base + 1) % (sizeof(bases) / sizeof(bases[0]));
}

/* For a body that cannot be linked once more. */
static enum body_result
link_full(const char *user, const char *from, const struct stat *st,
    uint32_t to, uint32_t to_uid)
{
	char path[BODY_PATH_MAX];
	enum body_result r;
	int fd;

	if (link_base(st, user, to, to_uid) == BODY_DONE)
		return BODY_DONE;
	fd = openat(root, from, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd == -1)
		return failed(errno);
	r = link_copy(user, to, to_uid, fd, (uint64_t)st->st_size);
	fd_close(&fd);
	snprintf(path, sizeof(path), "%s/%u/%u", user, to, to_uid);
	if (r == BODY_DONE)
		note_base(st, path);
	return r;
}

enum body_result
body_link(const char *user, uint32_t from, uint32_t from_uid, uint32_t to,
    uint32_t to_uid)
{
	char path[BODY_PATH_MAX];
	enum body_result r;
	struct stat st;

	snprintf(path, sizeof(path), "%s/%u/%u", user, from, from_uid);
	if (fstatat(root, path, &st, AT_SYMLINK_NOFOLLOW) == -1)
		return failed(errno);
	r = link_checked(root, path, user, to, to_uid, &st);
	if (!cannot_link(r))
		return r;
	return link_full(user, path, &st, to, to_uid);
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
		return failed(errno);
	/* The folder is missing, or the file. */
	snprintf(to, sizeof(to), "%s/%u/expunged", user, mailbox);
	if (mkdirat(root, to, 0700) == -1 &&
	    (!body_give() || mkdirat(root, to, 0700) == -1))
		return errno == EEXIST ? BODY_ABSENT : failed(errno);
	snprintf(to, sizeof(to), "%s/%u/expunged/%u", user, mailbox, uid);
	return renameat(root, from, root, to) == 0 ? BODY_DONE : failed(errno);
}

enum body_result
body_drop(const char *user, uint32_t mailbox, uint32_t uid)
{
	char path[BODY_PATH_MAX];

	snprintf(path, sizeof(path), "%s/%u/%u", user, mailbox, uid);
	return unlinkat(root, path, 0) == 0 ? BODY_DONE : failed(errno);
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
