/*
 * The connections of one login process: from accept through TLS and the
 * dialogue to the proxy, and the question to auth in between.
 *
 * After the login octets are copied both ways between the client and the
 * session's descriptor. Neither side is read while the other has not taken
 * what was read before, so a connection holds at most one piece each way
 * (LOGIN_IO_PIECE and what TLS adds), and nothing while it is quiet. A client
 * that takes nothing for LOGIN_STALL_MS is cut off.
 *
 * Every entry ends in login_client_done: nothing below it frees a client.
 *
 * DIAGNOSTICS: what goes wrong with one client is a debug line; refusals for a
 * bound are a warning, at most one a second.
 */
#ifndef AUTH_LOGIN_CLIENT_H
#define AUTH_LOGIN_CLIENT_H

#include <ev.h>

#include "auth/login_count.h"
#include "auth/login_io.h"
#include "auth/login_talk.h"
#include "lib/link/link.h"
#include "lib/server/wire.h"

enum {
	LOGIN_TLS_MS = 30000,		/* for a handshake */
	LOGIN_ASK_MS = 150000,		/* for auth's answer with its delays */
	LOGIN_STALL_MS = 300000,	/* nothing taken by the client */
	LOGIN_CLOSE_MS = 5000,		/* for the client's end after ours */
	LOGIN_SLOTS_MAX = 60000,	/* clients of one process */
};

enum login_state {
	LOGIN_HANDSHAKE,
	LOGIN_TALK,
	LOGIN_WAIT,	/* auth was asked */
	LOGIN_PROXY,
	LOGIN_CLOSE,	/* our side has ended; the rest is thrown away */
	LOGIN_DEAD,	/* login_client_done frees it */
};

enum login_rest {
	LOGIN_REST_NO,		/* in an answer, a literal perhaps */
	LOGIN_REST_YES,		/* at the end of one */
	LOGIN_REST_BYE,		/* the session has said BYE */
};

struct login_server;

struct login_client {
	struct login_client *prev, *next;	/* before login, by age */
	struct login_server *server;
	struct login_talk *talk;		/* until the proxy */
	struct login_io io;
	struct buf rx;				/* for the session */
	struct login_count *address, *user;
	ev_io	 client_w, session_w;
	ev_timer timer;
	int64_t	 until;			/* the dialogue's end */
	uint32_t slot, ask_id;		/* ask_id 0: auth is not asked */
	int	 session;		/* descriptor, -1 */
	enum login_state state;
	enum service service;
	enum login_rest rest;
	unsigned client_ended : 1, session_ended : 1, listed : 1;
	unsigned again : 1;	/* read on, whatever the descriptor says */
	char	 remote[WIRE_REMOTE_MAX + 1];
};

struct login_server {
	struct ev_loop *loop;
	SSL_CTX	*imap, *pop3;
	struct login_counts *addresses, *users;
	struct login_client **slot;
	uint32_t *free_slot, n_free, max;
	uint32_t generation, clients;
	struct login_client *oldest, *newest;	/* before login */
	unsigned max_address, max_user;
	int64_t	 talk_ms;
	struct link auth;		/* login_auth.c; closed: none now */
	int	 stopping;
	void	(*changed)(unsigned n);	/* number of clients, or NULL */
	/* Auth's answer to login_auth_ask: fd (taken over) and the account, or
	   why not. */
	void	(*passed)(struct login_client *c, int fd, const char *user);
	void	(*refused)(struct login_client *c, enum login_reason why);
};

void	login_client_done(struct login_client *c);
void	login_client_timer(struct login_client *c, int64_t ms);
/* Sends what the dialogue has to say. */
void	login_client_say(struct login_client *c);
/* Says words (IMAP: BYE) to who is not logged in yet, and ends it. */
void	login_client_bye(struct login_client *c, const char *words);
/* Ends our side: farewell of TLS, FIN; then waits for the client's. */
void	login_client_end(struct login_client *c);
/* After that: FIN, once all is sent. */
void	login_client_end_if_sent(struct login_client *c);
/* Takes it from the list of those who are not logged in. */
void	login_client_unlist(struct login_client *c);
/* May the client be read now? (Back-pressure.) */
int	login_client_wants_input(const struct login_client *c);
const struct login_protocol *login_protocol_of(enum service service);

#endif
