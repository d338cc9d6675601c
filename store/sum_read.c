#include "config.h"

#include <stdatomic.h>
#include <string.h>

#include "lib/base/log.h"
#include "lib/mail/limits.h"
#include "store/ctl_check.h"
#include "store/ctl_walk.h"
#include "store/shard_chores.h"
#include "store/sum.h"
#include "store/sum_read.h"

static struct {
	struct chore chore;	/* first */
	atomic_int running;
	struct buf names;
	struct cursor c;
} reading;

static int
take_name(void *arg, const char *name, const char *path)
{
	buf_put_lv(&reading.names, name, strlen(name));
	return 0;
}

static void
end(void)
{
	buf_clear(&reading.names);
	sum_walks(-1);
	atomic_store(&reading.running, 0);
}

/* An account that cannot be read now counts when it is. */
static void
read_one(struct chore *chore)
{
	struct buf why = BUF_INIT(300);
	char name[ADDRESS_MAX + 1];
	struct usage u;
	const char *p;
	size_t len;

	if (cursor_left(&reading.c) == 0 || helper_stopping()) {
		end();
		return;
	}
	p = cursor_lv(&reading.c, &len, ADDRESS_MAX);
	if (p != NULL) {
		memcpy(name, p, len);
		name[len] = '\0';
		(void)!usage_user(name, &u, &why);
	}
	buf_clear(&why);
	chore->done++;
	helper_post(HELPER_BACKGROUND, chore);
}

static void
read_names(struct chore *chore)
{
	struct buf why = BUF_INIT(300);

	if (walk_users(NULL, take_name, NULL, &why) == -1)
		log_warn("what domains hold is known of accounts in use "
		    "alone: %s", buf_str(&why));
	buf_clear(&why);
	cursor_init(&reading.c, reading.names.data, reading.names.len);
	chore->run = read_one;
	helper_post(HELPER_BACKGROUND, chore);
}

void
sum_read(void)
{
	if ((store.clean && !store.fresh) ||
	    atomic_exchange(&reading.running, 1))
		return;
	sum_walks(1);
	reading.chore.run = read_names;
	reading.chore.done = 0;
	helper_post(HELPER_BACKGROUND, &reading.chore);
}
