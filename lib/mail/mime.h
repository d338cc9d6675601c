/*
 * The structure of a message (RFC 5322, RFC 2045-2047): one pass over the
 * octets of a file gives a tree of parts by offset; from it the texts that
 * IMAP serves (ENVELOPE, BODY, BODYSTRUCTURE, RFC 3501 7.4.2).
 *
 * Bounds: MIME_DEPTH_MAX, MIME_PARTS_MAX, HEADER_BLOCK_MAX a block,
 * HEADER_COUNT_MAX headers; past a bound the rest is one part of
 * application/octet-stream, never an error: every message has a structure.
 */
#ifndef LIB_MAIL_MIME_H
#define LIB_MAIL_MIME_H

#include "lib/base/buf.h"

enum mime_kind { MIME_LEAF, MIME_MULTIPART, MIME_MESSAGE };

struct mime_part {
	enum mime_kind kind;
	size_t	 header, body, end;	/* offsets: header block, body, end */
	size_t	 lines;			/* of the body */
	struct mime_part *parent, *first, *next;
	/* content type, encoding, ... as the implementation needs */
	char	*type, *subtype;
};

struct mime;

/* Parses; data must stay as long as the tree. Never fails. */
struct mime *mime_parse(const char *data, size_t len);
void	mime_free(struct mime **m);
const struct mime_part *mime_root(const struct mime *m);
/*
 * The part that a section like "1.2.3" names (RFC 3501 6.4.5); NULL if there
 * is none. n numbers.
 */
const struct mime_part *mime_section(const struct mime *m,
	    const uint32_t *numbers, size_t n);
/* Length of the header block with its empty line (all of it if none). */
size_t	mime_header_len(const char *data, size_t len);

/* Append the IMAP text "(...)" to out. */
int	mime_envelope(const struct mime *m, const struct mime_part *p,
	    struct buf *out);
int	mime_bodystructure(const struct mime *m, int extended,
	    struct buf *out);

/*
 * The cache record of a message: version u8, lv ENVELOPE, lv BODY, lv
 * BODYSTRUCTURE. Empty where it would pass DOOR_CACHE_MAX.
 */
int	mime_cache(const char *data, size_t len, struct buf *record_r);
/* Takes a record apart: 0, or -1 where it is of another version or broken. */
int	mime_cache_get(const void *record, size_t len, const char **env_r,
	    size_t *env_len_r, const char **body_r, size_t *body_len_r,
	    const char **structure_r, size_t *structure_len_r);

#endif
