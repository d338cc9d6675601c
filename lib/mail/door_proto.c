#include <assert.h>
#include <endian.h>
#include <string.h>

#include "lib/mail/door_proto.h"
#include "lib/mail/follow.h"
#include "lib/mail/limits.h"

static_assert(sizeof(struct door_record) == DOOR_RECORD_SIZE,
    "a record on the wire is the struct, little-endian");
static_assert(4 + DOOR_RECORDS_MAX * DOOR_RECORD_MAX <= DOOR_PACKED_MAX &&
    DOOR_PACKED_MAX + 4 * DOOR_RECORDS_MAX + 100 <= CHAN_FRAME_MAX,
    "records and uids fit a frame together");
static_assert(4 + DOOR_CHANGE_MAX * DOOR_RECORD_MAX + DOOR_WIDE_MAX <=
    DOOR_PACKED_MAX, "so do those of a change, with all their keywords");

/* The fields that several messages share. */
#define F_MAILBOX	{ "mailbox", DF_MAILBOX, MSG_U32, 0, 0 }
/* Whose mailbox it is; absent: that of the door's user. */
#define F_OWNER		{ "owner", DF_OWNER, MSG_TEXT, 1, ADDRESS_MAX }
#define F_NAME		{ "name", DF_NAME, MSG_TEXT, 0, DOOR_NAME_MAX }
#define F_ON		{ "on", DF_ON, MSG_U32, 0, 0 }
#define F_UIDS(max)	{ "uids", DF_UIDS, MSG_BYTES, 0, 4 * (max) }
#define F_UID		{ "uid", DF_UID, MSG_U32, 0, 0 }
#define F_MODSEQ	{ "modseq", DF_MODSEQ, MSG_U64, 0, 0 }
#define F_FLAGS		{ "flags", DF_FLAGS, MSG_U32, 0, 0 }
#define F_KEYWORDS	{ "keywords", DF_NAMES, MSG_BYTES, 1, \
	DOOR_NAMES_MAX * (DOOR_KEYWORD_LEN + 4) }
#define F_SIZE		{ "size", DF_SIZE, MSG_U64, 0, 0 }
#define F_HEADER	{ "header", DF_HEADER, MSG_U32, 0, 0 }
#define F_DATE		{ "date", DF_DATE, MSG_U64, 0, 0 }
#define F_CACHE		{ "cache", DF_CACHE, MSG_BYTES, 1, DOOR_CACHE_MAX }
#define F_MORE		{ "more", DF_MORE, MSG_U32, 1, 0 }
#define F_WORDS		{ "words", DF_WORDS, MSG_TEXT, 1, RESULT_WORDS_MAX }
#define F_UIDVALIDITY	{ "uidvalidity", DF_UIDVALIDITY, MSG_U32, 0, 0 }

static const struct msg_field f_mailbox[] = { F_MAILBOX, F_OWNER, { 0 } };
static const struct msg_field f_list[] = { F_NAME, F_OWNER, { 0 } };
static const struct msg_field f_create[] = {
	F_NAME, { "attrs", DF_ATTRS, MSG_U32, 0, 0 }, F_OWNER, { 0 }
};
static const struct msg_field f_rename[] = {
	F_NAME, { "to name", DF_TO_NAME, MSG_TEXT, 0, DOOR_NAME_MAX },
	F_OWNER, { 0 }
};
static const struct msg_field f_subscribe[] = { F_NAME, F_ON, { 0 } };
static const struct msg_field f_select[] = { F_MAILBOX, F_ON, F_OWNER, { 0 } };
static const struct msg_field f_records[] = {
	F_MAILBOX, F_MODSEQ, F_UID, F_OWNER,
	{ "take recent", DF_ON, MSG_U32, 1, 0 }, { 0 }
};
static const struct msg_field f_store[] = {
	F_MAILBOX, F_UIDS(DOOR_CHANGE_MAX),
	{ "op", DF_OP, MSG_U32, 0, 0 }, F_FLAGS, F_KEYWORDS, F_MODSEQ,
	F_OWNER, { 0 }
};
static const struct msg_field f_expunge[] = {
	F_MAILBOX, F_UIDS(DOOR_CHANGE_MAX), F_ON, F_OWNER, { 0 }
};
static const struct msg_field f_copy[] = {
	F_MAILBOX, { "to", DF_TO, MSG_U32, 0, 0 },
	F_UIDS(DOOR_COPY_UIDS_MAX), F_ON, F_OWNER,
	{ "to owner", DF_TO_NAME, MSG_TEXT, 1, ADDRESS_MAX }, { 0 }
};
static const struct msg_field f_open[] = {
	F_MAILBOX, F_UIDS(DOOR_OPEN_MAX), F_OWNER, { 0 }
};
static const struct msg_field f_cache_get[] = {
	F_MAILBOX, F_UIDS(DOOR_RECORDS_MAX), F_OWNER, { 0 }
};
static const struct msg_field f_cache_put[] = {
	F_MAILBOX, F_UID, F_CACHE, F_OWNER, { 0 }
};
static const struct msg_field f_append[] = {
	F_MAILBOX, { "file", DF_NAME, MSG_TEXT, 0, DOOR_FILE_NAME }, F_SIZE,
	{ "crc", DF_CRC, MSG_U32, 0, 0 }, F_HEADER, F_FLAGS, F_KEYWORDS,
	F_DATE, F_CACHE, F_OWNER, { "next", DF_ON, MSG_U32, 1, 0 },
	{ "number", DF_COUNT, MSG_U64, 1, 0 }, F_MORE, { 0 }
};
static const struct msg_field f_import[] = {
	F_MAILBOX, { "file", DF_NAME, MSG_TEXT, 0, DOOR_FILE_NAME }, F_SIZE,
	{ "crc", DF_CRC, MSG_U32, 0, 0 }, F_HEADER, F_FLAGS, F_KEYWORDS,
	F_DATE, F_OWNER, { "number", DF_COUNT, MSG_U64, 0, 0 }, F_MORE, F_UID,
	{ "id", DF_RECORDS, MSG_BYTES, 1, DOOR_ID }, { 0 }
};
static const struct msg_field f_adopt[] = {
	F_NAME, { "attrs", DF_ATTRS, MSG_U32, 0, 0 }, F_UIDVALIDITY, F_UID,
	F_OWNER, { 0 }
};
static const struct msg_field f_deliver[] = {
	{ "queue id", DF_QUEUE_ID, MSG_TEXT, 0, QUEUE_ID_LEN },
	{ "owner", DF_OWNER, MSG_TEXT, 0, ADDRESS_MAX },
	F_SIZE, F_HEADER, F_DATE, F_CACHE,
	{ "mailbox", DF_NAME, MSG_TEXT, 1, DOOR_NAME_MAX },
	{ "special use", DF_ATTRS, MSG_U32, 1, 0 },
	{ "make", DF_ON, MSG_U32, 1, 0 },
	{ "flags", DF_FLAGS, MSG_U32, 1, 0 }, F_KEYWORDS,
	{ "file", DF_TO_NAME, MSG_TEXT, 1, DOOR_FILE_NAME },
	{ "crc", DF_CRC, MSG_U32, 1, 0 },
	{ "filter", DF_OP, MSG_U32, 1, 0 }, { 0 }
};
static const struct msg_field f_script_is[] = {
	{ "script", DF_CACHE, MSG_BYTES, 0, DOOR_SCRIPT_MAX },
	{ "names", DF_NAMES, MSG_BYTES, 1, DOOR_SCRIPT_NAMES_MAX }, { 0 }
};
static const struct msg_field f_script[] = { F_NAME, { 0 } };
static const struct msg_field f_script_put[] = {
	F_NAME, { "script", DF_CACHE, MSG_BYTES, 0, DOOR_SCRIPT_MAX }, F_ON,
	{ 0 }
};
static const struct msg_field f_failed[] = {
	{ "error", DF_ERROR, MSG_U32, 0, 0 }, F_WORDS, { 0 }
};
static const struct msg_field f_mailboxes[] = {
	{ "mailboxes", DF_MAILBOXES, MSG_BYTES, 0, DOOR_PACKED_MAX },
	F_MORE, { 0 }
};
static const struct msg_field f_mailbox_is[] = {
	{ "mailbox", DF_MAILBOXES, MSG_BYTES, 0, DOOR_MAILBOX_MAX },
	{ "recent", DF_UID, MSG_U32, 1, 0 }, { 0 }
};
static const struct msg_field f_names[] = {
	{ "names", DF_NAMES, MSG_BYTES, 0, DOOR_PACKED_MAX }, { 0 }
};
static const struct msg_field f_records_are[] = {
	{ "records", DF_RECORDS, MSG_BYTES, 0, DOOR_PACKED_MAX },
	{ "keywords", DF_NAMES, MSG_BYTES, 1, DOOR_WIDE_MAX },
	F_UIDS(DOOR_RECORDS_MAX), F_MODSEQ, F_ON, F_MORE,
	{ "recent", DF_UID, MSG_U32, 1, 0 }, { 0 }
};
static const struct msg_field f_gone[] = {
	F_UIDS(DOOR_RECORDS_MAX), F_MODSEQ, { 0 }
};
static const struct msg_field f_copied[] = {
	F_UIDS(DOOR_COPY_UIDS_MAX),
	{ "to uids", DF_TO_UIDS, MSG_BYTES, 0, 4 * DOOR_COPY_UIDS_MAX },
	F_UIDVALIDITY, { 0 }
};
static const struct msg_field f_files[] = {
	{ "found", DF_FOUND, MSG_BYTES, 0, DOOR_OPEN_MAX }, { 0 }
};
static const struct msg_field f_cache[] = {
	{ "cache", DF_CACHE, MSG_BYTES, 0, DOOR_PACKED_MAX },
	{ "count", DF_COUNT, MSG_U64, 0, 0 }, { 0 }
};
static const struct msg_field f_file_is[] = {
	{ "file", DF_NAME, MSG_TEXT, 0, DOOR_FILE_NAME }, { 0 }
};
static const struct msg_field f_appended[] = {
	F_UID, F_UIDVALIDITY,
	{ "next file", DF_NAME, MSG_TEXT, 1, DOOR_FILE_NAME }, { 0 }
};
static const struct msg_field f_quota_is[] = {
	F_SIZE, { "size max", DF_SIZE_MAX, MSG_U64, 0, 0 },
	{ "count", DF_COUNT, MSG_U64, 0, 0 },
	{ "count max", DF_COUNT_MAX, MSG_U64, 0, 0 },
	{ "domain", DF_NAME, MSG_TEXT, 1, DOMAIN_MAX },
	{ "of the domain", DF_RECORDS, MSG_BYTES, 1, DOOR_SUM_SIZE }, { 0 }
};
static const struct msg_field f_delivered[] = {
	{ "result", DF_RESULT, MSG_U32, 0, 0 }, F_WORDS, { 0 }
};
static const struct msg_field f_event[] = {
	F_UIDS(DOOR_MAILBOXES_MAX), F_ON, F_OWNER, { 0 }
};
static const struct msg_field f_follow[] = {
	F_MAILBOX, F_MODSEQ, F_OWNER, { 0 }
};
static const struct msg_field f_followed[] = {
	{ "events", DF_RECORDS, MSG_BYTES, 0, FOLLOW_ANSWER_MAX },
	F_MODSEQ, F_ON, F_MORE, { 0 }
};

static const struct msg_field f_ids[] = {
	F_MAILBOX, F_UIDS(DOOR_CHANGE_MAX), F_OWNER, { 0 }
};
static const struct msg_field f_vanished[] = {
	F_MAILBOX, F_MODSEQ, F_OWNER, { 0 }
};
static const struct msg_field f_ids_are[] = {
	{ "ids", DF_RECORDS, MSG_BYTES, 0, (4 + DOOR_ID) * DOOR_CHANGE_MAX },
	{ 0 }
};

#define CTL	PEER_BIT(PEER_CTL)
#define USER	(PEER_BIT(PEER_IMAPD) | PEER_BIT(PEER_POP3D) | CTL)
#define READER	(USER | PEER_BIT(PEER_FOLLOW))
#define MIGRATE	PEER_BIT(PEER_MIGRATE)
#define WRITER	(USER | PEER_BIT(PEER_DELIVER) | MIGRATE)
#define STORE	PEER_BIT(PEER_STORE)
static const struct msg_desc d_table[] = {
	[DM_LIST] = { "LIST", READER | MIGRATE, 0, 0, f_list },
	[DM_CREATE] = { "CREATE", USER, 0, 0, f_create },
	[DM_DELETE] = { "DELETE", USER, 0, 0, f_mailbox },
	[DM_RENAME] = { "RENAME", USER, 0, 0, f_rename },
	[DM_SUBSCRIBE] = { "SUBSCRIBE", USER, 0, 0, f_subscribe },
	[DM_SUBSCRIBED] = { "SUBSCRIBED", USER, 0, 0, NULL },
	[DM_STATUS] = { "STATUS", READER, 0, 0, f_mailbox },
	[DM_SELECT] = { "SELECT", USER, 0, 0, f_select },
	[DM_UNSELECT] = { "UNSELECT", USER, 0, 0, f_mailbox },
	[DM_KEYWORDS] = { "KEYWORDS", READER, 0, 0, f_mailbox },
	[DM_RECORDS] = { "RECORDS", READER | MIGRATE, 0, 0, f_records },
	[DM_STORE] = { "STORE", USER | MIGRATE, 0, 0, f_store },
	[DM_EXPUNGE] = { "EXPUNGE", USER | MIGRATE, 0, 0, f_expunge },
	[DM_COPY] = { "COPY", USER, 0, 0, f_copy },
	[DM_OPEN] = { "OPEN", READER, 0, 0, f_open },
	[DM_CACHE_GET] = { "CACHE_GET", READER, 0, 0, f_cache_get },
	[DM_CACHE_PUT] = { "CACHE_PUT", USER, 0, 0, f_cache_put },
	[DM_FILE] = { "FILE", WRITER, 0, 0, NULL },
	[DM_FILE_BACK] = { "FILE_BACK", WRITER, 0, 0, f_file_is },
	[DM_APPEND] = { "APPEND", USER, 0, 0, f_append },
	[DM_POP_LOCK] = { "POP_LOCK", PEER_BIT(PEER_POP3D), 0, 0, NULL },
	[DM_QUOTA] = { "QUOTA", USER, 0, 0, NULL },
	[DM_DELIVER] = { "DELIVER", PEER_BIT(PEER_DELIVER), 1, 1, f_deliver },
	[DM_DONE] = { "DONE", STORE, 0, 0, NULL },
	[DM_FAILED] = { "FAILED", STORE, 0, 0, f_failed },
	[DM_MAILBOXES] = { "MAILBOXES", STORE, 0, 0, f_mailboxes },
	[DM_MAILBOX] = { "MAILBOX", STORE, 0, 0, f_mailbox_is },
	[DM_NAMES] = { "NAMES", STORE, 0, 0, f_names },
	[DM_RECORDS_ARE] = { "RECORDS_ARE", STORE, 0, 0, f_records_are },
	[DM_GONE] = { "GONE", STORE, 0, 0, f_gone },
	[DM_COPIED] = { "COPIED", STORE, 0, 0, f_copied },
	[DM_FILES] = { "FILES", STORE, 0, DOOR_OPEN_MAX, f_files },
	[DM_CACHE] = { "CACHE", STORE, 0, 0, f_cache },
	[DM_FILE_IS] = { "FILE_IS", STORE, 1, 1, f_file_is },
	[DM_APPENDED] = { "APPENDED", STORE, 0, 1, f_appended },
	[DM_QUOTA_IS] = { "QUOTA_IS", STORE, 0, 0, f_quota_is },
	[DM_DELIVERED] = { "DELIVERED", STORE, 0, 0, f_delivered },
	[DM_EVENT] = { "EVENT", STORE, 0, 0, f_event },
	[DM_FOLLOW] = { "FOLLOW", PEER_BIT(PEER_FOLLOW), 0, 0, f_follow },
	[DM_FOLLOWED] = { "FOLLOWED", STORE, 0, 0, f_followed },
	[DM_IDS] = { "IDS", READER | MIGRATE, 0, 0, f_ids },
	[DM_VANISHED] = { "VANISHED", READER, 0, 0, f_vanished },
	[DM_ADOPT] = { "ADOPT", CTL | MIGRATE, 0, 0, f_adopt },
	[DM_IMPORT] = { "IMPORT", CTL | MIGRATE, 0, 0, f_import },
	[DM_SCRIPT_IS] = { "SCRIPT_IS", STORE, 0, 1, f_script_is },
	[DM_SCRIPT_LIST] = { "SCRIPT_LIST", CTL, 0, 0, NULL },
	[DM_SCRIPT_GET] = { "SCRIPT_GET", CTL, 0, 0, f_script },
	[DM_SCRIPT_PUT] = { "SCRIPT_PUT", CTL, 0, 0, f_script_put },
	[DM_SCRIPT_ACTIVATE] = { "SCRIPT_ACTIVATE", CTL, 0, 0, f_script },
	[DM_SCRIPT_DELETE] = { "SCRIPT_DELETE", CTL, 0, 0, f_script },
	[DM_IDS_ARE] = { "IDS_ARE", STORE, 0, 0, f_ids_are },
};
const struct msg_proto proto_door = MSG_PROTO("door", d_table);

void
door_tail_add(struct door_tail *t, const char *p, size_t len)
{
	if (len > 1) {
		memcpy(t->last, p + len - 2, 2);
		t->n = 2;
	} else if (len == 1) {
		t->last[0] = t->last[1];
		t->last[1] = *p;
		t->n = t->n == 0 ? 1 : 2;
	}
}

uint32_t
door_tail_mark(const struct door_tail *t)
{
	return t->n == 0 || (t->n == 2 && memcmp(t->last, "\r\n", 2) == 0) ?
	    MARK_WHOLE : MARK_CUT;
}

int
door_pack_record(struct buf *b, const struct door_record *r)
{
	struct door_record le = {
		.uid = htole32(r->uid), .flags = htole32(r->flags),
		.keywords = htole64(r->keywords),
		.modseq = htole64(r->modseq),
		.date = (int64_t)htole64((uint64_t)r->date),
		.size = htole64(r->size),
		.header_len = htole32(r->header_len),
		.save_date = htole32(r->save_date),
	};

	if (b->len == 0 && buf_put_u32(b, sizeof(le)) == -1)
		return -1;
	return buf_append(b, &le, sizeof(le));
}

int
door_pack_wide(struct buf *b, uint32_t uid, const void *p, size_t len)
{
	if (len == 0)
		return 0;
	return buf_put_u32(b, uid) == -1 ? -1 : buf_put_lv(b, p, len);
}

int
door_unpack_records(struct door_packed *l, const char *p, size_t len)
{
	struct cursor c;

	memset(l, 0, sizeof(*l));
	if (len == 0)
		return 0;
	cursor_init(&c, p, len);
	l->size = cursor_u32(&c);
	len = cursor_left(&c);
	if (c.bad || l->size == 0 || len % l->size != 0)
		return -1;
	l->p = p + 4;
	l->n = len / l->size;
	return 0;
}

void
door_unpack_record(const struct door_packed *l, size_t i, struct door_record *r)
{
	const char *p = l->p + i * l->size;

	if (l->size >= sizeof(*r))
		memcpy(r, p, sizeof(*r));
	else {
		memset(r, 0, sizeof(*r));
		memcpy(r, p, l->size);
	}
	r->uid = le32toh(r->uid);
	r->flags = le32toh(r->flags);
	r->keywords = le64toh(r->keywords);
	r->modseq = le64toh(r->modseq);
	r->date = (int64_t)le64toh((uint64_t)r->date);
	r->size = le64toh(r->size);
	r->header_len = le32toh(r->header_len);
	r->save_date = le32toh(r->save_date);
}

int
door_pack_mailbox(struct buf *b, const struct door_mailbox *m)
{
	const uint32_t v[8] = { m->id, m->uidvalidity, m->uidnext, m->attrs,
		m->messages, m->unseen, m->deleted, m->recent };
	size_t i, len = m->name == NULL ? 0 : strlen(m->name);

	if (buf_reserve(b, 56 + len + sizeof(m->oid)) == -1)
		return -1;
	buf_put_u32(b, (uint32_t)(52 + len + sizeof(m->oid)));
	for (i = 0; i < 8; i++)
		buf_put_u32(b, v[i]);
	buf_put_u64(b, m->size);
	buf_put_u64(b, m->highestmodseq);
	buf_put_lv(b, m->name == NULL ? "" : m->name, len);
	return buf_append(b, m->oid, sizeof(m->oid));
}

int
door_unpack_mailbox(struct cursor *list, struct door_mailbox *m,
    const char **name_r, size_t *len_r)
{
	struct cursor c;
	const char *p;
	size_t len;

	memset(m, 0, sizeof(*m));
	p = cursor_lv(list, &len, DOOR_MAILBOX_MAX);
	cursor_init(&c, p, len);
	m->id = cursor_u32(&c);
	m->uidvalidity = cursor_u32(&c);
	m->uidnext = cursor_u32(&c);
	m->attrs = cursor_u32(&c);
	m->messages = cursor_u32(&c);
	m->unseen = cursor_u32(&c);
	m->deleted = cursor_u32(&c);
	m->recent = cursor_u32(&c);
	m->size = cursor_u64(&c);
	m->highestmodseq = cursor_u64(&c);
	*name_r = cursor_lv(&c, len_r, DOOR_NAME_MAX);
	if (!c.bad && cursor_left(&c) >= sizeof(m->oid))
		memcpy(m->oid, cursor_take(&c, sizeof(m->oid)),
		    sizeof(m->oid));
	return list->bad || c.bad ? -1 : 0;
}

/* What an action does not say is not on the wire. */
static void
put_action(struct chan *c, const struct door_action *a, uint32_t mark)
{
	uint32_t flags = a->flags | mark;

	if (a->mailbox != NULL)
		msg_text(c, DF_NAME, a->mailbox);
	if (a->attrs != 0)
		msg_u32(c, DF_ATTRS, a->attrs);
	if (a->make)
		msg_u32(c, DF_ON, 1);
	if (flags != 0)
		msg_u32(c, DF_FLAGS, flags);
	if (a->keywords_len > 0)
		msg_bytes(c, DF_NAMES, a->keywords, a->keywords_len);
}

int
door_put_deliver(struct chan *c, uint32_t id, const struct door_delivery *d,
    int fd)
{
	msg_begin(c, &proto_door, DM_DELIVER, id);
	msg_text(c, DF_QUEUE_ID, d->queue_id);
	msg_text(c, DF_OWNER, d->owner);
	msg_u64(c, DF_SIZE, d->size);
	msg_u32(c, DF_HEADER, d->header_len);
	msg_u64(c, DF_DATE, (uint64_t)d->date);
	if (d->cache_len > 0)
		msg_bytes(c, DF_CACHE, d->cache, d->cache_len);
	put_action(c, &d->action, d->mark);
	if (d->file != NULL) {
		msg_text(c, DF_TO_NAME, d->file);
		msg_u32(c, DF_CRC, d->crc);
	}
	if (d->filter != DOOR_UNFILTERED)
		msg_u32(c, DF_OP, (uint32_t)d->filter);
	msg_fd(c, fd);
	return msg_end(c);
}

int
door_get_delivered(const struct msg *m, enum result *result_r,
    char words_r[RESULT_WORDS_MAX + 1])
{
	uint32_t r = msg_get_u32(m, DF_RESULT);
	const char *p;
	size_t len;

	if (m->type != DM_DELIVERED || r > RESULT_NEVER)
		return -1;
	p = msg_get(m, DF_WORDS, &len);
	if (len > 0)
		memcpy(words_r, p, len);
	words_r[len] = '\0';
	*result_r = (enum result)r;
	return 0;
}
