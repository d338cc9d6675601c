/*
 * How a session with a POP3 server begins: TLS, what it offers, the login.
 *
 * Under POP3_STARTTLS nothing goes on where the server has no STLS (RFC 2595
 * 4), it fails, or something was said before the handshake that would be taken
 * for what came after it. A password is never shown in the clear unless the
 * caller says POP3_PLAIN. APOP is not spoken: its hash can be undone, and the
 * server has to keep the password for it.
 */
#ifndef RELAY_POP3_LOGIN_H
#define RELAY_POP3_LOGIN_H

#include "relay/pop3_client.h"
#include "relay/sasl.h"

enum pop3_security {
	POP3_TLS,	/* from the first octet */
	POP3_STARTTLS,
	POP3_PLAIN,	/* none: to this host itself, or where the caller was
			   told so */
};

/*
 * The greeting, TLS, the capabilities. ctx is not used under POP3_PLAIN; host
 * as in tls_client_host. POP3_NO: the server refuses, by its greeting (c->code)
 * or STLS; nothing more can be done.
 */
enum pop3_result pop3_greet(struct pop3_client *c, enum pop3_security s,
	    SSL_CTX *ctx, const char *host) ATTR_CHECK;

/*
 * Logs in by the best way that both sides have: SASL (RFC 5034), else USER and
 * PASS; what is offered then is in c->caps. A token goes by SASL alone. POP3_NO: the server refuses, or
 * there is no way (words). c->code is never POP3_CODE_NONE then: where the
 * server says no code it is what its words say, POP3_CODE_AUTH if nothing else.
 */
enum pop3_result pop3_login(struct pop3_client *c, enum pop3_security s,
	    const char *user, const char *password, enum sasl_secret secret,
	    const char *host)
	    ATTR_CHECK;

#endif
