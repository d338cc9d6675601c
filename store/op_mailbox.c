/*
 * Changes of the list of mailboxes. Each is alone in its account: it waits
 * until no task is under way, and others wait for it. The list in memory is
 * changed first, and back where the file cannot be made durable; no door sees
 * it meanwhile.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/mail/door_proto.h"
#include "lib/mail/mailbox_name.h"
#include "store/account.h"
#include "store/account_commit.h"
#include "store/account_expunged.h"
#include "store/account_follow.h"
#include "store/account_load.h"
#include "store/account_mailbox.h"
#include "store/account_orphans.h"
#include "store/account_quota.h"
#include "store/body.h"
#include "store/door_client.h"
#include "store/door_watch.h"
#include "store/op_adopt.h"
#include "store/op_copy_whole.h"
#include "store/op_mailbox.h"
#include "store/op_mailbox_list.h"
#include "store/shard_files.h"
#include "store/text.h"

static void
change_files(struct task *t)
{
	struct change_task *c = (struct change_task *)t;
	int e = 0;
	size_t i;

	if (c->nothing || t->error != D_OK)
		return;
	for (i = 0; i < c->n_made && e == 0; i++)
		e = task_make_mailbox(t, c->made[i]);
	/* First, so that a crash leaves none that the sweeper takes for old. */
	for (i = 0; i < c->n_gone && e == 0; i++)
		task_unused(t, c->gone[i]);
	if (e == 0 && task_text(t, 0, "mailboxes", &c->text) == -1)
		e = errno;
	if (e != 0)
		task_fail(t, D_LATER, strerror(e));
}

/* The list as it is before the change. */
static void
keep_list(struct change_task *c)
{
	struct account *a = c->t.account;
	size_t i;

	if (!a->log.on)
		return;
	c->was = mem_zalloc(a->n_mailboxes + 1, sizeof(*c->was));
	for (i = 0; i < a->n_mailboxes; i++) {
		c->was[i].id = a->mailbox[i]->id;
		c->was[i].name = mem_strdup(a->mailbox[i]->name);
	}
	c->n_was = a->n_mailboxes;
}

/* What it did to the list, for those who follow. Both lists rise. */
static void
tell_list(const struct change_task *c)
{
	struct account *a = c->t.account;
	const struct mailbox *m;
	size_t i, k = 0;

	for (i = 0; i < c->n_was; i++)
		if (account_mailbox(a, c->was[i].id) == NULL)
			follow_list(a, FOLLOW_DELETED, c->was[i].id, 0,
			    c->was[i].name);
	for (i = 0; c->was != NULL && i < a->n_mailboxes; i++) {
		m = a->mailbox[i];
		while (k < c->n_was && c->was[k].id < m->id)
			k++;
		if (k == c->n_was || c->was[k].id != m->id)
			follow_list(a, FOLLOW_MADE, m->id, m->attrs, m->name);
		else if (strcmp(c->was[k].name, m->name) != 0)
			follow_list(a, FOLLOW_RENAMED, m->id, m->attrs,
			    m->name);
	}
	follow_listed(a, c->text.data, c->text.len);
}

static void
change_commit(struct task *t)
{
	struct change_task *c = (struct change_task *)t;
	struct account *a = t->account;
	struct mailbox *m;
	size_t i;

	if (c->nothing || t->error != D_OK)
		return;
	for (i = 0; i < c->n_made; i++)
		if ((m = account_mailbox(a, c->made[i])) != NULL)
			shard_row(m);
	adopt_commit(c);
	for (i = 0; i < c->n_gone; i++)
		leftover_rows(a, c->gone[i]);
	tell_list(c);
}

static void
change_answer(struct change_task *c)
{
	struct account *a = c->t.account;
	struct client *cl = c->t.client;
	struct buf out = BUF_INIT(0);
	struct door_mailbox d;
	struct mailbox *m;

	if (cl == NULL)
		return;
	if (c->t.error != D_OK) {
		client_failed(cl, a->shard, c->t.id, c->t.error, c->t.words);
		return;
	}
	if (c->type != DM_CREATE && c->type != DM_ADOPT) {
		client_done(cl, c->t.id);
		return;
	}
	m = account_mailbox(a, c->answer);
	mailbox_status(m, &d);
	door_pack_mailbox(&out, &d);
	if (client_begin(cl, DM_MAILBOX, c->t.id)) {
		msg_bytes(&cl->chan, DF_MAILBOXES, out.data, out.len);
		client_end(cl, a->shard);
	}
	buf_clear(&out);
}

/* The mailbox is there still: who had it selected, and has not left, has. */
static void
watch_again(struct account *a, const struct watching *w, size_t n)
{
	struct mailbox *m;
	size_t i, k;

	for (i = 0; i < n; i++)
		for (k = 0; k < a->n_clients; k++)
			if (a->clients[k] == w[i].c &&
			    (m = account_mailbox(a, w[i].id)) != NULL)
				(void)!client_watch(a->clients[k], m);
}

/* RENAME of INBOX: the mailbox is made, its messages move. */
struct renaming {
	struct client *client;
	uint32_t id, to;
};

static void	unmake(struct account *a, uint32_t id);

static void
renamed(struct account *a, void *arg, enum door_error e, const char *words)
{
	struct renaming *r = arg;
	const struct mailbox *m = account_mailbox(a, r->to);

	if (e == D_OK)
		client_done(r->client, r->id);
	else
		client_failed(r->client, a->shard, r->id, e, words);
	client_release(r->client);
	if (e == D_OK || a->lost || m == NULL || m->row.messages > 0)
		account_end(a);
	else
		unmake(a, r->to);
	free(r);
}

static void
rename_moves(struct account *a, struct client *c, uint32_t id, uint32_t to)
{
	struct renaming *r = mem_zalloc(1, sizeof(*r));
	struct copy_whole_end end = { renamed, r };

	r->client = client_hold(c);
	r->id = id;
	r->to = to;
	copy_whole(a->inbox, account_mailbox(a, to), &end);
}

/* What failed is undone by reading file and index anew. */
static void
change_finish(struct task *t)
{
	struct change_task *c = (struct change_task *)t;
	struct watching *watching = c->watching;
	size_t n_watching = c->n_watching;
	struct account *a = t->account;
	int failed = t->error != D_OK && !c->nothing;
	uint32_t inbox_to = t->error == D_OK ? c->inbox_to : 0;
	struct client *client = t->client;
	uint32_t id = t->id;
	size_t i;

	if (failed) {
		log_warn("%s: mailboxes: %s", a->name, t->words);
		a->state = ACCOUNT_NEW;
	}
	if (t->error == D_OK && !c->nothing)
		adopt_seen(c);
	if (inbox_to == 0)
		change_answer(c);
	if (t->error == D_OK && !c->nothing) {
		account_changed(a);
		quota_note(a);
		if (c->n_gone > 0)
			expunged_note(a, c->gone_size,
			    c->gone_messages + c->n_gone);
	}
	free(c->name);
	free(c->to);
	free(c->made);
	free(c->gone);
	for (i = 0; i < c->n_was; i++)
		free(c->was[i].name);
	free(c->was);
	buf_clear(&c->text);
	free(c);
	if (inbox_to != 0)
		rename_moves(a, client, id, inbox_to);
	else
		account_end(a);
	/* A request that waited may have had it read already. */
	if (a->state == ACCOUNT_NEW && !a->busy)
		account_load(a);
	if (failed)
		watch_again(a, watching, n_watching);
	free(watching);
}

static const struct task_kind change_kind = {
	change_files, change_commit, change_finish
};

/* The account is ours alone now. */
static void
change_go(struct account *a)
{
	struct change_task *c = a->idle_arg;

	keep_list(c);
	if (c->type == DM_ADOPT)
		change_adopt(c);
	else
		change_list(c);
	account_format(a, &c->text);
	task_submit(&c->t);
}

static struct change_task *
change_new(struct account *a, enum door_type type, char *name)
{
	struct change_task *c = mem_zalloc(1, sizeof(*c));

	c->t.kind = &change_kind;
	c->t.account = a;
	c->type = type;
	c->name = name;
	return c;
}

/* A mailbox that was made goes again; the account is ours alone still. */
static void
unmake(struct account *a, uint32_t id)
{
	struct change_task *c = change_new(a, DM_DELETE, NULL);

	c->id = id;
	a->idle_arg = c;
	change_go(a);
}

/* Takes a name of the request; NULL, answered, where it may not be one. */
static char *
take_name(struct request *r, uint8_t tag)
{
	char *name = msg_get_dup(r->m, tag);

	mailbox_name_fix(name);
	if (mailbox_name_ok(name))
		return name;
	request_fail(r, D_REFUSED, "bad mailbox name");
	free(name);
	return NULL;
}

static void
change_begin(struct request *r, char *name, char *to)
{
	struct change_task *c = change_new(r->c->account, r->m->type, name);

	c->t.client = client_hold(r->c);
	c->t.id = r->m->id;
	c->to = to;
	c->attrs = msg_get_u32(r->m, DF_ATTRS);
	c->id = msg_get_u32(r->m, DF_MAILBOX);
	c->on = msg_get_u32(r->m, DF_ON);
	c->uidvalidity = msg_get_u32(r->m, DF_UIDVALIDITY);
	c->uidnext = msg_get_u32(r->m, DF_UID);
	account_begin(r->c->account, change_go, c);
}

void
mailbox_make(struct account *a, char *name, uint32_t attrs)
{
	struct change_task *c = change_new(a, DM_CREATE, name);

	c->attrs = attrs;
	account_begin(a, change_go, c);
}

static void
op_create(struct request *r)
{
	char *name = take_name(r, DF_NAME);

	if (name != NULL)
		change_begin(r, name, NULL);
}

static void
op_delete(struct request *r)
{
	change_begin(r, NULL, NULL);
}

static void
op_rename(struct request *r)
{
	char *name = take_name(r, DF_NAME), *to;

	if (name == NULL)
		return;
	if ((to = take_name(r, DF_TO_NAME)) == NULL)
		free(name);
	else
		change_begin(r, name, to);
}

static void
op_subscribe(struct request *r)
{
	char *name = take_name(r, DF_NAME);

	if (name != NULL)
		change_begin(r, name, NULL);
}

const struct op op_mailbox_rows[] = {
	{ DM_CREATE, op_create, OP_ALONE | OP_ADDS },
	{ DM_ADOPT, op_create, OP_ALONE | OP_ADDS },
	{ DM_DELETE, op_delete, OP_MAILBOX | OP_ALONE | OP_REMOVES },
	{ DM_RENAME, op_rename, OP_ALONE | OP_ADDS },
	{ DM_SUBSCRIBE, op_subscribe, OP_ALONE | OP_CHANGES },
	{ 0 }
};
