/*
 * Who a message says it is from: the addresses of its From, Sender or
 * Resent-From (RFC 5322 3.6.2), where all programs read them alike.
 *
 * The grammar is that of RFC 5322 3.4 without what is obsolete, and without
 * what programs are known to read each in their own way: an address within a
 * name, a comment within an address, a "<" in a quoted or an encoded name, a
 * route, a list with an empty place. UTF-8 and dots may stand in a name. What
 * lib/mail/address.h and lib/mail/mime_address.h read in it are the same
 * addresses (tests/fuzz/fuzz_author.c).
 */
#ifndef SMTPD_SMTPD_AUTHOR_H
#define SMTPD_SMTPD_AUTHOR_H

#include <stddef.h>

#include "lib/base/attr.h"

enum { AUTHORS_MAX = 100 };	/* addresses of one field */

/* What author_list returns. */
enum {
	AUTHORS_ODD = -1,	/* two programs may read it differently */
	AUTHORS_READ = 0,	/* there may be none: "nobody:;" */
};

/*
 * Calls each for every address of the value of a field, as it stands there.
 * Stops at a result of each that is positive, and returns it.
 */
int	author_list(const char *p, size_t len,
	    int (*each)(const char *address, size_t len, void *arg), void *arg)
	    ATTR_CHECK;

#endif
