/*
 * RFC 5322 address-list: one pass that copies the octets of one entry, without
 * comments and blanks, and hands them on at each "," ";" or end.
 *
 *   address-list = (address *("," address))
 *   group        = display-name ":" [group-list] ";"
 *   angle-addr   = [CFWS] "<" addr-spec ">" [CFWS]
 *
 * Quoted strings keep their quotes; blanks beside "." and "@" fall away, which
 * mends the obsolete "a . b @ c", and between words one stays: two words are
 * not one name. Inside an entry everything in front of "<" is display name,
 * everything in front of ":" (not in brackets) a group's.
 */
#include <string.h>

#include "lib/mail/address.h"

struct entry {
	char	 text[ADDRESS_ENTRY_MAX];
	size_t	 len;
	int	 words;		/* something stands there at all */
	int	 angle;		/* 0; 1 inside <>; 2 behind it */
	int	 at;		/* "@" was there, not in quotes */
	int	 gap;		/* a blank or comment behind text */
	int	 bad;
};

struct list {
	const char *p, *end;
	struct entry e;
	int	 group;		/* inside of one; 2: that has somebody in it */
	int	(*each)(const struct address_entry *, void *);
	void	*arg;
};

static void
entry_reset(struct entry *e)
{
	e->len = 0;
	e->words = e->angle = e->at = e->gap = e->bad = 0;
}

/* True where a blank beside c means nothing. */
static int
is_joint(char c)
{
	return c == '.' || c == '@' || c == ',' || c == ':';
}

static void
entry_put(struct entry *e, char c)
{
	int gap = e->gap && e->len > 0 && !is_joint(c) &&
	    !is_joint(e->text[e->len - 1]);

	e->words = 1;
	e->gap = 0;
	if (e->angle == 2)
		e->bad = 1;
	if ((size_t)gap + 1 > sizeof(e->text) - e->len) {
		e->bad = 1;
		return;
	}
	if (gap)
		e->text[e->len++] = ' ';
	e->text[e->len++] = c;
}

/* An entry is whole: hands it on. */
static int
entry_done(struct list *l)
{
	struct entry *e = &l->e;
	struct address_entry out = { .text = e->text, .len = e->len };
	const char *colon;
	int r = 0;

	/* An obsolete route "@a,@b:" stands in brackets. */
	if (e->angle == 2 && out.len > 0 && e->text[0] == '@' &&
	    (colon = memchr(e->text, ':', out.len)) != NULL) {
		out.text = colon + 1;
		out.len -= (size_t)(out.text - e->text);
	}
	out.bad = e->bad || e->angle == 1 || out.len == 0;
	if (e->words)
		r = l->each(&out, l->arg);
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
	l->e.gap = 1;
	if (depth > 0)
		l->e.words = l->e.bad = 1;
}

/* l->p is behind the quote: copies the quoted string, folds taken out. */
static void
take_quoted(struct list *l)
{
	int escaped = 0;

	entry_put(&l->e, '"');
	for (; l->p < l->end; l->p++) {
		if (*l->p == '\r' || *l->p == '\n')
			continue;
		entry_put(&l->e, *l->p);
		if (escaped) {
			escaped = 0;
		} else if (*l->p == '\\') {
			escaped = 1;
		} else if (*l->p == '"') {
			l->p++;
			return;
		}
	}
	l->e.bad = 1;
}

/* l->p is behind "@[": the ":" of "[IPv6:2001:db8::1]" ends no group's name. */
static void
take_literal(struct list *l)
{
	static const char ends[] = "]()<>,;\"@ \t\r\n";

	entry_put(&l->e, '[');
	for (; l->p < l->end && strchr(ends, *l->p) == NULL; l->p++)
		entry_put(&l->e, *l->p);
}

static int
list_special(struct list *l, char c)
{
	struct entry *e = &l->e;
	int r;

	if (c == '(') {
		skip_comment(l);
	} else if (c == '"') {
		take_quoted(l);
	} else if (c == '[' && e->len > 0 && e->text[e->len - 1] == '@') {
		take_literal(l);
	} else if (c == '<' && e->angle == 0) {
		entry_reset(e);
		e->words = e->angle = 1;
	} else if (c == '>' && e->angle == 1) {
		e->angle = 2;
		e->gap = 1;
	} else if ((c == ',' && e->angle != 1) || c == ';') {
		if (l->group && e->words)
			l->group = 2;
		r = entry_done(l);
		if (c == ';')
			l->group = 0;
		return r;
	} else if (c == ':' && e->angle == 0 && e->words && !e->at &&
	    !l->group) {
		entry_reset(e);		/* the name of a group */
		l->group = 1;
	} else {
		e->at |= c == '@';
		entry_put(e, c);
	}
	return 0;
}

int
address_list(const char *p, size_t len, int (*each)(
    const struct address_entry *, void *), void *arg)
{
	struct list l = { .p = p, .end = p + len, .each = each, .arg = arg };
	int r = 0;
	char c;

	while (r == 0 && l.p < l.end) {
		c = *l.p++;
		if (c == ' ' || c == '\t' || c == '\r' || c == '\n')
			l.e.gap = 1;
		else
			r = list_special(&l, c);
	}
	/* Without a ";"; but "undisclosed-recipients:" hides nobody. */
	if (l.group == 2 || (l.group && l.e.words))
		l.e.words = l.e.bad = 1;
	return r != 0 ? r : entry_done(&l);
}
