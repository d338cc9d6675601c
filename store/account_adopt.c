/* What the file mailboxes and the index say of an account, taken up. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "store/account.h"
#include "store/account_adopt.h"
#include "store/account_delivered.h"
#include "store/account_follow.h"
#include "store/account_orphans.h"
#include "store/account_quota.h"
#include "store/text.h"

static int
adopt_row(void *arg, const void *key, size_t klen, const void *value,
    size_t vlen)
{
	struct account *a = arg;
	struct mailbox *m = account_mailbox(a, index_tail_u32(key, klen));
	struct index_row row;

	if (m == NULL)
		return 0;
	m->was_len = vlen > sizeof(m->was) ? 0 : (unsigned)vlen;
	memcpy(m->was, value, m->was_len);
	if (index_get_row(value, vlen, &row) == -1) {
		log_warn("%s: the row of mailbox %u is broken", a->name, m->id);
		return 0;
	}
	m->known = 1;
	m->row = row;
	shard_counted(m);
	m->seen = m->row;
	m->next_uid = m->row.uidnext;
	if (m->row.modseq > m->row.flags_modseq) {
		m->dirty_all = 1;
		shard_flags(m);
	}
	return 0;
}

static void
adopt_box(struct account *a, struct box *x)
{
	struct mailbox *m = account_mailbox(a, x->id);

	if (m == NULL)
		m = mailbox_new(a, x->id);
	free(m->name);
	m->name = mem_strdup(x->name);
	m->uidvalidity = x->uidvalidity;
	m->attrs = x->attrs;
	free(m->more);
	m->more = x->more;
	x->more = NULL;
	memcpy(m->oid, x->oid, sizeof(m->oid));
	if (boxes_no_id(m->oid))
		mailbox_oid(m);
	m->keywords_loaded = 0;
	if (strcmp(m->name, "INBOX") == 0)
		a->inbox = m;
}

static void
adopt_boxes(struct account *a, struct boxes *b)
{
	size_t i, k;

	for (i = a->n_mailboxes; i > 0; i--) {
		for (k = 0; k < b->n &&
		    b->box[k].id != a->mailbox[i - 1]->id; k++)
			;
		if (k == b->n)
			account_remove(a, a->mailbox[i - 1]);
	}
	a->inbox = NULL;
	if (!boxes_no_id(b->oid))
		memcpy(a->id, b->oid, sizeof(a->id));
	for (i = 0; i < b->n; i++)
		adopt_box(a, &b->box[i]);
	a->next_id = b->next_id;
	a->last_uidvalidity = b->last_uidvalidity;
	for (i = 0; i < a->n_subscribed; i++)
		free(a->subscribed[i]);
	free(a->subscribed);
	a->subscribed = b->subscribed;
	a->n_subscribed = b->n_subscribed;
	b->subscribed = NULL;
	b->n_subscribed = 0;
	for (i = 0; i < a->n_more; i++)
		free(a->more[i]);
	free(a->more);
	a->more = b->more;
	a->n_more = b->n_more;
	b->more = NULL;
	b->n_more = 0;
}

/* 0, or -1: the index does not answer. */
static int
adopt_index(struct account *a, const char *text, size_t len)
{
	struct engine_scan s;

	index_scan_kind(&s, a->number, 'M');
	if (engine_scan(a->db, &s, adopt_row, a) != ENGINE_DONE ||
	    leftover_delete(a) == -1)
		return -1;
	return delivered_adopt(a) == ENGINE_DONE &&
	    follow_adopt(a, text, len) == ENGINE_DONE ? 0 : -1;
}

int
account_adopt(struct account *a, const char *text, size_t len)
{
	struct buf why = BUF_INIT(200);
	struct boxes b;
	int r = boxes_parse(&b, text, len, &why);

	a->uncounted = 1;
	if (r == 0) {
		adopt_boxes(a, &b);
		if (a->inbox == NULL) {
			buf_set(&why, "mailboxes: no INBOX");
			r = -1;
		}
	}
	boxes_clear(&b);
	if (r == 0 && adopt_index(a, text, len) == -1) {
		buf_set(&why, "the index does not answer");
		r = -1;
	}
	if (r == -1) {
		log_warn("%s: %s; its mail waits", a->name, buf_str(&why));
		a->state = ACCOUNT_BROKEN;
	} else {
		a->state = ACCOUNT_READY;
		a->uncounted = 0;
		quota_note(a);
	}
	buf_clear(&why);
	return r;
}

int
account_read(const struct account *a, struct buf *text)
{
	return text_read(a->path, 0, "mailboxes", text);
}

void
account_end_load(struct account *a, int failed)
{
	struct buf text = BUF_INIT(MAILBOXES_FILE_MAX);

	if (failed || account_read(a, &text) == -1)
		a->state = ACCOUNT_BROKEN;
	else
		(void)account_adopt(a, buf_str(&text), text.len);
	buf_clear(&text);
}
