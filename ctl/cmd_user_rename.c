/*
 * user rename: the tables say so in one edit, which is the commit, and that the
 * mail is still under the old name; store moves it (store/ctl_rename.h), and a
 * second edit says that it is done. Who is killed in between leaves what the
 * same command finishes, and the first use of the account, too.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/cmd_session.h"
#include "ctl/cmd_table.h"
#include "ctl/commands.h"
#include "ctl/ctl_control.h"
#include "ctl/ctl_name.h"
#include "ctl/ctl_util.h"
#include "ctl/table_collect.h"
#include "ctl/table_groups.h"
#include "ctl/table_renamed.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/base/words.h"
#include "lib/mail/limits.h"

enum { SILENCE_MS = 3600 * 1000 };	/* every row of its index is copied */

struct renaming {
	struct ctl *c;
	struct set s;
	const char *old, *new;
	int	 alias;			/* the old address still takes mail */
	int	 written;		/* the first edit */
};

/* The line of an alias with another target, or owner, in the place of the old
   name. */
static int
change_alias(struct renaming *n, struct row *r, struct buf *why)
{
	struct buf line = BUF_INIT(0);
	const char *target, *between = " = ";
	size_t i;
	int seen = 0, done;

	buf_puts(&line, r->key);
	if (r->owner != NULL)
		buf_printf(&line, " owner=%s", strcmp(r->owner, n->old) == 0 ?
		    n->new : r->owner);
	for (i = 0; i < r->n_targets; i++) {
		target = r->targets[i];
		if (strcmp(target, n->old) == 0 || strcmp(target, n->new) == 0) {
			if (seen++)
				continue;
			target = n->new;
		}
		buf_printf(&line, "%s%s", between, target);
		between = ", ";
	}
	done = text_change(&n->s.t[TEXT_ALIASES], &r, buf_str(&line), why);
	buf_clear(&line);
	return done;
}

static int
has_target(const struct row *r, const char *name)
{
	size_t i;

	for (i = 0; i < r->n_targets; i++)
		if (strcmp(r->targets[i], name) == 0)
			return 1;
	return 0;
}

static int
change_aliases(struct renaming *n, struct buf *why)
{
	struct text *t = &n->s.t[TEXT_ALIASES];
	struct buf line = BUF_INIT(0);
	struct row *r;
	size_t i = 0;
	int done = 0;

	while (done == 0 && (r = text_next(t, &i)) != NULL)
		if (has_target(r, n->old) || (r->owner != NULL &&
		    strcmp(r->owner, n->old) == 0))
			done = change_alias(n, r, why);
	if (done == 0 && n->alias) {
		buf_printf(&line, "%s = %s", n->old, n->new);
		done = text_add(t, buf_str(&line), why);
	}
	buf_clear(&line);
	return done;
}

/* What alias domains leave out is left out by its new name, too. */
static int
change_domain(struct renaming *n, struct row *r, const char *old,
    const char *new, struct buf *why)
{
	struct buf line = BUF_INIT(0);
	size_t i;
	int done;

	buf_printf(&line, "%s = alias %s except=%s", r->key, r->value, new);
	for (i = 0; i < r->n_targets; i++)
		if (strcmp(r->targets[i], new) != 0 &&
		    (n->alias || strcmp(r->targets[i], old) != 0))
			buf_printf(&line, ",%s", r->targets[i]);
	done = text_change(&n->s.t[TEXT_DOMAINS], &r, buf_str(&line), why);
	buf_clear(&line);
	return done;
}

static int
change_domains(struct renaming *n, struct buf *why)
{
	const char *domain = strrchr(n->old, '@') + 1;
	char *old, *new;
	struct row *r;
	size_t i = 0;
	int done = 0;

	if (strcmp(domain, strrchr(n->new, '@') + 1) != 0)
		return 0;
	old = mem_strndup(n->old, (size_t)(domain - 1 - n->old));
	new = mem_strndup(n->new, (size_t)(strrchr(n->new, '@') - n->new));
	while (done == 0 &&
	    (r = text_next(&n->s.t[TEXT_DOMAINS], &i)) != NULL)
		if (r->value != NULL && strcmp(r->value, domain) == 0 &&
		    has_target(r, old))
			done = change_domain(n, r, old, new, why);
	free(old);
	free(new);
	return done;
}

/* What is collected for it from providers. */
static int
change_collect(struct renaming *n, struct buf *why)
{
	struct text *t = &n->s.t[TEXT_COLLECT];
	struct collect_account *a = mem_zalloc(1, sizeof(*a));
	struct buf line = BUF_INIT(0);
	struct row *r;
	size_t i = 0;
	int done = 0;

	while (done == 0 && (r = text_next(t, &i)) != NULL) {
		done = collect_of(r, a, why);
		if (done == -1 || strcmp(a->owner, n->old) != 0)
			continue;
		done = str_copy(a->owner, sizeof(a->owner), n->new);
		buf_reset(&line);
		collect_line(a, &line);
		if (done == 0)
			done = text_change(t, &r, buf_str(&line), why);
	}
	mem_wipe(a, sizeof(*a));
	free(a);
	buf_wipe(&line);
	return done;
}

static int
change_password(struct renaming *n, struct buf *why)
{
	struct text *t = &n->s.t[TEXT_PASSWD];
	struct row *r = text_find(t, n->old);
	struct buf line = BUF_INIT(0);
	int done = 0;

	if (r != NULL) {
		buf_printf(&line, "%s:%s", n->new, r->value);
		done = text_change(t, &r, buf_str(&line), why);
	}
	buf_wipe(&line);
	return done;
}

/* The whole edit, in memory. */
static int
change_all(struct renaming *n, struct row *r, struct buf *why)
{
	struct buf mark = BUF_INIT(0);
	int done;

	buf_printf(&mark, " moving=%s", n->old);
	done = renamed_forget(&n->s, n->old, why);
	if (done == 0)
		done = renamed_forget(&n->s, n->new, why);
	if (done == 0 && (r = text_find(&n->s.t[TEXT_USERS], n->old)) != NULL)
		done = renamed_line(&n->s, &r, n->new, NULL, buf_str(&mark),
		    why);
	buf_clear(&mark);
	if (done == -1 || change_password(n, why) == -1 ||
	    groups_replace(&n->s, n->old, n->new, why) == -1 ||
	    change_domains(n, why) == -1 || change_collect(n, why) == -1)
		return -1;
	return change_aliases(n, why);
}

/* CTL_DONE: store says that the name is free; or that its mail is there. */
static int
ask_store(struct renaming *n)
{
	struct buf refused = BUF_INIT(0);
	struct ctl_control q = { .who = PEER_STORE, .type = C_RENAME,
		.timeout_ms = SILENCE_MS, .user = n->new, .quiet = 1,
		.refused = &refused };
	int r = control_call(n->c, &q);

	if (refused.len > 0)
		ctl_fail(0, "%s: %s", n->new, buf_str(&refused));
	buf_clear(&refused);
	return r;
}

/* The first edit. */
static int
begin(struct renaming *n, struct row *r)
{
	struct buf why = BUF_INIT(0);
	int done, asked;

	if (renamed_moving(r) != NULL) {
		buf_set(&why, _("%s: its mail is still that of %s (\"rohrpost "
		    "user rename %s %s\" moves it)"), r->key,
		    renamed_moving(r), renamed_moving(r), r->key);
		return table_end(n->c, &n->s, -1, &why, 0);
	}
	if (r->pam != NULL) {
		buf_set(&why, _("%s: its password is that of the host's user "
		    "%s, who would not be found by another name"), r->key,
		    r->pam);
		return table_end(n->c, &n->s, -1, &why, 0);
	}
	done = change_all(n, r, &why);
	if (done == 0) {
		asked = ask_store(n);
		if (asked != CTL_DONE) {
			set_close(&n->s);
			return asked;
		}
		set_ends(&n->s, n->old);
	}
	done = table_end(n->c, &n->s, done, &why, 0);
	/* Sessions that could not be ended do not undo it. */
	n->written = done != CTL_REFUSED;
	return done;
}

/* The mail, and the second edit. */
static int
finish(struct renaming *n)
{
	struct buf why = BUF_INIT(0), mark = BUF_INIT(0);
	struct row *r;
	int done = ask_store(n);

	if (done != CTL_DONE)
		return ctl_fail(CTL_LATER, _("%s is %s now, its mail is not "
		    "moved yet: the same command again does it, and so does "
		    "its first use"), n->old, n->new);
	if (table_open(n->c, &n->s, 1) == -1)
		return CTL_REFUSED;
	r = text_find(&n->s.t[TEXT_USERS], n->new);
	if (r == NULL || renamed_moving(r) == NULL) {
		set_close(&n->s);
		return CTL_DONE;
	}
	renamed_today(n->old, &mark);
	done = renamed_line(&n->s, &r, n->new, n->old, buf_str(&mark), &why);
	buf_clear(&mark);
	return table_end(n->c, &n->s, done, &why, 0);
}

static int
rename_user(struct renaming *n)
{
	struct map *none = NULL;
	struct buf why = BUF_INIT(0);
	struct row *old, *new;
	int r = CTL_DONE, ended;

	if (table_open(n->c, &n->s, 1) == -1)
		return CTL_REFUSED;
	old = text_find(&n->s.t[TEXT_USERS], n->old);
	new = text_find(&n->s.t[TEXT_USERS], n->new);
	if (old == NULL && new != NULL && renamed_from(new, n->old)) {
		/* It was killed on its way. */
		set_close(&n->s);
		n->written = 1;
		r = sessions_after(n->c, &none, n->old);
	} else if (old == NULL || new != NULL ||
	    text_find(&n->s.t[TEXT_ALIASES], n->new) != NULL) {
		buf_set(&why, old == NULL ? _("%s: not in users") :
		    _("%s: there is such an address already"),
		    old == NULL ? n->old : n->new);
		return table_end(n->c, &n->s, -1, &why, 0);
	} else {
		r = begin(n, old);
	}
	if (!n->written)
		return r;
	ended = r;
	r = finish(n);
	return r == CTL_DONE ? ended : r;
}

int
cmd_user_rename(struct ctl *c)
{
	struct buf old = BUF_INIT(ADDRESS_MAX), new = BUF_INIT(ADDRESS_MAX),
	    why = BUF_INIT(0);
	struct renaming n = { .c = c, .alias = c->opt[0] == NULL };
	int r = CTL_REFUSED;

	if (ctl_load(c) == -1)
		return CTL_REFUSED;
	if (name_address(c->args[0], strlen(c->args[0]), NAME_ACCOUNT, &old,
	    &why) == -1 || name_address(c->args[1], strlen(c->args[1]),
	    NAME_ACCOUNT, &new, &why) == -1) {
		ctl_say(0, &why);
	} else {
		n.old = buf_str(&old);
		n.new = buf_str(&new);
		r = rename_user(&n);
	}
	buf_clear(&old);
	buf_clear(&new);
	buf_clear(&why);
	return r;
}
