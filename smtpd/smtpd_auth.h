/* The question to auth: is that the password? */
#ifndef SMTPD_SMTPD_AUTH_H
#define SMTPD_SMTPD_AUTH_H

#include "smtpd/smtpd.h"

/* The answer of auth. */
enum smtpd_auth { AUTH_OK, AUTH_BAD, AUTH_LATER, AUTH_LIMIT };
/* Asks; on AUTH_OK the account's name stands in s->login. */
enum smtpd_auth smtpd_auth(struct smtp_session *s, const char *user,
	    size_t user_len, const char *pass, size_t pass_len);

#endif
