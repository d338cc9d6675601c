/*
 * A set of ids for life (lib/mail/door.h, DOOR_ID octets): which messages are
 * there already. Zeros are no id.
 */
#ifndef CTL_BOX_IDS_H
#define CTL_BOX_IDS_H

#include <stddef.h>

#include "lib/mail/door.h"

struct box_ids {
	unsigned char (*id)[DOOR_ID];
	size_t	 n, cap;	/* cap: 0 or a power of two */
};

/* 1: it is new in the set, 0: it was there. */
int	box_ids_add(struct box_ids *s, const unsigned char *id);
int	box_ids_has(const struct box_ids *s, const unsigned char *id);
void	box_ids_clear(struct box_ids *s);
/*
 * The id of what has that key: the first octets of SHA-256 of all n parts, each
 * with its length before it, so that no two lists of parts look alike.
 */
void	box_id(unsigned char id_r[DOOR_ID], const struct buf *const *part,
	    size_t n);

#endif
