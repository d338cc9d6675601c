/*
 * The user ids of sessions: each is lent to one process. A session process
 * cannot fork (RLIMIT_NPROC), so a uid is free once its process was reaped;
 * the one given back longest ago is lent first.
 */
#ifndef MASTER_MASTER_SLOTS_H
#define MASTER_MASTER_SLOTS_H

#include <stdint.h>

#include "lib/base/attr.h"

struct slots {
	uint32_t *free;		/* a ring of uids */
	uint32_t first, size, head, n;
};

void	slots_init(struct slots *s, uint32_t first, uint32_t last);
void	slots_clear(struct slots *s);
/* A uid; 0 when all are lent. */
uint32_t slots_take(struct slots *s) ATTR_CHECK;
/* Panics on a uid that is not of the range or more than were lent. */
void	slots_give(struct slots *s, uint32_t uid);

#endif
