#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/box_dovecot.h"
#include "ctl/box_mbox.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/mail/date.h"
#include "lib/mail/door.h"

enum { WORDS = 40, LENGTH_MAX = 1 << 30 };

struct mbox {
	const struct mbox_calls *calls;
	char	*space;
	size_t	 at, len;		/* of space: what is not taken yet */
	uint64_t offset;		/* in the file, of what is at `at` */
	int	 eof, started;		/* the piece begins a line: bol */
	int	 bol;

	enum { OUTSIDE, HEADER, BODY } state;
	int	 blank;			/* an empty line waits */
	char	 blank_text[2];
	size_t	 blank_len;
	struct buf header;
	uint64_t raw;			/* octets that Content-Length promises */
	struct mbox_message m;
};

static int
fill(struct mbox *b)
{
	ssize_t n;

	if (b->at > 0)
		memmove(b->space, b->space + b->at, b->len - b->at);
	b->len -= b->at;
	b->at = 0;
	while (!b->eof && b->len < MBOX_PIECE) {
		n = b->calls->read(b->calls->arg, b->space + b->len,
		    MBOX_PIECE - b->len, b->offset + b->len);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return -1;
		b->eof = n == 0;
		b->len += (size_t)n;
	}
	return 0;
}

/* A line with its LF, or as much of it as fits. 1, 0 at the end, -1. */
static int
piece(struct mbox *b, const char **p, size_t *len, int *bol)
{
	const char *lf = b->len > b->at ? memchr(b->space + b->at, '\n',
	    b->len - b->at) : NULL;

	if (lf == NULL && !b->eof) {
		if (fill(b) == -1)
			return -1;
		lf = memchr(b->space, '\n', b->len);
	}
	if (b->at == b->len)
		return 0;
	*p = b->space + b->at;
	*len = lf != NULL ? (size_t)(lf + 1 - *p) : b->len - b->at;
	*bol = b->bol;
	b->bol = lf != NULL;
	b->at += *len;
	b->offset += *len;
	return 1;
}

static int
is_blank(const char *p, size_t len)
{
	return (len == 1 && *p == '\n') ||
	    (len == 2 && p[0] == '\r' && p[1] == '\n');
}

/* The words of a line, the last WORDS of them. */
static size_t
split(const char *p, size_t len, const char *w[WORDS], size_t n[WORDS])
{
	size_t k = 0, i = 0, from;

	while (i < len) {
		while (i < len && (p[i] == ' ' || p[i] == '\t' ||
		    p[i] == '\r' || p[i] == '\n'))
			i++;
		for (from = i; i < len && p[i] != ' ' && p[i] != '\t' &&
		    p[i] != '\r' && p[i] != '\n'; i++)
			;
		if (i == from)
			break;
		if (k == WORDS) {
			memmove(w, w + 1, (WORDS - 1) * sizeof(*w));
			memmove(n, n + 1, (WORDS - 1) * sizeof(*n));
			k--;
		}
		w[k] = p + from;
		n[k++] = i - from;
	}
	return k;
}

/* hh:mm or hh:mm:ss. */
static int
clock_of(const char *p, size_t n, struct date *d)
{
	uint64_t h, m, s = 0;

	if ((n != 5 && n != 8) || p[2] != ':' || (n == 8 && p[5] != ':') ||
	    str_number(p, 2, 23, &h) == -1 ||
	    str_number(p + 3, 2, 59, &m) == -1 ||
	    (n == 8 && str_number(p + 6, 2, 60, &s) == -1))
		return -1;
	d->hour = (int)h;
	d->min = (int)m;
	d->sec = (int)s;
	return 0;
}

static int
zone_of(const char *p, size_t n, int *zone)
{
	uint64_t v;

	if (n == 5 && (*p == '+' || *p == '-') &&
	    str_number(p + 1, 4, 2359, &v) == 0) {
		*zone = (int)(v / 100 * 60 + v % 100);
		if (*p == '-')
			*zone = -*zone;
		return 0;
	}
	return date_zone_name(p, n, zone);
}

/* What follows the clock: "2026", "+0100 2026", "2026 +0100". */
static int
year_of(const char *const *w, const size_t *n, size_t left, struct date *d)
{
	uint64_t year;
	size_t i;

	d->zone = 0;
	for (i = 0; i < left && i < 2; i++) {
		if (n[i] == 4 && str_number(w[i], 4, 9999, &year) == 0 &&
		    year >= 1900) {
			d->year = (int)year;
			if (i == 0 && left > 1)
				(void)!zone_of(w[1], n[1], &d->zone);
			return 0;
		}
		if (zone_of(w[i], n[i], &d->zone) == -1 && n[i] > 5)
			return -1;
	}
	return -1;
}

int
mbox_from(const char *p, size_t len, int64_t *date_r)
{
	const char *w[WORDS];
	size_t n[WORDS], k, i;
	uint64_t day;
	struct date d = { 0 };

	if (len < 5 || memcmp(p, "From ", 5) != 0)
		return -1;
	k = split(p + 5, len - 5 < 1000 ? len - 5 : 1000, w, n);
	for (i = 2; i + 1 < k; i++) {
		if (clock_of(w[i], n[i], &d) == -1 ||
		    n[i - 2] != 3 || (d.month = date_month(w[i - 2], 3)) == 0 ||
		    str_number(w[i - 1], n[i - 1], 31, &day) == -1 ||
		    day == 0 ||
		    year_of(w + i + 1, n + i + 1, k - i - 1, &d) == -1)
			continue;
		d.day = (int)day;
		*date_r = date_seconds(&d);
		return 0;
	}
	return -1;
}

/* Headers */

static int
names(const char *p, size_t len, const char *name)
{
	size_t n = strlen(name);

	return len > n && p[n] == ':' && str_ncasecmp(p, name, n) == 0;
}

static void
status_flags(struct mbox_message *m, const char *p, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		m->flags |= p[i] == 'R' ? FLAG_SEEN : p[i] == 'A' ?
		    FLAG_ANSWERED : p[i] == 'F' ? FLAG_FLAGGED : p[i] == 'D' ?
		    FLAG_DELETED : p[i] == 'T' ? FLAG_DRAFT : 0;
}

static void
keywords(struct mbox_message *m, const char *p, size_t len)
{
	const char *w[WORDS];
	size_t n[WORDS], k = split(p, len, w, n), i;

	for (i = 0; i < k && m->keywords.len <
	    MBOX_KEYWORDS_MAX * DOOR_KEYWORD_LEN; i++)
		if (keyword_ok(w[i], n[i]))
			buf_put_lv(&m->keywords, w[i], n[i]);
}

/* What a field of the header, with its folded lines, notes. 1: it goes. */
static int
field(struct mbox *b, const char *p, size_t len)
{
	static const char subject[] = "DON'T DELETE THIS MESSAGE -- "
	    "FOLDER INTERNAL DATA";
	const char *v = memchr(p, ':', len), *w[WORDS];
	size_t n[WORDS], left;
	uint64_t length;

	if (v == NULL)
		return 0;
	v++;
	left = len - (size_t)(v - p);
	if (names(p, len, "Status") || names(p, len, "X-Status"))
		status_flags(&b->m, v, left);
	else if (names(p, len, "X-Keywords"))
		keywords(&b->m, v, left);
	else if (names(p, len, "Content-Length")) {
		if (split(v, left, w, n) == 1 && str_number(w[0], n[0],
		    LENGTH_MAX, &length) == 0)
			b->raw = length;
	} else if (names(p, len, "Subject")) {
		if (memmem(v, left, subject, sizeof(subject) - 1) != NULL)
			b->m.internal |= 1;
		return 0;
	} else if (names(p, len, "X-IMAP"))
		b->m.internal |= 2;
	else
		return names(p, len, "X-UID") || names(p, len, "X-IMAPbase");
	return 1;
}

/* The fields that stay go on; the empty line is for the caller. */
static int
end_header(struct mbox *b)
{
	const char *p = buf_str(&b->header), *e = p + b->header.len, *lf;
	const char *from;
	int r = 0;

	while (p < e && r == 0) {
		from = p;
		do {
			lf = memchr(p, '\n', (size_t)(e - p));
			p = lf == NULL ? e : lf + 1;
		} while (p < e && (*p == ' ' || *p == '\t'));
		if (!field(b, from, (size_t)(p - from)))
			r = b->calls->octets(b->calls->arg, from,
			    (size_t)(p - from));
	}
	buf_reset(&b->header);
	b->m.internal = b->m.internal == 3;
	return r;
}

/* As much of len as there is: fewer is the end of the file. */
static size_t
read_whole(const struct mbox *b, char *p, size_t len, uint64_t offset)
{
	size_t n = 0;
	ssize_t r;

	while (n < len && (r = b->calls->read(b->calls->arg, p + n, len - n,
	    offset + n)) > 0)
		n += (size_t)r;
	return n;
}

/* Whether a message of that length ends where another begins, or the file. */
static int
length_fits(const struct mbox *b)
{
	char next[8];			/* from its last octet on */
	size_t n = read_whole(b, next, sizeof(next), b->offset + b->raw - 1);
	size_t i = 1;

	if (n == 0)
		return 0;
	while (i < n && i < 3 && (next[i] == '\n' || next[i] == '\r'))
		i++;
	return i == n ? n < sizeof(next) :
	    n - i >= 5 && i > 1 && memcmp(next + i, "From ", 5) == 0;
}

/* The octets that are promised, as they are. */
static int
raw_body(struct mbox *b)
{
	size_t n;

	while (b->raw > 0) {
		if (b->at == b->len && fill(b) == -1)
			return -1;
		n = b->len - b->at < b->raw ? b->len - b->at : (size_t)b->raw;
		if (n == 0)
			return 0;
		if (b->calls->octets(b->calls->arg, b->space + b->at, n) == -1)
			return -1;
		b->at += n;
		b->offset += n;
		b->raw -= n;
	}
	b->bol = 1;
	return 0;
}

/* Messages */

static int
end_message(struct mbox *b)
{
	int r = 0;

	if (b->state == HEADER)
		r = end_header(b);
	if (b->state != OUTSIDE && r == 0)
		r = b->calls->end(b->calls->arg, &b->m);
	b->state = OUTSIDE;
	b->blank = 0;
	buf_reset(&b->m.keywords);
	return r;
}

static int
begin_message(struct mbox *b, size_t len, int64_t date)
{
	if (end_message(b) == -1)
		return -1;
	b->m = (struct mbox_message){ .offset = b->offset - len,
		.date = date, .keywords = b->m.keywords };
	b->raw = 0;
	b->state = HEADER;
	b->started = 1;
	return b->calls->begin(b->calls->arg);
}

static int
header_line(struct mbox *b, const char *p, size_t len, int bol)
{
	if (bol && is_blank(p, len)) {
		if (end_header(b) == -1 ||
		    b->calls->octets(b->calls->arg, p, len) == -1)
			return -1;
		b->state = BODY;
		return b->raw > 0 && length_fits(b) ? raw_body(b) : 0;
	}
	if (b->header.len + len <= MBOX_HEADER_MAX) {
		buf_append(&b->header, p, len);
		return 0;
	}
	b->state = BODY;
	if (b->calls->octets(b->calls->arg, buf_str(&b->header),
	    b->header.len) == -1)
		return -1;
	buf_reset(&b->header);
	return b->calls->octets(b->calls->arg, p, len);
}

/* An empty line belongs to the message unless it is its last. */
static int
body_line(struct mbox *b, const char *p, size_t len, int bol)
{
	size_t i = 0;

	if (b->blank && b->calls->octets(b->calls->arg, b->blank_text,
	    b->blank_len) == -1)
		return -1;
	b->blank = bol && is_blank(p, len);
	if (b->blank) {
		memcpy(b->blank_text, p, len);
		b->blank_len = len;
		return 0;
	}
	while (bol && i < len && p[i] == '>')
		i++;
	i = i > 0 && len - i >= 5 && memcmp(p + i, "From ", 5) == 0;
	return b->calls->octets(b->calls->arg, p + i, len - i);
}

static int
one_piece(struct mbox *b)
{
	const char *p;
	int64_t date;
	size_t len;
	int bol, r = piece(b, &p, &len, &bol);

	if (r != 1)
		return r;
	if (bol && (b->state == OUTSIDE || b->blank || b->state == HEADER) &&
	    (b->state != HEADER || b->header.len == 0) &&
	    mbox_from(p, len, &date) == 0)
		return begin_message(b, len, date) == -1 ? -1 : 1;
	if (b->state == HEADER)
		return header_line(b, p, len, bol) == -1 ? -1 : 1;
	if (b->state == BODY)
		return body_line(b, p, len, bol) == -1 ? -1 : 1;
	return b->started || is_blank(p, len) ? 1 : 0;
}

int
mbox_read(const struct mbox_calls *calls)
{
	struct mbox b = { .calls = calls, .bol = 1 };
	int r;

	b.space = mem_alloc(MBOX_PIECE);
	buf_init(&b.header, MBOX_HEADER_MAX);
	buf_init(&b.m.keywords, MBOX_KEYWORDS_MAX * (DOOR_KEYWORD_LEN + 4) +
	    200);
	do {
		r = one_piece(&b);
	} while (r == 1);
	if (r == 0 && end_message(&b) == -1)
		r = -1;
	if (r == 0 && !b.started && !(b.eof && b.offset == 0))
		r = 1;
	buf_clear(&b.header);
	buf_clear(&b.m.keywords);
	free(b.space);
	return r;
}
