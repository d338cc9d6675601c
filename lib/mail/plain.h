/*
 * The message of SASL PLAIN (RFC 4616 2), decoded:
 *
 *	[authzid] NUL authcid NUL passwd
 *
 * Nobody acts for another here: an authzid is good if it is another spelling
 * of the authcid, as auth reads names: any case, with or without the domain.
 */
#ifndef LIB_MAIL_PLAIN_H
#define LIB_MAIL_PLAIN_H

#include <stddef.h>

#include "lib/base/attr.h"
#include "lib/mail/limits.h"

/* Octets; no names and password together are longer. */
enum { PLAIN_MAX = 2 * ADDRESS_MAX + PASSWORD_MAX + 2 };

enum plain_result {
	PLAIN_OK,
	PLAIN_BROKEN,	/* not three texts */
	PLAIN_OTHER,	/* an authzid that is somebody else */
};

/*
 * They point into the message, may be empty and hold any octet, but that user
 * has no NUL.
 */
struct plain {
	const char *user, *password;
	size_t	 user_len, password_len;
};

/* p_r is set with PLAIN_OK only. */
enum plain_result plain_read(const char *p, size_t len, struct plain *p_r)
	    ATTR_CHECK;

#endif
