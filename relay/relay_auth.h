/*
 * AUTH as a client (RFC 4954), with the mechanisms of sasl.h.
 */
#ifndef RELAY_AUTH_H
#define RELAY_AUTH_H

#include "relay/relay_client.h"

struct credentials {
	const char *user, *password;	/* or an access token */
	const char *mechs;	/* preferred first, "SCRAM-SHA-256 PLAIN" */
};

/* Starts GNU SASL: before the jail. 0, or -1 with why. */
int	auth_open(struct buf *why) ATTR_CHECK;

/* NULL where all of the mechanisms are known, else the first that is not. */
const char *auth_unknown(const char *mechs, char *word, size_t size);

/* What the mechanisms want: bits. Those that are not known count for nothing. */
enum { AUTH_PASSWORD = 1, AUTH_TOKEN = 2 };
int	auth_secrets(const char *mechs);

/*
 * Logs in with the first mechanism of ours that the server offers. Those that
 * show the password or the token are used under TLS only. A refusal is
 * RESULT_LATER: it is the operator's to mend, not the sender's fault.
 */
enum result auth_login(struct relay_client *c, const struct credentials *who,
	    const char *host) ATTR_CHECK;

#endif
