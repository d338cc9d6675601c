/*
 * What the requests say of the messages waits in the door (client.appends).
 * With the last the files are looked at and made durable one by one where they
 * lie, in mail/.new, which a start empties. That takes the time, and goes in
 * slices with others served between. Then one task links all of them, from
 * UIDNEXT on, and one commit has all rows: a kill leaves all or nothing, and
 * nobody sees a part.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/mail/door_proto.h"
#include "store/account.h"
#include "store/account_keywords.h"
#include "store/account_mailbox.h"
#include "store/account_message.h"
#include "store/account_quota.h"
#include "store/account_warn.h"
#include "store/body.h"
#include "store/index_cache.h"
#include "store/op_append_many.h"
#include "store/op_file.h"
#include "store/shard_files.h"
#include "store/shard_syncer.h"

enum {
	SLICE = 128,		/* files of one; less where the disk is slow */
	SLICE_MS = 5,
};

struct part {
	unsigned char id[DOOR_ID];	/* zeros: the next */
	char	 file[BODY_NAME];
	struct door_record rec;
	uint32_t crc;
	const char *keywords;		/* packed; in what was said */
	size_t	 keywords_len;
	struct keyword_set bits;
};

struct many_task {
	struct task t;
	struct mailbox *m;
	int	 imported;
	uint32_t next_uid;		/* before it had its places */
	struct buf said;
	struct part *part;
	size_t	 n;
	uint64_t size;			/* reserved */
	unsigned holds;			/* of the mailbox's keywords */
	enum {
		MANY_PUSH, MANY_CHECK, MANY_NAMES, MANY_LINK, MANY_BACK
	} phase;
	size_t	 at;			/* of the phase: done up to here */
};

/* The parts that wait */

static void
put_part(struct buf *b, const struct msg *m)
{
	const char *p;
	size_t len;

	p = msg_get(m, DF_NAME, &len);
	buf_put_lv(b, p, len);
	buf_put_u64(b, msg_get_u64(m, DF_SIZE));
	buf_put_u32(b, msg_get_u32(m, DF_CRC));
	buf_put_u32(b, msg_get_u32(m, DF_HEADER));
	buf_put_u32(b, msg_get_u32(m, DF_FLAGS));
	buf_put_u64(b, msg_get_u64(m, DF_DATE));
	p = msg_get(m, DF_NAMES, &len);
	buf_put_lv(b, p, len);
	buf_put_u32(b, msg_get_u32(m, DF_UID));
	p = msg_get(m, DF_RECORDS, &len);
	buf_put_lv(b, p, len);
}

/* The next one; what it is called is lent. */
static void
get_part(struct cursor *c, struct part *p, const char **name, size_t *name_len)
{
	const char *id;
	size_t len;

	memset(p, 0, sizeof(*p));
	*name = cursor_lv(c, name_len, DOOR_FILE_NAME);
	p->rec.size = cursor_u64(c);
	p->crc = cursor_u32(c);
	p->rec.header_len = cursor_u32(c);
	p->rec.flags = cursor_u32(c) & (FLAG_ALL | MARK_ALL);
	p->rec.date = (int64_t)cursor_u64(c);
	p->rec.save_date = (uint32_t)clock_now();
	index_sane(&p->rec);
	p->keywords = cursor_lv(c, &p->keywords_len, DOOR_APPENDS_SIZE);
	p->rec.uid = cursor_u32(c);
	id = cursor_lv(c, &len, DOOR_ID);
	if (id != NULL && len == sizeof(p->id))
		memcpy(p->id, id, len);
}

/* None of those that wait becomes a message. */
static void
parts_drop(struct client *c)
{
	char file[BODY_NAME];
	const char *name;
	struct cursor at;
	struct part p;
	size_t len;

	cursor_init(&at, buf_str(&c->appends), c->appends.len);
	while (cursor_left(&at) > 0 && !at.bad) {
		get_part(&at, &p, &name, &len);
		if (!at.bad && client_take_name(c, name, len, file) == 0)
			body_put_back(file);
	}
	buf_clear(&c->appends);
	c->n_appends = 0;
}

/* The task */

static void
many_fail(struct many_task *p, const char *what, enum body_result r)
{
	task_fail(&p->t, r == BODY_FALSE ? D_REFUSED : r == BODY_ABSENT ?
	    D_ABSENT : D_LATER, r == BODY_FULL ? "the disk is full" :
	    r == BODY_TROUBLE ? strerror(errno) : what);
}

static void
many_check(struct many_task *p, size_t end)
{
	int64_t start = clock_mono_ms();
	enum body_result r = BODY_DONE;

	while (p->at < end && r == BODY_DONE) {
		r = body_check(p->part[p->at].file, p->part[p->at].rec.size,
		    p->part[p->at].crc);
		p->at++;
		if (clock_mono_ms() - start >= SLICE_MS)
			break;
	}
	if (r != BODY_DONE)
		many_fail(p, "a file is not what was said", r);
}

static void
many_link(struct many_task *p)
{
	enum body_result r = BODY_DONE;

	for (; p->at < p->n && r == BODY_DONE; p->at++)
		r = task_link_checked(&p->t, p->m->id,
		    p->part[p->at].rec.uid, p->part[p->at].file);
	if (r == BODY_DONE) {
		task_dir(&p->t, p->m->id, 0);
		return;
	}
	many_fail(p, "no such mailbox", r);
	task_unlink(&p->t);
}

static void
many_files(struct task *t)
{
	struct many_task *p = (struct many_task *)t;
	size_t end = p->n - p->at > SLICE ? p->at + SLICE : p->n;

	switch (p->phase) {
	case MANY_PUSH:
		for (; p->at < end; p->at++)
			body_push(p->part[p->at].file);
		break;
	case MANY_CHECK:
		many_check(p, end);
		break;
	case MANY_NAMES:	/* needs the shard */
		break;
	case MANY_LINK:
		many_link(p);
		break;
	case MANY_BACK:
		for (; p->at < end; p->at++)
			body_put_back(p->part[p->at].file);
		break;
	}
}

static void
many_release(struct many_task *p)
{
	account_release(p->t.account, p->size, p->size > 0 ? p->n : 0);
	for (; p->holds > 0; p->holds--)
		mailbox_release(p->m);
}

static void
many_commit(struct task *t)
{
	struct many_task *p = (struct many_task *)t;
	struct mailbox *m = p->m;
	size_t i;

	if (p->phase != MANY_LINK)
		return;
	many_release(p);
	p->size = 0;
	if (t->error == D_OK && m->dead)
		task_fail(t, D_ABSENT, "no such mailbox");
	if (t->error != D_OK)
		return;
	for (i = 0; i < p->n; i++)
		mailbox_add(m, &p->part[i].rec, &p->part[i].bits,
		    p->part[i].id);
	mailbox_commit_begin(m, p->part[0].rec.modseq);
	shard_row(m);
}

static void
many_answer(struct many_task *p)
{
	struct client *c = p->t.client;

	if (!client_begin(c, DM_APPENDED, p->t.id))
		return;
	msg_u32(&c->chan, DF_UID, p->part[0].rec.uid);
	msg_u32(&c->chan, DF_UIDVALIDITY, p->m->uidvalidity);
	client_end(c, p->t.account->shard);
}

static void
many_show(struct many_task *p)
{
	size_t i;

	for (i = 0; i < p->n; i++)
		mailbox_added(p->m, &p->part[i].rec);
	mailbox_commit_seen(p->m, p->part[p->n - 1].rec.modseq);
	quota_note(p->t.account);
	quota_warn(p->t.account);
}

static void many_finish(struct task *t);

static const struct task_kind many_slow = {
	many_files, many_commit, many_finish, 1
}, many_kind = {
	many_files, many_commit, many_finish, 0
};

/* It has its answer; the names in mail/.new go. */
static void
many_back(struct many_task *p)
{
	p->t.client = NULL;
	p->t.kind = &many_slow;
	p->t.error = D_OK;
	p->phase = MANY_BACK;
	p->at = 0;
	task_submit(&p->t);
}

/* Numbers that nobody has seen, with none reserved behind, are free. */
static void
many_unplace(struct many_task *p)
{
	if (p->phase == MANY_LINK && p->n > 0 && !p->m->dead &&
	    p->m->next_uid == p->part[p->n - 1].rec.uid + 1)
		p->m->next_uid = p->next_uid;
}

static void
many_failed(struct many_task *p)
{
	many_unplace(p);
	many_release(p);
	client_failed(p->t.client, p->t.account->shard, p->t.id, p->t.error,
	    p->t.words);
	many_back(p);
}

/*
 * Keywords get their bits with the commit that has the messages, or in a turn
 * shortly before it; a part may name many, and where all bits have a name each
 * new one has all messages looked at: so this goes in slices too, each in a
 * turn of the loop, for a syncer that comes again and again would leave it
 * none. 1: all parts have them, 0: not yet, -1 (the task says why).
 */
static int
many_keywords(struct many_task *p)
{
	int64_t start = clock_mono_ms();
	enum door_error e;
	struct part *q;

	while (p->at < p->n) {
		q = &p->part[p->at];
		e = p->m->dead ? D_ABSENT : mailbox_bits(p->m, q->keywords,
		    q->keywords_len, 1, NULL, &q->bits);
		if (e != D_OK) {
			task_fail(&p->t, e, e == D_ABSENT ?
			    "no such mailbox" : "a keyword cannot be set");
			return -1;
		}
		q->rec.keywords = q->bits.word[0];
		mailbox_hold(p->m, &q->bits);
		p->holds++;
		p->at++;
		if (clock_mono_ms() - start >= SLICE_MS)
			break;
	}
	return p->at == p->n;
}

/* The uids: wanted ones, or the next. 0, or -1 (the task says why). */
static int
many_uids(struct many_task *p)
{
	uint32_t next = p->m->next_uid;
	size_t i;

	for (i = 0; i < p->n; i++) {
		if (p->part[i].rec.uid == 0)
			p->part[i].rec.uid = next;
		if (p->part[i].rec.uid < next) {
			task_fail(&p->t, D_EXISTS,
			    "that uid has been given out already");
			return -1;
		}
		next = p->part[i].rec.uid;
		if (UINT32_MAX - next <= (p->imported ?
		    MAILBOX_SPARE : p->n - i)) {
			task_fail(&p->t, p->imported ? D_REFUSED : D_ABSENT,
			    p->imported ? "a uid leaves no room behind it" :
			    "no such mailbox");
			return -1;
		}
		next++;
	}
	p->next_uid = p->m->next_uid;
	p->m->next_uid = next;
	return 0;
}

/* All files are durable, all bits there: with this they get their places. */
static void
many_place(struct many_task *p)
{
	if (p->m->dead)
		task_fail(&p->t, D_ABSENT, "no such mailbox");
	if (p->m->dead || many_uids(p) == -1) {
		many_failed(p);
		return;
	}
	p->phase = MANY_LINK;
	p->at = 0;
	p->t.kind = &many_kind;
	(void)client_hold(p->t.client);
	task_submit(&p->t);
}

/* The next slice of the keywords. 1: it has gone on, or failed. */
static int
many_names(struct many_task *p)
{
	int r = many_keywords(p);

	if (r == -1)
		many_failed(p);
	else if (r == 1)
		many_place(p);
	return r != 0;
}

static void
many_turn(struct item *i)
{
	struct many_task *p = (struct many_task *)i;
	struct account *a = p->t.account;
	struct client *c = p->t.client;

	if (!many_names(p)) {
		shard_post(i);
		return;
	}
	client_release(c);
	account_task_done(a);
}

static void
many_finish(struct task *t)
{
	struct many_task *p = (struct many_task *)t;

	if (p->phase == MANY_BACK) {
		if (p->at < p->n)
			task_submit(t);
		else {
			buf_clear(&p->said);
			free(p->part);
			free(p);
		}
		return;
	}
	if (t->error != D_OK) {
		many_failed(p);
		return;
	}
	if (p->phase == MANY_LINK) {
		many_show(p);
		many_answer(p);
		many_back(p);
		return;
	}
	if (p->phase != MANY_NAMES && p->at == p->n) {
		p->at = 0;
		p->phase++;
	}
	if (p->phase == MANY_NAMES && many_names(p))
		return;
	(void)client_hold(t->client);
	if (p->phase != MANY_NAMES) {
		task_submit(t);
		return;
	}
	t->account->tasks++;
	t->item.shard = t->account->shard;
	t->item.run = many_turn;
	shard_post(&t->item);
}

/* Takes what waits: 0, or -1 (the task says why). */
static int
many_take(struct many_task *p, struct client *c)
{
	struct cursor at;
	const char *name;
	struct part *q;
	unsigned i;
	size_t len;

	p->said = c->appends;
	c->appends = (struct buf)BUF_INIT(0);
	cursor_init(&at, buf_str(&p->said), p->said.len);
	for (i = c->n_appends; i > 0; i--) {
		q = &p->part[p->n];
		get_part(&at, q, &name, &len);
		if (client_take_name(c, name, len, q->file) == -1) {
			task_fail(&p->t, D_REFUSED,
			    "no such file was given out");
			continue;
		}
		p->n++;
		p->size += q->rec.size;
	}
	c->n_appends = 0;
	return p->t.error == D_OK ? 0 : -1;
}

static void
many_begin(struct request *r)
{
	struct account *a = r->c->account;
	struct many_task *p = mem_zalloc(1, sizeof(*p));

	p->t.kind = &many_slow;
	p->t.account = a;
	p->t.id = r->m->id;
	p->m = r->mailbox;
	p->imported = r->m->type == DM_IMPORT;
	p->part = mem_zalloc(r->c->n_appends, sizeof(*p->part));
	if (many_take(p, r->c) == 0) {
		if (p->m->attrs & ATTR_NOSELECT)
			task_fail(&p->t, D_ABSENT, "no such mailbox");
		else if (!p->imported &&
		    quota_check(a, p->size, p->n) == QUOTA_FULL)
			task_fail(&p->t, D_QUOTA, "mailbox is full");
	}
	p->t.client = r->c;
	account_reserve(a, p->size, p->size > 0 ? p->n : 0);
	if (p->t.error != D_OK) {
		many_failed(p);
		return;
	}
	(void)client_hold(r->c);
	task_submit(&p->t);
}

void
append_part(struct request *r)
{
	struct client *c = r->c;
	uint64_t number = msg_get_u64(r->m, DF_COUNT);
	size_t len;

	if (number == 1)
		parts_drop(c);
	(void)msg_get(r->m, DF_NAMES, &len);
	if (number != (uint64_t)c->n_appends + 1 ||
	    number > DOOR_APPENDS_MAX ||
	    c->appends.len + len > DOOR_APPENDS_SIZE) {
		append_part_back(r);
		if (!msg_get_u32(r->m, DF_MORE))
			request_fail(r, D_REFUSED, "messages are missing, or "
			    "they are too many");
		return;
	}
	put_part(&c->appends, r->m);
	c->n_appends++;
	if (!msg_get_u32(r->m, DF_MORE))
		many_begin(r);
}

void
append_part_back(struct request *r)
{
	if (msg_has(r->m, DF_COUNT))
		parts_drop(r->c);
	op_file_back(r);
}
