/*
 * The first use of an account: INBOX and the special-use mailboxes (RFC 6154)
 * are made, each folder synced in every parent, then `mailboxes`, then the
 * rows of the index.
 */
#include "config.h"

#include <errno.h>
#include <string.h>
#include <stdlib.h>

#include "lib/base/fd.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "store/account.h"
#include "store/body.h"

static const struct {
	const char *name;
	uint32_t attrs;
} first[] = {
	{ "INBOX", 0 }, { "Drafts", ATTR_DRAFTS }, { "Sent", ATTR_SENT },
	{ "Junk", ATTR_JUNK }, { "Trash", ATTR_TRASH },
	{ "Archive", ATTR_ARCHIVE },
};

enum { FIRST = sizeof(first) / sizeof(first[0]) };

struct first_task {
	struct task t;
	struct buf text;
	uint32_t id[FIRST];
};

static void
first_files(struct task *t)
{
	struct first_task *f = (struct first_task *)t;
	const char *path = t->account->path;
	int e = 0, dir;
	size_t i;

	for (i = 0; i < FIRST && e == 0; i++)
		e = body_make_mailbox(path, f->id[i]);
	if (e == 0 && (dir = body_user_dir(path)) != -1) {
		if (fd_replace(dir, "mailboxes", 0600, f->text.data,
		    f->text.len) == -1)
			e = errno;
		fd_close(&dir);
	} else if (e == 0)
		e = errno;
	if (e != 0)
		task_fail(t, D_LATER, strerror(e));
}

static void
first_commit(struct task *t)
{
	struct account *a = t->account;
	struct engine_batch *b;
	struct index_key k;
	size_t i;

	if (t->error != D_OK)
		return;
	(void)index_number(a->db, a->name, 1, &a->number);
	b = shard_batch(a->shard, a->db_number);
	k = index_account_key(a->number, 'C');
	engine_put(b, ENGINE_CORE, k.k, k.len, "", 0);
	for (i = 0; i < a->n_mailboxes; i++)
		shard_row(a->mailbox[i]);
}

static void
first_finish(struct task *t)
{
	struct first_task *f = (struct first_task *)t;
	struct account *a = t->account;

	if (t->error != D_OK) {
		log_warn("%s: the first mailboxes: %s", a->name, t->words);
		while (a->n_mailboxes > 0)
			account_remove(a, a->mailbox[0]);
		a->inbox = NULL;
		a->state = ACCOUNT_BROKEN;
	} else {
		a->state = ACCOUNT_READY;
		account_changed(a);
	}
	buf_clear(&f->text);
	free(f);
	account_end(a);
}

static const struct task_kind first_kind = {
	first_files, first_commit, first_finish, NULL
};

static void
first_go(struct account *a)
{
	struct first_task *f = mem_zalloc(1, sizeof(*f));
	size_t i;

	f->t.kind = &first_kind;
	f->t.account = a;
	a->next_id = 1;
	for (i = 0; i < FIRST; i++)
		f->id[i] = account_add(a, first[i].name,
		    first[i].attrs | ATTR_SUBSCRIBED)->id;
	account_format(a, &f->text);
	task_submit(&f->t);
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
		account_begin(a, first_go, NULL);
	}
}
