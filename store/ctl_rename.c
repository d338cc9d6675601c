#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/mail/limits.h"
#include "lib/mail/user_path.h"
#include "store/account.h"
#include "store/account_adopt.h"
#include "store/account_commit.h"
#include "store/account_evidence.h"
#include "store/account_full.h"
#include "store/body.h"
#include "store/ctl_hold.h"
#include "store/ctl_rename.h"
#include "store/shard_chores.h"
#include "store/sum.h"
#include "store/text.h"

enum { PIECE = 1000 };		/* rows that are copied, or go, in one turn */

/* One of the two names. */
struct side {
	struct hold h;
	char	 name[ADDRESS_MAX + 1];
	char	 path[BODY_PATH_MAX / 2];
	int	 there;			/* it has a folder */
	int	 complete;		/* and an index that is whole */
};

struct renaming {
	struct side old, new;
	struct side *side;		/* that is looked at */
	struct traces traces;		/* of it */
	struct engine_scan scan;
	struct buf rows;		/* of a piece: lv key, lv value */
	enum engine_table table;
	uint64_t modseq;		/* none of the rows has a higher one */
	enum engine_result r;		/* of the last step */
	const char *why;
};

static const char *
may_leave(const char *name, void *arg)
{
	struct tables_user u;
	enum lookup r = store.user(name, &u);

	(void)arg;
	return r == LOOKUP_FOUND ? "the account is in the tables" :
	    r == LOOKUP_ERROR ? "the tables cannot be read" : NULL;
}

static const char *
may_come(const char *name, void *arg)
{
	(void)name;
	(void)arg;
	return NULL;
}

/* What the index knows of a side, in its shard. */
static void
look(struct call *c)
{
	struct renaming *r = c->arg;
	struct side *s = r->side;
	struct account *a = s->h.a;
	struct index_key k;
	struct buf v = BUF_INIT(0);

	traces_read(a, &r->traces);
	r->r = account_number(a, 1);
	if (r->r == ENGINE_DONE) {
		k = index_account_key(a->number, 'C');
		r->r = engine_get(a->db, ENGINE_CORE, k.k, k.len, &v);
	}
	s->complete = r->r == ENGINE_DONE;
	if (r->r == ENGINE_ABSENT)
		r->r = ENGINE_DONE;
	if (r->traces.unread)
		r->r = ENGINE_LATER;
	if (s == &r->old)
		r->modseq = shard_modseq(a->shard);
	buf_clear(&v);
	helper_done(c);
}

static int
failed(struct renaming *r, const char *why)
{
	r->why = why;
	return -1;
}

static int
look_at(struct renaming *r, struct side *s)
{
	r->side = s;
	s->there = body_user_present(s->path);
	if (hold_run(&s->h, look, r) == -1 || r->r != ENGINE_DONE)
		return failed(r, "the index does not answer");
	return 0;
}

/* All rows go but 'D', which keeps the numbers. */
static void
drop_rows(struct side *s, struct renaming *r)
{
	struct account *a = s->h.a;
	struct index_key from = index_account_key(a->number, 'R');
	struct index_key to = index_account_key(a->number, 'R' + 1);
	struct engine_batch b = account_own_batch(a);

	r->r = index_delete_some(a->db, &b);
	if (r->r == ENGINE_DONE)
		r->r = index_sweep(a->db, &b, UINT32_MAX, PIECE);
	if (r->r == ENGINE_DONE)
		r->r = index_delete(a->db, &b, ENGINE_CORE, &from, &to);
	engine_batch_clear(&b);
}

static void
drop_old(struct call *c)
{
	struct renaming *r = c->arg;

	drop_rows(&r->old, r);
	helper_done(c);
}

static void
drop_new(struct call *c)
{
	struct renaming *r = c->arg;

	drop_rows(&r->new, r);
	helper_done(c);
}

static int
durable(void)
{
	return engine_durable(store.engine, engine_token(store.engine)) ==
	    ENGINE_DONE ? 0 : -1;
}

static int
drop_all(struct renaming *r, struct side *s, void (*fn)(struct call *))
{
	for (r->r = ENGINE_MORE; r->r == ENGINE_MORE;)
		if (hold_run(&s->h, fn, r) == -1)
			return -1;
	return r->r == ENGINE_DONE ? durable() : -1;
}

/* The numbers of the old name outlive it. */
static void
keep_numbers(struct call *c)
{
	struct renaming *r = c->arg;
	struct account *a = r->old.h.a;
	struct engine_batch b = account_own_batch(a);

	index_put_last(&b, r->traces.highest_id, r->traces.last_uidvalidity);
	r->r = engine_commit_one(a->db, &b);
	engine_batch_clear(&b);
	helper_done(c);
}

static int
take_row(void *arg, const void *key, size_t klen, const void *value,
    size_t vlen)
{
	struct renaming *r = arg;
	const char *k = key;

	/* (account, 0) 'C' and 'D' are written apart. */
	if (r->table == ENGINE_CORE && klen == ENGINE_GROUP + 1 &&
	    (k[ENGINE_GROUP] == 'C' || k[ENGINE_GROUP] == 'D') &&
	    memcmp(k + 4, "\0\0\0\0", 4) == 0)
		return 0;
	buf_put_lv(&r->rows, key, klen);
	buf_put_lv(&r->rows, value, vlen);
	return 0;
}

/* In the shard of the old name. */
static void
read_piece(struct call *c)
{
	struct renaming *r = c->arg;

	r->r = engine_scan(r->old.h.a->db, &r->scan, take_row, r);
	helper_done(c);
}

/* In that of the new one: the key begins with another number. */
static void
write_piece(struct call *c)
{
	struct renaming *r = c->arg;
	struct account *a = r->new.h.a;
	struct engine_batch b = account_own_batch(a);
	struct index_key group = index_group(a->number, 0);
	unsigned char key[ENGINE_KEY_MAX];
	struct cursor cur;
	const char *k, *v;
	size_t klen, vlen;

	cursor_init(&cur, r->rows.data, r->rows.len);
	while (cursor_left(&cur) > 0) {
		k = cursor_lv(&cur, &klen, sizeof(key));
		v = cursor_lv(&cur, &vlen, UINT32_MAX);
		if (cur.bad || klen < 4)
			break;
		memcpy(key, k, klen);
		memcpy(key, group.k, 4);
		engine_put(&b, r->table, key, klen, v, vlen);
	}
	r->r = cur.bad ? ENGINE_LATER : b.n == 0 ? ENGINE_DONE :
	    engine_commit_one(a->db, &b);
	engine_batch_clear(&b);
	helper_done(c);
}

static int
copy_table(struct renaming *r, enum engine_table t)
{
	struct index_key from = index_group(r->old.h.a->number, 0);
	struct index_key to = index_group(r->old.h.a->number + 1, 0);
	enum engine_result more = ENGINE_MORE;

	index_scan(&r->scan, t, &from, &to);
	r->scan.max = PIECE;
	r->table = t;
	while (more == ENGINE_MORE) {
		buf_reset(&r->rows);
		if (hold_run(&r->old.h, read_piece, r) == -1)
			return -1;
		more = r->r;
		if (more > ENGINE_MORE || hold_run(&r->new.h, write_piece,
		    r) == -1 || r->r != ENGINE_DONE)
			return -1;
	}
	return more == ENGINE_DONE ? 0 : -1;
}

/* Its rows are all there; and what comes next has higher numbers. */
static void
complete_new(struct call *c)
{
	struct renaming *r = c->arg;
	struct account *a = r->new.h.a;
	struct engine_batch b = account_own_batch(a);
	struct index_key k = index_account_key(a->number, 'C');

	engine_put(&b, ENGINE_CORE, k.k, k.len, "", 0);
	r->r = engine_commit_one(a->db, &b);
	engine_batch_clear(&b);
	shard_modseq_above(a->shard, r->modseq);
	helper_done(c);
}

static int
copy_all(struct renaming *r)
{
	return drop_all(r, &r->new, drop_new) == -1 ||
	    copy_table(r, ENGINE_CORE) == -1 ||
	    copy_table(r, ENGINE_CACHE) == -1 || durable() == -1 ||
	    hold_run(&r->new.h, complete_new, r) == -1 ||
	    r->r != ENGINE_DONE ? -1 : durable();
}

/* Ids for life that came of the name stay what they were (RFC 8474). */
static int
keep_ids(struct renaming *r)
{
	struct buf text = BUF_INIT(MAILBOXES_FILE_MAX), why = BUF_INIT(200);
	struct boxes b = { 0 };
	int done = 0;

	if (text_read(r->old.path, 0, "mailboxes", &text) == 0 &&
	    boxes_parse(&b, buf_str(&text), text.len, &why) == 0) {
		if (r->traces.highest_id < b.next_id)
			r->traces.highest_id = b.next_id;
		if (r->traces.last_uidvalidity < b.last_uidvalidity)
			r->traces.last_uidvalidity = b.last_uidvalidity;
		if (boxes_no_id(b.oid)) {
			memcpy(b.oid, r->old.h.a->id, sizeof(b.oid));
			buf_reset(&text);
			boxes_format(&b, &text);
			done = text_replace(r->old.path, 0, "mailboxes",
			    text.data, text.len);
		}
	}
	boxes_clear(&b);
	buf_clear(&text);
	buf_clear(&why);
	return done;
}

static int
move_mail(struct renaming *r)
{
	if (r->new.there)
		return failed(r, "there is mail under the new name");
	if (keep_ids(r) == -1)
		return failed(r, strerror(errno));
	if (r->old.complete && copy_all(r) == -1)
		return failed(r, "the index does not answer");
	if (hold_run(&r->old.h, keep_numbers, r) == -1 ||
	    r->r != ENGINE_DONE || drop_all(r, &r->old, drop_old) == -1)
		return failed(r, "the index does not answer");
	return body_user_rename(r->old.path, r->new.path) == -1 ?
	    failed(r, strerror(errno)) : 0;
}

/* Both are held. */
static int
rename_held(struct renaming *r)
{
	if (look_at(r, &r->new) == -1 || look_at(r, &r->old) == -1)
		return -1;
	if (!r->old.there && !r->new.there && r->traces.messages > 0)
		return failed(r, "its folder is not there: bring it back");
	if (r->old.there) {
		if (move_mail(r) == -1)
			return -1;
		log_info("%s: its mail is that of %s now", r->old.name,
		    r->new.name);
	} else if (!r->new.there) {
		r->new.h.a->no_former = 1;
	}
	full_change(r->old.name, 0);
	sum_rename(r->old.name, r->new.name);
	return 0;
}

static int
side_init(struct side *s, const char *name,
    const char *(*may)(const char *, void *))
{
	if (str_copy(s->name, sizeof(s->name), name) == -1 ||
	    user_path(s->name, s->path, sizeof(s->path)) == -1)
		return -1;
	s->h.name = s->name;
	s->h.may = may;
	return 0;
}

static int
rename_both(struct renaming *r, struct buf *why)
{
	int done;

	if (hold_take(&r->old.h, why) == -1)
		return -1;
	r->new.h.guests = 1;
	if (hold_take(&r->new.h, why) == -1) {
		hold_end(&r->old.h);
		return r->new.h.loaded ? 0 : -1;
	}
	done = rename_held(r);
	if (done == -1)
		buf_set(why, "%s", r->why);
	hold_end(&r->old.h);
	hold_end(&r->new.h);
	buf_clear(&r->rows);
	return done;
}

/* No account has that name yet. */
static int
is_free(struct renaming *r, struct buf *why)
{
	int done;

	if (hold_take(&r->new.h, why) == -1)
		return -1;
	done = look_at(r, &r->new);
	if (done == 0 && (r->new.there || r->traces.messages > 0))
		done = failed(r, "there is mail of an earlier account of that "
		    "name");
	hold_end(&r->new.h);
	if (done == -1)
		buf_set(why, "%s", r->why);
	return done;
}

int
rename_user(const char *name, struct buf *why)
{
	struct renaming *r = mem_zalloc(1, sizeof(*r));
	char former[ADDRESS_MAX + 1];
	struct tables_user u;
	enum lookup is = store.user(name, &u), was;
	int done = -1;

	was = store.former(name, former);
	if (is == LOOKUP_ERROR || was == LOOKUP_ERROR)
		buf_set(why, "the tables cannot be read");
	else if (side_init(&r->new, name, may_come) == -1)
		buf_set(why, "no such account name");
	else if (is == LOOKUP_ABSENT)
		done = is_free(r, why);
	else if (was == LOOKUP_ABSENT)
		done = 0;	/* it is done */
	else if (side_init(&r->old, former, may_leave) == -1)
		buf_set(why, "no such account name");
	else
		done = rename_both(r, why);
	free(r);
	return done;
}

/* Nobody asked for it: the command did not live to do so. */

struct late {
	struct chore chore;
	char	*name;
};

static void
late_run(struct chore *c)
{
	struct late *l = (struct late *)c;
	struct buf why = BUF_INIT(300);

	if (!helper_stopping() && rename_user(l->name, &why) == -1)
		log_warn("%s: %s; its mail waits", l->name, buf_str(&why));
	buf_clear(&why);
	free(l->name);
	free(l);
}

void
rename_late(const char *name)
{
	struct late *l = mem_zalloc(1, sizeof(*l));

	l->chore.run = late_run;
	l->name = mem_strdup(name);
	helper_post(HELPER_DEMAND, &l->chore);
}
