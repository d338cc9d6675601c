/*
 * The envelope of a message as it was accepted, in memory and as the record
 * RECORD_ENVELOPE. The record is written once, at the acceptance, and never
 * again: what a later version put into it stays.
 *
 * The fields, their bounds and their tags are the rows of queue_fields.h.
 *
 * Memory: a struct envelope owns what it points to, in one arena;
 * envelope_clear frees it.
 */
#ifndef QUEUE_QUEUE_ENVELOPE_H
#define QUEUE_QUEUE_ENVELOPE_H

#include <stdint.h>

#include "lib/base/buf.h"
#include "lib/mail/limits.h"

struct recipient {
	const char *address;		/* as RCPT gave it */
	const char *orcpt;		/* "rfc822;..." or "" */
	uint32_t notify;		/* enum q_notify */
};

struct envelope_bytes {
	const char *p;
	size_t	 len;
};

/* As QF_* of lib/mail/proto.h; texts are never NULL. */
struct envelope {
	uint64_t time, length;
	uint32_t crc, final, forward, flags, origin, ret, body;
	const char *sender;		/* "" is the null sender */
	const char *client, *login, *envid, *account, *uidl, *message_id;
	struct envelope_bytes notes;
	struct recipient *rcpt;
	size_t	 n_rcpt;
	char	*arena;
};

/* All is absent. */
void	envelope_init(struct envelope *e);
/*
 * Takes the packed recipients of Q_SUBMIT apart (lv address, lv ORCPT, u32
 * notify): all of them well-formed, 1 to RECIPIENTS_MAX. Texts are copied to
 * e->arena, which gets room for extra octets more, from *extra_r on. 0, or -1
 * and nothing to clear.
 */
int	recipients_parse(struct envelope *e, const void *p, size_t len,
	    size_t extra, char **extra_r) ATTR_CHECK;

/* Appends the record; 0, or -1 where a text may not stand in one. What is
   absent costs nothing, but for the fields that every record has. */
int	envelope_pack(const struct envelope *e, struct buf *out) ATTR_CHECK;
/* 0, or -1 (nothing to clear then) for a malformed record. */
int	envelope_parse(struct envelope *e, const void *p, size_t len)
	    ATTR_CHECK;
void	envelope_clear(struct envelope *e);

#endif
