#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "ctl/sendmail.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/mail/address.h"
#include "lib/mail/header.h"

int
sendmail_address(const struct sendmail *s, const char *p, size_t len,
    char out[ADDRESS_MAX + 1], struct buf *why)
{
	struct buf text = BUF_INIT(2 * ADDRESS_MAX);
	struct address a;
	enum address_result r;

	/* "<anna@example.test>" is what some callers pass. */
	if (len >= 2 && p[0] == '<' && p[len - 1] == '>') {
		p++;
		len -= 2;
	}
	if (buf_append(&text, p, len) == -1) {
		r = ADDRESS_LONG;
	} else {
		if (memchr(p, '@', len) == NULL)
			buf_printf(&text, "@%s", s->origin);
		r = address_parse(&a, buf_str(&text), text.len);
	}
	if (r == ADDRESS_OK)
		str_copy(out, ADDRESS_MAX + 1, a.text);
	else
		buf_set(why, "%.*s: %s", (int)(len > 300 ? 300 : len), p,
		    address_words(r));
	buf_clear(&text);
	return r == ADDRESS_OK ? 0 : -1;
}

static int
add_address(struct sendmail *s, const char *address, struct buf *why)
{
	size_t i;

	for (i = 0; i < s->n_to; i++) {
		if (strcmp(s->to[i], address) == 0)
			return 0;
	}
	if (s->n_to == RECIPIENTS_MAX) {
		buf_set(why, "more than %d recipients", RECIPIENTS_MAX);
		return -1;
	}
	s->to = mem_realloc(s->to, s->n_to + 1, sizeof(*s->to));
	s->to[s->n_to++] = mem_strdup(address);
	return 0;
}

int
sendmail_add(struct sendmail *s, const char *p, size_t len, struct buf *why)
{
	char address[ADDRESS_MAX + 1];

	if (sendmail_address(s, p, len, address, why) == -1)
		return -1;
	return add_address(s, address, why);
}

/* Copies the lines with CRLF at their ends. */
static void
copy_lines(const struct sendmail *s, const char *p, size_t len,
    struct buf *out)
{
	const char *end = p + len, *eol;

	if (len >= 5 && strncmp(p, "From ", 5) == 0) {
		eol = memchr(p, '\n', len);
		p = eol == NULL ? end : eol + 1;
	}
	while (p < end) {
		for (eol = p; eol < end && *eol != '\n' && *eol != '\r'; eol++)
			;
		if (!s->dot_is_text && eol - p == 1 && *p == '.')
			return;
		buf_append(out, p, (size_t)(eol - p));
		buf_append(out, "\r\n", 2);
		if (eol + 1 < end && eol[0] == '\r' && eol[1] == '\n')
			eol++;
		p = eol + 1;
	}
}

struct gather {
	struct sendmail *s;
	struct buf *why;
};

static int
gather_one(const struct address *a, void *arg)
{
	struct gather *g = arg;

	if (a->at == a->len)
		return sendmail_add(g->s, a->text, a->len, g->why);
	return add_address(g->s, a->text, g->why);
}

/*
 * A name without a domain is no address of RFC 5322, but it is what people
 * and scripts write behind To: here.
 */
static int
gather_bare(struct sendmail *s, const char *p, size_t len, struct buf *why)
{
	const char *comma;
	size_t n, k;

	for (; len > 0; p += n, len -= n) {
		comma = memchr(p, ',', len);
		n = comma == NULL ? len : (size_t)(comma - p) + 1;
		for (k = comma == NULL ? n : n - 1; k > 0 &&
		    strchr(" \t\r\n", p[k - 1]) != NULL; k--)
			;
		while (k > 0 && strchr(" \t\r\n", *p) != NULL) {
			p++;
			n--;
			len--;
			k--;
		}
		if (k == 0 || memchr(p, '@', k) != NULL)
			continue;
		if (sendmail_add(s, p, k, why) == -1)
			return -1;
	}
	return 0;
}

static int
is_recipient(const struct header_field *f)
{
	return header_is(f, "To") || header_is(f, "Cc") ||
	    header_is(f, "Bcc");
}

static int
gather_field(struct sendmail *s, const struct header_field *f,
    struct buf *why)
{
	struct gather g = { .s = s, .why = why };
	size_t bad;

	if (address_list(f->value, f->value_len, gather_one, &g, &bad) != 0)
		return -1;
	if (bad > 0)
		return gather_bare(s, f->value, f->value_len, why);
	return 0;
}

/* RFC 5322 3.6.2: From is a duty. A name is quoted where it has to be. */
static void
add_from(const struct sendmail *s, struct buf *out)
{
	const char *from = s->sender[0] != '\0' ? s->sender : s->caller;
	const char *p;

	if (s->full_name == NULL || s->full_name[0] == '\0' ||
	    !str_is_text(s->full_name, strlen(s->full_name))) {
		buf_printf(out, "From: <%s>\r\n", from);
		return;
	}
	buf_puts(out, "From: \"");
	for (p = s->full_name; *p != '\0'; p++) {
		if (*p == '"' || *p == '\\')
			buf_putc(out, '\\');
		buf_putc(out, *p);
	}
	buf_printf(out, "\" <%s>\r\n", from);
}

/* A From behind a line that is no field is part of the body. */
static int
has_from(const char *p, size_t len)
{
	struct header_field f;
	struct header h;

	header_init(&h, p, len);
	while (header_next(&h, &f) && f.name_len > 0) {
		if (header_is(&f, "From"))
			return 1;
	}
	return 0;
}

/*
 * A line that is no field ends the header: what a script printed without one
 * becomes the body.
 */
static int
copy_header(struct sendmail *s, const struct buf *in, struct buf *out,
    struct buf *why)
{
	const char *start = in->len > 0 ? in->data : "";
	const char *end = start + in->len, *body = NULL;
	struct header_field f;
	struct header h;

	if ((s->sender[0] != '\0' || s->caller[0] != '\0') &&
	    !has_from(start, in->len))
		add_from(s, out);
	header_init(&h, start, in->len);
	while (body == NULL && header_next(&h, &f)) {
		if (f.name_len == 0) {
			body = f.p;
			break;
		}
		if (s->from_header && is_recipient(&f) &&
		    gather_field(s, &f, why) == -1)
			return -1;
		/* RFC 5322 3.6.3: nobody sees who got a blind copy. */
		if (!s->from_header || !header_is(&f, "Bcc"))
			buf_append(out, f.p, f.len);
	}
	if (body == NULL)
		body = h.p;
	buf_append(out, "\r\n", 2);
	if (body < end)
		buf_append(out, body, (size_t)(end - body));
	return 0;
}

int
sendmail_prepare(struct sendmail *s, const char *p, size_t len,
    struct buf *out, struct buf *why)
{
	struct buf lines = BUF_INIT(0);
	int r;

	copy_lines(s, p, len, &lines);
	r = copy_header(s, &lines, out, why);
	buf_clear(&lines);
	if (r == 0 && out->len > s->message_size) {
		buf_set(why, "the message is larger than message_size");
		r = -1;
	}
	return r;
}
