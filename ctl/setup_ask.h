/*
 * The questions of rohrpost setup.
 */
#ifndef CTL_SETUP_ASK_H
#define CTL_SETUP_ASK_H

#include "ctl/ctl_answers.h"

/*
 * Asks at the terminal; each answer is judged at once (setup_judge.h) and asked
 * for again. 0, or -1 with why: the input has ended.
 */
int	setup_ask(struct answers *as, const char *dir, struct buf *why)
	    ATTR_CHECK;

#endif
