/*
 * Messages that a command has put into a mailbox and that go again, for it did
 * not come to its end.
 */
#ifndef IMAPD_IMAPD_UNDO_H
#define IMAPD_IMAPD_UNDO_H

#include <stddef.h>
#include <stdint.h>

enum {
	IMAPD_UNDO_MS = 600 * 1000,	/* it is tried for so long */
	IMAPD_UNDO_MAX = 100,		/* commands that wait for it */
};

/*
 * Expunges those n messages, or does so later: where store is away, as soon as
 * it is there again, if the mailbox has that uidvalidity still. What imapd_door
 * says of the last error stays.
 */
void	imapd_undo(uint32_t id, uint32_t uidvalidity, const uint32_t *uids,
	    size_t n);
/* Does what imapd_undo could not do yet. */
void	imapd_undo_retry(void);

#endif
