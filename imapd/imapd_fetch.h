/*
 * What a FETCH asks for (RFC 3501 6.4.5), read into items; and the parts of
 * carrying it out that cmd_fetch.c and imapd_body.c share.
 */
#ifndef IMAPD_IMAPD_FETCH_H
#define IMAPD_IMAPD_FETCH_H

#include <stdint.h>

#include "lib/base/buf.h"
#include "lib/mail/mime.h"

#include "imapd/imapd_args.h"

enum {
	IMAPD_ITEMS_MAX = 200,
	IMAPD_SECTION_MAX = 2 * 100 + 2, /* numbers; more name no part */
	IMAPD_FIELDS_MAX = 1000,
};

enum imapd_item_kind {
	IMAPD_FLAGS, IMAPD_INTERNALDATE, IMAPD_SIZE, IMAPD_UID_ITEM,
	IMAPD_MODSEQ,
	IMAPD_ENVELOPE, IMAPD_BODY, IMAPD_STRUCTURE, /* from the cache */
	IMAPD_SECTION,		/* from the file */
};

enum imapd_section {
	IMAPD_S_ALL, IMAPD_S_HEADER, IMAPD_S_FIELDS, IMAPD_S_FIELDS_NOT,
	IMAPD_S_TEXT, IMAPD_S_MIME,
};

struct imapd_item {
	enum imapd_item_kind kind;
	enum imapd_section section;
	uint32_t *numbers;	/* part numbers */
	size_t	 n_numbers;
	struct buf fields;	/* lv list of names, lower case */
	char	*label;		/* "BODY[1.HEADER]" as the answer says it */
	int	 partial, peek;
	uint32_t off, len;	/* of the partial */
};

struct imapd_items {
	struct imapd_item *item;
	size_t	 n;
	int	 cache;		/* some item is from the cache */
	int	 file;		/* some item is from the file */
	int	 seen;		/* sets \Seen */
	int	 flags, modseq, uid;	/* that item is there */
};

/* NULL; else why not, a static text. imapd_items_clear either way. */
const char *imapd_items_parse(struct imapd_items *items,
	    const struct imapd_arg *a);
/* Adds an item without arguments unless it is there. */
void	imapd_items_add(struct imapd_items *items, enum imapd_item_kind kind,
	    const char *label);
void	imapd_items_clear(struct imapd_items *items);

/*
 * A message that is open: its file, and what was read of it. imapd_body.c
 * answers where in the file (or in text) an item's octets are.
 */
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
