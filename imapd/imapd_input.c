#include <string.h>

#include "lib/base/str.h"

#include "imapd/imapd_input.h"

void
imapd_input_init(struct imapd_input *in)
{
	memset(in, 0, sizeof(*in));
	buf_init(&in->buf, IMAPD_HELD_MAX);
}

void
imapd_input_clear(struct imapd_input *in)
{
	buf_clear(&in->buf);
	imapd_input_init(in);
}

void
imapd_input_rest(struct imapd_input *in)
{
	if (in->buf.len == in->start && in->buf.cap > 0) {
		buf_clear(&in->buf);
		in->start = in->line = in->scan = 0;
	}
}

char *
imapd_input_room(struct imapd_input *in)
{
	if (in->start > 0) {
		buf_consume(&in->buf, in->start);
		in->scan -= in->start;
		in->line -= in->start;
		in->start = 0;
	}
	if (buf_reserve(&in->buf, IMAPD_READ_SIZE) == -1)
		return NULL;
	return in->buf.data + in->buf.len;
}

void
imapd_input_got(struct imapd_input *in, size_t n)
{
	in->buf.len += n;
	in->buf.data[in->buf.len] = '\0';
}

int
imapd_input_partial(const struct imapd_input *in)
{
	return in->buf.len > in->start || in->skip > 0 || in->dropping;
}

const char *
imapd_input_cut(struct imapd_input *in, size_t *n_r)
{
	*n_r = in->buf.len - in->scan;
	in->buf.len = in->scan;
	return in->buf.data + in->scan;
}

void
imapd_input_done(struct imapd_input *in)
{
	in->start = in->line = in->scan;
	in->text = 0;
	in->take = 0;
	in->literals = 0;
	if (in->start == in->buf.len) {
		buf_reset(&in->buf);
		in->start = in->line = in->scan = 0;
	}
}

/*
 * literal = "{" number ["+"] "}" at the end of the line that starts at line.
 * 1 if that is there.
 */
static int
literal_at_end(struct imapd_line *l, const char *line)
{
	char *end = l->p + l->len - 1, *p = end, *last;

	if (end - line < 2 || *end != '}')
		return 0;
	l->sync = 1;
	if (p[-1] == '+') {
		l->sync = 0;
		p--;
	}
	for (last = p; p > line && p[-1] >= '0' && p[-1] <= '9'; p--)
		;
	if (p == last || p == line || p[-1] != '{')
		return 0;
	if (str_number(p, (size_t)(last - p), UINT64_MAX - 1,
	    &l->literal) == -1)
		l->literal = UINT64_MAX;
	l->len = (size_t)(p - 1 - l->p);
	return 1;
}

/* Keeps the last octets of a line that is dropped. */
static void
tail_keep(struct imapd_input *in, const char *p, size_t n)
{
	size_t old = in->n_tail;

	if (n > IMAPD_TAIL_MAX) {
		p += n - IMAPD_TAIL_MAX;
		n = IMAPD_TAIL_MAX;
	}
	if (old + n > IMAPD_TAIL_MAX) {
		old = IMAPD_TAIL_MAX - n;
		memmove(in->tail, in->tail + in->n_tail - old, old);
	}
	memcpy(in->tail + old, p, n);
	in->n_tail = old + n;
}

/* Drops octets of a literal. True when it is over. */
static int
drop_literal(struct imapd_input *in)
{
	size_t have = in->buf.len - in->start, n;

	n = in->skip < have ? (size_t)in->skip : have;
	in->skip -= n;
	in->scan = in->start + n;
	if (in->skip > 0) {
		imapd_input_done(in);
		return 0;
	}
	in->start = in->scan;
	return 1;
}

/* Drops the rest of a line; MORE, DROPPED, or COMMAND: one can be read. */
static enum imapd_input_kind
drop_line(struct imapd_input *in, struct imapd_line *l)
{
	size_t have = in->buf.len - in->start;
	char *p, *nl;

	if (have == 0)
		return IMAPD_INPUT_MORE;
	p = in->buf.data + in->start;
	nl = memchr(p, '\n', have);
	tail_keep(in, p, nl != NULL ? (size_t)(nl - p) : have);
	in->scan = nl == NULL ? in->buf.len :
	    (size_t)(nl + 1 - in->buf.data);
	imapd_input_done(in);
	if (nl == NULL)
		return IMAPD_INPUT_MORE;
	in->dropping = 0;
	l->p = in->tail;
	l->len = in->n_tail;
	if (l->len > 0 && l->p[l->len - 1] == '\r')
		l->len--;
	if (literal_at_end(l, l->p) && !l->sync)
		return IMAPD_INPUT_DROPPED;
	return IMAPD_INPUT_COMMAND;
}

/*
 * The line is too long: what came is dropped, and the rest as it comes. A LF
 * that is there is left to drop_line.
 */
static enum imapd_input_kind
input_too_long(struct imapd_input *in, struct imapd_line *l, int whole)
{
	if (whole)
		in->scan--;
	in->dropping = 1;
	in->n_tail = 0;
	tail_keep(in, in->buf.data + in->line, in->scan - in->line);
	l->p = in->buf.data + in->start;
	l->len = 200;
	return IMAPD_INPUT_TOO_LONG;
}

enum imapd_input_kind
imapd_input_next(struct imapd_input *in, struct imapd_line *l)
{
	enum imapd_input_kind k;
	char *nl, *p;
	size_t n;

	if (in->skip > 0 && !drop_literal(in))
		return IMAPD_INPUT_MORE;
	if (in->dropping && (k = drop_line(in, l)) != IMAPD_INPUT_COMMAND)
		return k;
	if (in->take > 0) {
		n = in->buf.len - in->scan;
		if (n > in->take)
			n = (size_t)in->take;
		in->scan += n;
		in->take -= n;
		if (in->take > 0)
			return IMAPD_INPUT_MORE;
		in->line = in->scan;
	}
	n = in->buf.len - in->scan;
	if (n == 0)
		return IMAPD_INPUT_MORE;
	p = in->buf.data + in->scan;
	nl = memchr(p, '\n', n);
	if (nl != NULL)
		n = (size_t)(nl + 1 - p);
	in->scan += n;
	in->text += n;
	if (in->text > IMAPD_LINE_MAX)
		return input_too_long(in, l, nl != NULL);
	if (nl == NULL)
		return IMAPD_INPUT_MORE;
	l->p = in->buf.data + in->start;
	p = in->buf.data + in->line;
	if (nl > p && nl[-1] == '\r')
		nl--;
	l->len = (size_t)(nl - l->p);
	l->literal = 0;
	if (literal_at_end(l, p))
		return IMAPD_INPUT_LITERAL;
	return IMAPD_INPUT_COMMAND;
}

int
imapd_input_take(struct imapd_input *in, const struct imapd_line *l)
{
	size_t held = in->scan - in->start;

	if (++in->literals > IMAPD_LITERALS_MAX ||
	    l->literal > IMAPD_COMMAND_MAX - IMAPD_LINE_MAX ||
	    held + l->literal > IMAPD_COMMAND_MAX)
		return -1;
	in->take = l->literal;
	if (in->take == 0)
		in->line = in->scan;
	return 0;
}

void
imapd_input_refuse(struct imapd_input *in, const struct imapd_line *l)
{
	if (!l->sync) {
		in->skip = l->literal;
		in->dropping = 1;
		in->n_tail = 0;
	}
	imapd_input_done(in);
}

size_t
imapd_input_divert(struct imapd_input *in, uint64_t max, char **p_r)
{
	size_t n = in->buf.len - in->scan;

	if (n > max)
		n = (size_t)max;
	*p_r = in->buf.data + in->scan;
	in->scan += n;
	/* The command's text before it is no longer needed, or counted. */
	in->start = in->line = in->scan;
	in->text = 0;
	return n;
}
