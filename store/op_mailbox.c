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
#include "store/account.h"
#include "store/account_commit.h"
#include "store/account_expunged.h"
#include "store/account_first_use.h"
#include "store/account_follow.h"
#include "store/account_load.h"
#include "store/account_mailbox.h"
#include "store/account_orphans.h"
#include "store/account_quota.h"
#include "store/body.h"
#include "store/door_client.h"
#include "store/door_watch.h"
#include "store/op_copy_whole.h"
#include "store/op_mailbox.h"
#include "store/shard_files.h"
#include "store/text.h"

struct change_task {
	struct task t;
	unsigned type;			/* enum door_type */
	char	*name, *to;
	uint32_t attrs, id, on;
	struct buf text;		/* `mailboxes`, as it will be */
	uint32_t *made;			/* ids whose folders are to be made */
	size_t	 n_made;
	uint32_t answer;		/* CREATE: id of the mailbox */
	uint32_t *gone;			/* ids that are no more */
	size_t	 n_gone;
	uint64_t gone_size, gone_messages; /* that were in them */
	int	 nothing;		/* no change was needed */
	uint32_t inbox_to;		/* RENAME of INBOX: where it goes */
	struct box *was;		/* the list before, if it is followed */
	size_t	 n_was;
	struct watching {
		const struct client *c;
		uint32_t id;
	} *watching;			/* who watched what is gone */
	size_t	 n_watching;
};

static void
add_id(uint32_t **list, size_t *n, uint32_t id)
{
	*list = mem_realloc(*list, *n + 1, sizeof(**list));
	(*list)[(*n)++] = id;
}

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
	if (c->type != DM_CREATE) {
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

static void
refuse(struct change_task *c, enum door_error e, const char *words)
{
	task_fail(&c->t, e, words);
	c->nothing = 1;
}

static int
is_child(const char *name, const char *parent)
{
	size_t len = strlen(parent);

	return strncmp(name, parent, len) == 0 && name[len] == '/';
}

static int
has_children(const struct account *a, const char *name)
{
	size_t i;

	for (i = 0; i < a->n_mailboxes; i++)
		if (is_child(a->mailbox[i]->name, name))
			return 1;
	return 0;
}

/* A subscription made before the mailbox was there becomes its attribute. */
static int
take_subscribed(struct account *a, const char *name)
{
	size_t i;

	for (i = 0; i < a->n_subscribed; i++)
		if (strcmp(a->subscribed[i], name) == 0) {
			free(a->subscribed[i]);
			a->subscribed[i] = a->subscribed[--a->n_subscribed];
			return 1;
		}
	return 0;
}

/* The levels above a name that are missing come as names only. */
static void
make_parents(struct account *a, const char *name)
{
	char *p = mem_strdup(name), *slash;

	for (slash = strchr(p, '/'); slash != NULL;
	    slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (account_by_name(a, p) == NULL)
			account_add(a, p, ATTR_NOSELECT);
		*slash = '/';
	}
	free(p);
}

static struct mailbox *
make_mailbox(struct change_task *c, const char *name, uint32_t attrs)
{
	struct account *a = c->t.account;
	struct mailbox *m;

	make_parents(a, name);
	if (take_subscribed(a, name))
		attrs |= ATTR_SUBSCRIBED;
	m = account_add(a, name, attrs);
	add_id(&c->made, &c->n_made, m->id);
	return m;
}

static void
remove_mailbox(struct change_task *c, struct mailbox *m)
{
	size_t i;

	c->watching = mem_realloc(c->watching, c->n_watching + m->n_watchers,
	    sizeof(*c->watching));
	for (i = 0; i < m->n_watchers; i++)
		c->watching[c->n_watching++] =
		    (struct watching){ m->watchers[i].c, m->id };
	if (!(m->attrs & ATTR_NOSELECT)) {
		add_id(&c->gone, &c->n_gone, m->id);
		c->gone_size += m->row.size;
		c->gone_messages += m->row.messages;
	}
	account_remove(c->t.account, m);
}

static void
add_subscribed(struct account *a, const char *name)
{
	a->subscribed = mem_realloc(a->subscribed, a->n_subscribed + 1,
	    sizeof(*a->subscribed));
	a->subscribed[a->n_subscribed++] = mem_strdup(name);
}

/*
 * RFC 3501 6.3.6: "MUST NOT unilaterally remove an existing mailbox name from
 * the subscription list even if a mailbox by that name no longer exists."
 */
static void
remove_last(struct change_task *c, struct mailbox *m)
{
	struct account *a = c->t.account;

	if ((m->attrs & ATTR_SUBSCRIBED) &&
	    a->n_subscribed < DOOR_SUBSCRIBED_MAX)
		add_subscribed(a, m->name);
	remove_mailbox(c, m);
}

/* Names above that had only this child go with it. */
static void
drop_parents(struct change_task *c, const char *name)
{
	char *p = mem_strdup(name), *slash;
	struct mailbox *m;

	while ((slash = strrchr(p, '/')) != NULL) {
		*slash = '\0';
		m = account_by_name(c->t.account, p);
		if (m == NULL || !(m->attrs & ATTR_NOSELECT) ||
		    has_children(c->t.account, p))
			break;
		remove_last(c, m);
	}
	free(p);
}

/*
 * The attributes of a mailbox that is created. Without a use of its own one
 * that had a use at the first use of the account, and was deleted, has it
 * again, unless another has it by now.
 */
static uint32_t
create_attrs(const struct account *a, const char *name, uint32_t asked)
{
	uint32_t use = first_use_attrs(name);

	asked &= ATTR_USES | ATTR_SUBSCRIBED;
	if (use != 0 && !(asked & ATTR_USES) && account_by_use(a, use) == NULL)
		asked |= use;
	return asked;
}

static void
do_create(struct change_task *c)
{
	struct account *a = c->t.account;
	struct mailbox *m = account_by_name(a, c->name);
	uint32_t keep = 0;

	if (m != NULL && !(m->attrs & ATTR_NOSELECT)) {
		refuse(c, D_EXISTS, "that mailbox exists");
		return;
	}
	if (a->n_mailboxes + DOOR_DEPTH_MAX > DOOR_MAILBOXES_MAX) {
		refuse(c, D_REFUSED, "too many mailboxes");
		return;
	}
	if (m != NULL) {
		keep = m->attrs & ATTR_SUBSCRIBED;
		account_remove(a, m);
	}
	c->answer = make_mailbox(c, c->name,
	    create_attrs(a, c->name, c->attrs) | keep)->id;
}

static void
do_delete(struct change_task *c)
{
	struct account *a = c->t.account;
	struct mailbox *m = account_mailbox(a, c->id);
	uint32_t sub;

	if (m == NULL) {
		refuse(c, D_ABSENT, "no such mailbox");
	} else if (m == a->inbox) {
		refuse(c, D_REFUSED, "INBOX stays");
	} else if (!has_children(a, m->name)) {
		c->name = mem_strdup(m->name);
		remove_last(c, m);
		drop_parents(c, c->name);
	} else if (m->attrs & ATTR_NOSELECT) {
		refuse(c, D_REFUSED, "it has children");
	} else {
		c->name = mem_strdup(m->name);
		sub = m->attrs & ATTR_SUBSCRIBED;
		remove_mailbox(c, m);
		account_add(a, c->name, ATTR_NOSELECT | sub);
	}
}

static void
rename_one(struct mailbox *m, const char *from, const char *to)
{
	struct buf name = BUF_INIT(0);

	buf_puts(&name, to);
	buf_puts(&name, m->name + strlen(from));
	free(m->name);
	m->name = mem_strdup(name.data);
	buf_clear(&name);
}

/* Would a name get too long, too deep? */
static int
rename_fits(const struct account *a, const char *from, const char *to)
{
	struct buf name = BUF_INIT(0);
	int ok = 1;
	size_t i;

	for (i = 0; i < a->n_mailboxes && ok; i++) {
		if (!is_child(a->mailbox[i]->name, from))
			continue;
		buf_reset(&name);
		buf_puts(&name, to);
		buf_puts(&name, a->mailbox[i]->name + strlen(from));
		ok = boxes_name_ok(buf_str(&name)) &&
		    account_by_name(a, buf_str(&name)) == NULL;
	}
	buf_clear(&name);
	return ok;
}

static void
do_rename(struct change_task *c)
{
	struct account *a = c->t.account;
	struct mailbox *m = account_by_name(a, c->name);
	size_t i;

	if (m == NULL) {
		refuse(c, D_ABSENT, "no such mailbox");
		return;
	}
	if (account_by_name(a, c->to) != NULL) {
		refuse(c, D_EXISTS, "that mailbox exists");
		return;
	}
	if (is_child(c->to, c->name) || !rename_fits(a, c->name, c->to) ||
	    a->n_mailboxes + DOOR_DEPTH_MAX > DOOR_MAILBOXES_MAX) {
		refuse(c, D_REFUSED, "that name does not fit");
		return;
	}
	/* Its children stay, and so does itself (RFC 9051 6.3.6). */
	if (m == a->inbox) {
		c->inbox_to = make_mailbox(c, c->to, 0)->id;
		return;
	}
	make_parents(a, c->to);
	for (i = 0; i < a->n_mailboxes; i++)
		if (is_child(a->mailbox[i]->name, c->name))
			rename_one(a->mailbox[i], c->name, c->to);
	rename_one(m, c->name, c->to);
	if (take_subscribed(a, c->to))
		m->attrs |= ATTR_SUBSCRIBED;
	drop_parents(c, c->name);
}

static void
do_subscribe(struct change_task *c)
{
	struct account *a = c->t.account;
	struct mailbox *m = account_by_name(a, c->name);
	uint32_t now = c->on ? ATTR_SUBSCRIBED : 0;
	int had;

	if (m != NULL) {
		c->nothing = (m->attrs & ATTR_SUBSCRIBED) == now;
		m->attrs = (m->attrs & ~(uint32_t)ATTR_SUBSCRIBED) | now;
		return;
	}
	had = take_subscribed(a, c->name);
	if (!c->on) {
		c->nothing = !had;
		return;
	}
	if (a->n_subscribed >= DOOR_SUBSCRIBED_MAX) {
		refuse(c, D_REFUSED, "too many subscriptions");
		return;
	}
	c->nothing = had;
	add_subscribed(a, c->name);
}

/* The account is ours alone now. */
static void
change_go(struct account *a)
{
	struct change_task *c = a->idle_arg;

	keep_list(c);
	switch (c->type) {
	case DM_CREATE:
		do_create(c);
		break;
	case DM_DELETE:
		do_delete(c);
		break;
	case DM_RENAME:
		do_rename(c);
		break;
	default:
		do_subscribe(c);
		break;
	}
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

	boxes_name_fix(name);
	if (boxes_name_ok(name))
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
	{ DM_DELETE, op_delete, OP_MAILBOX | OP_ALONE | OP_REMOVES },
	{ DM_RENAME, op_rename, OP_ALONE | OP_ADDS },
	{ DM_SUBSCRIBE, op_subscribe, OP_ALONE | OP_CHANGES },
	{ 0 }
};
