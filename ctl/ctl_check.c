#include "config.h"

#include <string.h>

#include "ctl/ctl_set.h"

/*
 * Walks follow aliases to the accounts behind them. mark holds the number of
 * the walk that met a row, so that each row is met once and a walk costs no
 * more than there are lines.
 */
struct walk {
	struct set *set;
	unsigned number;
	int	 trouble, reached;
	void	(*account)(struct row *, void *);
	void	*arg;
	const struct row *path[ALIAS_DEPTH];
};

static void
walk(struct walk *w, struct row *alias, unsigned depth)
{
	struct row *next;
	unsigned d;
	size_t i;

	for (d = 0; d < depth; d++)
		w->trouble |= w->path[d] == alias;
	if (alias->mark == w->number)
		return;
	if (depth == ALIAS_DEPTH) {
		w->trouble = 1;
		return;
	}
	alias->mark = w->number;
	w->path[depth] = alias;
	for (i = 0; i < alias->n_targets; i++) {
		switch (set_find(w->set, alias->targets[i], &next)) {
		case SET_ACCOUNT:
			w->reached = 1;
			if (next->mark != w->number)
				w->account(next, w->arg);
			next->mark = w->number;
			break;
		case SET_ALIAS:
			walk(w, next, depth + 1);
			break;
		default:
			/* Nobody is a fault of its own. */
			w->reached = 1;
			break;
		}
	}
}

enum set_way
set_walk(struct set *s, struct row *alias,
    void (*account)(struct row *, void *), void *arg)
{
	static unsigned number;
	struct walk w = { .set = s, .number = ++number, .account = account,
		.arg = arg };

	walk(&w, alias, 0);
	return !w.trouble ? SET_STRAIGHT : w.reached ? SET_TANGLED : SET_LOST;
}

static int
check_domains(struct set *s, struct buf *why)
{
	const struct row *r, *target;
	size_t i = 0;
	int bad = 0;

	while ((r = text_next(&s->t[TEXT_DOMAINS], &i)) != NULL) {
		if (r->value == NULL)
			continue;
		target = text_find(&s->t[TEXT_DOMAINS], r->value);
		if (target != NULL && target->value == NULL)
			continue;
		text_complain(s->dir, TEXT_DOMAINS, r->line, why,
		    target == NULL ? "%s: alias of %s, which is not there" :
		    "%s: alias of %s, which is an alias itself", r->key,
		    r->value);
		bad = -1;
	}
	return bad;
}

/* The domain of an account or alias must be ours, and no alias domain. */
static int
check_place(struct set *s, enum text_id id, const struct row *r,
    struct buf *why)
{
	const char *at = strrchr(r->key, '@');
	const struct row *domain;

	if (at == NULL)
		return 0;
	domain = text_find(&s->t[TEXT_DOMAINS], at + 1);
	if (domain == NULL)
		text_complain(s->dir, id, r->line, why,
		    "%s: domain %s is not in domains", r->key, at + 1);
	else if (domain->value != NULL)
		text_complain(s->dir, id, r->line, why,
		    "%s: %s is an alias of %s; use that domain", r->key,
		    at + 1, domain->value);
	return domain == NULL || domain->value != NULL ? -1 : 0;
}

static int
check_users(struct set *s, struct buf *why, struct buf *warn)
{
	const struct row *r;
	size_t i = 0;
	int bad = 0;

	while ((r = text_next(&s->t[TEXT_USERS], &i)) != NULL) {
		if (check_place(s, TEXT_USERS, r, why) == -1)
			bad = -1;
		if (text_find(&s->t[TEXT_PASSWD], r->key) == NULL)
			text_complain(s->dir, TEXT_USERS, r->line, warn,
			    "%s has no password and cannot log in", r->key);
	}
	i = 0;
	while ((r = text_next(&s->t[TEXT_PASSWD], &i)) != NULL) {
		if (text_find(&s->t[TEXT_USERS], r->key) == NULL)
			text_complain(s->dir, TEXT_PASSWD, r->line, warn,
			    "%s is not in users", r->key);
	}
	return bad;
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
		text_complain(s->dir, TEXT_ALIASES, r->line, why,
		    "%s leads to %s, which is nobody", r->key, r->targets[i]);
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
		text_complain(s->dir, TEXT_ALIASES, r->line,
		    way == SET_LOST ? why : warn, "%s leads to itself or "
		    "through more than %d aliases%s", r->key, ALIAS_DEPTH,
		    way == SET_LOST ? ", and to nobody else" : "");
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
		if (check_place(s, TEXT_ALIASES, r, why) == -1)
			bad = -1;
		user = text_find(&s->t[TEXT_USERS], r->key);
		if (user != NULL) {
			text_complain(s->dir, TEXT_ALIASES, r->line, why,
			    "%s is an account (users:%u)", r->key, user->line);
			bad = -1;
		}
		if (check_targets(s, r, why) == -1)
			bad = -1;
		if (check_way(s, r, why, warn) == -1)
			bad = -1;
	}
	return bad;
}

int
set_check(struct set *s, struct buf *why, struct buf *warn)
{
	int bad = 0;

	buf_reset(why);
	buf_reset(warn);
	bad |= check_domains(s, why);
	bad |= check_users(s, why, warn);
	bad |= check_aliases(s, why, warn);
	if (text_find(&s->t[TEXT_ALIASES], "postmaster") == NULL)
		text_complain(s->dir, TEXT_ALIASES, 0, warn,
		    "no \"postmaster = ADDRESS\": the first account gets "
		    "that mail");
	return bad;
}
