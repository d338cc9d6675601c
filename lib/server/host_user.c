#include <ctype.h>
#include <dlfcn.h>
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/mem.h"
#include "lib/base/words.h"
#include "lib/server/host_user.h"

enum { LINE_MAX_NSS = 1000 };

/*
 * One look-up of the _r kind: call fills p, whose strings lie in the memory that
 * is given back in *mem_r (free it). 0 found, 1 not there, -1 with errno.
 */
static int
look_up(int (*call)(const char *, void *, char *, size_t, void **),
    const char *name, void *p, char **mem_r)
{
	size_t size = HOST_NSS_FIRST;
	void *found = NULL;
	int e;

	*mem_r = NULL;
	do {
		free(*mem_r);
		*mem_r = mem_alloc(size);
		errno = 0;
		e = call(name, p, *mem_r, size, &found);
		size *= 4;
	} while (e == ERANGE && size <= HOST_NSS_MAX);
	errno = e;
	return e != 0 ? -1 : found == NULL;
}

static int
call_passwd(const char *name, void *p, char *mem, size_t size, void **found)
{
	return getpwnam_r(name, p, mem, size, (struct passwd **)found);
}

static int
call_group(const char *name, void *p, char *mem, size_t size, void **found)
{
	return getgrnam_r(name, p, mem, size, (struct group **)found);
}

/* Who it is; HOST_NO with why: nobody. */
static enum host_answer
find_user(const char *name, uid_t *uid_r, gid_t *gid_r, struct buf *why)
{
	struct passwd pw;
	char *mem;
	int r = look_up(call_passwd, name, &pw, &mem);

	if (r == 0) {
		*uid_r = pw.pw_uid;
		*gid_r = pw.pw_gid;
	}
	free(mem);
	if (r == -1) {
		buf_set(why, _("the user %s cannot be looked up now (NSS: %s)"),
		    name, strerror(errno));
		return HOST_LATER;
	}
	if (r == 1)
		buf_set(why, _("%s: this host has no such user"), name);
	return r == 0 ? HOST_YES : HOST_NO;
}

static int
is_person(const char *name, uid_t uid, struct buf *why)
{
	if (uid >= HOST_UID_FIRST)
		return 1;
	buf_set(why, _("%s: a user of the system (uid %lu, under %d) has no "
	    "mailbox"), name, (unsigned long)uid, HOST_UID_FIRST);
	return 0;
}

enum host_answer
host_person(const char *name, struct buf *why)
{
	enum host_answer r;
	uid_t uid;
	gid_t gid;

	r = find_user(name, &uid, &gid, why);
	return r == HOST_YES && !is_person(name, uid, why) ? HOST_NO : r;
}

/* members_r NULL: is name in it? */
static enum host_answer
ask_group(const char *group, const char *name, gid_t *gid_r,
    struct buf *members_r, int *listed_r, struct buf *why)
{
	struct group gr;
	char *mem, **m;
	int r = look_up(call_group, group, &gr, &mem);

	if (r == 0) {
		*gid_r = gr.gr_gid;
		for (m = gr.gr_mem; *m != NULL; m++) {
			if (members_r != NULL)
				buf_put_lv(members_r, *m, strlen(*m));
			else if (strcmp(*m, name) == 0)
				*listed_r = 1;
		}
	}
	free(mem);
	if (r == -1) {
		buf_set(why, _("the group %s cannot be looked up now (NSS: "
		    "%s)"), group, strerror(errno));
		return HOST_LATER;
	}
	if (r == 1)
		buf_set(why, _("this host has no group %s (pam_group)"), group);
	return r == 0 ? HOST_YES : HOST_NO;
}

enum host_answer
host_members(const char *group, struct buf *members_r, struct buf *why)
{
	gid_t gid;

	buf_reset(members_r);
	return ask_group(group, NULL, &gid, members_r, NULL, why);
}

/* Some directories do not list the members: what groups has the user? */
static int
has_group(const char *name, gid_t own, gid_t gid)
{
	int n = 64, size, i, found = own == gid;
	gid_t *list = NULL;

	do {
		size = n;
		list = mem_realloc(list, (size_t)size, sizeof(*list));
	} while (getgrouplist(name, own, list, &n) == -1 && n > size &&
	    n <= HOST_GROUPS_MAX);
	for (i = 0; i < n && i < size; i++)
		found |= list[i] == gid;
	free(list);
	return found;
}

enum host_answer
host_may(const char *name, const char *group, struct buf *why)
{
	uid_t uid;
	gid_t own, gid;
	int listed = 0;

	if (find_user(name, &uid, &own, why) != HOST_YES)
		return HOST_LATER;
	if (!is_person(name, uid, why))
		return HOST_NO;
	if (ask_group(group, name, &gid, NULL, &listed, why) != HOST_YES)
		return HOST_LATER;
	if (listed || has_group(name, own, gid))
		return HOST_YES;
	buf_set(why, _("%s is not in the group %s"), name, group);
	return HOST_NO;
}

/* "passwd: files [NOTFOUND=return] sss": libnss_sss.so.2 */
static void
load_services(char *p)
{
	char *word, *rest = p, name[LINE_MAX_NSS + 40];
	int action = 0;

	while ((word = strsep(&rest, " \t\r\n")) != NULL) {
		if (*word == '[')
			action = 1;
		if (*word != '\0' && !action && isalnum((unsigned char)*word)) {
			snprintf(name, sizeof(name), "libnss_%s.so.2", word);
			/* Kept for the life of the process. */
			(void)dlopen(name, RTLD_NOW);
		}
		if (action && *word != '\0' && word[strlen(word) - 1] == ']')
			action = 0;
	}
}

void
host_warm_up(void)
{
	static const char *const bases[] = { "passwd:", "group:", "shadow:",
		"initgroups:" };
	char line[LINE_MAX_NSS];
	FILE *f = fopen("/etc/nsswitch.conf", "re");
	size_t i;

	while (f != NULL && fgets(line, sizeof(line), f) != NULL)
		for (i = 0; i < sizeof(bases) / sizeof(bases[0]); i++)
			if (strncmp(line, bases[i], strlen(bases[i])) == 0)
				load_services(line + strlen(bases[i]));
	if (f != NULL)
		fclose(f);
}
