/*
 * user add, set, passwd, list; hash check.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "ctl/cmd_table.h"
#include "ctl/cmd_user.h"
#include "ctl/commands.h"
#include "ctl/ctl_admin.h"
#include "ctl/ctl_ask.h"
#include "ctl/ctl_check.h"
#include "ctl/ctl_granted.h"
#include "ctl/ctl_hash.h"
#include "ctl/ctl_name.h"
#include "ctl/ctl_out.h"
#include "ctl/ctl_util.h"
#include "ctl/table_groups.h"
#include "ctl/table_renamed.h"
#include "lib/base/words.h"
#include "lib/mail/credential.h"
#include "lib/mail/limits.h"
#include "lib/mail/protocols.h"
#include "lib/mail/tables.h"

/* The fields of a line that do not belong to the account's password. */
static void
keep_others(const char *p, struct buf *line)
{
	const char *end = p + strlen(p);
	struct credential c;
	int r;

	while ((r = credential_next(&p, end, &c)) != 0) {
		if (r == 1 && c.kind != CREDENTIAL_CRYPT &&
		    c.kind != CREDENTIAL_SCRAM) {
			buf_putc(line, ':');
			buf_append(line, c.text, c.text_len);
		}
	}
}

int
table_set_password(struct set *s, const char *account, const char *fields,
    struct buf *why)
{
	struct buf line = BUF_INIT(0);
	struct text *t = &s->t[TEXT_PASSWD];
	const struct row *old = text_find(t, account);
	int r;

	buf_printf(&line, "%s:%s", account, fields);
	if (old == NULL) {
		r = text_add(t, buf_str(&line), why);
	} else {
		keep_others(old->value, &line);
		r = text_set(t, account, buf_str(&line), why);
	}
	buf_wipe(&line);
	return r;
}

/* The fields that the options ask for. 0, or -1 with why. */
static int
get_fields(struct ctl *c, const char *account, struct buf *fields,
    struct buf *why)
{
	struct buf password = BUF_INIT(PASSWORD_MAX), note = BUF_INIT(0);
	const char *hash = c->opt[OPT_USER_HASH];
	int r;

	if (hash != NULL) {
		buf_printf(fields, "crypt=%s", hash);
		r = hash_check(hash, why);
		/* auth checks it with threads that all domains share. */
		return r == 0 && c->admin != NULL ? hash_cheap(hash, why) : r;
	}
	r = ctl_password(c->opt[OPT_USER_STDIN] != NULL, account, &password,
	    why);
	if (r == 0)
		r = hash_fields(buf_str(&password), c->auth_scram, fields,
		    &note, why);
	if (note.len > 0)
		ctl_warn(&note);
	buf_clear(&note);
	buf_wipe(&password);
	return r;
}

/* The account's line in users, from its row (or NULL), options and words. */
static int
user_line(struct ctl *c, const char *account, const struct row *old,
    struct buf *line, struct buf *why)
{
	int disabled = old != NULL && (old->flags & TABLES_DISABLED), r = 1;
	struct buf quota = BUF_INIT(0);
	struct grants g = { .said = 0 };

	if (old != NULL)
		g = old->grants;
	if (c->opt[OPT_USER_QUOTA] != NULL) {
		buf_printf(&quota, "quota=%s", c->opt[OPT_USER_QUOTA]);
		r = grants_change(quota.data, quota.len, &g, why);
		buf_clear(&quota);
	}
	if (r == -1 || row_grants(c->args + 1, c->n_args - 1, &g, why) == -1)
		return -1;
	buf_puts(line, account);
	grants_print(&g, line);
	if (c->opt[OPT_USER_DISABLED] != NULL)
		disabled = 1;
	if (c->opt[OPT_USER_ENABLED] != NULL)
		disabled = 0;
	if (disabled)
		buf_puts(line, " disabled");
	renamed_print(old, line);
	return 0;
}

int
cmd_user_add(struct ctl *c)
{
	struct buf name = BUF_INIT(ADDRESS_MAX), fields = BUF_INIT(0),
	    line = BUF_INIT(0), why = BUF_INIT(0);
	struct set s;
	int r;

	if (table_open(c, &s, 1) == -1)
		return CTL_REFUSED;
	r = name_address(c->args[0], strlen(c->args[0]), NAME_ACCOUNT, &name,
	    &why);
	if (r == 0)
		r = user_line(c, buf_str(&name), NULL, &line, &why);
	if (r == 0)
		r = text_add(&s.t[TEXT_USERS], buf_str(&line), &why);
	/* Nobody is asked for the password of what will be refused. */
	if (r == 0)
		r = set_check(&s, &why, &line);
	if (r == 0)
		r = get_fields(c, buf_str(&name), &fields, &why);
	if (r == 0)
		r = table_set_password(&s, buf_str(&name), buf_str(&fields),
		    &why);
	buf_clear(&name);
	buf_wipe(&fields);
	buf_clear(&line);
	return table_end(c, &s, r, &why, 0);
}

/* Finds the account of the first argument. 0, or -1 with why. */
static int
find_account(struct ctl *c, struct set *s, struct buf *name, struct row **r,
    struct buf *why)
{
	if (name_address(c->args[0], strlen(c->args[0]), NAME_ACCOUNT, name,
	    why) == -1)
		return -1;
	*r = text_find(&s->t[TEXT_USERS], buf_str(name));
	if (*r != NULL)
		return 0;
	buf_set(why, _("%s: not in users"), buf_str(name));
	return -1;
}

int
cmd_user_set(struct ctl *c)
{
	struct buf name = BUF_INIT(ADDRESS_MAX), line = BUF_INIT(0),
	    why = BUF_INIT(0);
	struct row *old;
	struct set s;
	int r;

	if (c->opt[OPT_USER_QUOTA] == NULL &&
	    c->opt[OPT_USER_DISABLED] == NULL &&
	    c->opt[OPT_USER_ENABLED] == NULL && c->n_args == 1)
		return ctl_fail(CTL_USAGE, _("what is to be set? (--quota, "
		    "--disabled, --enabled, KEY=VALUE)"));
	if (table_open(c, &s, 1) == -1)
		return CTL_REFUSED;
	r = find_account(c, &s, &name, &old, &why);
	if (r == 0)
		r = user_line(c, buf_str(&name), old, &line, &why);
	if (r == 0)
		r = text_change(&s.t[TEXT_USERS], &old, buf_str(&line), &why);
	if (r == 0 && c->opt[OPT_USER_DISABLED] != NULL &&
	    c->opt[OPT_USER_ENABLED] == NULL)
		set_ends(&s, buf_str(&name));
	buf_clear(&name);
	buf_clear(&line);
	return table_end(c, &s, r, &why, 0);
}

int
cmd_user_passwd(struct ctl *c)
{
	struct buf name = BUF_INIT(ADDRESS_MAX), fields = BUF_INIT(0),
	    why = BUF_INIT(0);
	struct row *row;
	struct set s;
	int r;

	if (table_open(c, &s, 1) == -1)
		return CTL_REFUSED;
	r = find_account(c, &s, &name, &row, &why);
	if (r == 0)
		r = get_fields(c, buf_str(&name), &fields, &why);
	if (r == 0)
		r = table_set_password(&s, buf_str(&name), buf_str(&fields),
		    &why);
	if (r == 0)
		set_ends(&s, buf_str(&name));
	buf_clear(&name);
	buf_wipe(&fields);
	return table_end(c, &s, r, &why, 0);
}

/* The groups that the account is in. */
static void
out_groups(struct out *o, const struct set *s, const struct row *user)
{
	struct buf packed = BUF_INIT(0);
	const struct row *r;
	size_t i = 0;

	while (user->n_groups > 0 &&
	    (r = text_next(&s->t[TEXT_GROUPS], &i)) != NULL)
		if (group_has(r, user->key))
			buf_put_lv(&packed, r->key, strlen(r->key));
	out_texts(o, &packed);
	buf_clear(&packed);
}

static void
out_protocols(struct out *o, uint32_t set)
{
	struct buf packed = BUF_INIT(0), name = BUF_INIT(0);
	uint32_t bit;

	for (bit = 1; bit & PROTOCOLS_ALL; bit <<= 1) {
		if (!(set & bit))
			continue;
		buf_reset(&name);
		protocols_print(bit, &name);
		buf_put_lv(&packed, name.data, name.len);
	}
	out_texts(o, &packed);
	buf_clear(&packed);
	buf_clear(&name);
}

static void
list_user(struct out *o, const struct set *s, const struct row *r)
{
	const struct row *hash = text_find(&s->t[TEXT_PASSWD], r->key);
	struct grants g;

	set_grants(s, r, &g);
	out_text(o, r->key);
	out_number(o, g.value[GRANT_QUOTA][0]);
	out_number(o, g.value[GRANT_QUOTA][1]);
	out_bool(o, (r->flags & TABLES_DISABLED) != 0);
	if (hash != NULL && hash->hash != NULL)
		out_text(o, hash_kind(hash->hash));
	else if (r->pam != NULL)
		out_text(o, "pam");
	else
		out_null(o);
	out_groups(o, s, r);
	out_protocols(o, (uint32_t)g.value[GRANT_PROTOCOLS][0]);
	out_bool(o, g.value[GRANT_MAY_SEND][0] != 0);
}

int
cmd_user_list(struct ctl *c)
{
	struct buf why = BUF_INIT(0);
	const struct row *r;
	struct out o;
	struct set s;
	size_t i = 0;

	if (ctl_load(c) == -1 || table_open(c, &s, 0) == -1)
		return CTL_REFUSED;
	if (table_system(c, &s, &why) == -1 || table_pam(&s, c->dir, &why) == -1)
		return table_end(c, &s, -1, &why, 0);
	set_join(&s);
	out_init(&o, stdout, c->json);
	out_name(&o, "user", 4);
	out_name(&o, "quota_size", 10);
	out_name(&o, "quota_count", 11);
	out_name(&o, "disabled", 8);
	out_name(&o, "hash", 4);
	out_name(&o, "groups", 6);
	out_name(&o, "protocols", 9);
	out_name(&o, "may_send", 8);
	while ((r = text_next(&s.t[TEXT_USERS], &i)) != NULL)
		if (admin_may(c->admin, r->key))
			list_user(&o, &s, r);
	return table_listed(&s, &o);
}

static void
hash_names(struct out *o, int json)
{
	out_init(o, stdout, json);
	out_name(o, "user", 4);
	out_name(o, "hash", 4);
}

static int
check_one(const char *hash, int json)
{
	struct buf why = BUF_INIT(0);
	int r = hash_check(hash, &why);
	struct out o;

	if (r == -1) {
		ctl_say(-1, &why);
	} else if (json) {
		hash_names(&o, json);
		out_null(&o);
		out_text(&o, hash_kind(hash));
		r = out_end(&o);
	} else {
		printf("%s\n", hash_kind(hash));
	}
	buf_clear(&why);
	return r == 0 ? CTL_DONE : CTL_REFUSED;
}

/* With a hash: can it be used? Without: those of passwd, by account. */
int
cmd_hash_check(struct ctl *c)
{
	const struct row *r;
	struct out o;
	struct set s;
	size_t i = 0;

	if (c->n_args == 1)
		return check_one(c->args[0], c->json);
	if (table_open(c, &s, 0) == -1)
		return CTL_REFUSED;
	hash_names(&o, c->json);
	while ((r = text_next(&s.t[TEXT_PASSWD], &i)) != NULL) {
		out_text(&o, r->key);
		if (r->hash != NULL)
			out_text(&o, hash_kind(r->hash));
		else
			out_null(&o);
	}
	return table_listed(&s, &o);
}
