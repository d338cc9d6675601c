#include <stdint.h>
#include <string.h>

#include "lib/base/base64.h"
#include "lib/mail/mime_charset.h"
#include "lib/mail/utf7.h"

static const char digits[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+,";

/* RFC 3501 5.1.3: "," stands where base64 has "/". */
static int
digit_value(char c)
{
	return c == ',' ? 63 : c == '/' ? -1 : base64_value((unsigned char)c);
}

static int
is_plain(char c)
{
	return (unsigned char)c >= ' ' && (unsigned char)c < 0x7f;
}

/* UTF-16 units of one "&...-" run. */
struct units {
	uint32_t high;		/* a high surrogate that waits */
	struct buf *out;
};

/* A printable ASCII character must not be encoded (RFC 3501 5.1.3). */
static int
unit_take(struct units *u, uint32_t c)
{
	if (u->high != 0) {
		if (c < 0xdc00 || c > 0xdfff)
			return -1;
		c = 0x10000 + ((u->high - 0xd800) << 10) + (c - 0xdc00);
		u->high = 0;
		return mime_put_utf8(u->out, c);
	}
	if (c < 0xa0 || (c >= 0xdc00 && c <= 0xdfff))
		return -1;	/* printable, control, or a lone low half */
	if (c >= 0xd800 && c <= 0xdbff) {
		u->high = c;
		return 0;
	}
	return mime_put_utf8(u->out, c);
}

/* The run between "&" and "-"; its last bits must be 0 and fewer than 6. */
static int
run_decode(const char *p, const char *end, struct buf *out)
{
	struct units u = { .high = 0, .out = out };
	uint32_t bits = 0;
	unsigned n = 0;
	int v;

	for (; p < end; p++) {
		if ((v = digit_value(*p)) == -1)
			return -1;
		bits = bits << 6 | (uint32_t)v;
		n += 6;
		if (n >= 16) {
			n -= 16;
			if (unit_take(&u, bits >> n & 0xffff) == -1)
				return -1;
		}
		bits &= (1u << n) - 1;
	}
	return u.high != 0 || n >= 6 || bits != 0 ? -1 : 0;
}

int
utf7_decode(const char *p, size_t len, struct buf *out)
{
	const char *end = p + len, *dash;
	int run = 0;		/* a run has just ended */

	while (p < end) {
		if (!is_plain(*p))
			return -1;
		if (*p != '&') {
			if (buf_putc(out, *p++) == -1)
				return -1;
			run = 0;
			continue;
		}
		dash = memchr(p, '-', (size_t)(end - p));
		if (dash == NULL)
			return -1;
		if (dash == p + 1) {
			if (buf_putc(out, '&') == -1)
				return -1;
			run = 0;
		} else if (run++ || run_decode(p + 1, dash, out) == -1)
			return -1;	/* two runs could have been one */
		p = dash + 1;
	}
	return 0;
}

/* One character of valid UTF-8; an octet that is not is shown as U+FFFD. */
static uint32_t
get_utf8(const char **pp, const char *end)
{
	const unsigned char *p = (const unsigned char *)*pp;
	size_t n, i;
	uint32_t c;

	n = *p < 0x80 ? 1 : *p < 0xe0 ? 2 : *p < 0xf0 ? 3 : 4;
	if (n > (size_t)(end - *pp) || (*p >= 0x80 && *p < 0xc2) ||
	    *p > 0xf4) {
		++*pp;
		return 0xfffd;
	}
	c = n == 1 ? *p : *p & (0x7fu >> n);
	for (i = 1; i < n; i++)
		c = c << 6 | (p[i] & 0x3f);
	*pp += n;
	return c;
}

static int
put_unit(struct buf *out, uint32_t *bits, unsigned *n, uint32_t unit)
{
	*bits = *bits << 16 | unit;
	for (*n += 16; *n >= 6;) {
		*n -= 6;
		if (buf_putc(out, digits[*bits >> *n & 0x3f]) == -1)
			return -1;
	}
	*bits &= (1u << *n) - 1;
	return 0;
}

static int
run_encode(const char **p, const char *end, struct buf *out)
{
	uint32_t bits = 0, c;
	unsigned n = 0;

	if (buf_putc(out, '&') == -1)
		return -1;
	while (*p < end && !is_plain(**p)) {
		c = get_utf8(p, end);
		if (c >= 0x10000) {
			c -= 0x10000;
			if (put_unit(out, &bits, &n, 0xd800 + (c >> 10)) ==
			    -1)
				return -1;
			c = 0xdc00 + (c & 0x3ff);
		}
		if (put_unit(out, &bits, &n, c) == -1)
			return -1;
	}
	if (n > 0 && buf_putc(out, digits[bits << (6 - n) & 0x3f]) == -1)
		return -1;
	return buf_putc(out, '-');
}

int
utf7_encode(const char *p, size_t len, struct buf *out)
{
	const char *end = p + len;
	int r = 0;

	while (p < end && r == 0) {
		if (*p == '&') {
			r = buf_append(out, "&-", 2);
			p++;
		} else if (is_plain(*p))
			r = buf_putc(out, *p++);
		else
			r = run_encode(&p, end, out);
	}
	return r;
}
