/* The trace fields, and what the header of a message tells of its way. */
#ifndef SMTPD_SMTPD_TRACE_H
#define SMTPD_SMTPD_TRACE_H

#include "smtpd/smtpd_body.h"

/* The fields in front of the message. w gets final and forward. */
void	trace_print(const struct smtp_session *s, const char *id, int64_t now,
	    struct buf *out, struct submit_written *w);
/* Judges the header of the message in memory: hops, loops, bounds. */
enum body_fault trace_judge(const struct smtp_session *s,
	    const struct buf *message);
/* Submission: appends Date and Message-ID where missing, drops Bcc. */
void	trace_mend(const char *id, int64_t now, struct buf *message,
	    struct buf *out);

#endif
