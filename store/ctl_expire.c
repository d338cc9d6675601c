/*
 * A slice looks at records as the index has them, without the account; only
 * where some are due it is loaded, and they are expunged as a task of a slow
 * kind. The helper waits for the end of each slice, so that there is one under
 * way at a time. An account that is busy waits for the next sweep.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/mail/expiry.h"
#include "store/account.h"
#include "store/account_load.h"
#include "store/account_quota.h"
#include "store/age.h"
#include "store/ctl_expire.h"
#include "store/op_expunge.h"
#include "store/op_fetched.h"
#include "store/shard_chores.h"

enum {
	LOOK = 2000,		/* records of a slice */
	SLICE = 256,		/* ... that are expunged */
};

static size_t budget;		/* of this sweep */

/* One mailbox. */
struct expiring {
	struct call call;
	const char *name;
	uint32_t mailbox;
	uint32_t before;	/* what came before that second goes; 0 */
	uint32_t fetched;	/* ... what POP3 deleted before it */
	uint32_t next;		/* the uid to go on from */
	uint32_t *uids;		/* due */
	size_t	 n, looked, gone;
	int	 more;
};

void
expire_begin(void)
{
	budget = EXPIRE_MOST;
}

static int
due_one(void *arg, const struct record *r)
{
	struct expiring *x = arg;

	if (x->looked++ == LOOK || x->n == SLICE || x->n == budget) {
		x->more = 1;
		return 1;
	}
	x->next = r->d.uid + 1;
	if (r->d.save_date < x->before ||
	    (r->fetched != 0 && r->fetched < x->fetched))
		x->uids[x->n++] = r->d.uid;
	return 0;
}

/* The next slice's, in the shard. */
static void
due_look(struct expiring *x)
{
	unsigned db_number;
	struct engine_db *db;
	uint32_t account;

	(void)shard_of(x->name, &db_number);
	db = engine_db(store.engine, db_number);
	x->n = x->looked = 0;
	x->more = 0;
	if (index_number(db, x->name, &account) != ENGINE_DONE)
		return;
	if (x->before == 0 && fetched_any(db, account) != 1)
		return;
	if (index_range(db, account, x->mailbox, x->next, UINT32_MAX, due_one,
	    x) > ENGINE_MORE)
		x->n = 0;
}

/* What is not durable yet came just now. */
static void
due_slice(struct call *c)
{
	struct expiring *x = c->arg;
	struct account *a;
	struct mailbox *m = NULL;

	x->gone = 0;
	due_look(x);
	if (x->n > 0) {
		a = account_get(c->item.shard, x->name);
		if (a != NULL && a->state == ACCOUNT_READY && !a->busy)
			m = account_mailbox(a, x->mailbox);
	}
	while (m != NULL && x->n > 0 && x->uids[x->n - 1] >= m->seen.uidnext)
		x->n--;
	if (m == NULL || x->n == 0) {
		x->more = x->more && x->n == 0;
		helper_done(c);
		return;
	}
	expunge_uids(m, x->uids, x->n, c, &x->gone);
	x->uids = NULL;
}

/* All that is due in it. How many went. */
static size_t
expire_mailbox(struct expiring *x)
{
	struct shard *s = shard_of(x->name, NULL);
	size_t all = 0;

	x->call.arg = x;
	x->call.fn = due_slice;
	do {
		x->call.failed = 0;
		x->uids = mem_zalloc(SLICE, sizeof(*x->uids));
		if (helper_call(s, &x->call) == -1)
			break;
		free(x->uids);
		x->uids = NULL;
		all += x->gone;
		budget -= x->gone < budget ? x->gone : budget;
	} while (x->more && !x->call.failed && budget > 0 &&
	    store_room() < STORE_NO_WRITES);
	return all;
}

/* The attributes of the mailbox that the first level of a name is. */
static uint32_t
top_attrs(const struct boxes *b, const char *name)
{
	size_t i, len = strcspn(name, "/");

	for (i = 0; i < b->n; i++)
		if (strncmp(b->box[i].name, name, len) == 0 &&
		    b->box[i].name[len] == '\0')
			return b->box[i].attrs;
	return 0;
}

/* What a line of the tables says of Trash and Junk is nearer than expire. */
static uint64_t
granted(const struct tables_user *u, const struct box *box, uint64_t keep)
{
	if (u->expire_trash != TABLES_UNSAID &&
	    ((box->attrs & ATTR_TRASH) || strcmp(box->name, "Trash") == 0))
		return u->expire_trash;
	if (u->expire_junk != TABLES_UNSAID &&
	    ((box->attrs & ATTR_JUNK) || strcmp(box->name, "Junk") == 0))
		return u->expire_junk;
	return keep;
}

/* 1 where something of it may be due. */
static int
expire_rule(struct expiring *x, const struct boxes *b, const struct box *box,
    const struct expiry *e, const struct tables_user *u)
{
	uint64_t keep = granted(u, box, expiry_keep(e, box->name, box->attrs,
	    top_attrs(b, box->name)));

	x->mailbox = box->id;
	x->next = 1;
	x->before = keep > 0 ? age_second(keep) : 0;
	x->fetched = strcmp(box->name, "INBOX") == 0 ?
	    age_second(quota_pop3_keep_of(u)) : 0;
	return x->before > 0 || x->fetched > 0;
}

/* The rules of the moment: a reload may bring others. */
static void
rules(struct expiry *e)
{
	const char *text = store.conf.expire;
	struct buf why = BUF_INIT(300);

	if (expiry_parse(e, text != NULL ? text : "", text != NULL ?
	    strlen(text) : 0, &why) == -1) {
		log_warn("expire: %s", buf_str(&why));
		e->n = 0;
	}
	buf_clear(&why);
}

void
expire_user(const char *name, const struct boxes *b)
{
	struct expiring x = { .name = name };
	struct tables_user u;
	struct expiry e;
	size_t i, n;

	if (store.user(name, &u) != LOOKUP_FOUND)
		return;
	rules(&e);
	for (i = 0; i < b->n && budget > 0 && !helper_stopping(); i++) {
		if (!expire_rule(&x, b, &b->box[i], &e, &u) ||
		    (n = expire_mailbox(&x)) == 0)
			continue;
		atomic_fetch_add(&store.expired, n);
		log_info("%s: %zu messages of %s are removed for their age",
		    name, n, b->box[i].name);
		if (budget == 0)
			log_info("the rest waits for the next sweep");
	}
}
