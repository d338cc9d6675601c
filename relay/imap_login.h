/*
 * How a session with an IMAP server begins: TLS, what it offers, the login.
 *
 * Under IMAP_STARTTLS nothing goes on where the server does not offer it or it
 * fails, and what was said before it is forgotten. A password is never shown in
 * the clear unless the caller says IMAP_PLAIN.
 */
#ifndef RELAY_IMAP_LOGIN_H
#define RELAY_IMAP_LOGIN_H

#include "relay/imap_client.h"
#include "relay/sasl.h"

enum imap_security {
	IMAP_TLS,	/* from the first octet */
	IMAP_STARTTLS,
	IMAP_PLAIN,	/* none: to this host itself, or where the caller was
			   told so */
};

/* Before the jail. 0, or -1 with why. */
int	imap_login_open(struct buf *why) ATTR_CHECK;

/*
 * The greeting, TLS, the capabilities. ctx is not used under IMAP_PLAIN; host
 * as in tls_client_host.
 */
enum imap_result imap_greet(struct imap_client *c, enum imap_security s,
	    SSL_CTX *ctx, const char *host) ATTR_CHECK;

struct imap_account {
	const char *user, *password;
	enum sasl_secret secret; /* what password is */
};
/*
 * Logs in by the best way that both sides have, then says who we are (ID) and
 * enables what imap_fetch.h and imap_list.h make use of. IMAP_NO: the server
 * refuses the login.
 */
enum imap_result imap_login(struct imap_client *c,
	    const struct imap_account *a, const char *host) ATTR_CHECK;

#endif
