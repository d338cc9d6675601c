/*
 * What the operator grants an account: words KEY=VALUE in its line of users,
 * in that of a group that it is a member of, of its domain, or in
 * rohrpost.conf. Of each key the nearest of these that says something holds:
 * the account's own line; its groups (between groups a right is the stricter
 * one, a bound the larger); its domain; the system; else the default, which may
 * be to leave it to the settings of who reads it (quota, pop3_keep and expire:
 * store). It is worked out when the tables are compiled (ctl_granted.h), so that
 * readers of what is compiled see one row of an account and know of no groups.
 *
 * A new grant: a line in GRANTS, its row in ctl_grants.c, and what carries it
 * to its readers: a field at the end of a user's record (table_users.c,
 * lib/mail/tables.h). Lines of users, groups and domains, and the commands that
 * set them, take it from the row.
 */
#ifndef CTL_CTL_GRANTS_H
#define CTL_CTL_GRANTS_H

#include <stddef.h>
#include <stdint.h>

#include "lib/base/attr.h"
#include "lib/base/buf.h"

enum grant {
	GRANT_QUOTA,		/* octets; messages: 0 for no bound */
	GRANT_PROTOCOLS,	/* the set that it logs in by (protocols.h) */
	GRANT_MAY_SEND,		/* 0, 1 */
	GRANT_POP3_KEEP,	/* seconds; 0: not at all */
	GRANT_EXPIRE_TRASH,	/* seconds; 0: never */
	GRANT_EXPIRE_JUNK,
	GRANTS
};

enum { GRANT_NUMBERS = 2 };	/* that a value has at most */

struct grants {
	uint64_t value[GRANTS][GRANT_NUMBERS];
	unsigned said;		/* a bit for each grant that is there */
};

/*
 * Takes one word KEY=VALUE. 1; 0 where no grant has that key; -1 with why: its
 * value is none, or it stands twice.
 */
int	grants_parse(const char *p, size_t len, struct grants *g,
	    struct buf *why) ATTR_CHECK;
/* SIZE[,COUNT], as of a quota, into v, which is zero. 0, or -1 with why. */
int	quota_parse(const char *p, size_t len, uint64_t v[GRANT_NUMBERS],
	    struct buf *why) ATTR_CHECK;
void	quota_print(const uint64_t v[GRANT_NUMBERS], struct buf *out);
/* Appends " KEY=VALUE" for each that is said; grants_parse reads it. */
void	grants_print(const struct grants *g, struct buf *out);
/* The key of a grant; and its value as lines say it, nothing where none does. */
const char *grants_key(enum grant i);
void	grants_value(const struct grants *g, enum grant i, struct buf *out);
/* The same as a packed list (buf_put_lv) of "KEY=VALUE". */
void	grants_pack(const struct grants *g, struct buf *out);
/* Appends what can be said, for messages: "quota=SIZE[,COUNT], ...". */
void	grants_usage(struct buf *out);
/*
 * An operator's change: KEY=VALUE puts it in place of what is there, "KEY="
 * takes it away. As grants_parse.
 */
int	grants_change(const char *p, size_t len, struct grants *g,
	    struct buf *why) ATTR_CHECK;

/* Between two groups: what both say is joined, into g. */
void	grants_join(struct grants *g, const struct grants *other);
/* Where g says nothing what is further away holds. */
void	grants_fill(struct grants *g, const struct grants *further);
/* Where nothing is said the default holds; said stays what lines say. */
void	grants_default(struct grants *g);

#endif
