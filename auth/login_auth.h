/*
 * The questions to auth, and its answers: each goes to the server's passed or
 * refused.
 */
#ifndef AUTH_LOGIN_AUTH_H
#define AUTH_LOGIN_AUTH_H

#include "auth/login_client.h"

/* No channel yet; after the server's loop and slots. */
void	login_auth_init(struct login_server *s);
/* Takes over a fresh channel; who waits on the old one is answered. */
void	login_auth_set(struct login_server *s, int fd);
/* Asks for c->talk's user and password. 0, or -1: not now. */
int	login_auth_ask(struct login_client *c);

#endif
