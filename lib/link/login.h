/*
 * The question to auth, for the blocking shape of process: is that the
 * password? (lib/mail/proto.h, proto_auth.) auth itself delays failures: the
 * answer may take a minute and a half.
 *
 * What was asked is wiped from the channel; the caller wipes his own copy.
 *
 * DIAGNOSTICS: where auth is away or breaks the protocol that warns, and the
 * answer is LOGIN_LATER.
 */
#ifndef LIB_LINK_LOGIN_H
#define LIB_LINK_LOGIN_H

#include <stddef.h>

#include "lib/base/buf.h"
#include "lib/server/wire.h"

enum login_result {
	LOGIN_OK,
	LOGIN_BAD,	/* name or password; never known which */
	LOGIN_LATER,	/* temporary trouble */
	LOGIN_LIMIT,	/* too many failures */
	LOGIN_PROTOCOL,	/* right, but not by this protocol */
};

/* Octets of any kind and length: what no account can have is LOGIN_BAD. */
struct login_question {
	enum service service;
	const char *remote;	/* the client's address and port */
	const char *tls;	/* of its connection, for people; or NULL */
	const char *user, *password;
	size_t	 user_len, password_len;
};

/* On LOGIN_OK account_r is the account's name, at most ADDRESS_MAX octets. */
enum login_result login_ask(const struct login_question *q,
	    struct buf *account_r);

#endif
