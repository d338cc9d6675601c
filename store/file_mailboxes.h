/*
 * The text file `mailboxes` of a user: the truth about which mailboxes there
 * are (mailboxes(5) in man/). Replaced whole, durably, before a change is
 * answered.
 *
 *   rohrpost-mailboxes 1
 *   next <next id> <last uidvalidity>
 *   mailbox <id> <uidvalidity> <attributes, comma between, or -> <name>
 *   subscribed <name that is no mailbox>
 */
#ifndef STORE_FILE_MAILBOXES_H
#define STORE_FILE_MAILBOXES_H

#include <stdint.h>

#include "lib/mail/door.h"

struct box {
	uint32_t id, uidvalidity, attrs;
	char	*name;
};

struct boxes {
	uint32_t next_id, last_uidvalidity;
	struct box *box;	/* rising ids */
	size_t	 n;
	char	**subscribed;
	size_t	 n_subscribed;
};

/* 0; -1 with why (line and reason); b is to be cleared either way. */
int	boxes_parse(struct boxes *b, const char *text, size_t len,
	    struct buf *why) ATTR_CHECK;
void	boxes_format(const struct boxes *b, struct buf *out);
void	boxes_clear(struct boxes *b);

/*
 * Whether a name may stand there: UTF-8 without control characters, 1 to
 * DOOR_NAME_MAX octets, levels neither empty, "." nor "..", not too deep.
 */
int	boxes_name_ok(const char *name);
/* "inbox" in any case is INBOX, also as the first level. */
void	boxes_name_fix(char *name);
/* Order of door_list: INBOX first, then by octets. */
int	boxes_cmp(const char *a, const char *b);

#endif
