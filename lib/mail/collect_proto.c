#include <assert.h>

#include "lib/mail/collect_proto.h"
#include "lib/mail/limits.h"
#include "lib/mail/result.h"

enum {
	ITEM_MAX = 4 + 8 + 4 + UIDL_MAX,	/* octets of a packed item */
	ITEMS_MAX = CL_SLICE * ITEM_MAX,
	NUMBERS_MAX = CL_WANT_MAX * 4,
};
static_assert(ITEMS_MAX + 2048 < CHAN_FRAME_MAX, "a slice fits a frame");

static const struct msg_field f_run[] = {
	{ "account", CLF_ACCOUNT, MSG_TEXT, 0, CL_ACCOUNT_MAX },
	{ "kind", CLF_KIND, MSG_U32, 0, 0 },
	{ "host", CLF_HOST, MSG_TEXT, 0, DOMAIN_MAX },
	{ "port", CLF_PORT, MSG_U32, 0, 0 },
	{ "security", CLF_SECURITY, MSG_U32, 0, 0 },
	{ "login", CLF_LOGIN, MSG_TEXT, 0, ADDRESS_MAX },
	{ "password", CLF_PASSWORD, MSG_TEXT, 0, SECRET_MAX },
	{ "flags", CLF_FLAGS, MSG_U32, 0, 0 },
	{ "owner", CLF_OWNER, MSG_TEXT, 1, ADDRESS_MAX },
	{ "fields", CLF_FIELDS, MSG_BYTES, 1, CL_SECTION_MAX },
	{ "seconds", CLF_SECONDS, MSG_U32, 0, 0 },
	{ "largest", CLF_LARGEST, MSG_U64, 0, 0 },
	{ "validity", CLF_VALIDITY, MSG_U32, 1, 0 },
	{ "since", CLF_SINCE, MSG_U32, 1, 0 }, { 0 }
};
static const struct msg_field f_list[] = {
	{ "items", CLF_ITEMS, MSG_BYTES, 0, ITEMS_MAX },
	{ "last", CLF_LAST, MSG_U32, 1, 0 }, { 0 }
};
static const struct msg_field f_want[] = {
	{ "numbers", CLF_NUMBERS, MSG_BYTES, 0, NUMBERS_MAX },
	{ "removed", CLF_REMOVED, MSG_BYTES, 0, NUMBERS_MAX }, { 0 }
};
static const struct msg_field f_file[] = {
	{ "file", CLF_FILE, MSG_TEXT, 0, QUEUE_ID_LEN }, { 0 }
};
static const struct msg_field f_submit[] = {
	{ "file", CLF_FILE, MSG_TEXT, 0, QUEUE_ID_LEN },
	{ "sender", CLF_SENDER, MSG_TEXT, 1, ADDRESS_MAX },
	{ "recipients", CLF_RECIPIENTS, MSG_BYTES, 1, CL_SECTION_MAX },
	{ "length", CLF_LENGTH, MSG_U64, 0, 0 },
	{ "crc", CLF_CRC, MSG_U32, 0, 0 },
	{ "final", CLF_FINAL, MSG_U32, 0, 0 },
	{ "forward", CLF_FORWARD, MSG_U32, 0, 0 },
	{ "flags", CLF_FLAGS, MSG_U32, 0, 0 },
	{ "message_id", CLF_MESSAGE_ID, MSG_TEXT, 1, MESSAGE_ID_MAX },
	{ 0 }
};
static const struct msg_field f_done[] = {
	{ "remove", CLF_REMOVE, MSG_U32, 1, 0 }, { 0 }
};
static const struct msg_field f_words[] = {
	{ "words", CLF_WORDS, MSG_TEXT, 0, RESULT_WORDS_MAX }, { 0 }
};
static const struct msg_field f_left[] = {
	{ "reason", CLF_REASON, MSG_U32, 0, 0 },
	{ "words", CLF_WORDS, MSG_TEXT, 0, RESULT_WORDS_MAX }, { 0 }
};
static const struct msg_field f_end[] = {
	{ "status", CLF_STATUS, MSG_U32, 0, 0 },
	{ "words", CLF_WORDS, MSG_TEXT, 0, RESULT_WORDS_MAX },
	{ "delay", CLF_DELAY, MSG_U32, 1, 0 }, { 0 }
};

#define MANAGER	PEER_BIT(PEER_COLLECT)
#define WORKER	PEER_BIT(PEER_FETCH)
static const struct msg_desc table[] = {
	[CL_RUN] = { "RUN", MANAGER, 0, 0, f_run },
	[CL_LIST] = { "LIST", WORKER, 0, 0, f_list },
	[CL_MORE] = { "MORE", MANAGER, 0, 0, NULL },
	[CL_WANT] = { "WANT", MANAGER, 0, 0, f_want },
	[CL_FILE] = { "FILE", WORKER, 0, 0, NULL },
	[CL_FILE_IS] = { "FILE_IS", MANAGER, 1, 1, f_file },
	[CL_SUBMIT] = { "SUBMIT", WORKER, 0, 0, f_submit },
	[CL_DONE] = { "DONE", MANAGER, 0, 0, f_done },
	[CL_LATER] = { "LATER", MANAGER, 0, 0, f_words },
	[CL_LEFT] = { "LEFT", WORKER, 0, 0, f_left },
	[CL_IDLE] = { "IDLE", WORKER, 0, 0, NULL },
	[CL_STOP] = { "STOP", MANAGER, 0, 0, NULL },
	[CL_END] = { "END", WORKER, 0, 0, f_end },
};
const struct msg_proto proto_collect = MSG_PROTO("collect", table);

int
cl_is_key(const char *p, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		if (p[i] < 0x21 || p[i] > 0x7e)
			return 0;
	return len > 0 && len <= UIDL_MAX;
}

int
cl_put_item(struct buf *b, const struct cl_item *i)
{
	size_t before = b->len;

	if (!cl_is_key(i->key, i->len))
		return -1;
	if (buf_put_u32(b, i->number) == 0 && buf_put_u64(b, i->size) == 0 &&
	    buf_put_lv(b, i->key, i->len) == 0)
		return 0;
	buf_truncate(b, before);
	return -1;
}

int
cl_item(struct cursor *c, struct cl_item *i)
{
	if (cursor_left(c) == 0 && !c->bad)
		return 0;
	i->number = cursor_u32(c);
	i->size = cursor_u64(c);
	i->key = cursor_lv(c, &i->len, UIDL_MAX);
	if (c->bad || i->number == 0 || !cl_is_key(i->key, i->len)) {
		c->bad = 1;
		return -1;
	}
	return 1;
}
