#include "config.h"

#include <unistd.h>

#include "store/account.h"
#include "store/account_commit.h"
#include "store/account_load.h"
#include "store/ctl_hold.h"
#include "store/door_client.h"

enum {
	TRIES = 1200,		/* while it is busy, TRY_US apart */
	TRY_US = 50000,
};

/* In the shard, the account idle. What waits for a commit has no other place. */
static void
idle(struct account *a)
{
	struct hold *h = a->idle_arg;

	if (a->state == ACCOUNT_READY && account_commit(a) == -1) {
		h->refused = "the index cannot be written";
		h->result = HOLD_NO;
		account_end(a);
	} else {
		account_unload(a);
	}
	helper_done(&h->call);
}

static void
begin(struct call *c)
{
	struct hold *h = c->arg;

	h->result = HOLD_OK;
	if ((h->refused = h->may(h->name, h->arg)) != NULL ||
	    (h->a = account_find(c->item.shard, h->name)) == NULL)
		h->result = HOLD_NO;
	else if (h->a->busy)
		h->result = HOLD_BUSY;
	else if (h->guests && h->a->state == ACCOUNT_READY) {
		h->loaded = 1;
		h->result = HOLD_NO;
	}
	if (h->result != HOLD_OK) {
		helper_done(c);
		return;
	}
	while (!h->guests && h->a->n_clients > 0)
		client_drop(h->a->clients[0], NULL);
	if (h->a->busy) {
		h->result = HOLD_BUSY;
		helper_done(c);
		return;
	}
	account_begin(h->a, idle, h);
}

int
hold_take(struct hold *h, struct buf *why)
{
	int i;

	for (i = 0; i < TRIES; i++) {
		if (hold_run(h, begin, h) == -1) {
			h->result = HOLD_NO;
			h->refused = "the store stops";
		}
		if (h->result != HOLD_BUSY)
			break;
		usleep(TRY_US);
	}
	if (h->result == HOLD_OK)
		return 0;
	buf_set(why, "%s", h->result == HOLD_BUSY ? "busy for too long" :
	    h->refused != NULL ? h->refused : "no such account name");
	return -1;
}

int
hold_run(struct hold *h, void (*fn)(struct call *), void *arg)
{
	h->call.fn = fn;
	h->call.arg = arg;
	return helper_call(shard_of(h->name, NULL), &h->call);
}

static void
give_back(struct call *c)
{
	struct hold *h = c->arg;

	account_reload(h->a);
	helper_done(c);
}

void
hold_end(struct hold *h)
{
	(void)!hold_run(h, give_back, h);
}
