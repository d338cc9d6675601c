/*
 * rohrpost of a user who is not the operator: what he may do as one who
 * administers a domain goes to the suite (run/admin), which runs it.
 */
#ifndef CTL_ADMIN_ASK_H
#define CTL_ADMIN_ASK_H

#include "ctl/ctl.h"

enum { ADMIN_ASK_NOT = -1 };	/* it runs here */

/*
 * The command, its options and arguments taken into c, and its n words behind
 * its name. The exit status; or ADMIN_ASK_NOT, where it is the operator's to run
 * and where the suite is not there.
 */
int	admin_ask(struct ctl *c, const struct ctl_command *cmd, int n,
	    char **words);

#endif
