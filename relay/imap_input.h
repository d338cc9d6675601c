/*
 * The responses of an IMAP server, octet by octet (RFC 3501 2.2.2, RFC 9051):
 * a line, in which literals may stand, and which goes on behind each. A
 * message's text, the literal behind BODY[], is handed out as it comes in and
 * never kept; all else of a response is.
 *
 * Bounds: IMAP_TEXT_MAX octets of a response without the message, of them
 * IMAP_LITERAL_MAX in one literal; one message in a response, of less than
 * 4 GiB. Past one of them the input is bad, and stays so.
 *
 * DIAGNOSTICS: why is static words for a person.
 */
#ifndef RELAY_IMAP_INPUT_H
#define RELAY_IMAP_INPUT_H

#include <stddef.h>
#include <stdint.h>

#include "lib/base/attr.h"
#include "lib/base/buf.h"

enum {
	IMAP_TEXT_MAX = 1 << 20,
	IMAP_LITERAL_MAX = 64 * 1024,
};

enum imap_took {
	IMAP_TOOK_BAD = -1,
	IMAP_TOOK_MORE,		/* all was taken, the response goes on */
	IMAP_TOOK_BODY,		/* what was taken is the message's */
	IMAP_TOOK_WHOLE,	/* the response is there */
};

struct imap_input {
	struct buf text;	/* the response; literals stand in it as on the
				   wire, of the message its "{n}" CRLF alone */
	size_t	 body_at;	/* where that "{" stands; SIZE_MAX: there is no
				   message */
	uint64_t body_size;
	const char *why;

	/* imap_input.c's own. */
	size_t	 line;		/* where the present line begins */
	uint64_t left;		/* octets of a literal that are to come */
	int	 in_body;
};

void	imap_input_init(struct imap_input *in);
void	imap_input_clear(struct imap_input *in);
/* The next response: after IMAP_TOOK_WHOLE, and where all is to be forgotten. */
void	imap_input_next(struct imap_input *in);
/* Takes some of the len octets at p, used_r of them. */
enum imap_took imap_input_take(struct imap_input *in, const char *p,
	    size_t len, size_t *used_r) ATTR_CHECK;

#endif
