/*
 * A mailbox on an IMAP server, what it holds: read only (EXAMINE), nothing there
 * changes, no flag and no \Recent. imap_change.h has the other.
 */
#ifndef RELAY_IMAP_FETCH_H
#define RELAY_IMAP_FETCH_H

#include "relay/imap_client.h"

enum {
	IMAP_KEYWORDS_MAX = 256,	/* of one message; further ones go, as
					   do those that are no atom */
	IMAP_SET_MAX = 4000,		/* octets of a set of uids in a command */
};

/* What EXAMINE told. */
struct imap_box {
	uint32_t uidvalidity, uidnext, messages;
	uint64_t highestmodseq;		/* 0: none is kept */
};

/* What a FETCH told of a message; all of it borrowed. */
struct imap_message {
	uint32_t uid;			/* 0: it was not told */
	int	 has_flags, has_date, has_size;
	unsigned flags;			/* enum door_flag */
	const struct imap_value *keywords[IMAP_KEYWORDS_MAX];
	size_t	 n_keywords;
	int64_t	 date;
	uint64_t size;
	/* BODY[]: 1 it was there, and its octets were handed out; 2 it is the
	   string text; 0 none. */
	int	 body;
	const struct imap_value *text;
};

struct imap_fetched {
	void	(*message)(void *ctx, const struct imap_message *m);
	void	(*vanished)(void *ctx, uint32_t first, uint32_t last);
	void	(*body)(void *ctx, const char *p, size_t len, uint64_t size);
};

/*
 * Selects that mailbox. since, if not 0, is the modseq of an earlier visit
 * under uidvalidity: where the server can (QRESYNC), it tells now what has
 * changed and vanished since then, and *told_r is 1. f may be NULL.
 */
enum imap_result imap_examine(struct imap_client *c, const char *wire,
	    uint32_t uidvalidity, uint64_t since, struct imap_box *box_r,
	    const struct imap_fetched *f, void *ctx, int *told_r) ATTR_CHECK;

/* Waits for what selects a mailbox, and what it tells. */
enum imap_result imap_box_wait(struct imap_client *c, unsigned tag,
	    struct imap_box *box_r) ATTR_CHECK;

/*
 * Sends UID FETCH set (items): its tag, for imap_fetch_wait. Not more than
 * IMAP_WAITING at a time.
 */
unsigned imap_fetch_send(struct imap_client *c, const char *set,
	    const char *items);
enum imap_result imap_fetch_wait(struct imap_client *c, unsigned tag,
	    const struct imap_fetched *f, void *ctx) ATTR_CHECK;

/*
 * Appends rising uids as a set ("1:3,7"), as many of the n as fit IMAP_SET_MAX.
 * How many.
 */
size_t	imap_set_put(struct buf *out, const uint32_t *uids, size_t n);

#endif
