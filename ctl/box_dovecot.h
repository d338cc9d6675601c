/*
 * Files that Dovecot keeps in a Maildir, read only: `dovecot-uidlist` (versions
 * 1 and 3) with UIDVALIDITY, UIDNEXT and the UID of each file,
 * `dovecot-keywords`, and the list of subscriptions (versions 1 and 2).
 *
 * They are untrusted: a line that makes no sense is passed over, as are UIDs
 * that do not rise. Bounds: BOX_UIDLIST_MAX octets, BOX_KEYWORDS names, which
 * the caller's buffers have.
 */
#ifndef CTL_BOX_DOVECOT_H
#define CTL_BOX_DOVECOT_H

#include <stddef.h>
#include <stdint.h>

#include "lib/base/attr.h"
#include "lib/base/buf.h"

enum {
	BOX_UIDLIST_MAX = 512 << 20,
	BOX_KEYWORDS = 26,		/* letters a to z of a file's name */
	BOX_SMALL_MAX = 1 << 20,	/* the other files */
};

struct box_uid {
	const char *base;		/* the file's name up to ":"; borrowed */
	size_t	 len;
	uint32_t uid;
};

struct box_uidlist {
	uint32_t uidvalidity, uidnext;	/* 0: not known */
	struct box_uid *list;		/* sorted by base */
	size_t	 n;
};

/* Octets of a file's name in front of its flags. */
size_t	box_base_len(const char *name, size_t len);
/* 0, or -1: it is no uidlist. The list borrows from text. */
int	box_uidlist_read(struct box_uidlist *u, const char *text, size_t len)
	    ATTR_CHECK;
/* The UID of a file, or 0. */
uint32_t box_uidlist_find(const struct box_uidlist *u, const char *base,
	    size_t len);
void	box_uidlist_clear(struct box_uidlist *u);

/* Keywords by letter, each a text that the caller frees, or NULL. */
void	box_keywords_read(char *name_r[BOX_KEYWORDS], const char *text,
	    size_t len);
/* Names that are subscribed, levels with "/", packed lv. */
void	box_subscriptions_read(struct buf *names_r, const char *text,
	    size_t len);

#endif
