/*
 * Dates of RFC 5322 section 3.3, printed and read, without a locale. Years
 * 1900 to 9999; what is outside, or no date at all, is refused.
 */
#ifndef LIB_MAIL_DATE_H
#define LIB_MAIL_DATE_H

#include <stddef.h>
#include <stdint.h>

#include "lib/base/attr.h"

enum { DATE_TEXT = 40 };	/* octets of a printed date, with NUL */

/* A moment taken apart, in the zone it was written in. */
struct date {
	int	 year, month, day;	/* 2026, 1..12, 1..31 */
	int	 hour, min, sec;	/* sec 60: a leap second */
	int	 zone;			/* minutes east of UTC */
};

/* "Sun, 22 Nov 2026 02:43:37 +0000", in the zone (minutes east of UTC). */
void	date_print(int64_t t, int zone, char out[DATE_TEXT]);
/* The same in the local zone. Call once before a jail: it opens the zone. */
void	date_print_local(int64_t t, char out[DATE_TEXT]);
/* Minutes that the local zone is east of UTC at t. */
int	date_zone(int64_t t);

/*
 * Reads a date, with comments, folding and the obsolete forms (two-digit
 * years, zone names). d_r may be NULL. Returns 0, or -1.
 */
int	date_parse(const char *p, size_t len, int64_t *t_r, struct date *d_r)
	    ATTR_CHECK;

/*
 * Minutes east of UTC of a zone's name (RFC 5322 4.3: GMT, EST, PDT and the
 * like, a letter), in any case. 0, or -1: it is none.
 */
int	date_zone_name(const char *p, size_t len, int *zone_r) ATTR_CHECK;
/* Seconds since 1970 of a moment; and back, in d->zone. */
int64_t	date_seconds(const struct date *d);
void	date_split(int64_t t, int zone, struct date *d);
/* 1..12 for the three letters "jan".."dec" in any case, else 0. */
int	date_month(const char *p, size_t len);
/* "Jan".."Dec" for 1..12. */
const char *date_month_name(int month);

#endif
