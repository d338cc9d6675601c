#include "config.h"

#include <errno.h>
#include <string.h>

#include "lib/base/log.h"
#include "lib/mail/user_path.h"
#include "store/account.h"
#include "store/account_adopt.h"
#include "store/account_commit.h"
#include "store/account_evidence.h"
#include "store/account_full.h"
#include "store/body.h"
#include "store/ctl_hold.h"
#include "store/ctl_remove.h"
#include "store/shard_chores.h"
#include "store/sum.h"
#include "store/text.h"

enum { PIECE = 2000 };		/* rows of what was expunged, of one turn */

struct removing {
	struct hold h;
	struct boxes boxes;		/* of its list; none: all 0 */
	struct traces traces;
	int	 known;			/* the index has a number for it */
	enum engine_result r;		/* of the last step */
};

static const char *
may_go(const char *name, void *arg)
{
	struct tables_user u;
	enum lookup r = store.user(name, &u);

	(void)arg;
	if (r == LOOKUP_FOUND)
		return "the account is in the tables";
	if (r == LOOKUP_ABSENT)
		r = store.moving(name);
	return r == LOOKUP_FOUND ? "its mail is that of the account's new name" :
	    r == LOOKUP_ERROR ? "the tables cannot be read" : NULL;
}

static void
larger(uint32_t *a, uint32_t b)
{
	if (*a < b)
		*a = b;
}

/* In the shard: the numbers that it had outlive it. */
static void
keep_numbers(struct call *c)
{
	struct removing *r = c->arg;
	struct account *a = r->h.a;
	struct engine_batch b;

	traces_read(a, &r->traces);
	r->r = r->traces.unread ? ENGINE_LATER :
	    account_number(a, r->boxes.n > 0);
	r->known = r->r == ENGINE_DONE;
	if (r->known) {
		larger(&r->traces.highest_id, r->boxes.next_id);
		larger(&r->traces.last_uidvalidity, r->boxes.last_uidvalidity);
		b = account_own_batch(a);
		index_put_last(&b, r->traces.highest_id,
		    r->traces.last_uidvalidity);
		r->r = engine_commit_one(a->db, &b);
		engine_batch_clear(&b);
	}
	helper_done(c);
}

/* ... a piece of its rows. */
static void
drop_rows(struct call *c)
{
	struct removing *r = c->arg;
	struct account *a = r->h.a;
	struct index_key from = index_account_key(a->number, 'R');
	struct index_key to = index_account_key(a->number, 'R' + 1);
	struct engine_batch b = account_own_batch(a);

	r->r = index_delete_some(a->db, &b);
	if (r->r == ENGINE_DONE)
		r->r = index_sweep(a->db, &b, UINT32_MAX, PIECE);
	if (r->r == ENGINE_DONE)
		r->r = index_delete(a->db, &b, ENGINE_CORE, &from, &to);
	engine_batch_clear(&b);
	helper_done(c);
}

/* 0; -1: the index does not answer. */
static int
drop_index(struct removing *r)
{
	if (hold_run(&r->h, keep_numbers, r) == -1)
		return -1;
	if (r->r == ENGINE_ABSENT)
		return 0;
	for (r->r = r->r == ENGINE_DONE ? ENGINE_MORE : r->r;
	    r->r == ENGINE_MORE;)
		if (hold_run(&r->h, drop_rows, r) == -1)
			return -1;
	return r->r == ENGINE_DONE && engine_durable(store.engine,
	    engine_token(store.engine)) == ENGINE_DONE ? 0 : -1;
}

/* What its list says, where there is one that can be read. */
static void
read_list(const char *path, struct boxes *b)
{
	struct buf text = BUF_INIT(MAILBOXES_FILE_MAX), why = BUF_INIT(200);

	if (text_read(path, 0, "mailboxes", &text) == -1 ||
	    boxes_parse(b, buf_str(&text), text.len, &why) == -1)
		boxes_clear(b);
	buf_clear(&text);
	buf_clear(&why);
}

/* Nothing but what is below the mail folder is removed. */
static int
check_links(const char *path, struct buf *why)
{
	char link[BODY_PATH_MAX];
	int r = body_user_link(path, link, sizeof(link));

	if (r == 1)
		buf_set(why, "mail/%s is a symbolic link: remove it, and what "
		    "it leads to, by hand", link);
	else if (r == -1)
		buf_set(why, "mail/%s: %s", path, strerror(errno));
	return r == 0 ? 0 : -1;
}

/* 1, 0: there was none of it; -1 with why. */
static int
remove_held(struct removing *r, const char *path, struct buf *why)
{
	int there;

	if (check_links(path, why) == -1)
		return -1;
	read_list(path, &r->boxes);
	if (drop_index(r) == -1) {
		buf_set(why, "the index does not answer");
		return -1;
	}
	if ((there = body_user_remove(path)) == -1) {
		buf_set(why, "mail/%s: %s", path, strerror(errno));
		return -1;
	}
	full_change(r->h.name, 0);
	sum_forget(r->h.name);
	if (there || r->traces.messages > 0)
		log_info("%s: all mail is removed, %u messages", r->h.name,
		    r->traces.messages);
	return there || r->traces.messages > 0;
}

int
remove_user(const char *name, uint32_t *messages_r, struct buf *why)
{
	struct removing r = { .h = { .name = name, .may = may_go } };
	char path[BODY_PATH_MAX / 2];
	int done, left = body_removed_present();

	*messages_r = 0;
	if (user_path(name, path, sizeof(path)) == -1) {
		buf_set(why, "no such account name");
		return -1;
	}
	if (hold_take(&r.h, why) == -1)
		return -1;
	done = remove_held(&r, path, why);
	hold_end(&r.h);
	boxes_clear(&r.boxes);
	*messages_r = r.traces.messages;
	/* Of one that was cut short, too. */
	if (done == 0)
		done = left;
	remove_rest();
	return done;
}

void
remove_rest(void)
{
	int r = 1;

	while (r == 1 && !helper_stopping())
		r = body_removed_next();
	if (r == -1)
		log_warn("mail/.removed: %s", strerror(errno));
}
