/*
 * An engine for the tests: sorted rows in memory, a log that is written when
 * engine_durable asks for it, and faults by order. It is linked in place of
 * engine_bdb.c: what passes with both knows nothing of either.
 */
#ifndef TESTS_STORE_ENGINE_MEM_H
#define TESTS_STORE_ENGINE_MEM_H

#include <stdatomic.h>

#include "store/engine.h"

/* Shared with the child of a rig. Each fault counts down and comes at 1. */
struct engine_mem {
	atomic_int commit_at;	/* a batch with rows of a mailbox ... */
	atomic_int commit_how;	/* ... fails so (enum engine_result) */
	atomic_int get_at, scan_at, last_at;	/* ENGINE_LATER, of CORE */
	atomic_int durable_lost;	/* 1: it is lost, once */
	atomic_int durable_us;	/* how long a commit waits for its word */
	atomic_int room;		/* enum engine_room */
	atomic_int commits, gets, scans, lasts;	/* so many there were */
};
extern struct engine_mem *engine_mem;	/* NULL: no faults */

/* Maps it. */
void	engine_mem_faults(void);

#endif
