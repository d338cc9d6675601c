#include <string.h>

#include "lib/base/str.h"
#include "lib/mail/mime_param.h"

enum { SECTION_MAX = 999 };

static void
piece_read(const struct mime_text *name, struct mime_piece *k)
{
	const char *p = memchr(name->p, '*', name->len);
	const char *end = name->p + name->len;

	k->base = name->len;
	k->section = -1;
	k->extended = 0;
	if (p == NULL || p == name->p)
		return;
	k->base = (size_t)(p++ - name->p);
	if (p < end && *p >= '0' && *p <= '9')
		for (k->section = 0; p < end && *p >= '0' && *p <= '9' &&
		    k->section <= SECTION_MAX; p++)
			k->section = k->section * 10 + (*p - '0');
	if (k->section == -1 || (p < end && *p == '*')) {
		k->extended = 1;
		p += k->section != -1;
	}
	if (p == end && k->section <= SECTION_MAX)
		return;
	k->base = name->len;		/* a name that has stars in it */
	k->section = -1;
	k->extended = 0;
}

/* Index of the first parameter that is this piece of an attribute, or -1. */
static int
piece_find(const struct mime_params *ps, const char *base, size_t len,
    int section)
{
	const struct mime_piece *k = ps->piece;
	unsigned i;

	for (i = 0; i < ps->n; i++, k++)
		if (k->section == section && k->base == len && !k->done &&
		    str_ncasecmp(ps->raw[i].name.p, base, len) == 0)
			return (int)i;
	return -1;
}

/*
 * Links pieces 0, 1, 2, ... of each attribute. A find that finds takes its
 * piece out of the others' way, one that does not ends an attribute: so there
 * are at most twice as many as parameters.
 */
static void
pieces_link(struct mime_params *ps)
{
	const struct mime_text *name;
	unsigned i, last;
	int j, section;

	for (i = 0; i < ps->n; i++) {
		if (ps->piece[i].section != 0)
			continue;
		name = &ps->raw[i].name;
		ps->piece[i].done = 1;
		for (last = i, section = 1; (j = piece_find(ps, name->p,
		    ps->piece[i].base, section)) != -1; section++) {
			ps->piece[last].next = (unsigned char)j;
			ps->piece[j].head = ps->piece[j].next =
			    (unsigned char)i;
			ps->piece[j].done = 1;
			last = (unsigned)j;
		}
	}
	for (i = 0; i < ps->n; i++)
		ps->piece[i].done = 0;
}

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)str_lower((unsigned char)c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* ext-octet := "%" 2(DIGIT / "A" / ... / "F") */
static int
percent_decode(const char *p, const char *end, struct buf *out)
{
	int hi, lo, r = 0;

	for (; r == 0 && p < end; p++) {
		if (*p == '%' && end - p > 2 &&
		    (hi = hex_digit(p[1])) != -1 &&
		    (lo = hex_digit(p[2])) != -1) {
			r = buf_putc(out, (char)(hi << 4 | lo));
			p += 2;
		} else
			r = buf_putc(out, *p);
	}
	return r;
}

/* attribute-char := any CHAR but SPACE, CTLs, "*", "'", "%", tspecials */
static int
percent_encode(const char *p, size_t len, struct buf *out)
{
	static const char keep[] = "!#$&+-.^_`{|}~", hex[] =
	    "0123456789ABCDEF";
	unsigned char c;
	int r = 0;

	for (; r == 0 && len > 0; len--, p++) {
		c = (unsigned char)*p;
		if ((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
		    (c >= 'a' && c <= 'z') ||
		    (c != '\0' && strchr(keep, c) != NULL)) {
			r = buf_putc(out, (char)c);
			continue;
		}
		r = buf_putc(out, '%');
		if (r == 0)
			r = buf_putc(out, hex[c >> 4]);
		if (r == 0)
			r = buf_putc(out, hex[c & 15]);
	}
	return r;
}

static int
value_put(const struct mime_lex_param *p, struct buf *out)
{
	return p->quoted ? mime_unescape(&p->value, out) :
	    buf_append(out, p->value.p, p->value.len);
}

/* The value of an extended one, as octets: initial ones name a charset. */
static int
extended_decode(const struct mime_lex_param *p, int initial, struct buf *out)
{
	struct buf b = BUF_INIT(0);
	const char *s, *end, *quote;
	int i, r;

	value_put(p, &b);
	s = buf_str(&b);
	end = s + b.len;
	for (i = 0; initial && i < 2; i++)
		if ((quote = memchr(s, '\'', (size_t)(end - s))) != NULL)
			s = quote + 1;
	r = percent_decode(s, end, out);
	buf_clear(&b);
	return r;
}

static int
piece_decode(const struct mime_params *ps, unsigned i, struct buf *out)
{
	const struct mime_piece *k = &ps->piece[i];

	if (!k->extended)
		return value_put(&ps->raw[i], out);
	return extended_decode(&ps->raw[i], k->section <= 0, out);
}

void
mime_params_init(struct mime_params *ps, const struct mime_text *t)
{
	struct mime_lex l = { t->p, t->p };
	struct mime_piece *k = ps->piece;
	int linked = 0;

	ps->n = ps->at = 0;
	ps->name = ps->value = (struct buf)BUF_INIT(0);
	if (t->p == NULL)
		return;
	l.end += t->len;
	while (ps->n < MIME_PARAMS_MAX &&
	    mime_lex_param(&l, &ps->raw[ps->n])) {
		piece_read(&ps->raw[ps->n].name, k);
		linked |= k->section != -1;
		k->head = k->next = (unsigned char)ps->n++;
		k++->done = 0;
	}
	if (linked)
		pieces_link(ps);
}

void
mime_params_clear(struct mime_params *ps)
{
	buf_clear(&ps->name);
	buf_clear(&ps->value);
}

/* A plain piece among extended ones gets percents too. */
static void
piece_join(struct mime_params *ps, unsigned i, int extended)
{
	struct buf plain = BUF_INIT(0);

	if (!extended || ps->piece[i].extended) {
		value_put(&ps->raw[i], &ps->value);
		return;
	}
	value_put(&ps->raw[i], &plain);
	/* "''": no character set, no language. */
	if (ps->piece[i].section == 0)
		buf_puts(&ps->value, "''");
	percent_encode(buf_str(&plain), plain.len, &ps->value);
	buf_clear(&plain);
}

/* Puts the pieces from this head on together in ps->name and ps->value. */
static void
pieces_join(struct mime_params *ps, unsigned head)
{
	unsigned i = head;
	int extended = 0;

	do {
		extended |= ps->piece[i].extended;
		ps->piece[i].done = 1;
	} while ((i = ps->piece[i].next) != head);
	buf_append(&ps->name, ps->raw[head].name.p, ps->piece[head].base);
	if (extended)
		buf_putc(&ps->name, '*');
	do {
		piece_join(ps, i, extended);
	} while ((i = ps->piece[i].next) != head);
}

static void
text_of(const struct buf *b, struct mime_text *t)
{
	t->p = buf_str(b);
	t->len = b->len;
}

int
mime_params_next(struct mime_params *ps, struct mime_text *name_r,
    struct mime_text *value_r)
{
	const struct mime_lex_param *p;
	const struct mime_piece *k;

	while (ps->at < ps->n && ps->piece[ps->at].done)
		ps->at++;
	if (ps->at == ps->n)
		return 0;
	k = &ps->piece[ps->at];
	p = &ps->raw[ps->at++];
	buf_reset(&ps->name);
	buf_reset(&ps->value);
	*name_r = p->name;
	*value_r = p->value;
	if (ps->piece[k->head].section == 0) {
		pieces_join(ps, k->head);
		text_of(&ps->name, name_r);
		text_of(&ps->value, value_r);
	} else if (p->quoted && (memchr(p->value.p, '\\', p->value.len) !=
	    NULL || memchr(p->value.p, '\n', p->value.len) != NULL)) {
		value_put(p, &ps->value);
		text_of(&ps->value, value_r);
	}
	return 1;
}

/* As in RFC 2231: name*=, or name*0=, name*1=, ... */
static int
param_extended(const struct mime_text *params, const char *name,
    struct buf *value_r)
{
	struct mime_params ps;
	unsigned i, head;
	int found;

	mime_params_init(&ps, params);
	found = piece_find(&ps, name, strlen(name), -1);
	if (found == -1)
		found = piece_find(&ps, name, strlen(name), 0);
	if (found == -1)
		return 0;
	i = head = (unsigned)found;
	do {
		if (piece_decode(&ps, i, value_r) == -1)
			return 0;
	} while ((i = ps.piece[i].next) != head);
	return 1;
}

int
mime_param(const struct mime_text *params, const char *name,
    struct buf *value_r)
{
	struct mime_lex l = { params->p, params->p };
	struct mime_lex_param p;
	int stars = 0;
	unsigned n;

	if (params->p == NULL)
		return 0;
	l.end += params->len;
	for (n = 0; n < MIME_PARAMS_MAX && mime_lex_param(&l, &p); n++) {
		if (str_is(p.name.p, p.name.len, name))
			return value_put(&p, value_r) == 0;
		stars |= memchr(p.name.p, '*', p.name.len) != NULL;
	}
	return stars && param_extended(params, name, value_r);
}
