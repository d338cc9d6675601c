/*
 * Expansion: from the recipients of an envelope to targets, through the
 * tables: aliases, alias domains, catch-all, chains of them. A mailbox gets
 * one copy however many ways lead to it, and so does an address elsewhere:
 * the target is the first recipient's, and those whose failure is to be told
 * (RFC 3461 4.1) come before the others.
 *
 * What comes by an alias that has an owner, a mailing list, has that owner as
 * the envelope's sender from there on (RFC 5321 3.9.2). Of lists in lists it is
 * the innermost one's: the address stands in that list, so its owner can mend
 * it. A null sender stays (RFC 5321 4.5.5), so no bounce makes another. Where
 * several ways lead to one target the first one's owner holds; recipients that
 * are lists come last, so that who is named by the sender himself gets the
 * copy of the sender's.
 *
 * A chain that comes back to itself contributes nothing; a recipient that
 * reaches nothing at all because of that fails with 5.4.6, one that does not
 * exist (any more) with 5.1.1, but where the sender is <> postmaster gets the
 * message. Bounds: ALIAS_DEPTH aliases in a chain,
 * TARGETS_MAX targets of a message.
 */
#ifndef QUEUE_QUEUE_EXPAND_H
#define QUEUE_QUEUE_EXPAND_H

#include "lib/mail/tables.h"
#include "queue/queue_envelope.h"
#include "queue/queue_target.h"

/* 0 and *out filled; -1 where a look-up failed: later. */
int	expand(struct tables *t, const struct envelope *e, struct targets *out)
	    ATTR_CHECK;

enum expand_result {
	EXPAND_LATER,		/* a look-up failed, or there is no room */
	EXPAND_ADDED,		/* out has more targets, or those that there
				   were get it of themselves */
	EXPAND_LOOPS,		/* all it leads to has sent it on already, to
				   nobody else as far as is known */
};
/*
 * The recipient of target number i wants the message at that address, too:
 * what it expands to is added behind the others, by the list that it came by
 * itself. The sender is not told of a
 * target twice, and nobody gets the message twice.
 */
enum expand_result expand_redirect(struct tables *t, const struct envelope *e,
	    struct targets *out, size_t i, const char *address);

#endif
