#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "ctl/sendmail_message.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/mail/address.h"
#include "lib/mail/header.h"

/* "TEXT: words", on one line whatever the text holds. */
static int
refuse(struct buf *why, const char *p, size_t len, const char *words)
{
	char text[ADDRESS_MAX];
	size_t n = log_clean(text, sizeof(text), p, len);

	buf_set(why, "%.*s: %s", n > 0 ? (int)n : 2, n > 0 ? text : "\"\"",
	    words);
	return -1;
}

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
	buf_clear(&text);
	if (r != ADDRESS_OK)
		return refuse(why, p, len, address_words(r));
	str_copy(out, ADDRESS_MAX + 1, a.text);
	return 0;
}

struct only {
	struct buf *out;
	size_t	 n;
	int	 bad;
};

static int
take_only(const struct address_entry *e, void *arg)
{
	struct only *o = arg;

	o->bad |= e->bad;
	if (o->n++ == 0 && buf_append(o->out, e->text, e->len) == -1)
		o->bad = 1;
	return 0;
}

/* Nobody: nothing, or "<>" behind whatever name. */
static int
is_nobody(const char *p, size_t len)
{
	while (len > 0 && (p[len - 1] == ' ' || p[len - 1] == '\t'))
		len--;
	if (len == 0 || p[len - 1] != '>')
		return len == 0;
	len--;
	while (len > 0 && (p[len - 1] == ' ' || p[len - 1] == '\t'))
		len--;
	return len > 0 && p[len - 1] == '<';
}

int
sendmail_sender(const char *p, size_t len, struct buf *out, struct buf *why)
{
	struct only o = { .out = out };

	buf_reset(out);
	if (is_nobody(p, len))
		return 0;
	if (address_list(p, len, take_only, &o) == -1 || o.bad)
		return refuse(why, p, len, "bad sender (brackets, quotes, "
		    "comments)");
	return o.n == 1 && out->len > 0 ? 0 :
	    refuse(why, p, len, "a sender is one address");
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

struct field_gather {
	struct sendmail *s;
	size_t	 n;
	struct buf *why;
};

/* A name without a domain is what people and scripts write, too. */
static int
gather_one(const struct address_entry *e, void *arg)
{
	char address[ADDRESS_MAX + 1];
	struct field_gather *g = arg;

	g->n++;
	if (e->bad)
		return refuse(g->why, e->text, e->len, "bad address list "
		    "(brackets, quotes, comments, groups)");
	if (sendmail_address(g->s, e->text, e->len, address, g->why) == -1)
		return -1;
	return add_address(g->s, address, g->why);
}

int
sendmail_add(struct sendmail *s, const char *p, size_t len, struct buf *why)
{
	struct field_gather g = { .s = s, .why = why };

	if (address_list(p, len, gather_one, &g) == -1)
		return -1;
	return g.n > 0 ? 0 : refuse(why, p, len, "no address is there");
}

/* "From ..." of an mbox, which one more program may have quoted. */
static int
is_mbox_line(const char *p, size_t len)
{
	if (len > 0 && *p == '>') {
		p++;
		len--;
	}
	return len >= 5 && memcmp(p, "From ", 5) == 0;
}

/* No mail may hold a NUL (RFC 5322 2.3, 4): a blank takes its place. */
static void
copy_text(const char *p, size_t len, struct buf *out)
{
	size_t from = out->len, i;

	buf_append(out, p, len);
	for (i = from; i < out->len; i++) {
		if (out->data[i] == '\0')
			out->data[i] = ' ';
	}
}

/* Copies the lines with CRLF at their ends. */
static void
copy_lines(const struct sendmail *s, const char *p, size_t len,
    struct buf *out)
{
	const char *end = p + len, *eol;

	while (is_mbox_line(p, (size_t)(end - p))) {
		eol = memchr(p, '\n', (size_t)(end - p));
		p = eol == NULL ? end : eol + 1;
	}
	while (p < end) {
		for (eol = p; eol < end && *eol != '\n' && *eol != '\r'; eol++)
			;
		if (!s->dot_is_text && eol - p == 1 && *p == '.')
			return;
		copy_text(p, (size_t)(eol - p), out);
		buf_append(out, "\r\n", 2);
		if (eol + 1 < end && eol[0] == '\r' && eol[1] == '\n')
			eol++;
		p = eol + 1;
	}
}

static int
is_from(const struct header_field *f)
{
	return header_is(f, "From");
}

static int
is_recipient(const struct header_field *f)
{
	return header_is(f, "To") || header_is(f, "Cc") ||
	    header_is(f, "Bcc");
}

static int
is_resent(const struct header_field *f)
{
	return header_is(f, "Resent-To") || header_is(f, "Resent-Cc") ||
	    header_is(f, "Resent-Bcc");
}

/* RFC 5322 3.6.3: nobody sees who got a blind copy. */
static int
is_blind(const struct header_field *f)
{
	return header_is(f, "Bcc") || header_is(f, "Resent-Bcc");
}

/* A field after a line that is not a field is part of the body. */
static int
has_field(const char *p, size_t len, int (*is)(const struct header_field *))
{
	struct header_field f;
	struct header h;

	header_init(&h, p, len);
	while (header_next(&h, &f) && f.name_len > 0) {
		if (is(&f))
			return 1;
	}
	return 0;
}

/* RFC 5322 3.6.2: From is required. A name is quoted where it has to be. */
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

/*
 * A line that is not a field ends the header: what a script printed without one
 * becomes the body. Who resends a message sends it to those that he names: the
 * recipients it had before have it (RFC 5322 3.6.6).
 */
static int
copy_header(struct sendmail *s, const struct buf *in, struct buf *out,
    struct buf *why)
{
	const char *start = in->len > 0 ? in->data : "";
	const char *end = start + in->len, *body = NULL;
	struct field_gather g = { .s = s, .why = why };
	int (*is_ours)(const struct header_field *) = is_recipient;
	struct header_field f;
	struct header h;

	if ((s->sender[0] != '\0' || s->caller[0] != '\0') &&
	    !has_field(start, in->len, is_from))
		add_from(s, out);
	if (has_field(start, in->len, is_resent))
		is_ours = is_resent;
	header_init(&h, start, in->len);
	while (body == NULL && header_next(&h, &f)) {
		if (f.name_len == 0) {
			body = f.p;
			break;
		}
		if (s->from_header && is_ours(&f) &&
		    address_list(f.value, f.value_len, gather_one, &g) == -1)
			return -1;
		if (!s->from_header || !is_blind(&f))
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
