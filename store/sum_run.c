#include "config.h"

#include <pthread.h>

#include "store/account_full.h"
#include "store/account_quota_all.h"
#include "store/account_warn.h"
#include "store/shard.h"
#include "store/sum.h"
#include "store/sum_read.h"
#include "store/sum_run.h"
#include "store/sum_warn.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct {
	struct item item;
	int	 running, anew;
} resolving;

/* While its mail waits to be moved to a new name, too. */
static enum lookup
counts(const char *name)
{
	struct tables_user u;
	enum lookup r = store.user(name, &u);

	return r == LOOKUP_ABSENT ? store.moving(name) : r;
}

static int
take_anew(void)
{
	int anew;

	pthread_mutex_lock(&lock);
	anew = resolving.anew;
	resolving.anew = 0;
	pthread_mutex_unlock(&lock);
	return anew;
}

static void
resolve_run(struct item *i)
{
	int more = sum_resolve(take_anew()) && !shard_stopping(i->shard);

	pthread_mutex_lock(&lock);
	more |= resolving.anew && !shard_stopping(i->shard);
	resolving.running = more;
	pthread_mutex_unlock(&lock);
	if (more)
		shard_post(i);
}

static void
resolve_all(void)
{
	int begin;

	pthread_mutex_lock(&lock);
	begin = !resolving.running;
	resolving.anew = 1;
	resolving.running = 1;
	pthread_mutex_unlock(&lock);
	if (!begin)
		return;
	resolving.item.shard = shard_at(0);
	resolving.item.run = resolve_run;
	shard_post(&resolving.item);
}

/* 1 where they are kept from now on. */
static int
turn_on(void)
{
	enum lookup r = store.sums();

	if (r == LOOKUP_ERROR)
		(void)sum_owed(1);
	if (r == LOOKUP_FOUND) {
		sum_turn_on();
		sum_read();
	}
	return r == LOOKUP_FOUND;
}

void
sum_start(void)
{
	sum_begin(&(struct sum_ways){ .where = store.sum, .counts = counts,
	    .full = full_change, .level = warn_level, .tell = sum_warn });
	(void)turn_on();
}

void
sum_tables(void)
{
	(void)sum_owed(0);
	if (sum_is_on()) {
		sum_bounds();
		resolve_all();
	} else if (turn_on()) {
		quota_walk();
	}
}

void
sum_tick(void)
{
	if (sum_is_on())
		sum_warnings();
	if (sum_owed(0))
		sum_tables();
}
