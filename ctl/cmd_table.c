/*
 * domain, alias, apply: edits of the text tables. An edit is checked with all
 * tables before anything is written, then saved and compiled at once: a command
 * that was refused changed nothing.
 */
#include "config.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl/cmd_session.h"
#include "ctl/cmd_sieve.h"
#include "ctl/cmd_table.h"
#include "ctl/commands.h"
#include "ctl/ctl_admin.h"
#include "ctl/ctl_check.h"
#include "ctl/ctl_commit.h"
#include "ctl/ctl_out.h"
#include "ctl/ctl_pam.h"
#include "ctl/ctl_renew.h"
#include "ctl/ctl_system.h"
#include "ctl/ctl_util.h"
#include "ctl/table_aliases.h"
#include "ctl/table_domains.h"
#include "ctl/table_groups.h"
#include "ctl/table_renamed.h"
#include "lib/base/mem.h"
#include "lib/base/words.h"
#include "lib/mail/limits.h"

int
table_system(struct ctl *c, struct set *s, struct buf *why)
{
	struct buf word = BUF_INIT(0), fault = BUF_INIT(0);
	int r;

	s->system.said = 0;
	buf_printf(&word, "protocols=%s", c->user_protocols);
	r = grants_parse(word.data, word.len, &s->system, &fault) == 1 ? 0 :
	    -1;
	if (r == -1)
		buf_set(why, "user_%s", buf_str(&fault));
	buf_clear(&word);
	buf_clear(&fault);
	return r;
}

int
table_pam(struct set *s, const char *dir, struct buf *why)
{
	struct buf warn = BUF_INIT(0);
	int r = pam_load(s, dir, why);

	/* What is wrong with the domain says the check. */
	if (r == 0 && pam_mark(s, why, &warn) == -1)
		buf_reset(why);
	buf_clear(&warn);
	return r;
}

int
table_open(struct ctl *c, struct set *s, int edit)
{
	struct buf why = BUF_INIT(0);
	int r;

	if (edit && ctl_load(c) == -1)
		return -1;
	r = set_open(s, ctl_tables, c->dir, edit, &why);
	if (r == 0 && edit) {
		set_host(s, c->hostname);
		r = table_system(c, s, &why);
		if (r == 0)
			r = table_pam(s, c->dir, &why);
		if (r == -1)
			set_close(s);
	}
	if (r == -1)
		ctl_say(-1, &why);
	buf_clear(&why);
	return r;
}

int
table_finish(struct ctl *c, struct set *s, int warnings)
{
	struct buf why = BUF_INIT(0), warn = BUF_INIT(0);
	struct map *before = NULL;
	gid_t gid[TABLE_CDBS];
	int r;

	r = c->admin == NULL ? 0 : admin_wall(c->admin, s, &why);
	if (r == 0)
		r = renamed_expire(s, &why);
	if (r == 0)
		r = set_check(s, &why, &warn);
	/* They are about the rows of everybody. */
	if (r == 0 && warnings && c->admin == NULL)
		ctl_warn(&warn);
	if (r == 0) {
		before = sessions_before(c);
		r = system_missing(c->state_dir, c->dir, &why);
	}
	if (r == 0)
		system_groups(gid);
	if (r == 0)
		r = set_commit(s, c->state_dir, gid, &why);
	if (r == -1)
		ctl_say(-1, &why);
	set_close(s);
	r = r == -1 ? CTL_REFUSED : sessions_after(c, &before, s->ends);
	map_free(&before);
	buf_clear(&why);
	buf_clear(&warn);
	return r;
}

int
table_end(struct ctl *c, struct set *s, int r, struct buf *why, int warnings)
{
	if (r == -1) {
		ctl_say(0, why);
		set_close(s);
	}
	buf_clear(why);
	return r == 0 ? table_finish(c, s, warnings) : CTL_REFUSED;
}

int
table_listed(struct set *s, struct out *o)
{
	set_close(s);
	return out_end(o) == 0 ? CTL_DONE : CTL_REFUSED;
}

int
table_del(struct ctl *c, enum text_id id, const char *name)
{
	struct buf key = BUF_INIT(ADDRESS_MAX), why = BUF_INIT(0);
	struct map *none = NULL;
	struct set s;
	int r, ended, done;

	if (table_open(c, &s, 1) == -1)
		return CTL_REFUSED;
	r = s.t[id].table->key(name, strlen(name), &key, &why);
	if (r == 0 && id == TEXT_USERS)
		r = pam_may_del(&s, text_find(&s.t[id], buf_str(&key)), &why);
	if (r == 0 && id == TEXT_USERS)
		set_ends(&s, buf_str(&key));
	if (r == 0 && text_del(&s.t[id], buf_str(&key)) == -1) {
		buf_set(&why, _("%s: not in %s"), buf_str(&key),
		    s.t[id].table->file);
		r = -1;
	}
	/* The hash of a closed account goes with it, and so does its place in
	   groups. */
	if (r == 0 && id == TEXT_USERS)
		r = groups_replace(&s, buf_str(&key), NULL, &why);
	if (r == 0 && id == TEXT_USERS &&
	    text_find(&s.t[TEXT_PASSWD], buf_str(&key)) != NULL)
		r = text_del(&s.t[TEXT_PASSWD], buf_str(&key));
	buf_clear(&key);
	done = table_end(c, &s, r, &why, 0);
	/* It may be gone by a command that was killed before it ended them. */
	if (r == -1 && s.ends[0] != '\0' &&
	    (ended = sessions_after(c, &none, s.ends)) != CTL_DONE)
		done = ended;
	return done;
}

int
cmd_apply(struct ctl *c)
{
	struct set s;
	int r;

	if (table_open(c, &s, 1) == -1)
		return CTL_REFUSED;
	if ((r = sieve_before(c, 0)) != CTL_DONE) {
		set_close(&s);
		return r;
	}
	renew(c);
	r = table_finish(c, &s, 1);
	return r == CTL_DONE ? sieve_before(c, 1) : r;
}

int
cmd_domain_add(struct ctl *c)
{
	struct buf line = BUF_INIT(0), why = BUF_INIT(0);
	struct set s;
	int r;

	if (table_open(c, &s, 1) == -1)
		return CTL_REFUSED;
	buf_puts(&line, c->args[0]);
	if (c->opt[0] != NULL)
		buf_printf(&line, " = alias %s", c->opt[0]);
	r = text_add(&s.t[TEXT_DOMAINS], buf_str(&line), &why);
	buf_clear(&line);
	return table_end(c, &s, r, &why, 0);
}

int
cmd_domain_del(struct ctl *c)
{
	return table_del(c, TEXT_DOMAINS, c->args[0]);
}

/* The line of an alias domain with another exception, or none. */
static int
except_line(struct ctl *c, const struct row *d, struct buf *line,
    struct buf *why)
{
	const char *word = c->args[1];

	if (c->n_args != 2 || c->opt[OPT_DOMAIN_ADMINS] != NULL ||
	    c->opt[OPT_DOMAIN_QUOTA] != NULL ||
	    strncmp(word, "except=", 7) != 0) {
		buf_set(why, _("%s is an alias domain: except=NAME,... alone "
		    "stands there"), d->key);
		return -1;
	}
	buf_printf(line, "%s = alias %s%s%s", d->key, d->value,
	    word[7] != '\0' ? " " : "", word[7] != '\0' ? word : "");
	return 0;
}

/* What all accounts of the domain may hold, or a grant. 0, or -1 with why. */
static int
take_word(struct row *d, const char *word, struct buf *why)
{
	size_t len = strlen(word);
	int found = domain_sum(word, len, d->sum, why);

	if (found == 0)
		found = grants_change(word, len, &d->grants, why);
	if (found == 0)
		row_unknown(word, len, DOMAIN_SUM, why);
	return found == 1 ? 0 : -1;
}

/* What the line says of admins, or is to say. 0, or -1 with why. */
static int
admins_word(const struct ctl *c, const struct row *d, struct buf *line,
    struct buf *why)
{
	const char *admins = c->opt[OPT_DOMAIN_ADMINS];
	struct buf list = BUF_INIT(0);
	int r = 0;

	if (admins == NULL)
		buf_puts(&list, d->admins != NULL ? d->admins : "");
	else if (admins[0] != '\0')
		r = domain_admins(admins, strlen(admins), &list, why);
	if (list.len > 0)
		buf_printf(line, " admins=%s", buf_str(&list));
	buf_clear(&list);
	return r;
}

static int
domain_line(struct ctl *c, struct row *d, struct buf *line, struct buf *why)
{
	struct buf sum = BUF_INIT(0);
	int i, r = 0;

	if (c->opt[OPT_DOMAIN_QUOTA] != NULL) {
		buf_printf(&sum, "domain_quota=%s", c->opt[OPT_DOMAIN_QUOTA]);
		r = take_word(d, buf_str(&sum), why);
		buf_reset(&sum);
	}
	for (i = 1; i < c->n_args && r == 0; i++)
		r = take_word(d, c->args[i], why);
	if (r == 0) {
		domain_sum_print(d->sum, &sum);
		buf_printf(line, "%s%s%s", d->key, sum.len > 0 ? " " : "",
		    buf_str(&sum));
		grants_print(&d->grants, line);
		r = admins_word(c, d, line, why);
	}
	buf_clear(&sum);
	return r;
}

/* Names that this host does not know now: they may be a directory's. */
static void
warn_admins(const struct row *d)
{
	char *list = mem_strdup(d->admins != NULL ? d->admins : "");
	char *name, *rest = list;

	while ((name = strsep(&rest, ",")) != NULL)
		if (name[0] == '@' ? getgrnam(name + 1) == NULL :
		    name[0] != '\0' && getpwnam(name) == NULL)
			ctl_fail(0, name[0] == '@' ? _("warning: this host "
			    "knows no group %s now") : _("warning: this host "
			    "knows no user %s now"), name + (name[0] == '@'));
	free(list);
}

int
cmd_domain_set(struct ctl *c)
{
	struct buf name = BUF_INIT(DOMAIN_MAX), line = BUF_INIT(0),
	    why = BUF_INIT(0);
	struct row *d = NULL;
	struct set s;
	int r;

	if (c->n_args == 1 && c->opt[OPT_DOMAIN_ADMINS] == NULL &&
	    c->opt[OPT_DOMAIN_QUOTA] == NULL)
		return ctl_fail(CTL_USAGE, _("what is to be set? (--quota, "
		    "--admins, KEY=VALUE)"));
	if (table_open(c, &s, 1) == -1)
		return CTL_REFUSED;
	r = table_domains.key(c->args[0], strlen(c->args[0]), &name, &why);
	if (r == 0)
		d = text_find(&s.t[TEXT_DOMAINS], buf_str(&name));
	if (r == 0 && d == NULL) {
		buf_set(&why, _("%s: not in domains"), buf_str(&name));
		r = -1;
	}
	if (r == 0)
		r = d->value != NULL ? except_line(c, d, &line, &why) :
		    domain_line(c, d, &line, &why);
	if (r == 0)
		r = text_change(&s.t[TEXT_DOMAINS], &d, buf_str(&line), &why);
	if (r == 0 && c->opt[OPT_DOMAIN_ADMINS] != NULL)
		warn_admins(d);
	buf_clear(&name);
	buf_clear(&line);
	return table_end(c, &s, r, &why, 1);
}

/* A packed list of texts. */
static void
out_list(struct out *o, char *const *texts, size_t n)
{
	struct buf packed = BUF_INIT(0);
	size_t i;

	for (i = 0; i < n; i++)
		buf_put_lv(&packed, texts[i], strlen(texts[i]));
	out_texts(o, &packed);
	buf_clear(&packed);
}

static void
out_admins(struct out *o, const char *admins)
{
	struct buf packed = BUF_INIT(0);
	const char *p = admins;
	size_t n;

	for (; p != NULL && *p != '\0'; p += n + (p[n] == ',')) {
		n = strcspn(p, ",");
		buf_put_lv(&packed, p, n);
	}
	out_texts(o, &packed);
	buf_clear(&packed);
}

int
cmd_domain_list(struct ctl *c)
{
	struct buf grants = BUF_INIT(0), sum = BUF_INIT(0);
	const struct row *r;
	struct out o;
	struct set s;
	size_t i = 0;

	if (table_open(c, &s, 0) == -1)
		return CTL_REFUSED;
	out_init(&o, stdout, c->json);
	out_name(&o, "domain", 6);
	out_name(&o, "alias_of", 8);
	out_name(&o, "grants", 6);
	out_name(&o, "except", 6);
	out_name(&o, "admins", 6);
	while ((r = text_next(&s.t[TEXT_DOMAINS], &i)) != NULL) {
		if (!admin_may(c->admin, r->key))
			continue;
		out_text(&o, r->key);
		if (r->value != NULL)
			out_text(&o, r->value);
		else
			out_null(&o);
		buf_reset(&grants);
		buf_reset(&sum);
		domain_sum_print(r->sum, &sum);
		if (sum.len > 0)
			buf_put_lv(&grants, sum.data, sum.len);
		grants_pack(&r->grants, &grants);
		out_texts(&o, &grants);
		out_list(&o, r->targets, r->n_targets);
		out_admins(&o, r->admins);
	}
	buf_clear(&grants);
	buf_clear(&sum);
	return table_listed(&s, &o);
}

int
cmd_alias_add(struct ctl *c)
{
	struct buf line = BUF_INIT(0), why = BUF_INIT(0);
	struct set s;
	int i, r;

	if (table_open(c, &s, 1) == -1)
		return CTL_REFUSED;
	buf_puts(&line, c->args[0]);
	if (c->opt[OPT_ALIAS_OWNER] != NULL &&
	    c->opt[OPT_ALIAS_OWNER][0] != '\0')
		buf_printf(&line, " owner=%s", c->opt[OPT_ALIAS_OWNER]);
	buf_puts(&line, " =");
	for (i = 1; i < c->n_args; i++)
		buf_printf(&line, "%s %s", i > 1 ? "," : "", c->args[i]);
	r = text_add(&s.t[TEXT_ALIASES], buf_str(&line), &why);
	buf_clear(&line);
	return table_end(c, &s, r, &why, 1);
}

/* The line of the alias as the command wants it. */
static void
alias_line(const struct ctl *c, const struct row *old, struct buf *line)
{
	const char *owner = c->opt[OPT_ALIAS_OWNER];
	struct row r = *old;

	if (owner != NULL)
		r.owner = owner[0] != '\0' ? (char *)(uintptr_t)owner : NULL;
	if (c->n_args > 1) {
		r.targets = c->args + 1;
		r.n_targets = (size_t)c->n_args - 1;
	}
	alias_print(&r, line);
}

int
cmd_alias_set(struct ctl *c)
{
	struct buf name = BUF_INIT(ADDRESS_MAX), line = BUF_INIT(0),
	    why = BUF_INIT(0);
	struct row *old = NULL;
	struct set s;
	int r;

	if (c->n_args == 1 && c->opt[OPT_ALIAS_OWNER] == NULL)
		return ctl_fail(CTL_USAGE, _("what is to change: targets, or "
		    "--owner"));
	if (table_open(c, &s, 1) == -1)
		return CTL_REFUSED;
	r = table_aliases.key(c->args[0], strlen(c->args[0]), &name, &why);
	if (r == 0)
		old = text_find(&s.t[TEXT_ALIASES], buf_str(&name));
	if (r == 0 && old == NULL) {
		buf_set(&why, _("%s: not in %s"), buf_str(&name),
		    table_aliases.file);
		r = -1;
	}
	if (r == 0) {
		alias_line(c, old, &line);
		r = text_change(&s.t[TEXT_ALIASES], &old, buf_str(&line),
		    &why);
	}
	buf_clear(&name);
	buf_clear(&line);
	return table_end(c, &s, r, &why, 1);
}

int
cmd_alias_del(struct ctl *c)
{
	return table_del(c, TEXT_ALIASES, c->args[0]);
}

int
cmd_alias_list(struct ctl *c)
{
	const struct row *r;
	struct out o;
	struct set s;
	size_t i = 0;

	if (table_open(c, &s, 0) == -1)
		return CTL_REFUSED;
	out_init(&o, stdout, c->json);
	out_name(&o, "alias", 5);
	out_name(&o, "targets", 7);
	out_name(&o, "owner", 5);
	while ((r = text_next(&s.t[TEXT_ALIASES], &i)) != NULL) {
		if (!admin_may(c->admin, r->key))
			continue;
		out_text(&o, r->key);
		out_list(&o, r->targets, r->n_targets);
		if (r->owner != NULL)
			out_text(&o, r->owner);
		else
			out_null(&o);
	}
	return table_listed(&s, &o);
}
