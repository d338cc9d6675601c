/*
 * Requests for a login, from the frame to the answer. A request waits its
 * delay, is checked by the pool (or the cache), a failure waits again; a
 * session's success asks master for the session's descriptor; the answer goes
 * out in the asker's channel. Everything runs in the loop; each step of each
 * request is one state, so that no request holds up another.
 *
 * Bounds: AUTH_REQUESTS_MAX at once, AUTH_PEER_MAX of one asker,
 * AUTH_HASH_LINE hashes before the pool (a job with app passwords has several);
 * past them the answer is A_LATER at once.
 *
 * DIAGNOSTICS: each login and each failure is one line, without the password;
 * a name that is no address is not written, it may be a password typed into
 * the wrong box.
 */
#ifndef AUTH_SERVE_H
#define AUTH_SERVE_H

#include <ev.h>

#include "auth/auth_cache.h"
#include "auth/auth_delay.h"
#include "auth/auth_learned.h"
#include "auth/auth_pool.h"
#include "auth/auth_users.h"
#include "lib/base/peer.h"
#include "lib/server/server.h"

enum {
	AUTH_REQUESTS_MAX = 4096,
	AUTH_PEER_MAX = 2048,
	AUTH_HASH_LINE = 512,
	AUTH_ASK_MS = 40000,	/* PAM's answer does, with its wait in line */
	AUTH_START_MS = 30000,	/* master's answer comes within this */
};

struct auth_serve;

struct auth_parts {
	struct ev_loop *loop;
	struct auth_users *users;
	struct auth_delay *delay;
	struct auth_cache *cache;
	struct auth_learned *learned;
	int	 scram;		/* learns SCRAM keys from logins */
	unsigned threads;
	/* server_start(); 0, or -1: later */
	int	(*start)(const struct server_login *l, uint32_t id);
};

/* Takes users, delay, cache and learned over. One at a time in a process. */
struct auth_serve *auth_serve_new(const struct auth_parts *parts);
void	auth_serve_free(struct auth_serve **a);
/* Takes over the channel of an asker (login, smtpd), or of pam; replaces the one that
   the same instance had. */
void	auth_serve_peer(struct auth_serve *a, enum peer kind,
	    uint32_t instance, int fd);
void	auth_serve_peer_gone(struct auth_serve *a, enum peer kind,
	    uint32_t instance);
/* Master's answer to start(); takes fd over (-1: refused; full: for the user
   has as many sessions as may be). */
void	auth_serve_started(struct auth_serve *a, uint32_t id, int fd,
	    int full, const char *words);

#endif
