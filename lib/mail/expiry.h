/*
 * Which mailboxes lose their messages by age, as the operator writes it:
 *
 *	Trash:30d, Junk:30d, Lists/%:90d
 *
 * A pattern is a mailbox's name as LIST has it (pattern.h: "*" any octets, "%"
 * any but "/"). One whose first level is Trash, Junk, Sent, Drafts or Archive
 * stands for the mailbox of that special use, too, whatever its name is, and
 * for what lies below it where it is itself at the top. The first rule that
 * fits a mailbox counts. Nothing at all is no rule.
 */
#ifndef LIB_MAIL_EXPIRY_H
#define LIB_MAIL_EXPIRY_H

#include <stddef.h>
#include <stdint.h>

#include "lib/base/attr.h"
#include "lib/base/buf.h"

enum {
	EXPIRY_TEXT = 900,	/* octets of all rules */
	EXPIRY_RULES = 20,
	EXPIRY_DAYS = 3650,
};

struct expiry {
	struct {
		const char *pattern;	/* within text */
		uint32_t use;		/* of its first level; 0: none */
		uint64_t keep;		/* seconds, never 0 */
	} rule[EXPIRY_RULES];
	unsigned n;
	char	 text[EXPIRY_TEXT + 1];
};

/* 0, or -1 with why, where it is no list of rules. */
int	expiry_parse(struct expiry *e, const char *text, size_t len,
	    struct buf *why) ATTR_CHECK;
/*
 * How many seconds messages stay in that mailbox after they came into it; 0:
 * for ever. attrs are its own (enum door_attr), top those of the mailbox that
 * its first level is.
 */
uint64_t expiry_keep(const struct expiry *e, const char *name,
	    uint32_t attrs, uint32_t top);

#endif
