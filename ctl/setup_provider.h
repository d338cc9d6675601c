/*
 * The provider's part of setup's conversation: its outgoing server, tried at
 * once, and the login there.
 */
#ifndef CTL_SETUP_PROVIDER_H
#define CTL_SETUP_PROVIDER_H

#include "ctl/setup_talk.h"

/* Asks for host, login and password. 0, or -1 with why. */
int	ask_provider(struct talk *t) ATTR_CHECK;

#endif
