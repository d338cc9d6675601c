/*
 * A message with octets over 0x7f for a host that does not offer 8BITMIME
 * (RFC 6152 3: a client "MUST NOT, under any circumstances" send it such
 * content, but convert it "into valid 7bit MIME" or fail it for good).
 *
 * Each part that has such octets gets quoted-printable, or base64 where these
 * are many or it is no text. What a body without a Content-Type is written in
 * nobody knows: charset unknown-8bit (RFC 1428 3). Of a field that it sets no
 * other stays beside. In the text around parts "?"
 * stands for each. Header fields stay as they are: 8BITMIME is about the body,
 * and who writes such a field (RFC 6532 or none) writes it to any host.
 */
#ifndef LIB_MAIL_MIME_ENCODE_H
#define LIB_MAIL_MIME_ENCODE_H

#include "lib/base/attr.h"
#include "lib/base/buf.h"

/*
 * Appends the len octets to out, in 7 bits but for header fields. -1: there are
 * octets over 0x7f where no encoding can be (parts that are encoded already, or
 * may not be, or are past MIME_PARTS_MAX); why names the place.
 */
int	seven_put(const char *data, size_t len, struct buf *out,
	    const char **why) ATTR_CHECK;

enum { LINES_MAX = 998 };	/* RFC 5322 2.1.1, without CRLF */

/* 1 where a line is longer than that. */
int	lines_are_long(const char *p, size_t len);
/*
 * Of what comes in pieces: the longest that a line was up to the end of this
 * one, with its CR. line: octets of the present line, 0 at the start.
 */
size_t	lines_measure(size_t *line, const char *p, size_t len);
/*
 * The same for the lines of a submission: a part with one over LINES_MAX
 * gets an encoding, what is base64 or quoted-printable already gets shorter
 * lines, a field of a part that is no message is folded (header_fold). The
 * others stay as they are, and so does what may not be encoded, has a line
 * among its fields that is none, is signed (RFC 1847 2.1: multipart/signed, to
 * its last octet), or stands around parts.
 *
 * put gets all of the message in order, in pieces of any size, where anything
 * of it is other than it was: 1. Else 0, and put is not called. It grows to
 * 1.6 times its length at most; in memory is the tree of its parts (mime.h).
 */
int	lines_put(const char *data, size_t len,
	    void (*put)(void *arg, const char *p, size_t len), void *arg)
	    ATTR_CHECK;

#endif
