/*
 * What stands in front of a message: the trace fields, and what a submission
 * lacks.
 */
#ifndef SMTPD_SMTPD_TRACE_H
#define SMTPD_SMTPD_TRACE_H

#include "lib/link/submit.h"
#include "lib/mail/header.h"
#include "smtpd/smtpd.h"

/*
 * The trace fields, and after them those that the checks noted. w gets final
 * and forward.
 */
void	trace_print(const struct smtp_session *s, const char *id, int64_t now,
	    struct buf *out, struct submit_written *w);
/*
 * Submission: appends Date and Message-ID where missing to out (and the end of
 * the header, where the message begins with its text), takes Bcc out of the
 * message. c was counted in it; its len becomes what is header there now.
 */
void	trace_mend(const char *id, int64_t now, struct header_counts *c,
	    struct buf *message, struct buf *out);

/*
 * The Message-ID of a message for log and envelope, up to MESSAGE_ID_MAX octets
 * of printable ASCII; "" for none. mended: trace_mend makes one where it is
 * missing.
 */
void	trace_message_id(const struct header_counts *c, const char *id,
	    int mended, char out[MESSAGE_ID_MAX + 1]);

#endif
