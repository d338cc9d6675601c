/*
 * A new configuration: every program checks it, then all are told.
 */
#ifndef MASTER_MASTER_RELOAD_H
#define MASTER_MASTER_RELOAD_H

#include "lib/base/buf.h"

/* Called once: status enum c_status and words. */
typedef void reload_done(void *arg, int status, const char *words);
void	reload_begin(reload_done *done, void *arg);
/* At the start: checks with every program, before anything runs. 0, or -1. */
int	reload_check_now(struct buf *why) ATTR_CHECK;

#endif
