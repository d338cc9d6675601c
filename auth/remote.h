/*
 * What stands for a client in counts: of an address and port addr_origin, of
 * anything else its first octets.
 */
#ifndef AUTH_REMOTE_H
#define AUTH_REMOTE_H

#include <stddef.h>

enum { REMOTE_KEY_MAX = 16 };

/* Returns the number of octets that count. */
size_t	remote_key(const char *remote, unsigned char key_r[REMOTE_KEY_MAX]);

#endif
