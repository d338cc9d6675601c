/*
 * The structure of a message (RFC 5322, RFC 2045-2047): one pass over the
 * octets of a file gives a tree of parts by offset. mime_envelope.h and
 * mime_structure.h make from it the texts that IMAP serves.
 *
 * Lines end with CRLF; a bare LF is taken for a line end too, so that any
 * file has a structure. A header block ends with an empty line, or where a
 * delimiter stands instead of one: that of a multipart around it, or its own.
 * A multipart without any part has one, empty and at its end, because IMAP
 * has to list one. mime_decode.h reads what the parts carry.
 *
 * Bounds: MIME_DEPTH_MAX, MIME_PARTS_MAX; past one of them the rest is one
 * part of application/octet-stream, never an error: every message has a
 * structure. A header block may be as long as the message. Of a field that
 * stands twice the first counts, but the lists of addresses of several From,
 * Reply-To, To, Cc and Bcc are one list. MIME_PARAMS_MAX bounds what one field
 * gives, and a list what its text is put into.
 * Time is linear in the length; memory grows with the parts, not with the
 * fields.
 */
#ifndef LIB_MAIL_MIME_H
#define LIB_MAIL_MIME_H

#include "lib/base/buf.h"

enum mime_kind { MIME_LEAF, MIME_MULTIPART, MIME_MESSAGE };

enum {
	MIME_PARAMS_MAX = 100,		/* of one field */
	MIME_BOUNDARY_MAX = 1000,	/* octets; RFC 2046 asks for 70 */
};

/* A slice of the message: a field's value, folds and all. p NULL: absent. */
struct mime_text {
	const char *p;
	size_t	 len;
};

/* A field of an envelope. What else there is of a list is read again, from
   where the second one begins. */
struct mime_field {
	struct mime_text text;
	const char *name;		/* of a list; or NULL */
	const char *more;		/* the second one; or NULL */
	const char *end;		/* of the header block */
};

/* Fields that describe a part, and those of an envelope. */
enum mime_content {
	MIME_C_TYPE, MIME_C_ENCODING, MIME_C_ID, MIME_C_DESCRIPTION,
	MIME_C_DISPOSITION, MIME_C_LANGUAGE, MIME_C_LOCATION, MIME_C_MD5,
	MIME_C_COUNT
};
enum mime_envelope_field {
	MIME_F_DATE, MIME_F_SUBJECT, MIME_F_FROM, MIME_F_SENDER,
	MIME_F_REPLY_TO, MIME_F_TO, MIME_F_CC, MIME_F_BCC,
	MIME_F_IN_REPLY_TO, MIME_F_MESSAGE_ID,
	MIME_F_COUNT
};

struct mime_part {
	enum mime_kind kind;
	size_t	 header, body, end;	/* offsets: header block, body, end */
	size_t	 lines;			/* line ends in the body */
	struct mime_part *parent, *first, *next, *last;
	/* lower case; text/plain where the message says nothing valid */
	const char *type, *subtype;
	struct mime_text content[MIME_C_COUNT];
	struct mime_field *envelope;	/* of a message's root; else NULL */
	struct mime_text params; /* of Content-Type, from its first ";" */
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
/* The same of what comes in pieces; zeroed at the start. */
struct mime_header_end {
	uint64_t len;		/* octets of the block so far */
	enum { MIME_H_START, MIME_H_CR, MIME_H_LINE, MIME_H_END } at;
};
void	mime_header_more(struct mime_header_end *h, const char *p, size_t n);

#endif
