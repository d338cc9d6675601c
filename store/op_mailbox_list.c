#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/mail/door_proto.h"
#include "lib/mail/mailbox_name.h"
#include "store/account.h"
#include "store/account_first_use.h"
#include "store/op_mailbox_list.h"

static void
add_id(uint32_t **list, size_t *n, uint32_t id)
{
	*list = mem_realloc(*list, *n + 1, sizeof(**list));
	(*list)[(*n)++] = id;
}

void
change_refuse(struct change_task *c, enum door_error e, const char *words)
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

struct mailbox *
change_make(struct change_task *c, const char *name, uint32_t attrs)
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

void
change_remove(struct change_task *c, struct mailbox *m)
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
	change_remove(c, m);
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
		change_refuse(c, D_EXISTS, "that mailbox exists");
		return;
	}
	if (a->n_mailboxes + DOOR_DEPTH_MAX > DOOR_MAILBOXES_MAX) {
		change_refuse(c, D_REFUSED, "too many mailboxes");
		return;
	}
	if (m != NULL) {
		keep = m->attrs & ATTR_SUBSCRIBED;
		account_remove(a, m);
	}
	c->answer = change_make(c, c->name,
	    create_attrs(a, c->name, c->attrs) | keep)->id;
}

static void
do_delete(struct change_task *c)
{
	struct account *a = c->t.account;
	struct mailbox *m = account_mailbox(a, c->id);
	uint32_t sub;

	if (m == NULL) {
		change_refuse(c, D_ABSENT, "no such mailbox");
	} else if (m == a->inbox) {
		change_refuse(c, D_REFUSED, "INBOX stays");
	} else if (!has_children(a, m->name)) {
		c->name = mem_strdup(m->name);
		remove_last(c, m);
		drop_parents(c, c->name);
	} else if (m->attrs & ATTR_NOSELECT) {
		change_refuse(c, D_REFUSED, "it has children");
	} else {
		c->name = mem_strdup(m->name);
		sub = m->attrs & ATTR_SUBSCRIBED;
		change_remove(c, m);
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
		ok = mailbox_name_ok(buf_str(&name)) &&
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
		change_refuse(c, D_ABSENT, "no such mailbox");
		return;
	}
	if (account_by_name(a, c->to) != NULL) {
		change_refuse(c, D_EXISTS, "that mailbox exists");
		return;
	}
	/* The children of INBOX stay, and so does itself (RFC 9051 6.3.6): the
	   new name may be one of them. */
	if ((m != a->inbox && (is_child(c->to, c->name) ||
	    !rename_fits(a, c->name, c->to))) ||
	    a->n_mailboxes + DOOR_DEPTH_MAX > DOOR_MAILBOXES_MAX) {
		change_refuse(c, D_REFUSED, "that name does not fit");
		return;
	}
	if (m == a->inbox) {
		c->inbox_to = change_make(c, c->to, 0)->id;
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
		change_refuse(c, D_REFUSED, "too many subscriptions");
		return;
	}
	c->nothing = had;
	add_subscribed(a, c->name);
}

void
change_list(struct change_task *c)
{
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
}
