/*
 * FETCH, with CHANGEDSINCE (RFC 7162 3.1.4).
 *
 * Messages go in batches: one call of the door brings the cache records of a
 * batch, one the descriptors of its files, one sets \Seen. The octets of a
 * file are read straight into the output buffer. The command yields between
 * items, and within a large one, when the client is slow or the slice is
 * over; all that it needs to go on is in struct fetch.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/fd.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"

#include "imapd/imapd_commands.h"
#include "imapd/imapd_date.h"
#include "imapd/imapd_fetch.h"

enum {
	BATCH_FILES = DOOR_OPEN_MAX,
	BATCH_CACHE = 128,
	BATCH_RECORDS = 512,
	PIECE = 64 * 1024,		/* octets of a file in one read */
	COMPUTED_MAX = 4 << 20,		/* a structure that no cache takes */
};

struct fetch {
	struct imapd_items items;
	struct imapd_set set;		/* of sequence numbers */
	uint64_t changed_since;
	size_t	 range;			/* next message: set.r[range] ... */
	uint32_t next;			/* ... at this number, 0: its first */
	/* the batch */
	uint32_t uids[BATCH_RECORDS], seqs[BATCH_RECORDS];
	int	 fds[BATCH_FILES];
	size_t	 n, i;
	size_t	 n_fds;
	struct buf packed;		/* its cache records */
	struct cursor cache;
	uint32_t *seen;			/* uids whose \Seen was just set */
	size_t	 n_seen;
	size_t	 hint;
	/* the message */
	struct imapd_message msg;
	int	 open;			/* "* n FETCH (" is out */
	size_t	 item;
	size_t	 mark;			/* where it starts in out */
	uint64_t piece_off, piece_left;	/* a literal that goes on */
	struct buf record;		/* its cache record, where computed */
	const char *text[3];		/* ENVELOPE, BODY, BODYSTRUCTURE */
	size_t	 text_len[3];
	int	 gone, damaged;
};

static void
batch_end(struct fetch *f)
{
	while (f->n_fds > 0)
		fd_close(&f->fds[--f->n_fds]);
	f->n = f->i = 0;
	f->n_seen = 0;
}

static void
fetch_free(void *data)
{
	struct fetch *f = data;

	batch_end(f);
	imapd_message_clear(&f->msg);
	imapd_items_clear(&f->items);
	imapd_set_clear(&f->set);
	buf_clear(&f->packed);
	buf_clear(&f->record);
	free(f->seen);
	free(f);
}

/* The next sequence number of the set; 0 at the end. */
static uint32_t
next_seq(struct fetch *f)
{
	const struct imapd_range *r;

	if (f->range == f->set.n)
		return 0;
	r = &f->set.r[f->range];
	if (f->next == 0)
		f->next = r->lo;
	if (f->next == r->hi) {
		f->range++;
		f->next = 0;
		return r->hi;
	}
	return f->next++;
}

/* \Seen of those messages of the batch that lack it. 0, or -1. */
static int
batch_seen(struct imapd_session *s, struct fetch *f)
{
	struct imapd_box *b = s->view->box;
	struct door_record *rec = NULL;
	const struct door_record *r;
	uint32_t *failed = NULL;
	size_t i, n_rec, n_failed, hint = 0;
	int res;

	f->n_seen = 0;
	if (f->seen == NULL)
		f->seen = mem_alloc(BATCH_FILES * sizeof(*f->seen));
	for (i = 0; i < f->n; i++) {
		r = imapd_box_find(b, f->uids[i], &hint);
		if (r != NULL && !(r->flags & FLAG_SEEN))
			f->seen[f->n_seen++] = r->uid;
	}
	if (f->n_seen == 0)
		return 0;
	res = door_store(&imapd_door, b->id, f->seen, f->n_seen, DOOR_ADD,
	    FLAG_SEEN, NULL, UINT64_MAX, &rec, &n_rec, &failed, &n_failed);
	if (res == 0)
		imapd_box_update(b, rec, n_rec, s);
	free(rec);
	free(failed);
	return res;
}

/*
 * Fills the next batch. 1, 0 at the end of the set, -1: the door failed.
 */
static int
batch_begin(struct imapd_session *s, struct fetch *f)
{
	const struct imapd_box *b = s->view->box;
	const struct door_record *r;
	size_t max = f->items.file ? BATCH_FILES :
	    f->items.cache ? BATCH_CACHE : BATCH_RECORDS, n;
	uint32_t seq;

	batch_end(f);
	while (f->n < max && (seq = next_seq(f)) != 0) {
		r = imapd_box_find(b, s->view->uids[seq - 1], &f->hint);
		if (r == NULL) {
			f->gone = 1;
			continue;
		}
		if (r->modseq <= f->changed_since)
			continue;
		f->seqs[f->n] = seq;
		f->uids[f->n++] = r->uid;
	}
	if (f->n == 0)
		return 0;
	if (f->items.cache) {
		if (door_cache_get(&imapd_door, b->id, f->uids, f->n,
		    &f->packed, &n) == -1)
			return -1;
		cursor_init(&f->cache, f->packed.data, f->packed.len);
	}
	if (f->items.file) {
		if (door_open(&imapd_door, b->id, f->uids, f->n,
		    f->fds) == -1)
			return -1;
		f->n_fds = f->n;
	}
	if (f->items.seen && !s->view->readonly && batch_seen(s, f) == -1)
		return -1;
	return 1;
}

/* The record of this message out of the packed ones; they come in order. */
static const char *
cache_find(struct fetch *f, uint32_t uid, size_t *len)
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
message_open(struct imapd_session *s, struct fetch *f)
{
	if (f->msg.fd != -1)
		return 0;
	if (door_open(&imapd_door, s->view->box->id, &f->uids[f->i], 1,
	    &f->msg.fd) == -1 || f->msg.fd == -1)
		return -1;
	return 0;
}

/* What no record holds (it would be too long) is made anew each time. */
static void
make_texts(struct fetch *f)
{
	struct buf *b = &f->record;
	size_t at[4] = { 0 }, i;
	int r;

	buf_reset(b);
	b->max = COMPUTED_MAX;
	for (i = 0; i < 3; i++) {
		at[i] = b->len;
		r = i == 0 ? mime_envelope(f->msg.mime,
		    mime_root(f->msg.mime), b) :
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
texts_get(struct fetch *f, const void *p, size_t len)
{
	return mime_cache_get(p, len, &f->text[0], &f->text_len[0],
	    &f->text[1], &f->text_len[1], &f->text[2], &f->text_len[2]);
}

/* ENVELOPE and structures of this message. 0, or -1: it cannot be read. */
static int
texts_find(struct imapd_session *s, struct fetch *f)
{
	uint32_t uid = f->uids[f->i];
	size_t len;
	const char *p = cache_find(f, uid, &len);

	if (p != NULL && len > 0 && texts_get(f, p, len) == 0)
		return 0;
	if (message_open(s, f) == -1 || imapd_message_parse(&f->msg) == -1)
		return -1;
	mime_cache(buf_str(&f->msg.whole), f->msg.whole.len, &f->record);
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
		imapd_put(out, " NIL");
		return;
	}
	imapd_put(out, " {");
	imapd_put_number(out, e->len);
	imapd_put(out, "}\r\n");
}

/*
 * Reads the next piece of a literal into out. 0, or -1 where the file is
 * shorter than it was.
 */
static int
put_piece(struct imapd_session *s, struct fetch *f)
{
	size_t n = f->piece_left < PIECE ? (size_t)f->piece_left : PIECE;
	struct buf *out = &s->out;

	if (buf_reserve(out, n) == -1 || fd_pread_all(f->msg.fd,
	    out->data + out->len, n, (off_t)f->piece_off) == -1)
		return -1;
	out->len += n;
	out->data[out->len] = '\0';
	f->piece_off += n;
	f->piece_left -= n;
	return 0;
}

static int
put_section(struct imapd_session *s, struct fetch *f,
    const struct imapd_item *it)
{
	struct imapd_extent e;
	struct buf *out = &s->out;

	if (f->msg.fd == -1 || imapd_body_extent(&f->msg, it, &e) == -1)
		return -1;
	put_nil_or_literal(out, &e);
	if (e.nil || e.len == 0)
		return 0;
	if (e.in_text)
		return buf_append(out, f->msg.text.data + e.off,
		    (size_t)e.len);
	if (f->msg.whole.len > 0 && e.len <= PIECE)
		return buf_append(out, f->msg.whole.data + e.off,
		    (size_t)e.len);
	f->piece_off = e.off;
	f->piece_left = e.len;
	return put_piece(s, f);
}

static void
put_text(struct buf *out, const struct fetch *f, int i)
{
	buf_putc(out, ' ');
	buf_append(out, f->text[i], f->text_len[i]);
}

static int
put_item(struct imapd_session *s, struct fetch *f,
    const struct imapd_item *it, const struct door_record *r)
{
	char date[IMAPD_DATE_LEN + 1];
	struct buf *out = &s->out;

	imapd_put(out, it->label);
	switch (it->kind) {
	case IMAPD_FLAGS:
		imapd_put(out, " (");
		imapd_put_flags(out, s->view, r);
		imapd_put(out, ")");
		break;
	case IMAPD_INTERNALDATE:
		imapd_date_put(date, r->date);
		imapd_put(out, " \"");
		imapd_put(out, date);
		imapd_put(out, "\"");
		break;
	case IMAPD_SIZE:
		imapd_put(out, " ");
		imapd_put_number(out, r->size);
		break;
	case IMAPD_UID_ITEM:
		imapd_put(out, " ");
		imapd_put_number(out, r->uid);
		break;
	case IMAPD_MODSEQ:
		imapd_put(out, " (");
		imapd_put_number(out, r->modseq);
		imapd_put(out, ")");
		break;
	case IMAPD_ENVELOPE:
	case IMAPD_BODY:
	case IMAPD_STRUCTURE:
		put_text(out, f, (int)(it->kind - IMAPD_ENVELOPE));
		break;
	case IMAPD_SECTION:
		return put_section(s, f, it);
	}
	return 0;
}

static int
was_seen(const struct fetch *f, uint32_t uid)
{
	size_t i = imapd_set_find(f->seen, f->n_seen, uid);

	return i < f->n_seen && f->seen[i] == uid;
}

static int
message_begin(struct imapd_session *s, struct fetch *f,
    const struct door_record *r)
{
	struct buf *out = &s->out;

	f->mark = out->len;
	f->item = 0;
	f->msg.size = r->size;
	f->msg.header_len = r->header_len;
	if (f->items.file) {
		f->msg.fd = f->fds[f->i];
		f->fds[f->i] = -1;
	}
	if (f->items.cache && texts_find(s, f) == -1)
		return -1;
	imapd_put(out, "* ");
	imapd_put_number(out, f->seqs[f->i]);
	imapd_put(out, " FETCH (");
	f->open = 1;
	return 0;
}

static void
message_end(struct imapd_session *s, struct fetch *f,
    const struct door_record *r)
{
	struct buf *out = &s->out;

	if (f->n_seen > 0 && !f->items.flags && r != NULL &&
	    was_seen(f, r->uid)) {
		imapd_put(out, " FLAGS (");
		imapd_put_flags(out, s->view, r);
		imapd_put(out, ")");
		if (s->condstore && !f->items.modseq) {
			imapd_put(out, " MODSEQ (");
			imapd_put_number(out, r->modseq);
			imapd_put(out, ")");
		}
	}
	imapd_put(out, ")\r\n");
}

static void
message_clear(struct fetch *f)
{
	if (f->msg.fd != -1 || f->msg.whole.cap > 0 ||
	    f->msg.header.cap > 0) {
		imapd_message_clear(&f->msg);
		imapd_message_init(&f->msg);
	}
	f->open = 0;
	f->piece_left = 0;
	f->i++;
}

/*
 * The message cannot be read: what was said of it is taken back, if it is
 * still here; else the line is lost, and the client has to come again.
 */
static void
message_damaged(struct imapd_session *s, struct fetch *f)
{
	log_warn("message %u of mailbox %u cannot be read", f->uids[f->i],
	    s->view->box->id);
	f->damaged = 1;
	if (f->mark <= s->out.len && s->out_done <= f->mark)
		buf_truncate(&s->out, f->mark);
	else
		s->dead = 1;
	message_clear(f);
}

/* One message, or what remains of it: 1 done, 0 yield, -1 damaged. */
static int
message_put(struct imapd_session *s, struct fetch *f, int64_t start)
{
	const struct door_record *r = imapd_box_find(s->view->box,
	    f->uids[f->i], &f->hint);
	struct door_record none = { .uid = f->uids[f->i] };

	if (!f->open && r == NULL) {
		f->gone = 1;
		return 1;
	}
	if (!f->open && message_begin(s, f, r) == -1)
		return -1;
	for (;;) {
		while (f->piece_left > 0) {
			if (imapd_full(s, start))
				return 0;
			if (s->out.len == 0)
				f->mark = SIZE_MAX;
			if (put_piece(s, f) == -1)
				return -1;
		}
		if (f->item == f->items.n)
			break;
		if (f->item > 0)
			imapd_put(&s->out, " ");
		if (put_item(s, f, &f->items.item[f->item++],
		    r != NULL ? r : &none) == -1)
			return -1;
	}
	message_end(s, f, r);
	return 1;
}

static enum imapd_run
fetch_end(struct imapd_session *s, const struct fetch *f)
{
	if (f->damaged)
		return imapd_no(s, "[SERVERBUG] A message cannot be read");
	if (f->gone && !s->uid)
		return imapd_no(s, "[EXPUNGEISSUED] Some messages are gone");
	return imapd_ok(s, "FETCH completed");
}

static enum imapd_run
fetch_more(struct imapd_session *s)
{
	struct fetch *f = s->more_data;
	int64_t start = clock_mono_ms();
	int r;

	for (;;) {
		if (f->i == f->n) {
			r = batch_begin(s, f);
			if (r == -1)
				return imapd_door_no(s);
			if (r == 0)
				return fetch_end(s, f);
			if (s->view->keywords_told !=
			    s->view->box->n_keywords)
				imapd_view_put_flags(s);
		}
		r = message_put(s, f, start);
		if (r == 0)
			return IMAPD_MORE;
		if (r == -1)
			message_damaged(s, f);
		else
			message_clear(f);
		if (s->dead || imapd_full(s, start))
			return IMAPD_MORE;
	}
}

/* fetch-modifier: "(CHANGEDSINCE mod-sequence-value)" */
static int
fetch_modifier(struct fetch *f, const struct imapd_arg *a)
{
	if (a->type != IMAPD_LIST || a->len != 2 ||
	    !imapd_arg_is(a + 1, "CHANGEDSINCE") ||
	    imapd_arg_number(a + 2, INT64_MAX, &f->changed_since) == -1 ||
	    f->changed_since == 0)
		return -1;
	return 0;
}

static const char *
fetch_parse(struct imapd_session *s, struct fetch *f,
    const struct imapd_arg *args, size_t n)
{
	const struct imapd_arg *what = imapd_arg_next(args);
	const char *why;

	if (args->type != IMAPD_ATOM || imapd_view_set(s->view, args->p,
	    args->len, s->uid, &f->set) == -1)
		return "FETCH: bad sequence set";
	why = imapd_items_parse(&f->items, what);
	if (why == NULL && n == 3 &&
	    fetch_modifier(f, imapd_arg_next(what)) == -1)
		why = "FETCH: bad modifier";
	return why;
}

static enum imapd_run
fetch_run(struct imapd_session *s, const struct imapd_arg *args, size_t n)
{
	struct fetch *f = mem_zalloc(1, sizeof(*f));
	const char *why;

	imapd_message_init(&f->msg);
	why = fetch_parse(s, f, args, n);
	if (why != NULL) {
		fetch_free(f);
		return imapd_bad(s, "%s", why);
	}
	if (f->changed_since > 0)
		imapd_items_add(&f->items, IMAPD_MODSEQ, "MODSEQ");
	if (f->items.modseq)
		imapd_condstore(s);
	if (s->uid)
		imapd_items_add(&f->items, IMAPD_UID_ITEM, "UID");
	return imapd_later(s, fetch_more, fetch_free, f);
}

const struct imapd_command imapd_cmd_fetch[] = {
	{ .name = "FETCH", .run = fetch_run, .states = IMAPD_SELECTED,
	    .flags = IMAPD_UID | IMAPD_QUIET, .min_args = 2, .max_args = 3 },
	{ .name = NULL }
};
