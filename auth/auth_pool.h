/*
 * A few threads that do nothing but hash, so that the loop never waits for a
 * memory-hard function. A job is handed over whole, run once, and handed back
 * in the loop. Threads touch jobs alone: no log, no map, no channel.
 */
#ifndef AUTH_POOL_H
#define AUTH_POOL_H

#include <ev.h>

#include "auth/auth_hashes.h"
#include "lib/mail/scram.h"

struct auth_job {
	struct auth_job *next;
	struct auth_hashes hashes;	/* its own; wiped and freed with it */
	char	*password;		/* the same */
	int	 want_keys;		/* of the account's password */
	uint32_t owner;			/* for the caller */
	/* The outcome: which of the hashes, -1 none; and the keys. */
	int	 matched;
	int	 has_keys;
	struct scram_keys keys;
};

struct auth_pool;

/*
 * Starts n threads (after the privilege drop: a system call filter is a
 * thread's own). done is called in the loop for each job that was run and owns
 * it from then on. Ends the process where no thread can be started.
 */
struct auth_pool *auth_pool_new(struct ev_loop *loop, unsigned n,
	    void (*done)(struct auth_job *));
/* Waits for the threads; jobs that were not run are freed. */
void	auth_pool_free(struct auth_pool **p);

/* Takes hashes over, copies the password. */
struct auth_job *auth_job_new(struct auth_hashes *hashes,
	    const char *password, uint32_t owner);
void	auth_job_free(struct auth_job **j);
void	auth_pool_run(struct auth_pool *p, struct auth_job *j);

#endif
