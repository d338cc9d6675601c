/*
 * What a line of a table says, and what the parsers of lines share.
 */
#ifndef CTL_CTL_ROW_H
#define CTL_CTL_ROW_H

#include <stddef.h>
#include <stdint.h>

#include "ctl/ctl_grants.h"
#include "ctl/ctl_table.h"
#include "lib/base/attr.h"
#include "lib/base/buf.h"

/* Which members count depends on the table. */
struct row {
	char	*key;		/* normalised name; unique in its table */
	char	*value;		/* domains: alias of; passwd: the whole that
				   stands after the address (credential.h);
				   dkim: the private key */
	const char *domain;	/* dkim: within key; */
	int64_t	 since;		/* of its state (flags: enum dkim_state) */
	char	*hash;		/* passwd: of the account's password; NULL */
	char	*pam;		/* users: the host's user whose mailbox it is
				   (ctl_pam.h); or NULL */
	char	**targets;	/* aliases; groups: the members; domains: local
				   parts that an alias domain leaves out; users:
				   names that they had (table_renamed.h) */
	char	*owner;		/* aliases: who gets the bounces of what it
				   sends on; NULL: who sent it */
	char	*admins;	/* domains: who administers it (ctl_admin.h), with
				   commas; or NULL */
	int	 own_lines;	/* domains: an alias domain that has some */
	size_t	 n_targets;
	struct grants grants;	/* users, groups, domains: of this line */
	uint64_t sum[GRANT_NUMBERS];	/* domains: what all its accounts may
				   hold together; 0: no bound */
	unsigned n_groups;	/* users: that they are in (set_join) */
	struct grants joined;	/* users: what the groups say (set_join) */
	uint32_t flags;		/* users: enum tables_flag */
	unsigned line;
	unsigned mark;		/* for walks over the tables (ctl_check.c) */
};

/* A line, trimmed, into r. 0, or -1 with why; row_free in any case. */
int	row_parse(const struct table *t, const char *p, size_t len,
	    struct row *r, struct buf *why) ATTR_CHECK;
/* Wipes and frees. */
void	row_free(struct row **r);

/* The text in b as a string of its own (free it); clears b. */
char	*row_take(struct buf *b);
/* Splits at the first c into left and right, both trimmed; 0 if none. */
int	row_split(const char *p, size_t len, char c, size_t *left_r,
	    const char **right_r, size_t *rlen_r);
/*
 * Takes the next of the words that blanks part from *p, whose *len octets get
 * less; of 0 octets at the end.
 */
const char *row_word(const char **p, size_t *len, size_t *n_r);
/* Says that the word is none of the grants, nor of the others that more names
   (NULL: there are none). */
void	row_unknown(const char *p, size_t len, const char *more,
	    struct buf *why);
/*
 * An operator's n words: KEY=VALUE sets, "KEY=" takes away. 0, or -1 with why.
 */
int	row_grants(char *const *words, int n, struct grants *g,
	    struct buf *why) ATTR_CHECK;

#endif
