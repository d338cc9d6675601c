/*
 * Following: what happened in an account, in order. For programs that keep
 * something beside the mail (an index of words, a backup, a mirror, what is
 * learnt). A door of the kind PEER_FOLLOW is for all accounts; who follows
 * names one (door.owner), and may there read: door_list, door_status,
 * door_keywords, door_records, door_open, door_cache_get and the calls here.
 *
 * follow_ask is given the token of the last answer, and tells what came after
 * it. Store keeps a log for each account that was asked for, of a bounded size:
 * who has fallen behind it is told to start anew, as is who asks for the first
 * time. That means: read the account by the calls above, and then ask with the
 * token that came with that word; what changed meanwhile comes again, so each
 * event must be one that may be done twice. Tokens hold over every restart; all
 * that is told is durable.
 *
 * Keywords are bits of the mailbox's list (of a move: of the target's), as it
 * was then: door_keywords. An event tells the first 64; that others changed is an
 * event too, and the message's record has them.
 */
#ifndef LIB_MAIL_FOLLOW_H
#define LIB_MAIL_FOLLOW_H

#include "lib/mail/door.h"

enum follow_type {
	FOLLOW_ADDED = 1,	/* messages came into the mailbox */
	FOLLOW_FLAGS,		/* flags or keywords changed */
	FOLLOW_EXPUNGED,
	FOLLOW_MOVED,		/* from the mailbox into another: to */
	FOLLOW_MADE,		/* a mailbox: name, attrs */
	FOLLOW_RENAMED,		/* it has another name */
	FOLLOW_DELETED,		/* with all that was in it */
};

/* A message in an event. */
struct follow_item {
	uint32_t uid;
	uint32_t to_uid;		/* FOLLOW_MOVED */
	uint32_t flags, old_flags;	/* old: FOLLOW_FLAGS */
	uint64_t keywords, old_keywords;
};

enum {
	FOLLOW_ITEM = 32,		/* octets of one, packed */
	FOLLOW_ITEMS_MAX = 500,		/* of one event */
	FOLLOW_ROWS_MAX = 1000,		/* events looked at for one answer */
	FOLLOW_ANSWER_MAX = 128 * 1024,	/* octets of those in it */
};

/* What is packed is borrowed. A type that is not known is to be passed over. */
struct follow_event {
	uint64_t token;
	unsigned type;			/* enum follow_type */
	uint32_t mailbox, to;
	uint32_t attrs;
	const char *name;		/* not terminated */
	size_t	 name_len;
	const char *items;
	size_t	 n, item_len;		/* octets of one */
};

/*
 * An event is u8 type, u32 mailbox, u32 to; then of one that is about messages
 * u8 octets of an item, the items; else u32 attrs, lv name. What follows the
 * fields that are known, in an item too, is passed over.
 */
void	follow_pack(struct buf *out, const struct follow_event *e);
void	follow_pack_item(struct buf *out, const struct follow_item *i);
/* 0, or -1: it is broken. */
int	follow_unpack(const char *p, size_t len, struct follow_event *e)
	    ATTR_CHECK;
void	follow_item(const struct follow_event *e, size_t i,
	    struct follow_item *r);

struct follow_answer {
	struct buf packed;	/* u64 token, lv event, again and again */
	uint64_t token;		/* to ask with next */
	int	 anew;		/* there are no events: start anew */
	int	 more;		/* ask again now */
};

/*
 * What happened in d->owner's account since the token (0: none is known), in
 * one mailbox or (0) in all and with their list. Until news come that is all
 * there is, unless more is set. 0, or -1 with door_error.
 */
int	follow_ask(struct door *d, uint32_t mailbox, uint64_t since,
	    struct follow_answer *a_r);
void	follow_answer_clear(struct follow_answer *a);
/* The next event of c, which was begun on packed: 1, 0 at the end, -1. */
int	follow_next(struct cursor *c, struct follow_event *e);

/*
 * The address of an account of which there is something to ask, one after the
 * other; each is told once until it is asked for. Nothing is waited for: 1, 0,
 * -1 (D_LOST). Who has just come asks of all accounts once.
 */
int	follow_news(struct door *d, struct buf *owner_r);

#endif
