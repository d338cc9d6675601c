/*
 * What stands for a client in counts: of "192.0.2.1:25" the address, of
 * "[2001:db8::1]:25" the /64 (a host may use any address of it), of anything
 * else its first octets.
 */
#ifndef AUTH_REMOTE_H
#define AUTH_REMOTE_H

#include <stddef.h>

enum { REMOTE_KEY_MAX = 16 };

/* Returns the number of octets that count. */
size_t	remote_key(const char *remote, unsigned char key_r[REMOTE_KEY_MAX]);

#endif
