/*
 * What stands in a response, as a flat list: a list's values follow it.
 *
 * Lenient in what an atom may hold: servers write names and flags as they
 * like. Bounds: IMAP_VALUES_MAX values, IMAP_NESTING_MAX lists in one another.
 */
#ifndef RELAY_IMAP_VALUE_H
#define RELAY_IMAP_VALUE_H

#include <stdint.h>

#include "relay/imap_input.h"

enum {
	IMAP_VALUES_MAX = 16384,
	IMAP_NESTING_MAX = 16,
};

enum imap_type { IMAP_ATOM, IMAP_STRING, IMAP_NIL, IMAP_LIST };

struct imap_value {
	enum imap_type type;
	const char *p;		/* octets of an atom or string, in the input */
	size_t	 len;
	size_t	 inside;	/* LIST: so many values follow that are in it,
				   theirs too */
	int	 body;		/* STRING: the message's text, which is gone */
};

struct imap_values {
	struct imap_value *v;
	size_t	 n, cap;
};

void	imap_values_clear(struct imap_values *v);
/*
 * Reads the response in from the octet at on. Strings are changed in place.
 * 0, or -1: it makes no sense.
 */
int	imap_values_parse(struct imap_values *v, struct imap_input *in,
	    size_t at) ATTR_CHECK;

/* The value behind v and all that is in it. */
const struct imap_value *imap_value_next(const struct imap_value *v);
/* Is it that atom, in any case? */
int	imap_value_is(const struct imap_value *v, const char *word);
/* A number of at most max. 0, or -1. */
int	imap_value_number(const struct imap_value *v, uint64_t max,
	    uint64_t *r) ATTR_CHECK;

#endif
