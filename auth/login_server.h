/*
 * All clients of one login process, from its start to its end.
 */
#ifndef AUTH_LOGIN_SERVER_H
#define AUTH_LOGIN_SERVER_H

#include "auth/login_client.h"

/* max: clients; takes the contexts over. */
void	login_server_init(struct login_server *s, struct ev_loop *loop,
	    unsigned max, SSL_CTX *imap, SSL_CTX *pop3);
/* Closes everything. */
void	login_server_clear(struct login_server *s);
/* New certificates for new connections. */
void	login_server_certs(struct login_server *s, SSL_CTX *imap,
	    SSL_CTX *pop3);
/* Ends all who are not logged in; sessions go on. */
void	login_server_stop(struct login_server *s);

#endif
