/*
 * What a report says of a target (RFC 3464 2.3.3), and in which words people
 * read it.
 */
#ifndef QUEUE_QUEUE_ACTION_H
#define QUEUE_QUEUE_ACTION_H

#include "queue/queue_target.h"

/* In the order in which people read of them. */
enum action {
	ACTION_FAILED,
	ACTION_DELAYED,
	ACTION_RELAYED,
	ACTION_EXPANDED,
	ACTION_DELIVERED,
	ACTIONS,
	ACTION_NONE = ACTIONS	/* nothing is owed of it */
};

struct action_row {
	const char *name;
	char	 class;		/* of its status (RFC 3463 2) */
	const char *people;	/* in front of those recipients; with CRLF */
};

extern const struct action_row actions[ACTIONS];

enum action action_of(const struct target *t);

#endif
