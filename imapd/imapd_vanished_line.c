#include "imapd/imapd_vanished_line.h"

enum { LINE_MAX_LEN = 8000 };

static void
range_put(struct imapd_vanished_line *l)
{
	size_t before = l->out->len;

	if (l->lo == 0)
		return;
	if (l->len > 0)
		buf_putc(l->out, ',');
	else
		buf_puts(l->out, l->earlier ? "* VANISHED (EARLIER) " :
		    "* VANISHED ");
	buf_put_number(l->out, l->lo);
	if (l->hi > l->lo) {
		buf_putc(l->out, ':');
		buf_put_number(l->out, l->hi);
	}
	l->lo = 0;
	l->len += l->out->len - before;
	if (l->len > LINE_MAX_LEN)
		imapd_vanished_end(l);
}

void
imapd_vanished_put(struct imapd_vanished_line *l, uint32_t lo, uint32_t hi)
{
	if (l->lo != 0 && lo == l->hi + 1) {
		l->hi = hi;
		return;
	}
	range_put(l);
	l->lo = lo;
	l->hi = hi;
}

void
imapd_vanished_end(struct imapd_vanished_line *l)
{
	range_put(l);
	if (l->len > 0)
		buf_puts(l->out, "\r\n");
	l->len = 0;
}
