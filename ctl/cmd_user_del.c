/*
 * user del: the account is closed by the edit of the tables. Its mail stays,
 * or, when the tables no longer know the account, store removes it
 * (store/ctl_remove.h); the same command finishes what a kill leaves.
 */
#include "config.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "ctl/cmd_session.h"
#include "ctl/cmd_table.h"
#include "ctl/commands.h"
#include "ctl/ctl_ask.h"
#include "ctl/ctl_control.h"
#include "ctl/ctl_name.h"
#include "ctl/ctl_util.h"
#include "lib/base/str.h"
#include "lib/base/words.h"
#include "lib/mail/limits.h"
#include "lib/mail/user_path.h"

enum {
	SILENCE_MS = 3600 * 1000,	/* every file of it goes */
	ROW_MAX = CTL_NAMES_MAX + CTL_ROW_MAX,
};

struct deleting {
	struct ctl *c;
	const char *name;
	int	 account;		/* users has it */
	int	 mail;			/* store has something of it */
	size_t	 messages;
};

/* The number in that column of the one row that came; 0 where there is none. */
static size_t
number_of(const struct buf *rows, int column)
{
	struct cursor cur;
	const char *p;
	uint64_t v = 0;
	size_t n;
	int i;

	cursor_init(&cur, rows->data, rows->len);
	(void)cursor_lv(&cur, &n, CTL_NAMES_MAX);
	p = cursor_lv(&cur, &n, CTL_ROW_MAX);
	cursor_init(&cur, p, p != NULL ? n : 0);
	for (i = 0; i <= column; i++) {
		(void)cursor_u8(&cur);
		p = cursor_lv(&cur, &n, CTL_ROW_MAX);
	}
	return p != NULL && str_number(p, n, SIZE_MAX, &v) == 0 ?
	    (size_t)v : 0;
}

static int
ask_store(const struct deleting *d, enum c_type type, int column,
    size_t *number_r, struct buf *refused)
{
	struct buf rows = BUF_INIT(ROW_MAX);
	struct ctl_control q = { .who = PEER_STORE, .type = type,
		.timeout_ms = SILENCE_MS, .user = d->name, .whole = &rows,
		.quiet = 1, .refused = refused };
	int r = control_call(d->c, &q);

	*number_r = number_of(&rows, column);
	buf_clear(&rows);
	return r;
}

/* What there is of it. CTL_DONE, or why nothing can be done now. */
static int
look(struct deleting *d)
{
	enum { MESSAGES = 2 };	/* store/ctl_control.c */
	struct buf refused = BUF_INIT(0);
	struct set s;
	int r;

	if (table_open(d->c, &s, 0) == -1)
		return CTL_REFUSED;
	d->account = text_find(&s.t[TEXT_USERS], d->name) != NULL;
	set_close(&s);
	r = ask_store(d, C_LIST, MESSAGES, &d->messages, &refused);
	d->mail = r == CTL_DONE;
	buf_clear(&refused);
	/* What it cannot count it can remove. */
	return r == CTL_REFUSED ? CTL_DONE : r;
}

static int
confirmed(const struct deleting *d)
{
	struct buf words = BUF_INIT(0);
	int r;

	if (d->c->opt[OPT_DEL_YES] != NULL)
		return 1;
	if (!ctl_at_terminal()) {
		ctl_fail(0, _("nothing was removed: add --yes to remove %s "
		    "with all its mail"), d->name);
		return 0;
	}
	buf_printf(&words, ngettext("Remove %s with all its mail, %zu message, "
	    "for ever?", "Remove %s with all its mail, %zu messages, for "
	    "ever?", d->messages), d->name, d->messages);
	r = ctl_confirmed(buf_str(&words));
	buf_clear(&words);
	if (!r)
		ctl_fail(0, _("nothing was removed"));
	return r;
}

static int
remove_mail(struct deleting *d)
{
	struct buf refused = BUF_INIT(0);
	size_t messages;
	int r = ask_store(d, C_REMOVE, 1, &messages, &refused);

	if (r == CTL_DONE)
		printf(ngettext("%s: all mail is removed, %zu message\n",
		    "%s: all mail is removed, %zu messages\n", messages),
		    d->name, messages);
	else if (r == CTL_LATER)
		ctl_fail(0, _("%s: the account is closed, its mail is not "
		    "removed yet: the same command again does it"), d->name);
	else if (d->account && !d->mail)
		r = CTL_DONE;	/* nothing ever came */
	else if (refused.len > 0)
		ctl_say(0, &refused);
	buf_clear(&refused);
	return r;
}

/* An account that is gone already may still have sessions. */
static int
close_account(struct deleting *d)
{
	struct map *none = NULL;

	return d->account ? table_del(d->c, TEXT_USERS, d->name) :
	    sessions_after(d->c, &none, d->name);
}

static int
del_with_mail(struct deleting *d)
{
	int r = look(d), closed;

	if (r != CTL_DONE)
		return r;
	if (!confirmed(d))
		return CTL_REFUSED;
	closed = close_account(d);
	if (closed == CTL_REFUSED)
		return closed;
	r = remove_mail(d);
	return r == CTL_DONE ? closed : r;
}

/* Where it is, and what may become of it. */
static void
say_kept(const struct ctl *c, const char *name)
{
	struct buf dir = BUF_INIT(0);
	char path[4 * ADDRESS_MAX];
	struct stat st;

	if (user_path(name, path, sizeof(path)) == -1)
		return;
	buf_printf(&dir, "%s/spool/mail/%s", c->state_dir, path);
	if (stat(buf_str(&dir), &st) == 0)
		printf(_("the mail of %s is kept in %s: \"rohrpost user add "
		    "%s\" brings it back, \"rohrpost user del --mail %s\" "
		    "removes it\n"), name, buf_str(&dir), name, name);
	buf_clear(&dir);
}

int
cmd_user_del(struct ctl *c)
{
	struct buf name = BUF_INIT(ADDRESS_MAX), why = BUF_INIT(0);
	struct deleting d = { .c = c };
	int r = CTL_REFUSED;

	if (ctl_load(c) == -1)
		return CTL_REFUSED;
	if (name_address(c->args[0], strlen(c->args[0]), NAME_ACCOUNT, &name,
	    &why) == -1) {
		ctl_say(0, &why);
	} else if (c->opt[OPT_DEL_MAIL] != NULL) {
		d.name = buf_str(&name);
		r = del_with_mail(&d);
	} else {
		r = table_del(c, TEXT_USERS, buf_str(&name));
		if (r != CTL_REFUSED)
			say_kept(c, buf_str(&name));
	}
	buf_clear(&name);
	buf_clear(&why);
	return r;
}
