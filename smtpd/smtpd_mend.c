/*
 * A header is copied field by field. A field that changes is written anew, and
 * where it turns out that it cannot be read it is copied as it was.
 */
#include <string.h>

#include "lib/base/str.h"
#include "lib/mail/header.h"
#include "lib/mail/mime_encode.h"
#include "smtpd/smtpd_mend.h"

static int
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

size_t
mend_top(const char *p, size_t len)
{
	struct header_field f;
	struct header h;
	const char *lf;
	size_t at = 0;

	for (;;) {
		header_init(&h, p + at, len - at);
		/* "From : x" is a field of old (RFC 5322 4.5). */
		if (!header_next(&h, &f))
			return 0;
		if (f.name_len > 0)
			return at;
		if (f.len < 6 ||
		    memcmp(f.p + (*f.p == '>'), "From ", 5) != 0 ||
		    (lf = memchr(f.p, '\n', f.len)) == NULL)
			return 0;
		at = (size_t)(lf + 1 - p);
	}
}

/* One address of a list, as far as it was read. */
struct mailbox {
	unsigned words;
	int	 at;		/* an "@" was there, or an angle address */
	size_t	 end;		/* in out: behind the last word */
	int	 odd;		/* its one word is no local part, or a name */
};

/*
 * The values of address fields (RFC 5322 3.4), copied with what they lack.
 * Octets are taken one after the other; comments, quoted strings and domain
 * literals are passed over whole.
 */
struct mender {
	const char *p, *end, *domain;
	struct buf *out;
	struct mailbox box;
	int	 angle;		/* within < > */
	int	 group;		/* within the : ; of a group */
	int	 comma;		/* a blank is wanted behind commas */
	int	 changed;
};

/* Copies from an opening octet to the closing one. -1: there is none. */
static int
copy_enclosed(struct mender *m, char open, char shut)
{
	const char *s = m->p;
	unsigned depth = 0;

	for (; s < m->end; s++) {
		if (*s == '\\' && s + 1 < m->end)
			s++;
		else if (*s == shut && (open == shut ? depth > 0 : depth == 1))
			break;
		else if (*s == open)
			depth++;
		else if (*s == shut)
			depth--;
	}
	if (s == m->end)
		return -1;
	s++;
	buf_append(m->out, m->p, (size_t)(s - m->p));
	m->p = s;
	return 0;
}

/*
 * No local part: dots where none may be (RFC 5322 3.4.1), an encoded word, and
 * what programs write where they name nobody.
 */
static int
is_odd(const char *p, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		if (p[i] == '.' && (i == 0 || i + 1 == len || p[i - 1] == '.'))
			return 1;
	return (len > 1 && p[0] == '=' && p[1] == '?') ||
	    str_is(p, len, "undisclosed-recipients") ||
	    str_is(p, len, "unlisted-recipients");
}

static void
copy_word(struct mender *m)
{
	const char *s = m->p;

	while (s < m->end && !is_blank(*s) &&
	    strchr("()<>,;:\"[]@", *s) == NULL) {
		/* Neither UTF-8 nor an encoded word is a local part here. */
		m->box.odd |= (unsigned char)*s > 0x7e ||
		    (unsigned char)*s <= ' ' || *s == '\\';
		s++;
	}
	m->box.odd |= is_odd(m->p, (size_t)(s - m->p));
	if (s == m->p)
		s++;
	buf_append(m->out, m->p, (size_t)(s - m->p));
	m->p = s;
}

/* The address ends: where it is a word alone it gets the domain. */
static void
box_end(struct mender *m)
{
	static const struct mailbox none;
	struct buf tail = BUF_INIT(0);

	if (m->box.words == 1 && !m->box.at && !m->box.odd) {
		buf_append(&tail, m->out->data + m->box.end,
		    m->out->len - m->box.end);
		buf_truncate(m->out, m->box.end);
		buf_printf(m->out, "@%s", m->domain);
		buf_append(m->out, buf_str(&tail), tail.len);
		m->changed = 1;
		buf_clear(&tail);
	}
	m->box = none;
}

static void
copy_special(struct mender *m)
{
	static const struct mailbox none;
	char c = *m->p++;

	if (c == '>' && m->angle) {
		box_end(m);
		m->box.at = 1;
		m->angle = 0;
	} else if (!m->angle && (c == ',' || c == ';')) {
		box_end(m);
		m->group &= c != ';';
	} else if (c == '<') {
		/* What stands before is a name. */
		m->box = none;
		m->angle = 1;
	} else if (c == '@')
		m->box.at = 1;
	else if (c == ':' && !m->angle) {
		m->box = none;	/* it was the name of a group */
		m->group = 1;
	}
	buf_putc(m->out, c);
	if (c == ',' && m->comma && m->p < m->end && !is_blank(*m->p)) {
		buf_putc(m->out, ' ');
		m->changed = 1;
	}
}

/* One piece of the value. -1: it has no end. */
static int
mend_piece(struct mender *m)
{
	char c = *m->p;
	int r = 0;

	if (c == '(')
		return copy_enclosed(m, '(', ')');
	if (is_blank(c)) {
		buf_putc(m->out, c);
		m->p++;
		return 0;
	}
	if (strchr("<>,;:@", c) != NULL && c != '\0') {
		copy_special(m);
		return 0;
	}
	if (c == '[') {
		r = copy_enclosed(m, '[', ']');
		m->box.at = 1;
	} else if (c == '"') {
		r = copy_enclosed(m, '"', '"');
		/* Alone it is somebody's name. */
		m->box.odd |= !m->angle;
	} else
		copy_word(m);
	m->box.words++;
	m->box.end = m->out->len;
	return r;
}

/* 1 where out got the value otherwise than it was. */
static int
mend_addresses(const struct header_field *f, const char *domain, int comma,
    struct buf *out)
{
	struct mender m = { .p = f->value, .end = f->value + f->value_len,
		.domain = domain, .out = out, .comma = comma };
	size_t start = out->len;
	int whole;

	buf_append(out, f->p, (size_t)(f->value - f->p));
	while (m.p < m.end)
		if (mend_piece(&m) == -1)
			break;
	whole = m.p == m.end && !m.angle && !m.group;
	if (whole) {
		box_end(&m);
		buf_append(out, m.end, (size_t)(f->p + f->len - m.end));
	}
	if (whole && m.changed)
		return 1;
	buf_truncate(out, start);
	return 0;
}

/* Appends one field as it shall be; 1 if that is not as it was. */
static int
mend_field(const struct header_field *f, const char *domain, struct buf *out)
{
	static const char *const names[] = { "From", "To", "Cc", "Reply-To",
		"Sender" };
	struct buf field = BUF_INIT(0);
	int is_long, changed = 0;
	size_t i;

	is_long = lines_are_long(f->p, f->len);
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (header_is(f, names[i]))
			changed = mend_addresses(f, domain, is_long, &field);
	if (!changed)
		buf_append(&field, f->p, f->len);
	if (f->name_len > 0 && lines_are_long(field.data, field.len)) {
		i = out->len;
		header_fold(field.data, field.len, out);
		changed |= out->len - i != field.len;
	} else
		buf_append(out, field.data, field.len);
	buf_clear(&field);
	return changed;
}

int
mend_header(const char *p, size_t len, const char *domain, struct buf *out)
{
	struct header_field f;
	struct header h;
	const char *at = p;
	int changed = 0;

	header_init(&h, p, len);
	while (header_next(&h, &f)) {
		changed |= mend_field(&f, domain, out);
		at = f.p + f.len;
		if (out->len > len + MEND_GROWS_MAX)
			return 0;
	}
	/* The empty line, where there is one. */
	buf_append(out, at, (size_t)(p + len - at));
	return changed;
}
