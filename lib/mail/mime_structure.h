/*
 * BODY and BODYSTRUCTURE as IMAP says them (RFC 3501 7.4.2), and the record
 * of a message that the cache keeps.
 */
#ifndef LIB_MAIL_MIME_STRUCTURE_H
#define LIB_MAIL_MIME_STRUCTURE_H

#include "lib/mail/mime.h"

/*
 * Appends the text "(...)" to out. -1 where out is full: out then ends where
 * it was cut.
 */
int	mime_bodystructure(const struct mime *m, int extended,
	    struct buf *out);

/*
 * The cache record of a message: version u8, lv ENVELOPE, lv BODY, lv
 * BODYSTRUCTURE. Empty where it would pass DOOR_CACHE_MAX.
 */
int	mime_cache(const char *data, size_t len, struct buf *record_r);
/* The same of a message that is parsed already. */
void	mime_cache_tree(const struct mime *m, struct buf *record_r);
/* Takes a record apart: 0, or -1 where it is of another version or broken. */
int	mime_cache_get(const void *record, size_t len, const char **env_r,
	    size_t *env_len_r, const char **body_r, size_t *body_len_r,
	    const char **structure_r, size_t *structure_len_r);

#endif
