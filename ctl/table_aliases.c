#include "config.h"

#include <stdio.h>
#include <string.h>

#include "ctl/ctl_check.h"
#include "ctl/ctl_compile.h"
#include "ctl/ctl_name.h"
#include "ctl/ctl_set.h"
#include "lib/base/mem.h"
#include "lib/base/words.h"
#include "lib/mail/limits.h"

static int
add_target(const char *p, size_t len, struct row *r, struct buf *why)
{
	struct buf name = BUF_INIT(ADDRESS_MAX);

	name_trim(&p, &len);
	if (len == 0) {
		buf_set(why, _("a target is missing"));
		return -1;
	}
	if (r->n_targets == RECIPIENTS_MAX) {
		buf_set(why, _("more than %d targets"), RECIPIENTS_MAX);
		return -1;
	}
	if (name_address(p, len, NAME_TARGET, &name, why) == -1) {
		buf_clear(&name);
		return -1;
	}
	r->targets = mem_realloc(r->targets, r->n_targets + 1,
	    sizeof(*r->targets));
	r->targets[r->n_targets++] = row_take(&name);
	return 0;
}

/* ( address | prefix "*@" domain | "@" domain | "postmaster" | "abuse" ) "=" 1#target */
static int
parse_alias(const char *p, size_t len, struct row *r, struct buf *why)
{
	struct buf name = BUF_INIT(ADDRESS_MAX);
	const char *right, *comma;
	size_t left, rlen, n;
	int ok;

	if (!row_split(p, len, '=', &left, &right, &rlen)) {
		buf_set(why, _("expected \"address = target, ...\""));
		return -1;
	}
	ok = name_address(p, left, NAME_ALIAS, &name, why);
	r->key = row_take(&name);
	while (ok == 0) {
		comma = memchr(right, ',', rlen);
		n = comma == NULL ? rlen : (size_t)(comma - right);
		ok = add_target(right, n, r, why);
		if (comma == NULL)
			break;
		right += n + 1;
		rlen -= n + 1;
	}
	return ok;
}

static int
alias_key(const char *p, size_t len, struct buf *out, struct buf *why)
{
	return name_address(p, len, NAME_ALIAS, out, why);
}

static int
check_targets(struct set *s, const struct row *r, struct buf *why)
{
	struct row *found;
	size_t i;
	int bad = 0;

	for (i = 0; i < r->n_targets; i++) {
		if (set_find(s, r->targets[i], &found) != SET_NOBODY)
			continue;
		text_complain(s->dir, &s->t[TEXT_ALIASES], r->line, why,
		    _("%s leads to %s, which is nobody"), r->key,
		    r->targets[i]);
		bad = -1;
	}
	return bad;
}

static void
ignore(struct row *r, void *arg)
{
	(void)r;
	(void)arg;
}

/* Mail for an alias that reaches nobody would be taken and sent back. */
static int
check_way(struct set *s, struct row *r, struct buf *why, struct buf *warn)
{
	enum set_way way = set_walk(s, r, ignore, NULL);

	if (way != SET_STRAIGHT)
		text_complain(s->dir, &s->t[TEXT_ALIASES], r->line,
		    way == SET_LOST ? why : warn, way == SET_LOST ?
		    _("%s leads to itself or through more than %d aliases, "
		    "and to nobody else") : _("%s leads to itself or through "
		    "more than %d aliases"), r->key, ALIAS_DEPTH);
	return way == SET_LOST ? -1 : 0;
}

static int
check_aliases(struct set *s, struct buf *why, struct buf *warn)
{
	const struct row *user;
	struct row *r;
	size_t i = 0;
	int bad = 0;

	while ((r = text_next(&s->t[TEXT_ALIASES], &i)) != NULL) {
		if (set_check_place(s, TEXT_ALIASES, r, why) == -1)
			bad = -1;
		user = text_find(&s->t[TEXT_USERS], r->key);
		if (user != NULL) {
			text_complain(s->dir, &s->t[TEXT_ALIASES], r->line, why,
			    _("%s is an account (users:%u)"), r->key,
			    user->line);
			bad = -1;
		}
		if (check_targets(s, r, why) == -1)
			bad = -1;
		if (check_way(s, r, why, warn) == -1)
			bad = -1;
	}
	if (text_find(&s->t[TEXT_ALIASES], "postmaster") == NULL)
		text_complain(s->dir, &s->t[TEXT_ALIASES], 0, warn,
		    _("no \"postmaster = ADDRESS\": the first account gets "
		    "that mail"));
	return bad;
}

/* For put_owner: the address whose owners are written. */
struct owned {
	struct compile *compile;
	const char *address;
};

static void
put_owner(struct row *user, void *arg)
{
	struct owned *o = arg;

	compile_owner(o->compile, o->address, user);
}

static void
put_alias(struct set *s, struct compile *c, const char *name,
    struct row *r)
{
	struct owned o = { .compile = c, .address = name };
	size_t i;

	compile_key(c, 'a', name);
	for (i = 0; i < r->n_targets; i++)
		buf_put_lv(&c->value, r->targets[i], strlen(r->targets[i]));
	compile_put(c);
	(void)set_walk(s, r, put_owner, &o);
}

/*
 * RFC 5321 4.5.1 and RFC 2142: postmaster and abuse reach somebody at every
 * domain. What the operator wrote for one domain wins; then the line without
 * a domain; then, for abuse, postmaster; then the first account.
 */
static void
put_roles(struct set *s, struct compile *c)
{
	static const char *const roles[] = { "postmaster", "abuse" };
	struct row fallback = { .n_targets = 1 }, *r, *any, *dummy;
	char name[ADDRESS_MAX + 1];
	size_t i, k, u = 0;

	any = text_find(&s->t[TEXT_ALIASES], roles[0]);
	r = text_next(&s->t[TEXT_USERS], &u);
	if (any == NULL && r != NULL) {
		fallback.targets = &r->key;
		any = &fallback;
	}
	for (k = 0; k < 2; k++) {
		r = text_find(&s->t[TEXT_ALIASES], roles[k]);
		if (r == NULL)
			r = any;
		if (r == NULL)
			return;
		put_alias(s, c, roles[k], r);
		for (i = 0; (dummy = text_next(&s->t[TEXT_DOMAINS],
		    &i)) != NULL;) {
			snprintf(name, sizeof(name), "%s@%s", roles[k],
			    dummy->key);
			if (dummy->value == NULL &&
			    text_find(&s->t[TEXT_USERS], name) == NULL &&
			    text_find(&s->t[TEXT_ALIASES], name) == NULL)
				put_alias(s, c, name, r);
		}
	}
}

/* The octets of a wildcard before its "*"; 0: it is none. */
static size_t
prefix_length(const char *key)
{
	const char *at = strchr(key, '@');

	return at != NULL && at - key > 1 && at[-1] == '*' ?
	    (size_t)(at - key) - 1 : 0;
}

static void
put_lengths(struct set *s, struct compile *c)
{
	char used[LOCAL_PART_MAX + 1] = "";
	size_t i = 0, n;
	struct row *r;

	while ((r = text_next(&s->t[TEXT_ALIASES], &i)) != NULL)
		used[prefix_length(r->key)] = 1;
	for (n = LOCAL_PART_MAX; n > 0; n--)
		if (used[n])
			buf_putc(&c->value, (char)n);
	if (c->value.len == 0)
		return;
	compile_key(c, 'w', "");
	compile_put(c);
}

static void
compile_aliases(struct set *s, struct compile *c)
{
	struct row *r;
	size_t i = 0;

	while ((r = text_next(&s->t[TEXT_ALIASES], &i)) != NULL) {
		if (strchr(r->key, '@') != NULL)
			put_alias(s, c, r->key, r);
	}
	put_roles(s, c);
	put_lengths(s, c);
}

const struct table table_aliases = {
	.file = "aliases",
	.mode = 0644,
	.cdb = TABLE_JAIL,
	.parse = parse_alias,
	.key = alias_key,
	.check = check_aliases,
	.compile = compile_aliases,
};
