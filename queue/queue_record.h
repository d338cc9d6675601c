/*
 * What the records of the table have in common. A record is a sequence of
 * fixed-width integers and length-prefixed texts, its format version first;
 * the writer refuses NUL, CR and LF in a text.
 *
 * Behind what a version demands a record may have a rest: fields of u8 tag
 * and lv value. Who does not know a tag skips it, so that a field can be added
 * without another version. A version that a reader does not know makes the
 * whole record unreadable: it is raised together with TABLE_FORMAT
 * (queue_table.h), which keeps such readers from the table.
 */
#ifndef QUEUE_QUEUE_RECORD_H
#define QUEUE_QUEUE_RECORD_H

#include <stddef.h>
#include <stdint.h>

#include "lib/base/buf.h"

enum {
	RECORD_VERSION = 1,
	RECORD_TEXT_MAX = 1000,	/* of a text that has no bound of its own */
};

/* Appends a text (NULL: empty). 0, or -1 where it may not stand in one. */
int	record_put_text(struct buf *out, const char *s, size_t max);
/*
 * Copies a text to *arena, which moves on, with a NUL: in an arena as large as
 * the record there is room, for each text has its length in front of it. ""
 * and c->bad where it is malformed.
 */
const char *record_take_text(struct cursor *c, char **arena, size_t max);
/* The next field of the rest: 1; 0 at its end, or with c->bad. */
int	record_next(struct cursor *c, uint8_t *tag_r, const void **p_r,
	    size_t *len_r);
/* Skips the rest. 0, or -1 where it, or what was before it, is malformed. */
int	record_end(struct cursor *c) ATTR_CHECK;
/* A copy of at most max octets, control octets made blanks; NULL if empty. */
char	*record_clean(const char *p, size_t len, size_t max);

enum schedule_flag {
	SCHEDULE_HELD = 1,	/* by the operator */
	SCHEDULE_ASIDE = 2,	/* its body is broken or missing */
};

struct schedule {
	uint64_t next;		/* seconds */
	uint32_t attempts, flags;
	char	*words;		/* why it was set aside; owned, or NULL */
};

int	schedule_pack(const struct schedule *s, struct buf *out) ATTR_CHECK;
int	schedule_parse(struct schedule *s, const void *p, size_t len)
	    ATTR_CHECK;

#endif
