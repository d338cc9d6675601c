#include <string.h>

#include "imapd/imapd_door.h"
#include "imapd/imapd_names.h"
#include "imapd/imapd_session.h"
#include "imapd/imapd_status.h"

enum status_item {
	ST_MESSAGES, ST_RECENT, ST_UIDNEXT, ST_UIDVALIDITY, ST_UNSEEN,
	ST_HIGHESTMODSEQ, ST_SIZE, ST_APPENDLIMIT, ST_COUNT
};
static const char *const status_names[ST_COUNT] = {
	"MESSAGES", "RECENT", "UIDNEXT", "UIDVALIDITY", "UNSEEN",
	"HIGHESTMODSEQ", "SIZE", "APPENDLIMIT",
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

static void
put_items(struct buf *out, const struct door_mailbox *m, unsigned bits)
{
	uint64_t v[ST_COUNT] = {
		[ST_MESSAGES] = m->messages, [ST_RECENT] = m->recent,
		[ST_UIDNEXT] = m->uidnext, [ST_UIDVALIDITY] = m->uidvalidity,
		[ST_UNSEEN] = m->unseen,
		[ST_HIGHESTMODSEQ] = m->highestmodseq, [ST_SIZE] = m->size,
		[ST_APPENDLIMIT] = imapd_conf.message_size,
	};
	const char *gap = "";
	unsigned i;

	for (i = 0; i < ST_COUNT; i++) {
		if (!(bits & 1u << i))
			continue;
		buf_printf(out, "%s%s ", gap, status_names[i]);
		buf_put_number(out, v[i]);
		gap = " ";
	}
}

int
imapd_status_put(struct imapd_session *s, const struct door_mailbox *m,
    unsigned bits)
{
	struct door_mailbox now;

	if (door_status(&imapd_door, m->id, &now) == -1)
		return -1;
	if (bits & 1u << ST_HIGHESTMODSEQ)
		imapd_condstore(s);
	buf_puts(&s->out, "* STATUS ");
	imapd_names_put(&s->out, m->name, strlen(m->name));
	buf_puts(&s->out, " (");
	put_items(&s->out, &now, bits);
	buf_puts(&s->out, ")\r\n");
	return 0;
}
