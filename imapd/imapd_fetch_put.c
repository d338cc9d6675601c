/*
 * One message of a FETCH, put into the output. The octets of its file are
 * read straight into the output buffer, a large literal piece by piece.
 */
#include <string.h>

#include "lib/base/fd.h"
#include "lib/base/log.h"
#include "lib/mail/mime_envelope.h"
#include "lib/mail/mime_structure.h"
#include "lib/mail/uids.h"

#include "imapd/imapd_date.h"
#include "imapd/imapd_door.h"
#include "imapd/imapd_fetch_put.h"
#include "imapd/imapd_ids.h"

enum {
	PIECE = 64 * 1024,		/* octets of a file in one read */
	COMPUTED_MAX = 64 << 20,	/* texts that no cache takes */
};

/* The record of this message out of the packed ones; they come in order. */
static const char *
cache_find(struct imapd_fetch *f, uint32_t uid, size_t *len)
{
	struct cursor c = f->cache;
	const char *p;
	uint32_t u;

	while (cursor_left(&c) > 0) {
		u = cursor_u32(&c);
		p = cursor_lv(&c, len, DOOR_CACHE_MAX);
		if (c.bad || u > uid)
			break;
		f->cache = c;
		if (u == uid)
			return p;
	}
	*len = 0;
	return NULL;
}

static int
message_open(struct imapd_session *s, struct imapd_fetch *f)
{
	if (f->msg.fd != -1)
		return 0;
	if (door_open(&imapd_door, s->view->box->id, &f->uids[f->i], 1,
	    &f->msg.fd) == -1 || f->msg.fd == -1)
		return -1;
	return 0;
}

/* Is ENVELOPE, BODY or BODYSTRUCTURE asked for, 0, 1 or 2? */
static int
asks_text(const struct imapd_fetch *f, size_t i)
{
	size_t k;

	for (k = 0; k < f->items.n; k++)
		if (f->items.item[k].kind == IMAPD_ENVELOPE + i)
			return 1;
	return 0;
}

/* What no record holds (it would be too long) is made again each time. */
static void
make_texts(struct imapd_fetch *f)
{
	struct buf *b = &f->record;
	size_t at[4] = { 0 }, i;
	int r;

	buf_reset(b);
	b->max = COMPUTED_MAX;
	for (i = 0; i < 3; i++) {
		at[i] = b->len;
		if (!asks_text(f, i))
			continue;
		r = i == 0 ? mime_envelope(mime_root(f->msg.mime), b) :
		    mime_bodystructure(f->msg.mime, i == 2, b);
		if (r == 0)
			continue;
		buf_truncate(b, at[i]);
		b->max = 0;
		if (i == 0)
			buf_puts(b, "(NIL NIL NIL NIL NIL NIL NIL NIL NIL "
			    "NIL)");
		else
			buf_printf(b, "(\"application\" \"octet-stream\" NIL "
			    "NIL NIL \"binary\" %zu)", f->msg.whole.len);
		b->max = COMPUTED_MAX;
	}
	at[3] = b->len;
	for (i = 0; i < 3; i++) {
		f->text[i] = b->data + at[i];
		f->text_len[i] = at[i + 1] - at[i];
	}
}

static int
texts_get(struct imapd_fetch *f, const void *p, size_t len)
{
	return mime_cache_get(p, len, &f->text[0], &f->text_len[0],
	    &f->text[1], &f->text_len[1], &f->text[2], &f->text_len[2]);
}

/* ENVELOPE and structures of this message. 0, or -1: it cannot be read. */
static int
texts_find(struct imapd_session *s, struct imapd_fetch *f)
{
	uint32_t uid = f->uids[f->i];
	size_t len;
	const char *p = cache_find(f, uid, &len);

	if (p != NULL && len > 0 && texts_get(f, p, len) == 0)
		return 0;
	if (message_open(s, f) == -1 || imapd_message_parse(&f->msg) == -1)
		return -1;
	mime_cache_tree(f->msg.mime, &f->record);
	if (f->record.len > 0 && texts_get(f, f->record.data,
	    f->record.len) == 0) {
		(void)door_cache_put(&imapd_door, s->view->box->id, uid,
		    f->record.data, f->record.len);
		return 0;
	}
	make_texts(f);
	return 0;
}

static void
put_nil_or_literal(struct buf *out, const struct imapd_extent *e)
{
	if (e->nil) {
		buf_puts(out, " NIL");
		return;
	}
	buf_puts(out, " {");
	buf_put_number(out, e->len);
	buf_puts(out, "}\r\n");
}

/*
 * Brings the next piece of a literal into out. 0, or -1 where the file is
 * shorter than it was.
 */
static int
put_piece(struct imapd_session *s, struct imapd_fetch *f)
{
	size_t n = f->piece_left < PIECE ? (size_t)f->piece_left : PIECE;
	struct buf *out = &s->out;

	if (buf_reserve(out, n) == -1)
		return -1;
	if (f->piece_text != NULL)
		memcpy(out->data + out->len, f->piece_text + f->piece_off, n);
	else if (fd_pread_all(f->msg.fd, out->data + out->len, n,
	    (off_t)f->piece_off) == -1)
		return -1;
	out->len += n;
	out->data[out->len] = '\0';
	f->piece_off += n;
	f->piece_left -= n;
	return 0;
}

/* The next piece of what is under way. */
static int
put_more(struct imapd_session *s, struct imapd_fetch *f)
{
	if (f->piece_left > 0)
		return put_piece(s, f);
	return imapd_picking_step(&f->picking, f->msg.fd, &s->out);
}

static int
put_section(struct imapd_session *s, struct imapd_fetch *f,
    const struct imapd_item *it)
{
	struct imapd_extent e;

	if (f->msg.fd == -1)
		return -1;
	if (it->n_numbers == 0 && f->msg.header_len > IMAPD_PICK_PIECE &&
	    (it->section == IMAPD_S_FIELDS ||
	    it->section == IMAPD_S_FIELDS_NOT)) {
		imapd_picking_begin(&f->picking, it, f->msg.header_len);
		return 0;
	}
	if (imapd_body_extent(&f->msg, it, &s->memo, &e) == -1)
		return -1;
	put_nil_or_literal(&s->out, &e);
	if (e.nil || e.len == 0)
		return 0;
	f->piece_text = e.in_text ? f->msg.text.data :
	    f->msg.whole.len > 0 ? f->msg.whole.data : NULL;
	f->piece_off = e.off;
	f->piece_left = e.len;
	return put_piece(s, f);
}

/* Most are short; a long one goes as a literal does. */
static int
put_text(struct imapd_session *s, struct imapd_fetch *f, int i)
{
	buf_putc(&s->out, ' ');
	f->piece_text = f->text[i];
	f->piece_off = 0;
	f->piece_left = f->text_len[i];
	return put_piece(s, f);
}

static void
put_date(struct buf *out, int64_t t)
{
	char date[IMAPD_DATE_LEN + 1];

	imapd_date_put(date, t);
	buf_puts(out, " \"");
	buf_puts(out, date);
	buf_puts(out, "\"");
}

/* EMAILID of the message. -1: store knows none, for it is gone. */
static int
put_emailid(struct imapd_session *s, const struct imapd_fetch *f, uint32_t uid)
{
	const char *id = imapd_ids_find(&f->ids, uid);

	if (id == NULL)
		return -1;
	buf_puts(&s->out, " (");
	imapd_ids_put(&s->out, IMAPD_ID_EMAIL, id);
	buf_puts(&s->out, ")");
	return 0;
}

static int
put_item(struct imapd_session *s, struct imapd_fetch *f,
    const struct imapd_item *it, const struct door_record *r)
{
	struct buf *out = &s->out;

	buf_puts(out, it->label);
	switch (it->kind) {
	case IMAPD_FLAGS:
		buf_puts(out, " (");
		imapd_put_flags(out, s->view, r);
		buf_puts(out, ")");
		break;
	case IMAPD_INTERNALDATE:
		put_date(out, r->date);
		break;
	case IMAPD_SAVEDATE:
		/* What an old store kept has none. */
		if (r->save_date != 0)
			put_date(out, r->save_date);
		else
			buf_puts(out, " NIL");
		break;
	case IMAPD_EMAILID:
		return put_emailid(s, f, r->uid);
	case IMAPD_THREADID:
		buf_puts(out, " NIL");
		break;
	case IMAPD_SIZE:
		buf_puts(out, " ");
		buf_put_number(out, r->size);
		break;
	case IMAPD_UID_ITEM:
		buf_puts(out, " ");
		buf_put_number(out, r->uid);
		break;
	case IMAPD_MODSEQ:
		buf_puts(out, " (");
		buf_put_number(out, r->modseq);
		buf_puts(out, ")");
		break;
	case IMAPD_ENVELOPE:
	case IMAPD_BODY:
	case IMAPD_STRUCTURE:
		return put_text(s, f, (int)(it->kind - IMAPD_ENVELOPE));
	case IMAPD_SECTION:
		return put_section(s, f, it);
	}
	return 0;
}

static int
was_seen(const struct imapd_fetch *f, uint32_t uid)
{
	size_t i = uids_find(f->seen, f->n_seen, uid);

	return i < f->n_seen && f->seen[i] == uid;
}

static int
message_begin(struct imapd_session *s, struct imapd_fetch *f,
    const struct door_record *r)
{
	struct buf *out = &s->out;

	f->mark = out->len;
	f->item = 0;
	f->known = *r;
	f->msg.box = s->view->box->id;
	f->msg.uid = r->uid;
	f->msg.size = r->size;
	f->msg.header_len = r->header_len < r->size ? r->header_len :
	    (uint32_t)r->size;
	if (f->items.file) {
		f->msg.fd = f->fds[f->i];
		f->fds[f->i] = -1;
		if (f->msg.fd == -1)
			return -1;
	}
	if (f->items.cache && texts_find(s, f) == -1)
		return -1;
	buf_puts(out, "* ");
	buf_put_number(out, f->seqs[f->i]);
	buf_puts(out, " FETCH (");
	f->open = 1;
	return 0;
}

/*
 * A change by the FETCH itself is told with it: the flags, and under
 * CONDSTORE the modseq (RFC 7162 3.1).
 */
static void
message_end(struct imapd_session *s, struct imapd_fetch *f,
    const struct door_record *r)
{
	int changed = f->n_seen > 0 && was_seen(f, r->uid);
	struct buf *out = &s->out;

	/* What is told without having been asked for has a UID (RFC 7162
	   3.2.4). */
	if (changed && s->qresync && !f->items.uid) {
		buf_puts(out, " UID ");
		buf_put_number(out, r->uid);
	}
	if (changed && !f->items.flags) {
		buf_puts(out, " FLAGS (");
		imapd_put_flags(out, s->view, r);
		buf_puts(out, ")");
	}
	if (changed && s->condstore && !f->items.modseq) {
		buf_puts(out, " MODSEQ (");
		buf_put_number(out, r->modseq);
		buf_puts(out, ")");
	}
	buf_puts(out, ")\r\n");
}

void
imapd_fetch_next(struct imapd_fetch *f)
{
	if (f->msg.fd != -1 || f->msg.whole.cap > 0 ||
	    f->msg.header.cap > 0) {
		imapd_message_clear(&f->msg);
		imapd_message_init(&f->msg);
	}
	imapd_picking_clear(&f->picking);
	f->open = 0;
	f->piece_left = 0;
	f->i++;
}

/* Store knows no such message any more: its files go behind its records. */
static int
message_gone(struct imapd_box *b, uint32_t uid)
{
	size_t hint = SIZE_MAX;

	return imapd_box_refresh(b) == 0 &&
	    imapd_box_find(b, uid, &hint) == NULL;
}

/*
 * The message cannot be read: it is gone, or damaged. What was said of it is
 * taken back, if it is still here; else the line is lost, and the client has to
 * come again.
 */
void
imapd_fetch_failed(struct imapd_session *s, struct imapd_fetch *f)
{
	if (message_gone(s->view->box, f->uids[f->i]))
		f->gone = 1;
	else {
		log_warn("message %u of mailbox %u cannot be read",
		    f->uids[f->i], s->view->box->id);
		f->damaged = 1;
	}
	if (f->mark <= s->out.len && s->out_done <= f->mark)
		buf_truncate(&s->out, f->mark);
	else
		s->dead = 1;
	imapd_fetch_next(f);
}

/*
 * Between two items or pieces: should the step end? What has gone out cannot
 * be taken back.
 */
static int
fetch_full(struct imapd_session *s, struct imapd_fetch *f, int64_t start)
{
	int full;

	if (s->out.len == 0)
		f->mark = SIZE_MAX;
	full = imapd_full(s, start);
	if (s->out.len == 0)
		f->mark = SIZE_MAX;
	return full;
}

/* What was begun ends as it was, even if it is expunged meanwhile. */
int
imapd_fetch_put(struct imapd_session *s, struct imapd_fetch *f, int64_t start)
{
	const struct door_record *r = imapd_box_known(s->view->box,
	    f->uids[f->i], &f->hint);
	const struct imapd_item *it;

	if (!f->open && r == NULL) {
		f->gone = 1;
		return 1;
	}
	if (!f->open && message_begin(s, f, r) == -1)
		return -1;
	if (r == NULL)
		r = &f->known;
	for (;;) {
		while (f->piece_left > 0 || f->picking.pass != PICK_NOTHING) {
			if (fetch_full(s, f, start))
				return 0;
			if (put_more(s, f) == -1)
				return -1;
		}
		if (f->item == f->items.n)
			break;
		it = &f->items.item[f->item];
		if (f->item > 0 && it->kind == IMAPD_SECTION &&
		    fetch_full(s, f, start))
			return 0;
		if (f->item++ > 0)
			buf_puts(&s->out, " ");
		if (put_item(s, f, it, r) == -1)
			return -1;
	}
	message_end(s, f, r);
	return 1;
}
