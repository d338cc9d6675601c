#include "config.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/str.h"
#include "store/file_flags.h"

static const struct {
	uint32_t bit;
	char	 letter;
} letters[] = {
	{ FLAG_SEEN, 'S' }, { FLAG_ANSWERED, 'A' }, { FLAG_FLAGGED, 'F' },
	{ FLAG_DELETED, 'T' }, { FLAG_DRAFT, 'D' },
};

static const char head[] = "rohrpost-flags ";

enum {
	LETTERS = sizeof(letters) / sizeof(letters[0]),
	LINE = 1000,
	WORDS = 7,		/* of a record, that have a place */
};

static int
parse_flags(const char *s, uint32_t *r)
{
	size_t i;

	*r = 0;
	if (strcmp(s, "-") == 0)
		return 0;
	for (; *s != '\0'; s++) {
		for (i = 0; i < LETTERS && letters[i].letter != *s; i++)
			;
		if (i == LETTERS)
			return -1;
		*r |= letters[i].bit;
	}
	return 0;
}

static int
parse_hex(const char *s, uint64_t *r)
{
	size_t len = strlen(s);

	*r = 0;
	if (len == 0 || len > 16 ||
	    strspn(s, "0123456789abcdef") != len)
		return -1;
	*r = strtoull(s, NULL, 16);
	return 0;
}

static int
parse_date(const char *s, uint64_t max, int64_t *r)
{
	int minus = *s == '-';
	uint64_t v;

	if (str_number(s + minus, strlen(s + minus), max, &v) == -1)
		return -1;
	*r = minus ? -(int64_t)v : (int64_t)v;
	return 0;
}

/* Octets in hexadecimal. Their number, or -1. */
static int
parse_octets(const char *s, unsigned char *out, size_t max)
{
	static const char digits[] = "0123456789abcdef";
	size_t len = strlen(s), i;

	if (len % 2 != 0 || len / 2 > max || strspn(s, digits) != len)
		return -1;
	for (i = 0; i < len; i += 2)
		out[i / 2] = (unsigned char)((strchr(digits, s[i]) - digits) *
		    16 + (strchr(digits, s[i + 1]) - digits));
	return (int)(len / 2);
}

/* The number that has this name ("h="): 0 where it is missing, or makes no
   sense. */
static uint32_t
parse_named(const char *words, const char *name, uint32_t max)
{
	size_t len = strlen(name);
	const char *p = words;
	uint64_t v = 0;

	while (p != NULL && strncmp(p, name, len) != 0)
		if ((p = strchr(p, ' ')) != NULL)
			p++;
	if (p == NULL)
		return 0;
	p += len;
	return str_number(p, strcspn(p, " "), max, &v) == 0 ?
	    (uint32_t)v : 0;
}

/* words: what comes behind those that have a place, or NULL. */
static int
parse_record(char **w, size_t n, const char *words,
    const struct flags_reader *reader)
{
	unsigned char rest[RECORD_REST];
	struct record r = { .more = NULL };
	struct door_record *d = &r.d;
	uint64_t uid;
	int64_t save;
	int len = 0;

	if (str_number(w[0], strlen(w[0]), UINT32_MAX, &uid) == -1 ||
	    uid == 0 || parse_flags(w[1], &d->flags) == -1 ||
	    parse_hex(w[2], &d->keywords) == -1 ||
	    parse_date(w[3], INT64_MAX, &d->date) == -1 ||
	    parse_date(w[4], UINT32_MAX, &save) == -1 || save < 0)
		return -1;
	if (n > 5 && parse_octets(w[5], r.id, RECORD_ID) != RECORD_ID)
		return -1;
	if (n > 6 && (len = parse_octets(w[6], rest, sizeof(rest))) == -1)
		return -1;
	d->uid = (uint32_t)uid;
	d->header_len = parse_named(words, "h=", UINT32_MAX);
	d->flags |= parse_named(words, "e=", MARK_ALL / MARK_WHOLE - 1) *
	    MARK_WHOLE;
	d->save_date = (uint32_t)save;
	if (record_take_rest(&r, rest, (size_t)len) == -1)
		return -1;
	reader->record(reader->arg, &r);
	return 0;
}

static int
parse_line(char *line, const struct flags_reader *r)
{
	char *w[WORDS], *p = line;
	uint64_t bit, next;
	size_t n = 0;

	while (p != NULL && n < WORDS) {
		w[n++] = p;
		if ((p = strchr(p, ' ')) != NULL)
			*p++ = '\0';
	}
	if (n >= 5)
		return parse_record(w, n, p, r);
	if (n == 2 && strcmp(w[0], "n") == 0 &&
	    str_number(w[1], strlen(w[1]), UINT32_MAX, &next) == 0) {
		r->next(r->arg, (uint32_t)next);
		return 0;
	}
	if (n != 3 || strcmp(w[0], "k") != 0 ||
	    str_number(w[1], strlen(w[1]), KEYWORDS_MAX - 1, &bit) == -1 ||
	    !keyword_ok(w[2], strlen(w[2])))
		return -1;
	r->keyword(r->arg, (unsigned)bit, w[2]);
	return 0;
}

/* The version that the line says; 0: it is no head. */
static uint64_t
head_version(const char *p, size_t n)
{
	size_t len = sizeof(head) - 1;
	uint64_t v;

	return n > len && memcmp(p, head, len) == 0 &&
	    str_number(p + len, n - len, UINT32_MAX, &v) == 0 ? v : 0;
}

int
flags_newer(const char *text, size_t len)
{
	const char *end = memchr(text, '\n', len);

	return end != NULL &&
	    head_version(text, (size_t)(end - text)) > FLAGS_VERSION;
}

unsigned
flags_parse(const char *text, size_t len, const struct flags_reader *r)
{
	const char *p = text, *end;
	unsigned bad = 0;
	char line[LINE];
	size_t n;

	while (p < text + len) {
		end = memchr(p, '\n', (size_t)(text + len - p));
		n = (size_t)((end == NULL ? text + len : end) - p);
		if (end == NULL || n >= sizeof(line) || memchr(p, '\0', n)) {
			bad++;
		} else if (head_version(p, n) == 0) {
			memcpy(line, p, n);
			line[n] = '\0';
			bad += parse_line(line, r) == -1;
		}
		p += n + 1;
	}
	return bad;
}

static void
put_octets(struct buf *out, const unsigned char *p, size_t n)
{
	size_t i;

	buf_putc(out, ' ');
	for (i = 0; i < n; i++)
		buf_printf(out, "%02x", p[i]);
}

void
flags_line(struct buf *out, const struct record *r)
{
	const struct door_record *d = &r->d;
	uint32_t mark = (d->flags & MARK_ALL) / MARK_WHOLE;
	unsigned char rest[RECORD_REST];
	char set[LETTERS + 1];
	size_t i, n = 0;

	for (i = 0; i < LETTERS; i++)
		if (d->flags & letters[i].bit)
			set[n++] = letters[i].letter;
	if (n == 0)
		set[n++] = '-';
	set[n] = '\0';
	buf_printf(out, "%" PRIu32 " %s %" PRIx64 " %" PRId64 " %" PRIu32,
	    d->uid, set, d->keywords, d->date, d->save_date);
	put_octets(out, r->id, RECORD_ID);
	n = record_put_rest(r, rest);
	if (n > 0 || d->header_len != 0 || mark != 0)
		put_octets(out, rest, n);
	if (d->header_len != 0)
		buf_printf(out, " h=%" PRIu32, d->header_len);
	if (mark != 0)
		buf_printf(out, " e=%" PRIu32, mark);
	buf_putc(out, '\n');
}

void
flags_next_line(struct buf *out, uint32_t uidnext)
{
	buf_printf(out, "n %" PRIu32 "\n", uidnext);
}

void
flags_keyword_line(struct buf *out, unsigned bit, const char *name)
{
	buf_printf(out, "k %u %s\n", bit, name);
}
