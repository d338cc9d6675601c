/*
 * STORE, with UNCHANGEDSINCE (RFC 7162 3.1.3). Many messages are changed in
 * parts, and the client is told of each part before the next one begins: so
 * what was done is told, too, where a later part fails.
 *
 * Where a mailbox is full of keywords, those that are replaced make room for
 * new ones: of all parts together. A part that found none has its keywords
 * added when the last one is done.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/mail/door_proto.h"

#include "imapd/imapd_commands.h"
#include "imapd/imapd_door.h"
#include "imapd/imapd_flags.h"
#include "imapd/imapd_reply.h"

struct imapd_store {
	struct imapd_set set;
	uint32_t *uids;
	size_t	 n, at;
	uint32_t *failed;	/* uids that had changed meanwhile */
	size_t	 n_failed;
	enum door_op op;
	int	 silent, conditional;
	int	 adds;		/* what was lacking */
	uint64_t unchanged_since;
	struct imapd_flags flags;
	uint32_t *again;	/* uids that lack a keyword */
	size_t	 n_again;
	uint64_t modseq;	/* ... and that of what was changed */
};

/* store-att-flags = (["+" / "-"] "FLAGS" [".SILENT"]). 0, or -1. */
static int
store_item(struct imapd_store *st, const struct imapd_arg *a)
{
	const char *p = a->p;
	size_t len = a->len;

	if (a->type != IMAPD_ATOM)
		return -1;
	st->op = *p == '+' ? DOOR_ADD : *p == '-' ? DOOR_REMOVE : DOOR_SET;
	if (st->op != DOOR_SET) {
		p++;
		len--;
	}
	st->silent = str_is(p, len, "FLAGS.SILENT");
	return st->silent || str_is(p, len, "FLAGS") ? 0 : -1;
}

/* "(UNCHANGEDSINCE mod-sequence-valzer)" */
static int
store_modifier(struct imapd_store *st, const struct imapd_arg *a)
{
	st->conditional = 1;
	if (a->len != 2 || !imapd_arg_is(a + 1, "UNCHANGEDSINCE"))
		return -1;
	return imapd_arg_number(a + 2, INT64_MAX, &st->unchanged_since);
}

/* NULL, or why the arguments are bad. */
static const char *
store_parse(struct imapd_session *s, struct imapd_store *st,
    const struct imapd_arg *a, size_t n)
{
	st->unchanged_since = UINT64_MAX;
	if (a->type != IMAPD_ATOM ||
	    imapd_view_set(s->view, a->p, a->len, s->uid, &st->set) == -1)
		return "STORE: bad sequence set";
	a = imapd_arg_next(a);
	n--;
	if (a->type == IMAPD_LIST) {
		if (store_modifier(st, a) == -1)
			return "STORE: bad modifier";
		a = imapd_arg_next(a);
		n--;
	}
	if (n < 2 || store_item(st, a) == -1)
		return "STORE: FLAGS is expected";
	a = imapd_arg_next(a);
	n--;
	/* flag-list / (flag *(SP flag)) */
	if (a->type == IMAPD_LIST)
		return n > 1 ? "STORE: too many arguments" :
		    imapd_flags_read(&st->flags, a + 1, a->len);
	return imapd_flags_read(&st->flags, a, n);
}

/* What the client is told of the messages that were changed. */
static void
store_tell(struct imapd_session *s, const struct imapd_store *st,
    const struct door_record *rec, size_t n)
{
	struct buf *out = &s->out;
	uint32_t seq;

	if (st->silent && !s->condstore)
		return;
	if (imapd_view_flags_news(s->view))
		imapd_view_put_flags(s);
	for (; n > 0; n--, rec++) {
		if ((seq = imapd_view_seq(s->view, rec->uid)) == 0)
			continue;
		buf_puts(out, "* ");
		buf_put_number(out, seq);
		buf_puts(out, " FETCH (");
		if (s->uid || s->qresync) {
			buf_puts(out, "UID ");
			buf_put_number(out, rec->uid);
			buf_puts(out, " ");
		}
		if (!st->silent) {
			buf_puts(out, "FLAGS (");
			imapd_put_flags(out, s->view, rec);
			buf_puts(out, s->condstore ? ") " : ")");
		}
		if (s->condstore) {
			buf_puts(out, "MODSEQ (");
			buf_put_number(out, rec->modseq);
			buf_puts(out, ")");
		}
		buf_puts(out, ")\r\n");
	}
}

/* "OK [MODIFIED 7,9] Conditional STORE failed" */
static enum imapd_run
store_end(struct imapd_session *s, struct imapd_store *st)
{
	struct buf set = BUF_INIT(0);
	size_t i;

	if (st->n_failed == 0)
		return imapd_ok(s, "STORE completed");
	for (i = 0; !s->uid && i < st->n_failed; i++)
		st->failed[i] = imapd_view_seq(s->view, st->failed[i]);
	imapd_set_put(&set, st->failed, st->n_failed);
	imapd_ok(s, "[MODIFIED %s] Conditional STORE failed", buf_str(&set));
	buf_clear(&set);
	return IMAPD_DONE;
}

static void
store_failed(struct imapd_store *st, const uint32_t *failed, size_t n)
{
	if (n == 0)
		return;
	st->failed = mem_realloc(st->failed, st->n_failed + n,
	    sizeof(*st->failed));
	memcpy(st->failed + st->n_failed, failed, n * sizeof(*failed));
	st->n_failed += n;
}

/* Notes what has to have its keywords added. */
static void
store_lacking(struct imapd_store *st, const struct door_record *rec, size_t n)
{
	size_t i;

	if (st->op != DOOR_SET || st->n <= DOOR_CHANGE_MAX || n == 0)
		return;
	for (i = 0; i < n; i++)
		if (rec[i].modseq > st->modseq)
			st->modseq = rec[i].modseq;
	if (!imapd_door.no_room)
		return;
	st->again = mem_realloc(st->again, st->n_again + n,
	    sizeof(*st->again));
	for (i = 0; i < n; i++)
		st->again[st->n_again++] = rec[i].uid;
}

/* All parts are done. 1: it goes on with what lacks keywords; not with what
   others have changed since. */
static int
store_again(struct imapd_store *st)
{
	if (st->n_again == 0)
		return 0;
	free(st->uids);
	st->uids = st->again;
	st->n = st->n_again;
	st->at = 0;
	st->again = NULL;
	st->n_again = 0;
	st->op = DOOR_ADD;
	st->adds = 1;
	st->flags.flags = 0;
	st->unchanged_since = st->modseq;
	return 1;
}

/* The next part. 0, or -1 (imapd_door says why). */
static int
store_part(struct imapd_session *s, struct imapd_store *st)
{
	struct imapd_box *b = s->view->box;
	size_t n = st->n - st->at, n_rec = 0, n_failed = 0;
	struct door_record *rec = NULL;
	uint32_t *failed = NULL;
	int r;

	if (n > DOOR_CHANGE_MAX)
		n = DOOR_CHANGE_MAX;
	r = door_store(&imapd_door, b->id, st->uids + st->at, n, st->op,
	    st->flags.flags, st->flags.keywords,
	    st->unchanged_since, &rec, &n_rec, &failed, &n_failed);
	if (r == 0)
		st->at += n;
	store_lacking(st, rec, n_rec);
	imapd_box_update(b, rec, n_rec, &s->view->news);
	store_tell(s, st, rec, n_rec);
	if (!st->adds)
		store_failed(st, failed, n_failed);
	free(rec);
	free(failed);
	return r;
}

static enum imapd_run
store_more(struct imapd_session *s)
{
	struct imapd_store *st = s->more_data;
	int64_t start = clock_mono_ms();

	do {
		while (st->at < st->n) {
			if (store_part(s, st) == -1)
				return imapd_door_no(s);
			if (st->at < st->n && imapd_full(s, start))
				return IMAPD_MORE;
		}
	} while (store_again(st));
	return store_end(s, st);
}

static void
store_free(void *data)
{
	struct imapd_store *st = data;

	imapd_set_clear(&st->set);
	imapd_flags_clear(&st->flags);
	free(st->uids);
	free(st->again);
	free(st->failed);
	free(st);
}

static enum imapd_run
store_run(struct imapd_session *s, const struct imapd_arg *args, size_t n)
{
	struct imapd_store *st = mem_zalloc(1, sizeof(*st));
	const char *why = store_parse(s, st, args, n);

	if (why != NULL) {
		store_free(st);
		return imapd_bad(s, "%s", why);
	}
	st->uids = imapd_view_uids(s->view, &st->set, &st->n);
	if (st->conditional)
		imapd_condstore(s);
	return imapd_later(s, store_more, store_free, st);
}

const struct imapd_command imapd_cmd_store[] = {
	{ .name = "STORE", .capability = "CONDSTORE",
	    .run = store_run, .states = IMAPD_SELECTED,
	    .flags = IMAPD_UID | IMAPD_WRITES | IMAPD_QUIET, .min_args = 3,
	    .max_args = 10000 },
	{ .name = NULL }
};
