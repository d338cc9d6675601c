/*
 * The key of a destination of relay: mail with the same key may share a
 * session, and a failure to get through tells of all that waits under it.
 *
 * A value, to be copied as it is. Two keys are equal where all three parts
 * are; the route is kept in lower case.
 */
#ifndef LIB_MAIL_DEST_KEY_H
#define LIB_MAIL_DEST_KEY_H

#include "lib/base/msg.h"
#include "lib/mail/limits.h"

enum {
	DEST_ROUTE_MAX = DOMAIN_MAX,
	DEST_CREDENTIAL_MAX = ADDRESS_MAX,
};

/* What a session has to be at the least. */
enum dest_tls {
	DEST_TLS_ROUTE,		/* as relay's configuration has it */
	DEST_TLS_ENCRYPTED,	/* encrypted, or no mail goes */
	DEST_TLS_VERIFIED,	/* and the host's certificate holds */
};

struct dest_key {
	uint32_t tls;		/* enum dest_tls */
	/* A domain (its MX), "[192.0.2.1]", or "": the smarthost. */
	char	 route[DEST_ROUTE_MAX + 1];
	/* The name of what relay logs in with; "": as the route has it. */
	char	 credential[DEST_CREDENTIAL_MAX + 1];
};

/* 0, or -1 where a text is too long (it is cut). */
int	dest_key_set(struct dest_key *k, const char *route,
	    const char *credential, enum dest_tls tls);
int	dest_key_equal(const struct dest_key *a, const struct dest_key *b);
uint32_t dest_key_hash(const struct dest_key *k);

/* Adds it to the J_RELAY that is being built; what is empty costs nothing. */
void	dest_key_put(const struct dest_key *k, struct chan *c);
/* Of a J_RELAY. 0, or -1 for a TLS policy that is not known. */
int	dest_key_get(struct dest_key *k, const struct msg *m) ATTR_CHECK;

#endif
