/*
 * Replies of an SMTP server (RFC 5321 section 4.2), line by line.
 *
 *	Reply-line = *( Reply-code "-" [ textstring ] CRLF )
 *	             Reply-code [ SP textstring ] CRLF
 *
 * What a reply may hold is bounded: lines, octets kept. The text is hostile;
 * what comes out of here is printable ASCII.
 */
#ifndef RELAY_REPLY_H
#define RELAY_REPLY_H

#include "lib/base/buf.h"
#include "lib/mail/result.h"

enum {
	REPLY_LINE_MAX = 4096,		/* RFC: 512; generous, but an end */
	REPLY_LINES_MAX = 200,
	REPLY_TEXT_MAX = 16 * 1024,	/* kept; what goes beyond is read */
};

struct reply {
	int	 code;			/* 200..599; 0 before the first line */
	unsigned lines;
	struct buf text;		/* lines, each with its LF; no codes */
};

#define REPLY_INIT \
	{ .code = 0, .lines = 0, .text = BUF_INIT(REPLY_TEXT_MAX) }

void	reply_reset(struct reply *r);
void	reply_clear(struct reply *r);

/*
 * Takes one line, without its end. Returns 1 when the reply is complete, 0 if
 * more lines follow, -1 if this is not a reply (or one without end).
 */
int	reply_line(struct reply *r, const char *p, size_t len) ATTR_CHECK;

/* 2, 3, 4 or 5: the first digit. */
int	reply_class(const struct reply *r);

/*
 * Appends the reply as words of a result: an enhanced code first (the
 * server's own where it fits the class, else X.0.0), then "host said: 550
 * text", in one line of at most 500 octets. A report of queue tells from this
 * form what was an SMTP reply (queue/queue_bounce.c).
 */
void	reply_words(const struct reply *r, const char *host, struct buf *out);

/*
 * Steps through the lines: *at is 0 at the start. Returns the next line's
 * start and its length, NULL at the end.
 */
const char *reply_next(const struct reply *r, size_t *at, size_t *len_r);

#endif
