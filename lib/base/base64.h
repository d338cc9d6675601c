/*
 * Base64 (RFC 4648 section 4), strict: no white space, padding required and
 * in its place, no stray bits in the last group.
 */
#ifndef LIB_BASE_BASE64_H
#define LIB_BASE_BASE64_H

#include "lib/base/buf.h"

/* Appends the decoded octets. Returns 0; -1 on bad input or where out is full. */
int	base64_decode(struct buf *out, const char *p, size_t len) ATTR_CHECK;
/* Appends the encoded text, without line breaks. Returns 0; -1 if full. */
int	base64_encode(struct buf *out, const void *p, size_t len);

#endif
