/*
 * Where in a message an item's octets are. Most need no parsing: the record
 * knows the length of the header.
 */
#include <errno.h>
#include <string.h>

#include "lib/base/fd.h"
#include "lib/base/log.h"
#include "lib/base/str.h"

#include "imapd/imapd_fetch_body.h"
#include "imapd/imapd_pick.h"

void
imapd_message_init(struct imapd_message *m)
{
	memset(m, 0, sizeof(*m));
	m->fd = -1;
}

void
imapd_message_clear(struct imapd_message *m)
{
	fd_close(&m->fd);
	mime_free(&m->mime);
	buf_clear(&m->whole);
	buf_clear(&m->header);
	buf_clear(&m->text);
}

static int
message_read(struct imapd_message *m, struct buf *b, uint64_t len)
{
	if (b->len > 0 || len == 0)
		return 0;
	if (len > SIZE_MAX / 2 || buf_reserve(b, (size_t)len) == -1)
		return -1;
	if (fd_pread_all(m->fd, b->data, (size_t)len, 0) == -1)
		return -1;
	b->len = (size_t)len;
	b->data[len] = '\0';
	return 0;
}

int
imapd_message_header(struct imapd_message *m)
{
	if (m->header_len > m->size)
		m->header_len = (uint32_t)m->size;
	return message_read(m, &m->header, m->header_len);
}

int
imapd_message_parse(struct imapd_message *m)
{
	if (m->mime != NULL)
		return 0;
	if (message_read(m, &m->whole, m->size) == -1)
		return -1;
	m->mime = mime_parse(m->whole.data, m->whole.len);
	return 0;
}

/* Picks fields of the block p..len into text. */
static void
pick_fields(const struct imapd_item *it, const char *p, size_t len,
    struct buf *text)
{
	struct imapd_pick k = { 0 };

	buf_reset(text);
	(void)imapd_pick(&k, it, p, len, 1, text);
}

/* A section of the message itself. */
static int
extent_top(struct imapd_message *m, const struct imapd_item *it,
    struct imapd_extent *e)
{
	if (m->header_len > m->size)
		m->header_len = (uint32_t)m->size;
	e->len = m->size;
	switch (it->section) {
	case IMAPD_S_HEADER:
		e->len = m->header_len;
		break;
	case IMAPD_S_TEXT:
		e->off = m->header_len;
		e->len = m->size - m->header_len;
		break;
	case IMAPD_S_FIELDS:
	case IMAPD_S_FIELDS_NOT:
		if (imapd_message_header(m) == -1)
			return -1;
		pick_fields(it, buf_str(&m->header), m->header.len, &m->text);
		e->in_text = 1;
		e->len = m->text.len;
		break;
	default:
		break;
	}
	return 0;
}

/* HEADER and TEXT of a part are those of the message that it encloses. */
static void
extent_part(struct imapd_message *m, const struct imapd_item *it,
    const struct mime_part *p, struct imapd_extent *e)
{
	if (it->section != IMAPD_S_ALL && it->section != IMAPD_S_MIME) {
		if (p->kind != MIME_MESSAGE || p->first == NULL) {
			e->nil = 1;
			return;
		}
		p = p->first;
	}
	e->off = p->body;
	e->len = p->end - p->body;
	if (it->section == IMAPD_S_ALL || it->section == IMAPD_S_TEXT)
		return;
	e->off = p->header;
	e->len = p->body - p->header;
	if (it->section == IMAPD_S_HEADER || it->section == IMAPD_S_MIME)
		return;
	pick_fields(it, m->whole.data + e->off, (size_t)e->len, &m->text);
	e->in_text = 1;
	e->off = 0;
	e->len = m->text.len;
}

static void
extent_partial(const struct imapd_item *it, struct imapd_extent *e)
{
	if (e->nil || !it->partial)
		return;
	if (it->off >= e->len) {
		e->len = 0;
		return;
	}
	e->off += it->off;
	e->len -= it->off;
	if (e->len > it->len)
		e->len = it->len;
}

static int
memo_fits(const struct imapd_memo *memo, const struct imapd_message *m,
    const struct imapd_item *it)
{
	return memo->uid == m->uid && memo->box == m->box &&
	    memo->section == it->section && memo->n == it->n_numbers &&
	    memcmp(memo->numbers, it->numbers, memo->n *
	    sizeof(*memo->numbers)) == 0;
}

static void
memo_keep(struct imapd_memo *memo, const struct imapd_message *m,
    const struct imapd_item *it, const struct imapd_extent *e)
{
	if (m->size < IMAPD_MEMO_SIZE || it->n_numbers > IMAPD_MEMO_DEPTH ||
	    e->in_text)
		return;
	memo->box = m->box;
	memo->uid = m->uid;
	memo->section = it->section;
	memo->n = it->n_numbers;
	memcpy(memo->numbers, it->numbers, memo->n * sizeof(*memo->numbers));
	memo->extent = *e;
}

int
imapd_body_extent(struct imapd_message *m, const struct imapd_item *it,
    struct imapd_memo *memo, struct imapd_extent *e)
{
	const struct mime_part *p;

	memset(e, 0, sizeof(*e));
	if (it->n_numbers == 0) {
		if (extent_top(m, it, e) == -1)
			return -1;
	} else if (memo != NULL && memo_fits(memo, m, it))
		*e = memo->extent;
	else {
		if (imapd_message_parse(m) == -1)
			return -1;
		p = mime_section(m->mime, it->numbers, it->n_numbers);
		if (p == NULL)
			e->nil = 1;
		else
			extent_part(m, it, p, e);
		if (memo != NULL)
			memo_keep(memo, m, it, e);
	}
	extent_partial(it, e);
	return 0;
}
