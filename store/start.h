/*
 * The program but for its options: what main.c's hooks call, and tests too.
 */
#ifndef STORE_START_H
#define STORE_START_H

#include <ev.h>

#include "lib/base/buf.h"
#include "lib/base/peer.h"

/*
 * Opens mail folder and index below store.conf.state_dir. 0; -1 with why; -2
 * with why: one of them is of a later version, and was left as it is.
 */
int	start_open(struct buf *why) ATTR_CHECK;

#endif
