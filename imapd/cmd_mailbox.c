/*
 * CREATE, DELETE, RENAME, SUBSCRIBE, UNSUBSCRIBE, STATUS.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/base/str.h"

#include "imapd/imapd_box.h"
#include "imapd/imapd_commands.h"
#include "imapd/imapd_door.h"
#include "imapd/imapd_events.h"
#include "imapd/imapd_ids.h"
#include "imapd/imapd_names.h"
#include "imapd/imapd_reply.h"
#include "imapd/imapd_status.h"
#include "imapd/imapd_uses.h"

/*
 * create-param = "(USE (" [use-attr *(SP use-attr)] "))" (RFC 6154 3).
 * 0; -1: that is none; -2: a use that is not known.
 */
static int
create_params(const struct imapd_arg *a, uint32_t *uses_r)
{
	const struct imapd_arg *use = a + 1;
	uint32_t bit;
	size_t n;

	if (a->type != IMAPD_LIST || a->len != 2 ||
	    !imapd_arg_is(use, "USE") || use[1].type != IMAPD_LIST)
		return -1;
	for (n = use[1].len, use += 2; n > 0; n--, use = imapd_arg_next(use)) {
		if (use->type != IMAPD_ATOM || use->p[0] != '\\')
			return -1;
		if ((bit = imapd_use_find(use->p, use->len)) == 0)
			return -2;
		*uses_r |= bit;
	}
	return 0;
}

static enum imapd_run
create_run(struct imapd_session *s, const struct imapd_arg *args, size_t n)
{
	struct door_mailbox m = { 0 };
	struct buf name, id = BUF_INIT(0);
	uint32_t uses = 0;
	int r;

	if (n == 2 && (r = create_params(imapd_arg_next(args), &uses)) != 0)
		return r == -1 ? imapd_bad(s, "CREATE: unknown parameter") :
		    imapd_no(s, "[USEATTR] No mailbox has such a use here");
	if (imapd_names_arg(s, args, &name) == -1)
		return IMAPD_DONE;
	/* "If the mailbox name is suffixed with the server's hierarchy
	   separator character", the client means to make children. */
	if (name.len > 1 && name.data[name.len - 1] == '/')
		buf_truncate(&name, name.len - 1);
	r = door_create(&imapd_door, buf_str(&name), uses, &m);
	buf_clear(&name);
	imapd_names_drop();
	if (r == -1)
		return imapd_door_no(s);
	imapd_ids_put(&id, IMAPD_ID_MAILBOX, m.oid);
	imapd_ok(s, "[MAILBOXID (%s)] CREATE completed", id.data);
	buf_clear(&id);
	return IMAPD_DONE;
}

static enum imapd_run
delete_run(struct imapd_session *s, const struct imapd_arg *args, size_t n)
{
	const struct door_mailbox *m;
	struct buf name;
	uint32_t id = 0;
	int inbox;

	if (imapd_names_arg(s, args, &name) == -1)
		return IMAPD_DONE;
	inbox = strcmp(buf_str(&name), "INBOX") == 0;
	m = imapd_names_find(buf_str(&name));
	if (m != NULL)
		id = m->id;
	buf_clear(&name);
	if (inbox)
		return imapd_no(s, "[CANNOT] INBOX stays");
	if (id == 0)
		return imapd_door_no(s);
	if (door_delete(&imapd_door, id) == -1)
		return imapd_door_no(s);
	imapd_names_drop();
	imapd_box_deleted(id);
	if (s->view != NULL && s->view->box->id == id)
		imapd_view_close(s);
	return imapd_ok(s, "DELETE completed");
}

/* RENAME of INBOX: its messages move, which may take a while. */
struct imapd_rename {
	char	*from, *to;
	uint32_t inbox;
	uint32_t begun;			/* the call; 0: not yet */
};

static void
rename_free(void *data)
{
	struct imapd_rename *r = data;

	/* Where the client has left, it goes on without it. */
	if (r->begun != 0)
		(void)door_rename_end(&imapd_door, r->begun);
	free(r->from);
	free(r->to);
	free(r);
}

/* Who has INBOX selected is told that its messages went. */
static enum imapd_run
rename_more(struct imapd_session *s)
{
	struct imapd_rename *r = s->more_data;
	uint32_t id = r->begun;
	int done;

	if (id == 0 && !door_busy(&imapd_door) && door_rename_begin(
	    &imapd_door, r->from, r->to, &r->begun) == -1)
		return imapd_door_no(s);
	if (id == 0 || !door_answered(&imapd_door)) {
		s->waiting = 1;
		return IMAPD_MORE;
	}
	r->begun = 0;
	done = door_rename_end(&imapd_door, id);
	imapd_names_drop();
	imapd_box_unsettle(r->inbox);
	if (done == -1)
		return imapd_door_no(s);
	imapd_box_changed(&r->inbox, 1);
	imapd_events();
	return imapd_ok(s, "RENAME completed");
}

static enum imapd_run
rename_inbox(struct imapd_session *s, const char *from, const char *to,
    uint32_t id)
{
	struct imapd_rename *r = mem_zalloc(1, sizeof(*r));

	r->from = mem_strdup(from);
	r->to = mem_strdup(to);
	r->inbox = id;
	return imapd_later(s, rename_more, rename_free, r);
}

static enum imapd_run
rename_run(struct imapd_session *s, const struct imapd_arg *args, size_t n)
{
	const struct door_mailbox *inbox;
	struct buf from, to;
	enum imapd_run r;

	if (imapd_names_arg(s, args, &from) == -1)
		return IMAPD_DONE;
	if (imapd_names_arg(s, imapd_arg_next(args), &to) == -1) {
		buf_clear(&from);
		return IMAPD_DONE;
	}
	if (strcmp(buf_str(&from), "INBOX") == 0 &&
	    (inbox = imapd_names_find("INBOX")) != NULL)
		r = rename_inbox(s, buf_str(&from), buf_str(&to), inbox->id);
	else if (door_rename(&imapd_door, buf_str(&from),
	    buf_str(&to)) == -1)
		r = imapd_door_no(s);
	else
		r = imapd_ok(s, "RENAME completed");
	buf_clear(&from);
	buf_clear(&to);
	imapd_names_drop();
	return r;
}

static enum imapd_run
subscription(struct imapd_session *s, const struct imapd_arg *args, int on)
{
	struct buf name;
	int r;

	if (imapd_names_arg(s, args, &name) == -1)
		return IMAPD_DONE;
	r = door_subscribe(&imapd_door, buf_str(&name), on);
	buf_clear(&name);
	imapd_names_drop();
	if (r == -1)
		return imapd_door_no(s);
	return imapd_ok(s, "%s completed", s->cmd->name);
}

static enum imapd_run
subscribe_run(struct imapd_session *s, const struct imapd_arg *args,
    size_t n)
{
	return subscription(s, args, 1);
}

static enum imapd_run
unsubscribe_run(struct imapd_session *s, const struct imapd_arg *args,
    size_t n)
{
	return subscription(s, args, 0);
}

static void
status_free(void *data)
{
	imapd_status_clear(data);
	free(data);
}

static enum imapd_run
status_more(struct imapd_session *s)
{
	int r = imapd_status_more(s, s->more_data);

	if (r == 0)
		return IMAPD_MORE;
	return r == -1 ? imapd_door_no(s) : imapd_ok(s, "STATUS completed");
}

static enum imapd_run
status_run(struct imapd_session *s, const struct imapd_arg *args, size_t n)
{
	const struct door_mailbox *m;
	struct imapd_status *st;
	struct buf name;
	unsigned bits;

	if (imapd_status_items(imapd_arg_next(args), &bits) == -1)
		return imapd_bad(s, "STATUS: bad list of items");
	if (imapd_names_arg(s, args, &name) == -1)
		return IMAPD_DONE;
	m = imapd_names_find(buf_str(&name));
	buf_clear(&name);
	if (m == NULL)
		return imapd_door_no(s);
	st = mem_alloc(sizeof(*st));
	imapd_status_begin(st, m, bits);
	return imapd_later(s, status_more, status_free, st);
}

const struct imapd_command imapd_cmd_mailbox[] = {
	{ .name = "STATUS", .capability = "STATUS=SIZE APPENDLIMIT",
	    .run = status_run, .states = IMAPD_ANY,
	    .flags = IMAPD_EVENTS, .min_args = 2, .max_args = 2 },
	{ .name = "CREATE", .capability = "CREATE-SPECIAL-USE OBJECTID",
	    .run = create_run, .states = IMAPD_ANY,
	    .min_args = 1, .max_args = 2 },
	{ .name = "DELETE", .run = delete_run, .states = IMAPD_ANY,
	    .flags = IMAPD_EVENTS, .min_args = 1, .max_args = 1 },
	{ .name = "RENAME", .run = rename_run, .states = IMAPD_ANY,
	    .flags = IMAPD_EVENTS, .min_args = 2, .max_args = 2 },
	{ .name = "SUBSCRIBE", .run = subscribe_run, .states = IMAPD_ANY,
	    .min_args = 1, .max_args = 1 },
	{ .name = "UNSUBSCRIBE", .run = unsubscribe_run, .states = IMAPD_ANY,
	    .min_args = 1, .max_args = 1 },
	{ .name = NULL }
};
