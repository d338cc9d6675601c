#include <stdlib.h>
#include <string.h>

#include "lib/mail/uids.h"

#include "imapd/imapd_door.h"
#include "imapd/imapd_vanished.h"

enum { STEP = 4096 };		/* messages or uids looked at in a piece */

void
imapd_vanished_begin(struct imapd_vanished *v, const struct imapd_set *uids,
    uint64_t since, uint32_t floor)
{
	memset(v, 0, sizeof(*v));
	imapd_set_copy(&v->known, uids);
	v->since = since;
	v->next = floor + 1;
	v->on = 1;
}

void
imapd_vanished_clear(struct imapd_vanished *v)
{
	imapd_set_clear(&v->known);
	free(v->gone);
	memset(v, 0, sizeof(*v));
}

/* 0, or -1 (imapd_door says why). */
static int
vanished_ask(const struct imapd_box *b, struct imapd_vanished *v)
{
	if (v->asked)
		return 0;
	v->asked = 1;
	if (v->since >= b->modseq) {
		v->complete = 1;
		return 0;
	}
	return door_vanished(&imapd_door, b->id, v->since, &v->gone,
	    &v->n_gone, &v->complete);
}

/* What store has told, but for messages that the session was told of. */
static int
tell_gone(const struct imapd_view *view, struct imapd_vanished *v,
    struct imapd_vanished_line *l)
{
	size_t end = v->n_gone - v->at < STEP ? v->n_gone : v->at + STEP;
	uint32_t uid;

	for (; v->at < end; v->at++) {
		uid = v->gone[v->at];
		if (uid >= v->next && imapd_set_has(&v->known, uid) &&
		    imapd_view_seq(view, uid) == 0)
			imapd_vanished_put(l, uid, uid);
	}
	return v->at == v->n_gone;
}

/* Known uids without a message. */
static int
tell_gaps(const struct imapd_view *view, struct imapd_vanished *v,
    struct imapd_vanished_line *l)
{
	uint32_t last = view->box->uidnext - 1;
	struct imapd_range r;
	size_t at, steps = 0;

	for (; v->range < v->known.n; v->range++) {
		r = v->known.r[v->range];
		if (r.lo < v->next)
			r.lo = v->next;
		if (r.hi > last)
			r.hi = last;
		at = uids_find(view->uids, view->n, r.lo);
		for (; r.lo <= r.hi; at++) {
			if (steps++ == STEP) {
				v->next = r.lo;
				return 0;
			}
			if (at == view->n || view->uids[at] > r.hi) {
				imapd_vanished_put(l, r.lo, r.hi);
				break;
			}
			if (view->uids[at] > r.lo)
				imapd_vanished_put(l, r.lo,
				    view->uids[at] - 1);
			r.lo = view->uids[at] + 1;
		}
	}
	return 1;
}

int
imapd_vanished_more(struct imapd_session *s, struct imapd_vanished *v)
{
	struct imapd_vanished_line l = { .out = &s->out, .earlier = 1 };
	int r;

	if (!v->on)
		return 1;
	if (vanished_ask(s->view->box, v) == -1)
		return -1;
	r = v->complete ? tell_gone(s->view, v, &l) :
	    tell_gaps(s->view, v, &l);
	imapd_vanished_end(&l);
	v->on = !r;
	return r;
}
