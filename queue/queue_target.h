/*
 * Targets: what the recipients of a message expanded to, and how far each has
 * come. The table keeps the list, and one result for each target.
 *
 * Memory: a struct targets owns what it points to; targets_clear frees it.
 */
#ifndef QUEUE_QUEUE_TARGET_H
#define QUEUE_QUEUE_TARGET_H

#include <stdint.h>

#include "lib/base/buf.h"

struct envelope;

enum { TARGETS_MAX = 10000 };	/* of one message, all its aliases followed */

enum target_kind {
	TARGET_LOCAL,		/* way: the mailbox's owner; "" (target_is_alias):
				   none, it is TARGET_DONE from the beginning;
				   forwarded: a list took it, whose owner
				   hears of the others */
	TARGET_REMOTE,		/* way: the domain */
	TARGET_FAILED,		/* way: the words why it never can be */
};

enum target_state {
	TARGET_OPEN,		/* to be tried, perhaps again */
	TARGET_DONE,		/* delivered */
	TARGET_REFUSED,		/* failed for good, the sender not yet told */
	TARGET_REPORTED,	/* failed, and told (or nobody is to be told) */
};

/* What the sender asked to hear of one that has not failed (RFC 3461 4.1). */
enum target_tell {
	TELL_NOTHING,
	TELL_SUCCESS,		/* that it is done */
	TELL_DELAY,		/* that it waits */
	TELL_WARNED,		/* ... and that was told */
};

/* What stands between it and the recipient. */
enum target_forwarded {
	FORWARDED_NOT,
	FORWARDED_ALIAS,
	FORWARDED_SCRIPT,	/* a script: it was added by a result */
};

struct queue_job;

struct target {
	const char *address;	/* what delivery is asked for */
	const char *way;
	const char *owner;	/* of the list that leads there: the envelope's
				   sender from there on; NULL: no list */
	uint32_t rcpt;		/* index of the recipient it came from */
	uint8_t	 kind;		/* enum target_kind */
	uint8_t	 state;		/* enum target_state */
	uint8_t	 forwarded;	/* enum target_forwarded */
	uint8_t	 unsaved;	/* the table does not know its state yet */
	uint8_t	 tell;		/* enum target_tell */
	char	*words;		/* of the last result, or NULL; owned */
	char	*host;		/* who said so, or NULL; owned */
	struct queue_job *job;	/* under way in it */
};

/* Texts of targets that were added later. */
struct target_texts {
	struct target_texts *next;
	char	 text[];
};

struct targets {
	struct target *t;
	size_t	 n;
	char	*arena;			/* texts of those that it began with */
	struct target_texts *more;
};

/* True where it is open because the DNS had no answer (RFC 3463: 4.4.3). */
int	target_lacks_lookup(const struct target *t);
int	targets_pack(const struct targets *t, struct buf *out) ATTR_CHECK;
/* n_rcpt: recipients of the envelope, to which indices are held. */
int	targets_parse(struct targets *t, size_t n_rcpt, const void *p,
	    size_t len) ATTR_CHECK;
void	targets_clear(struct targets *t);

int	target_pack_result(const struct target *t, struct buf *out) ATTR_CHECK;
int	target_parse_result(struct target *t, const void *p, size_t len)
	    ATTR_CHECK;
/*
 * Sets state and words (copied, cleaned of control octets); marks unsaved what
 * is not as it was. words and host may be those that t has.
 */
void	target_set(struct target *t, enum target_state s, const char *words,
	    size_t len, const char *host, size_t host_len);
/* Sets what is to be told of it; marks it unsaved where that is new. */
void	target_tell(struct target *t, enum target_tell what);
/* 1 where a report is owed: it failed, or was asked about. */
int	target_owed(const struct target *t);
/* A report says what is owed of it: 1; 0 where nothing was. */
int	target_told(struct target *t);
/* The envelope's sender for t, who hears of it: its list's owner, or e's. */
const char *target_sender(const struct envelope *e, const struct target *t);
/* Is it to that one that what is owed of t is told? */
int	target_tells(const struct envelope *e, const struct target *t,
	    const char *to);
/*
 * 1 for the recipient itself where it is an alias of several, and the sender
 * asked to hear of success: that it was expanded.
 */
int	target_is_alias(const struct target *t);

#endif
