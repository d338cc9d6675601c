/*
 * The client's part before the proxy: handshake, dialogue, auth's answer.
 */
#ifndef AUTH_LOGIN_DIALOGUE_H
#define AUTH_LOGIN_DIALOGUE_H

#include "auth/login_client.h"

/* Begins a handshake. */
void	login_dialogue_tls(struct login_client *c);
/* The client's octets can be read: goes on with handshake or dialogue. */
void	login_dialogue_handshake(struct login_client *c);
void	login_dialogue_read(struct login_client *c);
/* Works through what was read, unless the client takes no answers. */
void	login_dialogue_run(struct login_client *c);
/* A new client in the clear. */
void	login_dialogue_greet(struct login_client *c);
/* Auth's answer: fd (taken over) and the account, or why not. */
void	login_dialogue_passed(struct login_client *c, int fd,
	    const char *user);
void	login_dialogue_refused(struct login_client *c, enum login_reason why);

#endif
