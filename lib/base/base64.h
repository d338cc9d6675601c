/*
 * Base64 (RFC 4648 section 4), strict: no white space, padding required and
 * in its place, no stray bits in the last group.
 */
#ifndef LIB_BASE_BASE64_H
#define LIB_BASE_BASE64_H

#include "lib/base/buf.h"

/* What a digit stands for, 0 to 63; -1: not a digit. Inlined. */
static inline int
base64_value(unsigned char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* Appends the decoded octets. 0, or -1 on bad input or where out is full. */
int	base64_decode(struct buf *out, const char *p, size_t len) ATTR_CHECK;
/* Appends the encoded text, without line breaks. Returns 0; -1 if full. */
int	base64_encode(struct buf *out, const void *p, size_t len);

#endif
