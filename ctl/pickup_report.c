#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "ctl/pickup_report.h"
#include "lib/base/clock.h"
#include "lib/base/str.h"
#include "lib/mail/date.h"
#include "lib/mail/header.h"
#include "lib/mail/proto.h"

enum {
	LINE = 900,		/* RFC 5322 2.1.1: 998 at most */
	AROUND = 4096,		/* octets of a report beside its text */
	HEADER = 64 * 1024,	/* octets of a header that come back */
};

/* The refusals, as lines of text that any client shows. */
static void
put_refusals(const struct buf *refusals, struct buf *out)
{
	const char *p = buf_str(refusals), *line;
	size_t len, i;

	while ((line = str_line(&p, &len)) != NULL) {
		buf_puts(out, "    ");
		for (i = 0; i < len && i < LINE; i++)
			buf_append(out, (unsigned char)line[i] >= ' ' &&
			    (unsigned char)line[i] < 0x7f ? &line[i] : "?", 1);
		buf_puts(out, "\r\n");
	}
}

/*
 * What of the message comes back: all of it; or its header (RFC 3461 6.2), where
 * that was asked for or no report of all would be taken.
 */
static size_t
returned(const struct drop *d, const struct buf *refusals, uint64_t most)
{
	uint64_t text = (uint64_t)refusals->len * 2 + AROUND;
	struct header_counts n;
	size_t len;

	if (d->ret != Q_RET_HDRS && d->len + text <= most)
		return d->len;
	header_count(d->message, d->len, &n);
	if (n.len <= HEADER)
		return n.len;
	for (len = HEADER; len > 0 && d->message[len - 1] != '\n';)
		len--;
	return len;
}

static int
has_8bit(const struct drop *d, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		if ((unsigned char)d->message[i] > 0x7f)
			return 1;
	return 0;
}

void
pickup_report(const struct drop *d, const struct buf *refusals,
    const char *hostname, const char *to, uint64_t number, uint64_t most,
    struct buf *out)
{
	size_t len = returned(d, refusals, most);
	const char *encoding = has_8bit(d, len) ? "8bit" : "7bit";
	char date[DATE_TEXT], boundary[40];

	date_print_local(clock_now(), date);
	snprintf(boundary, sizeof(boundary), "rohrpost-%016" PRIx64, number);
	buf_printf(out, "From: Mail system <MAILER-DAEMON@%s>\r\nTo: <%s>\r\n"
	    "Subject: Your mail could not be sent\r\nDate: %s\r\n"
	    "Auto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\n"
	    "Content-Type: multipart/mixed; boundary=\"%s\"\r\n"
	    "Content-Transfer-Encoding: %s\r\n\r\n", hostname, to, date,
	    boundary, encoding);
	buf_printf(out, "--%s\r\nContent-Type: text/plain; charset=us-ascii\r\n"
	    "\r\nThe message below was given to sendmail on %s while the\r\n"
	    "mail system was down.  Now that it runs, it refuses:\r\n\r\n",
	    boundary, hostname);
	put_refusals(refusals, out);
	buf_printf(out, "\r\n--%s\r\nContent-Type: %s\r\n"
	    "Content-Transfer-Encoding: %s\r\n\r\n", boundary,
	    len < d->len ? "text/rfc822-headers" : "message/rfc822",
	    encoding);
	buf_append(out, d->message, len);
	buf_printf(out, "\r\n--%s--\r\n", boundary);
}
