#include "config.h"

#include <sys/file.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "ctl/ctl_commit.h"
#include "ctl/ctl_pam.h"
#include "ctl/ctl_set.h"
#include "lib/base/fd.h"
#include "lib/base/str.h"
#include "lib/base/words.h"
#include "lib/mail/limits.h"

enum { LOCK_TRIES = 100, LOCK_WAIT_MS = 100 };

void
set_init(struct set *s, const struct table *const *tables, const char *dir)
{
	int i;

	s->dir = dir;
	s->dirfd = -1;
	s->lock = -1;
	s->host[0] = s->ends[0] = '\0';
	s->pam = NULL;
	memset(&s->system, 0, sizeof(s->system));
	for (i = 0; i < TEXT_COUNT; i++)
		text_init(&s->t[i], tables[i]);
}

/* A lock of its own file, because the tables are replaced by rename. */
static int
lock(struct set *s, struct buf *why)
{
	const struct timespec wait = { .tv_nsec = LOCK_WAIT_MS * 1000000L };
	int i;

	s->lock = openat(s->dirfd, ".lock", O_RDWR | O_CREAT | O_EXCL |
	    O_CLOEXEC, 0600);
	if (s->lock != -1 && fd_inherit(s->lock, s->dirfd, NULL) == -1)
		fd_close(&s->lock);
	else if (s->lock == -1 && errno == EEXIST)
		s->lock = openat(s->dirfd, ".lock", O_RDWR | O_CLOEXEC |
		    O_NOFOLLOW);
	if (s->lock == -1) {
		buf_set(why, "%s/.lock: %s", s->dir, strerror(errno));
		return -1;
	}
	for (i = 0; flock(s->lock, LOCK_EX | LOCK_NB) == -1; i++) {
		if (i == LOCK_TRIES || errno != EWOULDBLOCK) {
			buf_set(why, _("%s/.lock: another rohrpost command is "
			    "changing the tables"), s->dir);
			return -1;
		}
		nanosleep(&wait, NULL);
	}
	return 0;
}

int
set_open(struct set *s, const struct table *const *tables, const char *dir,
    int edit, struct buf *why)
{
	int i, pending, r = 0;

	set_init(s, tables, dir);
	s->dirfd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (s->dirfd == -1) {
		buf_set(why, "%s: %s", dir, strerror(errno));
		return -1;
	}
	/* What another command was killed in is undone before it is read. */
	pending = commit_pending(s->dirfd);
	if ((edit || pending) && (lock(s, why) == -1 ||
	    commit_recover(tables, s->dirfd, dir, why) == -1)) {
		set_close(s);
		return -1;
	}
	if (!edit)
		fd_close(&s->lock);
	buf_reset(why);
	for (i = 0; i < TEXT_COUNT; i++) {
		if (text_load(&s->t[i], s->dirfd, dir, why) == -1)
			r = -1;
	}
	if (r == -1)
		set_close(s);
	return r;
}

void
set_close(struct set *s)
{
	int i;

	pam_clear(s);
	for (i = 0; i < TEXT_COUNT; i++)
		text_clear(&s->t[i]);
	fd_close(&s->lock);
	fd_close(&s->dirfd);
}

void
set_ends(struct set *s, const char *account)
{
	snprintf(s->ends, sizeof(s->ends), "%s", account);
}

void
set_host(struct set *s, const char *name)
{
	s->host[0] = '\0';
	if (!str_is_host(name, strlen(name)))
		return;
	str_copy(s->host, sizeof(s->host), name);
	str_tolower(s->host, strlen(s->host));
}

const char *
set_host_domain(const struct set *s)
{
	const struct text *t = &s->t[TEXT_DOMAINS];
	const char *d = s->host;
	const struct row *r;
	size_t i = 0;

	if (*d == '\0' || text_find(t, d) != NULL)
		return NULL;
	while ((d = strchr(d, '.')) != NULL) {
		r = text_find(t, ++d);
		if (r != NULL)
			return r->value == NULL ? r->key : r->value;
	}
	while ((r = text_next(t, &i)) != NULL) {
		if (r->value == NULL)
			return r->key;
	}
	return NULL;
}

static enum set_place
look(const struct set *s, const char *key, struct row **row_r)
{
	*row_r = text_find(&s->t[TEXT_USERS], key);
	if (*row_r != NULL)
		return SET_ACCOUNT;
	*row_r = text_find(&s->t[TEXT_ALIASES], key);
	return *row_r != NULL ? SET_ALIAS : SET_NOBODY;
}

/* postmaster and abuse without a domain stand for those of every domain. */
static enum set_place
look_role(const struct set *s, const char *local, struct row **row_r)
{
	if (strcmp(local, "postmaster") != 0 && strcmp(local, "abuse") != 0)
		return SET_NOBODY;
	*row_r = text_find(&s->t[TEXT_ALIASES], local);
	return *row_r != NULL ? SET_ALIAS : SET_NOBODY;
}

/* The wildcard with the longest prefix that takes the address. */
static struct row *
look_wildcard(const struct set *s, const char *address)
{
	char key[ADDRESS_MAX + DOMAIN_MAX + 3];
	const char *at = strrchr(address, '@');
	struct row *r = NULL;
	size_t n;

	for (n = (size_t)(at - address); r == NULL && n > 0; n--) {
		snprintf(key, sizeof(key), "%.*s*%s", (int)n, address, at);
		r = text_find(&s->t[TEXT_ALIASES], key);
	}
	return r;
}

/* With its tag or without; *at_r is the "@" of the shorter one then. */
static enum set_place
look_named(const struct set *s, char *key, char **at_r, struct row **row_r)
{
	enum set_place r = look(s, key, row_r);
	char *at = *at_r, *plus;

	plus = at > key ? memchr(key + 1, '+', (size_t)(at - key - 1)) : NULL;
	if (r == SET_NOBODY && plus != NULL) {
		memmove(plus, at, strlen(at) + 1);
		*at_r = plus;
		r = look(s, key, row_r);
	}
	return r;
}

int
set_excepted(const struct row *domain, const char *local, size_t len)
{
	size_t i;

	for (i = 0; i < domain->n_targets; i++)
		if (strlen(domain->targets[i]) == len &&
		    memcmp(domain->targets[i], local, len) == 0)
			return 1;
	return 0;
}

/* What the alias domain itself says of the address; SET_REMOTE: nothing. */
static enum set_place
look_own(const struct set *s, const struct row *domain, const char *address,
    struct row **row_r)
{
	char key[ADDRESS_MAX + DOMAIN_MAX + 2], *at;
	enum set_place r;

	strcpy(key, address);
	at = strrchr(key, '@');
	if (set_excepted(domain, key, (size_t)(at - key)))
		return SET_NOBODY;
	r = look_named(s, key, &at, row_r);
	if (r != SET_NOBODY)
		return r;
	return set_excepted(domain, key, (size_t)(at - key)) ? SET_NOBODY :
	    SET_REMOTE;
}

enum set_place
set_find(const struct set *s, const char *address, struct row **row_r)
{
	char key[ADDRESS_MAX + DOMAIN_MAX + 2], *at;
	const struct row *domain;
	struct row *wildcard;
	const char *target;
	enum set_place r;

	*row_r = NULL;
	if (strlen(address) > ADDRESS_MAX)
		return SET_REMOTE;
	strcpy(key, address);
	str_tolower(key, strlen(key));
	at = strrchr(key, '@');
	if (at == NULL)
		return SET_REMOTE;
	domain = text_find(&s->t[TEXT_DOMAINS], at + 1);
	if (domain != NULL)
		target = domain->value;
	else if (strcmp(at + 1, s->host) != 0 ||
	    (target = set_host_domain(s)) == NULL)
		return SET_REMOTE;
	if (target != NULL && domain != NULL &&
	    (r = look_own(s, domain, key, row_r)) != SET_REMOTE)
		return r;
	if (target != NULL)
		strcpy(at + 1, target);
	wildcard = look_wildcard(s, key);
	r = look_named(s, key, &at, row_r);
	if (r != SET_NOBODY)
		return r;
	*at = '\0';
	r = look_role(s, key, row_r);
	*at = '@';
	if (r == SET_NOBODY && wildcard != NULL) {
		*row_r = wildcard;
		return SET_ALIAS;
	}
	return r != SET_NOBODY ? r : look(s, at, row_r);
}
