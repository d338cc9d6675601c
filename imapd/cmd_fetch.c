/*
 * FETCH, with CHANGEDSINCE (RFC 7162 3.1.4) and VANISHED (3.2.6).
 *
 * Messages go in batches: one call of the door brings the cache records of a
 * batch, one the descriptors of its files, one sets \Seen. The octets of a
 * file are read straight into the output buffer. The command yields between
 * items, and within a large one, when the client is slow or the slice is
 * over; all that it needs to go on is in struct imapd_fetch.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/fd.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"

#include "imapd/imapd_commands.h"
#include "imapd/imapd_fetch_put.h"
#include "imapd/imapd_reply.h"

static void
fetch_free(void *data)
{
	struct imapd_fetch *f = data;

	imapd_batch_end(f);
	imapd_message_clear(&f->msg);
	imapd_picking_clear(&f->picking);
	imapd_items_clear(&f->items);
	imapd_set_clear(&f->set);
	imapd_vanished_clear(&f->vanished);
	buf_clear(&f->packed);
	buf_clear(&f->record);
	buf_clear(&f->ids);
	free(f->seen);
	free(f);
}

static enum imapd_run
fetch_end(struct imapd_session *s, const struct imapd_fetch *f)
{
	if (f->end != NULL)
		return f->end(s);
	if (f->damaged)
		return imapd_no(s, "[SERVERBUG] A message cannot be read");
	if (f->gone && !s->uid)
		return imapd_no(s, "[EXPUNGEISSUED] Some messages are gone");
	return imapd_ok(s, "FETCH completed");
}

/* The door failed. A SELECT that fails leaves no mailbox selected (RFC 9051
   6.3.2). */
static enum imapd_run
fetch_no(struct imapd_session *s, const struct imapd_fetch *f)
{
	if (f->end != NULL)
		imapd_view_close(s);
	return imapd_door_no(s);
}

static enum imapd_run
fetch_more(struct imapd_session *s)
{
	struct imapd_fetch *f = s->more_data;
	int64_t start = clock_mono_ms();
	int r;

	/* "Any VANISHED (EARLIER) responses MUST be returned before any FETCH
	   responses" (RFC 7162 3.2.6). */
	while ((r = imapd_vanished_more(s, &f->vanished)) == 0)
		if (s->dead || imapd_full(s, start))
			return IMAPD_MORE;
	if (r == -1)
		return fetch_no(s, f);
	for (;;) {
		if (f->i == f->n) {
			r = imapd_batch_begin(s, f);
			if (r == -1)
				return fetch_no(s, f);
			if (r == 0)
				return fetch_end(s, f);
			if (imapd_view_flags_news(s->view))
				imapd_view_put_flags(s);
		}
		r = imapd_fetch_put(s, f, start);
		if (r == 0)
			return IMAPD_MORE;
		if (r == -1)
			imapd_fetch_failed(s, f);
		else
			imapd_fetch_next(f);
		if (s->dead || imapd_full(s, start))
			return IMAPD_MORE;
	}
}

/*
 * fetch-modifiers: "CHANGEDSINCE mod-sequence-value" and, with it in a UID
 * FETCH where QRESYNC is on, "VANISHED". The value is not 0 there (RFC 7162
 * 7), but clients that have seen no modseq yet send it. 1: VANISHED is there;
 * 0, -1.
 */
static int
fetch_modifier(struct imapd_session *s, struct imapd_fetch *f,
    const struct imapd_arg *a)
{
	int vanished = 0;
	size_t n = a->len;

	if (a->type != IMAPD_LIST || n > 3)
		return -1;
	for (a++; n > 0; n--, a++) {
		if (imapd_arg_is(a, "VANISHED") && s->uid && s->qresync &&
		    !vanished) {
			vanished = 1;
			continue;
		}
		if (n < 2 || f->conditional ||
		    !imapd_arg_is(a, "CHANGEDSINCE") ||
		    imapd_arg_number(a + 1, INT64_MAX,
		    &f->changed_since) == -1)
			return -1;
		f->conditional = 1;
		a++;
		n--;
	}
	return f->conditional ? vanished : -1;
}

/* The set as uids: of what is gone too, "*" is the highest that there was. */
static int
vanished_parse(struct imapd_session *s, struct imapd_fetch *f,
    const struct imapd_arg *a)
{
	struct imapd_set set = { 0 };

	if (imapd_arg_is(a, "$"))
		imapd_set_copy(&set, &s->view->saved);
	else if (imapd_set_parse(&set, a->p, a->len,
	    s->view->box->uidnext - 1) == -1)
		return -1;
	imapd_vanished_begin(&f->vanished, &set, f->changed_since, 0);
	imapd_set_clear(&set);
	return 0;
}

static const char *
fetch_parse(struct imapd_session *s, struct imapd_fetch *f,
    const struct imapd_arg *args, size_t n)
{
	const struct imapd_arg *what = imapd_arg_next(args);
	const char *why;
	int r = 0;

	if (args->type != IMAPD_ATOM || imapd_view_set(s->view, args->p,
	    args->len, s->uid, &f->set) == -1)
		return "FETCH: bad sequence set";
	why = imapd_items_parse(&f->items, what);
	if (why == NULL && n == 3)
		r = fetch_modifier(s, f, imapd_arg_next(what));
	if (r == -1 || (r == 1 && vanished_parse(s, f, args) == -1))
		why = "FETCH: bad modifier";
	return why;
}

struct imapd_fetch *
imapd_fetch_new(void)
{
	struct imapd_fetch *f = mem_zalloc(1, sizeof(*f));

	imapd_message_init(&f->msg);
	return f;
}

enum imapd_run
imapd_fetch_begin(struct imapd_session *s, struct imapd_fetch *f)
{
	return imapd_later(s, fetch_more, fetch_free, f);
}

static enum imapd_run
fetch_run(struct imapd_session *s, const struct imapd_arg *args, size_t n)
{
	struct imapd_fetch *f = imapd_fetch_new();
	const char *why;

	why = fetch_parse(s, f, args, n);
	if (why != NULL) {
		fetch_free(f);
		return imapd_bad(s, "%s", why);
	}
	if (f->conditional)
		imapd_items_add(&f->items, IMAPD_MODSEQ, "MODSEQ");
	if (f->items.modseq)
		imapd_condstore(s);
	if (s->uid)
		imapd_items_add(&f->items, IMAPD_UID_ITEM, "UID");
	return imapd_fetch_begin(s, f);
}

const struct imapd_command imapd_cmd_fetch[] = {
	{ .name = "FETCH", .run = fetch_run, .states = IMAPD_SELECTED,
	    .flags = IMAPD_UID | IMAPD_QUIET | IMAPD_READS, .min_args = 2,
	    .max_args = 3 },
	{ .name = NULL }
};
