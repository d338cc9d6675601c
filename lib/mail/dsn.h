/*
 * The parameters of DSN (RFC 3461, RFC 6533) as text: what a client may say,
 * how it is said to the next host and shown in a report.
 *
 *	xtext   = *( xchar / hexchar )
 *	hexchar = "+" two upper-case hexadecimal digits
 */
#ifndef LIB_MAIL_DSN_H
#define LIB_MAIL_DSN_H

#include <stddef.h>
#include <stdint.h>

#include "lib/base/attr.h"
#include "lib/base/buf.h"

/* Octets of all words of NOTIFY. */
enum { DSN_NOTIFY_MAX = sizeof("SUCCESS,FAILURE,DELAY") };

/*
 * RFC 3461 4: at least one octet, none but xtext, and what it stands for is
 * printable ASCII and blanks.
 */
int	xtext_is(const char *p, size_t len);
/* Appends the octets that it stands for; xtext_is holds. */
void	xtext_decode(const char *p, size_t len, struct buf *out);
/* Appends the text as xtext. 0, or -1 where xtext_is would not hold, or out is
   full. */
int	xtext_put(struct buf *out, const char *p, size_t len) ATTR_CHECK;

/* 4.1: enum q_notify of "NEVER" or a list of the others, each of them once. 0,
   or -1. */
int	dsn_notify(const char *p, size_t len, uint32_t *notify_r) ATTR_CHECK;
/* The same in words; "" for 0. */
const char *dsn_notify_words(uint32_t notify, char out[DSN_NOTIFY_MAX]);
/* 4.3: enum q_ret. 0, or -1. */
int	dsn_ret(const char *p, size_t len, uint32_t *ret_r) ATTR_CHECK;
/* "FULL", "HDRS"; NULL for 0 and what is not known. */
const char *dsn_ret_word(uint32_t ret);
/* 4.4: xtext of at most ENVID_MAX octets. */
int	dsn_envid_is(const char *p, size_t len);
/*
 * 4.2: addr-type ";" xtext, or, where the type is utf-8, the form of RFC 6533 3
 * for hosts without SMTPUTF8 (utf-8-addr-xtext: "\x{E9}"); at most ORCPT_MAX
 * octets.
 */
int	dsn_orcpt_is(const char *p, size_t len);
/*
 * Appends an ORCPT as a field of a report has it, "rfc822;anna@example.test";
 * utf-8 stays as it is (RFC 6533 3). Of what is no ORCPT nothing.
 */
void	dsn_orcpt_show(const char *p, size_t len, struct buf *out);

#endif
