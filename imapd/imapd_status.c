#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"

#include "imapd/imapd_door.h"
#include "imapd/imapd_ids.h"
#include "imapd/imapd_names.h"
#include "imapd/imapd_session.h"
#include "imapd/imapd_status.h"

enum status_item {
	ST_MESSAGES, ST_RECENT, ST_UIDNEXT, ST_UIDVALIDITY, ST_UNSEEN,
	ST_HIGHESTMODSEQ, ST_SIZE, ST_APPENDLIMIT, ST_DELETED,
	ST_DELETED_STORAGE, ST_MAILBOXID, ST_COUNT
};
static const char *const status_names[ST_COUNT] = {
	"MESSAGES", "RECENT", "UIDNEXT", "UIDVALIDITY", "UNSEEN",
	"HIGHESTMODSEQ", "SIZE", "APPENDLIMIT", "DELETED", "DELETED-STORAGE",
	"MAILBOXID",
};

int
imapd_status_items(const struct imapd_arg *list, unsigned *bits_r)
{
	const struct imapd_arg *a = list + 1;
	unsigned i;
	size_t n;

	*bits_r = 0;
	if (list->type != IMAPD_LIST || list->len == 0)
		return -1;
	for (n = list->len; n > 0; n--, a = imapd_arg_next(a)) {
		for (i = 0; i < ST_COUNT; i++)
			if (imapd_arg_is(a, status_names[i]))
				break;
		if (i == ST_COUNT)
			return -1;
		*bits_r |= 1u << i;
	}
	return 0;
}

/*
 * Octets of what is marked \Deleted, by its records, up to the last of them:
 * store keeps no such sum. One answer of store; 1: that was all, 0: there is
 * more, -1 (imapd_door says why).
 */
static int
deleted_more(struct imapd_status *st)
{
	struct door_record *rec = NULL;
	size_t n = 0, i;
	uint64_t modseq;
	int more = 0;

	if (st->left == 0)
		return 1;
	if (door_records_from(&imapd_door, st->now.id, st->uid, &rec, &n,
	    &modseq, &more) == -1) {
		free(rec);
		return -1;
	}
	for (i = 0; i < n && st->left > 0; i++)
		if (rec[i].flags & FLAG_DELETED) {
			st->deleted += rec[i].size;
			st->left--;
		}
	if (n > 0)
		st->uid = rec[n - 1].uid + 1;
	free(rec);
	return st->left == 0 || !more || n == 0;
}

static void
put_items(struct buf *out, const struct door_mailbox *m, uint64_t deleted,
    unsigned bits)
{
	uint64_t v[ST_COUNT] = {
		[ST_MESSAGES] = m->messages, [ST_RECENT] = m->recent,
		[ST_UIDNEXT] = m->uidnext, [ST_UIDVALIDITY] = m->uidvalidity,
		[ST_UNSEEN] = m->unseen,
		[ST_HIGHESTMODSEQ] = m->highestmodseq, [ST_SIZE] = m->size,
		[ST_APPENDLIMIT] = imapd_conf.message_size,
		[ST_DELETED] = m->deleted, [ST_DELETED_STORAGE] = deleted,
	};
	const char *gap = "";
	unsigned i;

	for (i = 0; i < ST_COUNT; i++) {
		if (!(bits & 1u << i))
			continue;
		buf_printf(out, "%s%s ", gap, status_names[i]);
		gap = " ";
		if (i != ST_MAILBOXID) {
			buf_put_number(out, v[i]);
			continue;
		}
		buf_putc(out, '(');
		imapd_ids_put(out, IMAPD_ID_MAILBOX, m->oid);
		buf_putc(out, ')');
	}
}

void
imapd_status_begin(struct imapd_status *st, const struct door_mailbox *m,
    unsigned bits)
{
	*st = (struct imapd_status){ .id = m->id, .bits = bits, .uid = 1,
		.name = mem_strdup(m->name) };
}

void
imapd_status_clear(struct imapd_status *st)
{
	free(st->name);
	*st = (struct imapd_status){ 0 };
}

/* 1, or as deleted_more. */
static int
status_ask(struct imapd_status *st)
{
	if (!st->asked) {
		if (door_status(&imapd_door, st->id, &st->now) == -1)
			return -1;
		st->asked = 1;
		st->left = st->now.deleted;
	}
	return st->bits & 1u << ST_DELETED_STORAGE ? deleted_more(st) : 1;
}

int
imapd_status_more(struct imapd_session *s, struct imapd_status *st)
{
	int r = status_ask(st);

	if (r != 1)
		return r;
	if (st->bits & 1u << ST_HIGHESTMODSEQ)
		imapd_condstore(s);
	buf_puts(&s->out, "* STATUS ");
	imapd_names_put(&s->out, st->name, strlen(st->name));
	buf_puts(&s->out, " (");
	put_items(&s->out, &st->now, st->deleted, st->bits);
	buf_puts(&s->out, ")\r\n");
	return 1;
}
