/*
 * Who reads mail from where: the answer phones = yes | no.
 */
#ifndef CTL_SETUP_PHONES_H
#define CTL_SETUP_PHONES_H

#include "ctl/host_address.h"
#include "ctl/setup.h"

/*
 * yes: the ports for phones on the road (993, 465) are not left empty. no: on a
 * machine of the addresses l, public ones and private ones, mail programs
 * reach it by the private ones alone. What was answered for a listen_* itself
 * stays. 0, or -1 with why.
 */
int	setup_phones(struct setup *s, const struct host_addresses *l,
	    struct buf *why) ATTR_CHECK;

#endif
