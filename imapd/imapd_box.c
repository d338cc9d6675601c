#include <stdlib.h>
#include <string.h>

#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/mail/uids.h"

#include "imapd/imapd_box.h"
#include "imapd/imapd_door.h"

int imapd_box_news;

struct imapd_box_load {
	struct imapd_box_load *next;
	unsigned users;		/* sessions that wait for it */
	uint32_t id, uidvalidity;
	unsigned door;		/* which one the records are from */
	uint64_t modseq;	/* the state that the first piece shows */
	struct door_record *rec;
	size_t	 n;
	struct imapd_wide wide;
	int	 begun;
};

static struct imapd_box_load *loads;
static struct imapd_box *boxes;
static struct imapd_box *resting;	/* one of them without a view */
static int try_again;	/* store could not select or tell some box yet */

/* Index of the first of n records whose uid is at least uid. */
static size_t
records_at(const struct door_record *rec, size_t n, uint32_t uid)
{
	size_t lo = 0, hi = n, mid;

	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		if (rec[mid].uid < uid)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

size_t
imapd_box_at(const struct imapd_box *b, uint32_t uid)
{
	return records_at(b->rec, b->n, uid);
}

const struct door_record *
imapd_box_find(const struct imapd_box *b, uint32_t uid, size_t *hint)
{
	size_t i = *hint;

	if (i >= b->n || b->rec[i].uid != uid)
		i = imapd_box_at(b, uid);
	*hint = i + 1;
	return i < b->n && b->rec[i].uid == uid ? &b->rec[i] : NULL;
}

const struct door_record *
imapd_box_known(const struct imapd_box *b, uint32_t uid, size_t *hint)
{
	const struct door_record *r = imapd_box_find(b, uid, hint);
	size_t i;

	if (r != NULL || b->n_untold == 0)
		return r;
	i = records_at(b->untold, b->n_untold, uid);
	return i < b->n_untold && b->untold[i].uid == uid ? &b->untold[i] :
	    NULL;
}

/* Some session may know messages up to that uid which are gone; 0: none. */
static uint32_t
untold_last(const struct imapd_box *b)
{
	const struct imapd_news *w;
	uint32_t last = 0;

	for (w = b->news; w != NULL; w = w->next)
		if (w->shrunk && w->last > last)
			last = w->last;
	return last;
}

static int
box_has(const void *arg, uint32_t uid)
{
	size_t hint = SIZE_MAX;

	return imapd_box_find(arg, uid, &hint) != NULL;
}

void
imapd_box_told(struct imapd_box *b)
{
	uint32_t last = untold_last(b);

	while (b->n_untold > 0 && b->untold[b->n_untold - 1].uid > last)
		b->n_untold--;
	if (b->n_untold > 0)
		return;
	if (b->untold == NULL)
		return;
	free(b->untold);
	b->untold = NULL;
	imapd_wide_sweep(&b->wide, box_has, b);
}

/* Keeps those of n records that are gone, and rise, which some session knows. */
static void
untold_add(struct imapd_box *b, const struct door_record *rec, size_t n)
{
	size_t i = b->n_untold, j = records_at(rec, n, untold_last(b) + 1);
	struct door_record *u;

	if (j == 0)
		return;
	b->n_untold += j;
	u = b->untold = mem_realloc(b->untold, b->n_untold, sizeof(*u));
	for (u += b->n_untold; j > 0;)
		*--u = i > 0 && b->untold[i - 1].uid > rec[j - 1].uid ?
		    b->untold[--i] : rec[--j];
}

/* A message's flags changed. */
static void
box_dirty(struct imapd_box *b, uint32_t uid, const struct imapd_news *origin)
{
	struct imapd_news *w;

	for (w = b->news; w != NULL; w = w->next) {
		if (w == origin)
			continue;
		imapd_news_dirty(w, b->rec, b->n, uid);
		imapd_box_news = 1;
	}
}

/* Messages came or went. */
static void
box_stale(struct imapd_box *b, int shrunk)
{
	struct imapd_news *w;

	imapd_box_news = 1;
	for (w = b->news; w != NULL; w = w->next) {
		w->stale = 1;
		w->shrunk |= shrunk;
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

void
imapd_box_unsettle(uint32_t id)
{
	struct imapd_box *b;

	for (b = boxes; b != NULL; b = b->next)
		if (b->id == id)
			b->settled = 0;
}

void
imapd_box_keywords(const struct imapd_box *b, const struct door_record *r,
    struct keyword_set *s)
{
	imapd_wide_get(&b->wide, r, s);
}

int
imapd_box_keyword(const struct imapd_box *b, const char *name)
{
	unsigned i;

	for (i = 0; i < b->n_keywords; i++)
		if (str_casecmp(b->keywords[i], name) == 0)
			return (int)i;
	return -1;
}

/* Most messages have none of the further ones. */
static void
add_keywords(const struct imapd_box *b, const struct door_record *r,
    struct keyword_set *all)
{
	struct keyword_set s;

	all->word[0] |= r->keywords;
	if (!(r->flags & MARK_WIDE))
		return;
	imapd_box_keywords(b, r, &s);
	keyword_set_add(all, &s);
}

/* Each of the bits has a name, and none is free: messages carry them all. */
int
imapd_box_keywords_full(struct imapd_box *b)
{
	struct keyword_set used = { .word = { 0 } };
	size_t i;

	if (b->n_keywords < KEYWORDS_MAX)
		return 0;
	if (b->counted)
		return b->keywords_full;
	for (i = 0; i < b->n && !keyword_set_is_full(&used); i++)
		add_keywords(b, &b->rec[i], &used);
	b->counted = 1;
	b->keywords_full = keyword_set_is_full(&used);
	return b->keywords_full;
}

static int
keywords_same(const struct imapd_box *b, const struct buf *list)
{
	struct cursor c;
	const char *p;
	unsigned i;
	size_t len;

	cursor_init(&c, list->data, list->len);
	for (i = 0; i < b->n_keywords; i++) {
		p = cursor_lv(&c, &len, DOOR_KEYWORD_LEN);
		if (p == NULL || !str_is(p, len, b->keywords[i]))
			return 0;
	}
	return cursor_left(&c) == 0;
}

/* What is gone carries no bit that may get another name. */
static void
keywords_free(struct imapd_box *b)
{
	size_t i;

	for (i = 0; b->n_keywords == KEYWORDS_MAX && i < b->n_untold; i++) {
		b->untold[i].keywords = 0;
		b->untold[i].flags &= ~(uint32_t)MARK_WIDE;
	}
	while (b->n_keywords > 0)
		free(b->keywords[--b->n_keywords]);
	free(b->keywords);
	b->keywords = NULL;
}

/*
 * Reads the list of keywords again if the records know more, or another store
 * may know less. In a full list a bit may have got another name, so what
 * carries one is reason enough.
 */
static void
box_keywords(struct imapd_box *b, const struct keyword_set *seen)
{
	unsigned end = keyword_set_end(seen);
	struct buf list = BUF_INIT(0);
	struct cursor c;
	const char *p;
	size_t len;

	if (!b->unsure && (end == 0 || (b->n_keywords < KEYWORDS_MAX &&
	    end <= b->n_keywords)))
		return;
	if (door_keywords(&imapd_door, b->id, &list) == -1 ||
	    keywords_same(b, &list)) {
		buf_clear(&list);
		return;
	}
	keywords_free(b);
	b->keywords_serial++;
	cursor_init(&c, list.data, list.len);
	while (cursor_left(&c) > 0 && b->n_keywords < KEYWORDS_MAX) {
		p = cursor_lv(&c, &len, DOOR_KEYWORD_LEN);
		if (p == NULL)
			break;
		b->keywords = mem_realloc(b->keywords, b->n_keywords + 1,
		    sizeof(*b->keywords));
		b->keywords[b->n_keywords++] = mem_strndup(p, len);
	}
	buf_clear(&list);
}

static int
is_news(const struct imapd_box *b, const struct door_record *was,
    const struct door_record *r)
{
	return r->modseq > was->modseq ||
	    (b->unsure && r->modseq != was->modseq);
}

/* What the records have beside them, and which keywords they carry. */
static void
update_wide(struct imapd_box *b, const struct door_record *rec, size_t n,
    struct keyword_set *seen)
{
	const struct door_record *was;
	struct keyword_set s = { .word = { 0 } };
	size_t i, len, hint = SIZE_MAX;
	const void *p;
	struct cursor c;

	cursor_init(&c, imapd_door.wide.data, imapd_door.wide.len);
	for (i = 0; i < n; i++) {
		seen->word[0] |= rec[i].keywords;
		if (!imapd_wide_next(&c, &rec[i], &p, &len))
			continue;
		was = imapd_box_find(b, rec[i].uid, &hint);
		if (was == NULL || is_news(b, was, &rec[i]))
			imapd_wide_put(&b->wide, rec[i].uid, p, len);
		if (keyword_set_unpack(&s, p, len) == 0)
			keyword_set_add(seen, &s);
	}
}

void
imapd_box_update(struct imapd_box *b, const struct door_record *rec,
    size_t n, const struct imapd_news *origin)
{
	struct keyword_set seen = { .word = { 0 } };
	size_t i, at = 0, fresh = 0, from;

	update_wide(b, rec, n, &seen);
	for (i = 0; i < n; i++) {
		if (at >= b->n || b->rec[at].uid != rec[i].uid)
			at = imapd_box_at(b, rec[i].uid);
		if (at == b->n) {
			fresh = n - i;
			break;
		}
		if (b->rec[at].uid != rec[i].uid)
			continue;	/* expunged meanwhile */
		if (is_news(b, &b->rec[at], &rec[i])) {
			b->rec[at] = rec[i];
			b->settled = b->counted = 0;
			box_dirty(b, rec[i].uid, origin);
		}
		at++;
	}
	box_keywords(b, &seen);
	if (fresh == 0)
		return;
	from = b->n;
	b->rec = mem_realloc(b->rec, b->n + fresh, sizeof(*b->rec));
	memcpy(b->rec + from, rec + n - fresh, fresh * sizeof(*rec));
	b->n += fresh;
	if (b->uidnext <= b->rec[b->n - 1].uid)
		b->uidnext = b->rec[b->n - 1].uid + 1;
	b->settled = b->taken = b->counted = 0;
	box_stale(b, 0);
}

void
imapd_box_remove(struct imapd_box *b, const uint32_t *gone, size_t n)
{
	struct door_record *was;
	size_t i, j, to, n_was = 0;

	if (n == 0 || b->n == 0)
		return;
	was = mem_alloc((n < b->n ? n : b->n) * sizeof(*was));
	to = i = imapd_box_at(b, gone[0]);
	for (j = 0; i < b->n; i++) {
		while (j < n && gone[j] < b->rec[i].uid)
			j++;
		if (j < n && gone[j] == b->rec[i].uid)
			was[n_was++] = b->rec[i];
		else
			b->rec[to++] = b->rec[i];
	}
	b->n = to;
	if (n_was > 0) {
		b->settled = b->counted = 0;
		box_stale(b, 1);
		untold_add(b, was, n_was);
	}
	free(was);
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

/* The box of that mailbox, if there is one. */
static struct imapd_box *
box_find(uint32_t id)
{
	struct imapd_box *b;

	for (b = boxes; b != NULL; b = b->next)
		if (b->id == id && !b->gone)
			break;
	return b;
}

/* Is the session that is told next one to whom messages may be recent? */
static int
box_takes(const struct imapd_box *b)
{
	const struct imapd_news *w = b->news;

	while (w != NULL && !w->takes)
		w = w->next;
	return w != NULL;
}

static void
box_took(struct imapd_box *b, uint32_t recent)
{
	if (recent > 0 && (b->recent == 0 || recent < b->recent))
		b->recent = recent;
	b->taken = 1;
}

uint32_t
imapd_box_recent(struct imapd_box *b)
{
	struct door_mailbox m;
	uint32_t recent;

	if (!b->taken && door_select(&imapd_door, b->id, 1, &m, &recent) == 0)
		box_took(b, m.recent > 0 ? recent : 0);
	recent = b->recent;
	b->recent = 0;
	return recent;
}

int
imapd_box_refresh(struct imapd_box *b)
{
	struct door_record *rec = NULL;
	uint32_t *gone = NULL, recent = 0;
	size_t n, n_gone;
	uint64_t modseq;
	int complete = 0, take = box_takes(b);

	if (!b->unsure && door_changes(&imapd_door, b->id, b->modseq, take,
	    &rec, &n, &gone, &n_gone, &modseq, &complete, &recent) == -1)
		goto failed;
	if (!complete) {
		free(rec);
		free(gone);
		rec = NULL;
		gone = NULL;
		if (door_changes(&imapd_door, b->id, 0, take, &rec, &n, &gone,
		    &n_gone, &modseq, &complete, &recent) == -1)
			goto failed;
		box_replace(b, rec, n);
	} else {
		imapd_box_remove(b, gone, uids_sort(gone, n_gone));
	}
	imapd_box_update(b, rec, n, NULL);
	if (b->unsure || modseq > b->modseq)
		b->modseq = modseq;
	if (take)
		box_took(b, recent);
	b->unsure = b->behind = 0;
	b->settled = 0;		/* UIDNEXT may be more than records show */
	free(rec);
	free(gone);
	return 0;
failed:
	b->behind = 1;
	if (door_error(&imapd_door) == D_ABSENT)
		box_gone(b);
	return -1;
}

static struct imapd_box *
box_get(uint32_t id)
{
	struct imapd_box *b = box_find(id);

	if (b != NULL)
		return b;
	b = mem_zalloc(1, sizeof(*b));
	b->id = id;
	b->next = boxes;
	boxes = b;
	return b;
}

struct imapd_box_load *
imapd_box_load_begin(uint32_t id, uint32_t uidvalidity)
{
	struct imapd_box_load *l = loads;

	while (l != NULL && (l->id != id || l->uidvalidity != uidvalidity))
		l = l->next;
	if (l == NULL) {
		l = mem_zalloc(1, sizeof(*l));
		l->id = id;
		l->uidvalidity = uidvalidity;
		l->next = loads;
		loads = l;
	}
	l->users++;
	return l;
}

/* What was read is not wanted, or another's now. */
static void
load_forget(struct imapd_box_load *l)
{
	l->rec = NULL;
	l->n = 0;
	memset(&l->wide, 0, sizeof(l->wide));
	l->begun = 0;
}

void
imapd_box_load_end(struct imapd_box_load *l)
{
	struct imapd_box_load **p = &loads;

	if (--l->users > 0)
		return;
	while (*p != l)
		p = &(*p)->next;
	*p = l->next;
	imapd_wide_clear(&l->wide);
	free(l->rec);
	free(l);
}

/* Makes a box of it. */
static void
load_done(struct imapd_box_load *l)
{
	struct imapd_box *b = box_get(l->id);
	struct keyword_set seen = { .word = { 0 } };
	size_t i;

	b->uidvalidity = l->uidvalidity;
	b->rec = l->rec;
	b->n = l->n;
	b->modseq = l->modseq;
	b->wide = l->wide;
	for (i = 0; i < b->n; i++)
		add_keywords(b, &b->rec[i], &seen);
	load_forget(l);
	box_keywords(b, &seen);
}

static void
load_wide(struct imapd_box_load *l, size_t before)
{
	struct cursor c;
	const void *p;
	size_t i, len;

	cursor_init(&c, imapd_door.wide.data, imapd_door.wide.len);
	for (i = before; i < l->n; i++)
		if (imapd_wide_next(&c, &l->rec[i], &p, &len))
			imapd_wide_put(&l->wide, l->rec[i].uid, p, len);
}

int
imapd_box_load(struct imapd_box_load *l)
{
	uint32_t from = 1;
	uint64_t modseq;
	size_t before;
	int more;

	if (box_find(l->id) != NULL) {
		imapd_wide_clear(&l->wide);
		free(l->rec);
		load_forget(l);
		return 1;
	}
	if (l->begun && l->door != imapd_door.times) {
		l->n = 0;	/* another store may know less */
		imapd_wide_clear(&l->wide);
	}
	before = l->n;
	if (l->n > 0)
		from = l->rec[l->n - 1].uid + 1;
	if (door_records_from(&imapd_door, l->id, from, &l->rec, &l->n,
	    &modseq, &more) == -1)
		return -1;
	load_wide(l, before);
	if (from == 1)
		l->modseq = modseq;
	l->door = imapd_door.times;
	l->begun = 1;
	if (!more)
		load_done(l);
	return !more;
}

static void
box_free(struct imapd_box *b)
{
	struct imapd_box **p = &boxes;

	while (*p != b)
		p = &(*p)->next;
	*p = b->next;
	keywords_free(b);
	imapd_wide_clear(&b->wide);
	free(b->untold);
	free(b->rec);
	free(b);
}

/* The box that rests is read anew when it is next wanted. */
static void
rest_end(void)
{
	struct imapd_box *b = resting;

	if (b == NULL)
		return;
	resting = NULL;
	if (!b->gone && !b->unwatched)
		(void)door_unselect(&imapd_door, b->id);
	box_free(b);
}

/* Does b show the state of the mailbox that store told last? */
static int
box_is_at(const struct imapd_box *b, const struct door_mailbox *m)
{
	return b->uidvalidity == m->uidvalidity && !b->unsure && !b->behind &&
	    m->highestmodseq <= b->modseq;
}

/*
 * The box that rested, as the answer to a select: store would have told of a
 * change by others before they heard of it, unless much waits on this door;
 * what this process changes it knows itself.
 */
static int
box_is_known(const struct imapd_box *b, struct door_mailbox *m,
    uint32_t *recent)
{
	if (b->gone || b->unsure || b->unwatched || b->behind || !b->taken ||
	    !b->settled || imapd_door.chan.fd == -1)
		return 0;
	*recent = 0;
	*m = (struct door_mailbox){ .id = b->id, .uidnext = b->uidnext,
		.uidvalidity = b->uidvalidity, .highestmodseq = b->modseq };
	return 1;
}

/*
 * What became recent to a session that was not told of it, and may have ended
 * since, is recent to the one that selects the mailbox now.
 */
static void
box_untold(struct imapd_box *b, int writable, struct door_mailbox *m,
    uint32_t *recent)
{
	if (b->recent == 0)
		return;
	if (m->recent == 0 || b->recent < *recent)
		*recent = b->recent;
	if (m->recent == 0)
		m->recent = 1;
	if (writable)
		b->recent = 0;
}

struct imapd_box *
imapd_box_open(uint32_t id, int writable, struct imapd_news *news,
    struct door_mailbox *m, uint32_t *recent)
{
	struct imapd_box *b = box_get(id);
	int known = b == resting && box_is_known(b, m, recent);

	if (b == resting)
		resting = NULL;
	if (!known && (door_select(&imapd_door, id, writable, m,
	    recent) == -1 || (!box_is_at(b, m) &&
	    imapd_box_refresh(b) == -1))) {
		if (b->news == NULL)
			box_free(b);
		return NULL;
	}
	if (b->uidvalidity != 0 && b->uidvalidity != m->uidvalidity) {
		/* Others have selected an older one: ours is the new one. */
		imapd_box_deleted(id);
		if (b->news == NULL)
			box_free(b);
		return imapd_box_open(id, writable, news, m, recent);
	}
	b->uidvalidity = m->uidvalidity;
	if (b->uidnext < m->uidnext)
		b->uidnext = m->uidnext;
	if (!known)
		memcpy(b->oid, m->oid, sizeof(b->oid));
	b->settled = 1;
	b->taken |= writable || m->recent == 0;
	box_untold(b, writable, m, recent);
	news->next = b->news;
	b->news = news;
	return b;
}

void
imapd_box_release(struct imapd_box *b, struct imapd_news *news)
{
	struct imapd_news **p = &b->news;

	while (*p != news)
		p = &(*p)->next;
	*p = news->next;
	imapd_news_clear(news);
	imapd_box_told(b);
	if (b->news != NULL)
		return;
	rest_end();
	resting = b;
	if (b->gone || b->n > IMAPD_BOX_REST)
		rest_end();
}

/*
 * A mailbox that is no longer what it was cannot be mended under a client:
 * its sessions end (loop_news), and the client selects again.
 */
static void
boxes_select(void)
{
	struct imapd_box *b;
	struct door_mailbox m;
	uint32_t recent;

	try_again = 0;
	for (b = boxes; b != NULL; b = b->next) {
		if (b->gone || !(b->unsure || b->unwatched || b->behind))
			continue;
		if (!(b->unsure || b->unwatched)) {
			try_again |= imapd_box_refresh(b) == -1 && !b->gone;
			continue;
		}
		if (door_select(&imapd_door, b->id, 0, &m, &recent) == -1) {
			if (door_error(&imapd_door) == D_ABSENT)
				box_gone(b);
			else
				try_again = 1;
			continue;
		}
		b->unwatched = 0;
		if (m.uidvalidity != b->uidvalidity) {
			log_info("mailbox %u: new UIDVALIDITY", b->id);
			box_gone(b);
		} else if (imapd_box_refresh(b) == -1 && !b->gone)
			try_again = 1;
	}
}

/*
 * A store that was killed has forgotten flag changes of its last second:
 * records, keywords and modseq may have gone back. Each box is read whole.
 */
void
imapd_box_rewire(void)
{
	struct imapd_box *b;

	for (b = boxes; b != NULL; b = b->next)
		b->unsure = b->unwatched = 1;
	rest_end();
	boxes_select();
}

void
imapd_box_retry(void)
{
	if (try_again && imapd_door.chan.fd != -1)
		boxes_select();
}

void
imapd_box_changed(const uint32_t *list, size_t n)
{
	struct imapd_box *b;
	uint32_t *ids;
	size_t i;

	if (n == 0)
		return;
	/* The calls below may bring more events into the list. */
	ids = mem_alloc(n * sizeof(*ids));
	memcpy(ids, list, n * sizeof(*ids));
	for (i = 0; resting != NULL && i < n; i++)
		if (resting->id == ids[i])
			rest_end();
	for (i = 0; i < n; i++)
		for (b = boxes; b != NULL; b = b->next)
			if (b->id == ids[i] && !b->gone &&
			    imapd_box_refresh(b) == -1)
				try_again = 1;
	free(ids);
}
