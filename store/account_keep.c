#include "config.h"

#include "lib/base/clock.h"
#include "store/account.h"
#include "store/account_flags.h"
#include "store/account_keep.h"
#include "store/shard_impl.h"

enum {
	LOOK = 64,		/* accounts that one end of a turn looks at */
	LOOK_MORE = 4,		/* ... where few are to go */
};

static void
list_remove(struct account *a)
{
	struct shard *s = a->shard;

	*(a->newer != NULL ? &a->newer->older : &s->newest) = a->older;
	*(a->older != NULL ? &a->older->newer : &s->oldest) = a->newer;
	s->n_mailboxes -= a->counted;
	a->counted = 0;
}

/* As the newest. */
static void
list_add(struct account *a)
{
	struct shard *s = a->shard;

	a->newer = NULL;
	a->older = s->newest;
	*(a->older != NULL ? &a->older->newer : &s->oldest) = a;
	s->newest = a;
	a->counted = a->n_mailboxes;
	s->n_mailboxes += a->counted;
	a->used = clock_mono_ms();
}

void
account_keep(struct account *a)
{
	struct account **b = shard_bucket(a->shard, a->name);

	a->next = *b;
	*b = a;
	a->shard->n_accounts++;
	list_add(a);
}

void
account_use(struct account *a)
{
	list_remove(a);
	list_add(a);
}

void
account_drop(struct account *a)
{
	struct account **b = shard_bucket(a->shard, a->name);

	while (*b != a)
		b = &(*b)->next;
	*b = a->next;
	a->shard->n_accounts--;
	list_remove(a);
	account_free(a);
}

/* By something that ends by itself. */
static int
in_use(const struct account *a)
{
	return a->tasks > 0 || a->busy || a->waiting != NULL || a->changed ||
	    a->lost || a->left != NULL || a->kept.looking;
}

/* 1 where something of it is not written yet. */
static int
behind(const struct account *a)
{
	size_t i;

	for (i = 0; i < a->n_mailboxes; i++)
		if (a->mailbox[i]->dirty_since != 0 ||
		    a->mailbox[i]->row_dirty)
			return 1;
	return 0;
}

static void
write_behind(struct account *a)
{
	size_t i;

	for (i = 0; i < a->n_mailboxes; i++)
		if (a->mailbox[i]->dirty_since != 0)
			flagsfile_flush(a->mailbox[i]);
}

static size_t
over(size_t n, size_t max)
{
	max /= store.n_shards;
	return n > max ? n - max : 0;
}

/* About how many are to go. */
static size_t
too_many(const struct shard *s)
{
	size_t n = over(s->n_accounts, store.accounts_max > 0 ?
	    store.accounts_max : ACCOUNTS_MAX);

	return n > 0 ? n : over(s->n_mailboxes, MAILBOXES_MAX);
}

void
accounts_bound(struct shard *s)
{
	struct account *a = s->oldest, *newer;
	size_t look = too_many(s) * 2 + LOOK_MORE;

	for (look = look < LOOK ? look : LOOK; a != NULL && look > 0 &&
	    too_many(s) > 0; look--) {
		newer = a->newer;
		if (a->n_clients > 0)
			account_use(a);
		else if (in_use(a))
			;
		else if (behind(a))
			write_behind(a);
		else
			account_drop(a);
		a = newer;
	}
}

void
accounts_expire(struct shard *s)
{
	int64_t older_than = clock_mono_ms() - ACCOUNT_IDLE;
	struct account *a, *newer;

	for (a = s->oldest; a != NULL && a->used <= older_than; a = newer) {
		newer = a->newer;
		if (a->n_clients > 0)
			account_use(a);
		else if (!in_use(a) && !behind(a))
			account_drop(a);
	}
}
