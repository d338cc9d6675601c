/*
 * FETCH, with CHANGEDSINCE (RFC 7162 3.1.4).
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
	buf_clear(&f->packed);
	buf_clear(&f->record);
	buf_clear(&f->ids);
	free(f->seen);
	free(f);
}

static enum imapd_run
fetch_end(struct imapd_session *s, const struct imapd_fetch *f)
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
	struct imapd_fetch *f = s->more_data;
	int64_t start = clock_mono_ms();
	int r;

	for (;;) {
		if (f->i == f->n) {
			r = imapd_batch_begin(s, f);
			if (r == -1)
				return imapd_door_no(s);
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
 * fetch-modifier: "(CHANGEDSINCE mod-sequence-value)". The value is not 0
 * there (RFC 7162 7), but clients that have seen no modseq yet send it.
 */
static int
fetch_modifier(struct imapd_fetch *f, const struct imapd_arg *a)
{
	if (a->type != IMAPD_LIST || a->len != 2 ||
	    !imapd_arg_is(a + 1, "CHANGEDSINCE") ||
	    imapd_arg_number(a + 2, INT64_MAX, &f->changed_since) == -1)
		return -1;
	f->conditional = 1;
	return 0;
}

static const char *
fetch_parse(struct imapd_session *s, struct imapd_fetch *f,
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
	struct imapd_fetch *f = mem_zalloc(1, sizeof(*f));
	const char *why;

	imapd_message_init(&f->msg);
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
	return imapd_later(s, fetch_more, fetch_free, f);
}

const struct imapd_command imapd_cmd_fetch[] = {
	{ .name = "FETCH", .run = fetch_run, .states = IMAPD_SELECTED,
	    .flags = IMAPD_UID | IMAPD_QUIET | IMAPD_READS, .min_args = 2,
	    .max_args = 3 },
	{ .name = NULL }
};
