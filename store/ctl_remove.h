/*
 * The end of an account's mail (rohrpost user del --mail), in a helper.
 */
#ifndef STORE_CTL_REMOVE_H
#define STORE_CTL_REMOVE_H

#include <stdint.h>

#include "lib/base/buf.h"

/*
 * Removes all mail of an account that the tables do not know any more:
 *
 *   1. its rows in the index, 'C' first; 'D' remains
 *   2. its folder goes out of sight (body_user_remove): that is the commit
 *   3. what is out of sight goes
 *
 * Before 2. all of its mail is there, and its index is made anew by who loads
 * it; a kill after it leaves what the next sweep removes. messages_r: how many
 * the index knew. 1; 0: there was nothing; -1 with why (without the name).
 */
int	remove_user(const char *name, uint32_t *messages_r, struct buf *why)
	    ATTR_CHECK;
/* Step 3, of all that is out of sight. What fails is said. */
void	remove_rest(void);

#endif
