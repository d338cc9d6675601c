/*
 * The text file `flags` of a mailbox: what the message files themselves do
 * not tell. Lines are appended; the last line of a uid counts.
 *
 *   rohrpost-flags 3
 *   k <bit> <keyword>
 *   n <uidnext>
 *   <uid> <flags> <keywords> <internaldate> <save date>
 *       [<id> [<more> [h=<length>] [e=<mark>]]]	(one line)
 *
 * flags are letters of SAFTD (seen, answered, flagged, deleted, draft) or "-",
 * keywords a hexadecimal number, dates seconds since 1970, id and more (which
 * may be empty) octets in hexadecimal: struct record, with the further keywords. h is the length of
 * the header, e how the file ends: 1 with CRLF, 2 otherwise (enum door_mark).
 * Version 1 had none of these; a file may begin in it and go on in this one.
 * Other words behind more are passed over. A file of a mailbox that has had no
 * more than 64 keywords is of version 2, which knew no others.
 */
#ifndef STORE_FILE_FLAGS_H
#define STORE_FILE_FLAGS_H

#include "store/record.h"

enum { FLAGS_VERSION = 3 };
#define FLAGS_HEAD "rohrpost-flags 2\n"
#define FLAGS_HEAD_WIDE "rohrpost-flags 3\n"

/* What wide and more of a record hold is only there for the call. */
struct flags_reader {
	void	(*record)(void *arg, const struct record *r);
	void	(*keyword)(void *arg, unsigned bit, const char *name);
	void	(*next)(void *arg, uint32_t uidnext);
	void	*arg;
};

/*
 * Reads a file; only uid, flags with the mark, keywords, date, save_date,
 * id, wide, more and header_len of a record are set. Lines that make no sense (the last
 * may be cut off) are passed over. Returns their number.
 */
unsigned flags_parse(const char *text, size_t len,
	    const struct flags_reader *r);
/* 1 where it is of a version that this one does not know. */
int	flags_newer(const char *text, size_t len);
void	flags_line(struct buf *out, const struct record *r);
void	flags_next_line(struct buf *out, uint32_t uidnext);
void	flags_keyword_line(struct buf *out, unsigned bit, const char *name);

#endif
