/*
 * After a crash: a message whose file is in the expunged folder but whose
 * record is still there was being expunged. Its expunge is finished.
 *
 * To look costs a folder for each mailbox and a look-up for each name in it,
 * so it is done once behind each crash, however many starts later the account
 * is loaded: its row 'C' says for which. A look that found something, or
 * failed, is repeated.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>

#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/mail/uids.h"
#include "store/account.h"
#include "store/body.h"
#include "store/door_client.h"

/* 1, 0; -1: the index does not answer. */
static int
has_record(struct mailbox *m, uint32_t uid)
{
	struct index_key k = index_message(m->account->number, m->id, uid);
	struct buf v = BUF_INIT(0);
	enum engine_result r = engine_get(m->account->db, ENGINE_CORE, k.k,
	    k.len, &v);

	buf_clear(&v);
	return r == ENGINE_DONE ? 1 : r == ENGINE_ABSENT ? 0 : -1;
}

/* The uids of a slice that have a record and no file are added. 0, or -1. */
static int
add_halves(struct mailbox *m, const struct body_entry *e, int count,
    uint32_t **uids_r, size_t *n_r)
{
	int i, r;

	for (i = 0; i < count; i++) {
		if (e[i].aside)
			continue;
		if ((r = has_record(m, e[i].number)) == -1)
			return -1;
		if (r == 0 ||
		    body_present(m->account->path, m->id, e[i].number) != 0)
			continue;
		*uids_r = mem_realloc(*uids_r, *n_r + 1, sizeof(**uids_r));
		(*uids_r)[(*n_r)++] = e[i].number;
	}
	return 0;
}

/* 1 where nothing is left to do. */
static int
recover_mailbox(struct mailbox *m)
{
	struct body_list *l = body_list(m->account->path, m->id,
	    BODY_EXPUNGED);
	const struct body_entry *e;
	uint32_t *uids = NULL;
	size_t n = 0;
	int count;

	if (l == NULL)
		return errno == ENOENT;
	while ((count = body_list_next(l, &e)) > 0)
		if (add_halves(m, e, count, &uids, &n) == -1) {
			count = -1;
			break;
		}
	body_list_end(&l);
	if (n == 0)
		return count == 0;
	log_info("%s: %zu messages of mailbox %u were being expunged",
	    m->account->name, n, m->id);
	uids_sort(uids, n);
	expunge_finish_files(m, uids, n);
	return 0;
}

/* Of which crash the row 'C' says that it was looked behind; 0: of none. */
static uint64_t
recovered(struct account *a, const struct index_key *k)
{
	struct buf v = BUF_INIT(0);
	struct cursor c;
	uint64_t r = 0;

	if (engine_get(a->db, ENGINE_CORE, k->k, k->len, &v) == ENGINE_DONE &&
	    v.len == 8) {
		cursor_init(&c, v.data, v.len);
		r = cursor_u64(&c);
	}
	buf_clear(&v);
	return r;
}

void
recover_account(struct account *a)
{
	struct index_key k = index_account_key(a->number, 'C');
	struct buf v = BUF_INIT(0);
	int done = 1;
	size_t i;

	if (recovered(a, &k) == store.crash && !a->unsure)
		return;
	for (i = 0; i < a->n_mailboxes; i++)
		if (!(a->mailbox[i]->attrs & ATTR_NOSELECT))
			done &= recover_mailbox(a->mailbox[i]);
	if (done) {
		a->unsure = 0;
		buf_put_u64(&v, store.crash);
		engine_put(account_batch(a), ENGINE_CORE, k.k, k.len, v.data,
		    v.len);
		shard_lazy(a->shard);
	}
	buf_clear(&v);
}
