/*
 * What an account commits, and its end where the index does not take it.
 */
#include "config.h"

#include "lib/base/log.h"
#include "store/account.h"
#include "store/account_commit.h"

struct engine_batch *
account_batch(struct account *a)
{
	shard_changed(a);
	return &a->batch;
}

struct engine_batch
account_own_batch(const struct account *a)
{
	return (struct engine_batch){ .account = a->number,
		.epoch = a->batch.epoch };
}

enum engine_result
account_number(struct account *a, int make)
{
	enum engine_result r = make ? index_number_make(a->db, store.epoch,
	    a->name, &a->number) : index_number(a->db, a->name, &a->number);

	a->batch.account = a->number;
	a->batch.epoch = store.epoch;
	return r;
}

int
account_failed(struct account *a, enum engine_result r)
{
	static const char *const why[] = {
		[ENGINE_FALSE] = "somebody else has changed its index",
		[ENGINE_LATER] = "its index does not answer",
		[ENGINE_LOST] = "another store owns its index",
	};

	if (r != ENGINE_FALSE && r != ENGINE_LATER && r != ENGINE_LOST)
		return 0;
	if (!a->lost)
		log_warn("%s: %s; it is read anew", a->name, why[r]);
	a->lost = 1;
	shard_lost(a->shard);
	return 1;
}

int
account_commit(struct account *a)
{
	struct engine_batch *const list[1] = { &a->batch };

	shard_put_rows(a->shard, a);
	if (a->lost)
		return -1;
	if (a->batch.n == 0)
		return 0;
	shard_committed(a->shard, engine_commit(a->db, list, 1));
	return account_failed(a, a->batch.result) ? -1 : 0;
}
