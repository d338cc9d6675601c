/*
 * The tagged replies, with the news of the mailbox before them. Untagged ones
 * are built in s->out directly.
 */
#ifndef IMAPD_IMAPD_REPLY_H
#define IMAPD_IMAPD_REPLY_H

#include "imapd/imapd_session.h"

enum imapd_run imapd_ok(struct imapd_session *s, const char *fmt, ...)
	    ATTR_PRINTF(2, 3);
enum imapd_run imapd_no(struct imapd_session *s, const char *fmt, ...)
	    ATTR_PRINTF(2, 3);
/* Too many in a row end the session. */
enum imapd_run imapd_bad(struct imapd_session *s, const char *fmt, ...)
	    ATTR_PRINTF(2, 3);
/* A call of the door failed: NO with the fitting response code. */
enum imapd_run imapd_door_no(struct imapd_session *s);
/*
 * A reply with more news before it than a step may tell waits in s->tail, and
 * the session is busy: tells more of them. 1: all is told, the reply is out.
 */
int	imapd_reply_more(struct imapd_session *s);

#endif
