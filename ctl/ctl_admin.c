#include "config.h"

#include <sys/socket.h>

#include <assert.h>
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/ctl_admin.h"
#include "ctl/ctl_name.h"
#include "ctl/ctl_util.h"
#include "lib/base/mem.h"
#include "lib/base/words.h"
#include "lib/mail/limits.h"

#ifndef SO_PEERGROUPS
#define SO_PEERGROUPS	59	/* Linux 4.13 */
#endif

enum { NAME_BOUND = 4096, DOMAINS_OCTETS = 16 << 20 };

/* Is it one of the packed list? */
static int
is_in(const struct buf *list, const char *p, size_t len)
{
	struct cursor cur;
	const char *q;
	size_t n;

	cursor_init(&cur, list->data, list->len);
	while (cursor_left(&cur) > 0 &&
	    (q = cursor_lv(&cur, &n, NAME_BOUND)) != NULL)
		if (n == len && memcmp(p, q, n) == 0)
			return 1;
	return 0;
}

static void
add_group(struct ctl_admin *a, gid_t gid)
{
	const struct group *g = getgrgid(gid);

	if (g != NULL && strlen(g->gr_name) <= NAME_BOUND)
		buf_put_lv(&a->groups, g->gr_name, strlen(g->gr_name));
}

int
admin_who(int fd, struct ctl_admin *a)
{
	gid_t gid[ADMIN_GROUPS_MAX];
	socklen_t len = sizeof(struct ucred), groups = sizeof(gid);
	const struct passwd *pw;
	struct ucred cred;
	size_t i;

	memset(a, 0, sizeof(*a));
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) == -1 ||
	    getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, gid, &groups) == -1)
		return -1;
	a->uid = cred.uid;
	if ((pw = getpwuid(cred.uid)) != NULL)
		buf_puts(&a->name, pw->pw_name);
	add_group(a, cred.gid);
	for (i = 0; i < groups / sizeof(gid[0]); i++)
		if (gid[i] != cred.gid)
			add_group(a, gid[i]);
	return 0;
}

void
admin_clear(struct ctl_admin *a)
{
	buf_clear(&a->name);
	buf_clear(&a->groups);
	buf_clear(&a->domains);
}

/* Does a line's list (table_domains.h) name him? */
static int
is_named(const struct ctl_admin *a, const char *list)
{
	const char *p;
	size_t n;

	for (p = list; *p != '\0'; p += n + (p[n] == ',')) {
		n = strcspn(p, ",");
		if (p[0] == '@' ? is_in(&a->groups, p + 1, n - 1) :
		    n == a->name.len && memcmp(p, a->name.data, n) == 0)
			return 1;
	}
	return 0;
}

size_t
admin_admit(struct ctl_admin *a, const struct text *domains)
{
	const struct row *r;
	size_t i = 0, n = 0;

	buf_reset(&a->domains);
	while ((r = text_next(domains, &i)) != NULL &&
	    a->domains.len < DOMAINS_OCTETS) {
		if (r->admins == NULL || !is_named(a, r->admins))
			continue;
		buf_put_lv(&a->domains, r->key, strlen(r->key));
		n++;
	}
	return n;
}

int
admin_may(const struct ctl_admin *a, const char *name)
{
	const char *at = strrchr(name, '@');

	if (a == NULL)
		return 1;
	if (at != NULL)
		name = at + 1;
	return is_in(&a->domains, name, strlen(name));
}

/* An address, of an account or an alias, as the command takes it. */
static int
check_address(const struct ctl *c, const char *p)
{
	struct buf name = BUF_INIT(ADDRESS_MAX + DOMAIN_MAX),
	    why = BUF_INIT(0);
	int r = name_address(p, strlen(p), NAME_ALIAS, &name, &why);

	if (r == -1)
		(void)ctl_say(0, &why);
	/* "postmaster" is everybody's. */
	else if (strchr(buf_str(&name), '@') == NULL ||
	    !admin_may(c->admin, buf_str(&name)))
		r = ctl_fail(-1, _("%s is in no domain that you administer"),
		    buf_str(&name));
	buf_clear(&name);
	buf_clear(&why);
	return r == -1 ? CTL_REFUSED : CTL_DONE;
}

int
admin_check(struct ctl *c, const struct ctl_command *cmd)
{
	if (cmd->admin == ADMIN_NEVER)
		return ctl_fail(CTL_REFUSED, _("\"rohrpost %s\" is for root, "
		    "or who started the suite"), cmd->name);
	return c->n_args == 0 ? CTL_DONE : check_address(c, c->args[0]);
}

/* Members who are gone from a group were of his domains; else all is as it was. */
static int
is_group_left(const struct ctl_admin *a, const struct row *old,
    const struct row *new)
{
	struct buf was = BUF_INIT(0), is = BUF_INIT(0);
	size_t i, k = 0;
	int r;

	grants_print(&old->grants, &was);
	grants_print(&new->grants, &is);
	r = strcmp(buf_str(&was), buf_str(&is)) == 0;
	for (i = 0; r && i < old->n_targets; i++) {
		if (k < new->n_targets &&
		    strcmp(old->targets[i], new->targets[k]) == 0)
			k++;
		else
			r = admin_may(a, old->targets[i]);
	}
	buf_clear(&was);
	buf_clear(&is);
	return r && k == new->n_targets;
}

/* A list's owner sends what it passes on (SPF says: that domain). */
static int
is_owner_his(const struct ctl_admin *a, const struct row *old,
    const struct row *new)
{
	return new == NULL || new->owner == NULL ||
	    (old != NULL && old->owner != NULL &&
	    strcmp(old->owner, new->owner) == 0) || admin_may(a, new->owner);
}

/* Who was named otherwise gets that name's mail: the operator says so alone. */
static int
is_name_kept(const struct row *old, const struct row *new)
{
	size_t i, k;

	for (i = 0; new != NULL && i < new->n_targets; i++) {
		for (k = 0; old != NULL && k < old->n_targets; k++)
			if (strcmp(old->targets[k], new->targets[i]) == 0)
				break;
		if (old == NULL || k == old->n_targets)
			return 0;
	}
	return 1;
}

static int
is_key_his(const struct ctl_admin *a, const char *key)
{
	return strchr(key, '@') != NULL && admin_may(a, key);
}

/* May the row differ so? NULL: it is not there. */
static int
may_differ(const struct ctl_admin *a, size_t id, const struct row *old,
    const struct row *new)
{
	const struct row *any = new != NULL ? new : old;

	switch (id) {
	case TEXT_USERS:
		return is_key_his(a, any->key) && is_name_kept(old, new);
	case TEXT_PASSWD:
		return is_key_his(a, any->key);
	case TEXT_ALIASES:
		return is_key_his(a, any->key) && is_owner_his(a, old, new);
	case TEXT_GROUPS:
		return old != NULL && new != NULL && is_group_left(a, old, new);
	default:
		return 0;
	}
}

/* The line of a row of a table that was read, not edited. */
static const char *
line_of(const struct text *t, const struct row *r)
{
	return t->lines[r->line - 1].text;
}

/* Each row of the one against the other. Swapped: new is what was. */
static int
compare(const struct ctl_admin *a, size_t id, const struct text *old,
    const struct text *new, int swapped, struct buf *why)
{
	const struct row *r, *other;
	size_t i = 0;

	while ((r = text_next(new, &i)) != NULL) {
		other = text_find(old, r->key);
		if (other != NULL &&
		    strcmp(line_of(old, other), line_of(new, r)) == 0)
			continue;
		if (swapped ? may_differ(a, id, r, other) :
		    may_differ(a, id, other, r))
			continue;
		buf_set(why, _("%s: %s is in no domain that you administer"),
		    new->table->file, id == TEXT_ALIASES && !swapped &&
		    is_key_his(a, r->key) ? r->owner : r->key);
		return -1;
	}
	return 0;
}

static int
wall_table(struct ctl_admin *a, const struct set *s, size_t id,
    struct buf *why)
{
	struct text old, new;
	struct buf b = BUF_INIT(0);
	int r;

	text_init(&old, s->t[id].table);
	text_init(&new, s->t[id].table);
	text_print(&s->t[id], &b);
	r = text_load(&old, s->dirfd, s->dir, why);
	if (r == 0 && id == TEXT_DOMAINS)
		(void)admin_admit(a, &old);
	if (r == 0)
		r = text_parse(&new, s->dir, buf_str(&b), b.len, why);
	if (r == 0)
		r = compare(a, id, &old, &new, 0, why);
	if (r == 0)
		r = compare(a, id, &new, &old, 1, why);
	buf_wipe(&b);
	text_clear(&old);
	text_clear(&new);
	return r;
}

int
admin_wall(struct ctl_admin *a, const struct set *s, struct buf *why)
{
	size_t i;
	int r = 0;

	static_assert(TEXT_DOMAINS == 0, "who may change the others");
	for (i = 0; r == 0 && i < TEXT_COUNT; i++)
		r = wall_table(a, s, i, why);
	return r;
}
