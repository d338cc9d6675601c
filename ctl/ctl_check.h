/*
 * Checks of the text tables against each other.
 *
 * DIAGNOSTICS: as ctl_set.h.
 */
#ifndef CTL_CHECK_H
#define CTL_CHECK_H

#include "ctl/ctl_set.h"

/* Checks across tables. 0, or -1 with why. Warnings are added to warn. */
int	set_check(struct set *s, struct buf *why, struct buf *warn)
	    ATTR_CHECK;
/*
 * For the checks of tables: the domain of a row's address must be ours. At an
 * alias domain single addresses alone have lines of their own, which is noted
 * there.
 */
int	set_check_place(struct set *s, enum text_id id, const struct row *r,
	    struct buf *why) ATTR_CHECK;

/* What following an alias met. */
enum set_way {
	SET_STRAIGHT,
	SET_TANGLED,		/* a loop, or more than ALIAS_DEPTH in a row */
	SET_LOST,		/* that, and nobody here or elsewhere */
};
/*
 * Calls account for each account that the alias leads to, directly or through
 * other aliases, once each.
 */
enum set_way set_walk(struct set *s, struct row *alias,
	    void (*account)(struct row *user, void *arg), void *arg);

#endif
