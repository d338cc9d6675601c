/*
 * Accounts of the host's own users: who is in the group pam_group has a mailbox,
 * NAME@pam_domain, with a row of users that stands in no file; where the operator
 * wrote a line for that address (a quota, "disabled"), that one. The compile
 * notes that PAM says whether a password is right (pam= of credential.h), unless
 * passwd has one for the address.
 *
 * NSS is asked when the tables are opened for an edit, so that each edit and
 * `rohrpost apply` take the members there are then. Where NSS cannot say now
 * nothing is changed: a user who is not known for a moment keeps his mailbox.
 */
#ifndef CTL_CTL_PAM_H
#define CTL_CTL_PAM_H

#include "ctl/ctl_set.h"

enum { PAM_MEMBERS_MAX = 100 * 1000 };

/* Asks NSS as dir/rohrpost.conf says. 0, or -1 with why. */
int	pam_load(struct set *s, const char *dir, struct buf *why) ATTR_CHECK;
/* Gives the members their rows, anew. 0, or -1 with why; set_check calls it. */
int	pam_mark(struct set *s, struct buf *why, struct buf *warn) ATTR_CHECK;
void	pam_clear(struct set *s);
/* Does PAM judge that account's password? */
int	pam_judges(const struct set *s, const struct row *user);
/* Refuses to remove an account that the group would bring back. 0, or -1. */
int	pam_may_del(const struct set *s, const struct row *user,
	    struct buf *why) ATTR_CHECK;

#endif
