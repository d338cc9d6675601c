#include <string.h>

#include "lib/base/base64.h"
#include "lib/base/str.h"
#include "lib/mail/mime_charset.h"
#include "lib/mail/mime_decode.h"
#include "lib/mail/mime_lex.h"

enum mime_encoding
mime_encoding_of(const struct mime_text *t)
{
	struct mime_lex l = { t->p, t->p };
	struct mime_text token;

	if (t->p == NULL)
		return MIME_E_PLAIN;
	l.end += t->len;
	if (!mime_lex_token(&l, &token))
		return MIME_E_PLAIN;
	if (str_is(token.p, token.len, "base64"))
		return MIME_E_BASE64;
	if (str_is(token.p, token.len, "quoted-printable"))
		return MIME_E_QUOTED;
	return MIME_E_PLAIN;
}

/* "=" ends a text, but another may follow (parts that were put together). */
static void
decode_base64(struct mime_decoder *d, const char *p, size_t len,
    struct buf *out)
{
	char *o;
	int v;

	if (buf_reserve(out, len / 4 * 3 + 3) == -1)
		return;
	o = out->data + out->len;
	for (; len > 0; len--, p++) {
		v = base64_value((unsigned char)*p);
		if (v == -1) {
			if (*p == '=') {
				d->n = 0;
				d->bits = 0;
			}
			continue;
		}
		d->bits = d->bits << 6 | (uint32_t)v;
		/* Each digit after the first ends an octet. */
		if (d->n++ > 0)
			*o++ = (char)(d->bits >> (6 - 2 * (d->n - 1)));
		if (d->n == 4)
			d->n = 0;
	}
	out->len = (size_t)(o - out->data);
	*o = '\0';
}

static int
hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)str_lower((unsigned char)c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* An octet after "=": soft line break, two digits, or nothing of the kind. */
static void
quoted_octet(struct mime_decoder *d, char c, struct buf *out)
{
	int hi, lo;

	if (d->n == 1) {
		if (c == '\n')
			d->n = 0;
		else if (c != ' ' && c != '\t') {
			d->held[0] = c;
			d->n = 2;
		}
		return;
	}
	d->n = 0;
	if (d->held[0] == '\r' && c == '\n')
		return;
	hi = hex_value(d->held[0]);
	lo = hex_value(c);
	if (hi != -1 && lo != -1)
		buf_putc(out, (char)(hi << 4 | lo));
	else {
		buf_putc(out, '=');
		buf_putc(out, d->held[0]);
		buf_putc(out, c);
	}
}

static void
decode_quoted(struct mime_decoder *d, const char *p, size_t len,
    struct buf *out)
{
	const char *end = p + len, *eq;

	while (p < end) {
		if (d->n > 0) {
			quoted_octet(d, *p++, out);
			continue;
		}
		eq = memchr(p, '=', (size_t)(end - p));
		if (eq == NULL)
			eq = end;
		buf_append(out, p, (size_t)(eq - p));
		p = eq;
		if (p < end) {
			d->n = 1;
			p++;
		}
	}
}

void
mime_decode(struct mime_decoder *d, const char *p, size_t len,
    struct buf *out)
{
	switch (d->encoding) {
	case MIME_E_BASE64:
		decode_base64(d, p, len, out);
		break;
	case MIME_E_QUOTED:
		decode_quoted(d, p, len, out);
		break;
	case MIME_E_PLAIN:
		buf_append(out, p, len);
		break;
	}
}

/* The "Q" encoding (RFC 2047 4.2): "_" is a space. */
static void
decode_q(const char *p, size_t len, struct buf *out)
{
	int hi, lo;

	for (; len > 0; len--, p++) {
		if (*p == '=' && len > 2 && (hi = hex_value(p[1])) != -1 &&
		    (lo = hex_value(p[2])) != -1) {
			buf_putc(out, (char)(hi << 4 | lo));
			p += 2;
			len -= 2;
		} else
			buf_putc(out, *p == '_' ? ' ' : *p);
	}
}

/* encoded-word = "=?" charset ["*" language] "?" encoding "?" text "?=" */
struct mime_encoded_word {
	const char *charset, *text, *end;
	size_t	 charset_len, text_len;
	int	 base64;
};

static int
word_read(const char *p, const char *end, struct mime_encoded_word *w)
{
	const char *star, *q, *limit;

	/* No word is longer; so a "=?" without its end costs little. */
	limit = end - p > 2000 ? p + 2000 : end;
	if (limit - p < 8 || p[0] != '=' || p[1] != '?')
		return 0;
	w->charset = p += 2;
	if ((q = memchr(p, '?', (size_t)(limit - p))) == NULL ||
	    limit - q < 4 || q[2] != '?')
		return 0;
	w->charset_len = (size_t)(q - p);
	star = memchr(p, '*', w->charset_len);
	if (star != NULL)
		w->charset_len = (size_t)(star - p);
	w->base64 = str_lower((unsigned char)q[1]) == 'b';
	if (!w->base64 && str_lower((unsigned char)q[1]) != 'q')
		return 0;
	w->text = p = q + 3;
	q = p < limit ? memchr(p, '?', (size_t)(limit - p)) : NULL;
	if (q == NULL || limit - q < 2 || q[1] != '=')
		return 0;
	w->text_len = (size_t)(q - p);
	w->end = q + 2;
	return 1;
}

static void
word_put(const struct mime_encoded_word *w, struct buf *out)
{
	const struct mime_charset *cs = mime_charset_find(w->charset,
	    w->charset_len);
	struct mime_decoder d = { .encoding = MIME_E_BASE64 };
	struct buf raw = BUF_INIT(0);

	if (w->base64)
		mime_decode(&d, w->text, w->text_len, &raw);
	else
		decode_q(w->text, w->text_len, &raw);
	if (cs == NULL)
		cs = mime_charset_find("us-ascii", 8);
	mime_charset_utf8(cs, 1, 1, buf_str(&raw), raw.len, out);
	buf_clear(&raw);
}

void
mime_words(const char *p, size_t len, struct buf *out)
{
	const char *end = p + len, *from;
	size_t after_word = SIZE_MAX;	/* out.len after the last word */
	struct mime_encoded_word w;

	while (p < end) {
		if (*p == '=' && word_read(p, end, &w)) {
			/* White space between two words is not shown. */
			if (after_word != SIZE_MAX)
				buf_truncate(out, after_word);
			word_put(&w, out);
			after_word = out->len;
			p = w.end;
			continue;
		}
		from = p++;
		if (*from == '\r' || *from == '\n')
			continue;
		if (*from != ' ' && *from != '\t')
			after_word = SIZE_MAX;
		while (after_word == SIZE_MAX && p < end && *p != '=' &&
		    *p != '\r' && *p != '\n')
			p++;
		buf_append(out, from, (size_t)(p - from));
	}
}
