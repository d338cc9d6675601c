#include <string.h>

#include "lib/base/str.h"
#include "lib/mail/notes.h"
#include "lib/mail/proto.h"
#include "queue/queue_fields.h"

/* Tags in the record: a number that was given away keeps its meaning. */
enum {
	TAG_ACCOUNT = 1,
	TAG_UIDL,
	TAG_RET,
	TAG_BODY,
	TAG_NOTES,
	TAG_MESSAGE_ID,
};

enum { CLIENT_MAX = 1000 };	/* of records; proto_queue allows less */

#define AT(m)	offsetof(struct envelope, m)
#define BOTH	(FIELD_DELIVER | FIELD_RELAY)

static const char *const ret_words[] = {
	[Q_RET_FULL] = "FULL", [Q_RET_HDRS] = "HDRS",
};
static const char *const body_words[] = {
	[Q_BODY_7BIT] = "7BIT", [Q_BODY_8BITMIME] = "8BITMIME",
	[Q_BODY_BINARYMIME] = "BINARYMIME",
};

const struct envelope_field envelope_fields[] = {
	/* Those of each record: their order is its format. */
	{ "time", MSG_U64, FIELD_FIXED | FIELD_ALWAYS | BOTH,
	    QF_TIME, JF_TIME, 0, 0, AT(time), NULL, NULL },
	{ "length", MSG_U64, FIELD_FIXED | FIELD_ALWAYS | BOTH,
	    QF_LENGTH, JF_LENGTH, 0, 0, AT(length), NULL, NULL },
	{ "crc", MSG_U32, FIELD_FIXED | FIELD_ALWAYS | BOTH,
	    QF_CRC, JF_CRC, 0, 0, AT(crc), NULL, NULL },
	{ "final", MSG_U32, FIELD_FIXED,
	    QF_FINAL, 0, 0, 0, AT(final), NULL, NULL },
	{ "forward", MSG_U32, FIELD_FIXED,
	    QF_FORWARD, 0, 0, 0, AT(forward), NULL, NULL },
	{ "flags", MSG_U32, FIELD_FIXED | FIELD_ALWAYS | BOTH,
	    QF_FLAGS, JF_FLAGS, 0, 0, AT(flags), NULL, NULL },
	{ "origin", MSG_U32, FIELD_FIXED | BOTH,
	    QF_ORIGIN, JF_ORIGIN, 0, 0, AT(origin), NULL, NULL },
	{ "sender", MSG_TEXT, FIELD_FIXED | FIELD_ALWAYS | BOTH,
	    QF_SENDER, JF_SENDER, 0, ADDRESS_MAX, AT(sender), NULL, NULL },
	{ "client", MSG_TEXT, FIELD_FIXED,
	    QF_CLIENT, 0, 0, CLIENT_MAX, AT(client), NULL, NULL },
	{ "login", MSG_TEXT, FIELD_FIXED | BOTH,
	    QF_LOGIN, JF_LOGIN, 0, ADDRESS_MAX, AT(login), NULL, NULL },
	{ "envid", MSG_TEXT, FIELD_FIXED | FIELD_RELAY,
	    QF_ENVID, JF_ENVID, 0, ENVID_MAX, AT(envid), NULL, NULL },
	/* Those that most records do without, in any order. */
	{ "account", MSG_TEXT, FIELD_DELIVER,
	    QF_ACCOUNT, JF_ACCOUNT, TAG_ACCOUNT, ADDRESS_MAX, AT(account),
	    NULL, NULL },
	{ "uidl", MSG_TEXT, FIELD_DELIVER,
	    QF_UIDL, JF_UIDL, TAG_UIDL, UIDL_MAX, AT(uidl), NULL, NULL },
	{ "ret", MSG_U32, FIELD_RELAY,
	    QF_RET, JF_RET, TAG_RET, Q_RET_HDRS, AT(ret), ret_words,
	    NULL },
	{ "body", MSG_U32, FIELD_RELAY,
	    QF_BODY, JF_BODY, TAG_BODY, Q_BODY_BINARYMIME, AT(body),
	    body_words, NULL },
	{ "notes", MSG_BYTES, FIELD_DELIVER,
	    QF_NOTES, JF_NOTES, TAG_NOTES, NOTES_MAX, AT(notes), NULL,
	    notes_check },
	{ "message_id", MSG_TEXT, 0,
	    QF_MESSAGE_ID, 0, TAG_MESSAGE_ID, MESSAGE_ID_MAX, AT(message_id),
	    NULL, NULL },
	{ .name = NULL },
};

const struct envelope_field *
field_by_tag(uint8_t tag)
{
	const struct envelope_field *f;

	for (f = envelope_fields; f->name != NULL; f++)
		if (tag != 0 && f->tag == tag)
			return f;
	return NULL;
}

uint64_t
field_number(const struct envelope_field *f, const struct envelope *e)
{
	const char *at = (const char *)e + f->at;

	return f->type == MSG_U64 ? *(const uint64_t *)(const void *)at :
	    *(const uint32_t *)(const void *)at;
}

const char *
field_text(const struct envelope_field *f, const struct envelope *e)
{
	const char *s = *(const char *const *)(const void *)((const char *)e +
	    f->at);

	return s != NULL ? s : "";
}

const struct envelope_bytes *
field_bytes(const struct envelope_field *f, const struct envelope *e)
{
	return (const void *)((const char *)e + f->at);
}

int
field_absent(const struct envelope_field *f, const struct envelope *e)
{
	if (f->type == MSG_TEXT)
		return field_text(f, e)[0] == '\0';
	if (f->type == MSG_BYTES)
		return field_bytes(f, e)->len == 0;
	return field_number(f, e) == 0;
}

void
field_set_number(const struct envelope_field *f, struct envelope *e, uint64_t v)
{
	void *at = (char *)e + f->at;

	if (f->type == MSG_U64)
		*(uint64_t *)at = v;
	else
		*(uint32_t *)at = (uint32_t)v;
}

int
field_set(const struct envelope_field *f, struct envelope *e, const void *p,
    size_t len, char **arena)
{
	void *at = (char *)e + f->at;

	if (len > f->max)
		return -1;
	if (f->type == MSG_TEXT && len > 0 && !str_is_text(p, len))
		return -1;
	if (f->type == MSG_BYTES && f->check(p, len) == -1)
		return -1;
	if (f->type == MSG_TEXT)
		*(const char **)at = *arena;
	else
		*(struct envelope_bytes *)at = (struct envelope_bytes){
		    .p = *arena, .len = len };
	if (len > 0)
		memcpy(*arena, p, len);
	*arena += len;
	if (f->type == MSG_TEXT)
		*(*arena)++ = '\0';
	return 0;
}

static int
is_number(const struct envelope_field *f)
{
	return f->type == MSG_U32 || f->type == MSG_U64;
}

int
fields_read(struct envelope *e, const struct msg *m, char *arena)
{
	const struct envelope_field *f;
	const char *p;
	uint64_t v;
	size_t len;

	for (f = envelope_fields; f->name != NULL; f++) {
		if (!is_number(f)) {
			p = msg_get(m, f->submit, &len);
			if (field_set(f, e, p, len, &arena) == -1)
				return -1;
			continue;
		}
		v = f->type == MSG_U64 ? msg_get_u64(m, f->submit) :
		    msg_get_u32(m, f->submit);
		if (f->max > 0 && v > f->max)
			return -1;
		field_set_number(f, e, v);
	}
	return 0;
}

void
fields_write(const struct envelope *e, struct chan *c, enum field_flag flag)
{
	const struct envelope_field *f;
	const struct envelope_bytes *b;

	for (f = envelope_fields; f->name != NULL; f++) {
		if (!(f->flags & flag) ||
		    (!(f->flags & FIELD_ALWAYS) && field_absent(f, e)))
			continue;
		if (f->type == MSG_U64) {
			msg_u64(c, f->job, field_number(f, e));
		} else if (f->type == MSG_U32) {
			msg_u32(c, f->job, (uint32_t)field_number(f, e));
		} else if (f->type == MSG_TEXT) {
			msg_text(c, f->job, field_text(f, e));
		} else {
			b = field_bytes(f, e);
			msg_bytes(c, f->job, b->p, b->len);
		}
	}
}
