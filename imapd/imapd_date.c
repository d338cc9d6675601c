#include <stdio.h>
#include <string.h>

#include "lib/base/str.h"
#include "lib/mail/date.h"

#include "imapd/imapd_date.h"

enum { DAY = 86400 };

/* What store keeps: the years 1900 to 9999. */
static const int64_t first = -2208988800, last = 253402300799;

int64_t
imapd_date_of(int64_t t)
{
	return (t >= 0 ? t : t - (DAY - 1)) / DAY;
}

void
imapd_date_put(char out[IMAPD_DATE_LEN + 1], int64_t t)
{
	char text[100];
	struct date d;

	if (t < first)
		t = first;
	if (t > last)
		t = last;
	date_split(t, 0, &d);
	snprintf(text, sizeof(text), "%2d-%s-%04d %02d:%02d:%02d +0000",
	    d.day, date_month_name(d.month), d.year, d.hour, d.min, d.sec);
	str_copy(out, IMAPD_DATE_LEN + 1, text);
}

static int
is_day(const struct date *d)
{
	static const char days[] = { 31, 29, 31, 30, 31, 30, 31, 31, 30, 31,
	    30, 31 };

	if (d->month < 1 || d->day < 1 || d->day > days[d->month - 1])
		return 0;
	return d->month != 2 || d->day < 29 || (d->year % 4 == 0 &&
	    (d->year % 100 != 0 || d->year % 400 == 0));
}

/* n digits, -1 where there are others or more than max. */
static int
number(const char *p, size_t n, int max)
{
	uint64_t v;

	return str_number(p, n, (uint64_t)max, &v) == -1 ? -1 : (int)v;
}

/*
 * date-day "-" date-month "-" date-year. Clients write a day of one digit
 * with a blank or a zero before it, or alone, whatever the grammar has there.
 * Returns how much of p that is, or 0.
 */
static size_t
read_day(const char *p, size_t len, struct date *d)
{
	size_t at = len > 0 && p[0] == ' ', n;

	n = len > at + 1 && p[at + 1] == '-' ? 1 : 2;
	memset(d, 0, sizeof(*d));
	if (len < at + n + 9 || p[at + n] != '-' || p[at + n + 4] != '-')
		return 0;
	d->day = number(p + at, n, 31);
	d->month = date_month(p + at + n + 1, 3);
	d->year = number(p + at + n + 5, 4, 9999);
	return d->year >= 1900 && is_day(d) ? at + n + 9 : 0;
}

int
imapd_date_day(const char *p, size_t len, int64_t *day_r)
{
	struct date d;

	if (len == 0 || read_day(p, len, &d) != len)
		return -1;
	*day_r = imapd_date_of(date_seconds(&d));
	return 0;
}

/* zone = ("+" / "-") 4DIGIT; the names of RFC 5322 4.3 are taken, too. */
static int
read_zone(const char *p, size_t len, struct date *d)
{
	int h, m;

	if (len > 0 && *p != '+' && *p != '-')
		return date_zone_name(p, len, &d->zone);
	if (len != 5)
		return -1;
	h = number(p + 1, 2, 23);
	m = number(p + 3, 2, 59);
	d->zone = *p == '-' ? -(h * 60 + m) : h * 60 + m;
	return h == -1 || m == -1 ? -1 : 0;
}

int
imapd_date_time(const char *p, size_t len, int64_t *t_r)
{
	struct date d;
	size_t n = read_day(p, len, &d);

	if (n == 0 || len < n + 11 || p[n] != ' ' || p[n + 3] != ':' ||
	    p[n + 6] != ':' || p[n + 9] != ' ')
		return -1;
	d.hour = number(p + n + 1, 2, 23);
	d.min = number(p + n + 4, 2, 59);
	d.sec = number(p + n + 7, 2, 60);
	if (d.hour == -1 || d.min == -1 || d.sec == -1 ||
	    read_zone(p + n + 10, len - n - 10, &d) == -1)
		return -1;
	*t_r = date_seconds(&d);
	return *t_r >= first && *t_r <= last ? 0 : -1;
}

int
imapd_date_field(const char *p, size_t len, int64_t *day_r)
{
	struct date d;
	int64_t t;

	if (date_parse(p, len, &t, &d) == -1)
		return -1;
	/* "disregarding time and timezone" (RFC 3501 6.4.4) */
	*day_r = imapd_date_of(t + (int64_t)d.zone * 60);
	return 0;
}
