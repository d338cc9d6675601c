/* APPEND: a file that was written into becomes a message. */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/mail/door_proto.h"
#include "store/account.h"
#include "store/account_commit.h"
#include "store/account_follow.h"
#include "store/account_keywords.h"
#include "store/account_mailbox.h"
#include "store/account_message.h"
#include "store/account_quota.h"
#include "store/account_warn.h"
#include "store/body.h"
#include "store/door_client.h"
#include "store/index_cache.h"
#include "store/op_append.h"
#include "store/op_append_many.h"
#include "store/op_file.h"
#include "store/op_flags.h"
#include "store/shard_files.h"
#include "store/shard_syncer.h"

struct append_task {
	struct task t;
	struct mailbox *m;
	char	 file[BODY_NAME];
	struct door_record rec;
	struct keyword_set keywords;
	uint32_t crc;
	int	 next;			/* another file is wanted */
	size_t	 cache_len;		/* of the row of CACHE */
	char	 cache[];
};

static void
append_files(struct task *t)
{
	struct append_task *p = (struct append_task *)t;

	switch (task_link_put(t, p->m->id, p->rec.uid, p->file, p->rec.size,
	    p->crc)) {
	case BODY_DONE:
		task_dir(t, p->m->id, 0);
		break;
	case BODY_FALSE:
		task_fail(t, D_REFUSED, "the file is not what was said");
		break;
	case BODY_FULL:
		task_fail(t, D_LATER, "the disk is full");
		break;
	case BODY_ABSENT:
		task_fail(t, D_ABSENT, "no such mailbox");
		break;
	case BODY_TROUBLE:
		task_fail(t, D_LATER, strerror(errno));
		break;
	}
}

static void
append_commit(struct task *t)
{
	struct append_task *p = (struct append_task *)t;
	struct account *a = t->account;
	struct mailbox *m = p->m;
	struct index_key k;

	account_release(a, p->rec.size, 1);
	mailbox_release(m);
	if (t->error == D_OK && m->dead)
		task_fail(t, D_ABSENT, "no such mailbox");
	if (t->error != D_OK)
		return;
	mailbox_add(m, &p->rec, &p->keywords, NULL);
	if (p->cache_len > 0) {
		k = index_message(a->number, m->id, p->rec.uid);
		engine_put(account_batch(a), ENGINE_CACHE, k.k, k.len,
		    p->cache, p->cache_len);
	}
	mailbox_commit_begin(m, p->rec.modseq);
	shard_row(m);
}

/* Who appends many has the next file with the answer, and need not ask. */
static void
append_answer(const struct append_task *p)
{
	struct client *c = p->t.client;
	char name[BODY_NAME];
	int fd;

	if (!client_begin(c, DM_APPENDED, p->t.id))
		return;
	msg_u32(&c->chan, DF_UID, p->rec.uid);
	msg_u32(&c->chan, DF_UIDVALIDITY, p->m->uidvalidity);
	if (p->next && (fd = client_give_file(c, name)) != -1) {
		msg_text(&c->chan, DF_NAME, name);
		msg_fd(&c->chan, fd);
	}
	client_end(c, p->t.account->shard);
}

static void
append_finish(struct task *t)
{
	struct append_task *p = (struct append_task *)t;
	struct mailbox *m = p->m;

	if (t->error != D_OK) {
		client_failed(t->client, t->account->shard, t->id, t->error,
		    t->words);
	} else {
		mailbox_added(m, &p->rec);
		mailbox_commit_seen(m, p->rec.modseq);
		quota_note(t->account);
		quota_warn(t->account);
		append_answer(p);
	}
	body_put_back(p->file);
	free(p);
}

static const struct task_kind append_kind = {
	append_files, append_commit, append_finish
};

static struct append_task *
append_new(const struct request *r)
{
	struct append_task *p;
	struct cache_row row;
	const char *cache;
	size_t len;

	cache = msg_get(r->m, DF_CACHE, &len);
	index_cache_row(&row, cache, len);
	p = mem_alloc(sizeof(*p) + row.len);
	memset(p, 0, sizeof(*p));
	if (row.len > 0)
		memcpy(p->cache, row.p, row.len);
	p->cache_len = row.len;
	p->t.kind = &append_kind;
	p->t.account = r->c->account;
	p->t.id = r->m->id;
	p->m = r->mailbox;
	p->crc = msg_get_u32(r->m, DF_CRC);
	p->next = msg_get_u32(r->m, DF_ON) != 0;
	p->rec.flags = msg_get_u32(r->m, DF_FLAGS) & (FLAG_ALL | MARK_ALL);
	p->rec.date = (int64_t)msg_get_u64(r->m, DF_DATE);
	p->rec.size = msg_get_u64(r->m, DF_SIZE);
	p->rec.header_len = msg_get_u32(r->m, DF_HEADER);
	p->rec.save_date = (uint32_t)clock_now();
	index_sane(&p->rec);
	return p;
}

static void
op_append(struct request *r)
{
	struct account *a = r->c->account;
	struct mailbox *m = r->mailbox;
	struct append_task *p;
	char file[BODY_NAME];
	struct keyword_set bits;

	if (msg_has(r->m, DF_COUNT)) {
		append_part(r);
		return;
	}
	if (client_take_file(r->c, r->m, DF_NAME, file) == -1) {
		request_fail(r, D_REFUSED, "no such file was given out");
		return;
	}
	if ((m->attrs & ATTR_NOSELECT) || m->next_uid == UINT32_MAX) {
		body_put_back(file);
		request_fail(r, D_ABSENT, "no such mailbox");
		return;
	}
	if (quota_check(a, msg_get_u64(r->m, DF_SIZE), 1) == QUOTA_FULL) {
		body_put_back(file);
		request_fail(r, D_QUOTA, "mailbox is full");
		return;
	}
	if (request_bits(r, 1, NULL, &bits) == -1) {
		body_put_back(file);
		return;
	}
	p = append_new(r);
	memcpy(p->file, file, sizeof(file));
	p->keywords = bits;
	p->rec.keywords = bits.word[0];
	mailbox_hold(m, &bits);
	p->rec.uid = m->next_uid++;
	account_reserve(a, p->rec.size, 1);
	p->t.client = client_hold(r->c);
	task_submit(&p->t);
}

const struct op op_append_rows[] = {
	{ DM_APPEND, op_append, OP_MAILBOX | OP_ADDS },
	{ DM_IMPORT, append_part, OP_MAILBOX | OP_ADDS },
	{ 0 }
};
