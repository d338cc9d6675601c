#include "config.h"

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "ctl/ctl_compile.h"
#include "lib/base/clock.h"
#include "lib/base/fd.h"
#include "lib/mail/tables.h"

/*
 * In the order of a compile. Hashes first: a moment in which an account may
 * log in that gets no mail yet is better than one in which it gets mail and
 * cannot log in. And keys before it is said that they sign.
 */
const struct compile_file compile_files[TABLE_CDBS] = {
	[TABLE_AUTH] = { "auth", "passwd.cdb", 0640, 1, "rp-auth" },
	[TABLE_SIGN] = { "jail", "dkim.cdb", 0640, 1, "rp-signer" },
	[TABLE_COLLECT] = { "jail", "collect.cdb", 0640, 1, "rp-collect" },
	[TABLE_JAIL] = { "jail", "tables.cdb", 0644, 1, NULL },
};

void
compile_put(struct compile *c)
{
	errno = 0;
	if (c->failed == 0 && cdb_make_add(&c->cdb, buf_str(&c->key),
	    (unsigned)c->key.len, buf_str(&c->value),
	    (unsigned)c->value.len) != 0)
		c->failed = errno != 0 ? errno : EIO;
	buf_reset(&c->key);
	buf_reset(&c->value);
}

void
compile_key(struct compile *c, char kind, const char *name)
{
	buf_putc(&c->key, kind);
	buf_puts(&c->key, name);
}

void
compile_owner(struct compile *c, const char *address, const struct row *user)
{
	compile_key(c, 'o', address);
	buf_putc(&c->key, '\0');
	buf_puts(&c->key, user->key);
	compile_put(c);
}

void
compile_needs(struct compile *c, uint32_t format)
{
	if (format > c->format)
		c->format = format;
}

static int
finish(struct compile *c)
{
	errno = 0;
	if (cdb_make_finish(&c->cdb) != 0 && c->failed == 0)
		c->failed = errno != 0 ? errno : EIO;
	buf_wipe(&c->key);
	buf_wipe(&c->value);
	errno = c->failed;
	return c->failed == 0 ? 0 : -1;
}

int
set_compile_file(struct set *s, enum table_cdb id, int fd)
{
	struct compile c = { .failed = 0 };
	int i;

	if (cdb_make_start(&c.cdb, fd) != 0)
		return -1;
	c.format = compile_files[id].format;
	for (i = 0; i < TEXT_COUNT; i++) {
		if (s->t[i].table->cdb == id)
			s->t[i].table->compile(s, &c);
		if (id == TABLE_JAIL && s->t[i].table->publish != NULL)
			s->t[i].table->publish(s, &c);
	}
	compile_key(&c, 'f', "");
	buf_put_u32(&c.value, c.format);
	buf_put_u64(&c.value, (uint64_t)clock_now());
	compile_put(&c);
	return finish(&c);
}

/*
 * In a trial that root looks after the files stay the trial's: those of root
 * would lock its programs out.
 */
static int
give(int fd, int dirfd, gid_t gid)
{
	struct stat st;

	if (fstat(dirfd, &st) == -1)
		return -1;
	if (st.st_uid != 0)
		return fd_inherit(fd, dirfd, NULL);
	return gid == (gid_t)-1 ? 0 : fchown(fd, (uid_t)-1, gid);
}

int
set_compile_stage(struct set *s, enum table_cdb id, int dirfd, gid_t gid)
{
	char tmp[64];
	int fd, e;

	snprintf(tmp, sizeof(tmp), "%s.new", compile_files[id].name);
	if (unlinkat(dirfd, tmp, 0) == -1 && errno != ENOENT)
		return -1;
	fd = openat(dirfd, tmp, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd == -1)
		return -1;
	if (set_compile_file(s, id, fd) == 0 && give(fd, dirfd, gid) == 0 &&
	    fchmod(fd, compile_files[id].mode) == 0 && fd_sync(fd) == 0)
		return fd_close(&fd);
	e = errno;
	fd_close(&fd);
	unlinkat(dirfd, tmp, 0);
	errno = e;
	return -1;
}
