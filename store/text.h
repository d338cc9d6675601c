/*
 * Text files of a user, of any name: `mailboxes`, `acl`, `sieve/NAME`; and of
 * a mailbox: `flags`. They are the truth beside the bodies (body.h), and lie
 * behind the same seam: who reads and writes them knows no folder.
 *
 * A file is named by the user's path (user_path), the mailbox (0: it is
 * the user's own) and its name: at most TEXT_NAME_MAX octets, one or two
 * levels, none of which begins with a dot, no ".new" at the end, no digits
 * alone as the first of a user's (that is a mailbox). The user "" stands for
 * the store itself, whose names may be any.
 *
 * Calls return 0, or -1 with errno; EINVAL: no such name may be.
 */
#ifndef STORE_TEXT_H
#define STORE_TEXT_H

#include <stdint.h>

#include "lib/base/buf.h"

enum { TEXT_NAME_MAX = 200 };

/* Appends all of it to out. ENOENT: there is none; EFBIG: out is full. */
int	text_read(const char *user, uint32_t mailbox, const char *name,
	    struct buf *out) ATTR_CHECK;
/* 1; 0: there is none; -1: that cannot be told. */
int	text_present(const char *user, uint32_t mailbox, const char *name);
/*
 * Puts the text in its place, whole and durable; where it fails the old one is
 * whole. The upper of two levels is made, the folder of user or mailbox not.
 */
int	text_replace(const char *user, uint32_t mailbox, const char *name,
	    const char *p, size_t len) ATTR_CHECK;
/*
 * Appends it to the file, durably; a line that was cut off there is ended
 * first. A file that is new or empty begins with head; made_r is set then: its
 * name is durable after body_sync of the mailbox.
 */
int	text_append(const char *user, uint32_t mailbox, const char *name,
	    const char *head, const struct buf *text, int *made_r) ATTR_CHECK;
/*
 * The same of a text of a mailbox that comes in pieces, each appended to what
 * is to be the file; first begins it anew. It is in its place, whole and
 * durable, after text_pieces_end.
 */
int	text_piece(const char *user, uint32_t mailbox, const char *name,
	    const struct buf *piece, int first) ATTR_CHECK;
int	text_pieces_end(const char *user, uint32_t mailbox, const char *name)
	    ATTR_CHECK;
/* The user's own files as they are named now are durable. */
int	text_sync(const char *user) ATTR_CHECK;

#endif
