/*
 * Once an hour: what a removal left (ctl_remove.h); what goes by its age (ctl_expire.h); expunged messages and the folders of deleted mailboxes go when
 * they are older than expunged_keep, by time that ran (age.h), and where they
 * are more than expunged_size. What the index keeps of them goes by the time in
 * its rows. Since when they are so tells the inode's ctime, which link, rename
 * and our own touch set and nobody can set back.
 */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "lib/base/log.h"
#include "store/account_expunged.h"
#include "store/age.h"
#include "store/body.h"
#include "store/ctl_expire.h"
#include "store/ctl_remove.h"
#include "store/ctl_walk.h"
#include "store/file_mailboxes.h"
#include "store/index.h"
#include "store/shard.h"
#include "store/shard_chores.h"
#include "store/text.h"

enum {
	EVERY = 3600,		/* seconds */
};

static ev_timer timer;
static struct chore chore;
static int sweeping;

static int
expired(int64_t since)
{
	return since < age_cutoff(store.conf.expunged_keep);
}

static void
sweep_mailbox(const char *who, const char *path, const struct boxes *b,
    uint32_t id)
{
	int64_t since;
	unsigned n;

	if (boxes_has(b, id) || id >= b->next_id) {
		if ((n = expunged_old(who, path, id,
		    age_cutoff(store.conf.expunged_keep))) > 0)
			log_info("%s: %u expunged messages of mailbox %u are "
			    "removed", who, n, id);
	} else if (body_mailbox_since(path, id, &since) == 0 &&
	    expired(since / 1000000)) {
		log_info("%s: the folder of deleted mailbox %u is removed",
		    who, id);
		if (body_remove_mailbox(path, id) == -1)
			log_warn("mailbox folder %s/%u: %s", path, id,
			    strerror(errno));
	}
}

static void
sweep_mailboxes(const char *who, const char *path, const struct boxes *b)
{
	struct body_list *l = body_list_mailboxes(path);
	const struct body_entry *e;
	int i, n;

	while (l != NULL && (n = body_list_next(l, &e)) > 0)
		for (i = 0; i < n; i++)
			sweep_mailbox(who, path, b, e[i].number);
	body_list_end(&l);
}

static int
sweep_user(void *arg, const char *name, const char *path)
{
	struct buf text = BUF_INIT(16 << 20), why = BUF_INIT(200);
	struct boxes b = { 0 };

	if (text_read(path, 0, "mailboxes", &text) == 0 &&
	    boxes_parse(&b, buf_str(&text), text.len, &why) == 0) {
		expire_user(name, &b);
		sweep_mailboxes(name, path, &b);
	}
	expunged_forget(name, age_cutoff(store.conf.expunged_keep));
	(void)expunged_bound(name, path);
	boxes_clear(&b);
	buf_clear(&text);
	buf_clear(&why);
	return 0;
}

static void
sweep_run(struct chore *c)
{
	struct buf why = BUF_INIT(200);

	remove_rest();
	expire_begin();
	if (walk_users(NULL, sweep_user, NULL, &why) == -1)
		log_warn("sweep: %s", buf_str(&why));
	buf_clear(&why);
	__atomic_store_n(&sweeping, 0, __ATOMIC_RELEASE);
}

static void
sweep_cb(struct ev_loop *loop, ev_timer *w, int revents)
{
	if (__atomic_exchange_n(&sweeping, 1, __ATOMIC_ACQUIRE))
		return;
	chore.run = sweep_run;
	helper_post(HELPER_BACKGROUND, &chore);
}

void
sweep_start(struct ev_loop *loop)
{
	ev_timer_init(&timer, sweep_cb, 60.0, EVERY);
	ev_timer_start(loop, &timer);
}
