/*
 * The text of an SPF record (RFC 7208 section 12): terms, and the macros in
 * them. Part of lib/mail/spf.h; knows nothing of DNS.
 */
#ifndef LIB_MAIL_SPF_RECORD_H
#define LIB_MAIL_SPF_RECORD_H

#include <stddef.h>
#include <stdint.h>

#include "lib/base/attr.h"
#include "lib/base/buf.h"

enum spf_mechanism {
	SPF_MECH_ALL,
	SPF_MECH_INCLUDE,
	SPF_MECH_A,
	SPF_MECH_MX,
	SPF_MECH_PTR,
	SPF_MECH_IP4,
	SPF_MECH_IP6,
	SPF_MECH_EXISTS,
};

struct spf_term {
	char	 qualifier;	/* "+", "-", "~", "?" */
	enum spf_mechanism mechanism;
	char	*domain;	/* with its macros; NULL: none */
	unsigned bits4, bits6;	/* of the networks */
	unsigned char ip[16];	/* ip4, ip6 */
};

struct spf_record {
	struct spf_term *terms;
	size_t	 n;
	char	*redirect, *exp; /* NULL: none */
};

/*
 * Reads a record that spf_is_record takes. 0; -1 with the term that is wrong
 * in why (4.6). Clear it in any case.
 */
int	spf_record_parse(struct spf_record *r, const char *p, size_t len,
	    struct buf *why) ATTR_CHECK;
void	spf_record_clear(struct spf_record *r);

/* What macros stand for (7.2). p, the validated name, is asked when used. */
struct spf_macros {
	const char *sender, *local, *sender_domain, *domain, *helo, *receiver;
	int	 v6;
	const unsigned char *ip;
	int64_t	 now;
	const char *(*validated)(void *arg);
	void	*arg;
};

/*
 * The syntax of a macro-string; exp: with c, r, t and blanks (an
 * explain-string). 0, or -1.
 */
int	spf_macro_check(const char *p, size_t len, int exp) ATTR_CHECK;
/* Appends the text with its macros replaced. 0; -1: bad syntax, or too long. */
int	spf_macro_expand(const struct spf_macros *m, const char *p, size_t len,
	    int exp, struct buf *out) ATTR_CHECK;

#endif
