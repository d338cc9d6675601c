/*
 * Names as the operator writes them, brought to the one form that the
 * compiled tables hold: domains as lower-case A-labels (RFC 5891), local parts
 * in lower case but for those of targets.
 *
 * DIAGNOSTICS: what is wrong is said in why, without file and line.
 */
#ifndef CTL_NAME_H
#define CTL_NAME_H

#include <stddef.h>
#include <stdint.h>

#include "lib/base/attr.h"
#include "lib/base/buf.h"

/* What an address may look like in its place. */
enum name_kind {
	NAME_ACCOUNT,	/* anna@example.test: becomes a directory; no "+" */
	NAME_ALIAS,	/* also sales+x@..., postmaster, abuse; "@domain",
			   "*@domain" in the form of the former */
	NAME_TARGET,	/* any mailbox of ours or elsewhere */
};

/* Appends the domain of len octets at p, normalised. 0, or -1 with why. */
int	name_domain(const char *p, size_t len, struct buf *out,
	    struct buf *why) ATTR_CHECK;
/*
 * The same for an address. One with dots in odd places, where an account has
 * none, comes out with its local part in quotes, as smtpd has it.
 */
int	name_address(const char *p, size_t len, enum name_kind kind,
	    struct buf *out, struct buf *why) ATTR_CHECK;
/* Octets: 10, 10K, 25M, 2G, 1T (powers of 1024). 0, or -1. */
int	name_size(const char *p, size_t len, uint64_t *r) ATTR_CHECK;
/* Cuts white space off both ends. */
void	name_trim(const char **p, size_t *len);

#endif
