/*
 * Traces of an earlier life of an account: what tells that its list is missing
 * (a file system is not mounted, a folder was removed) and not yet to be made.
 */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "lib/base/log.h"
#include "store/account.h"
#include "store/account_evidence.h"
#include "store/body.h"
#include "store/text.h"

int
traces_list_missing(const struct account *a)
{
	return text_present(a->path, 0, "mailboxes") == 0;
}

/* 1 where any folder of a mailbox holds anything; 0; -1 with errno. */
static int
folders_used(const struct account *a)
{
	struct body_list *l = body_list_mailboxes(a->path);
	const struct body_entry *e;
	int i, n = 0, r = 0;

	if (l == NULL)
		return errno == ENOENT ? 0 : -1;
	while (r == 0 && (n = body_list_next(l, &e)) > 0)
		for (i = 0; i < n && r == 0; i++)
			r = body_mailbox_used(a->path, e[i].number);
	body_list_end(&l);
	return r == 0 && n == -1 ? -1 : r;
}

static int
trace_row(void *arg, const void *key, size_t klen, const void *value,
    size_t vlen)
{
	struct traces *t = arg;
	uint32_t id = index_tail_u32(key, klen);
	struct index_row row;

	if (index_get_row(value, vlen, &row) == 0)
		t->messages += row.messages;
	if (id > t->highest_id)
		t->highest_id = id;
	return 0;
}

void
traces_read(const struct account *a, struct traces *t)
{
	enum engine_result r;
	struct engine_scan s;
	uint32_t number;

	memset(t, 0, sizeof(*t));
	r = index_number(a->db, a->name, &number);
	if (r == ENGINE_DONE)
		r = index_get_last(a->db, number, &t->highest_id,
		    &t->last_uidvalidity);
	if (r == ENGINE_DONE) {
		index_scan_kind(&s, number, 'M');
		r = engine_scan(a->db, &s, trace_row, t);
	}
	t->unread = r != ENGINE_DONE && r != ENGINE_ABSENT;
	t->files = folders_used(a);
}

/* A row has a modseq; without one the mailbox is to be empty. */
int
traces_unknown(const struct account *a)
{
	const struct mailbox *m;
	size_t i;

	for (i = 0; i < a->n_mailboxes; i++) {
		m = a->mailbox[i];
		if (m->row.modseq != 0 || (m->attrs & ATTR_NOSELECT) ||
		    body_mailbox_used(a->path, m->id) == 0)
			continue;
		log_warn("%s: the index does not know mailbox %u, which is "
		    "not empty", a->name, m->id);
		return 1;
	}
	return 0;
}
