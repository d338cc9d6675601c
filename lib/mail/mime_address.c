/*
 * Address lists of ENVELOPE (RFC 3501 7.4.2, RFC 5322 3.4), out of whatever
 * stands there. Display names keep their encoded words in it: decoding is the
 * client's. In the text for a search they are decoded.
 */
#include <string.h>

#include "lib/mail/header.h"
#include "lib/mail/mime_address.h"
#include "lib/mail/mime_decode.h"
#include "lib/mail/mime_lex.h"
#include "lib/mail/mime_string.h"

enum { ENCODED_WORD_MAX = 1000 };	/* octets; RFC 2047 2 asks for 75 */

/*
 * What is read between two commas. name is all of it with single spaces, in
 * case that "<" comes. spec and domain are the address that stands there so
 * far; what is in front of it is from..lead of name.
 */
struct mime_address {
	struct mime_lex l;
	struct buf name, spec, domain, route;
	struct mime_text comment;
	size_t	 from, lead;
	int	 at, angle;		/* "@" seen; "<...>" seen */
	int	 any, gap;
	int	 loose;			/* no comma in front of it */
	size_t	 mark;			/* out.len at the last comma or ">" */
	unsigned marked;		/* count there */
	int	 group, no_literal;
	int	 text;			/* out is a text, no list of IMAP */
	unsigned count;
	struct buf *out;
};

/* What comes next is a new address, without a comma before it. */
static void
spec_reset(struct mime_address *a)
{
	buf_reset(&a->spec);
	buf_reset(&a->domain);
	buf_reset(&a->route);
	a->comment.p = NULL;
	a->from = a->lead = a->name.len;
	a->at = a->angle = a->any = 0;
	a->loose = 1;
}

static void
address_reset(struct mime_address *a)
{
	buf_reset(&a->name);
	spec_reset(a);
	a->gap = a->loose = 0;
	a->mark = a->out->len;
	a->marked = a->count;
}

static int
put_open(struct mime_address *a)
{
	if (a->text)
		return a->count++ == 0 ? 0 : buf_append(a->out, ", ", 2);
	if (a->count++ == 0)
		return buf_append(a->out, "((", 2);
	return buf_append(a->out, "(", 1);
}

static int
put_words(struct mime_address *a, const char *p, size_t len)
{
	if (!a->text)
		return mime_nstring(len > 0 ? p : NULL, len, a->out);
	if (len == 0)
		return 0;
	mime_words(p, len, a->out);
	return buf_putc(a->out, ' ');
}

/* addr-name: the display name, or the comment that stands for one. */
static int
put_name(struct mime_address *a)
{
	struct buf b = BUF_INIT(0);
	size_t len = a->angle ? a->name.len : a->lead - a->from;
	const char *p = buf_str(&a->name) + (a->angle ? 0 : a->from);
	int r;

	if (!a->angle && a->comment.p != NULL) {
		mime_unescape(&a->comment, &b);
		p = buf_str(&b);
		len = b.len;
	}
	if (!a->angle && !a->at)
		len = 0;
	r = put_words(a, p, len);
	buf_clear(&b);
	return r;
}

/* Words alone are a mailbox without a host, and may be encoded. */
static int
put_text(struct mime_address *a)
{
	if (put_open(a) == -1 || put_name(a) == -1)
		return -1;
	if (!a->angle && !a->at) {
		mime_words(buf_str(&a->name), a->name.len, a->out);
		return 0;
	}
	if (buf_putc(a->out, '<') == -1 ||
	    buf_append(a->out, buf_str(&a->spec), a->spec.len) == -1)
		return -1;
	if (a->domain.len > 0 && (buf_putc(a->out, '@') == -1 ||
	    buf_append(a->out, buf_str(&a->domain), a->domain.len) == -1))
		return -1;
	return buf_putc(a->out, '>');
}

/* address = "(" addr-name SP addr-adl SP addr-mailbox SP addr-host ")" */
static int
put_address(struct mime_address *a)
{
	/* Words alone are no address, but they are what was said. */
	const struct buf *mailbox = a->angle || a->at ? &a->spec : &a->name;

	if (put_open(a) == -1 || put_name(a) == -1 ||
	    buf_putc(a->out, ' ') == -1 ||
	    mime_nstring(a->route.len > 0 ? a->route.data : NULL,
	    a->route.len, a->out) == -1 || buf_putc(a->out, ' ') == -1 ||
	    mime_string(buf_str(mailbox), mailbox->len, a->out) == -1 ||
	    buf_putc(a->out, ' ') == -1 ||
	    mime_nstring(buf_str(&a->domain), a->domain.len, a->out) == -1)
		return -1;
	return buf_putc(a->out, ')');
}

/* What was read so far; words behind an address are none. */
static int
address_take(struct mime_address *a)
{
	if (!a->any || (a->loose && !a->at && !a->angle))
		return 0;
	return a->text ? put_text(a) : put_address(a);
}

static int
address_put(struct mime_address *a)
{
	int r = address_take(a);

	address_reset(a);
	return r;
}

/* An address ends, and without a comma something else begins. */
static int
address_next(struct mime_address *a)
{
	int r = address_take(a);

	if (a->angle)
		address_reset(a);
	else
		spec_reset(a);
	a->loose = 1;
	return r;
}

/* "[RFC-2822] group syntax: host NIL; mailbox the group's name, or its end" */
static int
group_start(struct mime_address *a)
{
	int r;

	a->group = 1;
	buf_truncate(a->out, a->mark);
	a->count = a->marked;
	r = put_open(a);
	if (r == 0 && a->text)
		mime_words(buf_str(&a->name), a->name.len, a->out);
	else if (r == 0 && (buf_append(a->out, "NIL NIL ", 8) == -1 ||
	    mime_nstring(buf_str(&a->name), a->name.len, a->out) == -1 ||
	    buf_append(a->out, " NIL)", 5) == -1))
		r = -1;
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
		if (!a->text)
			r = buf_puts(a->out, "(NIL NIL NIL NIL)");
		a->mark = a->out->len;
		a->marked = a->count;
	}
	return r;
}

static int
is_atom(char c)
{
	/* Most are letters. */
	if (c >= 'a' && c <= 'z')
		return 1;
	return (unsigned char)c > ' ' && c != 0x7f &&
	    strchr("()<>@,;:\\\"[]", c) == NULL;
}

/*
 * An encoded word at p: its length, or 0. A comma or "@" in one that was not
 * encoded as RFC 2047 5 asks is part of a name still; a "<" is not.
 */
static size_t
encoded_word(const char *p, const char *end)
{
	const char *s = p + 2;
	unsigned marks = 0;

	if (end - p < 8 || p[0] != '=' || p[1] != '?')
		return 0;
	if (end - p > ENCODED_WORD_MAX)
		end = p + ENCODED_WORD_MAX;
	for (; s < end && (unsigned char)*s > ' ' && *s != '<' && *s != '"';
	    s++) {
		if (*s != '?')
			continue;
		if (++marks == 3)
			return s + 1 < end && s[1] == '=' ?
			    (size_t)(s + 2 - p) : 0;
		if (marks == 2 && s[-2] != '?')
			return 0;
	}
	return 0;
}

/* "[" at l->p: past its "]", if there is one. */
static void
literal_skip(struct mime_address *a)
{
	struct mime_lex *l = &a->l;
	const char *close = a->no_literal ? NULL : memchr(l->p, ']',
	    (size_t)(l->end - l->p));

	if (close != NULL)
		l->p = close + 1;
	else
		a->no_literal = 1;
}

/*
 * A word, a quoted string or a domain literal, appended to b unless it is
 * NULL. A special that is none of these parts words; controls and backslashes
 * are taken as they are.
 */
static void
word_read(struct mime_address *a, struct buf *b)
{
	struct mime_lex *l = &a->l;
	struct mime_text t = { l->p, 0 };
	size_t n;

	if (*l->p == '"') {
		mime_lex_quoted(l, &t);
		if (b != NULL)
			mime_unescape(&t, b);
		return;
	}
	if (*l->p == '[')
		literal_skip(a);
	else if ((n = encoded_word(l->p, l->end)) > 0)
		l->p += n;
	else
		while (l->p < l->end && (is_atom(*l->p) || *l->p == '\\' ||
		    ((unsigned char)*l->p < ' ' && *l->p != '\t' &&
		    *l->p != '\r' && *l->p != '\n') || *l->p == 0x7f))
			l->p++;
	if (l->p == t.p) {
		l->p++;
		a->gap = 1;
	} else if (b != NULL)
		buf_append(b, t.p, (size_t)(l->p - t.p));
}

/* True where a blank in front of the next word says that it is a new one. */
static int
parts_words(const struct mime_address *a, const struct buf *before)
{
	return a->gap && before->len > 0 && *a->l.p != '.' &&
	    before->data[before->len - 1] != '.';
}

/*
 * addr-spec in brackets up to what may end it. Words in the local part keep
 * one blank; in the domain the first is it.
 */
static void
angle_word(struct mime_address *a)
{
	if (!a->at) {
		if (parts_words(a, &a->spec))
			buf_putc(&a->spec, ' ');
		a->gap = 0;
		word_read(a, &a->spec);
	} else if (parts_words(a, &a->domain)) {
		word_read(a, NULL);
		a->gap = 1;
	} else {
		a->gap = 0;
		word_read(a, &a->domain);
	}
}

/* A "@" too many belongs to the local part. */
static void
at_take(struct mime_address *a)
{
	a->l.p++;
	if (a->at) {
		buf_putc(&a->spec, '@');
		buf_append(&a->spec, buf_str(&a->domain), a->domain.len);
		buf_reset(&a->domain);
	}
	a->at = a->any = 1;
}

static void
blanks_skip(struct mime_address *a)
{
	const char *p = a->l.p;

	mime_skip_cfws(&a->l);
	a->gap |= a->l.p != p;
}

/* obs-route = "@a,@b:", at the first "@". */
static void
route_read(struct mime_address *a)
{
	struct mime_lex *l = &a->l;

	for (; l->p < l->end && *l->p != '>' && *l->p != '<' &&
	    *l->p != ';'; mime_skip_cfws(l)) {
		if (*l->p == ':') {
			l->p++;
			return;
		}
		if (*l->p == '@' || *l->p == ',')
			buf_putc(&a->route, *l->p++);
		else
			word_read(a, &a->route);
	}
}

/*
 * angle-addr = "<" [obs-route] addr-spec ">". A "," that is in no route ends
 * an address that lacks its ">".
 */
static void
angle_read(struct mime_address *a)
{
	struct mime_lex *l = &a->l;

	l->p++;
	a->angle = a->any = 1;
	a->at = a->gap = 0;
	buf_reset(&a->spec);
	buf_reset(&a->domain);
	mime_skip_cfws(l);
	if (l->p < l->end && *l->p == '@')
		route_read(a);
	for (blanks_skip(a); l->p < l->end; blanks_skip(a)) {
		if (*l->p == '>') {
			l->p++;
			return;
		}
		if (*l->p == ',' || *l->p == ';')
			return;
		if (*l->p == '<') {
			if (a->spec.len > 0 || a->at)
				return;
			l->p++;
		} else if (*l->p == '@')
			at_take(a);
		else
			angle_word(a);
	}
}

/*
 * "<": all in front of it was a display name, so what was taken for an
 * address in it is none.
 */
static int
angle_start(struct mime_address *a)
{
	int r = 0;

	if (a->angle)
		r = address_next(a);
	buf_truncate(a->out, a->mark);
	a->count = a->marked;
	a->loose = 0;
	angle_read(a);
	return r;
}

/* A word is read into the name, and is what stands there of the address. */
static int
words_read(struct mime_address *a)
{
	struct buf *b = a->at ? &a->domain : &a->spec;
	size_t before, at;

	if (a->angle || (a->at && parts_words(a, b))) {
		if (address_next(a) == -1)
			return -1;
		a->gap = a->name.len > 0;
		b = &a->spec;
	}
	a->any = 1;
	if (!a->at && parts_words(a, b)) {
		buf_reset(b);
		a->lead = a->name.len;
	}
	before = a->name.len;
	if (a->gap && before > 0)
		buf_putc(&a->name, ' ');
	at = a->name.len;
	a->gap = 0;
	word_read(a, &a->name);
	if (a->name.len == at) {
		buf_truncate(&a->name, before);
		return 0;
	}
	buf_append(b, buf_str(&a->name) + at, a->name.len - at);
	return 0;
}

/* A special in a name; the address that it is in, too, takes it in. */
static void
special_take(struct mime_address *a)
{
	char c = *a->l.p;

	if (a->gap && a->name.len > 0)
		buf_putc(&a->name, ' ');
	a->gap = 0;
	buf_putc(&a->name, c);
	if (c == '@')
		at_take(a);
	else {
		buf_putc(a->at ? &a->domain : &a->spec, c);
		a->any = 1;
		a->l.p++;
	}
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
		if (!a->group && !a->at && !a->angle) {
			l->p++;
			return group_start(a);
		}
		if (l->end - l->p > 1 && l->p[1] != ' ')
			break;
		a->gap = 1;
		l->p++;
		return 0;
	case '<':
		return angle_start(a);
	case '@':
		break;
	default:
		return words_read(a);
	}
	if (a->angle && address_next(a) == -1)
		return -1;
	special_take(a);
	return 0;
}

/* One field of a list, appended to what others gave. A group ends with it. */
static int
list_add(struct mime_address *a, const struct mime_text *t)
{
	int r = 0;

	address_reset(a);
	a->group = a->no_literal = 0;
	a->l = (struct mime_lex){ t->p, t->p };
	if (t->p != NULL)
		a->l.end += t->len;
	while (r == 0 && a->l.p < a->l.end)
		r = address_step(a);
	return r == 0 ? group_end(a) : r;
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
mime_address_list(const struct mime_field *f, struct buf *out)
{
	struct mime_address a;
	struct header_field more;
	struct header h;
	int r;

	memset(&a, 0, sizeof(a));
	a.out = out;
	r = list_add(&a, &f->text);
	if (f->more != NULL) {
		header_init(&h, f->more, (size_t)(f->end - f->more));
		while (r == 0 && header_next(&h, &more))
			if (header_is(&more, f->name))
				r = list_add(&a, &(struct mime_text){
				    more.value, more.value_len });
	}
	if (r == 0)
		r = a.count > 0 ? buf_putc(out, ')') :
		    buf_append(out, "NIL", 3);
	address_clear(&a);
	return r;
}

int
mime_address_text(const char *p, size_t len, struct buf *out)
{
	struct mime_address a;
	int r;

	memset(&a, 0, sizeof(a));
	a.out = out;
	a.text = 1;
	r = list_add(&a, &(struct mime_text){ p, len });
	address_clear(&a);
	return r;
}

int
mime_addresses(const char *p, size_t len, struct buf *out)
{
	struct mime_field f = { .text = { p, len } };

	return mime_address_list(&f, out);
}
