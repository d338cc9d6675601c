#include "config.h"

#include <string.h>

#include "ctl/ctl_granted.h"
#include "ctl/ctl_name.h"
#include "ctl/ctl_set.h"
#include "ctl/table_groups.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/base/words.h"
#include "lib/mail/limits.h"

static int
group_key(const char *p, size_t len, struct buf *out, struct buf *why)
{
	size_t i;

	for (i = 0; i < len; i++)
		if ((str_lower(p[i]) < 'a' || str_lower(p[i]) > 'z') &&
		    (i == 0 || strchr("-_.0123456789", p[i]) == NULL))
			break;
	if (len == 0 || len > GROUP_NAME_MAX || i < len) {
		buf_set(why, _("%.*s: not a group's name (a letter, then "
		    "letters, digits, \"-\", \"_\" and \".\", %d at most)"),
		    (int)(len > 80 ? 80 : len), p, GROUP_NAME_MAX);
		return -1;
	}
	if (buf_append(out, p, len) == -1)
		return -1;
	str_tolower(out->data + out->len - len, len);
	return 0;
}

static int
add_member(const char *p, size_t len, struct row *r, struct buf *why)
{
	struct buf name = BUF_INIT(ADDRESS_MAX);

	if (name_address(p, len, NAME_ACCOUNT, &name, why) == -1) {
		buf_clear(&name);
		return -1;
	}
	r->targets = mem_realloc(r->targets, r->n_targets + 1,
	    sizeof(*r->targets));
	r->targets[r->n_targets++] = row_take(&name);
	return 0;
}

static int
add_grant(const char *p, size_t len, struct row *r, struct buf *why)
{
	int found = grants_parse(p, len, &r->grants, why);

	if (found == 0)
		row_unknown(p, len, NULL, why);
	return found == 1 ? 0 : -1;
}

/* name *( grant ) ":" *( address ) */
static int
parse_group(const char *p, size_t len, struct row *r, struct buf *why)
{
	struct buf name = BUF_INIT(GROUP_NAME_MAX);
	const char *word, *right;
	size_t left, rlen, n;
	int ok;

	if (!row_split(p, len, ':', &left, &right, &rlen)) {
		buf_set(why, _("expected \"name key=value ... : address ...\""));
		return -1;
	}
	word = row_word(&p, &left, &n);
	ok = group_key(word, n, &name, why);
	r->key = row_take(&name);
	while (ok == 0 && (word = row_word(&p, &left, &n), n > 0))
		ok = add_grant(word, n, r, why);
	while (ok == 0 && (word = row_word(&right, &rlen, &n), n > 0))
		ok = add_member(word, n, r, why);
	return ok;
}

static int
check_groups(struct set *s, struct buf *why, struct buf *warn)
{
	const struct row *r;
	size_t i = 0, k;
	int bad = 0;

	while ((r = text_next(&s->t[TEXT_GROUPS], &i)) != NULL) {
		for (k = 0; k < r->n_targets; k++) {
			if (text_find(&s->t[TEXT_USERS], r->targets[k]) !=
			    NULL)
				continue;
			text_complain(s->dir, &s->t[TEXT_GROUPS], r->line, why,
			    _("%s: %s is no account"), r->key, r->targets[k]);
			bad = -1;
		}
	}
	set_join(s);
	return bad;
}

static void
compile_groups(struct set *s, struct compile *c)
{
	/* What groups say is in the records of accounts. */
	(void)s;
	(void)c;
}

int
group_has(const struct row *r, const char *account)
{
	size_t i;

	for (i = 0; i < r->n_targets; i++)
		if (strcmp(r->targets[i], account) == 0)
			return 1;
	return 0;
}

int
group_change(struct set *s, struct row **r, const char *without,
    const char *more, struct buf *why)
{
	struct text *t = &s->t[TEXT_GROUPS];
	struct buf line = BUF_INIT(0);
	size_t i;
	int ok;

	buf_puts(&line, (*r)->key);
	grants_print(&(*r)->grants, &line);
	buf_puts(&line, " :");
	for (i = 0; i < (*r)->n_targets; i++)
		if (without == NULL ||
		    strcmp((*r)->targets[i], without) != 0)
			buf_printf(&line, " %s", (*r)->targets[i]);
	buf_puts(&line, more);
	ok = text_change(t, r, buf_str(&line), why);
	buf_clear(&line);
	return ok;
}

int
groups_replace(struct set *s, const char *account, const char *other,
    struct buf *why)
{
	struct buf more = BUF_INIT(0);
	struct row *r;
	size_t i = 0;
	int ok = 0;

	if (other != NULL)
		buf_printf(&more, " %s", other);
	while (ok == 0 && (r = text_next(&s->t[TEXT_GROUPS], &i)) != NULL)
		if (group_has(r, account))
			ok = group_change(s, &r, account, buf_str(&more), why);
	buf_clear(&more);
	return ok;
}

const struct table table_groups = {
	.file = "groups",
	.mode = 0644,
	.cdb = TABLE_JAIL,
	.parse = parse_group,
	.key = group_key,
	.check = check_groups,
	.compile = compile_groups,
};
