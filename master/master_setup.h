/*
 * What has to be there before the first program.
 */
#ifndef MASTER_MASTER_SETUP_H
#define MASTER_MASTER_SETUP_H

#include "lib/base/buf.h"

/* 0, or -1 with why. */
int	setup_descriptors(struct buf *why) ATTR_CHECK;
int	setup_directories(struct buf *why) ATTR_CHECK;
int	setup_lock(struct buf *why) ATTR_CHECK;
/* state_dir/name, static: good until the next call. */
const char *setup_path(const char *name);

#endif
