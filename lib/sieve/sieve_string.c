/*
 * What stands within strings: references to variables (RFC 5229 3) and encoded
 * characters (RFC 5228 2.4.2.4). Both leave alone what is not quite one.
 */
#include <string.h>

#include "lib/base/str.h"
#include "lib/base/words.h"
#include "lib/mail/mime_charset.h"
#include "lib/sieve/sieve_impl.h"

static int
is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static int
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

int
sieve_is_identifier(const char *p, size_t len)
{
	size_t i;

	if (len == 0 || !is_letter(p[0]))
		return 0;
	for (i = 1; i < len; i++)
		if (!is_letter(p[i]) && !is_digit(p[i]))
			return 0;
	return 1;
}

/*
 *   variable-ref   = "${" [namespace] variable-name "}"
 *   namespace      = identifier "." *sub-namespace
 *   sub-namespace  = variable-name "."
 *   variable-name  = num-variable / identifier
 *   num-variable   = 1*DIGIT
 */
size_t
sieve_reference(const char *p, size_t len, const char **name_r,
    size_t *name_len_r)
{
	size_t i = 2, from;
	int digits;

	if (len < 4 || p[0] != '$' || p[1] != '{')
		return 0;
	for (;;) {
		from = i;
		digits = i < len && is_digit(p[i]);
		while (i < len && (is_digit(p[i]) ||
		    (!digits && is_letter(p[i]))))
			i++;
		if (i == from || i == len || (digits && from == 2 &&
		    p[i] == '.'))
			return 0;
		if (p[i] == '}')
			break;
		if (p[i++] != '.')
			return 0;
	}
	*name_r = p + 2;
	*name_len_r = i - 2;
	return i + 1;
}

static int
hex_value(char c)
{
	if (is_digit(c))
		return c - '0';
	c = (char)str_lower((unsigned char)c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static int
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/*
 * The numbers of "${hex:" or "${unicode:" behind the colon. digits: of one at
 * most. Octets used with "}", 0: it is no such thing, -1: no character.
 */
static int
put_numbers(const char *p, size_t len, int unicode, struct buf *out)
{
	size_t i = 0, n, any = 0;
	uint32_t v;

	for (;; any++) {
		while (i < len && is_blank(p[i]))
			i++;
		if (i == len || (p[i] == '}' && any == 0))
			return 0;
		if (p[i] == '}')
			return (int)i + 1;
		for (n = 0, v = 0; i < len && hex_value(p[i]) != -1; n++, i++)
			if (v <= 0x110000)
				v = v << 4 | (uint32_t)hex_value(p[i]);
		if (n == 0 || (!unicode && n != 2) || i == len ||
		    (!is_blank(p[i]) && p[i] != '}'))
			return 0;
		if (!unicode)
			buf_putc(out, (char)v);
		else if (v > 0x10ffff || (v >= 0xd800 && v <= 0xdfff))
			return -1;
		else
			mime_put_utf8(out, v);
	}
}

static int
encoded_at(const char *p, size_t len, struct buf *out)
{
	size_t mark = out->len;
	int r = 0, head = 0;

	if (len > 6 && str_ncasecmp(p, "${hex:", 6) == 0)
		r = put_numbers(p + (head = 6), len - 6, 0, out);
	else if (len > 10 && str_ncasecmp(p, "${unicode:", 10) == 0)
		r = put_numbers(p + (head = 10), len - 10, 1, out);
	if (r <= 0)
		buf_truncate(out, mark);
	return r <= 0 ? r : r + head;
}

int
sieve_encoded(struct sieve_script *script, struct sieve_string *s,
    struct buf *why)
{
	struct buf out = BUF_INIT(0);
	size_t i;
	char *p;
	int r = 0;

	if (s->len == 0 || memmem(s->p, s->len, "${", 2) == NULL)
		return 0;
	for (i = 0; i < s->len && r != -1; ) {
		r = s->p[i] == '$' ? encoded_at(s->p + i, s->len - i, &out) :
		    0;
		if (r > 0)
			i += (size_t)r;
		else if (r == 0)
			buf_putc(&out, s->p[i++]);
	}
	if (r == -1) {
		buf_clear(&out);
		return sieve_refuse(why, &s->at, "%s",
		    _("${unicode:...} names no character"));
	}
	p = sieve_get(&script->arena, out.len + 1);
	if (out.len > 0)
		memcpy(p, out.data, out.len);
	s->p = p;
	s->len = out.len;
	buf_clear(&out);
	return 0;
}
