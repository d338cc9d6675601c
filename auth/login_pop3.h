/*
 * POP3 before the login.
 */
#ifndef AUTH_LOGIN_POP3_H
#define AUTH_LOGIN_POP3_H

#include "auth/login_talk.h"

extern const struct login_protocol login_pop3;

#endif
