/*
 * The keywords of a mailbox, and their bits.
 */
#ifndef STORE_ACCOUNT_KEYWORDS_H
#define STORE_ACCOUNT_KEYWORDS_H

#include "lib/mail/door.h"
#include "lib/mail/keyword_set.h"

struct mailbox;

/*
 * A change that replaces what messages carry, in the batch in which names
 * change: their bits count as unused.
 */
struct keyword_swap {
	int	(*replaces)(const void *arg, const struct door_record *d);
	const void *arg;
	struct keyword_set renamed; /* out: bits that have another name now */
};

/* Reads the keywords if they were not yet. 0; -1: the index does not answer. */
int	mailbox_keywords(struct mailbox *m) ATTR_CHECK;
/* The bit of a keyword, or -1; they must have been read. */
int	mailbox_keyword(const struct mailbox *m, const char *p, size_t len);
/* Have all of a packed lv list of names a bit? */
int	mailbox_has_all(const struct mailbox *m, const char *names,
	    size_t len);
/*
 * The bits of a packed lv list of names. With make those that have none get
 * one (rows into the batch, which may be committed), in their order, as far as
 * there is room: nothing fails for a keyword too many, the message goes without
 * it. swap: NULL, or who lets go of bits. D_REFUSED: one is no keyword.
 * D_LATER: the index does not answer.
 */
enum door_error mailbox_bits(struct mailbox *m, const char *names, size_t len,
	    int make, struct keyword_swap *swap, struct keyword_set *bits_r);
/* A task is to give messages these bits: they keep their names until the
   release, when its rows are in the batch. */
void	mailbox_hold(struct mailbox *m, const struct keyword_set *bits);
void	mailbox_release(struct mailbox *m);

#endif
