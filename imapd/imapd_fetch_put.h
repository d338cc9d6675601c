/*
 * One message of a FETCH, put into the output.
 */
#ifndef IMAPD_IMAPD_FETCH_PUT_H
#define IMAPD_IMAPD_FETCH_PUT_H

#include "imapd/imapd_fetch_batch.h"

/*
 * One message, or what remains of it: 1 done, 0 the step should end, -1 it
 * cannot be read. start: see imapd_full.
 */
int	imapd_fetch_put(struct imapd_session *s, struct imapd_fetch *f,
	    int64_t start);
/* Done with the message: the next one of the batch. */
void	imapd_fetch_next(struct imapd_fetch *f);
/* It cannot be read, and is passed over: gone without a word, or damaged. */
void	imapd_fetch_failed(struct imapd_session *s, struct imapd_fetch *f);

#endif
