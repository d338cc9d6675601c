#include <stdio.h>
#include <string.h>
#include <time.h>

#include "lib/base/str.h"
#include "lib/mail/date.h"

static const char months[12][4] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
	"Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
static const char days[7][4] = { "Thu", "Fri", "Sat", "Sun", "Mon", "Tue",
	"Wed" };	/* 1970-01-01 was a Thursday */

int
date_month(const char *p, size_t len)
{
	int i;

	for (i = 0; i < 12; i++)
		if (str_is(p, len, months[i]))
			return i + 1;
	return 0;
}

const char *
date_month_name(int month)
{
	return months[month >= 1 && month <= 12 ? month - 1 : 0];
}

static int
is_leap(int y)
{
	return (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;
}

static int
month_days(int y, int m)
{
	static const int n[12] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30,
		31 };

	return n[m - 1] + (m == 2 && is_leap(y));
}

/* Days from 1970-01-01, counting years from March so that leaps come last. */
static int64_t
days_from(int64_t y, int m, int d)
{
	int64_t era, yoe, doy;

	y -= m <= 2;
	era = (y >= 0 ? y : y - 399) / 400;
	yoe = y - era * 400;
	doy = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
	return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

int64_t
date_seconds(const struct date *d)
{
	return days_from(d->year, d->month, d->day) * 86400 + d->hour * 3600 +
	    (d->min - d->zone) * 60 + d->sec;
}

void
date_split(int64_t t, int zone, struct date *d)
{
	int64_t n, era, doe, yoe, doy, mp, s;

	t += (int64_t)zone * 60;
	s = t % 86400;
	if (s < 0)
		s += 86400;
	n = (t - s) / 86400 + 719468;
	era = (n >= 0 ? n : n - 146096) / 146097;
	doe = n - era * 146097;
	yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	mp = (5 * doy + 2) / 153;
	d->day = (int)(doy - (153 * mp + 2) / 5) + 1;
	d->month = (int)(mp < 10 ? mp + 3 : mp - 9);
	d->year = (int)(yoe + era * 400 + (d->month <= 2));
	d->hour = (int)(s / 3600);
	d->min = (int)(s / 60 % 60);
	d->sec = (int)(s % 60);
	d->zone = zone;
}

void
date_print(int64_t t, int zone, char out[DATE_TEXT])
{
	struct date d;
	int64_t n, last = 253402300799;		/* 9999-12-31 */
	int z = zone < 0 ? -zone : zone;

	if (t > last - 86400)
		t = last - 86400;
	if (t < -2208902400)			/* 1900-01-02 */
		t = -2208902400;
	date_split(t, zone, &d);
	n = days_from(d.year, d.month, d.day) % 7;
	snprintf(out, DATE_TEXT, "%s, %d %s %d %02d:%02d:%02d %c%02d%02d",
	    days[n < 0 ? n + 7 : n], d.day, months[d.month - 1], d.year,
	    d.hour, d.min, d.sec, zone < 0 ? '-' : '+', z / 60 % 100, z % 60);
}

int
date_zone(int64_t t)
{
	time_t when = (time_t)t;
	struct tm tm;

	return localtime_r(&when, &tm) != NULL ? (int)(tm.tm_gmtoff / 60) : 0;
}

void
date_print_local(int64_t t, char out[DATE_TEXT])
{
	date_print(t, date_zone(t), out);
}

/* Reading: a cursor over words; comments, blanks and folds are skipped. */
struct scan {
	const char *p, *end;
};

static void
skip_blank(struct scan *s)
{
	size_t depth = 0;

	for (; s->p < s->end; s->p++) {
		if (*s->p == '(')
			depth++;
		else if (*s->p == ')' && depth > 0)
			depth--;
		else if (*s->p == '\\' && depth > 0 && s->end - s->p > 1)
			s->p++;
		else if (depth == 0 && *s->p != ' ' && *s->p != '\t' &&
		    *s->p != '\r' && *s->p != '\n')
			return;
	}
}

static int
take(struct scan *s, char c)
{
	skip_blank(s);
	if (s->p == s->end || *s->p != c)
		return 0;
	s->p++;
	return 1;
}

/* Digits, min..max of them; the number, or -1. */
static int
take_number(struct scan *s, int min, int max)
{
	int n = 0, v = 0;

	skip_blank(s);
	for (; s->p < s->end && n < max && *s->p >= '0' && *s->p <= '9'; n++)
		v = v * 10 + (*s->p++ - '0');
	if (n < min || (s->p < s->end && *s->p >= '0' && *s->p <= '9'))
		return -1;
	return v;
}

static size_t
take_word(struct scan *s, const char **word_r)
{
	skip_blank(s);
	*word_r = s->p;
	while (s->p < s->end && str_lower(*s->p) >= 'a' &&
	    str_lower(*s->p) <= 'z')
		s->p++;
	return (size_t)(s->p - *word_r);
}

/* RFC 5322 section 4.3: letters of the military zones mean -0000. */
int
date_zone_name(const char *p, size_t len, int *zone_r)
{
	static const struct {
		const char *name;
		int zone;
	} t[] = {
		{ "GMT", 0 }, { "UT", 0 }, { "UTC", 0 },
		{ "EST", -300 }, { "EDT", -240 }, { "CST", -360 },
		{ "CDT", -300 }, { "MST", -420 }, { "MDT", -360 },
		{ "PST", -480 }, { "PDT", -420 },
	};
	size_t i;

	*zone_r = 0;
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++)
		if (str_is(p, len, t[i].name)) {
			*zone_r = t[i].zone;
			return 0;
		}
	return len == 1 && str_lower(*p) >= 'a' && str_lower(*p) <= 'z' ?
	    0 : -1;
}

static int
take_zone(struct scan *s, int *zone_r)
{
	const char *word;
	int sign, v;
	size_t len;

	*zone_r = 0;
	skip_blank(s);
	if (s->p == s->end)
		return 0;
	if (*s->p == '+' || *s->p == '-') {
		sign = *s->p++ == '-' ? -1 : 1;
		if ((v = take_number(s, 4, 4)) == -1 || v % 100 > 59 ||
		    v / 100 > 23)
			return -1;
		*zone_r = sign * (v / 100 * 60 + v % 100);
		return 0;
	}
	if ((len = take_word(s, &word)) == 0)
		return -1;
	/* Names but the known ones mean -0000 as well. */
	if (date_zone_name(word, len, zone_r) == -1)
		*zone_r = 0;
	return 0;
}

static int
take_day(struct scan *s, struct date *d)
{
	const char *word;
	size_t len;

	(void)take_word(s, &word);		/* day of the week: no claim */
	(void)take(s, ',');
	if ((d->day = take_number(s, 1, 2)) == -1)
		return -1;
	(void)take(s, '-');
	len = take_word(s, &word);
	if ((d->month = date_month(word, len)) == 0)
		return -1;
	(void)take(s, '-');
	if ((d->year = take_number(s, 2, 4)) == -1)
		return -1;
	/* RFC 5322 section 4.3: two digits, and three. */
	if (d->year < 50)
		d->year += 2000;
	else if (d->year < 1000)
		d->year += 1900;
	return d->year >= 1900 && d->day >= 1 &&
	    d->day <= month_days(d->year, d->month) ? 0 : -1;
}

int
date_parse(const char *p, size_t len, int64_t *t_r, struct date *d_r)
{
	struct scan s = { p, p + len };
	struct date d = { 0 };

	if (take_day(&s, &d) == -1 || (d.hour = take_number(&s, 1, 2)) == -1 ||
	    !take(&s, ':') || (d.min = take_number(&s, 1, 2)) == -1)
		return -1;
	if (take(&s, ':') && (d.sec = take_number(&s, 1, 2)) == -1)
		return -1;
	if (d.hour > 23 || d.min > 59 || d.sec > 60 ||
	    take_zone(&s, &d.zone) == -1)
		return -1;
	*t_r = date_seconds(&d);
	if (d_r != NULL)
		*d_r = d;
	return 0;
}
