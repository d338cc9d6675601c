/*
 * A message on its way from a provider into its file: the header first, whole,
 * for it says whose the message is and what stands in front of it; then the
 * rest as it comes.
 *
 * Octets stay as they are but for what no line of a message may hold (RFC 5322
 * 2.3, RFC 5321 2.3.8): a bare LF becomes CRLF, CRs before a line's end become
 * one, other CRs and NULs become blanks, and the last line is ended. A first
 * field Return-Path goes, for the head has one of its own.
 *
 * Bounds: HEADER_BLOCK_MAX of the header, what is over it counts as text;
 * largest.
 */
#ifndef RELAY_FETCH_FILE_H
#define RELAY_FETCH_FILE_H

#include <stdint.h>

#include "lib/base/buf.h"
#include "lib/mail/limits.h"

/* What the head says, and what is looked for; all of it borrowed. */
struct fetch_head {
	const char *hostname;	/* of this host */
	const char *from, *ip;	/* the provider */
	const char *with;	/* "POP3" */
	const char *tls;	/* as of tls_describe; "": none */
	const char *id;		/* the queue's */
	const char *owner;	/* NULL: by fields */
	const struct buf *fields;
};

struct fetch_file {
	const struct fetch_head *head;
	int	 fd;
	uint64_t largest;
	struct buf in;		/* the header, as far as it came; then what is
				   to be written */
	int	 started;	/* the head is written */
	int	 cr;		/* CRs that came and are not written yet */
	int	 ends;		/* the last octet ended a line */
	uint64_t came;		/* octets of the message */
	int	 too_large;
	int	 error;		/* errno of a write */
	/* What CL_SUBMIT says. */
	uint64_t length;
	uint32_t crc, final, forward;
	int	 eight_bit;
	char	 sender[ADDRESS_MAX + 1];	/* of the first Return-Path */
	int	 has_sender;
	char	 message_id[MESSAGE_ID_MAX + 1];
	struct buf recipients;	/* packed lv; of fields */
};

void	fetch_file_init(struct fetch_file *m, const struct fetch_head *h,
	    int fd, uint64_t largest);
void	fetch_file_clear(struct fetch_file *m);
/* Takes octets. 0; -1: it is too large, or cannot be written. */
int	fetch_file_add(struct fetch_file *m, const char *p, size_t len);
/* It is whole: writes what is left, and syncs. 0, or -1. */
int	fetch_file_end(struct fetch_file *m) ATTR_CHECK;

#endif
