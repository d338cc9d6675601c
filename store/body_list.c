/*
 * What there is: enumerations of folders, in slices. The sweeper's removals go
 * by them.
 */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/fd.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "store/body.h"
#include "store/body_impl.h"

struct body_list {
	DIR	*dir;
	int	 what;			/* enum body_what */
	struct body_entry entry[BODY_SLICE];
	char	 name[BODY_SLICE][NAME_MAX + 1];
};

/* A folder that is a symbolic link is followed, as in every other call. */
static DIR *
open_list(const char *path)
{
	int fd = body_dir(path);
	DIR *d = fd == -1 ? NULL : fdopendir(fd);

	if (d == NULL)
		fd_close(&fd);
	return d;
}

static struct body_list *
list_open(const char *path, int what)
{
	DIR *d = open_list(path);
	struct body_list *l;

	if (d == NULL)
		return NULL;
	l = mem_alloc(sizeof(*l));
	l->dir = d;
	l->what = what;
	return l;
}

struct body_list *
body_list(const char *user, uint32_t mailbox, int what)
{
	char path[BODY_PATH_MAX];

	snprintf(path, sizeof(path), "%s/%u%s", user, mailbox,
	    what & BODY_EXPUNGED ? "/expunged" : "");
	return list_open(path, what);
}

struct body_list *
body_list_mailboxes(const char *user)
{
	return list_open(user, 0);
}

void
body_list_end(struct body_list **l)
{
	if (*l == NULL)
		return;
	closedir((*l)->dir);
	free(*l);
	*l = NULL;
}

/* A number as we write it, up to a dot where one may be. */
static int
number_of(const char *name, int dot, uint32_t *r)
{
	size_t len = dot ? strcspn(name, ".") : strlen(name);
	uint64_t v;

	if (name[0] == '0' ||
	    str_number(name, len, UINT32_MAX, &v) == -1)
		return -1;
	*r = (uint32_t)v;
	return 0;
}

static int64_t
changed_us(const struct stat *st)
{
	return st->st_ctime * INT64_C(1000000) + st->st_ctim.tv_nsec / 1000;
}

static void
look(struct body_list *l, const char *name, struct body_entry *e)
{
	struct stat st;

	if (fstatat(dirfd(l->dir), name, &st, AT_SYMLINK_NOFOLLOW) == -1)
		return;
	e->is_body = S_ISREG(st.st_mode);
	e->size = (uint64_t)st.st_size;
	e->mtime = st.st_mtime;
	e->since = st.st_ctime;
	e->since_us = changed_us(&st);
	e->links = (uint32_t)st.st_nlink;
	e->body = (uint64_t)st.st_ino;
}

/* 1 where the name is one that was asked for. */
static int
entry_of(struct body_list *l, const char *name, struct body_entry *e)
{
	int aside = l->what & BODY_EXPUNGED;

	memset(e, 0, sizeof(*e));
	if (name[0] == '.')
		return 0;
	if (number_of(name, aside, &e->number) == -1 && !aside)
		return 0;
	e->aside = e->number == 0 || strchr(name, '.') != NULL;
	if (l->what & BODY_LOOK)
		look(l, name, e);
	return 1;
}

int
body_list_next(struct body_list *l, const struct body_entry **e_r)
{
	struct dirent *d;
	size_t n = 0;

	*e_r = l->entry;
	while (n < BODY_SLICE && (errno = 0, d = readdir(l->dir)) != NULL)
		if (entry_of(l, d->d_name, &l->entry[n])) {
			str_copy(l->name[n], sizeof(l->name[n]), d->d_name);
			n++;
		}
	return n == 0 && errno != 0 ? -1 : (int)n;
}

int
body_list_drop(struct body_list *l, const struct body_entry *e)
{
	return unlinkat(dirfd(l->dir), l->name[e - l->entry], 0);
}

static int
present(const char *path)
{
	if (faccessat(body_root(), path, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return 1;
	return errno == ENOENT ? 0 : -1;
}

int
body_present(const char *user, uint32_t mailbox, uint32_t uid)
{
	char path[BODY_PATH_MAX];

	snprintf(path, sizeof(path), "%s/%u/%u", user, mailbox, uid);
	return present(path);
}

int
body_mailbox_present(const char *user, uint32_t mailbox)
{
	char path[BODY_PATH_MAX];

	snprintf(path, sizeof(path), "%s/%u", user, mailbox);
	return present(path);
}

int
body_user_present(const char *user)
{
	int fd = body_dir(user);

	if (fd == -1)
		return 0;
	fd_close(&fd);
	return 1;
}

int
body_mailbox_since(const char *user, uint32_t mailbox, int64_t *since_r)
{
	char path[BODY_PATH_MAX];
	struct stat st;

	snprintf(path, sizeof(path), "%s/%u", user, mailbox);
	if (fstatat(body_root(), path, &st, AT_SYMLINK_NOFOLLOW) == -1)
		return -1;
	*since_r = changed_us(&st);
	errno = ENOTDIR;
	return S_ISDIR(st.st_mode) ? 0 : -1;
}

int
body_mailbox_used(const char *user, uint32_t mailbox)
{
	char path[BODY_PATH_MAX];
	struct dirent *e;
	DIR *d;

	snprintf(path, sizeof(path), "%s/%u", user, mailbox);
	if ((d = open_list(path)) == NULL)
		return errno == ENOENT || errno == ENOTDIR ? 0 : -1;
	errno = 0;
	while ((e = readdir(d)) != NULL && e->d_name[0] == '.')
		;
	closedir(d);
	return e != NULL ? 1 : errno == 0 ? 0 : -1;
}

/* Removes the files of a folder below path, then the folder. 0, or -1. */
static int
remove_folder(const char *path)
{
	DIR *d = open_list(path);
	struct dirent *e;
	struct stat st;

	while (d != NULL && (e = readdir(d)) != NULL)
		if (fstatat(dirfd(d), e->d_name, &st,
		    AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode))
			unlinkat(dirfd(d), e->d_name, 0);
	if (d != NULL)
		closedir(d);
	return unlinkat(body_root(), path, AT_REMOVEDIR);
}

int
body_remove_mailbox(const char *user, uint32_t mailbox)
{
	char path[BODY_PATH_MAX];

	snprintf(path, sizeof(path), "%s/%u/expunged", user, mailbox);
	(void)remove_folder(path);
	snprintf(path, sizeof(path), "%s/%u", user, mailbox);
	return remove_folder(path);
}

/* All users: a folder of folders. */

struct body_users {
	DIR	*top, *dir;		/* of the domain */
	char	 domain[NAME_MAX + 1];
};

struct body_users *
body_users(void)
{
	DIR *d = open_list(".");
	struct body_users *u;

	if (d == NULL)
		return NULL;
	u = mem_zalloc(1, sizeof(*u));
	u->top = d;
	return u;
}

/* Goes on to the next domain that can be read. 1; 0 at the end. */
static int
next_domain(struct body_users *u)
{
	struct dirent *e;

	while (u->dir == NULL && (e = readdir(u->top)) != NULL) {
		if (e->d_name[0] == '.')
			continue;
		str_copy(u->domain, sizeof(u->domain), e->d_name);
		u->dir = open_list(u->domain);
		if (u->dir == NULL && errno != ENOTDIR)
			log_warn("mail/%s: %s", u->domain, strerror(errno));
	}
	return u->dir != NULL;
}

int
body_users_next(struct body_users *u, char *path, size_t size)
{
	struct dirent *e;

	while (next_domain(u)) {
		while ((e = readdir(u->dir)) != NULL && e->d_name[0] == '.')
			;
		if (e == NULL) {
			closedir(u->dir);
			u->dir = NULL;
		} else if ((size_t)snprintf(path, size, "%s/%s", u->domain,
		    e->d_name) < size) {
			return 1;
		} else {
			log_warn("mail/%s: no name of a user", path);
		}
	}
	return 0;
}

void
body_users_end(struct body_users **u)
{
	if ((*u)->dir != NULL)
		closedir((*u)->dir);
	closedir((*u)->top);
	free(*u);
	*u = NULL;
}
