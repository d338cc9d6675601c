/*
 * The text file `mailboxes` of a user: the truth about which mailboxes there
 * are (mailboxes(5) in man/). Replaced whole, durably, before a change is
 * answered.
 *
 *   rohrpost-mailboxes 2
 *   account <id of the account>
 *   next <next id> <last uidvalidity>
 *   mailbox <id> <uidvalidity> <attributes, comma between, or -> <name>
 *   subscribed <name that is no mailbox>
 *
 * An attribute id=... is the mailbox's id for life (RFC 8474, MAILBOXID); ids
 * are 32 hexadecimal digits. Version 1 had none. Attributes and lines that are
 * not known are kept, and written as they were.
 */
#ifndef STORE_FILE_MAILBOXES_H
#define STORE_FILE_MAILBOXES_H

#include <stdint.h>

#include "lib/mail/door.h"

enum { BOX_ID = 16 };

struct box {
	uint32_t id, uidvalidity, attrs;
	char	*name;
	unsigned char oid[BOX_ID];	/* all 0: it has none yet */
	char	*more;			/* other attributes, comma between; NULL */
};

struct boxes {
	uint32_t next_id, last_uidvalidity;
	struct box *box;	/* rising ids */
	size_t	 n;
	char	**subscribed;
	size_t	 n_subscribed;
	unsigned char oid[BOX_ID];	/* of the account; all 0: none yet */
	char	**more;			/* other lines */
	size_t	 n_more;
};

/* 0; -1 with why (line and reason); b is to be cleared either way. */
int	boxes_parse(struct boxes *b, const char *text, size_t len,
	    struct buf *why) ATTR_CHECK;
/* 1 for an id of zeros, which stands for "no id". */
int	boxes_no_id(const unsigned char *id);
/* 1 where that mailbox is in the list. */
int	boxes_has(const struct boxes *b, uint32_t id);
void	boxes_format(const struct boxes *b, struct buf *out);
void	boxes_clear(struct boxes *b);

/* Order of door_list: INBOX first, then by octets. */
int	boxes_cmp(const char *a, const char *b);

#endif
