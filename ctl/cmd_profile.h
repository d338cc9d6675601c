/*
 * What other commands say of the profile.
 */
#ifndef CTL_CMD_PROFILE_H
#define CTL_CMD_PROFILE_H

#include "ctl/ctl.h"

/*
 * Warns of a profile that cannot do its work: collector, which has no account
 * to collect from. After ctl_load.
 */
void	profile_warn(struct ctl *c);

#endif
