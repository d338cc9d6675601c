/* A frame on a door, from either side, and what is packed in its fields. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/mail/door_proto.h"
#include "lib/mail/follow.h"

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Keywords that unpack are those that were packed. */
static void
unpack_wide(const struct msg *m)
{
	unsigned char again[KEYWORD_PACKED];
	struct keyword_set s = { .word = { 0 } };
	struct cursor c;
	const char *p;
	size_t len;

	p = msg_get(m, DF_NAMES, &len);
	cursor_init(&c, p, len);
	while (cursor_left(&c) > 0) {
		(void)cursor_u32(&c);
		p = cursor_lv(&c, &len, KEYWORD_PACKED);
		if (p == NULL)
			break;
		if (keyword_set_unpack(&s, p, len) == 0 &&
		    (keyword_set_pack(&s, again) != len ||
		    memcmp(again, p, len) != 0))
			abort();
	}
}

static void
unpack(const struct msg *m)
{
	char words[RESULT_WORDS_MAX + 1];
	struct door_mailbox box;
	struct door_record r;
	struct follow_event e;
	struct follow_item item;
	enum result result;
	struct cursor c;
	const char *p, *name;
	struct door_packed list;
	size_t len, n, i;

	p = msg_get(m, DF_MAILBOXES, &len);
	cursor_init(&c, p, len);
	while (cursor_left(&c) > 0 &&
	    door_unpack_mailbox(&c, &box, &name, &n) == 0)
		;
	p = msg_get(m, DF_RECORDS, &len);
	if (door_unpack_records(&list, p, len) == 0)
		for (i = 0; i < list.n; i++)
			door_unpack_record(&list, i, &r);
	cursor_init(&c, p, len);
	while (follow_next(&c, &e) == 1)
		for (i = 0; i < e.n; i++)
			follow_item(&e, i, &item);
	(void)door_get_delivered(m, &result, words);
	unpack_wide(m);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const enum peer from[] = { PEER_IMAPD, PEER_POP3D,
		PEER_DELIVER, PEER_STORE };
	struct buf why = BUF_INIT(300);
	struct frame f = { .nfds = 0 };
	struct msg m;

	if (size < 2)
		return 0;
	f.type = data[0];
	f.nfds = data[1] / 4 % 2;
	f.fds[0] = -1;
	f.data = (const char *)data + 2;
	f.len = (uint32_t)(size - 2);
	if (msg_parse(&m, &proto_door, data[1] & 8 ? PEER_FOLLOW :
	    from[data[1] % 4], &f, &why) == 0)
		unpack(&m);
	buf_clear(&why);
	return 0;
}
