/*
 * Character sets to UTF-8, and folding for comparison without case.
 *
 * UTF-8, US-ASCII and the sets of one octet a character are built in. Others
 * are iconv(3)'s, which loads a module for each: a jailed process has those
 * that were named to mime_charset_prepare before, and no more.
 */
#ifndef LIB_MAIL_MIME_CHARSET_H
#define LIB_MAIL_MIME_CHARSET_H

#include "lib/base/buf.h"

enum {
	MIME_CHARSET_NAME_MAX = 60,
	MIME_CHARSETS_MAX = 32,		/* of iconv's, in one process */
	MIME_CHARSET_TAIL = 16,		/* octets left over by a conversion */
};

struct mime_charset;

/*
 * Opens those of a list "A B C" that are not built in. Before the jail. What
 * iconv does not know, or is more than can be, is appended to unknown.
 */
void	mime_charset_prepare(const char *names, struct buf *unknown);
/* From now on no module is loaded. After the jail. */
void	mime_charset_seal(void);
/* NULL: unknown here. */
const struct mime_charset *mime_charset_find(const char *name, size_t len);
/* What to say of those known: "UTF-8 US-ASCII ...". */
void	mime_charset_list(struct buf *out);

/*
 * Appends the octets as UTF-8; what is no character becomes U+FFFD. start is
 * true for the first piece of a text. Returns how many octets were used: the
 * rest, at most MIME_CHARSET_TAIL, is the start of a character and must stand
 * before the next piece. With last true all are used.
 */
size_t	mime_charset_utf8(const struct mime_charset *cs, int start, int last,
	    const char *p, size_t len, struct buf *out);

/* Appends one character as UTF-8. 0, or -1 where out is full. */
int	mime_put_utf8(struct buf *out, uint32_t c);
/*
 * Appends UTF-8 folded: letters of the Latin, Greek, Cyrillic, Armenian and
 * Georgian scripts in lower case. A character cut at the end is appended as
 * it is.
 */
void	mime_fold(const char *p, size_t len, struct buf *out);

#endif
