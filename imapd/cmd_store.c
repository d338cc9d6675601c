/*
 * STORE, with UNCHANGEDSINCE (RFC 7162 3.1.3).
 */
#include <stdlib.h>

#include "lib/base/str.h"

#include "imapd/imapd_commands.h"
#include "imapd/imapd_door.h"
#include "imapd/imapd_flags.h"
#include "imapd/imapd_reply.h"

struct imapd_store {
	struct imapd_set set;
	enum door_op op;
	int	 silent, conditional;
	uint64_t unchanged_since;
	struct imapd_flags flags;
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
	if (s->view->keywords_told != s->view->box->keywords_serial)
		imapd_view_put_flags(s);
	for (; n > 0; n--, rec++) {
		if ((seq = imapd_view_seq(s->view, rec->uid)) == 0)
			continue;
		buf_puts(out, "* ");
		buf_put_number(out, seq);
		buf_puts(out, " FETCH (");
		if (s->uid) {
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
store_modified(struct imapd_session *s, uint32_t *failed, size_t n)
{
	struct buf set = BUF_INIT(0);
	size_t i;

	for (i = 0; !s->uid && i < n; i++)
		failed[i] = imapd_view_seq(s->view, failed[i]);
	imapd_set_put(&set, failed, n);
	imapd_ok(s, "[MODIFIED %s] Conditional STORE failed", buf_str(&set));
	buf_clear(&set);
	return IMAPD_DONE;
}

static enum imapd_run
store_do(struct imapd_session *s, struct imapd_store *st)
{
	struct imapd_box *b = s->view->box;
	struct door_record *rec = NULL;
	uint32_t *uids, *failed = NULL;
	size_t n, n_rec = 0, n_failed = 0;
	int r = 0;

	uids = imapd_view_uids(s->view, &st->set, &n);
	if (n > 0)
		r = door_store(&imapd_door, b->id, uids, n, st->op,
		    st->flags.flags, st->flags.n > 0 ? st->flags.keywords :
		    NULL, st->unchanged_since, &rec, &n_rec, &failed,
		    &n_failed);
	free(uids);
	if (r == -1) {
		free(rec);
		free(failed);
		return imapd_door_no(s);
	}
	imapd_box_update(b, rec, n_rec, &s->view->news);
	if (st->conditional)
		imapd_condstore(s);
	store_tell(s, st, rec, n_rec);
	if (n_failed > 0)
		store_modified(s, failed, n_failed);
	else
		imapd_ok(s, "STORE completed");
	free(rec);
	free(failed);
	return IMAPD_DONE;
}

static enum imapd_run
store_run(struct imapd_session *s, const struct imapd_arg *args, size_t n)
{
	struct imapd_store st = { 0 };
	const char *why = store_parse(s, &st, args, n);

	if (why != NULL)
		imapd_bad(s, "%s", why);
	else
		store_do(s, &st);
	imapd_set_clear(&st.set);
	imapd_flags_clear(&st.flags);
	return IMAPD_DONE;
}

const struct imapd_command imapd_cmd_store[] = {
	{ .name = "STORE", .capability = "CONDSTORE",
	    .run = store_run, .states = IMAPD_SELECTED,
	    .flags = IMAPD_UID | IMAPD_WRITES | IMAPD_QUIET, .min_args = 3,
	    .max_args = 10000 },
	{ .name = NULL }
};
