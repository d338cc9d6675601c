/*
 * Takes an mbox apart: mboxo, mboxrd (">From " is unquoted by one level) and
 * mboxcl2 (a Content-Length at whose end the next message begins, or the file
 * ends, is believed, and nothing is unquoted then). Read in pieces: a file of
 * any length takes 64 KiB and one header.
 *
 * A message begins with a line "From SENDER DATE" at the start or behind an
 * empty line. What mail programs note in the header (Status, X-Status,
 * X-Keywords, X-UID, X-IMAP, X-IMAPbase, Content-Length) is read and left out.
 * The first message of c-client, which holds its own data, is none.
 *
 * All is untrusted; a header of more than MBOX_HEADER_MAX goes through as it is.
 */
#ifndef CTL_BOX_MBOX_H
#define CTL_BOX_MBOX_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/base/attr.h"
#include "lib/base/buf.h"

enum { MBOX_PIECE = 64 * 1024, MBOX_HEADER_MAX = 256 * 1024,
	MBOX_KEYWORDS_MAX = 64 };

struct mbox_message {
	uint64_t offset;		/* of its From line */
	int64_t	 date;			/* of that line; -1: it has none */
	uint32_t flags;			/* enum door_flag */
	struct buf keywords;		/* packed lv */
	int	 internal;		/* c-client's: no message */
};

struct mbox_calls {
	/* Reads at an offset: octets, 0 at the end, -1 with errno. */
	ssize_t	(*read)(void *arg, void *p, size_t len, uint64_t offset);
	/* A message begins; some of its octets; its end. -1 ends the reading. */
	int	(*begin)(void *arg);
	int	(*octets)(void *arg, const char *p, size_t len);
	int	(*end)(void *arg, const struct mbox_message *m);
	void	*arg;
};

/* 0 at the end; 1: it is no mbox; -1: a call said so, or errno is set. */
int	mbox_read(const struct mbox_calls *calls) ATTR_CHECK;
/*
 * The date of the len octets of a From line: "From anna Thu Nov 26 12:34:56
 * 2026", also without seconds, and with a zone before or after the year. In
 * UTC where it names none. 0, or -1: it is no such line.
 */
int	mbox_from(const char *p, size_t len, int64_t *date_r) ATTR_CHECK;

#endif
