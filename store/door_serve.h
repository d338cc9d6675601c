/*
 * The reading side of a door: begins what it asks for.
 */
#ifndef STORE_DOOR_SERVE_H
#define STORE_DOOR_SERVE_H

#include <stdint.h>

#include "lib/base/peer.h"

/* Takes fd over and gives the door to its shard. */
void	client_new(enum peer kind, uint32_t instance, const char *user, int fd);
/* The same; no mailbox and no message is removed through it. */
void	client_new_adds(enum peer kind, uint32_t instance, const char *user,
	    int fd);

#endif
