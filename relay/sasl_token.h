/*
 * What a client says in the two mechanisms that show an OAuth access token in
 * place of a password, which GNU SASL does not have: OAUTHBEARER (RFC 7628) and
 * XOAUTH2, its forerunner, which the large providers made and still have.
 *
 * A token is as good as a password while it lasts: whoever calls sees to it that
 * it goes under TLS alone (RFC 7628 4), and the words of an error never hold any
 * of it.
 *
 * Bounds: ADDRESS_MAX and SECRET_MAX of what is said; one message and one
 * answer to an error.
 */
#ifndef RELAY_SASL_TOKEN_H
#define RELAY_SASL_TOKEN_H

#include "lib/base/attr.h"
#include "lib/base/buf.h"

enum sasl_token { SASL_OAUTHBEARER = 1, SASL_XOAUTH2 };

/*
 * The client's first message in base64, appended to out, which the caller
 * wipes. host: the server's name, as the user knows it. 0, or -1 with why: the
 * name or the token cannot be said.
 */
int	sasl_token_first(enum sasl_token kind, const char *user,
	    const char *token, const char *host, struct buf *out,
	    struct buf *why) ATTR_CHECK;

/*
 * The answer, in base64, to the challenge in which a server says what is wrong
 * with the token; its refusal comes after that.
 */
const char *sasl_token_answer(enum sasl_token kind);

#endif
