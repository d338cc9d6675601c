#include "config.h"

#include <string.h>

#include "ctl/ctl_csv.h"
#include "lib/base/str.h"
#include "lib/base/words.h"

enum { FIELD_MAX = 64 * 1024 };

/* By the first line, without what is quoted. */
static char
between(const char *p, const char *end)
{
	size_t commas = 0, semicolons = 0;
	int in = 0;

	for (; p < end && (in || *p != '\n'); p++) {
		in ^= *p == '"';
		commas += !in && *p == ',';
		semicolons += !in && *p == ';';
	}
	return semicolons > commas ? ';' : ',';
}

void
csv_init(struct csv *c, const char *p, size_t len)
{
	c->utf16 = str_mark(&p, &len) == -1;
	c->p = p;
	c->end = p + len;
	c->line = c->next = 1;
	c->between = between(p, c->end);
}

static int
bad(const struct csv *c, struct buf *why, const char *words)
{
	buf_set(why, _("line %u: %s"), c->line, words);
	return -1;
}

/* escaped = DQUOTE *(TEXTDATA / COMMA / CR / LF / 2DQUOTE) DQUOTE */
static int
quoted(struct csv *c, struct buf *field, struct buf *why)
{
	for (c->p++; c->p < c->end; c->p++) {
		if (*c->p == '"') {
			if (c->p + 1 == c->end || c->p[1] != '"')
				break;
			c->p++;
		}
		c->next += *c->p == '\n';
		if (*c->p == '\0' || buf_putc(field, *c->p) == -1)
			return bad(c, why, _("a field that makes no sense"));
	}
	if (c->p == c->end)
		return bad(c, why, _("a quote is not ended"));
	c->p++;
	if (c->p < c->end && *c->p != c->between && *c->p != '\r' &&
	    *c->p != '\n')
		return bad(c, why, _("something stands behind a quote"));
	return 0;
}

static int
plain(struct csv *c, struct buf *field, struct buf *why)
{
	for (; c->p < c->end && *c->p != c->between && *c->p != '\n'; c->p++) {
		if (*c->p == '\r' && c->p + 1 < c->end && c->p[1] == '\n')
			break;
		if (*c->p == '\0' || *c->p == '"' ||
		    buf_putc(field, *c->p) == -1)
			return bad(c, why, _("a field that makes no sense"));
	}
	return 0;
}

/* The end of a row, where there is one: 1. */
static int
row_end(struct csv *c)
{
	if (c->p < c->end && *c->p == '\r')
		c->p++;
	if (c->p < c->end && *c->p != '\n')
		return 0;
	c->p += c->p < c->end;
	c->next++;
	return 1;
}

static void
skip_empty(struct csv *c)
{
	while (c->p < c->end && (*c->p == '\n' || (*c->p == '\r' &&
	    c->p + 1 < c->end && c->p[1] == '\n'))) {
		c->p += *c->p == '\r' ? 2 : 1;
		c->next++;
	}
}

int
csv_row(struct csv *c, struct buf *fields, size_t *n_r, struct buf *why)
{
	struct buf field = BUF_INIT(FIELD_MAX);
	int r = 0;

	buf_reset(fields);
	*n_r = 0;
	if (c->utf16)
		return bad(c, why, _(STR_UTF16));
	skip_empty(c);
	if (c->p == c->end)
		return 0;
	c->line = c->next;
	for (;;) {
		buf_reset(&field);
		r = c->p < c->end && *c->p == '"' ? quoted(c, &field, why) :
		    plain(c, &field, why);
		if (r == 0 && buf_put_lv(fields, buf_str(&field),
		    field.len) == -1)
			r = bad(c, why, _("too many fields"));
		if (r == -1)
			break;
		++*n_r;
		if (c->p < c->end && *c->p == c->between) {
			c->p++;
			continue;
		}
		if (row_end(c))
			break;
	}
	buf_clear(&field);
	return r == -1 ? -1 : 1;
}
