/*
 * The command line of sendmail as its callers know it from Sendmail, Postfix
 * and Exim: one table of the options, each with what it changes here. What
 * changes nothing is taken without a word; what cannot be done is refused.
 * Options end at the first recipient.
 */
#ifndef CTL_SENDMAIL_OPTIONS_H
#define CTL_SENDMAIL_OPTIONS_H

#include <stdint.h>

#include "lib/base/attr.h"
#include "lib/base/buf.h"

enum sendmail_mode {
	SENDMAIL_MESSAGE,	/* -bm: a message from standard input */
	SENDMAIL_SMTP,		/* -bs: SMTP on standard input and output */
	SENDMAIL_QUEUE,		/* -bp, mailq: shows the queue */
	SENDMAIL_ALIASES,	/* -bi, -I, newaliases: compiles the tables */
	SENDMAIL_FLUSH,		/* -q: tries again what waits */
};

struct sendmail_options {
	enum sendmail_mode mode;
	const char *dir;	/* -C, or NULL */
	const char *sender;	/* -f, -r, or NULL */
	const char *full_name;	/* -F, or NULL */
	const char *id;		/* -qI: one message alone, or NULL */
	uint32_t notify;	/* -N: enum q_notify, or 0 */
	uint32_t ret;		/* -R: enum q_ret, or 0 */
	const char *envid;	/* -V, or NULL */
	int	 from_header;	/* -t */
	int	 dot_is_text;	/* -i, -oi, -O IgnoreDots */
	int	 first;		/* the first recipient's place in argv */
};

/*
 * Reads argv; its texts stay the caller's. argv[0] counts: mailq and
 * newaliases. 0, or -1 with why (EX_USAGE).
 */
int	sendmail_options(int argc, char **argv, struct sendmail_options *o,
	    struct buf *why) ATTR_CHECK;

#endif
