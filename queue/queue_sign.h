/*
 * DKIM of what queue writes itself: reports, which come from the host's own
 * name. The loop looks which keys sign for that and hands over the channel to
 * signer; the lane of the reports hashes and asks.
 *
 * A report goes without a signature where signer does not answer within
 * SIGN_WAIT: that it comes counts for more.
 */
#ifndef QUEUE_QUEUE_SIGN_H
#define QUEUE_QUEUE_SIGN_H

#include "lib/base/buf.h"
#include "lib/mail/tables.h"

enum { SIGN_WAIT = 5000 };	/* ms, for each key */

struct report_keys {
	const char *hostname;
	struct tables_key key[TABLES_KEYS_MAX];
	unsigned n;
	int64_t	 now;
};

/* Loop: which keys sign for the host's name now; none where nobody knows. */
void	report_keys_find(struct report_keys *k);
/* Loop: takes the channel over. */
void	report_signer(int fd);
/*
 * The lane: puts the fields into text at offset `at`, behind which the message
 * stands as it will be sent. -1 where it goes unsigned though there are keys:
 * why says why.
 */
int	report_sign(const struct report_keys *k, struct buf *text, size_t at,
	    struct buf *why) ATTR_CHECK;

#endif
