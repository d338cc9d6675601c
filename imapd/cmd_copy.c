/*
 * COPY, and MOVE (RFC 6851), with COPYUID (RFC 4315).
 */
#include <stdlib.h>

#include "imapd/imapd_commands.h"
#include "imapd/imapd_door.h"
#include "imapd/imapd_events.h"
#include "imapd/imapd_names.h"
#include "imapd/imapd_reply.h"

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

/*
 * A message of a set of numbers that another session expunged: nothing is
 * copied. A UID that is not there is passed over (RFC 3501 6.4.8).
 *
 * MOVE tells COPYUID in an untagged OK, before the EXPUNGEs that the tagged
 * reply brings (RFC 6851 4.3); of many messages the first may have been moved
 * where a later one is not, and the reply is NO.
 */
static enum imapd_run
copy_do(struct imapd_session *s, uint32_t to, const uint32_t *uids, size_t n,
    int move)
{
	struct buf code = BUF_INIT(0);
	uint32_t *from_uids = NULL, *to_uids = NULL, uidvalidity = 0;
	size_t n_done = 0;
	int how = (move ? DOOR_MOVE : 0) | (s->uid ? 0 : DOOR_WHOLE), r = 0;

	if (n > 0)
		r = door_copy(&imapd_door, s->view->box->id, to, uids, n, how,
		    &from_uids, &to_uids, &n_done, &uidvalidity);
	if (n_done > 0)
		put_copyuid(&code, uidvalidity, from_uids, to_uids, n_done);
	if (move && n_done > 0) {
		buf_printf(&s->out, "* OK %s Moved\r\n", buf_str(&code));
		imapd_box_remove(s->view->box, from_uids, n_done);
		buf_reset(&code);
	}
	if (r == -1) {
		imapd_door_no(s);
	} else {
		imapd_events();
		imapd_ok(s, "%s%s%s completed", buf_str(&code),
		    code.len > 0 ? " " : "", s->cmd->name);
	}
	buf_clear(&code);
	free(from_uids);
	free(to_uids);
	return IMAPD_DONE;
}

static enum imapd_run
copy_or_move(struct imapd_session *s, const struct imapd_arg *args, int move)
{
	const struct door_mailbox *m;
	struct imapd_set set;
	struct buf name;
	uint32_t *uids, to;
	size_t n;

	if (args->type != IMAPD_ATOM || imapd_view_set(s->view, args->p,
	    args->len, s->uid, &set) == -1)
		return imapd_bad(s, "%s: bad sequence set", s->cmd->name);
	uids = imapd_view_uids(s->view, &set, &n);
	imapd_set_clear(&set);
	if (imapd_names_arg(s, imapd_arg_next(args), &name) == -1) {
		free(uids);
		return IMAPD_DONE;
	}
	m = imapd_names_find(buf_str(&name));
	to = m != NULL ? m->id : 0;
	buf_clear(&name);
	if (m != NULL)
		copy_do(s, to, uids, n, move);
	else if (door_error(&imapd_door) == D_ABSENT)
		imapd_no(s, "[TRYCREATE] There is no such mailbox");
	else
		imapd_door_no(s);
	free(uids);
	return IMAPD_DONE;
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
