/*
 * IMAP before the login.
 */
#ifndef AUTH_LOGIN_IMAP_H
#define AUTH_LOGIN_IMAP_H

#include "auth/login_talk.h"

extern const struct login_protocol login_imap;

#endif
