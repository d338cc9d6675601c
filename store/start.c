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
#include "lib/base/str.h"
#include "store/age.h"
#include "store/body.h"
#include "store/epoch.h"
#include "store/generation.h"
#include "store/index.h"
#include "store/index_cache.h"
#include "store/shard.h"
#include "store/start.h"
#include "store/text.h"

enum { MAIL_VERSION = 2 };	/* of mailboxes, flags and where they lie */

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

/*
 * The version of all that lies in the mail folder: mail/.format, missing in
 * version 1. As start_open.
 */
static int
format_ok(const char *mail, struct buf *why)
{
	struct buf text = BUF_INIT(64);
	uint64_t version = 1;
	char path[1100];
	int fd, r = 0;

	snprintf(path, sizeof(path), "%s/.format", mail);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd == -1 && errno == ENOENT)
		return 0;
	if (fd == -1 || fd_slurp(fd, &text) == -1 ||
	    str_number(buf_str(&text), strcspn(buf_str(&text), "\n"),
	    UINT32_MAX, &version) == -1) {
		buf_set(why, "%s: the version of the mail cannot be read",
		    path);
		r = -1;
	} else if (version > MAIL_VERSION) {
		buf_set(why, "%s: the mail is of version %u; this store "
		    "knows those up to %d", path, (unsigned)version,
		    MAIL_VERSION);
		r = -2;
	}
	fd_close(&fd);
	buf_clear(&text);
	return r;
}

/* From now on mail and index are of these versions, durably. */
static int
put_versions(struct buf *why)
{
	struct buf text = BUF_INIT(16), now = BUF_INIT(0);
	int r = text_read("", 0, ".format", &text);

	buf_printf(&now, "%d\n", MAIL_VERSION);
	if (r == -1 || strcmp(buf_str(&text), buf_str(&now)) != 0)
		r = text_replace("", 0, ".format", now.data, now.len);
	if (r == -1)
		buf_set(why, "mail/.format: %s", strerror(errno));
	else if (index_version_put(store.engine, store.epoch) != ENGINE_DONE) {
		buf_set(why, "the index cannot be written");
		r = -1;
	}
	buf_clear(&text);
	buf_clear(&now);
	return r;
}

/* 0, or -1 with why. */
static int
open_index(const char *index, int *fresh_r, struct buf *why)
{
	store.engine = engine_open(index, store.conf.cache / 2, fresh_r,
	    &store.clean, why);
	return store.engine == NULL ? -1 : 0;
}

/*
 * An index that is older than the mail would take the newest mail for none,
 * and what has gone for mail: it is set aside. As start_open.
 */
static int
renew_index(const char *index, int *fresh_r, struct buf *why)
{
	int r;

	if ((r = index_version_ok(store.engine, why)) != 0)
		return r;
	if ((r = generation_is_old()) == -1)
		buf_set(why, "the index does not answer");
	if (r != 1)
		return r;
	log_warn("%s is older than the mail beside it, as a copy that was "
	    "brought back: it is set aside", index);
	engine_close(&store.engine);
	if (engine_set_aside(index, why) == -1)
		return -1;
	return open_index(index, fresh_r, why);
}

/* The index becomes ours. As start_open. */
static int
own_index(const char *index, struct buf *why)
{
	uint64_t owner;

	if (engine_owner(store.engine, &owner) == ENGINE_DONE)
		store.epoch = store_epoch(owner);
	if (engine_own(store.engine, store.epoch) != ENGINE_DONE) {
		buf_set(why, "%s: another store owns the index", index);
		return -1;
	}
	return put_versions(why);
}

/* As start_open. */
static int
disk_ok(const char *mail, struct buf *why)
{
	const char *network;
	int fd;

	if (mkdir(mail, 0700) == -1 && errno != EEXIST)
		return 0;	/* who opens it says so */
	fd = open(mail, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	network = fd == -1 ? NULL : fd_network(fd);
	fd_close(&fd);
	if (network == NULL)
		return 0;
	buf_set(why, "%s lies on %s, which keeps no promise of a link or a "
	    "sync: give it a local disk", mail, network);
	return -2;
}

int
start_open(struct buf *why)
{
	const char *s = store.conf.state_dir;
	char spool[1000], mail[1000], queue[1000], index[1000];
	int r;

	raise_files();
	snprintf(spool, sizeof(spool), "%s/spool", s);
	mkdir(spool, 0755);	/* made by set-up; in a trial, perhaps by us */
	snprintf(mail, sizeof(mail), "%s/spool/mail", s);
	snprintf(queue, sizeof(queue), "%s/spool/queue/body", s);
	snprintf(index, sizeof(index), "%s/spool/index", s);
	snprintf(store.full_path, sizeof(store.full_path),
	    "%s/jail/state/full.cdb", s);
	if ((r = disk_ok(mail, why)) != 0 || (r = format_ok(mail, why)) != 0)
		return r;
	if (!mail_is_there(mail, index, why) ||
	    body_start(mail, queue, why) == -1 ||
	    mark_first(spool, mail, why) == -1)
		return -1;
	if (open_index(index, &store.fresh, why) == -1)
		return -1;
	if ((r = renew_index(index, &store.fresh, why)) != 0 ||
	    (r = own_index(index, why)) != 0) {
		engine_close(&store.engine);
		return r;
	}
	generation_next();
	index_cache_open(index, store.epoch);
	age_start();
	if (store.fresh)
		log_info("the index is new: each account's is made from its "
		    "files at its first use");
	return 0;
}
