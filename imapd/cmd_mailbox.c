/*
 * CREATE, DELETE, RENAME, SUBSCRIBE, UNSUBSCRIBE, STATUS.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/base/str.h"

#include "imapd/imapd_commands.h"
#include "imapd/imapd_door.h"
#include "imapd/imapd_names.h"
#include "imapd/imapd_reply.h"

static enum imapd_run
create_run(struct imapd_session *s, const struct imapd_arg *args, size_t n)
{
	struct door_mailbox m = { 0 };
	struct buf name;
	int r;

	if (imapd_names_arg(s, args, &name) == -1)
		return IMAPD_DONE;
	/* "If the mailbox name is suffixed with the server's hierarchy
	   separator character", the client means to make children. */
	if (name.len > 1 && name.data[name.len - 1] == '/')
		buf_truncate(&name, name.len - 1);
	r = door_create(&imapd_door, buf_str(&name), 0, &m);
	buf_clear(&name);
	imapd_names_drop();
	return r == -1 ? imapd_door_no(s) : imapd_ok(s, "CREATE completed");
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

/*
 * RENAME INBOX moves its messages with the id: who has it selected would look
 * at the mailbox of the new name for the rest of the session.
 */
static void
rename_inbox_left(struct imapd_session *s, uint32_t id)
{
	if (s->view != NULL && s->view->box->id == id)
		imapd_view_close(s);
	imapd_box_deleted(id);
}

static enum imapd_run
rename_run(struct imapd_session *s, const struct imapd_arg *args, size_t n)
{
	const struct door_mailbox *inbox;
	struct buf from, to;
	uint32_t id = 0;
	int r;

	if (imapd_names_arg(s, args, &from) == -1)
		return IMAPD_DONE;
	if (imapd_names_arg(s, imapd_arg_next(args), &to) == -1) {
		buf_clear(&from);
		return IMAPD_DONE;
	}
	if (strcmp(buf_str(&from), "INBOX") == 0 &&
	    (inbox = imapd_names_find("INBOX")) != NULL)
		id = inbox->id;
	r = door_rename(&imapd_door, buf_str(&from), buf_str(&to));
	if (r == 0 && id != 0)
		rename_inbox_left(s, id);
	buf_clear(&from);
	buf_clear(&to);
	imapd_names_drop();
	return r == -1 ? imapd_door_no(s) : imapd_ok(s, "RENAME completed");
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

enum status_item {
	ST_MESSAGES, ST_RECENT, ST_UIDNEXT, ST_UIDVALIDITY, ST_UNSEEN,
	ST_HIGHESTMODSEQ, ST_COUNT
};
static const char *const status_names[ST_COUNT] = {
	"MESSAGES", "RECENT", "UIDNEXT", "UIDVALIDITY", "UNSEEN",
	"HIGHESTMODSEQ",
};

/* Reads the list of items into bits; 0 is a bad one. */
static unsigned
status_items(const struct imapd_arg *list)
{
	const struct imapd_arg *a = list + 1;
	unsigned bits = 0, i;
	size_t n;

	if (list->type != IMAPD_LIST)
		return 0;
	for (n = list->len; n > 0; n--, a = imapd_arg_next(a)) {
		for (i = 0; i < ST_COUNT; i++)
			if (imapd_arg_is(a, status_names[i]))
				break;
		if (i == ST_COUNT)
			return 0;
		bits |= 1u << i;
	}
	return bits;
}

static void
put_status(struct buf *out, const char *name, const struct door_mailbox *m,
    unsigned bits)
{
	uint64_t v[ST_COUNT] = {
		[ST_MESSAGES] = m->messages, [ST_RECENT] = m->recent,
		[ST_UIDNEXT] = m->uidnext, [ST_UIDVALIDITY] = m->uidvalidity,
		[ST_UNSEEN] = m->unseen,
		[ST_HIGHESTMODSEQ] = m->highestmodseq,
	};
	const char *gap = "";
	unsigned i;

	buf_puts(out, "* STATUS ");
	imapd_names_put(out, name, strlen(name));
	buf_puts(out, " (");
	for (i = 0; i < ST_COUNT; i++) {
		if (!(bits & 1u << i))
			continue;
		buf_printf(out, "%s%s ", gap, status_names[i]);
		buf_put_number(out, v[i]);
		gap = " ";
	}
	buf_puts(out, ")\r\n");
}

static enum imapd_run
status_run(struct imapd_session *s, const struct imapd_arg *args, size_t n)
{
	unsigned bits = status_items(imapd_arg_next(args));
	const struct door_mailbox *m;
	struct door_mailbox now;
	struct buf name;
	int r = -1;

	if (bits == 0)
		return imapd_bad(s, "STATUS: bad list of items");
	if (imapd_names_arg(s, args, &name) == -1)
		return IMAPD_DONE;
	m = imapd_names_find(buf_str(&name));
	if (m != NULL)
		r = door_status(&imapd_door, m->id, &now);
	if (r == 0) {
		if (bits & 1u << ST_HIGHESTMODSEQ)
			imapd_condstore(s);
		put_status(&s->out, buf_str(&name), &now, bits);
	}
	buf_clear(&name);
	return r == -1 ? imapd_door_no(s) : imapd_ok(s, "STATUS completed");
}

const struct imapd_command imapd_cmd_mailbox[] = {
	{ .name = "STATUS", .run = status_run, .states = IMAPD_ANY,
	    .flags = IMAPD_EVENTS, .min_args = 2, .max_args = 2 },
	{ .name = "CREATE", .run = create_run, .states = IMAPD_ANY,
	    .min_args = 1, .max_args = 1 },
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
