#include "config.h"

#include <sys/stat.h>

#include <cdb.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "ctl/ctl_set.h"
#include "lib/base/clock.h"
#include "lib/base/fd.h"
#include "lib/mail/limits.h"
#include "lib/mail/tables.h"

enum { FORMAT = 1 };

struct out {
	struct cdb_make cdb;
	struct buf key, value;
	struct set *set;
	const char *address;	/* whose owners are written */
	int	 failed;	/* errno of the first failure */
};

static void
out_put(struct out *o)
{
	errno = 0;
	if (o->failed == 0 && cdb_make_add(&o->cdb, buf_str(&o->key),
	    (unsigned)o->key.len, buf_str(&o->value),
	    (unsigned)o->value.len) != 0)
		o->failed = errno != 0 ? errno : EIO;
	buf_reset(&o->key);
	buf_reset(&o->value);
}

static void
out_key(struct out *o, char kind, const char *name)
{
	buf_putc(&o->key, kind);
	buf_puts(&o->key, name);
}

static void
put_domains(struct out *o)
{
	const char *home = set_host_domain(o->set);
	const struct row *r;
	size_t i = 0;

	if (home != NULL) {	/* ctl_set.h tells why */
		out_key(o, 'd', o->set->host);
		buf_printf(&o->value, "a%s", home);
		out_put(o);
	}
	while ((r = text_next(&o->set->t[TEXT_DOMAINS], &i)) != NULL) {
		out_key(o, 'd', r->key);
		buf_putc(&o->value, r->value == NULL ? 'l' : 'a');
		if (r->value != NULL)
			buf_puts(&o->value, r->value);
		out_put(o);
	}
}

static void
put_owner(struct row *user, void *arg)
{
	struct out *o = arg;

	out_key(o, 'o', o->address);
	buf_putc(&o->key, '\0');
	buf_puts(&o->key, user->key);
	out_put(o);
}

static void
put_users(struct out *o)
{
	struct row *r;
	size_t i = 0;

	while ((r = text_next(&o->set->t[TEXT_USERS], &i)) != NULL) {
		out_key(o, 'u', r->key);
		buf_put_u64(&o->value, r->quota_size);
		buf_put_u64(&o->value, r->quota_count);
		buf_put_u32(&o->value, r->flags);
		out_put(o);
		o->address = r->key;
		put_owner(r, o);
	}
}

static void
put_alias(struct out *o, const char *name, struct row *r)
{
	size_t i;

	out_key(o, 'a', name);
	for (i = 0; i < r->n_targets; i++)
		buf_put_lv(&o->value, r->targets[i], strlen(r->targets[i]));
	out_put(o);
	o->address = name;
	(void)set_walk(o->set, r, put_owner, o);
}

static void
put_aliases(struct out *o)
{
	struct row *r;
	size_t i = 0;

	while ((r = text_next(&o->set->t[TEXT_ALIASES], &i)) != NULL) {
		if (strchr(r->key, '@') != NULL)
			put_alias(o, r->key, r);
	}
}

/*
 * RFC 5321 4.5.1 and RFC 2142: postmaster and abuse reach somebody at every
 * domain. What the operator wrote for one domain wins; then the line without
 * a domain; then, for abuse, postmaster; then the first account.
 */
static void
put_roles(struct out *o)
{
	static const char *const roles[] = { "postmaster", "abuse" };
	struct row fallback = { .n_targets = 1 }, *r, *any, *dummy;
	char name[ADDRESS_MAX + 1];
	size_t i, k, u = 0;

	any = text_find(&o->set->t[TEXT_ALIASES], roles[0]);
	r = text_next(&o->set->t[TEXT_USERS], &u);
	if (any == NULL && r != NULL) {
		fallback.targets = &r->key;
		any = &fallback;
	}
	for (k = 0; k < 2; k++) {
		r = text_find(&o->set->t[TEXT_ALIASES], roles[k]);
		if (r == NULL)
			r = any;
		if (r == NULL)
			return;
		put_alias(o, roles[k], r);
		for (i = 0; (dummy = text_next(&o->set->t[TEXT_DOMAINS],
		    &i)) != NULL;) {
			snprintf(name, sizeof(name), "%s@%s", roles[k],
			    dummy->key);
			if (dummy->value == NULL &&
			    text_find(&o->set->t[TEXT_USERS], name) == NULL &&
			    text_find(&o->set->t[TEXT_ALIASES], name) == NULL)
				put_alias(o, name, r);
		}
	}
}

static int
out_finish(struct out *o)
{
	errno = 0;
	if (cdb_make_finish(&o->cdb) != 0 && o->failed == 0)
		o->failed = errno != 0 ? errno : EIO;
	buf_wipe(&o->key);
	buf_wipe(&o->value);
	errno = o->failed;
	return o->failed == 0 ? 0 : -1;
}

int
set_compile_tables(struct set *s, int fd)
{
	struct out o = { .set = s };

	if (cdb_make_start(&o.cdb, fd) != 0)
		return -1;
	buf_putc(&o.key, 'f');
	buf_put_u32(&o.value, FORMAT);
	buf_put_u64(&o.value, (uint64_t)clock_now());
	out_put(&o);
	put_domains(&o);
	put_users(&o);
	put_aliases(&o);
	put_roles(&o);
	return out_finish(&o);
}

static int
set_compile_passwd(struct set *s, int fd)
{
	struct out o = { .set = s };
	const struct row *r, *user;
	size_t i = 0;

	if (cdb_make_start(&o.cdb, fd) != 0)
		return -1;
	while ((r = text_next(&s->t[TEXT_PASSWD], &i)) != NULL) {
		user = text_find(&s->t[TEXT_USERS], r->key);
		if (user == NULL || (user->flags & TABLES_DISABLED))
			continue;
		buf_puts(&o.key, r->key);
		buf_puts(&o.value, r->value);
		out_put(&o);
	}
	return out_finish(&o);
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

/* write, fsync the file, rename, fsync the directory: all or nothing. */
static int
replace(struct set *s, int dirfd, const char *name, mode_t mode, gid_t gid,
    int (*compile)(struct set *, int))
{
	char tmp[64];
	int fd, e;

	snprintf(tmp, sizeof(tmp), "%s.new", name);
	if (unlinkat(dirfd, tmp, 0) == -1 && errno != ENOENT)
		return -1;
	fd = openat(dirfd, tmp, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd == -1)
		return -1;
	if (compile(s, fd) == -1 || give(fd, dirfd, gid) == -1 ||
	    fchmod(fd, mode) == -1 || fd_sync(fd) == -1)
		goto fail;
	if (fd_close(&fd) == -1 || renameat(dirfd, tmp, dirfd, name) == -1)
		goto fail;
	return fd_sync_dir(dirfd);
fail:
	e = errno;
	fd_close(&fd);
	unlinkat(dirfd, tmp, 0);
	errno = e;
	return -1;
}

static int
replace_in(struct set *s, const char *state_dir, const char *sub,
    const char *name, mode_t mode, gid_t gid,
    int (*compile)(struct set *, int), struct buf *why)
{
	struct buf path = BUF_INIT(0);
	int dirfd, r = -1;

	buf_printf(&path, "%s/%s", state_dir, sub);
	dirfd = open(buf_str(&path), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dirfd != -1)
		r = replace(s, dirfd, name, mode, gid, compile);
	if (r == -1)
		buf_set(why, "%s/%s: %s", buf_str(&path), name,
		    strerror(errno));
	fd_close(&dirfd);
	buf_clear(&path);
	return r;
}

/*
 * Hashes first: a moment in which an account may log in that gets no mail yet
 * is better than one in which it gets mail and cannot log in.
 */
int
set_compile(struct set *s, const char *state_dir, gid_t gid, struct buf *why)
{
	if (replace_in(s, state_dir, "auth", "passwd.cdb", 0640, gid,
	    set_compile_passwd, why) == -1)
		return -1;
	return replace_in(s, state_dir, "jail", "tables.cdb", 0644,
	    (gid_t)-1, set_compile_tables, why);
}
