/*
 * Once an hour: expunged messages and the folders of deleted mailboxes go when
 * they are older than expunged_keep. What tells their age is the inode's
 * ctime, which link, rename and our own touch set and nobody can set back.
 */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/fd.h"
#include "lib/base/log.h"
#include "lib/base/str.h"
#include "store/body.h"
#include "store/file_mailboxes.h"
#include "store/shard.h"
#include "store/ctl_walk.h"

enum { EVERY = 3600 };		/* seconds */

static ev_timer timer;
static struct chore chore;
static int sweeping;

static int
expired(const struct stat *st)
{
	return st->st_ctime + (int64_t)store.conf.expunged_keep < clock_now();
}

/* Removes the files of a folder; with all, whatever their age. */
static unsigned
sweep_files(int at, const char *name, int all)
{
	DIR *d = fd_opendir(at, name);
	struct dirent *e;
	struct stat st;
	unsigned n = 0;

	while (d != NULL && (e = readdir(d)) != NULL) {
		if (fstatat(dirfd(d), e->d_name, &st,
		    AT_SYMLINK_NOFOLLOW) == -1 || !S_ISREG(st.st_mode) ||
		    !(all || expired(&st)))
			continue;
		n += unlinkat(dirfd(d), e->d_name, 0) == 0;
	}
	if (d != NULL)
		closedir(d);
	return n;
}

static void
remove_mailbox(int user, const char *id)
{
	char path[300];

	snprintf(path, sizeof(path), "%s/expunged", id);
	sweep_files(user, path, 1);
	unlinkat(user, path, AT_REMOVEDIR);
	sweep_files(user, id, 1);
	if (unlinkat(user, id, AT_REMOVEDIR) == -1)
		log_warn("mailbox folder %s: %s", id, strerror(errno));
}

static int
is_listed(const struct boxes *b, uint64_t id)
{
	size_t i;

	for (i = 0; i < b->n; i++)
		if (b->box[i].id == id)
			return 1;
	return id >= b->next_id;
}

static void
sweep_mailbox(int user, const char *name, const struct boxes *b,
    const char *who)
{
	char path[300];
	struct stat st;
	uint64_t id;
	unsigned n;

	if (str_number(name, strlen(name), UINT32_MAX, &id) == -1 ||
	    strlen(name) > 12)
		return;
	if (is_listed(b, id)) {
		snprintf(path, sizeof(path), "%s/expunged", name);
		if ((n = sweep_files(user, path, 0)) > 0)
			log_info("%s: %u expunged messages of mailbox %s are "
			    "removed", who, n, name);
	} else if (fstatat(user, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    S_ISDIR(st.st_mode) && expired(&st)) {
		log_info("%s: the folder of deleted mailbox %s is removed",
		    who, name);
		remove_mailbox(user, name);
	}
}

static int
sweep_user(void *arg, const char *name, const char *path)
{
	struct buf text = BUF_INIT(16 << 20), why = BUF_INIT(200);
	int fd, dir = body_user_dir(path);
	struct dirent *e;
	struct boxes b;
	DIR *d;

	fd = dir == -1 ? -1 : openat(dir, "mailboxes",
	    O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	memset(&b, 0, sizeof(b));
	if (fd != -1 && fd_slurp(fd, &text) == 0 &&
	    boxes_parse(&b, buf_str(&text), text.len, &why) == 0 &&
	    (d = fd_opendir(dir, ".")) != NULL) {
		while ((e = readdir(d)) != NULL)
			sweep_mailbox(dir, e->d_name, &b, name);
		closedir(d);
	}
	boxes_clear(&b);
	buf_clear(&text);
	buf_clear(&why);
	fd_close(&fd);
	fd_close(&dir);
	return 0;
}

static void
sweep_run(struct chore *c)
{
	struct buf why = BUF_INIT(200);

	if (walk_users(NULL, sweep_user, NULL, &why) == -1)
		log_warn("sweep: %s", buf_str(&why));
	buf_clear(&why);
	__atomic_store_n(&sweeping, 0, __ATOMIC_RELEASE);
}

static void
sweep_cb(struct ev_loop *loop, ev_timer *w, int revents)
{
	if (__atomic_exchange_n(&sweeping, 1, __ATOMIC_ACQUIRE))
		return;
	chore.run = sweep_run;
	helper_post(HELPER_BACKGROUND, &chore);
}

void
sweep_start(struct ev_loop *loop)
{
	ev_timer_init(&timer, sweep_cb, 60.0, EVERY);
	ev_timer_start(loop, &timer);
}
