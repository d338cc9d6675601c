/*
 * SELECT, EXAMINE, CLOSE, UNSELECT, EXPUNGE.
 */
#include <stdlib.h>

#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/mail/door_proto.h"

#include "imapd/imapd_commands.h"
#include "imapd/imapd_door.h"
#include "imapd/imapd_fetch_batch.h"
#include "imapd/imapd_ids.h"
#include "imapd/imapd_names.h"
#include "imapd/imapd_reply.h"
#include "imapd/imapd_resync.h"

/* [UNSEEN n]: the first one. */
static uint32_t
first_unseen(const struct imapd_view *v)
{
	const struct imapd_box *b = v->box;
	size_t i;

	for (i = 0; i < b->n; i++)
		if (!(b->rec[i].flags & FLAG_SEEN))
			return imapd_view_seq(v, b->rec[i].uid);
	return 0;
}

static unsigned
count_recent(const struct imapd_view *v)
{
	unsigned n = 0;
	size_t i;

	for (i = 0; v->n_recent > 0 && i < v->n; i++)
		n += imapd_view_is_recent(v, v->uids[i]) != 0;
	return n;
}

static void
put_state(struct imapd_session *s)
{
	struct imapd_view *v = s->view;
	uint32_t unseen = first_unseen(v);

	imapd_view_put_flags(s);
	buf_printf(&s->out, "* %zu EXISTS\r\n* %u RECENT\r\n", v->n,
	    count_recent(v));
	if (unseen > 0)
		buf_printf(&s->out, "* OK [UNSEEN %u] First unseen\r\n",
		    unseen);
	buf_printf(&s->out, "* OK [UIDVALIDITY %u] UIDs valid\r\n"
	    "* OK [UIDNEXT %u] Predicted next UID\r\n"
	    "* OK [HIGHESTMODSEQ %llu] Highest\r\n", v->box->uidvalidity,
	    v->box->uidnext, (unsigned long long)v->box->modseq);
	buf_puts(&s->out, "* OK [MAILBOXID (");
	imapd_ids_put(&s->out, IMAPD_ID_MAILBOX, v->box->oid);
	buf_puts(&s->out, ")] Its id for life\r\n");
}

/* A SELECT under way: the box of a large mailbox comes in many pieces. */
struct imapd_opening {
	struct imapd_box_load *load;
	uint32_t id;
	int	 readonly;
	int	 resync;		/* QRESYNC is there */
	struct imapd_resync known;
};

/*
 * select-params: CONDSTORE (RFC 7162 3.1.8), QRESYNC (3.2.5), which must have
 * been enabled. 0, or -1.
 */
static int
select_params(const struct imapd_session *s, const struct imapd_arg *a,
    struct imapd_opening *o)
{
	size_t n;

	if (a->type != IMAPD_LIST || a->len == 0)
		return -1;
	n = a->len;
	for (a++; n > 0; n--, a = imapd_arg_next(a)) {
		if (imapd_arg_is(a, "CONDSTORE"))
			continue;
		if (!imapd_arg_is(a, "QRESYNC") || n < 2 || o->resync ||
		    !s->qresync)
			return -1;
		a = imapd_arg_next(a);
		n--;
		o->resync = 1;
		if (imapd_resync_read(&o->known, a) == -1)
			return -1;
	}
	return 0;
}

static void
opening_free(void *data)
{
	struct imapd_opening *o = data;

	if (o->load != NULL)
		imapd_box_load_end(o->load);
	imapd_resync_clear(&o->known);
	free(o);
}

static enum imapd_run
select_ok(struct imapd_session *s)
{
	return imapd_ok(s, s->view->readonly ? "[READ-ONLY] EXAMINE completed" :
	    "[READ-WRITE] SELECT completed");
}

/*
 * "Semantically equivalent to the client issuing: tag1 UID FETCH "known-uids"
 * (FLAGS) (CHANGEDSINCE "mod-sequence-value" VANISHED)" (RFC 7162 3.2.5.1),
 * but for what the pairs of numbers and uids spare.
 */
static enum imapd_run
select_resync(struct imapd_session *s, struct imapd_opening *o)
{
	struct imapd_fetch *f = imapd_fetch_new();
	uint32_t floor = imapd_resync_floor(&o->known, s->view);

	f->end = select_ok;
	f->changed_since = o->known.modseq;
	imapd_items_add(&f->items, IMAPD_UID_ITEM, "UID");
	imapd_items_add(&f->items, IMAPD_FLAGS, "FLAGS");
	imapd_items_add(&f->items, IMAPD_MODSEQ, "MODSEQ");
	imapd_vanished_begin(&f->vanished, &o->known.uids, o->known.modseq,
	    floor);
	imapd_view_seqs(s->view, &o->known.uids, &f->set);
	imapd_later_end(s);
	return imapd_fetch_begin(s, f);
}

static enum imapd_run
select_more(struct imapd_session *s)
{
	struct imapd_opening *o = s->more_data;
	int r = imapd_box_load(o->load);

	if (r == 0)
		return IMAPD_MORE;
	if (r == -1 || imapd_view_open(s, o->id, o->readonly) == -1)
		return imapd_door_no(s);
	put_state(s);
	/* Of another UIDVALIDITY the client knows nothing. */
	if (o->resync && o->known.uidvalidity == s->view->box->uidvalidity)
		return select_resync(s, o);
	return select_ok(s);
}

static enum imapd_run
select_open(struct imapd_session *s, const char *name,
    struct imapd_opening *o)
{
	const struct door_mailbox *m = imapd_names_find(name);

	if (m == NULL) {
		opening_free(o);
		return imapd_door_no(s);
	}
	o->id = m->id;
	o->load = imapd_box_load_begin(m->id, m->uidvalidity);
	return imapd_later(s, select_more, opening_free, o);
}

static enum imapd_run
open_run(struct imapd_session *s, const struct imapd_arg *args, size_t n,
    int readonly)
{
	struct imapd_opening *o;
	struct buf name;
	enum imapd_run r;

	if (!imapd_arg_is_string(args))
		return imapd_bad(s, "A mailbox name is expected");
	o = mem_zalloc(1, sizeof(*o));
	o->readonly = readonly;
	if (n == 2 && select_params(s, imapd_arg_next(args), o) == -1) {
		opening_free(o);
		return imapd_bad(s, "Unknown parameter");
	}
	/* "The SELECT command automatically deselects any currently selected
	   mailbox", also where it then fails. */
	if (s->view != NULL) {
		imapd_view_close(s);
		buf_puts(&s->out, "* OK [CLOSED] Closed\r\n");
	}
	if (n == 2)
		s->condstore = 1;
	if (imapd_names_arg(s, args, &name) == -1) {
		opening_free(o);
		return IMAPD_DONE;
	}
	r = select_open(s, buf_str(&name), o);
	buf_clear(&name);
	return r;
}

static enum imapd_run
select_run(struct imapd_session *s, const struct imapd_arg *args, size_t n)
{
	return open_run(s, args, n, 0);
}

static enum imapd_run
examine_run(struct imapd_session *s, const struct imapd_arg *args, size_t n)
{
	return open_run(s, args, n, 1);
}

/* The uids that the client marked \Deleted; within set if that is given. */
static uint32_t *
deleted_uids(const struct imapd_view *v, const struct imapd_set *set,
    size_t *n_r)
{
	const struct imapd_box *b = v->box;
	uint32_t *uids = mem_alloc((b->n + 1) * sizeof(*uids)), seq;
	size_t i, n = 0;

	for (i = 0; i < b->n; i++) {
		if (!(b->rec[i].flags & FLAG_DELETED))
			continue;
		seq = imapd_view_seq(v, b->rec[i].uid);
		if (seq > 0 && (set == NULL || imapd_set_has(set, seq)))
			uids[n++] = b->rec[i].uid;
	}
	*n_r = n;
	return uids;
}

/*
 * An EXPUNGE under way, or the one of a CLOSE: many messages go in parts, and
 * those of each part are news for all that look at the mailbox, whatever
 * becomes of the next.
 */
struct imapd_expunge {
	uint32_t *uids;
	size_t	 n, at;
	int	 close;
	size_t	 had, gone;	/* messages of the box before; that went */
	uint32_t uidnext;	/* before */
};

static void
expunge_free(void *data)
{
	struct imapd_expunge *x = data;

	free(x->uids);
	free(x);
}

/* The next part. 0, or -1 (imapd_door says why). */
static int
expunge_part(struct imapd_session *s, struct imapd_expunge *x)
{
	struct imapd_box *b = s->view->box;
	size_t n = x->n - x->at, n_gone = 0;
	uint32_t *gone = NULL;
	uint64_t modseq;
	int r;

	if (n > DOOR_CHANGE_MAX)
		n = DOOR_CHANGE_MAX;
	r = door_expunge(&imapd_door, b->id, x->uids + x->at, n, 0, &gone,
	    &n_gone, &modseq);
	if (r == 0)
		x->at += n;
	imapd_box_remove(b, gone, n_gone);
	x->gone += n_gone;
	free(gone);
	return r;
}

/*
 * The modseq that a CLOSE tells: the client will ask for what is newer. What
 * others changed, and CLOSE does not tell, must be among that.
 */
static uint64_t
close_modseq(const struct imapd_view *v, const struct imapd_expunge *x)
{
	struct imapd_box *b = v->box;

	if (x->had == 0 || imapd_box_refresh(b) == -1 || v->news.n_dirty > 0 ||
	    b->uidnext != x->uidnext || b->n + x->gone != x->had)
		return v->told;
	return b->modseq;
}

static enum imapd_run
close_end(struct imapd_session *s, const struct imapd_expunge *x, int r)
{
	uint64_t modseq = s->qresync && x->gone > 0 && r == 0 ?
	    close_modseq(s->view, x) : 0;

	imapd_view_close(s);
	if (r == -1)
		return imapd_door_no(s);
	if (modseq > 0)
		return imapd_ok(s, "[HIGHESTMODSEQ %llu] CLOSE completed",
		    (unsigned long long)modseq);
	return imapd_ok(s, "CLOSE completed");
}

static enum imapd_run
expunge_end(struct imapd_session *s, const struct imapd_expunge *x, int r)
{
	if (x->close)
		return close_end(s, x, r);
	if (r == -1)
		return imapd_door_no(s);
	/* RFC 7162 3.1.2: the change is told where CONDSTORE is on. */
	if (s->condstore && imapd_box_refresh(s->view->box) == 0)
		return imapd_ok(s, "[HIGHESTMODSEQ %llu] EXPUNGE completed",
		    (unsigned long long)s->view->box->modseq);
	return imapd_ok(s, "EXPUNGE completed");
}

static enum imapd_run
expunge_more(struct imapd_session *s)
{
	struct imapd_expunge *x = s->more_data;
	int64_t start = clock_mono_ms();

	while (x->at < x->n) {
		if (expunge_part(s, x) == -1)
			return expunge_end(s, x, -1);
		if (x->at < x->n && imapd_full(s, start))
			return IMAPD_MORE;
	}
	return expunge_end(s, x, 0);
}

static enum imapd_run
expunge_begin(struct imapd_session *s, const struct imapd_set *set, int close)
{
	struct imapd_expunge *x = mem_zalloc(1, sizeof(*x));

	x->close = close;
	if (!imapd_view_news(s->view))
		x->had = s->view->box->n;
	x->uidnext = s->view->box->uidnext;
	if (!s->view->readonly)
		x->uids = deleted_uids(s->view, set, &x->n);
	return imapd_later(s, expunge_more, expunge_free, x);
}

static enum imapd_run
expunge_run(struct imapd_session *s, const struct imapd_arg *args, size_t n)
{
	struct imapd_set set = { 0 };

	if (n != (s->uid ? 1 : 0))
		return imapd_bad(s, "EXPUNGE: wrong number of arguments");
	if (s->uid && (args->type != IMAPD_ATOM || imapd_view_set(s->view,
	    args->p, args->len, 1, &set) == -1))
		return imapd_bad(s, "EXPUNGE: bad UID set");
	expunge_begin(s, s->uid ? &set : NULL, 0);
	imapd_set_clear(&set);
	return IMAPD_MORE;
}

static enum imapd_run
close_run(struct imapd_session *s, const struct imapd_arg *args, size_t n)
{
	return expunge_begin(s, NULL, 1);
}

static enum imapd_run
unselect_run(struct imapd_session *s, const struct imapd_arg *args, size_t n)
{
	imapd_view_close(s);
	return imapd_ok(s, "UNSELECT completed");
}

const struct imapd_command imapd_cmd_select[] = {
	{ .name = "SELECT", .run = select_run, .states = IMAPD_ANY,
	    .flags = IMAPD_EVENTS, .min_args = 1, .max_args = 2 },
	{ .name = "EXAMINE", .run = examine_run, .states = IMAPD_ANY,
	    .flags = IMAPD_EVENTS, .min_args = 1, .max_args = 2 },
	{ .name = "EXPUNGE", .capability = "UIDPLUS",
	    .run = expunge_run, .states = IMAPD_SELECTED,
	    .flags = IMAPD_UID | IMAPD_WRITES, .max_args = 1 },
	{ .name = "CLOSE", .run = close_run, .states = IMAPD_SELECTED },
	{ .name = "UNSELECT", .capability = "UNSELECT",
	    .run = unselect_run, .states = IMAPD_SELECTED },
	{ .name = NULL }
};
