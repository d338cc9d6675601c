/*
 * After a crash within a DELETE: `mailboxes` no longer has the mailbox, but
 * the index still has its rows. Nobody else would ever look at them, and they
 * would count in the quota.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "store/account.h"
#include "store/account_commit.h"
#include "store/account_orphans.h"
#include "store/body.h"
#include "store/text.h"

enum { SLICE = 1024 };	/* rows of each table in one task */

/* Mailboxes that are no more, whose rows go in slices. */
struct leftover {
	struct task t;
	uint32_t *id;
	size_t	 n;
	int	 under_way;
};

static void
slice_files(struct task *t)
{
	/* The sweeper's. */
}

static void
slice_commit(struct task *t)
{
	struct leftover *l = (struct leftover *)t;
	struct account *a = t->account;
	struct engine_batch b = account_own_batch(a);
	enum engine_result r;

	if (t->error != D_OK)
		return;
	r = index_delete_mailbox(a->db, &b, l->id[l->n - 1], SLICE);
	if (account_failed(a, r))
		task_fail(t, D_LATER, "the index cannot be written");
	else if (r == ENGINE_DONE)
		l->n--;
	engine_batch_clear(&b);
}

static void
leftover_end(struct account *a)
{
	free(a->left->id);
	free(a->left);
	a->left = NULL;
	a->go_on = NULL;
}

/* What is left at a stop, or where it failed, goes after the next load. */
static void
slice_finish(struct task *t)
{
	struct leftover *l = (struct leftover *)t;
	struct account *a = t->account;

	l->under_way = 0;
	if (t->error != D_OK || l->n == 0 || shard_stopping(a->shard))
		leftover_end(a);
	else
		a->go_on(a);
}

static const struct task_kind slice_kind = {
	slice_files, slice_commit, slice_finish, 1
};

/* The next slice; account_end asks again where somebody is alone in it. */
static void
leftover_go(struct account *a)
{
	if (a->left->under_way || a->busy)
		return;
	a->left->under_way = 1;
	task_submit(&a->left->t);
}

void
leftover_rows(struct account *a, uint32_t mailbox)
{
	if (a->left == NULL) {
		a->left = mem_zalloc(1, sizeof(*a->left));
		a->left->t.kind = &slice_kind;
		a->left->t.account = a;
		a->go_on = leftover_go;
	}
	a->left->id = mem_realloc(a->left->id, a->left->n + 1,
	    sizeof(*a->left->id));
	a->left->id[a->left->n++] = mailbox;
	leftover_go(a);
}

struct looking {
	const struct account *a;
	uint32_t *id;
	size_t	 n;
};

static int
leftover_row(void *arg, const void *key, size_t klen, const void *value,
    size_t vlen)
{
	struct looking *l = arg;
	uint32_t id = index_tail_u32(key, klen);

	if (account_mailbox(l->a, id) != NULL)
		return 0;
	l->id = mem_realloc(l->id, l->n + 1, sizeof(*l->id));
	l->id[l->n++] = id;
	return 0;
}

/* The list may have come by a rename that a power cut would take back. */
static int
list_sync(const struct account *a)
{
	int r = text_sync(a->path);

	if (r == -1)
		log_warn("mail/%s: %s", a->path, strerror(errno));
	return r;
}

int
leftover_delete(struct account *a)
{
	struct looking l = { a, NULL, 0 };
	enum engine_result r;
	struct engine_scan s;
	size_t i;

	index_scan_kind(&s, a->number, 'M');
	r = engine_scan(a->db, &s, leftover_row, &l);
	if (r == ENGINE_DONE && l.n > 0 && a->left == NULL &&
	    list_sync(a) == 0) {
		log_info("%s: %zu mailboxes of the index are not in the list: "
		    "they go", a->name, l.n);
		for (i = 0; i < l.n; i++) {
			body_unused(a->path, l.id[i]);
			leftover_rows(a, l.id[i]);
		}
	}
	free(l.id);
	return r == ENGINE_DONE ? 0 : -1;
}
