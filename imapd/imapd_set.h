/*
 * Sequence sets (RFC 3501 9: sequence-set), as sorted ranges that do not
 * touch.
 */
#ifndef IMAPD_IMAPD_SET_H
#define IMAPD_IMAPD_SET_H

#include <stddef.h>
#include <stdint.h>

#include "lib/base/buf.h"

enum { IMAPD_RANGES_MAX = 10000 };

struct imapd_range {
	uint32_t lo, hi;
};

struct imapd_set {
	struct imapd_range *r;
	size_t	 n;
	int	 lent;		/* r is another set's, which frees it */
};

/*
 * Reads "1,3:5,7:*"; "*" stands for largest. Where largest is 0 (nothing is
 * there) a range with "*" is empty. Returns 0, or -1 (bad, or too many).
 */
int	imapd_set_parse(struct imapd_set *set, const char *p, size_t len,
	    uint32_t largest) ATTR_CHECK;
void	imapd_set_copy(struct imapd_set *set, const struct imapd_set *from);
/* The same ranges, without a copy: from is not changed while set is used. */
void	imapd_set_lend(struct imapd_set *set, const struct imapd_set *from);
void	imapd_set_clear(struct imapd_set *set);
int	imapd_set_has(const struct imapd_set *set, uint32_t v);
/* Appends rising numbers as a set: "1:3,7". */
void	imapd_set_put(struct buf *out, const uint32_t *v, size_t n);

#endif
