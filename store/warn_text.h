/*
 * The message that tells a user how full the mailbox is. It is the suite's own
 * word to a user, so it speaks the language that the operator set (language),
 * not that of whoever started a program.
 */
#ifndef STORE_WARN_TEXT_H
#define STORE_WARN_TEXT_H

#include <stdint.h>

#include "lib/base/buf.h"

enum language { LANGUAGE_EN, LANGUAGE_DE, LANGUAGES };
#define LANGUAGE_WORDS "en de"		/* the same order */

struct warn_usage {
	uint64_t size, size_max;	/* octets; max 0: no bound */
	uint64_t count, count_max;	/* messages; the same */
};

/* How full it is, in percent, by the bound that is nearer; 0 without one. */
unsigned warn_percent(const struct warn_usage *u);
/*
 * The whole message, with CRLF, appended: to and from the account's own
 * domain, of that second. domain: that of which it tells the postmaster; "": it
 * tells a user. header_len_r: octets up to and with the empty line.
 */
void	warn_text(struct buf *out, const char *account, const char *domain,
	    enum language l,
	    const struct warn_usage *u, int64_t now, uint32_t *header_len_r);

#endif
