/*
 * The first use of an account: INBOX and the special-use mailboxes (RFC 6154)
 * are made, each folder synced in every parent, then `mailboxes`, then the
 * rows of the index. Where the index knew an account of that name ids and
 * UIDVALIDITYs go on above its own.
 */
#include "config.h"

#include <errno.h>
#include <string.h>
#include <stdlib.h>
#include <sys/random.h>

#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "store/account.h"
#include "store/account_commit.h"
#include "store/account_evidence.h"
#include "store/account_first_use.h"
#include "store/account_quota.h"
#include "store/body.h"
#include "store/shard_chores.h"
#include "store/shard_files.h"
#include "store/text.h"

static const struct {
	const char *name;
	uint32_t attrs;
} first[] = {
	{ "INBOX", 0 }, { "Drafts", ATTR_DRAFTS }, { "Sent", ATTR_SENT },
	{ "Junk", ATTR_JUNK }, { "Trash", ATTR_TRASH },
	{ "Archive", ATTR_ARCHIVE },
};

enum { FIRST = sizeof(first) / sizeof(first[0]) };

uint32_t
first_use_attrs(const char *name)
{
	size_t i;

	for (i = 0; i < FIRST; i++)
		if (strcmp(first[i].name, name) == 0)
			return first[i].attrs;
	return 0;
}

struct first_task {
	struct task t;
	struct call *waiter;		/* who asked for it, or NULL */
	int	 unread;		/* the index does not answer */
	struct buf text;
	uint32_t id[FIRST];
};

static void
first_files(struct task *t)
{
	struct first_task *f = (struct first_task *)t;
	int e = 0;
	size_t i;

	if (f->unread) {
		task_fail(t, D_LATER, "the index does not answer");
		return;
	}
	for (i = 0; i < FIRST && e == 0; i++)
		e = task_make_mailbox(t, f->id[i]);
	if (e == 0 && task_text(t, 0, "mailboxes", &f->text) == -1)
		e = errno;
	if (e != 0)
		task_fail(t, D_LATER, strerror(e));
}

/* Notes of files that were to go are not for those that come now. */
static enum engine_result
forget(struct account *a)
{
	struct index_key from = index_account_key(a->number, 'R');
	struct index_key to = index_account_key(a->number, 'R' + 1);
	struct engine_batch b = account_own_batch(a);
	enum engine_result r = index_delete(a->db, &b, ENGINE_CORE, &from,
	    &to);

	if (r == ENGINE_DONE)
		r = index_delete_account(a->db, &b);
	engine_batch_clear(&b);
	return r;
}

/* The account has its number, and no rows. */
static enum engine_result
number(struct account *a)
{
	enum engine_result r = account_number(a, 0);

	if (r == ENGINE_DONE)
		return forget(a);
	return r == ENGINE_ABSENT ? account_number(a, 1) : r;
}

static void
first_commit(struct task *t)
{
	struct account *a = t->account;
	struct index_key k;
	size_t i;

	if (t->error != D_OK)
		return;
	if (account_failed(a, number(a))) {
		task_fail(t, D_LATER, "the index does not answer");
		return;
	}
	k = index_account_key(a->number, 'C');
	engine_put(account_batch(a), ENGINE_CORE, k.k, k.len, "", 0);
	for (i = 0; i < a->n_mailboxes; i++)
		shard_row(a->mailbox[i]);
}

static void
remove_all(struct account *a)
{
	while (a->n_mailboxes > 0)
		account_remove(a, a->mailbox[0]);
	a->inbox = NULL;
}

static void
first_finish(struct task *t)
{
	struct first_task *f = (struct first_task *)t;
	struct account *a = t->account;

	if (t->error != D_OK) {
		log_warn("%s: the first mailboxes: %s", a->name, t->words);
		remove_all(a);
		a->state = ACCOUNT_BROKEN;
	} else {
		a->state = ACCOUNT_READY;
		a->uncounted = 0;
		account_changed(a);
		quota_note(a);
	}
	helper_answer(f->waiter, t->error != D_OK, t->words);
	buf_clear(&f->text);
	free(f);
	account_end(a);
}

static const struct task_kind first_kind = {
	first_files, first_commit, first_finish
};

/*
 * A mailbox had at most the UIDVALIDITY of its second and one more for each
 * that was made before it.
 */
static void
numbers_above(struct account *a, const struct traces *t)
{
	uint32_t least = (uint32_t)clock_now() + t->highest_id;

	if (a->next_id <= t->highest_id)
		a->next_id = t->highest_id + 1;
	if (t->highest_id > 0 && a->last_uidvalidity < least)
		a->last_uidvalidity = least;
	if (a->last_uidvalidity < t->last_uidvalidity)
		a->last_uidvalidity = t->last_uidvalidity;
}

static void
first_go(struct account *a)
{
	struct first_task *f = mem_zalloc(1, sizeof(*f));
	struct traces t;
	size_t i;

	f->t.kind = &first_kind;
	f->t.account = a;
	f->waiter = a->idle_arg;
	traces_read(a, &t);
	f->unread = t.unread;
	remove_all(a);
	/* Until the list is there it is the one that its name gives. */
	(void)!getrandom(a->id, sizeof(a->id), 0);
	numbers_above(a, &t);
	for (i = 0; i < FIRST; i++)
		f->id[i] = account_add(a, first[i].name,
		    first[i].attrs | ATTR_SUBSCRIBED)->id;
	account_format(a, &f->text);
	task_submit(&f->t);
}

/* 1 where nothing tells of mail that is not to be seen now. */
static int
is_new(const struct account *a)
{
	struct traces t;

	traces_read(a, &t);
	if (t.unread)
		log_warn("%s: the index does not answer", a->name);
	else if (t.files == -1)
		log_warn("mail/%s: %s", a->path, strerror(errno));
	else if (t.files)
		log_warn("%s: mail/%s holds mail, but no mailboxes: bring "
		    "that file back; its mail waits", a->name, a->path);
	else if (t.messages > 0)
		log_warn("%s: the index knows %u messages, but mail/%s has "
		    "no mailboxes: bring it back, or give them up with "
		    "rohrpost store rebuild %s; its mail waits", a->name,
		    t.messages, a->path, a->name);
	return !t.unread && t.files == 0 && t.messages == 0;
}

void	(*first_use_moving)(const char *name);

/* It may have mail under another name, which is moved now (ctl_rename.h). */
static int
is_moving(const struct account *a)
{
	char former[ADDRESS_MAX + 1];
	enum lookup r = a->no_former ? LOOKUP_ABSENT :
	    store.former(a->name, former);

	if (r == LOOKUP_FOUND && first_use_moving != NULL)
		first_use_moving(a->name);
	return r != LOOKUP_ABSENT;
}

void
first_use(struct account *a)
{
	switch (quota_check(a, 0, 0)) {
	case QUOTA_NO_USER:
		a->state = ACCOUNT_ABSENT;
		break;
	case QUOTA_LATER:
		a->state = ACCOUNT_NEW;
		break;
	default:
		if (store_room() >= STORE_NO_CHANGES)
			a->state = ACCOUNT_NEW;
		else if (is_moving(a))
			a->state = ACCOUNT_BROKEN;
		else if (is_new(a))
			account_begin(a, first_go, NULL);
		else
			a->state = ACCOUNT_BROKEN;
	}
}

/* Why not, or NULL. */
static const char *
keep_out(struct account *a, const struct traces *t)
{
	enum quota q = quota_check(a, 0, 0);

	if (q == QUOTA_NO_USER)
		return "no such account";
	if (q == QUOTA_LATER)
		return "the tables cannot be read";
	if (t->unread)
		return "the index does not answer";
	if (t->files == -1)
		return "its folder cannot be read";
	if (t->files)
		return "its folder holds mail, but no mailboxes: bring that "
		    "file back, or move the folder away";
	return NULL;
}

void
first_use_again(struct account *a)
{
	struct call *waiter = a->idle_arg;
	const char *why;
	struct traces t;

	traces_read(a, &t);
	if ((why = keep_out(a, &t)) != NULL) {
		helper_answer(waiter, 1, why);
		account_end(a);
		return;
	}
	log_warn("%s: made anew by order; %u messages that the index knew are "
	    "given up", a->name, t.messages);
	first_go(a);
}
