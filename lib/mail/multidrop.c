#include <string.h>

#include "lib/base/str.h"
#include "lib/mail/address.h"
#include "lib/mail/collect_proto.h"
#include "lib/mail/header.h"
#include "lib/mail/limits.h"
#include "lib/mail/multidrop.h"

enum { FIELD_MAX = 100 };	/* octets of a field's name */

struct found {
	struct buf *out;
	size_t	 start;		/* of the addresses in out */
	unsigned n;
};

/* Is it there already? */
static int
has(const struct found *f, const struct address *a)
{
	struct cursor c;
	const char *p;
	size_t len;

	cursor_init(&c, buf_str(f->out) + f->start, f->out->len - f->start);
	while (cursor_left(&c) > 0 &&
	    (p = cursor_lv(&c, &len, ADDRESS_MAX)) != NULL)
		if (len == a->len && memcmp(p, a->text, len) == 0)
			return 1;
	return 0;
}

/* An address, or what is none and is passed over. */
static void
add(struct found *f, const char *p, size_t len)
{
	struct address a;

	if (f->n == CL_RECIPIENTS_MAX ||
	    address_parse(&a, p, len) != ADDRESS_OK || a.len == 0 ||
	    a.at == a.len || has(f, &a))
		return;
	if (buf_put_lv(f->out, a.text, a.len) == 0)
		f->n++;
}

static int
each_entry(const struct address_entry *e, void *arg)
{
	if (!e->bad)
		add(arg, e->text, e->len);
	return 0;
}

/* Behind a comment, with those in it, or a quoted string (RFC 5322 3.2.2). */
static const char *
skip(const char *p, const char *end)
{
	int depth = 0, quoted = 0;

	do {
		if (*p == '\\' && p + 1 < end)
			p++;
		else if (*p == '"' && depth == 0)
			quoted = !quoted;
		else if (!quoted && *p == '(')
			depth++;
		else if (!quoted && *p == ')')
			depth--;
		p++;
	} while (p < end && (depth > 0 || quoted));
	return p;
}

static int
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* The next word of a Received, up to its ";" alone. 0: there is none. */
static size_t
next_word(const char **p, const char *end, const char **word_r)
{
	while (*p < end && (is_blank(**p) || **p == '('))
		*p = **p == '(' ? skip(*p, end) : *p + 1;
	*word_r = *p;
	while (*p < end && !is_blank(**p) && **p != '(' && **p != ';')
		*p = **p == '"' ? skip(*p, end) : *p + 1;
	return (size_t)(*p - *word_r);
}

/* For = CFWS "FOR" FWS ( Path / Mailbox ) (RFC 5321 4.4) */
static void
take_for(struct found *f, const struct header_field *h)
{
	const char *p = h->value, *end = p + h->value_len, *word;
	struct address a;
	size_t n, used;

	while ((n = next_word(&p, end, &word)) > 0) {
		if (!str_is(word, n, "for"))
			continue;
		if ((n = next_word(&p, end, &word)) > 0 && *word == '<' &&
		    address_path(&a, word, n, &used) == ADDRESS_OK)
			add(f, a.text, a.len);
		else if (n > 0)
			add(f, word, n);
		return;
	}
}

/* The fields of that name, from the top, until one has an address. */
static void
look(struct found *f, const char *header, size_t len, const char *name,
    int received)
{
	struct header_field h;
	struct header b;

	header_init(&b, header, len);
	while (f->n == 0 && header_next(&b, &h)) {
		if (!header_is(&h, name))
			continue;
		if (received) {
			take_for(f, &h);
			continue;
		}
		(void)address_list(h.value, h.value_len, each_entry, f);
		return;
	}
}

/* To and Cc, all of them. */
static void
look_to(struct found *f, const char *header, size_t len)
{
	struct header_field h;
	struct header b;

	header_init(&b, header, len);
	while (header_next(&b, &h))
		if (header_is(&h, "To") || header_is(&h, "Cc"))
			(void)address_list(h.value, h.value_len, each_entry,
			    f);
}

unsigned
multidrop(const char *header, size_t len, const struct buf *names,
    struct buf *out)
{
	struct found f = { out, out->len, 0 };
	char name[FIELD_MAX + 1];
	struct cursor c;
	const char *p;
	size_t n;
	unsigned i;

	cursor_init(&c, buf_str(names), names->len);
	for (i = 0; f.n == 0 && i < CL_FIELDS_MAX &&
	    (p = cursor_lv(&c, &n, FIELD_MAX)) != NULL; i++) {
		memcpy(name, p, n);
		name[n] = '\0';
		if (str_casecmp(name, "To") == 0)
			look_to(&f, header, len);
		else
			look(&f, header, len, name,
			    str_casecmp(name, "Received") == 0);
	}
	return f.n;
}
