/*
 * Jumps of the wall clock while queue runs, seen by the clock that only grows:
 * a clock that is set ahead makes no message older. What came before the jump
 * is as old as it would be without it, as long as queue runs or until the clock
 * is set back.
 *
 * Pure bookkeeping. All zero is a clock that was never looked at.
 */
#ifndef QUEUE_QUEUE_JUMP_H
#define QUEUE_QUEUE_JUMP_H

#include <stdint.h>

enum { JUMP_MIN = 60 };	/* seconds: less is a clock that is put right */

struct jump {
	int64_t	 wall, mono;	/* the last look: seconds, ms */
	int64_t	 at;		/* wall clock before the first jump ahead */
	uint64_t by;		/* seconds ahead since; 0: none */
};

/* A look at both clocks, once a minute at least. True: it was set back. */
int	jump_watch(struct jump *j, int64_t wall, int64_t mono_ms);
/* The age, in seconds at the last look, of what came at that time. */
uint64_t jump_age(const struct jump *j, uint64_t time);

#endif
