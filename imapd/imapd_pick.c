#include <string.h>

#include "lib/base/fd.h"

#include "imapd/imapd_pick.h"

/* Is the field that begins at p, in a line up to nl, one of those? */
static int
is_wanted(const struct imapd_item *it, const char *p, const char *nl)
{
	const char *colon = memchr(p, ':', (size_t)(nl - p));
	size_t n = colon != NULL ? (size_t)(colon - p) : 0;

	while (n > 0 && (p[n - 1] == ' ' || p[n - 1] == '\t'))
		n--;
	return n > 0 && imapd_item_field(it, p, n) ==
	    (it->section == IMAPD_S_FIELDS);
}

/*
 * Fields go with their continuation lines. "In all cases, the delimiting blank
 * line between the header and the body is included". A line that fills a piece
 * is taken in parts: its name stands in the first.
 */
size_t
imapd_pick(struct imapd_pick *k, const struct imapd_item *it, const char *p,
    size_t len, int last, struct buf *out)
{
	const char *start = p, *end = p + len, *nl;

	for (; p < end && !k->end; p = nl) {
		nl = memchr(p, '\n', (size_t)(end - p));
		if (nl == NULL && !last && !k->inside && p > start)
			break;
		if (!k->inside) {
			k->end = *p == '\r' || *p == '\n';
			if (k->end)
				break;
		}
		if (!k->inside && *p != ' ' && *p != '\t')
			k->want = is_wanted(it, p, nl != NULL ? nl : end);
		k->inside = nl == NULL;
		nl = nl != NULL ? nl + 1 : end;
		if (k->want)
			buf_append(out, p, (size_t)(nl - p));
	}
	k->end |= last;
	if (k->end)
		buf_append(out, "\r\n", 2);
	return (size_t)(p - start);
}

void
imapd_picking_begin(struct imapd_picking *g, const struct imapd_item *it,
    uint64_t block)
{
	g->pass = PICK_COUNT;
	g->item = it;
	memset(&g->pick, 0, sizeof(g->pick));
	g->at = g->len = 0;
	g->block = block;
}

/* The first pass is done. */
static void
count_end(struct imapd_picking *g, struct buf *out)
{
	const struct imapd_item *it = g->item;

	g->skip = it->partial ? it->off : 0;
	g->left = g->len > g->skip ? g->len - g->skip : 0;
	if (it->partial && g->left > it->len)
		g->left = it->len;
	buf_puts(out, " {");
	buf_put_number(out, g->left);
	buf_puts(out, "}\r\n");
	memset(&g->pick, 0, sizeof(g->pick));
	g->at = 0;
	g->pass = g->left > 0 ? PICK_PUT : PICK_NOTHING;
}

static int
put_picked(struct imapd_picking *g, struct buf *out)
{
	size_t n = g->picked.len, skip = g->skip < n ? (size_t)g->skip : n;

	g->skip -= skip;
	n -= skip;
	if (n > g->left)
		n = (size_t)g->left;
	if (n > 0)
		buf_append(out, g->picked.data + skip, n);
	g->left -= n;
	if (g->left == 0)
		g->pass = PICK_NOTHING;
	return g->left > 0 && g->pick.end ? -1 : 0;
}

int
imapd_picking_step(struct imapd_picking *g, int fd, struct buf *out)
{
	size_t n = g->block - g->at < IMAPD_PICK_PIECE ?
	    (size_t)(g->block - g->at) : IMAPD_PICK_PIECE;

	if (buf_reserve(&g->in, IMAPD_PICK_PIECE) == -1 ||
	    fd_pread_all(fd, g->in.data, n, (off_t)g->at) == -1)
		return -1;
	buf_reset(&g->picked);
	g->at += imapd_pick(&g->pick, g->item, g->in.data, n,
	    g->at + n == g->block, &g->picked);
	if (g->pass == PICK_PUT)
		return put_picked(g, out);
	g->len += g->picked.len;
	if (g->pick.end)
		count_end(g, out);
	return 0;
}

void
imapd_picking_clear(struct imapd_picking *g)
{
	g->pass = PICK_NOTHING;
	buf_clear(&g->in);
	buf_clear(&g->picked);
}
