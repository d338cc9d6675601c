#include <stdlib.h>
#include <string.h>

#include "lib/base/log.h"
#include "lib/base/mem.h"

#include "imapd/imapd_box.h"
#include "imapd/imapd_names.h"
#include "imapd/imapd_session.h"

struct door imapd_door;
int imapd_box_news;

static struct imapd_box *boxes;

/* Index of the first record whose uid is at least uid. */
static size_t
rec_at(const struct imapd_box *b, uint32_t uid)
{
	size_t lo = 0, hi = b->n, mid;

	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		if (b->rec[mid].uid < uid)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

const struct door_record *
imapd_box_find(const struct imapd_box *b, uint32_t uid, size_t *hint)
{
	size_t i = *hint;

	if (i >= b->n || b->rec[i].uid != uid)
		i = rec_at(b, uid);
	*hint = i + 1;
	return i < b->n && b->rec[i].uid == uid ? &b->rec[i] : NULL;
}

static void
view_dirty(struct imapd_view *v, uint32_t uid)
{
	/* More than the view has: twice the same. Once is enough. */
	if (v->n_dirty > 0 && v->dirty[v->n_dirty - 1] == uid)
		return;
	if (v->n_dirty == v->cap_dirty) {
		v->cap_dirty = v->cap_dirty * 2 + 16;
		v->dirty = mem_realloc(v->dirty, v->cap_dirty,
		    sizeof(*v->dirty));
	}
	v->dirty[v->n_dirty++] = uid;
}

static int
uid_cmp(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

/* Sorts, and keeps each uid once. */
static void
dirty_pack(struct imapd_view *v)
{
	size_t i, n = 0;

	if (v->n_dirty == 0)
		return;
	qsort(v->dirty, v->n_dirty, sizeof(*v->dirty), uid_cmp);
	for (i = 1; i < v->n_dirty; i++)
		if (v->dirty[i] != v->dirty[n])
			v->dirty[++n] = v->dirty[i];
	v->n_dirty = n + 1;
}

/* Tells the views of b, but origin's, that a message changed. */
static void
box_dirty(const struct imapd_box *b, uint32_t uid,
    const struct imapd_session *origin)
{
	struct imapd_session *s;
	struct imapd_view *v;

	for (s = imapd_sessions; s != NULL; s = s->next) {
		v = s->view;
		if (v == NULL || v->box != b || s == origin)
			continue;
		view_dirty(v, uid);
		imapd_box_news = 1;
		if (v->n_dirty > 2 * v->n + 64)
			dirty_pack(v);
	}
}

static void
box_stale(const struct imapd_box *b, int shrunk)
{
	struct imapd_session *s;

	imapd_box_news = 1;
	for (s = imapd_sessions; s != NULL; s = s->next)
		if (s->view != NULL && s->view->box == b) {
			s->view->stale = 1;
			s->view->shrunk |= shrunk;
		}
}

/* It is no longer what the clients think it is. */
static void
box_gone(struct imapd_box *b)
{
	b->gone = 1;
	imapd_box_news = 1;
}

void
imapd_box_deleted(uint32_t id)
{
	struct imapd_box *b;

	for (b = boxes; b != NULL; b = b->next)
		if (b->id == id)
			box_gone(b);
}

static void
keywords_free(struct imapd_box *b)
{
	while (b->n_keywords > 0)
		free(b->keywords[--b->n_keywords]);
}

void
imapd_box_keywords(struct imapd_box *b, uint64_t seen)
{
	struct buf list = BUF_INIT(0);
	struct cursor c;
	const char *p;
	size_t len;

	if (b->n_keywords == DOOR_KEYWORDS_MAX || seen >> b->n_keywords == 0)
		return;
	if (door_keywords(&imapd_door, b->id, &list) == -1) {
		buf_clear(&list);
		return;
	}
	keywords_free(b);
	cursor_init(&c, list.data, list.len);
	while (cursor_left(&c) > 0 && b->n_keywords < DOOR_KEYWORDS_MAX) {
		p = cursor_lv(&c, &len, DOOR_KEYWORD_LEN);
		if (p == NULL)
			break;
		b->keywords[b->n_keywords++] = mem_strndup(p, len);
	}
	buf_clear(&list);
}

void
imapd_box_update(struct imapd_box *b, const struct door_record *rec,
    size_t n, const struct imapd_session *origin)
{
	size_t i, at = 0, fresh = 0, from;
	uint64_t seen = 0;

	for (i = 0; i < n; i++) {
		seen |= rec[i].keywords;
		if (at >= b->n || b->rec[at].uid != rec[i].uid)
			at = rec_at(b, rec[i].uid);
		if (at == b->n) {
			fresh = n - i;
			break;
		}
		if (b->rec[at].uid != rec[i].uid)
			continue;	/* expunged meanwhile */
		if (rec[i].modseq > b->rec[at].modseq) {
			b->rec[at] = rec[i];
			box_dirty(b, rec[i].uid, origin);
		}
		at++;
	}
	for (i = n - fresh; i < n; i++)
		seen |= rec[i].keywords;
	imapd_box_keywords(b, seen);
	if (fresh == 0)
		return;
	from = b->n;
	b->rec = mem_realloc(b->rec, b->n + fresh, sizeof(*b->rec));
	memcpy(b->rec + from, rec + n - fresh, fresh * sizeof(*rec));
	b->n += fresh;
	if (b->uidnext <= b->rec[b->n - 1].uid)
		b->uidnext = b->rec[b->n - 1].uid + 1;
	box_stale(b, 0);
}

void
imapd_box_remove(struct imapd_box *b, const uint32_t *gone, size_t n)
{
	size_t i, j, to;

	if (n == 0 || b->n == 0)
		return;
	to = i = rec_at(b, gone[0]);
	for (j = 0; i < b->n; i++) {
		while (j < n && gone[j] < b->rec[i].uid)
			j++;
		if (j < n && gone[j] == b->rec[i].uid)
			continue;
		b->rec[to++] = b->rec[i];
	}
	if (to == b->n)
		return;
	b->n = to;
	box_stale(b, 1);
}

/* rec is all there is: what it lacks is gone. */
static void
box_replace(struct imapd_box *b, const struct door_record *rec, size_t n)
{
	uint32_t *gone = mem_alloc((b->n + 1) * sizeof(*gone));
	size_t i, j = 0, n_gone = 0;

	for (i = 0; i < b->n; i++) {
		while (j < n && rec[j].uid < b->rec[i].uid)
			j++;
		if (j == n || rec[j].uid != b->rec[i].uid)
			gone[n_gone++] = b->rec[i].uid;
	}
	imapd_box_remove(b, gone, n_gone);
	free(gone);
}

int
imapd_box_refresh(struct imapd_box *b)
{
	struct door_record *rec = NULL;
	uint32_t *gone = NULL;
	size_t n, n_gone;
	uint64_t modseq;
	int complete;

	if (door_records(&imapd_door, b->id, b->modseq, &rec, &n, &gone,
	    &n_gone, &modseq, &complete) == -1)
		goto failed;
	if (!complete) {
		free(rec);
		free(gone);
		rec = NULL;
		gone = NULL;
		if (door_records(&imapd_door, b->id, 0, &rec, &n, &gone,
		    &n_gone, &modseq, &complete) == -1)
			goto failed;
		box_replace(b, rec, n);
	} else {
		qsort(gone, n_gone, sizeof(*gone), uid_cmp);
		imapd_box_remove(b, gone, n_gone);
	}
	imapd_box_update(b, rec, n, NULL);
	if (modseq > b->modseq)
		b->modseq = modseq;
	free(rec);
	free(gone);
	return 0;
failed:
	if (door_error(&imapd_door) == D_ABSENT)
		box_gone(b);
	return -1;
}

static struct imapd_box *
box_get(uint32_t id)
{
	struct imapd_box *b;

	for (b = boxes; b != NULL; b = b->next)
		if (b->id == id && !b->gone)
			return b;
	b = mem_zalloc(1, sizeof(*b));
	b->id = id;
	b->next = boxes;
	boxes = b;
	return b;
}

static void
box_release(struct imapd_box *b)
{
	struct imapd_box **p = &boxes;

	if (b->refs > 0 && --b->refs > 0)
		return;
	if (!b->gone)
		(void)door_unselect(&imapd_door, b->id);
	while (*p != b)
		p = &(*p)->next;
	*p = b->next;
	keywords_free(b);
	free(b->rec);
	free(b);
}

/* Remembers that the messages from uid on came as recent to this view. */
static void
view_recent(struct imapd_view *v, uint32_t uid, uint32_t last)
{
	struct imapd_range *r = v->recent;

	if (uid == 0 || uid > last)
		return;
	if (v->n_recent > 0 && r[v->n_recent - 1].hi + 1 >= uid) {
		r[v->n_recent - 1].hi = last;
		return;
	}
	if (v->n_recent == IMAPD_RECENT_MAX)
		memmove(r, r + 1, --v->n_recent * sizeof(*r));
	r[v->n_recent++] = (struct imapd_range){ uid, last };
}

int
imapd_view_is_recent(const struct imapd_view *v, uint32_t uid)
{
	unsigned i;

	for (i = 0; i < v->n_recent; i++)
		if (uid >= v->recent[i].lo && uid <= v->recent[i].hi)
			return 1;
	return 0;
}

static uint32_t
view_count_recent(const struct imapd_view *v)
{
	uint32_t n = 0;
	unsigned i;

	for (i = 0; i < v->n_recent; i++)
		n += (uint32_t)(imapd_set_find(v->uids, v->n,
		    v->recent[i].hi + 1) -
		    imapd_set_find(v->uids, v->n, v->recent[i].lo));
	return n;
}

/* The uids of the box become the view's, without a word. */
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
	v->stale = v->shrunk = 0;
}

int
imapd_view_open(struct imapd_session *s, uint32_t id, int readonly)
{
	struct imapd_box *b = box_get(id);
	struct door_mailbox m;
	struct imapd_view *v;
	uint32_t recent;

	b->refs++;
	if (door_select(&imapd_door, id, !readonly, &m, &recent) == -1 ||
	    imapd_box_refresh(b) == -1) {
		b->gone |= b->refs == 1;
		box_release(b);
		return -1;
	}
	b->uidvalidity = m.uidvalidity;
	if (b->uidnext < m.uidnext)
		b->uidnext = m.uidnext;
	v = mem_zalloc(1, sizeof(*v));
	v->box = b;
	v->readonly = readonly;
	view_take(v);
	if (m.recent > 0)
		view_recent(v, recent, b->uidnext - 1);
	s->view = v;
	return 0;
}

void
imapd_view_close(struct imapd_session *s)
{
	struct imapd_view *v = s->view;

	s->view = NULL;
	box_release(v->box);
	free(v->uids);
	free(v->dirty);
	free(v);
}

uint32_t
imapd_view_seq(const struct imapd_view *v, uint32_t uid)
{
	size_t i = imapd_set_find(v->uids, v->n, uid);

	return i < v->n && v->uids[i] == uid ? (uint32_t)i + 1 : 0;
}

static int
view_set_uids(const struct imapd_view *v, struct imapd_set *set)
{
	size_t i, n = 0, lo, hi;

	for (i = 0; i < set->n; i++) {
		lo = imapd_set_find(v->uids, v->n, set->r[i].lo);
		hi = set->r[i].hi == UINT32_MAX ? v->n :
		    imapd_set_find(v->uids, v->n, set->r[i].hi + 1);
		if (lo < hi)
			set->r[n++] = (struct imapd_range){ (uint32_t)lo + 1,
			    (uint32_t)hi };
	}
	set->n = n;
	return 0;
}

int
imapd_view_set(const struct imapd_view *v, const char *p, size_t len,
    int uid, struct imapd_set *set)
{
	uint32_t largest = v->n == 0 ? 0 : uid ? v->uids[v->n - 1] :
	    (uint32_t)v->n;

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
	unsigned i;
	int any = 0;

	for (i = 0; i < sizeof(flag_names) / sizeof(flag_names[0]); i++)
		if (r->flags & flag_names[i].flag)
			put_word(out, flag_names[i].name, &any);
	if (imapd_view_is_recent(v, r->uid))
		put_word(out, "\\Recent", &any);
	for (i = 0; i < b->n_keywords && r->keywords >> i != 0; i++)
		if (r->keywords >> i & 1)
			put_word(out, b->keywords[i], &any);
}

void
imapd_view_put_flags(struct imapd_session *s)
{
	static const char system_flags[] =
	    "\\Answered \\Flagged \\Deleted \\Seen \\Draft";
	struct imapd_box *b = s->view->box;
	struct buf *out = &s->out;
	unsigned i;

	imapd_put(out, "* FLAGS (");
	imapd_put(out, system_flags);
	for (i = 0; i < b->n_keywords; i++) {
		imapd_put(out, " ");
		imapd_put(out, b->keywords[i]);
	}
	imapd_put(out, ")\r\n* OK [PERMANENTFLAGS (");
	if (!s->view->readonly) {
		imapd_put(out, system_flags);
		for (i = 0; i < b->n_keywords; i++) {
			imapd_put(out, " ");
			imapd_put(out, b->keywords[i]);
		}
		if (b->n_keywords < DOOR_KEYWORDS_MAX)
			imapd_put(out, " \\*");
	}
	imapd_put(out, ")] Flags permitted\r\n");
	s->view->keywords_told = b->n_keywords;
}

static void
sync_expunge(struct imapd_session *s)
{
	struct imapd_view *v = s->view;
	size_t i, n = 0, hint = 0;

	for (i = 0; i < v->n; i++) {
		if (imapd_box_find(v->box, v->uids[i], &hint) != NULL) {
			v->uids[n++] = v->uids[i];
			continue;
		}
		buf_printf(&s->out, "* %zu EXPUNGE\r\n", n + 1);
	}
	v->n = n;
	v->shrunk = 0;
}

/* New messages; and whose session they are recent in. */
static void
sync_new(struct imapd_session *s)
{
	struct imapd_view *v = s->view;
	struct imapd_box *b = v->box;
	uint32_t last = v->n > 0 ? v->uids[v->n - 1] : 0, recent;
	size_t i = last > 0 ? rec_at(b, last + 1) : 0, from = v->n;
	struct door_mailbox m;

	if (v->cap < v->n + (b->n - i)) {
		v->cap = v->n + (b->n - i) + v->n / 8 + 16;
		v->uids = mem_realloc(v->uids, v->cap, sizeof(*v->uids));
	}
	for (; i < b->n; i++)
		v->uids[v->n++] = b->rec[i].uid;
	v->stale = v->shrunk;
	if (v->n == from)
		return;
	if (!v->readonly && door_select(&imapd_door, b->id, 1, &m,
	    &recent) == 0 && m.recent > 0)
		view_recent(v, recent, v->uids[v->n - 1]);
	buf_printf(&s->out, "* %zu EXISTS\r\n* %u RECENT\r\n", v->n,
	    view_count_recent(v));
}

static void
sync_flags(struct imapd_session *s)
{
	struct imapd_view *v = s->view;
	const struct door_record *r;
	struct buf *out = &s->out;
	size_t i, hint = 0;
	uint32_t seq;

	dirty_pack(v);
	for (i = 0; i < v->n_dirty; i++) {
		seq = imapd_view_seq(v, v->dirty[i]);
		r = imapd_box_find(v->box, v->dirty[i], &hint);
		if (seq == 0 || r == NULL)
			continue;
		buf_printf(out, "* %u FETCH (", seq);
		if (s->uid || s->condstore)
			buf_printf(out, "UID %u ", r->uid);
		imapd_put(out, "FLAGS (");
		imapd_put_flags(out, v, r);
		imapd_put(out, ")");
		if (s->condstore)
			buf_printf(out, " MODSEQ (%llu)",
			    (unsigned long long)r->modseq);
		imapd_put(out, ")\r\n");
	}
	free(v->dirty);
	v->dirty = NULL;
	v->n_dirty = v->cap_dirty = 0;
}

void
imapd_view_sync(struct imapd_session *s, int expunge)
{
	struct imapd_view *v = s->view;

	if (v->keywords_told != v->box->n_keywords)
		imapd_view_put_flags(s);
	if (v->shrunk && expunge)
		sync_expunge(s);
	if (v->n_dirty > 0)
		sync_flags(s);
	if (v->stale)
		sync_new(s);
}

/*
 * A mailbox that is no longer what it was cannot be mended under a client:
 * its sessions end (imapd_session_news), and the client selects anew.
 */
void
imapd_box_rewire(void)
{
	struct imapd_box *b;
	struct door_mailbox m;
	uint32_t recent;

	for (b = boxes; b != NULL; b = b->next) {
		if (b->gone)
			continue;
		if (door_select(&imapd_door, b->id, 0, &m, &recent) == -1) {
			if (door_error(&imapd_door) == D_ABSENT)
				box_gone(b);
			continue;
		}
		if (m.uidvalidity != b->uidvalidity) {
			log_info("mailbox %u: new UIDVALIDITY", b->id);
			box_gone(b);
		} else
			(void)imapd_box_refresh(b);
	}
}

void
imapd_box_events(void)
{
	const uint32_t *list;
	uint32_t *ids;
	struct imapd_box *b;
	size_t n, i;
	int names;

	if (door_events(&imapd_door, &list, &n, &names) != 1)
		return;
	if (names)
		imapd_names_drop();
	if (n == 0)
		return;
	/* The calls below may bring more events into the list. */
	ids = mem_alloc(n * sizeof(*ids));
	memcpy(ids, list, n * sizeof(*ids));
	for (i = 0; i < n; i++)
		for (b = boxes; b != NULL; b = b->next)
			if (b->id == ids[i] && !b->gone)
				(void)imapd_box_refresh(b);
	free(ids);
}
