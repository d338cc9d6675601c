/*
 * A client before its login, under TLS and in the clear; the first octet says
 * into how large pieces the rest is cut and how auth answers.
 */
#ifndef TESTS_FUZZ_FUZZ_LOGIN_H
#define TESTS_FUZZ_FUZZ_LOGIN_H

#include <stddef.h>
#include <stdint.h>

#include "auth/login_talk.h"

int	fuzz_login(const struct login_protocol *protocol, const uint8_t *p,
	    size_t len);

#endif
