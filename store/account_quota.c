/* Quotas come from the compiled tables (tables.h), and are kept for some
   seconds. */
#include "config.h"

#include "lib/base/clock.h"
#include "store/account.h"
#include "store/account_full.h"
#include "store/account_quota.h"
#include "store/sum.h"
#include "store/warn_text.h"

enum { QUOTA_KEEP = 3000 };	/* ms a table row is believed */

void
quota_system(struct tables_user *u)
{
	if (!(u->flags & TABLES_NO_QUOTA))
		return;
	u->quota_size = store.conf.quota;
	u->quota_count = store.conf.quota_messages;
}

static enum lookup
quota_read(struct account *a)
{
	int64_t now = clock_mono_ms();
	enum lookup r;

	if (a->quota_read != 0 && now - a->quota_read < QUOTA_KEEP)
		return LOOKUP_FOUND;
	r = store.user(a->name, &a->quota);
	if (r == LOOKUP_FOUND)
		quota_system(&a->quota);
	a->quota_read = r == LOOKUP_FOUND ? now : 0;
	return r;
}

int
quota_is_full(const struct tables_user *q, uint64_t size, uint64_t count)
{
	return (q->quota_size != 0 && size >= q->quota_size) ||
	    (q->quota_count != 0 && count >= q->quota_count);
}

static enum quota
quota_known(struct account *a)
{
	switch (quota_read(a)) {
	case LOOKUP_ABSENT:
		return QUOTA_NO_USER;
	case LOOKUP_ERROR:
		return QUOTA_LATER;
	case LOOKUP_FOUND:
		break;
	}
	return QUOTA_OK;
}

uint64_t
quota_pop3_keep_of(const struct tables_user *u)
{
	return u->pop3_keep == TABLES_UNSAID ? store.conf.pop3_keep :
	    u->pop3_keep;
}

enum quota
quota_pop3_keep(struct account *a, uint64_t *keep_r)
{
	enum quota r = quota_known(a);

	if (r == QUOTA_OK)
		*keep_r = quota_pop3_keep_of(&a->quota);
	return r;
}

enum quota
quota_check(struct account *a, uint64_t size, uint64_t count)
{
	enum quota r = quota_known(a);
	uint64_t used, number;

	if (r != QUOTA_OK)
		return r;
	account_usage(a, &used, &number);
	if ((a->quota.quota_size != 0 && used + size > a->quota.quota_size) ||
	    (a->quota.quota_count != 0 &&
	    number + count > a->quota.quota_count))
		return QUOTA_FULL;
	return sum_check(a->name, size, count);
}

enum quota
quota_delivery(struct account *a, uint64_t size)
{
	enum quota r = quota_known(a);
	uint64_t used, number;

	if (r != QUOTA_OK)
		return r;
	if (a->quota.quota_size != 0 && size > a->quota.quota_size)
		return QUOTA_NEVER;
	account_usage(a, &used, &number);
	return quota_is_full(&a->quota, used, number) ? QUOTA_FULL :
	    sum_delivery(a->name, size);
}

int
quota_usage(struct account *a, struct warn_usage *u)
{
	if (quota_read(a) != LOOKUP_FOUND)
		return -1;
	account_usage(a, &u->size, &u->count);
	u->size_max = a->quota.quota_size;
	u->count_max = a->quota.quota_count;
	return 0;
}

static int missed;		/* a change could not be judged */

int
quota_missed(void)
{
	return __atomic_exchange_n(&missed, 0, __ATOMIC_ACQ_REL);
}

void
quota_note(struct account *a)
{
	uint64_t size, count;
	enum lookup r = quota_read(a);
	int now;

	sum_note(a);
	if (r == LOOKUP_ERROR && a->full)
		__atomic_store_n(&missed, 1, __ATOMIC_RELEASE);
	if (r != LOOKUP_FOUND)
		return;
	account_usage(a, &size, &count);
	now = quota_is_full(&a->quota, size, count);
	if (now == a->full)
		return;
	a->full = now;
	full_change(a->name, now);
}

void
quota_forget(struct account *a)
{
	a->quota_read = 0;
	quota_note(a);
}
