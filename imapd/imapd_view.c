#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/mail/uids.h"

#include "imapd/imapd_door.h"
#include "imapd/imapd_session.h"
#include "imapd/imapd_vanished_line.h"

enum { SYNC_LOOK = 256 };	/* lines of news between looks at the clock */

/* How many messages of the view a range of uids has. */
static size_t
range_count(const struct imapd_view *v, const struct imapd_range *r)
{
	return uids_find(v->uids, v->n, r->hi + 1) -
	    uids_find(v->uids, v->n, r->lo);
}

/* Room for one more range: of those whose messages are gone, or new. */
static void
recent_room(struct imapd_view *v)
{
	size_t i, n = 0;

	if (v->n_recent < v->cap_recent)
		return;
	for (i = 0; i < v->n_recent; i++)
		if (range_count(v, &v->recent[i]) > 0)
			v->recent[n++] = v->recent[i];
	v->n_recent = n;
	if (n <= v->cap_recent / 2 && n < v->cap_recent)
		return;
	v->cap_recent = v->cap_recent * 2 + 4;
	v->recent = mem_realloc(v->recent, v->cap_recent,
	    sizeof(*v->recent));
}

/*
 * Remembers that the messages from uid on came as recent to this view, which
 * they are until it ends (RFC 3501 2.3.2).
 */
static void
view_recent(struct imapd_view *v, uint32_t uid, uint32_t last)
{
	if (uid == 0 || uid > last)
		return;
	if (v->n_recent > 0 && v->recent[v->n_recent - 1].hi + 1 >= uid) {
		v->recent[v->n_recent - 1].hi = last;
		return;
	}
	recent_room(v);
	v->recent[v->n_recent++] = (struct imapd_range){ uid, last };
}

int
imapd_view_is_recent(const struct imapd_view *v, uint32_t uid)
{
	size_t lo = 0, hi = v->n_recent, mid;

	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		if (v->recent[mid].hi < uid)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < v->n_recent && v->recent[lo].lo <= uid;
}

static uint32_t
view_count_recent(const struct imapd_view *v)
{
	size_t i, n = 0;

	for (i = 0; i < v->n_recent; i++)
		n += range_count(v, &v->recent[i]);
	return (uint32_t)n;
}

/* The uids of the box become the view's; the client is told nothing. */
static void
view_take(struct imapd_view *v)
{
	size_t i;

	if (v->cap < v->box->n) {
		v->cap = v->box->n + v->box->n / 8 + 16;
		v->uids = mem_realloc(v->uids, v->cap, sizeof(*v->uids));
	}
	for (i = 0; i < v->box->n; i++)
		v->uids[i] = v->box->rec[i].uid;
	v->n = v->box->n;
	v->news.last = v->n > 0 ? v->uids[v->n - 1] : 0;
	v->news.stale = v->news.shrunk = 0;
}

int
imapd_view_open(struct imapd_session *s, uint32_t id, int readonly)
{
	struct imapd_view *v = mem_zalloc(1, sizeof(*v));
	struct door_mailbox m;
	uint32_t recent;

	v->box = imapd_box_open(id, !readonly, &v->news, &m, &recent);
	if (v->box == NULL) {
		free(v);
		return -1;
	}
	v->readonly = readonly;
	view_take(v);
	if (m.recent > 0)
		view_recent(v, recent, v->box->uidnext - 1);
	v->told = v->box->modseq;
	s->view = v;
	return 0;
}

void
imapd_view_close(struct imapd_session *s)
{
	struct imapd_view *v = s->view;

	s->view = NULL;
	imapd_box_release(v->box, &v->news);
	imapd_set_clear(&v->saved);
	free(v->recent);
	free(v->uids);
	free(v);
}

uint32_t
imapd_view_seq(const struct imapd_view *v, uint32_t uid)
{
	size_t i = uids_find(v->uids, v->n, uid);

	return i < v->n && v->uids[i] == uid ? (uint32_t)i + 1 : 0;
}

static int
view_set_uids(const struct imapd_view *v, struct imapd_set *set)
{
	size_t i, n = 0, lo, hi;

	for (i = 0; i < set->n; i++) {
		lo = uids_find(v->uids, v->n, set->r[i].lo);
		hi = set->r[i].hi == UINT32_MAX ? v->n :
		    uids_find(v->uids, v->n, set->r[i].hi + 1);
		if (lo < hi)
			set->r[n++] = (struct imapd_range){ (uint32_t)lo + 1,
			    (uint32_t)hi };
	}
	set->n = n;
	return 0;
}

void
imapd_view_seqs(const struct imapd_view *v, const struct imapd_set *uids,
    struct imapd_set *set)
{
	imapd_set_copy(set, uids);
	(void)view_set_uids(v, set);
}

int
imapd_view_set(const struct imapd_view *v, const char *p, size_t len,
    int uid, struct imapd_set *set)
{
	uint32_t largest = v->n == 0 ? 0 : uid ? v->uids[v->n - 1] :
	    (uint32_t)v->n;

	if (len == 1 && *p == '$') {
		imapd_set_copy(set, &v->saved);
		return view_set_uids(v, set);
	}
	if (imapd_set_parse(set, p, len, largest) == -1)
		return -1;
	if (uid)
		return view_set_uids(v, set);
	if (set->n > 0 && set->r[set->n - 1].hi > v->n) {
		imapd_set_clear(set);
		return -1;
	}
	return 0;
}

uint32_t *
imapd_view_uids(const struct imapd_view *v, const struct imapd_set *set,
    size_t *n_r)
{
	size_t i, n = 0;
	uint32_t *u, seq;

	for (i = 0; i < set->n; i++)
		n += set->r[i].hi - set->r[i].lo + 1;
	u = mem_alloc((n + 1) * sizeof(*u));
	for (i = n = 0; i < set->n; i++)
		for (seq = set->r[i].lo; seq <= set->r[i].hi; seq++)
			u[n++] = v->uids[seq - 1];
	*n_r = n;
	return u;
}

static const struct {
	uint32_t flag;
	const char *name;
} flag_names[] = {
	{ FLAG_ANSWERED, "\\Answered" }, { FLAG_FLAGGED, "\\Flagged" },
	{ FLAG_DELETED, "\\Deleted" }, { FLAG_SEEN, "\\Seen" },
	{ FLAG_DRAFT, "\\Draft" },
};

static void
put_word(struct buf *out, const char *s, int *any)
{
	if ((*any)++)
		buf_putc(out, ' ');
	buf_puts(out, s);
}

void
imapd_put_flags(struct buf *out, const struct imapd_view *v,
    const struct door_record *r)
{
	const struct imapd_box *b = v->box;
	struct keyword_set s;
	unsigned i;
	int any = 0, k = -1;

	for (i = 0; i < sizeof(flag_names) / sizeof(flag_names[0]); i++)
		if (r->flags & flag_names[i].flag)
			put_word(out, flag_names[i].name, &any);
	if (imapd_view_is_recent(v, r->uid))
		put_word(out, "\\Recent", &any);
	if (r->keywords == 0 && !(r->flags & MARK_WIDE))
		return;
	imapd_box_keywords(b, r, &s);
	while ((k = keyword_set_next(&s, (unsigned)(k + 1))) != -1 &&
	    (unsigned)k < b->n_keywords)
		put_word(out, b->keywords[k], &any);
}

void
imapd_view_put_flags(struct imapd_session *s)
{
	static const char system_flags[] =
	    "\\Answered \\Flagged \\Deleted \\Seen \\Draft";
	struct imapd_box *b = s->view->box;
	struct buf *out = &s->out;
	unsigned i;

	buf_puts(out, "* FLAGS (");
	buf_puts(out, system_flags);
	for (i = 0; i < b->n_keywords; i++) {
		buf_puts(out, " ");
		buf_puts(out, b->keywords[i]);
	}
	buf_puts(out, ")\r\n* OK [PERMANENTFLAGS (");
	if (!s->view->readonly) {
		buf_puts(out, system_flags);
		for (i = 0; i < b->n_keywords; i++) {
			buf_puts(out, " ");
			buf_puts(out, b->keywords[i]);
		}
		if (!imapd_box_keywords_full(b))
			buf_puts(out, " \\*");
	}
	buf_puts(out, ")] Flags permitted\r\n");
	s->view->keywords_told = b->keywords_serial;
	s->view->full_told = imapd_box_keywords_full(b);
}

int
imapd_view_flags_news(const struct imapd_view *v)
{
	return v->keywords_told != v->box->keywords_serial ||
	    v->full_told != imapd_box_keywords_full(v->box);
}

/* After each line of news: is it time to end the step? */
static int
sync_full(struct imapd_session *s, int64_t start, size_t line)
{
	if (line % SYNC_LOOK != 0 &&
	    s->out.len - s->out_done < IMAPD_OUT_HIGH)
		return 0;
	return imapd_full(s, start);
}

/* Sequence number n is gone: VANISHED tells of many in a line. */
static void
expunge_put(struct imapd_session *s, struct imapd_vanished_line *line,
    size_t n, uint32_t uid)
{
	if (s->qresync) {
		imapd_vanished_put(line, uid, uid);
		return;
	}
	buf_puts(&s->out, "* ");
	buf_put_number(&s->out, n);
	buf_puts(&s->out, " EXPUNGE\r\n");
}

static int
sync_expunge(struct imapd_session *s, int64_t start)
{
	struct imapd_vanished_line line = { .out = &s->out };
	struct imapd_view *v = s->view;
	size_t i, n = 0, hint = 0, lines = 0;
	int full = 0;

	for (i = 0; i < v->n && !full; i++) {
		if (imapd_box_find(v->box, v->uids[i], &hint) != NULL) {
			v->uids[n++] = v->uids[i];
			continue;
		}
		expunge_put(s, &line, n + 1, v->uids[i]);
		full = sync_full(s, start, ++lines);
	}
	imapd_vanished_end(&line);
	memmove(v->uids + n, v->uids + i, (v->n - i) * sizeof(*v->uids));
	v->n -= i - n;
	v->news.shrunk = full;
	imapd_box_told(v->box);
	return !full;
}

/* New messages; and whose session they are recent in. */
static void
sync_new(struct imapd_session *s)
{
	struct imapd_view *v = s->view;
	struct imapd_box *b = v->box;
	uint32_t last = v->n > 0 ? v->uids[v->n - 1] : 0;
	size_t i = last > 0 ? imapd_box_at(b, last + 1) : 0, from = v->n;
	uint32_t recent;

	if (v->cap < v->n + (b->n - i)) {
		v->cap = v->n + (b->n - i) + v->n / 8 + 16;
		v->uids = mem_realloc(v->uids, v->cap, sizeof(*v->uids));
	}
	for (; i < b->n; i++)
		v->uids[v->n++] = b->rec[i].uid;
	v->news.stale = 0;
	if (v->n == from)
		return;
	v->news.last = v->uids[v->n - 1];
	if (!v->readonly && (recent = imapd_box_recent(b)) > 0)
		view_recent(v, recent > v->uids[from] ? recent :
		    v->uids[from], v->uids[v->n - 1]);
	buf_printf(&s->out, "* %zu EXISTS\r\n* %u RECENT\r\n", v->n,
	    view_count_recent(v));
}

static void
sync_put(struct imapd_session *s, uint32_t seq, const struct door_record *r)
{
	struct buf *out = &s->out;

	buf_puts(out, "* ");
	buf_put_number(out, seq);
	buf_puts(out, " FETCH (");
	if (s->uid || s->condstore) {
		buf_puts(out, "UID ");
		buf_put_number(out, r->uid);
		buf_puts(out, " ");
	}
	buf_puts(out, "FLAGS (");
	imapd_put_flags(out, s->view, r);
	buf_puts(out, ")");
	if (s->condstore) {
		buf_puts(out, " MODSEQ (");
		buf_put_number(out, r->modseq);
		buf_puts(out, ")");
	}
	buf_puts(out, ")\r\n");
}

static int
sync_flags(struct imapd_session *s, int64_t start)
{
	struct imapd_view *v = s->view;
	struct imapd_news *news = &v->news;
	const struct door_record *r;
	size_t hint = 0;
	uint32_t seq, uid;

	if (news->n_sorted < news->n_dirty)
		imapd_news_pack(news, v->box->rec, v->box->n);
	while (news->n_told < news->n_dirty) {
		uid = news->dirty[news->n_told++];
		seq = imapd_view_seq(v, uid);
		r = imapd_box_find(v->box, uid, &hint);
		if (seq == 0 || r == NULL)
			continue;
		sync_put(s, seq, r);
		if (sync_full(s, start, news->n_told))
			return 0;
	}
	imapd_news_clear(news);
	return 1;
}

void
imapd_view_takes(struct imapd_session *s, int on)
{
	if (s->view != NULL)
		s->view->news.takes = on && !s->view->readonly;
}

int
imapd_view_news(const struct imapd_view *v)
{
	return imapd_view_flags_news(v) || imapd_news_any(&v->news);
}

/*
 * Who is not to hear of an EXPUNGE and learns of new messages all the same has
 * the box keep ever more that is gone: at some point they wait for it.
 */
static int
owes_much(const struct imapd_view *v)
{
	return v->news.shrunk && v->box->n_untold >= IMAPD_UNTOLD_MAX;
}

/*
 * The end of a step may come after any line. A view that was told some of it
 * is one that was told of fewer changes.
 */
int
imapd_view_sync(struct imapd_session *s, int expunge)
{
	struct imapd_view *v = s->view;
	int64_t start;

	if (!imapd_view_news(v)) {
		v->told = v->box->modseq;
		return 1;
	}
	start = clock_mono_ms();
	if (imapd_view_flags_news(v))
		imapd_view_put_flags(s);
	if (v->news.shrunk && expunge && !sync_expunge(s, start))
		return 0;
	if (v->news.n_dirty > 0 && !sync_flags(s, start))
		return 0;
	if (v->news.stale && !owes_much(v))
		sync_new(s);
	if (!imapd_news_any(&v->news))
		v->told = v->box->modseq;
	return 1;
}
