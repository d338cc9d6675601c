/*
 * Notes about a message that go with its envelope: scores of its header and
 * verdicts of the checks at its reception, for the filters behind queue. A
 * note is a name and a value, both texts without NUL, CR or LF ("spf" and
 * "pass", "score.header" and "4.5"); names may repeat.
 *
 * Packed: lv name, lv value, again and again. Bounds: NOTES_COUNT notes,
 * NOTES_MAX octets at all.
 */
#ifndef LIB_MAIL_NOTES_H
#define LIB_MAIL_NOTES_H

#include "lib/base/buf.h"

enum {
	NOTE_NAME_MAX = 64,	/* at least 1 */
	NOTE_VALUE_MAX = 500,
	NOTES_COUNT = 64,
	NOTES_MAX = 8 * 1024,
};

/* Adds a note to a packed list. 0; -1, changing nothing: past a bound. */
int	notes_add(struct buf *packed, const char *name, const char *value)
	    ATTR_CHECK;
/* 0; -1 where the octets are not a packed list within the bounds. */
int	notes_check(const void *p, size_t len) ATTR_CHECK;
/*
 * The next note; c as from cursor_init. 1; 0 at the end, or with c->bad where
 * what follows is not a note. The texts are borrowed and have no NUL.
 */
int	notes_next(struct cursor *c, const char **name_r, size_t *name_len_r,
	    const char **value_r, size_t *value_len_r);

#endif
