/*
 * Keywords beyond the 64 of a record (lib/mail/keyword_set.h), of those
 * messages of a box that have some: the others cost nothing. What a message had
 * stays when it loses them, or goes; its record then says so (MARK_WIDE).
 */
#ifndef IMAPD_IMAPD_WIDE_H
#define IMAPD_IMAPD_WIDE_H

#include <stddef.h>
#include <stdint.h>

#include "lib/mail/door.h"

struct imapd_wide {
	struct imapd_wide_one {
		uint32_t uid;
		unsigned len;
		unsigned char *set;	/* packed */
	} *one;
	/* The first uids rise; so do the others, which came last: many that
	   come in their order go to their places together. */
	size_t	 sorted, n, cap;
};

void	imapd_wide_put(struct imapd_wide *w, uint32_t uid, const void *p,
	    size_t len);
/* All keywords of a message. */
void	imapd_wide_get(const struct imapd_wide *w,
	    const struct door_record *r, struct keyword_set *s_r);
/* Those of which it is not so go. */
void	imapd_wide_sweep(struct imapd_wide *w,
	    int (*stays)(const void *arg, uint32_t uid), const void *arg);
void	imapd_wide_clear(struct imapd_wide *w);

/*
 * Reads door.wide beside the records that came with it, each asked for in
 * turn: 1 where there is one for this record, 0 where it has none.
 */
int	imapd_wide_next(struct cursor *c, const struct door_record *r,
	    const void **p_r, size_t *len_r);

#endif
