#include <string.h>

#include "lib/base/str.h"
#include "relay/imap_input.h"

void
imap_input_init(struct imap_input *in)
{
	memset(in, 0, sizeof(*in));
	buf_init(&in->text, IMAP_TEXT_MAX);
	in->body_at = SIZE_MAX;
}

void
imap_input_clear(struct imap_input *in)
{
	buf_clear(&in->text);
}

void
imap_input_next(struct imap_input *in)
{
	buf_reset(&in->text);
	in->body_at = SIZE_MAX;
	in->body_size = 0;
	in->line = 0;
	in->left = 0;
	in->in_body = 0;
}

static enum imap_took
bad(struct imap_input *in, const char *why)
{
	in->why = why;
	return IMAP_TOOK_BAD;
}

/* Does the text before the literal end with the name of a whole message? */
static int
is_body(const char *p, size_t len)
{
	static const char name[] = "BODY[] ";
	const size_t n = sizeof(name) - 1;

	return len > n && p[0] == '*' &&
	    str_is(p + len - n, n, name) &&
	    (p[len - n - 1] == ' ' || p[len - n - 1] == '(');
}

/*
 * literal = "{" number "}" CRLF. 1: one begins behind this line, which has
 * length at its end; 0: none; -1.
 */
static int
literal_begin(struct imap_input *in)
{
	const char *p = in->text.data + in->line, *open;
	size_t len = in->text.len - in->line;
	uint64_t n;

	while (len > 0 && (p[len - 1] == '\n' || p[len - 1] == '\r'))
		len--;
	if (len == 0 || p[len - 1] != '}')
		return 0;
	for (open = p + len - 1; open > p && *open != '{'; open--)
		;
	if (*open != '{' || open + 1 == p + len - 1)
		return 0;
	if (strspn(open + 1, "0123456789") != (size_t)(p + len - open - 2))
		return 0;
	if (str_number(open + 1, (size_t)(p + len - open - 2), UINT32_MAX,
	    &n) == -1)
		return -1;
	in->left = n;
	if (!is_body(in->text.data, (size_t)(open - in->text.data)))
		return n > IMAP_LITERAL_MAX ? -1 : 1;
	if (in->body_at != SIZE_MAX)
		return -1;
	in->body_at = (size_t)(open - in->text.data);
	in->body_size = n;
	in->in_body = 1;
	return 1;
}

/* The rest of a line, as far as it is there. */
static enum imap_took
take_line(struct imap_input *in, const char *p, size_t len, size_t *used_r)
{
	const char *lf = memchr(p, '\n', len);
	int r;

	*used_r = lf != NULL ? (size_t)(lf - p) + 1 : len;
	if (buf_append(&in->text, p, *used_r) == -1)
		return bad(in, "sends a response without end");
	if (lf == NULL)
		return IMAP_TOOK_MORE;
	if ((r = literal_begin(in)) == -1)
		return bad(in, "sends a literal that is too long");
	if (r == 0)
		return IMAP_TOOK_WHOLE;
	in->line = in->text.len;
	return IMAP_TOOK_MORE;
}

enum imap_took
imap_input_take(struct imap_input *in, const char *p, size_t len,
    size_t *used_r)
{
	*used_r = 0;
	if (in->why != NULL)
		return IMAP_TOOK_BAD;
	if (len == 0)
		return IMAP_TOOK_MORE;
	if (in->left == 0) {
		in->in_body = 0;
		return take_line(in, p, len, used_r);
	}
	*used_r = len < in->left ? len : (size_t)in->left;
	in->left -= *used_r;
	if (in->in_body)
		return IMAP_TOOK_BODY;
	if (buf_append(&in->text, p, *used_r) == -1)
		return bad(in, "sends a response without end");
	in->line = in->text.len;
	return IMAP_TOOK_MORE;
}
