/*
 * The client's part after the login: octets both ways.
 */
#ifndef AUTH_LOGIN_PROXY_H
#define AUTH_LOGIN_PROXY_H

#include "auth/login_client.h"

/* Starts with what the dialogue left in rx. */
void	login_proxy_start(struct login_client *c);
void	login_proxy_client(struct login_client *c, int events);
void	login_proxy_session(struct login_client *c, int events);
/*
 * How the server's stream stands after these octets; was: before them. Only
 * where an answer has just ended can a line of ours follow.
 */
enum login_rest login_proxy_rest(enum login_rest was, const char *p,
	    size_t len);

#endif
