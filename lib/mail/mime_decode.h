/*
 * What parts and fields carry: transfer encodings (RFC 2045 6) in pieces, and
 * encoded words (RFC 2047) as UTF-8. Tolerant: junk is skipped, so that any
 * input has an output of no more octets (words: no more than four times).
 */
#ifndef LIB_MAIL_MIME_DECODE_H
#define LIB_MAIL_MIME_DECODE_H

#include <stdint.h>

#include "lib/base/buf.h"
#include "lib/mail/mime.h"

enum mime_encoding { MIME_E_PLAIN, MIME_E_BASE64, MIME_E_QUOTED };

/* All zero but encoding at the start of a text. */
struct mime_decoder {
	enum mime_encoding encoding;
	uint32_t bits;		/* base64: what is collected */
	unsigned n;		/* its digits; quoted: octets held */
	char	 held[2];	/* quoted: after "=" */
};

/* What Content-Transfer-Encoding says (its raw value; p NULL: nothing). */
enum mime_encoding mime_encoding_of(const struct mime_text *t);
/* Appends what the octets decode to. */
void	mime_decode(struct mime_decoder *d, const char *p, size_t len,
	    struct buf *out);
/*
 * Appends a field's value as UTF-8: folds opened, encoded words decoded; 8-bit
 * octets are taken for UTF-8.
 */
void	mime_words(const char *p, size_t len, struct buf *out);

#endif
