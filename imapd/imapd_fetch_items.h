/*
 * What a FETCH asks for (RFC 3501 6.4.5, 8474, 8514), read into items.
 */
#ifndef IMAPD_IMAPD_FETCH_ITEMS_H
#define IMAPD_IMAPD_FETCH_ITEMS_H

#include <stdint.h>

#include "lib/base/buf.h"

#include "imapd/imapd_args.h"

enum {
	IMAPD_ITEMS_MAX = 200,
	IMAPD_SECTION_MAX = 2 * 100 + 2, /* numbers; more name no part */
	IMAPD_FIELDS_MAX = 1000,
};

enum imapd_item_kind {
	IMAPD_FLAGS, IMAPD_INTERNALDATE, IMAPD_SIZE, IMAPD_UID_ITEM,
	IMAPD_MODSEQ, IMAPD_SAVEDATE, IMAPD_EMAILID, IMAPD_THREADID,
	IMAPD_ENVELOPE, IMAPD_BODY, IMAPD_STRUCTURE, /* from the cache */
	IMAPD_SECTION,		/* from the file */
};

enum imapd_section {
	IMAPD_S_ALL, IMAPD_S_HEADER, IMAPD_S_FIELDS, IMAPD_S_FIELDS_NOT,
	IMAPD_S_TEXT, IMAPD_S_MIME,
};

struct imapd_field {
	const char *p;
	size_t	 len;
};

struct imapd_item {
	enum imapd_item_kind kind;
	enum imapd_section section;
	uint32_t *numbers;	/* part numbers */
	size_t	 n_numbers;
	struct buf fields;	/* lv list of names, lower case */
	struct imapd_field *sorted;	/* the same, for imapd_item_field */
	size_t	 n_sorted;
	char	*label;		/* "BODY[1.HEADER]" as the answer says it */
	int	 partial, peek;
	uint32_t off, len;	/* of the partial */
};

struct imapd_items {
	struct imapd_item *item;
	size_t	 n;
	int	 cache;		/* some item is from the cache */
	int	 file;		/* some item is from the file */
	int	 ids;		/* some item is the id */
	int	 seen;		/* sets \Seen */
	int	 flags, modseq, uid;	/* that item is there */
};

/* NULL; else why not, a static text. imapd_items_clear either way. */
const char *imapd_items_parse(struct imapd_items *items,
	    const struct imapd_arg *a);
/* Adds an item without arguments unless it is there. */
void	imapd_items_add(struct imapd_items *items, enum imapd_item_kind kind,
	    const char *label);
/* Is that name, in any case, one of the item's fields? */
int	imapd_item_field(const struct imapd_item *it, const char *p,
	    size_t len);
void	imapd_items_clear(struct imapd_items *items);

#endif
