/*
 * A lane: one thread that does what would make the loop wait (a flush, making
 * files, sweeping), one task after the other, in the order they were given.
 *
 * The task's run is called in the lane's thread, then its done in the loop's.
 * A task belongs to who gave it; it is theirs again when done is called.
 * run touches nothing but its task.
 */
#ifndef QUEUE_QUEUE_LANE_H
#define QUEUE_QUEUE_LANE_H

#include <ev.h>

struct task {
	void	(*run)(struct task *);
	void	(*done)(struct task *);
	struct task *next;
};

struct lane;

/* name: the thread's, for top and perf. */
struct lane *lane_new(struct ev_loop *loop, const char *name);
/* Waits for the task that runs; what waits behind it is not run. */
void	lane_free(struct lane **l);
void	lane_put(struct lane *l, struct task *t);

#endif
