#include <string.h>

#include "lib/base/str.h"
#include "lib/mail/dsn.h"
#include "lib/mail/limits.h"
#include "lib/mail/proto.h"

static const struct {
	const char *word;
	uint32_t bit;
} notify_words[] = {
	{ "NEVER", Q_NOTIFY_NEVER },
	{ "SUCCESS", Q_NOTIFY_SUCCESS },
	{ "FAILURE", Q_NOTIFY_FAILURE },
	{ "DELAY", Q_NOTIFY_DELAY },
};
enum { N_NOTIFY = sizeof(notify_words) / sizeof(notify_words[0]) };

static const char *const ret_words[] = {
	[Q_RET_FULL] = "FULL", [Q_RET_HDRS] = "HDRS",
};
enum { N_RET = sizeof(ret_words) / sizeof(ret_words[0]) };

static int
hex_digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' :
	    c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static int
is_shown(int c)
{
	return c >= ' ' && c <= '~';
}

/* xchar = any ASCII CHAR between "!" and "~" except for "+" and "=" */
static int
is_xchar(char c)
{
	return c > ' ' && c <= '~' && c != '+' && c != '=';
}

/* The octet that is next, in *at octets of text; -1 where it is none. */
static int
xtext_next(const char *p, size_t len, size_t *at)
{
	int hi, lo;

	if (is_xchar(*p)) {
		*at = 1;
		return *p;
	}
	*at = 3;
	if (*p != '+' || len < 3 || (hi = hex_digit(p[1])) == -1 ||
	    (lo = hex_digit(p[2])) == -1)
		return -1;
	return hi * 16 + lo;
}

int
xtext_is(const char *p, size_t len)
{
	size_t i, n;

	for (i = 0; i < len; i += n)
		if (!is_shown(xtext_next(p + i, len - i, &n)))
			return 0;
	return len > 0;
}

void
xtext_decode(const char *p, size_t len, struct buf *out)
{
	size_t i, n;

	for (i = 0; i < len; i += n)
		buf_putc(out, (char)xtext_next(p + i, len - i, &n));
}

int
xtext_put(struct buf *out, const char *p, size_t len)
{
	size_t i, before = out->len;
	int r = len > 0 ? 0 : -1;

	for (i = 0; i < len && r == 0; i++) {
		if (is_xchar(p[i]))
			r = buf_putc(out, p[i]);
		else if (is_shown(p[i]))
			r = buf_printf(out, "+%02X", (unsigned)p[i]);
		else
			r = -1;
	}
	if (r == -1)
		buf_truncate(out, before);
	return r;
}

static uint32_t
notify_bit(const char *p, size_t len)
{
	size_t i;

	for (i = 0; i < N_NOTIFY; i++)
		if (str_is(p, len, notify_words[i].word))
			return notify_words[i].bit;
	return 0;
}

/*
 *	notify-esmtp-value = "NEVER" / 1#notify-list-element
 */
int
dsn_notify(const char *p, size_t len, uint32_t *notify_r)
{
	uint32_t bit, all = 0;
	const char *comma;
	size_t n;

	for (;;) {
		comma = memchr(p, ',', len);
		n = comma != NULL ? (size_t)(comma - p) : len;
		bit = notify_bit(p, n);
		if (bit == 0 || (all & bit) || (all & Q_NOTIFY_NEVER) ||
		    (bit == Q_NOTIFY_NEVER && all != 0))
			return -1;
		all |= bit;
		if (comma == NULL)
			break;
		p = comma + 1;
		len -= n + 1;
	}
	*notify_r = all;
	return 0;
}

const char *
dsn_notify_words(uint32_t notify, char out[DSN_NOTIFY_MAX])
{
	size_t i, at = 0;

	if (notify & Q_NOTIFY_NEVER)
		notify = Q_NOTIFY_NEVER;
	out[0] = '\0';
	for (i = 0; i < N_NOTIFY; i++) {
		if (!(notify & notify_words[i].bit))
			continue;
		if (at > 0)
			out[at++] = ',';
		str_copy(out + at, DSN_NOTIFY_MAX - at, notify_words[i].word);
		at += strlen(out + at);
	}
	return out;
}

int
dsn_ret(const char *p, size_t len, uint32_t *ret_r)
{
	uint32_t i;

	for (i = 1; i < N_RET; i++)
		if (str_is(p, len, ret_words[i])) {
			*ret_r = i;
			return 0;
		}
	return -1;
}

const char *
dsn_ret_word(uint32_t ret)
{
	return ret < N_RET ? ret_words[ret] : NULL;
}

int
dsn_envid_is(const char *p, size_t len)
{
	return len <= ENVID_MAX && xtext_is(p, len);
}

/*
 * RFC 6533 3: EmbeddedUnicodeChar = %x5C.78 "{" HEXPOINT "}". Its octets, or 0.
 */
static size_t
unicode_char(const char *p, size_t len)
{
	uint32_t point = 0;
	size_t n = 3;

	if (len < 6 || memcmp(p, "\\x{", 3) != 0)
		return 0;
	for (; n < len && n < 9 && hex_digit(p[n]) != -1; n++)
		point = point * 16 + (uint32_t)hex_digit(p[n]);
	if (n < 5 || n == len || p[n] != '}' || point == 0 ||
	    point > 0x10ffff || (point >= 0xd800 && point < 0xe000))
		return 0;
	return n + 1;
}

static int
utf8_xtext_is(const char *p, size_t len)
{
	size_t i, n;

	for (i = 0; i < len; i += n) {
		n = p[i] == '\\' ? unicode_char(p + i, len - i) :
		    (size_t)is_xchar(p[i]);
		if (n == 0)
			return 0;
	}
	return len > 0;
}

/* addr-type = atom (RFC 822 3.3), and as a value of ESMTP without "=". */
static int
is_type(const char *p, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		if (!is_xchar(p[i]) || strchr("()<>@,;:\\\".[]", p[i]) != NULL)
			return 0;
	return len > 0;
}

/* The part behind the type: its length, 0 where there is none. */
static size_t
orcpt_parts(const char *p, size_t len, const char **address_r, int *utf8_r)
{
	const char *semicolon = memchr(p, ';', len);
	size_t type = semicolon != NULL ? (size_t)(semicolon - p) : 0;

	if (!is_type(p, type))
		return 0;
	*utf8_r = str_is(p, type, "utf-8");
	*address_r = semicolon + 1;
	return len - type - 1;
}

int
dsn_orcpt_is(const char *p, size_t len)
{
	const char *address;
	size_t n;
	int utf8;

	if (len > ORCPT_MAX ||
	    (n = orcpt_parts(p, len, &address, &utf8)) == 0)
		return 0;
	return utf8 ? utf8_xtext_is(address, n) : xtext_is(address, n);
}

void
dsn_orcpt_show(const char *p, size_t len, struct buf *out)
{
	const char *address;
	size_t n;
	int utf8;

	if (!dsn_orcpt_is(p, len))
		return;
	n = orcpt_parts(p, len, &address, &utf8);
	buf_append(out, p, (size_t)(address - p));
	if (utf8)
		buf_append(out, address, n);
	else
		xtext_decode(address, n, out);
}
