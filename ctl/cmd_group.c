/*
 * group add, del, set, member, list.
 */
#include "config.h"

#include <string.h>

#include "ctl/cmd_table.h"
#include "ctl/commands.h"
#include "ctl/ctl_name.h"
#include "ctl/ctl_out.h"
#include "ctl/ctl_util.h"
#include "ctl/table_groups.h"
#include "lib/base/words.h"
#include "lib/mail/limits.h"

/* NAME [KEY=VALUE | ADDRESS]... */
int
cmd_group_add(struct ctl *c)
{
	struct buf line = BUF_INIT(0), members = BUF_INIT(0),
	    why = BUF_INIT(0);
	struct set s;
	int i, r;

	if (table_open(c, &s, 1) == -1)
		return CTL_REFUSED;
	buf_puts(&line, c->args[0]);
	for (i = 1; i < c->n_args; i++)
		buf_printf(strchr(c->args[i], '@') != NULL ? &members : &line,
		    " %s", c->args[i]);
	buf_printf(&line, " :%s", buf_str(&members));
	r = text_add(&s.t[TEXT_GROUPS], buf_str(&line), &why);
	buf_clear(&line);
	buf_clear(&members);
	return table_end(c, &s, r, &why, 1);
}

int
cmd_group_del(struct ctl *c)
{
	return table_del(c, TEXT_GROUPS, c->args[0]);
}

/* Finds the group of the first argument. 0, or -1 with why. */
static int
find_group(struct ctl *c, struct set *s, struct row **r, struct buf *why)
{
	struct buf name = BUF_INIT(GROUP_NAME_MAX);
	int ok = table_groups.key(c->args[0], strlen(c->args[0]), &name, why);

	*r = NULL;
	if (ok == 0)
		*r = text_find(&s->t[TEXT_GROUPS], buf_str(&name));
	if (ok == 0 && *r == NULL)
		buf_set(why, _("%s: not in groups"), buf_str(&name));
	buf_clear(&name);
	return *r == NULL ? -1 : 0;
}

int
cmd_group_set(struct ctl *c)
{
	struct buf why = BUF_INIT(0);
	struct row *g;
	struct set s;
	int r;

	if (table_open(c, &s, 1) == -1)
		return CTL_REFUSED;
	r = find_group(c, &s, &g, &why);
	if (r == 0)
		r = row_grants(c->args + 1, c->n_args - 1,
		    &g->grants, &why);
	if (r == 0)
		r = group_change(&s, &g, NULL, "", &why);
	return table_end(c, &s, r, &why, 1);
}

/* One member more, in the line; or one less, in the row. 0, or -1 with why. */
static int
change_member(const struct row *g, const char *arg, int add, struct buf *line,
    struct buf *name, struct buf *why)
{
	buf_reset(name);
	if (name_address(arg, strlen(arg), NAME_ACCOUNT, name, why) == -1)
		return -1;
	if (group_has(g, buf_str(name)) == add) {
		buf_set(why, add ? _("%s is in %s already") :
		    _("%s is not in %s"), buf_str(name), g->key);
		return -1;
	}
	if (add)
		buf_printf(line, " %s", buf_str(name));
	return 0;
}

/* NAME add|del ADDRESS... */
int
cmd_group_member(struct ctl *c)
{
	struct buf name = BUF_INIT(ADDRESS_MAX), line = BUF_INIT(0),
	    why = BUF_INIT(0);
	int add = strcmp(c->args[1], "add") == 0, i, r;
	struct row *g;
	struct set s;

	if (!add && strcmp(c->args[1], "del") != 0)
		return ctl_fail(CTL_USAGE, _("%s: neither add nor del"),
		    c->args[1]);
	if (table_open(c, &s, 1) == -1)
		return CTL_REFUSED;
	r = find_group(c, &s, &g, &why);
	for (i = 2; r == 0 && i < c->n_args; i++) {
		buf_reset(&line);
		r = change_member(g, c->args[i], add, &line, &name, &why);
		if (r == 0)
			r = group_change(&s, &g, add ? NULL : buf_str(&name),
			    buf_str(&line), &why);
	}
	buf_clear(&name);
	buf_clear(&line);
	return table_end(c, &s, r, &why, 1);
}

int
cmd_group_list(struct ctl *c)
{
	struct buf packed = BUF_INIT(0);
	const struct row *r;
	struct out o;
	struct set s;
	size_t i = 0, k;

	if (table_open(c, &s, 0) == -1)
		return CTL_REFUSED;
	out_init(&o, stdout, c->json);
	out_name(&o, "group", 5);
	out_name(&o, "grants", 6);
	out_name(&o, "members", 7);
	while ((r = text_next(&s.t[TEXT_GROUPS], &i)) != NULL) {
		out_text(&o, r->key);
		buf_reset(&packed);
		grants_pack(&r->grants, &packed);
		out_texts(&o, &packed);
		buf_reset(&packed);
		for (k = 0; k < r->n_targets; k++)
			buf_put_lv(&packed, r->targets[k],
			    strlen(r->targets[k]));
		out_texts(&o, &packed);
	}
	buf_clear(&packed);
	return table_listed(&s, &o);
}
