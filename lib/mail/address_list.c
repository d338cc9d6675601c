/*
 * RFC 5322 address-list: one pass that copies the octets of one entry, without
 * comments and blanks, and hands them on at each "," ";" or end.
 *
 *   address-list = (address *("," address))
 *   group        = display-name ":" [group-list] ";"
 *   angle-addr   = [CFWS] "<" addr-spec ">" [CFWS]
 *
 * Quoted strings keep their quotes; blanks outside them fall away, which also
 * mends the obsolete "a . b @ c". Inside an entry everything in front of "<"
 * is display name, everything in front of ":" (not in brackets) a group's.
 */
#include <string.h>

#include "lib/mail/address.h"

enum { ENTRY_MAX = 1024 };	/* octets of one entry that can be an address */

struct entry {
	char	 text[ENTRY_MAX];
	size_t	 len;
	int	 words;		/* something stands there at all */
	int	 angle;		/* 0; 1 inside <>; 2 behind it */
	int	 too_long;
};

struct list {
	const char *p, *end;
	struct entry e;
	int	(*each)(const struct address *, void *);
	void	*arg;
	size_t	 bad;
};

static void
entry_reset(struct entry *e)
{
	e->len = 0;
	e->words = e->angle = e->too_long = 0;
}

static void
entry_put(struct entry *e, const char *p, size_t len)
{
	e->words = 1;
	if (e->angle == 2)
		return;
	if (len > sizeof(e->text) - e->len) {
		e->too_long = 1;
		return;
	}
	memcpy(e->text + e->len, p, len);
	e->len += len;
}

/* An entry is whole: hands it on. */
static int
entry_done(struct list *l)
{
	struct entry *e = &l->e;
	struct address a;
	const char *p = e->text, *colon;
	size_t len = e->len;
	int r = 0;

	/* An obsolete route "@a,@b:" stands in brackets. */
	if (e->angle == 2 && len > 0 && *p == '@' &&
	    (colon = memchr(p, ':', len)) != NULL) {
		len -= (size_t)(colon + 1 - p);
		p = colon + 1;
	}
	if (e->words && !(e->angle == 2 && len == 0)) {
		if (!e->too_long && e->angle != 1 &&
		    address_parse(&a, p, len) == ADDRESS_OK)
			r = l->each(&a, l->arg);
		else
			l->bad++;
	}
	entry_reset(e);
	return r;
}

/* l->p is behind "(": skips the comment, nested ones too. */
static void
skip_comment(struct list *l)
{
	size_t depth = 1;

	for (; l->p < l->end && depth > 0; l->p++) {
		if (*l->p == '\\' && l->end - l->p > 1)
			l->p++;
		else if (*l->p == '(')
			depth++;
		else if (*l->p == ')')
			depth--;
	}
}

/* l->p is behind the quote: copies the quoted string, folds taken out. */
static void
take_quoted(struct list *l)
{
	entry_put(&l->e, "\"", 1);
	for (; l->p < l->end; l->p++) {
		if (*l->p == '\r' || *l->p == '\n')
			continue;
		if (*l->p == '\\' && l->end - l->p > 1)
			entry_put(&l->e, l->p++, 1);
		entry_put(&l->e, l->p, 1);
		if (*l->p == '"') {
			l->p++;
			return;
		}
	}
}

static int
list_special(struct list *l, char c)
{
	struct entry *e = &l->e;

	if (c == '(') {
		skip_comment(l);
	} else if (c == '"') {
		take_quoted(l);
	} else if (c == '<' && e->angle == 0) {
		entry_reset(e);
		e->words = e->angle = 1;
	} else if (c == '>' && e->angle == 1) {
		e->angle = 2;
	} else if ((c == ',' && e->angle != 1) || c == ';') {
		return entry_done(l);
	} else if (c == ':' && e->angle == 0) {
		entry_reset(e);		/* the name of a group */
	} else
		entry_put(e, &c, 1);
	return 0;
}

int
address_list(const char *p, size_t len, int (*each)(const struct address *,
    void *), void *arg, size_t *bad_r)
{
	struct list l = { .p = p, .end = p + len, .each = each, .arg = arg };
	const char *s;
	int r = 0;

	while (r == 0 && l.p < l.end) {
		s = l.p++;
		if (memchr("(\"<>,;:", *s, 7) != NULL)
			r = list_special(&l, *s);
		else if (*s != ' ' && *s != '\t' && *s != '\r' && *s != '\n')
			entry_put(&l.e, s, 1);
	}
	if (r == 0)
		r = entry_done(&l);
	if (bad_r != NULL)
		*bad_r = l.bad;
	return r;
}
