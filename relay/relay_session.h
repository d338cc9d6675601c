/*
 * Carries a job out: over the connection that the last job left open where it
 * was made for the same key (lib/mail/dest_key.h), else over new ones, host by
 * host.
 *
 * One connection at most is kept, for SESSION_KEEP_MS, and used for at most
 * SESSION_MESSAGES_MAX messages.
 */
#ifndef RELAY_SESSION_H
#define RELAY_SESSION_H

#include "relay/relay_job.h"

enum {
	SESSION_KEEP_MS = 5000,
	SESSION_LOOK_MS = 50,		/* older: has the server closed it? */
	SESSION_MESSAGES_MAX = 100,
	SESSION_ATTEMPTS_MAX = 10,	/* connections for one job */
	SESSION_JOB_MS = 3600 * 1000,	/* after that no further one */
};

/* Sets a result for each recipient of the job. */
void	session_run(struct relay_job *j, const struct relay_conf *conf,
	    const struct policy *policy);
/* Ends the kept connection when its time has come; now if all is true. */
void	session_expire(int all);

#endif
