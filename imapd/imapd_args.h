/*
 * The arguments of a command (RFC 3501 9), as a flat tree: an array in which
 * a list is followed by its members. Texts are slices of the command, which
 * is changed in place (escapes of quoted strings are taken out) and must stay
 * while they are used.
 *
 * The grammar here is the common ground of all commands: atoms, quoted
 * strings, literals, lists. A "[" in an atom takes all up to its "]" along,
 * so that BODY[HEADER.FIELDS (A B)]<0.9> is one atom. What an atom means is
 * judged by the command.
 */
#ifndef IMAPD_IMAPD_ARGS_H
#define IMAPD_IMAPD_ARGS_H

#include <stddef.h>
#include <stdint.h>

#include "lib/base/attr.h"

enum { IMAPD_NEST_MAX = 50 };

enum imapd_arg_type {
	IMAPD_ATOM,
	IMAPD_QUOTED,
	IMAPD_LITERAL,
	IMAPD_LIST,
};

struct imapd_arg {
	enum imapd_arg_type type;
	uint32_t skip;		/* the next on this level is at a + skip */
	char	*p;
	size_t	 len;		/* of a list: its members */
};

struct imapd_args {
	struct imapd_arg *a;
	size_t	 n, cap;	/* nodes */
	size_t	 top;		/* arguments on the top level */
};

/*
 * Reads len octets after the command's name: nothing, or " arg arg ...".
 * Returns 0; -1 with *why, a static text.
 */
int	imapd_args_parse(struct imapd_args *args, char *p, size_t len,
	    const char **why) ATTR_CHECK;
void	imapd_args_clear(struct imapd_args *args);

const struct imapd_arg *imapd_arg_next(const struct imapd_arg *a);
/* Is it an atom of that text, in any case? */
int	imapd_arg_is(const struct imapd_arg *a, const char *s);
/* astring: atom, quoted string or literal. */
int	imapd_arg_is_string(const struct imapd_arg *a);
/* An atom that is a number of at most max: 0, or -1. */
int	imapd_arg_number(const struct imapd_arg *a, uint64_t max,
	    uint64_t *r) ATTR_CHECK;

#endif
