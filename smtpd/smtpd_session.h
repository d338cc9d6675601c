/* One client, from the greeting to the end. */
#ifndef SMTPD_SMTPD_SESSION_H
#define SMTPD_SMTPD_SESSION_H

#include "lib/server/server.h"

/* The skeleton's hook. Closes client->fd. */
void	smtpd_serve(const struct session *client);

#endif
