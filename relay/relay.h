/*
 * What the parts of relay share: its settings, and how to speak to a
 * destination.
 */
#ifndef RELAY_RELAY_H
#define RELAY_RELAY_H

#include <openssl/ssl.h>

#include "lib/mail/limits.h"
#include "lib/net/addr.h"
#include "relay/relay_auth.h"
#include "relay/relay_client.h"

enum relay_tls {
	RELAY_TLS_NEVER,
	RELAY_TLS_MAY,		/* STARTTLS where it is offered */
	RELAY_TLS_STARTTLS,	/* STARTTLS or nothing */
	RELAY_TLS_TLS,		/* from the first octet */
};

struct relay_conf {
	char	*hostname, *state_dir;
	char	*host;			/* of the smarthost; "": by MX */
	uint64_t port, mx_port;
	int	 tls;			/* enum relay_tls */
	int	 tls_verify, allow_loopback, verbose;
	char	*ca_file, *user, *password_file, *auth;
};

/* How to speak to a destination. */
struct policy {
	const char *hostname;		/* EHLO */
	enum relay_tls tls;
	int	 clear;	/* a failed handshake: again, in clear; ctx is weak */
	SSL_CTX	*ctx;
	const char *tls_host;		/* NULL: the target's name */
	const struct credentials *login; /* NULL: none */
	const struct client_times *times;
};

#endif
