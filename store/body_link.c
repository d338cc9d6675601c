/*
 * Bodies are given to messages: by a link where there can be one, else by a
 * copy.
 *
 * Whether a name that is linked is the file that was meant is asked of the
 * new name, after the link: what was compared cannot be exchanged any more.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/crc32c.h"
#include "lib/base/fd.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "store/body.h"
#include "store/body_impl.h"

enum { CHUNK = 128 * 1024 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* of the copies */

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
	for (tries = 0; linkat(from_dir, from, body_root(), path, 0) == -1;
	    tries++) {
		if (errno != EEXIST)
			return body_failed(errno);
		if (fstatat(body_root(), path, &now, AT_SYMLINK_NOFOLLOW) == -1)
			return body_failed(errno);
		if (now.st_ino == st->st_ino && now.st_dev == st->st_dev)
			return BODY_DONE;
		if (tries > 0)
			return BODY_TROUBLE;
		if ((r = give_way(user, mailbox, uid)) != BODY_DONE)
			return r;
	}
	if (fstatat(body_root(), path, &now, AT_SYMLINK_NOFOLLOW) == -1) {
		e = errno;
		unlinkat(body_root(), path, 0);
		return body_failed(e);
	}
	if (now.st_ino == st->st_ino && now.st_dev == st->st_dev)
		return BODY_DONE;
	unlinkat(body_root(), path, 0);
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
	enum body_result r = link_checked(body_fresh(), name, user, mailbox,
	    uid, st);
	char path[BODY_PATH_MAX];

	if (!cannot_link(r))
		return r;
	snprintf(path, sizeof(path), "%s/%u/%u", user, mailbox, uid);
	if (faccessat(body_root(), path, F_OK, AT_SYMLINK_NOFOLLOW) == 0 &&
	    (r = give_way(user, mailbox, uid)) != BODY_DONE)
		return r;
	return renameat(body_fresh(), name, body_root(), path) == 0 ?
	    BODY_DONE : body_failed(errno);
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
		return body_failed(errno);
	if (copy_data(fd, to, size) == -1 || fd_sync(to) == -1 ||
	    fstat(to, &st) == -1)
		r = body_failed(errno);
	else
		r = BODY_DONE;
	if (fd_close(&to) == -1 && r == BODY_DONE)
		r = body_failed(errno);
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
	c->ino = fstatat(body_root(), c->path, &c->st,
	    AT_SYMLINK_NOFOLLOW) == 0 ? from->st_ino : 0;
	pthread_mutex_unlock(&lock);
}

static enum body_result
link_again(const char *user, uint32_t mailbox, uint32_t uid, const char *id,
    int fd, const struct stat *from)
{
	enum body_result r;
	struct copy c;

	if (copy_find(id, from, &c) && link_checked(body_root(), c.path, user,
	    mailbox, uid, &c.st) == BODY_DONE)
		return BODY_DONE;
	r = link_copy(user, mailbox, uid, fd, (uint64_t)from->st_size);
	if (r == BODY_DONE)
		copy_note(id, from, user, mailbox, uid);
	return r;
}

enum body_result
body_link_queue(const char *user, uint32_t mailbox, uint32_t uid,
    const char *id, int fd, uint64_t size)
{
	enum body_result r;
	struct stat st, named;
	int queue = body_queue();

	if (queue == -1)
		return BODY_TROUBLE;
	if (fstat(fd, &st) == -1)
		return body_failed(errno);
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

static int
open_fresh(const char *name)
{
	return openat(body_fresh(), name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
}

/* Is that what was said of it, with nobody who may still write? */
static enum body_result
judge_fresh(int fd, uint64_t size, uint32_t crc, struct stat *st)
{
	uint32_t is;

	if (fstat(fd, st) == -1)
		return body_failed(errno);
	if ((uint64_t)st->st_size != size || fd_no_writer(fd) != 1 ||
	    crc_of(fd, size, &is) == -1 || is != crc)
		return BODY_FALSE;
	return BODY_DONE;
}

enum body_result
body_link_put(const char *user, uint32_t mailbox, uint32_t uid,
    const char *name, uint64_t size, uint32_t crc)
{
	int fd = open_fresh(name);
	enum body_result r;
	struct stat st;

	if (fd == -1)
		return BODY_FALSE;
	r = judge_fresh(fd, size, crc, &st);
	if (r == BODY_DONE)
		r = link_fresh(name, user, mailbox, uid, &st);
	fd_close(&fd);
	return r;
}

void
body_push(const char *name)
{
	int fd = open_fresh(name);

	if (fd != -1)
		(void)sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WRITE);
	fd_close(&fd);
}

enum body_result
body_check(const char *name, uint64_t size, uint32_t crc)
{
	int fd = open_fresh(name);
	enum body_result r;
	struct stat st;

	if (fd == -1)
		return BODY_FALSE;
	r = judge_fresh(fd, size, crc, &st);
	if (r == BODY_DONE && fd_sync(fd) == -1)
		r = body_failed(errno);
	fd_close(&fd);
	return r;
}

enum body_result
body_link_checked(const char *user, uint32_t mailbox, uint32_t uid,
    const char *name)
{
	struct stat st;

	if (fstatat(body_fresh(), name, &st, AT_SYMLINK_NOFOLLOW) == -1)
		return body_failed(errno);
	return link_fresh(name, user, mailbox, uid, &st);
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
		    fstatat(body_root(), b->path, &now,
		    AT_SYMLINK_NOFOLLOW) == -1 ||
		    now.st_ino != b->st.st_ino ||
		    now.st_size != full->st_size ||
		    now.st_mtim.tv_sec != b->st.st_mtim.tv_sec ||
		    now.st_mtim.tv_nsec != b->st.st_mtim.tv_nsec)
			continue;
		if (link_checked(body_root(), b->path, user, mailbox, uid,
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
	if (fstatat(body_root(), path, &b->st, AT_SYMLINK_NOFOLLOW) == -1)
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
	fd = openat(body_root(), from, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd == -1)
		return body_failed(errno);
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
	if (fstatat(body_root(), path, &st, AT_SYMLINK_NOFOLLOW) == -1)
		return body_failed(errno);
	r = link_checked(body_root(), path, user, to, to_uid, &st);
	if (!cannot_link(r))
		return r;
	return link_full(user, path, &st, to, to_uid);
}
