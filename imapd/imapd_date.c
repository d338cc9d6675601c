#include <stdio.h>
#include <string.h>

#include "lib/base/str.h"

#include "imapd/imapd_date.h"

static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

enum { DAY = 86400 };

/* Days since 1970-01-01 of a date of the Gregorian calendar, and back. */
static int64_t
days_from(int64_t y, int m, int d)
{
	int64_t era, yoe, doy;

	y -= m <= 2;
	era = y / 400;		/* y is never negative here */
	yoe = y - era * 400;
	doy = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
	return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

static void
days_to(int64_t days, int64_t *y, int *m, int *d)
{
	int64_t era, doe, yoe, doy, mp;

	days += 719468;
	era = (days >= 0 ? days : days - 146096) / 146097;
	doe = days - era * 146097;
	yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	mp = (5 * doy + 2) / 153;
	*d = (int)(doy - (153 * mp + 2) / 5 + 1);
	*m = (int)(mp < 10 ? mp + 3 : mp - 9);
	*y = yoe + era * 400 + (*m <= 2);
}

int64_t
imapd_date_of(int64_t t)
{
	return (t >= 0 ? t : t - (DAY - 1)) / DAY;
}

void
imapd_date_put(char out[IMAPD_DATE_LEN + 1], int64_t t)
{
	int64_t days, y;
	int m, d, s;

	/* Years of four digits alone can be written. */
	if (t < 0)
		t = 0;
	if (t > INT64_C(253402300799))
		t = INT64_C(253402300799);
	days = imapd_date_of(t);
	days_to(days, &y, &m, &d);
	s = (int)(t - days * DAY);
	snprintf(out, IMAPD_DATE_LEN + 1, "%2d-%.3s-%04d %02d:%02d:%02d +0000",
	    d, months + 3 * (m - 1), (int)y % 10000, s / 3600 % 24,
	    s / 60 % 60, s % 60);
}

static int
month_of(const char *p)
{
	int i;

	for (i = 0; i < 12; i++)
		if (str_ncasecmp(p, months + 3 * i, 3) == 0)
			return i + 1;
	return -1;
}

static int
is_day(int64_t y, int m, int d)
{
	static const char last[] = { 31, 29, 31, 30, 31, 30, 31, 31, 30, 31,
	    30, 31 };

	if (d < 1 || d > last[m - 1])
		return 0;
	return m != 2 || d < 29 ||
	    (y % 4 == 0 && (y % 100 != 0 || y % 400 == 0));
}

/* n digits. */
static int
number(const char *p, size_t n, int max)
{
	uint64_t v;

	return str_number(p, n, (uint64_t)max, &v) == -1 ? -1 : (int)v;
}

int
imapd_date_day(const char *p, size_t len, int64_t *day_r)
{
	size_t n = len > 1 && p[1] == '-' ? 1 : 2;
	int d, m, y;

	/* date-day "-" date-month "-" date-year */
	if (len != n + 9 || p[n] != '-' || p[n + 4] != '-')
		return -1;
	d = number(p, n, 31);
	m = month_of(p + n + 1);
	y = number(p + n + 5, 4, 9999);
	if (d == -1 || m == -1 || y == -1 || !is_day(y, m, d))
		return -1;
	*day_r = days_from(y, m, d);
	return 0;
}

int
imapd_date_time(const char *p, size_t len, int64_t *t_r)
{
	int h, min, s, zh, zm;
	int64_t day, zone;

	if (len != IMAPD_DATE_LEN || p[11] != ' ' || p[14] != ':' ||
	    p[17] != ':' || p[20] != ' ' || (p[21] != '+' && p[21] != '-'))
		return -1;
	if (p[0] == ' ' ? imapd_date_day(p + 1, 10, &day) == -1 :
	    imapd_date_day(p, 11, &day) == -1)
		return -1;
	h = number(p + 12, 2, 23);
	min = number(p + 15, 2, 59);
	s = number(p + 18, 2, 60);
	zh = number(p + 22, 2, 23);
	zm = number(p + 24, 2, 59);
	if (h == -1 || min == -1 || s == -1 || zh == -1 || zm == -1)
		return -1;
	zone = zh * 3600 + zm * 60;
	*t_r = day * DAY + h * 3600 + min * 60 + s -
	    (p[21] == '-' ? -zone : zone);
	return 0;
}

/* The next run of letters or digits. */
static size_t
word(const char **pp, const char *end, const char **w)
{
	const char *p = *pp;

	while (p < end && strchr(" \t\r\n,-", *p) != NULL && *p != '\0')
		p++;
	*w = p;
	while (p < end && (strchr(" \t\r\n,-", *p) == NULL || *p == '\0'))
		p++;
	*pp = p;
	return (size_t)(p - *w);
}

/* [day-of-week ","] day month year; a year of two digits (RFC 5322 4.3). */
int
imapd_date_field(const char *p, size_t len, int64_t *day_r)
{
	const char *end = p + len, *w;
	int d, m, y;
	size_t n;

	n = word(&p, end, &w);
	if (n > 0 && (*w < '0' || *w > '9'))
		n = word(&p, end, &w);
	if (n == 0 || n > 2 || (d = number(w, n, 31)) == -1)
		return -1;
	n = word(&p, end, &w);
	if (n < 3 || (m = month_of(w)) == -1)
		return -1;
	n = word(&p, end, &w);
	if (n < 2 || n > 4 || (y = number(w, n, 9999)) == -1)
		return -1;
	if (n == 2)
		y += y < 50 ? 2000 : 1900;
	else if (n == 3)
		y += 1900;
	if (!is_day(y, m, d))
		return -1;
	*day_r = days_from(y, m, d);
	return 0;
}
