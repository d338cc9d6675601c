/*
 * The end of setup: what there is now, what is still to be done outside of this
 * machine, and a test mail.
 */
#ifndef CTL_SETUP_END_H
#define CTL_SETUP_END_H

#include "ctl/setup.h"

/* Tells it on standard output; after setup has written. 0, or -1 (said). */
int	setup_tell(struct setup *s) ATTR_CHECK;
/*
 * Starts the suite unless it runs, and sends a test mail from the first user
 * that was answered with a password, to himself and to elsewhere: to the answer
 * test_address, or to himself at the provider. The exit status.
 */
int	setup_try(struct setup *s);

/* Says what keeps new keys of DKIM from signing. */
void	setup_tell_dkim(const struct setup *s);

#endif
