/*
 * Jobs: a message and the targets of it that share a way, from waiting for a
 * worker to the answer. A job waits in the line of its destination (queue_dest)
 * or in the one for deliver, or a worker has it; queue_dispatch hands jobs to
 * workers, queue_worker hears what they answer.
 *
 * A job belongs to this module: it is freed by job_end, job_withdraw, and
 * where it is over with job_leave, job_detach and job_free.
 */
#ifndef QUEUE_QUEUE_JOB_H
#define QUEUE_QUEUE_JOB_H

#include <sys/queue.h>

#include "queue/queue.h"

enum {
	JOB_LOCAL_TARGETS = 500,
	JOB_REMOTE_TARGETS = 100,	/* RFC 5321 4.5.3.1.8 */
	JOB_BOUNCE_PART = 4,		/* a quarter of queue_active */
	JOB_SINGLES = 2,		/* times queue_active, with those */
};

struct dest;
struct worker;

/* What waits for relay: bounces come after all other mail. */
enum job_class {
	JOB_MAIL,
	JOB_BOUNCE,		/* the null sender: made by machines, here too */
	JOB_CLASSES
};

/* Parts of relay's workers (queue_dispatch.h). */
enum share {
	SHARE_KNOWN,		/* a destination with a recent success */
	SHARE_UNKNOWN,
	SHARE_BOUNCE,
	SHARES
};

struct queue_job {
	TAILQ_ENTRY(queue_job) in_line;
	struct message *m;	/* NULL: the answer is no longer wanted */
	struct dest *dest;	/* NULL: for deliver */
	struct worker *worker;	/* NULL: waiting */
	uint32_t id;		/* at the worker */
	uint32_t *index;	/* of the targets */
	size_t	 n, cap;
	uint8_t	 forwarded, reached, unreached;
	uint8_t	 class;		/* enum job_class */
	uint8_t	 share;		/* enum share, at a worker of relay */
};
TAILQ_HEAD(job_line, queue_job);

/* Once, before the loop. answered: m has no job any more. */
void	job_start(void (*answered)(struct message *m));

/* Of a message. */

/*
 * Where m has to stand because there is no room for a job of that target now,
 * or NULL. Mail for mailboxes and mail for elsewhere each have queue_active
 * jobs of their own, and of the latter each destination a part, and bounces.
 * A destination that has none may have one beyond that, up to JOB_SINGLES in
 * all, and one that took mail of late in any case.
 */
struct ready_line *job_full(const struct message *m, const struct target *t);
/* The first in one of these lines for which there is room; NULL: none. */
struct entry *job_parked(void);
/* Is there room for any message of which nothing is known? */
int	job_room(void);
/* Adds a target to a job of m that waits, or makes one. */
void	job_add(struct message *m, struct target *t, uint32_t index);
/* The owner of the list that its targets came by (queue_target.h), or NULL. */
const char *job_owner(const struct queue_job *j);
/* Forgets all jobs of m; answers that still come are ignored. */
void	job_abandon(struct message *m);
/* Has a worker a job of m? */
int	job_is_out(const struct message *m);
/* Forgets those that no worker has; how many there were. */
unsigned job_withdraw(struct message *m);

/* Of a worker. */

/* The first that waits for deliver, or NULL. */
struct queue_job *job_local(void);
/* A worker has j now; of relay, j->share says for whose share. */
void	job_give(struct queue_job *j, struct worker *w);
/* Takes j out of the line where it waits, or from its worker. */
void	job_leave(struct queue_job *j);
/* Its message no longer waits for it. */
void	job_detach(struct queue_job *j);
/* Of one that has left and is detached. */
void	job_free(struct queue_job *j);
/* Every target was answered: the message may be settled. */
void	job_end(struct queue_job *j);
/*
 * A worker did not do it: back to the head of its line, but not where the
 * operator holds the message.
 */
void	job_again(struct queue_job *j);
/* Answers the targets that are open with a temporary failure. */
void	job_defer(struct queue_job *j, const char *words);
/*
 * The same for one that no worker has tried. Only a first attempt has lines of
 * its own in the log; of the others the caller tells, of many at once. True
 * where it is to tell of this one.
 */
int	job_defer_untried(struct queue_job *j, const char *words);

/* Jobs that workers have; those of a share of relay's; jobs that wait; of those
   the ones for deliver. */
unsigned job_under_way(void);
unsigned job_out(enum share s);
unsigned job_waiting(void);
unsigned job_local_waiting(void);

#endif
