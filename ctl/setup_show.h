/*
 * What setup is about to change, for the operator to see before it is saved.
 */
#ifndef CTL_SETUP_SHOW_H
#define CTL_SETUP_SHOW_H

#include "ctl/setup.h"

/*
 * Appends each file that changes: one that is new whole, one that is there as
 * a unified diff; of secrets only what they are for. How many there are; 0:
 * there is nothing to change.
 */
size_t	setup_changes(struct setup *s, struct buf *out);

#endif
