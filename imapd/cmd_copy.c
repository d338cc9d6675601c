/*
 * COPY, and MOVE (RFC 6851), with COPYUID (RFC 4315).
 */
#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/mail/door_proto.h"

#include "imapd/imapd_commands.h"
#include "imapd/imapd_door.h"
#include "imapd/imapd_events.h"
#include "imapd/imapd_names.h"
#include "imapd/imapd_reply.h"
#include "imapd/imapd_undo.h"

static void
put_copyuid(struct buf *out, uint32_t uidvalidity, const uint32_t *from,
    const uint32_t *to, size_t n)
{
	buf_printf(out, "[COPYUID %u ", uidvalidity);
	imapd_set_put(out, from, n);
	buf_puts(out, " ");
	imapd_set_put(out, to, n);
	buf_puts(out, "]");
}

/* A COPY or MOVE under way. */
struct imapd_copy {
	uint32_t to;		/* the mailbox */
	uint32_t *uids;
	size_t	 n, at;
	int	 move;
	uint32_t begun;		/* a part that is not waited for; 0: none */
	uint32_t *from_uids, *to_uids, uidvalidity;	/* what was done */
	size_t	 n_done;
};

static void
copy_free(void *data)
{
	struct imapd_copy *c = data;
	uint32_t *from, *to, uidvalidity;
	size_t n;

	/* The session is gone: the copy goes on without it. */
	if (c->begun != 0 && door_copy_end(&imapd_door, c->begun, &from, &to,
	    &n, &uidvalidity) == 0) {
		free(from);
		free(to);
	}
	free(c->uids);
	free(c->from_uids);
	free(c->to_uids);
	free(c);
}

static void
copy_done(struct imapd_copy *c, const uint32_t *from, const uint32_t *to,
    size_t n)
{
	if (n == 0)
		return;
	c->from_uids = mem_realloc(c->from_uids, c->n_done + n,
	    sizeof(*from));
	c->to_uids = mem_realloc(c->to_uids, c->n_done + n, sizeof(*to));
	memcpy(c->from_uids + c->n_done, from, n * sizeof(*from));
	memcpy(c->to_uids + c->n_done, to, n * sizeof(*to));
	c->n_done += n;
}

static int
copy_how(const struct imapd_session *s, const struct imapd_copy *c)
{
	return (c->move ? DOOR_MOVE : 0) | (s->uid ? 0 : DOOR_WHOLE);
}

static void
copy_took(struct imapd_session *s, struct imapd_copy *c, uint32_t *from,
    uint32_t *to, size_t n, uint32_t uidvalidity)
{
	copy_done(c, from, to, n);
	if (n > 0)
		c->uidvalidity = uidvalidity;
	if (c->move)
		imapd_box_remove(s->view->box, from, n);
	free(from);
	free(to);
}

/*
 * The next part of a MOVE, or a COPY that is short. A message of a set of
 * numbers that another session expunged: nothing is copied. A UID that is not
 * there is passed over (RFC 3501 6.4.8). 0, or -1 (imapd_door says why).
 */
static int
part_now(struct imapd_session *s, struct imapd_copy *c)
{
	size_t n = c->n - c->at, n_done = 0;
	uint32_t *from = NULL, *to = NULL, uidvalidity;
	int r;

	if (n > DOOR_CHANGE_MAX)
		n = DOOR_CHANGE_MAX;
	r = door_copy(&imapd_door, s->view->box->id, c->to, c->uids + c->at,
	    n, copy_how(s, c), &from, &to, &n_done, &uidvalidity);
	if (r == 0)
		c->at += n;
	copy_took(s, c, from, to, n_done, uidvalidity);
	return r;
}

/* Parts of a COPY of which a later one failed go again; why it failed stays. */
static void
copy_undo(struct imapd_copy *c)
{
	imapd_undo(c->to, c->uidvalidity, c->to_uids, c->n_done);
	c->n_done = 0;
}

/*
 * All of a long COPY, or as much as one request takes. It is not waited for:
 * 100,000 messages take seconds, in which the user's other sessions go on.
 * 1: done, 0: not yet, -1 (imapd_door says why).
 */
static int
part_later(struct imapd_session *s, struct imapd_copy *c)
{
	size_t n = c->n - c->at, n_done = 0;
	uint32_t *from, *to, uidvalidity = 0, id = c->begun;

	if (n > DOOR_COPY_UIDS_MAX)
		n = DOOR_COPY_UIDS_MAX;
	if (id == 0 && !door_busy(&imapd_door) &&
	    door_copy_begin(&imapd_door, s->view->box->id, c->to,
	    c->uids + c->at, n, copy_how(s, c), &c->begun) == -1)
		return -1;
	if (id == 0 || !door_answered(&imapd_door)) {
		s->waiting = 1;
		return 0;
	}
	c->begun = 0;
	if (door_copy_end(&imapd_door, id, &from, &to, &n_done,
	    &uidvalidity) == -1) {
		copy_undo(c);
		return -1;
	}
	c->at += n;
	copy_took(s, c, from, to, n_done, uidvalidity);
	return 1;
}

/*
 * MOVE tells COPYUID in an untagged OK, before the EXPUNGEs that the tagged
 * reply brings (RFC 6851 4.3); of many messages the first may have been moved
 * where a later one is not, and the reply is NO.
 */
static enum imapd_run
copy_end(struct imapd_session *s, const struct imapd_copy *c, int r)
{
	struct buf code = BUF_INIT(0);

	if (c->n_done > 0)
		put_copyuid(&code, c->uidvalidity, c->from_uids, c->to_uids,
		    c->n_done);
	imapd_box_unsettle(c->to);
	if (c->move && c->n_done > 0) {
		buf_puts(&s->out, "* OK ");
		buf_append(&s->out, code.data, code.len);
		buf_puts(&s->out, " Moved\r\n");
		buf_reset(&code);
		/* Its EXPUNGEs have a modseq (RFC 7162 3.2). */
		if (r == 0 && s->qresync &&
		    imapd_box_refresh(s->view->box) == 0)
			buf_printf(&code, "[HIGHESTMODSEQ %llu]",
			    (unsigned long long)s->view->box->modseq);
	}
	if (r == -1)
		imapd_door_no(s);
	else {
		imapd_events();
		imapd_ok(s, "%s%s%s completed", buf_str(&code),
		    code.len > 0 ? " " : "", s->cmd->name);
	}
	buf_clear(&code);
	return IMAPD_DONE;
}

static enum imapd_run
long_copy_more(struct imapd_session *s)
{
	struct imapd_copy *c = s->more_data;
	int r;

	while (c->at < c->n) {
		r = part_later(s, c);
		if (r == -1)
			return copy_end(s, c, -1);
		if (r == 0)
			return IMAPD_MORE;
	}
	return copy_end(s, c, 0);
}

static enum imapd_run
copy_more(struct imapd_session *s)
{
	struct imapd_copy *c = s->more_data;
	int64_t start = clock_mono_ms();

	while (c->at < c->n) {
		if (part_now(s, c) == -1)
			return copy_end(s, c, -1);
		if (c->at < c->n && imapd_full(s, start))
			return IMAPD_MORE;
	}
	return copy_end(s, c, 0);
}

static enum imapd_run
copy_begin(struct imapd_session *s, struct imapd_copy *c,
    const struct imapd_arg *name)
{
	const struct door_mailbox *m;
	struct buf to;

	if (imapd_names_arg(s, name, &to) == -1) {
		copy_free(c);
		return IMAPD_DONE;
	}
	m = imapd_names_find(buf_str(&to));
	buf_clear(&to);
	if (m != NULL) {
		c->to = m->id;
		return imapd_later(s, c->move || c->n <= DOOR_CHANGE_MAX ?
		    copy_more : long_copy_more, copy_free, c);
	}
	copy_free(c);
	if (door_error(&imapd_door) == D_ABSENT)
		return imapd_no(s, "[TRYCREATE] There is no such mailbox");
	return imapd_door_no(s);
}

static enum imapd_run
copy_or_move(struct imapd_session *s, const struct imapd_arg *args, int move)
{
	struct imapd_copy *c;
	struct imapd_set set;

	if (args->type != IMAPD_ATOM || imapd_view_set(s->view, args->p,
	    args->len, s->uid, &set) == -1)
		return imapd_bad(s, "%s: bad sequence set", s->cmd->name);
	c = mem_zalloc(1, sizeof(*c));
	c->move = move;
	c->uids = imapd_view_uids(s->view, &set, &c->n);
	imapd_set_clear(&set);
	return copy_begin(s, c, imapd_arg_next(args));
}

static enum imapd_run
copy_run(struct imapd_session *s, const struct imapd_arg *args, size_t n)
{
	return copy_or_move(s, args, 0);
}

static enum imapd_run
move_run(struct imapd_session *s, const struct imapd_arg *args, size_t n)
{
	return copy_or_move(s, args, 1);
}

const struct imapd_command imapd_cmd_copy[] = {
	{ .name = "COPY", .run = copy_run, .states = IMAPD_SELECTED,
	    .flags = IMAPD_UID | IMAPD_EVENTS, .min_args = 2, .max_args = 2 },
	{ .name = "MOVE", .capability = "MOVE",
	    .run = move_run, .states = IMAPD_SELECTED,
	    .flags = IMAPD_UID | IMAPD_WRITES | IMAPD_EVENTS, .min_args = 2,
	    .max_args = 2 },
	{ .name = NULL }
};
