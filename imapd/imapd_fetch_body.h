/*
 * The octets of a message for FETCH and SEARCH: read from its file when they
 * are asked for, and where in them the octets of an item are.
 */
#ifndef IMAPD_IMAPD_FETCH_BODY_H
#define IMAPD_IMAPD_FETCH_BODY_H

#include <stdint.h>

#include "lib/base/buf.h"
#include "lib/mail/mime.h"

#include "imapd/imapd_fetch_items.h"

/* A message that is open: its file, and what was read of it. */
struct imapd_message {
	int	 fd;
	uint32_t box, uid;
	uint64_t size;
	uint32_t header_len;
	struct buf whole;	/* all of it, where its parts are asked for */
	struct buf header;	/* its header block */
	struct mime *mime;
	struct buf text;	/* fields picked for an item */
};

struct imapd_extent {
	int	 nil;		/* there is no such part */
	int	 in_text;	/* octets are in text, from off */
	uint64_t off, len;
};

/*
 * Where a part of a large message was found last: clients fetch such parts in
 * many partials, and the message need not be parsed for each.
 */
enum { IMAPD_MEMO_SIZE = 128 * 1024, IMAPD_MEMO_DEPTH = 12 };
struct imapd_memo {
	uint32_t box, uid;	/* 0: nothing is known */
	enum imapd_section section;
	size_t	 n;
	uint32_t numbers[IMAPD_MEMO_DEPTH];
	struct imapd_extent extent;
};

void	imapd_message_init(struct imapd_message *m);
/* Closes and frees; ready for imapd_message_init. */
void	imapd_message_clear(struct imapd_message *m);
/* 0, or -1: the file is shorter than its record or cannot be read. */
int	imapd_message_header(struct imapd_message *m) ATTR_CHECK;
int	imapd_message_parse(struct imapd_message *m) ATTR_CHECK;
/*
 * Where the item's octets are; its partial is applied. memo may be NULL. 0, or
 * -1 as above.
 */
int	imapd_body_extent(struct imapd_message *m,
	    const struct imapd_item *item, struct imapd_memo *memo,
	    struct imapd_extent *e) ATTR_CHECK;

#endif
