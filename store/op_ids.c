/*
 * IDS: what names messages for life (RFC 8474). Few clients ask, so the ids
 * are not among what every record tells.
 */
#include "config.h"

#include <assert.h>
#include <stdlib.h>

#include "lib/mail/door_proto.h"
#include "store/account.h"
#include "store/account_message.h"
#include "store/door_client.h"
#include "store/index.h"
#include "store/op_ids.h"

static_assert((int)RECORD_ID == (int)DOOR_ID, "the door has room for an id");

struct ids {
	const struct mailbox *m;
	struct buf out;
};

static int
add_id(void *arg, const struct record *r)
{
	struct ids *s = arg;
	struct record known = *r;

	if (r->d.uid >= s->m->seen.uidnext)
		return 1;
	message_id(s->m->account, s->m->id, &known);
	buf_put_u32(&s->out, r->d.uid);
	buf_append(&s->out, known.id, sizeof(known.id));
	return 0;
}

static void
op_ids(struct request *r)
{
	struct ids s = { .m = r->mailbox };
	const struct account *a = r->account;
	uint32_t *uids;
	size_t n;

	if ((uids = request_uids(r, &n)) == NULL) {
		request_fail(r, D_REFUSED, "uids do not rise");
		return;
	}
	if (request_read(r, index_records(a->db, a->number, s.m->id, uids, n,
	    add_id, &s)) == 0 && client_begin(r->c, DM_IDS_ARE, r->m->id)) {
		msg_bytes(&r->c->chan, DF_RECORDS, buf_str(&s.out), s.out.len);
		client_end(r->c, a->shard);
	}
	buf_clear(&s.out);
	free(uids);
}

const struct op op_ids_rows[] = {
	{ DM_IDS, op_ids, OP_MAILBOX },
	{ 0 }
};
