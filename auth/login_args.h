/*
 * The arguments of a complete IMAP command (RFC 3501 section 9).
 * Calls step over what they take: 0, or -1 where the text is something else.
 */
#ifndef AUTH_LOGIN_ARGS_H
#define AUTH_LOGIN_ARGS_H

#include <stddef.h>

#include "lib/base/buf.h"

struct login_args {
	const char *p, *end;	/* what is left */
};

int	login_args_space(struct login_args *a);
/* A word of atom characters, in place. */
int	login_args_atom(struct login_args *a, const char **p_r,
	    size_t *len_r);
/* Appends the octets of an atom, a quoted string or a literal. */
int	login_args_astring(struct login_args *a, struct buf *out);
/*
 * Does the line p..end end in a literal's length, "{5}" or "{5+}"? 1, 0; -1:
 * in one over max. plus_r: with "+".
 */
int	login_args_length(const char *p, const char *end, size_t max,
	    size_t *len_r, int *plus_r);

#endif
