/*
 * Inside of auth_serve: one request and the table of those under way.
 */
#ifndef AUTH_REQUEST_H
#define AUTH_REQUEST_H

#include "auth/auth_pam.h"
#include "auth/auth_serve.h"
#include "lib/link/link.h"

/* An asker: login or smtpd at the other end of the link. */
struct auth_peer {
	struct auth_peer *next;
	struct auth_serve *serve;
	unsigned requests;
	struct link link;
};

enum auth_state {
	AUTH_WAIT,	/* its delay, then the check */
	AUTH_HASH,	/* in the pool */
	AUTH_ASK,	/* PAM is asked */
	AUTH_LATE,	/* failed; the answer waits */
	AUTH_START,	/* master looks for the session */
};

struct auth_request {
	struct auth_serve *serve;
	struct auth_peer *peer;		/* NULL: went away */
	enum auth_state state;
	uint32_t id, frame_id;		/* ours; the asker's */
	enum service service;
	struct auth_try attempt;
	int64_t	 start;
	int	 found;			/* the account is there */
	int	 known;			/* hashes of an account are checked */
	int	 allowed;		/* it may log in by this protocol */
	int	 disabled;		/* the account is there, and closed */
	char	*user, *password, *remote, *tls;
	char	*pam;		/* the host's user whom PAM judges; or NULL */
	int	 by_pam;	/* the password was right for that one */
	char	*hash;		/* else: what it was right for */
	ev_timer timer;
};

struct auth_serve {
	struct auth_parts parts;
	struct auth_pool *pool;
	struct auth_pam *pam;
	struct auth_peer *peers;
	struct auth_request *slot[AUTH_REQUESTS_MAX];
	unsigned free_slot[AUTH_REQUESTS_MAX], n_free;
	unsigned hashing;		/* hashes before the pool */
	uint32_t generation;
};

/* Begins what the frame asks for; NULL where a bound is reached. */
struct auth_request *auth_request_new(struct auth_serve *a,
	    struct auth_peer *p);
/* The request with that id, NULL if it is gone. */
struct auth_request *auth_request_find(struct auth_serve *a, uint32_t id);
/* Wipes and frees. */
void	auth_request_free(struct auth_request **r);
/* All fields are set: goes on with the delay and all that follows. */
void	auth_request_run(struct auth_request *r);
/* The pool is done with its job. */
void	auth_request_hashed(struct auth_request *r, const struct auth_job *j);
/* PAM was asked, or is not to be. */
void	auth_request_asked(struct auth_request *r,
	    const struct auth_pam_job *j);
/* Master has answered. */
void	auth_request_started(struct auth_request *r, int fd, int full,
	    const char *words);

#endif
