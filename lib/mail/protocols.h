/*
 * The protocols that a user's programs log in by, as sets: names with "+"
 * between them (imap, pop3, submission), "*" for all, "none" for none.
 */
#ifndef LIB_MAIL_PROTOCOLS_H
#define LIB_MAIL_PROTOCOLS_H

#include <stddef.h>
#include <stdint.h>

#include "lib/base/attr.h"
#include "lib/base/buf.h"

enum {
	PROTOCOL_IMAP = 1,
	PROTOCOL_POP3 = 2,
	PROTOCOL_SUBMISSION = 4,
	PROTOCOLS_ALL = 7,
};

/* 0 and *set_r; -1: a name that is not known, or an empty one. */
int	protocols_parse(const char *p, size_t len, uint32_t *set_r) ATTR_CHECK;
/* Appends the names, or "none". */
void	protocols_print(uint32_t set, struct buf *out);

#endif
