/*
 * A mailbox on an IMAP server in which something changes: messages that were
 * taken out of it go, and what comes is waited for.
 */
#ifndef RELAY_IMAP_CHANGE_H
#define RELAY_IMAP_CHANGE_H

#include "relay/imap_fetch.h"

enum { IMAP_IDLE_LOOK_MS = 1000 };

/* Selects that mailbox (SELECT), to change it. */
enum imap_result imap_select(struct imap_client *c, const char *wire,
	    struct imap_box *box_r) ATTR_CHECK;

/*
 * Removes the messages of those n rising uids: \Deleted, and UID EXPUNGE (RFC
 * 4315). A server without UIDPLUS can only expunge all that anybody has marked:
 * there they stay, marked, for whoever does so. CLOSE would be the same.
 */
enum imap_result imap_remove(struct imap_client *c, const uint32_t *uids,
	    size_t n) ATTR_CHECK;

/*
 * Waits in the selected mailbox for news (IDLE, RFC 2177), ms at the most, less
 * than 29 min: then it is called anew. look is asked each second, and when wake
 * can be read: not 0 ends it. *news_r: there are more or fewer messages.
 */
enum imap_result imap_idle(struct imap_client *c, int64_t ms, int wake,
	    int (*look)(void *ctx), void *ctx, int *news_r) ATTR_CHECK;

#endif
