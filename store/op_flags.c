/*
 * STORE: flags and keywords. Answered when committed; the log is flushed
 * within a second, the flags file within a minute.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "lib/mail/door_proto.h"
#include "lib/mail/uids.h"
#include "store/account.h"
#include "store/account_commit.h"
#include "store/account_follow.h"
#include "store/account_keywords.h"
#include "store/account_mailbox.h"
#include "store/account_message.h"
#include "store/door_client.h"
#include "store/op_flags.h"

struct flag_change {
	struct mailbox *m;
	enum door_op op;
	uint32_t flags;
	struct keyword_set keywords;
	uint64_t unless;
	const uint32_t *uids;
	size_t	 n;
	int	 applies;
	int	 no_room;	/* for some keyword */
	struct keyword_set carried; /* by messages that are to have others */
	struct keyword_set renamed; /* bits with another name now */
	uint64_t modseq;
	struct buf out, wide, failed;
	struct follow_log log;
};

static void
change(struct door_record *d, struct keyword_set *s,
    const struct flag_change *f)
{
	switch (f->op) {
	case DOOR_SET:
		d->flags = (d->flags & (MARK_ALL | MARK_FETCHED)) | f->flags;
		*s = f->keywords;
		break;
	case DOOR_ADD:
		d->flags |= f->flags;
		keyword_set_add(s, &f->keywords);
		break;
	case DOOR_REMOVE:
		d->flags &= ~f->flags;
		keyword_set_remove(s, &f->keywords);
		break;
	case DOOR_MARK:
		if ((d->flags & MARK_ALL) == 0)
			d->flags |= f->flags;
		break;
	}
}

static void
count_change(struct index_row *row, uint32_t before, uint32_t after)
{
	row->unseen += (uint32_t)!(after & FLAG_SEEN) -
	    (uint32_t)!(before & FLAG_SEEN);
	row->deleted += (uint32_t)!!(after & FLAG_DELETED) -
	    (uint32_t)!!(before & FLAG_DELETED);
}

static void
store_follow(struct flag_change *f, const struct door_record *was,
    const struct door_record *now)
{
	struct follow_item i = { .uid = now->uid, .flags = now->flags,
		.old_flags = was->flags, .keywords = now->keywords,
		.old_keywords = was->keywords };

	follow_add(&f->log, &i);
}

static int
store_one(void *arg, const struct record *r)
{
	struct flag_change *f = arg;
	const struct door_record *d = &r->d;
	unsigned char space[KEYWORD_PACKED];
	struct keyword_set was, is;
	struct record now = *r;

	if (d->uid >= f->m->seen.uidnext)
		return 1;
	if (d->modseq > f->unless) {
		buf_put_u32(&f->failed, d->uid);
		return 0;
	}
	record_keywords(r, &was);
	is = was;
	change(&now.d, &is, f);
	if (f->op == DOOR_MARK) {
		if (now.d.flags != d->flags)
			mailbox_put(f->m, &now);
		return 0;
	}
	record_set_keywords(&now, &is, space);
	if (now.d.flags != d->flags || !keyword_set_same(&was, &is) ||
	    keyword_set_meet(&was, &f->renamed)) {
		if (f->modseq == 0)
			f->modseq = shard_modseq(f->m->account->shard);
		now.d.modseq = f->modseq;
		count_change(&f->m->row, d->flags, now.d.flags);
		count_change(&f->m->seen, d->flags, now.d.flags);
		keyword_set_remove(&was, &is);
		if (keyword_set_end(&was) > 0)
			f->m->keywords_full = 0;
		message_id(f->m->account, f->m->id, &now);
		mailbox_put_again(f->m, &now, d->modseq);
		store_follow(f, d, &now.d);
		mailbox_dirty(f->m, d->uid);
	}
	door_pack_record(&f->out, &now.d);
	door_pack_wide(&f->wide, now.d.uid, now.wide, now.wide_len);
	return 0;
}

int
request_keywords(const struct request *r, enum door_error e)
{
	if (e == D_OK)
		return 0;
	request_fail(r, e, e == D_LATER ? "the index does not answer" :
	    "a bad keyword");
	return -1;
}

int
request_bits(const struct request *r, int make, struct keyword_swap *swap,
    struct keyword_set *bits_r)
{
	const char *names;
	size_t len;

	names = msg_get(r->m, DF_NAMES, &len);
	return request_keywords(r, mailbox_bits(r->mailbox, names, len, make,
	    swap, bits_r));
}

static int
applies_to(const struct flag_change *f, const struct door_record *d)
{
	return d->uid < f->m->seen.uidnext && d->modseq <= f->unless;
}

/* Stops at the first message that the change is for; one that replaces goes
   through all for what they carry. */
static int
store_applies(void *arg, const struct record *r)
{
	struct flag_change *f = arg;
	struct keyword_set s;

	if (r->d.uid >= f->m->seen.uidnext)
		return 1;
	if (!applies_to(f, &r->d))
		return 0;
	f->applies = 1;
	record_keywords(r, &s);
	keyword_set_add(&f->carried, &s);
	return f->op != DOOR_SET;
}

static int
store_replaces(const void *arg, const struct door_record *d)
{
	const struct flag_change *f = arg;
	size_t i = uids_find(f->uids, f->n, d->uid);

	return i < f->n && f->uids[i] == d->uid && applies_to(f, d);
}

static void
answer(const struct request *r, const struct flag_change *f)
{
	struct chan *c = &r->c->chan;

	if (!client_begin(r->c, DM_RECORDS_ARE, r->m->id))
		return;
	msg_bytes(c, DF_RECORDS, buf_str(&f->out), f->out.len);
	msg_bytes(c, DF_UIDS, buf_str(&f->failed), f->failed.len);
	msg_u64(c, DF_MODSEQ, mailbox_modseq(f->m));
	msg_u32(c, DF_ON, !f->no_room);
	if (f->wide.len > 0)
		msg_bytes(c, DF_NAMES, f->wide.data, f->wide.len);
	client_end(r->c, r->c->shard);
}

/*
 * The bits of the names, in the batch of the messages that get them: what a bit
 * was called is lost with the last message that carries it, not before. 0, or
 * -1 having answered.
 */
static int
store_bits(const struct request *r, struct flag_change *f)
{
	struct account *a = r->c->account;
	struct keyword_swap swap = { .replaces = store_replaces, .arg = f };
	const char *names;
	size_t len;

	/* A keyword that no message gets is not made. */
	if (f->op < DOOR_REMOVE && request_read(r, index_records(a->db,
	    a->number, f->m->id, f->uids, f->n, store_applies, f)) == -1)
		return -1;
	if (request_bits(r, f->applies, f->op == DOOR_SET &&
	    keyword_set_end(&f->carried) > 0 ? &swap : NULL, &f->keywords) == -1)
		return -1;
	f->renamed = swap.renamed;
	names = msg_get(r->m, DF_NAMES, &len);
	f->no_room = f->applies && !mailbox_has_all(f->m, names, len);
	return 0;
}

/* 0, or -1 having answered. */
static int
store_records(const struct request *r, struct flag_change *f)
{
	struct account *a = r->c->account;
	enum engine_result e;

	if (request_commit(r) == -1 || store_bits(r, f) == -1)
		return -1;
	e = index_records(a->db, a->number, f->m->id, f->uids, f->n,
	    store_one, f);
	follow_end(&f->log);
	/* A change that was made by half counts as failed. */
	if (f->modseq != 0 || keyword_set_end(&f->renamed) > 0)
		(void)account_failed(a, e);
	if (request_read(r, e) == -1)
		return -1;
	if (f->modseq != 0) {
		f->m->row.modseq = f->modseq;
		shard_row(f->m);
		shard_lazy(a->shard);
	}
	return request_commit(r);
}

static void
op_store(struct request *r)
{
	struct flag_change f = { .m = r->mailbox,
		.op = (enum door_op)msg_get_u32(r->m, DF_OP),
		.unless = msg_get_u64(r->m, DF_MODSEQ),
		.log = { .m = r->mailbox, .type = FOLLOW_FLAGS } };
	uint32_t *uids;

	f.flags = msg_get_u32(r->m, DF_FLAGS) & (f.op == DOOR_MARK ?
	    (uint32_t)MARK_ALL : (uint32_t)FLAG_ALL);
	if (f.op > DOOR_MARK || f.flags == MARK_ALL ||
	    (uids = request_uids(r, &f.n)) == NULL) {
		request_fail(r, D_REFUSED, "uids do not rise");
		return;
	}
	f.uids = uids;
	if (store_records(r, &f) == 0)
		answer(r, &f);
	free(uids);
	buf_clear(&f.out);
	buf_clear(&f.wide);
	buf_clear(&f.failed);
}

const struct op op_flags_rows[] = {
	{ DM_STORE, op_store, OP_MAILBOX | OP_CHANGES },
	{ 0 }
};
