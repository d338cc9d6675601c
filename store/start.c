#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/fd.h"
#include "lib/base/log.h"
#include "store/body.h"
#include "store/shard.h"
#include "store/start.h"

/* A delivery under way holds a descriptor. */
static void
raise_files(void)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r) == -1)
		return;
	r.rlim_cur = r.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &r) == -1)
		log_warn("the limit of descriptors stays");
}

static int
is_marked(const char *mail)
{
	char path[1100];

	snprintf(path, sizeof(path), "%s/.epoch", mail);
	return access(path, F_OK) == 0 || errno != ENOENT;
}

/*
 * The mark of every start (.epoch) lies in the mail folder before there is an
 * index. One without the other: the mail is elsewhere, and accounts must not
 * be made anew in its place.
 */
static int
mail_is_there(const char *mail, const char *index, struct buf *why)
{
	if (is_marked(mail) || !engine_is_there(index))
		return 1;
	buf_set(why, "%s/.epoch is missing, but %s is there: is the file "
	    "system of the mail not mounted? Mount it; if the mail is really "
	    "gone, or was brought back without that file, remove %s", mail,
	    index, index);
	return 0;
}

/* The mail folder's own name is durable before there is an index, too. */
static int
mark_first(const char *spool, const char *mail, struct buf *why)
{
	int fd, r;

	if (is_marked(mail))
		return 0;
	fd = open(spool, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	r = fd == -1 ? -1 : fd_sync_dir(fd);
	if (r == -1)
		buf_set(why, "%s: %s", spool, strerror(errno));
	else
		(void)store_epoch(0);
	fd_close(&fd);
	return r;
}

int
start_open(struct buf *why)
{
	const char *s = store.conf.state_dir;
	char spool[1000], mail[1000], queue[1000], index[1000];
	uint64_t owner;
	int fresh;

	raise_files();
	snprintf(spool, sizeof(spool), "%s/spool", s);
	mkdir(spool, 0755);	/* made by set-up; in a trial, perhaps by us */
	snprintf(mail, sizeof(mail), "%s/spool/mail", s);
	snprintf(queue, sizeof(queue), "%s/spool/queue/body", s);
	snprintf(index, sizeof(index), "%s/spool/index", s);
	snprintf(store.full_path, sizeof(store.full_path),
	    "%s/jail/state/full.cdb", s);
	if (!mail_is_there(mail, index, why) ||
	    body_start(mail, queue, why) == -1 ||
	    mark_first(spool, mail, why) == -1)
		return -1;
	store.engine = engine_open(index, store.conf.cache / 2, &fresh,
	    &store.clean, why);
	if (store.engine == NULL)
		return -1;
	if (engine_owner(store.engine, &owner) == ENGINE_DONE)
		store.epoch = store_epoch(owner);
	if (engine_own(store.engine, store.epoch) != ENGINE_DONE) {
		buf_set(why, "%s: another store owns the index", index);
		engine_close(&store.engine);
		return -1;
	}
	if (fresh)
		log_info("the index is new: each account's is made from its "
		    "files at its first use");
	return 0;
}
