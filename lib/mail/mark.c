#include <string.h>

#include "lib/base/str.h"
#include "lib/mail/mark.h"

static int
is_white(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* "by HOST (Rohrpost)", with whatever blanks and folds between the words. */
static int
is_by(const struct header_field *f, const char *host)
{
	const char *const words[] = { "by", host, MARK_BY };
	const char *p = f->value, *end = p + f->value_len, *word;
	size_t n = 0;

	while (n < 3) {
		while (p < end && is_white(*p))
			p++;
		if (p == end)
			return 0;
		for (word = p; p < end && !is_white(*p);)
			p++;
		if (str_is(word, (size_t)(p - word), words[n]))
			n++;
		else
			n = str_is(word, (size_t)(p - word), words[0]);
	}
	return 1;
}

void
mark_init(struct mark *m, const char *host)
{
	memset(m, 0, sizeof(*m));
	m->host = host;
}

int
mark_field(struct mark *m, const struct header_field *f, struct buf *value)
{
	struct header_field above = m->above;

	m->above = *f;
	if (!header_is(&above, "Delivered-To") || !header_is(f, "Received") ||
	    !is_by(f, m->host))
		return 0;
	buf_reset(value);
	return header_value(&above, value) == 0;
}
