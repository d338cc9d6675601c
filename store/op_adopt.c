/*
 * The UIDVALIDITY of a mailbox never changes. Where one that never had a
 * message is to have another, a new mailbox with a new id takes its place, so
 * that whoever has the old one selected finds it gone.
 */
#include "config.h"

#include <string.h>

#include "lib/mail/door_proto.h"
#include "store/account.h"
#include "store/op_adopt.h"
#include "store/op_mailbox_list.h"

static int
is_unused(const struct mailbox *m)
{
	return m->next_uid == 1 && m->row.uidnext == 1;
}

/* The uses that it is to have; one that never had a message gives its up. */
static uint32_t
take_uses(struct account *a, const struct mailbox *self, uint32_t asked)
{
	struct mailbox *m;
	size_t i;

	asked &= ATTR_USES;
	for (i = 0; i < a->n_mailboxes && asked != 0; i++) {
		m = a->mailbox[i];
		if (m == self || (m->attrs & asked) == 0)
			continue;
		if (is_unused(m))
			m->attrs &= ~asked;
		else
			asked &= ~m->attrs;
	}
	return asked;
}

static struct mailbox *
make(struct change_task *c, uint32_t attrs)
{
	struct account *a = c->t.account;
	struct mailbox *m = change_make(c, c->name, attrs);

	if (c->uidvalidity == 0 || c->uidvalidity == m->uidvalidity)
		return m;
	/* Below the one that it was given, or later ones lie above it. */
	m->uidvalidity = c->uidvalidity;
	if (a->last_uidvalidity < c->uidvalidity)
		a->last_uidvalidity = c->uidvalidity;
	mailbox_oid(m);
	return m;
}

static int
is_to_be_replaced(const struct change_task *c, const struct mailbox *m)
{
	if (m->attrs & ATTR_NOSELECT)
		return 1;
	return c->uidvalidity != 0 && m->uidvalidity != c->uidvalidity &&
	    is_unused(m);
}

static struct mailbox *
find_or_make(struct change_task *c)
{
	struct account *a = c->t.account;
	struct mailbox *m = account_by_name(a, c->name);
	uint32_t attrs;

	attrs = take_uses(a, m, c->attrs) | (c->attrs & ATTR_SUBSCRIBED);
	if (m != NULL && !is_to_be_replaced(c, m)) {
		c->nothing = (m->attrs | attrs) == m->attrs;
		m->attrs |= attrs;
		return m;
	}
	if (m != NULL) {
		attrs |= m->attrs & (ATTR_USES | ATTR_SUBSCRIBED);
		change_remove(c, m);
	}
	return make(c, attrs);
}

void
change_adopt(struct change_task *c)
{
	struct account *a = c->t.account;
	struct mailbox *m;

	if (a->n_mailboxes + DOOR_DEPTH_MAX > DOOR_MAILBOXES_MAX) {
		change_refuse(c, D_REFUSED, "too many mailboxes");
		return;
	}
	if (UINT32_MAX - c->uidvalidity <= MAILBOX_SPARE ||
	    UINT32_MAX - c->uidnext <= MAILBOX_SPARE) {
		change_refuse(c, D_REFUSED, "a number leaves no room above it");
		return;
	}
	m = find_or_make(c);
	c->answer = m->id;
	if (m->next_uid < c->uidnext) {
		m->next_uid = c->uidnext;
		c->raised = m;
		c->nothing = 0;
	}
}

void
adopt_commit(struct change_task *c)
{
	struct mailbox *m = c->raised;

	if (m == NULL)
		return;
	m->row.uidnext = m->next_uid;
	shard_row(m);
}

void
adopt_seen(struct change_task *c)
{
	if (c->raised != NULL)
		c->raised->seen.uidnext = c->raised->row.uidnext;
}
