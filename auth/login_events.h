/*
 * What happens to a client: it is accepted, its socket or its session's can be
 * read or written, its time is up.
 */
#ifndef AUTH_LOGIN_EVENTS_H
#define AUTH_LOGIN_EVENTS_H

#include "auth/login_client.h"

/* A client that was accepted: takes fd over. */
void	login_client_new(struct login_server *s, enum service service, int fd,
	    const char *remote);

#endif
