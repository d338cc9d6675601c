#include "config.h"

#include <stdio.h>
#include <string.h>

#include "ctl/ctl_check.h"
#include "ctl/ctl_compile.h"
#include "ctl/ctl_name.h"
#include "ctl/ctl_set.h"
#include "ctl/table_aliases.h"
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

void
alias_name(const char **p, size_t *len)
{
	static const char owner[] = "owner";
	const size_t n = sizeof(owner) - 1;

	if (*len <= n + 1 || memcmp(*p + *len - n, owner, n) != 0 ||
	    strchr(" \t", (*p)[*len - n - 1]) == NULL)
		return;
	*len -= n;
	name_trim(p, len);
}

/* The word at *right, which gives way to what stands behind the next "=". */
static int
take_owner(struct row *r, const char **right, size_t *rlen, struct buf *why)
{
	struct buf name = BUF_INIT(ADDRESS_MAX);
	const char *word;
	size_t n;

	word = row_word(right, rlen, &n);
	name_trim(right, rlen);
	if (n == 0 || *rlen == 0 || **right != '=') {
		buf_set(why, _("expected \"address owner=address = target, "
		    "...\""));
		return -1;
	}
	(*right)++;
	(*rlen)--;
	if (name_address(word, n, NAME_TARGET, &name, why) == -1) {
		buf_clear(&name);
		return -1;
	}
	r->owner = row_take(&name);
	return 0;
}

/*
 * ( address | prefix "*@" domain | "@" domain | "postmaster" | "abuse" )
 * [ "owner=" address ] "=" 1#target
 */
static int
parse_alias(const char *p, size_t len, struct row *r, struct buf *why)
{
	struct buf name = BUF_INIT(ADDRESS_MAX);
	const char *right, *comma;
	size_t left, all, rlen, n;
	int ok;

	if (!row_split(p, len, '=', &left, &right, &rlen)) {
		buf_set(why, _("expected \"address = target, ...\""));
		return -1;
	}
	all = left;
	alias_name(&p, &left);
	ok = name_address(p, left, NAME_ALIAS, &name, why);
	r->key = row_take(&name);
	if (ok == 0 && left != all)
		ok = take_owner(r, &right, &rlen, why);
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

/*
 * Bounces go there with a null sender, so they end. An owner elsewhere is one
 * whose domain does not say that this server sends for it (SPF).
 */
static int
check_owner(struct set *s, const struct row *r, struct buf *why,
    struct buf *warn)
{
	struct row *found;
	enum set_place place;

	if (r->owner == NULL)
		return 0;
	place = set_find(s, r->owner, &found);
	if (place == SET_NOBODY)
		text_complain(s->dir, &s->t[TEXT_ALIASES], r->line, why,
		    _("the owner of %s is %s, which is nobody"), r->key,
		    r->owner);
	else if (place == SET_ALIAS && found == r)
		text_complain(s->dir, &s->t[TEXT_ALIASES], r->line, why,
		    _("%s owns itself: its members would get the bounces"),
		    r->key);
	else if (place == SET_REMOTE)
		text_complain(s->dir, &s->t[TEXT_ALIASES], r->line, warn,
		    _("the owner of %s is %s: servers elsewhere may refuse what "
		    "this one sends in the name of another domain (SPF)"),
		    r->key, r->owner);
	return place == SET_NOBODY || (place == SET_ALIAS && found == r) ?
	    -1 : 0;
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
		if (check_owner(s, r, why, warn) == -1)
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
	if (r->owner != NULL) {
		compile_key(c, 'e', name);
		buf_puts(&c->value, r->owner);
		compile_put(c);
	}
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

void
alias_print(const struct row *r, struct buf *out)
{
	size_t i;

	buf_puts(out, r->key);
	if (r->owner != NULL)
		buf_printf(out, " owner=%s", r->owner);
	buf_puts(out, " =");
	for (i = 0; i < r->n_targets; i++)
		buf_printf(out, "%s %s", i > 0 ? "," : "", r->targets[i]);
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
