/*
 * What a new rohrpost.conf says on a machine with little memory.
 */
#ifndef CTL_SETUP_SMALL_H
#define CTL_SETUP_SMALL_H

#include <stdint.h>

#include "ctl/ctl_conf.h"

enum { SETUP_SMALL_MB = 1000 };	/* a machine with less is small */

/*
 * bytes of memory has the machine: on a small one the pools of workers and the
 * index's cache are made such that all of them at work fit 512 MB, with room
 * for files and other programs (rohrpost(8), MEMORY). Else nothing changes.
 */
void	setup_small(struct conf_file *conf, uint64_t bytes);

#endif
