#include "config.h"

#include <string.h>

#include "ctl/ctl_check.h"
#include "ctl/ctl_pam.h"
#include "lib/base/words.h"

/*
 * Walks follow aliases to the accounts behind them. mark holds the number of
 * the walk that met a row, so that each row is met once and a walk costs no
 * more than there are lines.
 */
struct alias_walk {
	struct set *set;
	unsigned number;
	int	 trouble, reached;
	void	(*account)(struct row *, void *);
	void	*arg;
	const struct row *path[ALIAS_DEPTH];
};

static void
walk(struct alias_walk *w, struct row *alias, unsigned depth)
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
	struct alias_walk w = { .set = s, .number = ++number,
		.account = account, .arg = arg };

	walk(&w, alias, 0);
	return !w.trouble ? SET_STRAIGHT : w.reached ? SET_TANGLED : SET_LOST;
}

int
set_check_place(struct set *s, enum text_id id, const struct row *r,
    struct buf *why)
{
	const char *at = strrchr(r->key, '@');
	const struct row *domain;

	if (at == NULL)
		return 0;
	domain = text_find(&s->t[TEXT_DOMAINS], at + 1);
	if (domain == NULL)
		text_complain(s->dir, &s->t[id], r->line, why,
		    _("%s: domain %s is not in domains"), r->key, at + 1);
	else if (domain->value != NULL && (at == r->key || at[-1] == '*')) {
		text_complain(s->dir, &s->t[id], r->line, why,
		    _("%s: %s is an alias of %s; use that domain"), r->key,
		    at + 1, domain->value);
		return -1;
	}
	if (domain != NULL && domain->value != NULL)
		text_find(&s->t[TEXT_DOMAINS], at + 1)->own_lines = 1;
	return domain == NULL ? -1 : 0;
}

int
set_check(struct set *s, struct buf *why, struct buf *warn)
{
	int i, bad;

	buf_reset(why);
	buf_reset(warn);
	bad = pam_mark(s, why, warn);
	for (i = 0; i < TEXT_COUNT; i++)
		bad |= s->t[i].table->check(s, why, warn);
	return bad;
}
