/*
 * ENVELOPE and address lists (RFC 3501 7.4.2). Display names and subjects
 * keep their encoded words: decoding is the client's.
 */
#include <string.h>

#include "lib/mail/limits.h"
#include "lib/mail/mime_envelope.h"
#include "lib/mail/mime_lex.h"

/* In a quoted string: 0 as it is, 1 after a backslash, 2 dropped, 3 never. */
static int
quote_class(unsigned char c)
{
	if (c == '"' || c == '\\')
		return 1;
	if (c == '\r' || c == '\n' || c == '\0')
		return 2;
	return (c < ' ' && c != '\t') || c >= 0x7f ? 3 : 0;
}

static int
put_literal(const char *p, const char *end, size_t dropped, struct buf *out)
{
	size_t n = (size_t)(end - p) - dropped;

	if (buf_printf(out, "{%zu}\r\n", n) == -1 ||
	    buf_reserve(out, n) == -1)
		return -1;
	for (; p < end; p++)
		if (quote_class((unsigned char)*p) != 2)
			out->data[out->len++] = *p;
	out->data[out->len] = '\0';
	return 0;
}

static int
put_quoted(const char *p, const char *end, size_t room, struct buf *out)
{
	char *o;

	if (buf_reserve(out, room + 2) == -1)
		return -1;
	o = out->data + out->len;
	*o++ = '"';
	for (; p < end; p++) {
		if (*p == '\r' || *p == '\n' || *p == '\0')
			continue;
		if (*p == '"' || *p == '\\')
			*o++ = '\\';
		*o++ = *p;
	}
	*o++ = '"';
	*o = '\0';
	out->len = (size_t)(o - out->data);
	return 0;
}

int
mime_nstring(const char *p, size_t len, struct buf *out)
{
	size_t count[4] = { 0 };
	const char *end, *q;

	if (p == NULL)
		return buf_append(out, "NIL", 3);
	end = p + len;
	while (p < end && (*p == ' ' || *p == '\t' || *p == '\r' ||
	    *p == '\n'))
		p++;
	while (p < end && (end[-1] == ' ' || end[-1] == '\t' ||
	    end[-1] == '\r' || end[-1] == '\n'))
		end--;
	for (q = p; q < end; q++)
		count[quote_class((unsigned char)*q)]++;
	if (count[3] > 0)
		return put_literal(p, end, count[2], out);
	return put_quoted(p, end, (size_t)(end - p) + count[1], out);
}

/*
 * One mailbox while it is read. name collects the words with single spaces
 * between them, spec the same without: which of them counts shows when "<",
 * "@" or ":" comes.
 */
struct mime_address {
	struct mime_lex l;
	struct buf name, spec, domain, route;
	struct mime_text comment;
	int	 at, angle;		/* "@" seen; "<...>" seen */
	int	 any, gap, group;
	unsigned count;
	struct buf *out;
};

static void
address_reset(struct mime_address *a)
{
	buf_reset(&a->name);
	buf_reset(&a->spec);
	buf_reset(&a->domain);
	buf_reset(&a->route);
	a->comment.p = NULL;
	a->at = a->angle = a->any = a->gap = 0;
}

/* An empty text is NIL in a name, "" elsewhere. */
static int
put_text(struct buf *out, const struct buf *b, int nil)
{
	if (nil && b->len == 0)
		return buf_append(out, "NIL", 3);
	return mime_nstring(buf_str(b), b->len, out);
}

static int
put_open(struct mime_address *a)
{
	if (a->count++ == 0)
		return buf_append(a->out, "((", 2);
	return buf_append(a->out, "(", 1);
}

/* address = "(" addr-name SP addr-adl SP addr-mailbox SP addr-host ")" */
static int
address_put(struct mime_address *a)
{
	const struct buf *mailbox = &a->spec;
	int r;

	if (!a->any || a->count >= MIME_ADDRESSES_MAX) {
		address_reset(a);
		return 0;
	}
	if (!a->angle) {
		/* Words alone are no address, but they are what was said. */
		if (!a->at)
			mailbox = &a->name;
		else {
			buf_reset(&a->name);
			if (a->comment.p != NULL)
				mime_unescape(&a->comment, &a->name);
		}
	}
	r = put_open(a);
	if (r == 0 && mailbox == &a->name)
		r = buf_append(a->out, "NIL", 3);
	else if (r == 0)
		r = put_text(a->out, &a->name, 1);
	if (r == 0)
		r = buf_putc(a->out, ' ');
	if (r == 0)
		r = put_text(a->out, &a->route, 1);
	if (r == 0)
		r = buf_putc(a->out, ' ');
	if (r == 0)
		r = put_text(a->out, mailbox, 0);
	if (r == 0)
		r = buf_putc(a->out, ' ');
	if (r == 0)
		r = put_text(a->out, &a->domain, 0);
	if (r == 0)
		r = buf_putc(a->out, ')');
	address_reset(a);
	return r;
}

/* "[RFC-2822] group syntax: host NIL; mailbox the group's name, or its end" */
static int
group_start(struct mime_address *a)
{
	int r;

	if (a->group || a->angle || a->count >= MIME_ADDRESSES_MAX) {
		a->gap = 1;
		return 0;
	}
	a->group = 1;
	r = put_open(a);
	if (r == 0)
		r = buf_append(a->out, "NIL NIL ", 8);
	if (r == 0)
		r = put_text(a->out, &a->name, 0);
	if (r == 0)
		r = buf_append(a->out, " NIL)", 5);
	address_reset(a);
	return r;
}

static int
group_end(struct mime_address *a)
{
	int r = address_put(a);

	if (r == 0 && a->group) {
		a->group = 0;
		a->count++;
		r = buf_puts(a->out, "(NIL NIL NIL NIL)");
	}
	return r;
}

static int
is_atom(char c)
{
	return (unsigned char)c > ' ' && c != 0x7f &&
	    strchr("()<>@,;:\\\"[]", c) == NULL;
}

/* A word, a quoted string or a domain literal, appended to b unless NULL. */
static void
word_read(struct mime_lex *l, struct buf *b)
{
	struct mime_text t;

	if (*l->p == '"') {
		mime_lex_quoted(l, &t);
		if (b != NULL)
			mime_unescape(&t, b);
		return;
	}
	t.p = l->p;
	if (*l->p == '[') {
		while (l->p < l->end && *l->p != ']')
			l->p++;
		if (l->p < l->end)
			l->p++;
	} else
		while (l->p < l->end && is_atom(*l->p))
			l->p++;
	if (l->p == t.p)
		l->p++;			/* a control or a stray special */
	else if (b != NULL)
		buf_append(b, t.p, (size_t)(l->p - t.p));
}

/*
 * angle-addr = "<" [obs-route] addr-spec ">", where obs-route is
 * "@a,@b:". A "," that is in no route ends an address that lacks its ">".
 */
static void
angle_read(struct mime_address *a)
{
	struct mime_lex *l = &a->l;
	int route;

	l->p++;
	a->angle = a->any = 1;
	a->at = 0;
	buf_reset(&a->spec);
	buf_reset(&a->domain);
	mime_skip_cfws(l);
	route = l->p < l->end && *l->p == '@';
	for (;; mime_skip_cfws(l)) {
		if (l->p == l->end)
			return;
		if (*l->p == '>') {
			l->p++;
			return;
		}
		if (*l->p == ':' && route) {
			route = 0;
			l->p++;
		} else if (route && (*l->p == '@' || *l->p == ','))
			buf_putc(&a->route, *l->p++);
		else if (*l->p == ',' || *l->p == ';' || *l->p == '<')
			return;
		else if (*l->p == '@') {
			a->at = 1;
			l->p++;
		} else
			word_read(l, route ? &a->route :
			    a->at ? &a->domain : &a->spec);
	}
}

static void
words_read(struct mime_address *a)
{
	struct mime_text t = { a->l.p, 0 };
	size_t at;

	a->any = 1;
	if (a->angle) {
		word_read(&a->l, NULL);		/* text after ">" */
		return;
	}
	if (a->at) {
		word_read(&a->l, &a->domain);
		return;
	}
	if (a->gap && a->name.len > 0)
		buf_putc(&a->name, ' ');
	a->gap = 0;
	at = a->name.len;
	word_read(&a->l, &a->name);
	t.len = a->name.len - at;
	buf_append(&a->spec, buf_str(&a->name) + at, t.len);
}

static int
address_step(struct mime_address *a)
{
	struct mime_lex *l = &a->l;

	switch (*l->p) {
	case ' ':
	case '\t':
	case '\r':
	case '\n':
		a->gap = 1;
		l->p++;
		return 0;
	case '(':
		mime_lex_comment(l, &a->comment);
		a->gap = 1;
		return 0;
	case ',':
		l->p++;
		return address_put(a);
	case ';':
		l->p++;
		return group_end(a);
	case ':':
		l->p++;
		return group_start(a);
	case '<':
		angle_read(a);
		return 0;
	case '@':
		l->p++;
		a->at = a->any = 1;
		return 0;
	default:
		words_read(a);
		return 0;
	}
}

static int
addresses_put(struct mime_address *a, const struct mime_text *t)
{
	int r = 0;

	address_reset(a);
	a->group = 0;
	a->count = 0;
	a->l = (struct mime_lex){ t->p, t->p };
	if (t->p != NULL)
		a->l.end += t->len;
	while (r == 0 && a->l.p < a->l.end)
		r = address_step(a);
	if (r == 0)
		r = group_end(a);
	if (r == 0)
		r = a->count > 0 ? buf_putc(a->out, ')') :
		    buf_append(a->out, "NIL", 3);
	return r;
}

static void
address_init(struct mime_address *a, struct buf *out)
{
	memset(a, 0, sizeof(*a));
	a->out = out;
}

static void
address_clear(struct mime_address *a)
{
	buf_clear(&a->name);
	buf_clear(&a->spec);
	buf_clear(&a->domain);
	buf_clear(&a->route);
}

int
mime_addresses(const char *p, size_t len, struct buf *out)
{
	struct mime_text t = { p, len };
	struct mime_address a;
	int r;

	address_init(&a, out);
	r = addresses_put(&a, &t);
	address_clear(&a);
	return r;
}

/* Appends a field's nstring; where it is absent or empty, NIL. */
static int
put_field(struct buf *out, const struct mime_text *t)
{
	size_t len = t->len;
	const char *p = t->p;

	for (; p != NULL && len > 0; p++, len--)
		if (*p != ' ' && *p != '\t' && *p != '\r' && *p != '\n')
			return mime_nstring(p, len, out);
	return buf_append(out, t->p != NULL ? "\"\"" : "NIL",
	    t->p != NULL ? 2 : 3);
}

/*
 * "the server should default reply-to and sender from from" where they are
 * absent or empty: then the text of From is put once more.
 */
static int
put_sender(struct mime_address *a, const struct mime_text *t, size_t from,
    size_t from_len)
{
	size_t at = a->out->len;

	if (addresses_put(a, t) == -1)
		return -1;
	if (a->count > 0)
		return 0;
	buf_truncate(a->out, at);
	if (buf_reserve(a->out, from_len) == -1)
		return -1;
	return buf_append(a->out, a->out->data + from, from_len);
}

/*
 * envelope = "(" env-date SP env-subject SP env-from SP env-sender SP
 *     env-reply-to SP env-to SP env-cc SP env-bcc SP env-in-reply-to SP
 *     env-message-id ")"
 */
int
mime_envelope(const struct mime *m, const struct mime_part *p,
    struct buf *out)
{
	static const struct mime_text none[MIME_F_COUNT];
	const struct mime_text *e = p->envelope != NULL ? p->envelope : none;
	struct mime_address a;
	size_t from, from_len;
	int i, r = -1;

	address_init(&a, out);
	if (buf_putc(out, '(') == -1 ||
	    put_field(out, &e[MIME_F_DATE]) == -1 ||
	    buf_putc(out, ' ') == -1 ||
	    put_field(out, &e[MIME_F_SUBJECT]) == -1 ||
	    buf_putc(out, ' ') == -1)
		goto out;
	from = out->len;
	if (addresses_put(&a, &e[MIME_F_FROM]) == -1)
		goto out;
	from_len = out->len - from;
	for (i = MIME_F_SENDER; i <= MIME_F_REPLY_TO; i++)
		if (buf_putc(out, ' ') == -1 ||
		    put_sender(&a, &e[i], from, from_len) == -1)
			goto out;
	for (i = MIME_F_TO; i <= MIME_F_BCC; i++)
		if (buf_putc(out, ' ') == -1 ||
		    addresses_put(&a, &e[i]) == -1)
			goto out;
	if (buf_putc(out, ' ') == -1 ||
	    put_field(out, &e[MIME_F_IN_REPLY_TO]) == -1 ||
	    buf_putc(out, ' ') == -1 ||
	    put_field(out, &e[MIME_F_MESSAGE_ID]) == -1)
		goto out;
	r = buf_putc(out, ')');
out:
	address_clear(&a);
	return r;
}
