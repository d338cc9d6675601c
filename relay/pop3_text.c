#include <string.h>

#include "relay/pop3_text.h"

/* What was held back of a line that began with a dot: it is text. */
static const char held[] = ".\r";

static void
give(const char **out_r, size_t *out_len_r, const char *p, size_t len)
{
	*out_r = p;
	*out_len_r = len;
}

/* Up to the end of the line, as far as it is there. */
static size_t
take_line(struct pop3_text *t, const char *p, size_t len)
{
	const char *lf = memchr(p, '\n', len);
	size_t n = lf != NULL ? (size_t)(lf - p) + 1 : len;
	int cr;

	if (lf == NULL) {
		t->at = p[n - 1] == '\r' ? POP3_AT_CR : POP3_AT_TEXT;
		return n;
	}
	cr = n > 1 ? lf[-1] == '\r' : t->at == POP3_AT_CR;
	t->at = cr || t->lf ? POP3_AT_START : POP3_AT_TEXT;
	return n;
}

int
pop3_text_take(struct pop3_text *t, const char *p, size_t len, size_t *used_r,
    const char **out_r, size_t *out_len_r)
{
	give(out_r, out_len_r, p, 0);
	*used_r = 1;
	if (t->at == POP3_AT_START && *p == '.') {
		t->at = POP3_AT_DOT;
		return 0;
	}
	if (t->at == POP3_AT_DOT || t->at == POP3_AT_DOT_CR) {
		if (*p == '\n' && (t->at == POP3_AT_DOT_CR || t->lf))
			return 1;
		if (*p == '\r' && t->at == POP3_AT_DOT) {
			t->at = POP3_AT_DOT_CR;
			return 0;
		}
		/* The first of two dots alone was put there. */
		*used_r = 0;
		if (t->at == POP3_AT_DOT && *p != '.')
			give(out_r, out_len_r, held, 1);
		else if (t->at == POP3_AT_DOT_CR)
			give(out_r, out_len_r, held, 2);
		t->at = t->at == POP3_AT_DOT_CR ? POP3_AT_CR : POP3_AT_TEXT;
		return 0;
	}
	*used_r = take_line(t, p, len);
	give(out_r, out_len_r, p, *used_r);
	return 0;
}
