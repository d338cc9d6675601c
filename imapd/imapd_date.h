/*
 * Dates as IMAP writes them (RFC 3501 9: date, date-time), and the Date field
 * of messages (RFC 5322 3.3) as far as SEARCH needs it. All in UTC; seconds
 * since 1970.
 */
#ifndef IMAPD_IMAPD_DATE_H
#define IMAPD_IMAPD_DATE_H

#include <stddef.h>
#include <stdint.h>

#include "lib/base/attr.h"

enum { IMAPD_DATE_LEN = 26 };	/* " 1-Jan-2024 12:00:00 +0000" */

/* Writes IMAPD_DATE_LEN octets and a NUL. */
void	imapd_date_put(char out[IMAPD_DATE_LEN + 1], int64_t t);
/*
 * date-time without its quotes: "dd-Mon-yyyy hh:mm:ss +zzzz". As clients
 * write it: a day of one digit, months in any case, names of zones. 0, or -1.
 */
int	imapd_date_time(const char *p, size_t len, int64_t *t_r) ATTR_CHECK;
/* date: "d-Mon-yyyy", likewise. The number of its day since 1970-01-01. 0, or -1. */
int	imapd_date_day(const char *p, size_t len, int64_t *day_r) ATTR_CHECK;
/* The day that a Date field names, whatever its time and zone. 0, or -1. */
int	imapd_date_field(const char *p, size_t len, int64_t *day_r)
	    ATTR_CHECK;
/* The day of a moment. */
int64_t	imapd_date_of(int64_t t);

#endif
