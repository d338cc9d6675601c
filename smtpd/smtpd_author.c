/*
 * RFC 5322 3.4, read from left to right with one octet ahead:
 *
 *   address-list = address *("," address)
 *   address      = mailbox / group
 *   mailbox      = addr-spec / [display-name] angle-addr
 *   group        = display-name ":" [mailbox-list] ";"
 *
 * An addr-spec has no blank and no comment within, so that it is one piece of
 * the text.
 */
#include <string.h>

#include "lib/mail/address.h"
#include "lib/mail/mime_decode.h"
#include "smtpd/smtpd_author.h"

struct reader {
	const char *p, *end;
	int	(*each)(const char *, size_t, void *);
	void	*arg;
	const char *address;	/* of this entry; NULL: none */
	size_t	 len;
	unsigned n;
	int	 group;		/* within one */
};

static int
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* atext with UTF-8 (RFC 6532 3.2), and the dot. */
static int
is_text(char c)
{
	return (unsigned char)c > ' ' && c != 0x7f &&
	    strchr("()<>[]:;@\\,\"", c) == NULL;
}

/* The octet that comes next; 0: none. */
static char
next(const struct reader *r)
{
	return r->p < r->end ? *r->p : '\0';
}

/* May it stand within a comment or quotes? Nothing that looks like more. */
static int
is_plain(char c, const char *but)
{
	return ((unsigned char)c >= ' ' || is_blank(c)) && c != 0x7f &&
	    c != '<' && c != '>' && strchr(but, c) == NULL;
}

/* At "(". Within one there is no second one. */
static int
skip_comment(struct reader *r)
{
	for (r->p++; next(r) != ')'; r->p++)
		if (r->p == r->end || !is_plain(*r->p, "(@\\"))
			return -1;
	r->p++;
	return 0;
}

/* Blanks and comments. */
static int
skip_space(struct reader *r)
{
	for (; r->p < r->end; ) {
		if (is_blank(*r->p))
			r->p++;
		else if (*r->p != '(')
			break;
		else if (skip_comment(r) == -1)
			return -1;
	}
	return 0;
}

/* At a quote. */
static int
skip_quoted(struct reader *r)
{
	for (r->p++; next(r) != '"'; r->p++) {
		/* RFC 5322 3.2.1: it quotes what is seen, or a blank. */
		if (next(r) == '\\' && (++r->p == r->end ||
		    *r->p == '\r' || *r->p == '\n'))
			return -1;
		if (r->p == r->end || !is_plain(*r->p, ""))
			return -1;
	}
	r->p++;
	return 0;
}

/*
 * To some an encoded word goes on past a "," or "@" that should not stand there:
 * so what has its beginning has to be one, and no more (RFC 2047 2).
 */
static int
is_encoded(const char *p, const char *end)
{
	unsigned marks = 0;
	const char *s;

	for (s = p; s < end; s++)
		marks += *s == '?';
	return end - p > 4 && p[0] == '=' && p[1] == '?' && marks == 4 &&
	    end[-2] == '?' && end[-1] == '=';
}

/* A word: a quoted string, or octets up to what ends them. -1: there is none. */
static int
skip_word(struct reader *r)
{
	const char *p = r->p, *s;

	if (next(r) == '"')
		return skip_quoted(r);
	while (r->p < r->end && is_text(*r->p))
		r->p++;
	for (s = p; r->p - s > 1; s++)
		if (s[0] == '=' && s[1] == '?' && !is_encoded(p, r->p))
			return -1;
	return r->p > p ? 0 : -1;
}

/* "[192.0.2.1]", "[IPv6:2001:db8::1]" */
static int
skip_literal(struct reader *r)
{
	for (r->p++; next(r) == ':' || (next(r) != '\0' && is_text(*r->p));)
		r->p++;
	return next(r) == ']' ? (r->p++, 0) : -1;
}

/* Behind the local part that starts at p, at "@". */
static int
take_address(struct reader *r, const char *p)
{
	/* An encoded word is never a part of one (RFC 2047 5). */
	if (r->p - p > 1 && p[0] == '=' && p[1] == '?')
		return -1;
	r->p++;
	if ((next(r) == '[' ? skip_literal(r) :
	    next(r) == '"' ? -1 : skip_word(r)) == -1 ||
	    ++r->n > AUTHORS_MAX)
		return -1;
	r->address = p;
	r->len = (size_t)(r->p - p);
	/* Longer ones not all readers take whole. */
	if (r->len > ADDRESS_ENTRY_MAX)
		return -1;
	/* A fold in quotes. */
	return memchr(p, '\r', r->len) != NULL ||
	    memchr(p, '\n', r->len) != NULL ? -1 : 0;
}

/* At "<". */
static int
read_angle(struct reader *r)
{
	const char *p;

	for (r->p++; is_blank(next(r));)
		r->p++;
	p = r->p;
	if (skip_word(r) == -1 || next(r) != '@' || take_address(r, p) == -1)
		return -1;
	while (is_blank(next(r)))
		r->p++;
	if (next(r) != '>')
		return -1;
	r->p++;
	return 0;
}

/* What its encoded words hide (RFC 2047) may not look like an address. */
static int
check_name(const char *p, size_t len)
{
	struct buf text = BUF_INIT(0);
	size_t i;
	int r = 0;

	mime_words(p, len, &text);
	for (i = 0; r == 0 && i < text.len; i++)
		if (!is_plain(text.data[i], ""))
			r = -1;
	buf_clear(&text);
	return r;
}

/* One mailbox, or the name of a group with its colon. */
static int
read_mailbox(struct reader *r)
{
	const char *start = r->p;
	int words = 0;

	for (; next(r) != '<'; words++) {
		if (words > 0 && next(r) == ':' && !r->group) {
			r->p++;
			r->group = 1;
			return check_name(start, (size_t)(r->p - start));
		}
		if (skip_word(r) == -1)
			return -1;
		if (next(r) == '@')
			return words == 0 ? take_address(r, start) : -1;
		if (skip_space(r) == -1)
			return -1;
	}
	if (check_name(start, (size_t)(r->p - start)) == -1)
		return -1;
	return read_angle(r);
}

/* Behind an entry: a group's end, and the "," of a next one. */
static int
read_end(struct reader *r)
{
	if (r->group && next(r) == ';') {
		r->p++;
		r->group = 0;
		if (skip_space(r) == -1)
			return -1;
	}
	if (r->p == r->end)
		return r->group ? -1 : 0;
	if (next(r) != ',')
		return -1;
	r->p++;
	/* Something follows. */
	return skip_space(r) == -1 || r->p == r->end ? -1 : 0;
}

/* Where a mailbox may stand. */
static int
read_entry(struct reader *r)
{
	int group = r->group;

	r->address = NULL;
	if (read_mailbox(r) == -1 || skip_space(r) == -1)
		return AUTHORS_ODD;
	/* Behind the name of a group comes its first member, or its end. */
	if ((r->group == group || next(r) == ';') && read_end(r) == -1)
		return AUTHORS_ODD;
	return r->address == NULL ? AUTHORS_READ :
	    r->each(r->address, r->len, r->arg);
}

int
author_list(const char *p, size_t len,
    int (*each)(const char *, size_t, void *), void *arg)
{
	struct reader r = { .p = p, .end = p + len, .each = each, .arg = arg };
	int n;

	if (memchr(p, '\0', len) != NULL || skip_space(&r) == -1)
		return AUTHORS_ODD;
	do
		n = read_entry(&r);
	while (n == AUTHORS_READ && r.p < r.end);
	return n == AUTHORS_READ && r.group ? AUTHORS_ODD : n;
}
