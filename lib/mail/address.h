/*
 * Mail addresses: paths and mailboxes of RFC 5321 section 4.1.2, and the
 * address lists of RFC 5322 section 3.4.
 *
 * A parsed address has one spelling: the domain in lower case as A-labels
 * (RFC 5891) without a final dot, the local part as it was given but quoted
 * only where it must be. So equal addresses are equal octets, but for the case
 * of the local part.
 *
 * What is common though RFC 5321 does not have it is read too: dots anywhere
 * in a local part (it is written in quotes then: "a..b"@example.test),
 * underscores and a final dot in a domain, a path without angle brackets or
 * with blanks within them.
 *
 * Bounds: LOCAL_PART_MAX, DOMAIN_MAX, LABEL_MAX and ADDRESS_MAX for the whole;
 * a path of 256 octets and more (RFC 5321 4.5.3.1.3) is refused only by these.
 * NUL, CR, LF and other control octets are never part of an address.
 */
#ifndef LIB_MAIL_ADDRESS_H
#define LIB_MAIL_ADDRESS_H

#include <stddef.h>

#include "lib/base/attr.h"
#include "lib/base/buf.h"
#include "lib/mail/limits.h"

enum address_result {
	ADDRESS_OK = 0,
	ADDRESS_SYNTAX,
	ADDRESS_LONG,		/* local part, domain or label too long */
	ADDRESS_DOMAIN,		/* malformed domain */
	ADDRESS_UTF8,		/* the local part needs SMTPUTF8 */
};

struct address {
	char	 text[ADDRESS_MAX + 1];	/* "local@domain"; "" for <> */
	size_t	 len;
	size_t	 at;		/* offset of "@"; len if there is no domain */
	int	 literal;	/* the domain is an address literal "[...]" */
	int	 was_utf8;	/* the domain was given with octets over 0x7f */
};

/* Reads a mailbox that fills the text: "anna@example.test". */
enum address_result address_parse(struct address *a, const char *p,
	    size_t len) ATTR_CHECK;

/*
 * Reads a path at the start of the text, in angle brackets or, without them,
 * up to a blank; used_r is its length. "<>" gives the empty address,
 * "<postmaster>" (any case, RFC 5321 4.5.1) one without a domain. A source route
 * is dropped (appendix C).
 */
enum address_result address_path(struct address *a, const char *p, size_t len,
	    size_t *used_r) ATTR_CHECK;

/*
 * Reads a domain name and writes it in lower case as A-labels. was_utf8_r may
 * be NULL.
 */
enum address_result address_domain_parse(const char *p, size_t len,
	    char out[DOMAIN_MAX + 1], int *was_utf8_r) ATTR_CHECK;

/* "5.1.3 bad address syntax": enhanced status code without its class digit is
   for the caller; these are words for people. */
const char *address_words(enum address_result r);

enum { ADDRESS_ENTRY_MAX = 1024 };	/* octets of one that is not bad */

/* What stands between two commas of an address-list. */
struct address_entry {
	const char *text;	/* "anna@example.test", "anna"; not ended */
	size_t	 len;		/* by NUL; no CR or LF */
	int	 bad;		/* a bracket, quote, comment or group that does
				   not close; too long; none where one is due */
};

/*
 * Calls each for every entry of a header value (RFC 5322 address-list, with
 * groups, comments, folding, display names and obsolete routes): what stands
 * in angle brackets where there are some, without comments, blanks and route.
 * Nothing that stands there is skipped but a list's empty places. Whether the
 * text is an address or a bare name is not looked at. Stops at a non-zero
 * return of each and returns it; else 0.
 */
int	address_list(const char *p, size_t len, int (*each)(
	    const struct address_entry *e, void *arg), void *arg);

#endif
