#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/fd.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/base/words.h"
#include "smtpd/smtpd_local.h"

enum {
	NAMES_MAX = 10000,
	OPEN_TRIES = 5,
	PEOPLE_MIN = 1000,	/* below are root and services (useradd(8)) */
};

struct local_name {
	uid_t	 uid;
	char	*name;
	int	 trusted;
};

static struct local_name *names;
static size_t n_names;
static uid_t own_uid;
static long pickup_uid;		/* -1: there is none */
static int passwd_fd = -1;	/* the file that they were read from */
static struct stat passwd_st;

/* True if the list (blanks or commas) names that user. */
static int
is_listed(const char *list, const char *name)
{
	static const char blanks[] = " \t,";
	size_t n;

	for (list += strspn(list, blanks); *list != '\0';
	    list += strspn(list, blanks)) {
		n = strcspn(list, blanks);
		if (n == strlen(name) && memcmp(list, name, n) == 0)
			return 1;
		list += n;
	}
	return 0;
}

/*
 * What may stand as a local part without quotes (RFC 5321, Dot-string), and in
 * a Received field.
 */
static int
is_name(const char *name)
{
	size_t len = strlen(name);

	return len > 0 && len <= 32 && name[0] != '.' &&
	    name[len - 1] != '.' && strstr(name, "..") == NULL &&
	    strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	    "0123456789_-.") == len;
}

/* The first word of the list that names no user, and its length. */
static const char *
unknown_name(const char *list, size_t *len_r)
{
	static const char blanks[] = " \t,";
	size_t i, n;

	for (list += strspn(list, blanks); *list != '\0';
	    list += n + strspn(list + n, blanks)) {
		n = strcspn(list, blanks);
		for (i = 0; i < n_names; i++)
			if (strlen(names[i].name) == n &&
			    memcmp(names[i].name, list, n) == 0)
				break;
		*len_r = n;
		if (i == n_names)
			return list;
	}
	return NULL;
}

int
smtpd_local_check(const char *trusted, struct buf *why)
{
	const char *p;
	size_t len;

	if (trusted[0] == '\0')
		return 0;
	if (smtpd_local_init("/etc/passwd", trusted) == -1 ||
	    (p = unknown_name(trusted, &len)) == NULL)
		return 0;
	buf_set(why, _("local_trusted: %.*s is no user of /etc/passwd"),
	    (int)len, p);
	return -1;
}

static void
read_names(FILE *f, const char *trusted)
{
	struct passwd *pw;

	while (n_names < NAMES_MAX && (pw = fgetpwent(f)) != NULL) {
		if (!is_name(pw->pw_name))
			continue;
		if (n_names % 64 == 0)
			names = mem_realloc(names, n_names + 64,
			    sizeof(*names));
		names[n_names].uid = pw->pw_uid;
		if (strcmp(pw->pw_name, LOCAL_PICKUP) == 0)
			pickup_uid = (long)pw->pw_uid;
		names[n_names].name = mem_strdup(pw->pw_name);
		names[n_names++].trusted = is_listed(trusted, pw->pw_name);
	}
}

/* The file that path names, and what it was then. NULL with errno. */
static FILE *
open_names(const char *path)
{
	struct stat st;
	FILE *f;
	int i;

	for (i = 0; (f = fopen(path, "re")) != NULL; i++) {
		if (fstat(fileno(f), &passwd_st) == 0 && stat(path, &st) == 0 &&
		    (st.st_ino == passwd_st.st_ino || i == OPEN_TRIES) &&
		    (passwd_fd = fcntl(fileno(f), F_DUPFD_CLOEXEC, 3)) != -1)
			break;
		fclose(f);
		if (i == OPEN_TRIES)
			return NULL;
	}
	return f;
}

/*
 * The descriptor stays: whoever edits users puts another file in its place, or
 * writes into it, and both show there.
 */
int
smtpd_local_init(const char *path, const char *trusted)
{
	FILE *f;

	own_uid = geteuid();
	pickup_uid = -1;
	fd_close(&passwd_fd);
	while (n_names > 0)
		free(names[--n_names].name);
	free(names);
	names = NULL;
	if ((f = open_names(path)) == NULL) {
		log_warn("%s: %s", path, strerror(errno));
		return -1;
	}
	read_names(f, trusted);
	fclose(f);
	return 0;
}

int
smtpd_local_current(void)
{
	struct stat st;

	return passwd_fd != -1 && fstat(passwd_fd, &st) == 0 &&
	    st.st_nlink == passwd_st.st_nlink &&
	    st.st_size == passwd_st.st_size &&
	    st.st_mtim.tv_sec == passwd_st.st_mtim.tv_sec &&
	    st.st_mtim.tv_nsec == passwd_st.st_mtim.tv_nsec &&
	    st.st_ctim.tv_sec == passwd_st.st_ctim.tv_sec &&
	    st.st_ctim.tv_nsec == passwd_st.st_ctim.tv_nsec;
}

int
smtpd_local_names(const char *name, size_t len, int people)
{
	size_t i;

	for (i = 0; i < n_names; i++)
		if (str_is(name, len, names[i].name))
			return !people || names[i].uid == 0 ||
			    names[i].uid >= PEOPLE_MIN;
	return 0;
}

/* pickup sends what root has left (doc/internals.md). */
static long
sender_uid(long uid)
{
	return pickup_uid != -1 && uid == pickup_uid ? 0 : uid;
}

static const struct local_name *
name_of(long uid)
{
	size_t i;

	for (i = 0; i < n_names; i++)
		if ((long)names[i].uid == uid)
			return &names[i];
	return NULL;
}

int
smtpd_local_trusts(long uid)
{
	const struct local_name *n = name_of(uid = sender_uid(uid));

	return uid == 0 || (own_uid != 0 && uid == (long)own_uid) ||
	    (n != NULL && n->trusted);
}

void
smtpd_local_trust(const char *trusted)
{
	size_t i;

	for (i = 0; i < n_names; i++)
		names[i].trusted = is_listed(trusted, names[i].name);
}

void
smtpd_local_login(struct smtp_session *s, long uid)
{
	const struct local_name *n = name_of(sender_uid(uid));

	s->trusted = smtpd_local_trusts(uid);
	s->nameless = !s->trusted && n == NULL;
	if (n != NULL)
		str_copy(s->login, sizeof(s->login), n->name);
	else
		snprintf(s->login, sizeof(s->login), "uid-%ld",
		    sender_uid(uid));
	str_copy(s->helo, sizeof(s->helo), "localhost");
}

enum lookup
smtpd_local_account(const struct smtp_session *s, struct buf *name_r,
    struct buf *list)
{
	char own[2 * ADDRESS_MAX];
	enum tables_kind k;

	snprintf(own, sizeof(own), "%s@%s", s->login, smtpd.hostname);
	k = tables_address(smtpd.tables, own, name_r, list);
	if (k != TABLES_USER)
		buf_reset(name_r);
	return k == TABLES_ERROR ? LOOKUP_ERROR : k == TABLES_USER ?
	    LOOKUP_FOUND : LOOKUP_ABSENT;
}

int
smtpd_local_owns(const struct smtp_session *s, const char *address)
{
	char own[2 * ADDRESS_MAX];

	snprintf(own, sizeof(own), "%s@%s", s->login, smtpd.hostname);
	return s->trusted || str_casecmp(own, address) == 0;
}
