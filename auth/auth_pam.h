/*
 * Questions to PAM, in line before the processes that ask it (auth/pam_main.c).
 * Each process has one question at a time. An account has one at a time, and an
 * address at most half of the processes, so that a module that hangs, or who
 * guesses, holds up few; who was right the last time comes first.
 *
 * Bounds: AUTH_PAM_LINE questions wait, each at most AUTH_PAM_WAIT_MS; how often
 * PAM is asked about an account says auth_bound.h, judged when its turn has
 * come. A process that has no answer ends by itself (auth/pam_ask.h). All of
 * these are AUTH_PAM_LATER: no verdict on a password.
 */
#ifndef AUTH_AUTH_PAM_H
#define AUTH_AUTH_PAM_H

#include <ev.h>
#include <sys/queue.h>

#include "auth/remote.h"
#include "lib/base/buf.h"

enum {
	AUTH_PAM_LINE = 256,
	AUTH_PAM_WAIT_MS = 10000,
};

enum auth_pam_result {
	AUTH_PAM_PASSED,
	AUTH_PAM_WRONG,
	AUTH_PAM_REFUSED,	/* whatever the password is */
	AUTH_PAM_LIMIT,		/* not asked: too many wrong ones */
	AUTH_PAM_LATER,
};

struct auth_pam_job {
	TAILQ_ENTRY(auth_pam_job) in_line;
	char	*account, *user, *password, *remote;
	uint32_t owner;		/* for the caller */
	int64_t	 since;
	unsigned char address[REMOTE_KEY_MAX];
	/* The outcome. */
	enum auth_pam_result result;
	struct buf words;	/* why, for the log */
};

struct auth_pam;

/* done is called in the loop, for each job once; it does not keep the job. */
struct auth_pam *auth_pam_new(struct ev_loop *loop,
	    void (*done)(const struct auth_pam_job *));
/* Without a word about the jobs that are left. */
void	auth_pam_free(struct auth_pam **p);
/* Takes over the channel of a process, and hears that it has gone. */
void	auth_pam_worker(struct auth_pam *p, uint32_t instance, int fd);
void	auth_pam_gone(struct auth_pam *p, uint32_t instance);
/*
 * Asks; the texts are copied. done is called later. 0, or -1: the line is full.
 */
int	auth_pam_ask(struct auth_pam *p, const char *account, const char *user,
	    const char *password, const char *remote, uint32_t owner)
	    ATTR_CHECK;

#endif
