#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/fd.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/mail/limits.h"
#include "queue/queue.h"
#include "queue/queue_body.h"
#include "queue/queue_spare.h"

enum {
	STOCK_MAX = BODY_LOW + BODY_BATCH,
	DROP_BATCH = 64,
	INODES_MIN = 1000,	/* free inodes to be left alone */
};
static const double RETRY_AFTER = 1.0;	/* seconds, where making failed */
static const double DROP_AFTER = 0.2;
static const double ROOM_EVERY = 1.0;

struct blank {
	uint64_t id;
	int	 fd;
};

struct make {
	struct task task;
	uint64_t first;
	gid_t	 gid;		/* (gid_t)-1: it is right already */
	int	 n, error;
	struct blank file[BODY_BATCH];
};

struct drop {
	struct task task;
	size_t	 n;
	uint64_t id[DROP_BATCH];
};

static int body_dir = -1, bad_dir = -1;
static gid_t body_gid = (gid_t)-1;
static uint64_t last, given;
static uint64_t first;		/* name of this run: older ones are swept */
static struct blank stock[STOCK_MAX];	/* a ring */
static size_t stock_first, n_stock;
static struct make making;
static int is_making, failing;
static struct drop *dropping;
static ev_timer retry, drop_timer;
static void (*told)(void);

/* Lane: a blank file of that name; -1 with errno. */
static int
make_one(const struct make *m, const char *name)
{
	int fd = spare_take(body_dir, name);

	if (fd != -1)
		return fd;
	fd = openat(body_dir, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW |
	    O_CLOEXEC, 0660);
	if (fd != -1 && m->gid != (gid_t)-1 &&
	    fchown(fd, (uid_t)-1, m->gid) == -1)
		fd_close(&fd);
	return fd;
}

/* Lane: makes a batch and the names durable. */
static void
make_run(struct task *t)
{
	struct make *m = (struct make *)t;
	char name[QUEUE_ID_LEN + 1];
	int i, fd;

	m->n = m->error = 0;
	for (i = 0; i < BODY_BATCH; i++) {
		queue_id_text(m->first + (uint64_t)i, name);
		fd = make_one(m, name);
		if (fd == -1 && errno == EEXIST)
			continue;
		if (fd == -1) {
			m->error = errno;
			break;
		}
		m->file[m->n++] = (struct blank){ .id = m->first +
		    (uint64_t)i, .fd = fd };
	}
	if (m->n > 0 && fd_sync_dir(body_dir) == -1) {
		m->error = errno;
		while (m->n > 0) {
			queue_id_text(m->file[--m->n].id, name);
			fd_close(&m->file[m->n].fd);
			unlinkat(body_dir, name, 0);
		}
	}
}

static void
make_done(struct task *t)
{
	struct make *m = (struct make *)t;
	int i;

	is_making = 0;
	for (i = 0; i < m->n; i++)
		stock[(stock_first + n_stock++) % STOCK_MAX] = m->file[i];
	if (m->n == 0) {
		if (!failing)
			log_warn("cannot make files: %s", strerror(m->error));
		ev_timer_set(&retry, RETRY_AFTER, 0);
		ev_timer_start(queue.loop, &retry);
	} else if (failing) {
		log_info("files can be made again");
	}
	failing = m->n > 0 ? 0 : m->error != 0 ? m->error : EEXIST;
	told();
}

static void
make_start(void)
{
	uint64_t now = (uint64_t)clock_now_us();

	if (is_making || queue.stopping || ev_is_active(&retry))
		return;
	is_making = 1;
	making.first = now > last ? now : last + 1;
	last = making.first + BODY_BATCH - 1;
	making.gid = body_gid;
	making.task.run = make_run;
	making.task.done = make_done;
	lane_put(queue.files, &making.task);
}

static void
on_retry(struct ev_loop *l, ev_timer *w, int events)
{
	ev_timer_stop(l, w);
	make_start();
}

int
body_take(uint64_t *id_r, int *fd_r)
{
	if (n_stock <= BODY_LOW)
		make_start();
	if (n_stock == 0)
		return -1;
	/* The oldest first: names rise with time. */
	*id_r = stock[stock_first].id;
	*fd_r = stock[stock_first].fd;
	stock_first = (stock_first + 1) % STOCK_MAX;
	n_stock--;
	if (*id_r > given)
		given = *id_r;
	return 0;
}

int
body_take_spare(uint64_t *id_r, int *fd_r)
{
	if (n_stock > BODY_RESERVE)
		return body_take(id_r, fd_r);
	make_start();
	return -1;
}

int
body_failing(void)
{
	return failing;
}

uint64_t
body_last(void)
{
	return given;
}

int
body_room(void)
{
	static ev_tstamp asked;
	static int room = 1;
	struct statvfs v;
	int had = room;

	if (asked != 0 && ev_now(queue.loop) - asked < ROOM_EVERY)
		return room;
	asked = ev_now(queue.loop);
	if (fstatvfs(body_dir, &v) == -1)
		return room;
	/* What is taken here must leave store the room to deliver it. */
	room = (uint64_t)v.f_bavail * v.f_frsize >= DISK_FLOOR +
	    queue.conf.message_size + queue.conf.message_size / 2 &&
	    (v.f_files == 0 || v.f_favail >= INODES_MIN);
	if (had && !room)
		log_warn("the disk is full: no mail is taken");
	if (!had && room)
		log_info("there is room on the disk again");
	return room;
}

int
body_open(uint64_t id)
{
	char name[QUEUE_ID_LEN + 1];

	queue_id_text(id, name);
	return openat(body_dir, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC |
	    O_NONBLOCK);
}

static void
drop_run(struct task *t)
{
	struct drop *d = (struct drop *)t;
	char name[QUEUE_ID_LEN + 1];
	size_t i;

	for (i = 0; i < d->n; i++) {
		queue_id_text(d->id[i], name);
		if (spare_keep(body_dir, name) == 0)
			continue;
		if (unlinkat(body_dir, name, 0) == 0 || (errno == ENOENT &&
		    unlinkat(bad_dir, name, 0) == 0))
			continue;
		if (errno != ENOENT)
			log_warn("%s: not removed: %s", name, strerror(errno));
	}
}

static void
drop_done(struct task *t)
{
	free(t);
}

/* At a stop the lanes have ended, and it is done here. */
static void
drop_send(void)
{
	ev_timer_stop(queue.loop, &drop_timer);
	if (dropping == NULL)
		return;
	if (queue.files != NULL) {
		lane_put(queue.files, &dropping->task);
	} else {
		drop_run(&dropping->task);
		drop_done(&dropping->task);
	}
	dropping = NULL;
}

static void
on_drop(struct ev_loop *l, ev_timer *w, int events)
{
	drop_send();
}

void
body_drop(uint64_t id)
{
	if (dropping == NULL) {
		dropping = mem_zalloc(1, sizeof(*dropping));
		dropping->task.run = drop_run;
		dropping->task.done = drop_done;
		ev_timer_set(&drop_timer, DROP_AFTER, 0);
		ev_timer_start(queue.loop, &drop_timer);
	}
	dropping->id[dropping->n++] = id;
	if (dropping->n == DROP_BATCH)
		drop_send();
}

/*
 * Renames between the two folders and makes both names durable. Where an
 * earlier try came as far as that, and its record was not written, it is done.
 */
static int
body_move(int from, int to, uint64_t id)
{
	char name[QUEUE_ID_LEN + 1];

	queue_id_text(id, name);
	if ((renameat(from, name, to, name) == -1 && (errno != ENOENT ||
	    faccessat(to, name, F_OK, 0) == -1)) || fd_sync_dir(to) == -1 ||
	    fd_sync_dir(from) == -1) {
		log_warn("%s: cannot be moved: %s", name, strerror(errno));
		return -1;
	}
	return 0;
}

int
body_folder(void)
{
	return body_dir;
}

uint64_t
body_first(void)
{
	return first;
}

int
body_set_aside(uint64_t id)
{
	return body_move(body_dir, bad_dir, id);
}

int
body_bring_back(uint64_t id)
{
	return body_move(bad_dir, body_dir, id);
}

static int
open_folder(int at, const char *name, mode_t mode, struct buf *why)
{
	int fd;

	if (mkdirat(at, name, mode) == -1 && errno != EEXIST) {
		buf_set(why, "spool/queue/%s: %s", name, strerror(errno));
		return -1;
	}
	fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd == -1)
		buf_set(why, "spool/queue/%s: %s", name, strerror(errno));
	return fd;
}

int
body_start(const char *path, uint64_t used, void (*on_stock)(void),
    struct buf *why)
{
	struct stat st;
	int spool;

	spool = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (spool == -1) {
		buf_set(why, "%s: %s", path, strerror(errno));
		return -1;
	}
	umask(0007);
	body_dir = open_folder(spool, "body", 0770, why);
	bad_dir = open_folder(spool, "bad", 0700, why);
	fd_close(&spool);
	if (body_dir == -1 || bad_dir == -1 || fstat(body_dir, &st) == -1)
		return -1;
	/* Files take the folder's group, with or without its setgid bit. */
	if (!(st.st_mode & S_ISGID) && st.st_gid != getegid())
		body_gid = st.st_gid;
	last = given = used;
	told = on_stock;
	ev_timer_init(&retry, on_retry, RETRY_AFTER, 0);
	ev_timer_init(&drop_timer, on_drop, DROP_AFTER, 0);
	make_start();
	first = making.first;
	return 0;
}

void
body_stop(void)
{
	char name[QUEUE_ID_LEN + 1];

	drop_send();
	for (; n_stock > 0; n_stock--) {
		queue_id_text(stock[stock_first].id, name);
		fd_close(&stock[stock_first].fd);
		unlinkat(body_dir, name, 0);
		stock_first = (stock_first + 1) % STOCK_MAX;
	}
	spare_clear(body_dir);
	fd_close(&body_dir);
	fd_close(&bad_dir);
}
