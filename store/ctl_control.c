#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/fd.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/link/control.h"
#include "store/account.h"
#include "store/account_first_use.h"
#include "store/account_quota.h"
#include "store/account_quota_all.h"
#include "store/body.h"
#include "store/ctl_check.h"
#include "store/ctl_control.h"
#include "store/ctl_remove.h"
#include "store/ctl_rename.h"
#include "store/ctl_walk.h"
#include "store/door_serve.h"
#include "store/shard_chores.h"
#include "store/sum_run.h"

enum {
	SEND_MS = 20000,	/* for an operator who does not read */
	BATCH = 32 * 1024,	/* octets of rows in one write */
};

struct ctl_client {
	struct control_client c;
	struct ctl_chore {
		struct chore chore;
		struct ctl_client *ctl;
	} work;
	struct ctl_client *next;		/* given back by the helper */
	unsigned type;
	char	*user;
	uint64_t users, findings;
	struct buf why;
	struct buf first;		/* account that is not listed */
	enum c_status status;		/* of the end, and: */
	struct buf words;
};

static struct control control;
static ev_async back;
static struct ctl_client *returned;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* Rows. */

static void
send_now(struct ctl_client *c)
{
	if (!c->c.answer.lost &&
	    chan_send(control_chan(&c->c), SEND_MS) == -1)
		c->c.answer.lost = 1;
}

static void
row(struct ctl_client *c, const char *names)
{
	if (answer_row(&c->c.answer, names, -1) == 0 &&
	    control_chan(&c->c)->out.len > BATCH)
		send_now(c);
}

static void
finish(struct ctl_client *c, enum c_status status, const char *words)
{
	c->status = status;
	buf_set(&c->words, "%s", words);
}

/* The requests, in the helper. */

static int
list_user(void *arg, const char *name, const char *path)
{
	struct ctl_client *c = arg;
	struct answer *a = &c->c.answer;
	struct usage u = { 0 };

	if (usage_user(name, &u, &c->why) == -1) {
		log_warn("list: %s: %s", name, buf_str(&c->why));
		if (c->findings++ == 0)
			buf_set(&c->first, "%s: %s", name, buf_str(&c->why));
		return c->c.answer.lost;
	}
	answer_text(a, name);
	answer_number(a, u.mailboxes);
	answer_number(a, u.messages);
	answer_number(a, u.size);
	answer_number(a, u.quota_size);
	answer_number(a, u.quota_count);
	answer_bool(a, u.full);
	row(c, "user mailboxes messages size quota_size quota_count full");
	return c->c.answer.lost;
}

struct check_of {
	struct ctl_client *c;
	const char *name;
};

static void
check_found(void *arg, const char *mailbox, const char *words)
{
	struct check_of *k = arg;
	struct answer *a = &k->c->c.answer;

	k->c->findings++;
	answer_text(a, k->name);
	answer_text(a, mailbox[0] != '\0' ? mailbox : NULL);
	answer_text(a, words);
	row(k->c, "user mailbox finding");
}

static int
check_one(void *arg, const char *name, const char *path)
{
	struct ctl_client *c = arg;
	struct check_of k = { c, name };

	c->users++;
	if (check_user(name, path, check_found, &k, &c->why) == -1)
		check_found(&k, "", buf_str(&c->why));
	return c->c.answer.lost;
}

/* Without a path the operator named the user. */
static int
rebuild_one(void *arg, const char *name, const char *path)
{
	struct ctl_client *c = arg;
	struct answer *a = &c->c.answer;

	c->users++;
	if (rebuild_user(name, path == NULL, &c->why) == -1) {
		c->findings++;
		answer_text(a, name);
		answer_text(a, buf_str(&c->why));
		row(c, "user failure");
	}
	(void)!answer_progress(a, name, c->users);
	send_now(c);
	return c->c.answer.lost;
}

/* A list that leaves somebody out must not look like a whole one. */
static void
run_list(struct ctl_client *c)
{
	struct buf words = BUF_INIT(1000);

	if (walk_users(c->user, list_user, c, &c->why) == -1) {
		finish(c, C_REFUSED, buf_str(&c->why));
		return;
	}
	if (c->findings > 0)
		buf_printf(&words, "%" PRIu64 " accounts are not listed; the "
		    "first: %s", c->findings, buf_str(&c->first));
	finish(c, c->findings > 0 ? C_REFUSED : C_OK, buf_str(&words));
	buf_clear(&words);
}

static void
walked(struct ctl_client *c, const char *what)
{
	struct buf words = BUF_INIT(400);

	buf_printf(&words, "%" PRIu64 " users, %" PRIu64 " %s", c->users,
	    c->findings, what);
	finish(c, C_OK, buf_str(&words));
	buf_clear(&words);
}

static void
run_walk(struct ctl_client *c, int (*each)(void *, const char *, const char *),
    const char *what)
{
	if (walk_users(c->user, each, c, &c->why) == -1)
		finish(c, C_REFUSED, buf_str(&c->why));
	else
		walked(c, what);
}

/* A user that is named need not have a folder any more. */
static void
run_rebuild(struct ctl_client *c)
{
	if (c->user[0] == '\0') {
		run_walk(c, rebuild_one, "failures");
		return;
	}
	rebuild_one(c, c->user, NULL);
	walked(c, "failures");
}

static void
run_remove(struct ctl_client *c)
{
	struct answer *a = &c->c.answer;
	uint32_t messages;
	int r = remove_user(c->user, &messages, &c->why);

	if (r == 1) {
		answer_text(a, c->user);
		answer_number(a, messages);
		row(c, "user messages");
	} else if (r == 0) {
		buf_set(&c->why, "%s has no mailboxes", c->user);
	}
	finish(c, r == 1 ? C_OK : C_REFUSED, r == 1 ? "" : buf_str(&c->why));
}

static void
run_rename(struct ctl_client *c)
{
	if (rename_user(c->user, &c->why) == -1)
		finish(c, C_REFUSED, buf_str(&c->why));
	else
		finish(c, C_OK, "");
}

static void
counter(struct ctl_client *c, const char *name, uint64_t v)
{
	answer_text(&c->c.answer, name);
	answer_number(&c->c.answer, v);
	row(c, "counter value");
}

static void
run_status(struct ctl_client *c)
{
	counter(c, "threads", store.n_shards);
	counter(c, "delivered", atomic_load(&store.delivered));
	counter(c, "expired", atomic_load(&store.expired));
	counter(c, "octets_free", body_space());
	counter(c, "disk_full", (uint64_t)store_room());
	finish(c, C_OK, "");
}

static void
ctl_run(struct chore *chore)
{
	struct ctl_client *c = ((struct ctl_chore *)chore)->ctl;

	switch (c->type) {
	case C_STATUS:
		run_status(c);
		break;
	case C_RELOAD:
		ctl_reload();
		finish(c, C_OK, "");
		break;
	case C_LIST:
		run_list(c);
		break;
	case C_CHECK:
		run_walk(c, check_one, "findings");
		break;
	case C_REBUILD:
		run_rebuild(c);
		break;
	case C_REMOVE:
		run_remove(c);
		break;
	case C_RENAME:
		run_rename(c);
		break;
	default:
		finish(c, C_REFUSED, "store does not know that request");
	}
	pthread_mutex_lock(&lock);
	c->next = returned;
	returned = c;
	pthread_mutex_unlock(&lock);
	ev_async_send(control.loop, &back);
}

/* The loop's part. */

static int
asks_for(const struct msg *m, const char *door)
{
	const char *name;
	size_t len;

	name = msg_get(m, CF_ID, &len);
	return name != NULL && str_is(name, len, door);
}

/* A door of the operator's own to one account. NULL, or why there is none. */
static const char *
give_door(struct ctl_client *c, struct msg *m)
{
	int adds = asks_for(m, C_DOOR_ADDS);
	enum peer kind = adds || asks_for(m, C_DOOR_REMOVES) ? PEER_MIGRATE :
	    PEER_CTL;
	struct tables_user u;
	enum lookup r = store.user(c->user, &u);

	if (r != LOOKUP_FOUND)
		return r == LOOKUP_ABSENT ? "there is no such account" :
		    "the tables cannot be read";
	(adds ? client_new_adds : client_new)(kind, 0, c->user,
	    msg_get_fd(m, 0));
	return NULL;
}

static void
ctl_command(struct control_client *cc, struct msg *m)
{
	struct ctl_client *c = (struct ctl_client *)cc;
	const char *why;

	c->type = m->type;
	free(c->user);
	c->user = msg_get_dup(m, CF_USER);
	if (c->type == C_DOOR) {
		why = give_door(c, m);
		control_end(cc, why == NULL ? C_OK : C_REFUSED,
		    why == NULL ? "" : why);
		return;
	}
	c->users = c->findings = 0;
	c->work.ctl = c;
	c->work.chore.run = ctl_run;
	buf_init(&c->why, 500);
	buf_init(&c->first, 900);
	buf_clear(&c->words);
	buf_init(&c->words, 1000);
	control_lend(cc);
	helper_post(c->type == C_RENAME ? HELPER_DEMAND : HELPER_BACKGROUND,
	    &c->work.chore);
}

static void
ctl_back(struct ev_loop *l, ev_async *w, int revents)
{
	struct ctl_client *c, *next;

	pthread_mutex_lock(&lock);
	c = returned;
	returned = NULL;
	pthread_mutex_unlock(&lock);
	for (; c != NULL; c = next) {
		next = c->next;
		buf_clear(&c->why);
		buf_clear(&c->first);
		control_end(&c->c, c->status, buf_str(&c->words));
	}
}

static void
ctl_clear(struct control_client *cc)
{
	struct ctl_client *c = (struct ctl_client *)cc;

	buf_clear(&c->words);
	free(c->user);
}

static const struct control_kind store_control = {
	.size = sizeof(struct ctl_client),
	.command = ctl_command,
	.clear = ctl_clear,
};

void
ctl_listen(struct ev_loop *l, int fd)
{
	if (control.kind == NULL) {
		first_use_moving = rename_late;
		control_init(&control, l, &store_control);
		ev_async_init(&back, ctl_back);
		ev_async_start(l, &back);
	}
	control_listen(&control, fd);
}

static void
reload_run(struct item *i)
{
	shard_each_account(i->shard, quota_forget);
	free(i);
}

void
ctl_reload(void)
{
	struct item *i;
	unsigned n;

	for (n = 0; n < store.n_shards; n++) {
		i = mem_zalloc(1, sizeof(*i));
		i->shard = shard_at(n);
		i->run = reload_run;
		shard_post(i);
	}
	quota_full_again();
	sum_tables();
}
