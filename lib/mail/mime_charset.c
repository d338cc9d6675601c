#include <errno.h>
#include <iconv.h>
#include <string.h>

#include "lib/base/str.h"
#include "lib/mail/mime_charset.h"
#include "lib/mail/mime_tables.h"

enum kind { CS_UTF8, CS_ASCII, CS_TABLE, CS_ICONV };

struct mime_charset {
	enum kind kind;
	const uint16_t *table;
	iconv_t	 cd;
	char	 name[MIME_CHARSET_NAME_MAX + 1];
};

static struct mime_charset utf8 = { .kind = CS_UTF8 };
static struct mime_charset ascii = { .kind = CS_ASCII };
static struct mime_charset of_table;
static struct mime_charset opened[MIME_CHARSETS_MAX];
static size_t n_opened;
static int sealed;

/* Letters and digits of a name in lower case: "ISO_8859-1" is "iso88591". */
static int
plain_name(char *to, const char *p, size_t len)
{
	size_t n = 0;

	for (; len > 0; len--, p++) {
		char c = (char)str_lower((unsigned char)*p);

		if ((c < 'a' || c > 'z') && (c < '0' || c > '9'))
			continue;
		if (n == MIME_CHARSET_NAME_MAX)
			return -1;
		to[n++] = c;
	}
	to[n] = '\0';
	return n > 0 ? 0 : -1;
}

static const struct mime_charset *
find_built_in(const char *plain)
{
	static const char *const asciis[] = { "usascii", "ascii",
	    "ansix341968", "ansix341986", "iso646us", NULL };
	const struct mime_table_name *t;
	const char *const *a;

	if (strcmp(plain, "utf8") == 0)
		return &utf8;
	for (a = asciis; *a != NULL; a++)
		if (strcmp(plain, *a) == 0)
			return &ascii;
	for (t = mime_table_names; t->name != NULL; t++)
		if (strcmp(plain, t->name) == 0) {
			of_table.kind = CS_TABLE;
			of_table.table = mime_tables[t->table];
			return &of_table;
		}
	return NULL;
}

/* iconv takes "//" for options: such names, and empty ones, are not tried. */
static const struct mime_charset *
open_iconv(const char *name, size_t len, const char *plain)
{
	struct mime_charset *cs = &opened[n_opened];
	char text[MIME_CHARSET_NAME_MAX + 1];

	if (sealed || n_opened == MIME_CHARSETS_MAX ||
	    len > MIME_CHARSET_NAME_MAX || memchr(name, '/', len) != NULL ||
	    memchr(name, '\0', len) != NULL)
		return NULL;
	memcpy(text, name, len);
	text[len] = '\0';
	cs->cd = iconv_open("UTF-8", text);
	if (cs->cd == (iconv_t)-1)
		return NULL;
	cs->kind = CS_ICONV;
	str_copy(cs->name, sizeof(cs->name), plain);
	n_opened++;
	return cs;
}

const struct mime_charset *
mime_charset_find(const char *name, size_t len)
{
	char plain[MIME_CHARSET_NAME_MAX + 1];
	const struct mime_charset *cs;
	size_t i;

	if (plain_name(plain, name, len) == -1)
		return NULL;
	if ((cs = find_built_in(plain)) != NULL)
		return cs;
	for (i = 0; i < n_opened; i++)
		if (strcmp(plain, opened[i].name) == 0)
			return &opened[i];
	return open_iconv(name, len, plain);
}

void
mime_charset_prepare(const char *names, struct buf *unknown)
{
	size_t n;

	for (; *names != '\0'; names += n) {
		names += strspn(names, " ,");
		n = strcspn(names, " ,");
		if (n > 0 && mime_charset_find(names, n) == NULL)
			buf_printf(unknown, "%s%.*s", unknown->len > 0 ? " " :
			    "", (int)n, names);
	}
}

void
mime_charset_seal(void)
{
	sealed = 1;
}

void
mime_charset_list(struct buf *out)
{
	const struct mime_table_name *t;
	size_t i;

	buf_puts(out, "UTF-8 US-ASCII ISO-8859-1 ISO-8859-15");
	for (t = mime_table_names; t->name != NULL; t++)
		if (strncmp(t->name, "windows", 7) == 0)
			buf_printf(out, " WINDOWS-%s", t->name + 7);
	for (i = 0; i < n_opened; i++)
		buf_printf(out, " %s", opened[i].name);
}

int
mime_put_utf8(struct buf *out, uint32_t c)
{
	char s[4];
	size_t n = 0;

	if (c < 0x80)
		s[n++] = (char)c;
	else if (c < 0x800)
		s[n++] = (char)(0xc0 | c >> 6);
	else if (c < 0x10000) {
		s[n++] = (char)(0xe0 | c >> 12);
		s[n++] = (char)(0x80 | (c >> 6 & 0x3f));
	} else {
		s[n++] = (char)(0xf0 | c >> 18);
		s[n++] = (char)(0x80 | (c >> 12 & 0x3f));
		s[n++] = (char)(0x80 | (c >> 6 & 0x3f));
	}
	if (c >= 0x80)
		s[n++] = (char)(0x80 | (c & 0x3f));
	return buf_append(out, s, n);
}

/* Runs of ASCII go at once; table NULL: all else is no character. */
static void
octets_utf8(const uint16_t *table, const char *p, size_t len, struct buf *out)
{
	const char *end = p + len, *from;

	while (p < end) {
		for (from = p; p < end && (unsigned char)*p < 0x80; p++)
			;
		if (p > from)
			buf_append(out, from, (size_t)(p - from));
		if (p < end) {
			mime_put_utf8(out, table != NULL ?
			    table[(unsigned char)*p & 0x7f] : 0xfffd);
			p++;
		}
	}
}

static size_t
iconv_utf8(iconv_t cd, int start, int last, const char *p, size_t len,
    struct buf *out)
{
	char *in = (char *)(uintptr_t)p, text[4096], *to;
	size_t left = len, room, r;

	if (start)
		iconv(cd, NULL, NULL, NULL, NULL);
	while (left > 0) {
		to = text;
		room = sizeof(text);
		r = iconv(cd, &in, &left, &to, &room);
		buf_append(out, text, sizeof(text) - room);
		if (r != (size_t)-1 || errno == E2BIG)
			continue;
		if (errno == EINVAL && !last && left <= MIME_CHARSET_TAIL)
			break;
		mime_put_utf8(out, 0xfffd);
		in++;
		left--;
	}
	return len - left;
}

size_t
mime_charset_utf8(const struct mime_charset *cs, int start, int last,
    const char *p, size_t len, struct buf *out)
{
	switch (cs->kind) {
	case CS_UTF8:
		buf_append(out, p, len);
		return len;
	case CS_ASCII:
		octets_utf8(NULL, p, len, out);
		return len;
	case CS_TABLE:
		octets_utf8(cs->table, p, len, out);
		return len;
	case CS_ICONV:
		break;
	}
	return iconv_utf8(cs->cd, start, last, p, len, out);
}

/*
 * Simple folding by ranges (Unicode 15, CaseFolding.txt, status C and S):
 * either a block moves by a distance, or capitals and small letters take
 * turns.
 */
static const struct fold {
	uint16_t from, to;
	int16_t	 by;		/* 0: pairs, the even ones are capitals */
	int16_t	 odd;		/* pairs: the odd ones are */
} folds[] = {
	{ 0x00c0, 0x00d6, 32, 0 }, { 0x00d8, 0x00de, 32, 0 },
	{ 0x0100, 0x012f, 0, 0 }, { 0x0132, 0x0137, 0, 0 },
	{ 0x0139, 0x0148, 0, 1 }, { 0x014a, 0x0177, 0, 0 },
	{ 0x0178, 0x0178, -121, 0 }, { 0x0179, 0x017e, 0, 1 },
	{ 0x01cd, 0x01dc, 0, 1 }, { 0x01de, 0x01ef, 0, 0 },
	{ 0x01f8, 0x021f, 0, 0 }, { 0x0222, 0x0233, 0, 0 },
	{ 0x0386, 0x0386, 38, 0 }, { 0x0388, 0x038a, 37, 0 },
	{ 0x038c, 0x038c, 64, 0 }, { 0x038e, 0x038f, 63, 0 },
	{ 0x0391, 0x03a1, 32, 0 }, { 0x03a3, 0x03ab, 32, 0 },
	{ 0x03c2, 0x03c2, 1, 0 }, { 0x0400, 0x040f, 80, 0 },
	{ 0x0410, 0x042f, 32, 0 }, { 0x0460, 0x0481, 0, 0 },
	{ 0x048a, 0x04bf, 0, 0 }, { 0x04c1, 0x04ce, 0, 1 },
	{ 0x04d0, 0x052f, 0, 0 }, { 0x0531, 0x0556, 48, 0 },
	{ 0x10a0, 0x10c5, 7264, 0 }, { 0x1e00, 0x1e95, 0, 0 },
	{ 0x1ea0, 0x1eff, 0, 0 }, { 0xff21, 0xff3a, 32, 0 },
};

static uint32_t
fold_one(uint32_t c)
{
	const struct fold *f = folds;
	size_t i;

	for (i = 0; i < sizeof(folds) / sizeof(*f); i++, f++) {
		if (c < f->from)
			return c;
		if (c > f->to)
			continue;
		if (f->by != 0)
			return (uint32_t)((int32_t)c + f->by);
		return (int)(c & 1) == f->odd ? c + 1 : c;
	}
	return c;
}

void
mime_fold(const char *p, size_t len, struct buf *out)
{
	const unsigned char *q = (const unsigned char *)p, *end = q + len;
	char *o;

	/* No fold makes more octets than it takes, but for one: 3 for 2. */
	if (len > SIZE_MAX / 2 || buf_reserve(out, len + len / 2) == -1)
		return;
	o = out->data + out->len;
	while (q < end) {
		uint32_t c = *q;

		if (c < 0x80) {
			*o++ = (char)str_lower((int)c);
			q++;
			continue;
		}
		out->len = (size_t)(o - out->data);
		if (c >= 0xc3 && c < 0xe0 && end - q >= 2 &&
		    (q[1] & 0xc0) == 0x80) {
			mime_put_utf8(out, fold_one((c & 0x1f) << 6 |
			    (q[1] & 0x3f)));
			q += 2;
		} else if (c >= 0xe1 && c < 0xf0 && end - q >= 3 &&
		    (q[1] & 0xc0) == 0x80 && (q[2] & 0xc0) == 0x80) {
			mime_put_utf8(out, fold_one((c & 0xf) << 12 |
			    (uint32_t)(q[1] & 0x3f) << 6 | (q[2] & 0x3f)));
			q += 3;
		} else
			buf_putc(out, (char)*q++);
		o = out->data + out->len;
	}
	out->len = (size_t)(o - out->data);
	*o = '\0';
}
