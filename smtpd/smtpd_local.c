#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "smtpd/smtpd_local.h"

enum { NAMES_MAX = 10000 };

struct local_name {
	uid_t	 uid;
	char	*name;
	int	 trusted;
};

static struct local_name *names;
static size_t n_names;
static uid_t own_uid;

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
	if (smtpd_local_init(trusted) == -1 ||
	    (p = unknown_name(trusted, &len)) == NULL)
		return 0;
	buf_set(why, "local_trusted: %.*s is no user of /etc/passwd", (int)len,
	    p);
	return -1;
}

int
smtpd_local_init(const char *trusted)
{
	struct passwd *pw;
	FILE *f;

	own_uid = geteuid();
	if ((f = fopen("/etc/passwd", "re")) == NULL) {
		log_warn("/etc/passwd: %s", strerror(errno));
		return -1;
	}
	while (n_names < NAMES_MAX && (pw = fgetpwent(f)) != NULL) {
		if (!is_name(pw->pw_name))
			continue;
		if (n_names % 64 == 0)
			names = mem_realloc(names, n_names + 64,
			    sizeof(*names));
		names[n_names].uid = pw->pw_uid;
		names[n_names].name = mem_strdup(pw->pw_name);
		names[n_names++].trusted = is_listed(trusted, pw->pw_name);
	}
	fclose(f);
	return 0;
}

void
smtpd_local_login(struct smtp_session *s, long uid)
{
	size_t i;

	s->trusted = uid == 0 || (own_uid != 0 && uid == (long)own_uid);
	snprintf(s->login, sizeof(s->login), "uid-%ld", uid);
	for (i = 0; i < n_names; i++)
		if ((long)names[i].uid == uid) {
			str_copy(s->login, sizeof(s->login), names[i].name);
			s->trusted |= names[i].trusted;
			break;
		}
	str_copy(s->helo, sizeof(s->helo), "localhost");
}

int
smtpd_local_owns(const struct smtp_session *s, const char *address)
{
	char own[2 * ADDRESS_MAX];

	snprintf(own, sizeof(own), "%s@%s", s->login, smtpd.hostname);
	return s->trusted || str_casecmp(own, address) == 0;
}
