/*
 * Set-up's question for an account at a provider that mail is collected from
 * (profile collector): its server and the login there, both tried at once.
 */
#ifndef CTL_SETUP_COLLECT_H
#define CTL_SETUP_COLLECT_H

#include "ctl/setup_talk.h"

/*
 * Asks for the server; for login and password where those of the outgoing server
 * do not work there. The answer "collect" is the account's line. Nothing is
 * asked where there are accounts. 0, or -1 with why.
 */
int	ask_collect(struct talk *t) ATTR_CHECK;

#endif
