#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/fd.h"
#include "lib/base/log.h"
#include "lib/base/str.h"
#include "master/master_drop_file.h"

enum {
	BAD_AGE = 30 * 24 * 3600,	/* s; what was set aside */
	CUT_AGE = 36 * 3600,	/* s; as queue keeps a file without a record */
	SHOWN = 60,		/* octets of a name that anybody chose */
};

int
drop_file_name(const char *name, uid_t *uid_r)
{
	const char *dot = strchr(name, '.');
	uint64_t n;
	size_t len;

	if (dot == NULL || strlen(name) >= DROP_NAME_MAX ||
	    str_number(name, (size_t)(dot - name), 0xfffffffe, &n) == -1)
		return 0;
	*uid_r = (uid_t)n;
	len = strlen(dot + 1);
	return len > 0 && strspn(dot + 1, "0123456789abcdef") == len;
}

/*
 * Kept under a name that is not looked at, beside where it was: so it counts as
 * its owner's still, for whoever counts what lies there. The plain one may be
 * taken, for the names of users' files are few; the other cannot be. 0, or -1:
 * it stays (said).
 */
static int
set_aside(int at, const char *name, const char *why)
{
	char to[sizeof(DROP_BAD) + 300];
	int r;

	snprintf(to, sizeof(to), "%s%.255s", DROP_BAD, name);
	r = renameat2(at, name, at, to, RENAME_NOREPLACE);
	if (r == -1 && (errno == EEXIST || errno == ENAMETOOLONG)) {
		snprintf(to, sizeof(to), "%s%.200s.%08x", DROP_BAD, name,
		    arc4random());
		r = renameat2(at, name, at, to, RENAME_NOREPLACE);
	}
	if (r == 0)
		log_warn(DROP_FOLDER "/%.*s %s: set aside", SHOWN, name, why);
	else if (errno != ENOENT)
		log_warn(DROP_FOLDER "/%.*s %s, and cannot be set aside: %s",
		    SHOWN, name, why, strerror(errno));
	return r;
}

void
drop_file_junk(int at, const char *name)
{
	if (unlinkat(at, name, 0) == 0 ||
	    (errno == EISDIR && unlinkat(at, name, AT_REMOVEDIR) == 0))
		log_warn(DROP_FOLDER "/%.*s is no message: removed", SHOWN,
		    name);
	else
		(void)set_aside(at, name, "is no message");
}

/* NULL; or why it is not to be sent. */
static const char *
fault(const struct stat *st, uid_t uid, uint64_t largest)
{
	if (st->st_uid != uid)
		return "is not its owner's by its name";
	if (st->st_nlink != 1)
		return "has another name";
	if (st->st_size < 0 || (uint64_t)st->st_size > largest)
		return "is larger than a message may be";
	return NULL;
}

/* Its owner can set any time but the one of the last change. */
void
drop_file_bad(int at, const char *name, int64_t now)
{
	struct stat st;

	if (fstatat(at, name, &st, AT_SYMLINK_NOFOLLOW) == -1 ||
	    now - st.st_ctime <= BAD_AGE)
		return;
	if (unlinkat(at, name, S_ISDIR(st.st_mode) ? AT_REMOVEDIR : 0) == 0)
		log_warn(DROP_FOLDER "/%.*s was set aside %d days ago: removed",
		    SHOWN, name, BAD_AGE / (24 * 3600));
}

/* Somebody who was told nothing of it began to write it, long ago. */
static void
sweep(int at, const char *name, const struct stat *st, int64_t now)
{
	if (now - st->st_mtime > CUT_AGE && unlinkat(at, name, 0) == 0)
		log_info(DROP_FOLDER "/%s was never finished: removed", name);
}

/*
 * The look comes before the open, which may do something to what is no file;
 * and what was opened is what was looked at, or is left for the next time.
 */
int
drop_file_open(int at, const char *name, uid_t uid, uint64_t largest,
    int64_t now, struct drop_file *f_r)
{
	struct stat st, opened;
	const char *why;
	int fd;

	if (fstatat(at, name, &st, AT_SYMLINK_NOFOLLOW) == -1)
		return -1;
	if (!S_ISREG(st.st_mode)) {
		drop_file_junk(at, name);
		return -1;
	}
	if ((why = fault(&st, uid, largest)) != NULL) {
		(void)set_aside(at, name, why);
		return -1;
	}
	if (st.st_size == 0) {
		sweep(at, name, &st, now);
		return -1;
	}
	fd = fd_open_file(at, name, O_NOFOLLOW);
	if (fd == -1 || fstat(fd, &opened) == -1 ||
	    opened.st_dev != st.st_dev || opened.st_ino != st.st_ino ||
	    fault(&opened, uid, largest) != NULL) {
		fd_close(&fd);
		return -1;
	}
	str_copy(f_r->name, sizeof(f_r->name), name);
	f_r->uid = uid;
	f_r->dev = st.st_dev;
	f_r->ino = st.st_ino;
	return fd;
}

int
drop_file_done(int at, const struct drop_file *f, enum drop_status status,
    int64_t now)
{
	struct stat st;

	/* Its owner may have put another one there. */
	if (fstatat(at, f->name, &st, AT_SYMLINK_NOFOLLOW) == -1 ||
	    st.st_dev != f->dev || st.st_ino != f->ino)
		return 1;
	switch (status) {
	case DROP_SENT:
		if (unlinkat(at, f->name, 0) == 0) {
			log_info(DROP_FOLDER "/%s was sent", f->name);
			return 1;
		}
		log_warn(DROP_FOLDER "/%s was sent, and cannot be removed: %s",
		    f->name, strerror(errno));
		break;
	case DROP_PARTIAL:
		sweep(at, f->name, &st, now);
		break;
	case DROP_BROKEN:
		return set_aside(at, f->name, "cannot be sent") == 0;
	case DROP_LATER:
		break;
	}
	return 0;
}
