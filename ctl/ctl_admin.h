/*
 * Those who administer a domain: Unix users and groups that its line in domains
 * names (rohrpost-domains(5)). They run some of rohrpost's commands by a program
 * of the suite (admin), which asks the kernel who is at the other end of the
 * connection, and believes nobody else.
 *
 * Two walls stand before the tables: a command that names an address runs where
 * the address is in a domain of theirs, and lists hold nothing else; and, whatever
 * a command did in memory, what would be written is compared with what stands in
 * the files, and a row of anything else that differs refuses the whole.
 */
#ifndef CTL_CTL_ADMIN_H
#define CTL_CTL_ADMIN_H

#include <sys/types.h>

#include "ctl/ctl.h"
#include "ctl/ctl_set.h"
#include "lib/base/buf.h"

enum { ADMIN_GROUPS_MAX = 1024 };	/* of a user, that are looked at */

struct ctl_admin {
	uid_t	 uid;
	struct buf name;	/* of the Unix user; empty: he has none */
	struct buf groups;	/* their names, packed lv */
	struct buf domains;	/* that he administers, packed lv */
};

/*
 * Who is at the other end of that Unix socket: SO_PEERCRED and SO_PEERGROUPS,
 * as they were when he connected, with the names that NSS has for them. 0, or -1
 * with errno. admin_clear in any case.
 */
int	admin_who(int fd, struct ctl_admin *a) ATTR_CHECK;
void	admin_clear(struct ctl_admin *a);
/* Looks into the table domains which he administers now. How many. */
size_t	admin_admit(struct ctl_admin *a, const struct text *domains);
/*
 * Is that domain, or the domain of that address (normalised), one of his? Always
 * where a is NULL.
 */
int	admin_may(const struct ctl_admin *a, const char *name) ATTR_CHECK;

/* The first wall: before the command runs. CTL_DONE, or what it ends with (said). */
int	admin_check(struct ctl *c, const struct ctl_command *cmd);
/*
 * The last one: s, under its lock, against the files. Which domains are his is
 * asked once more, of the files. 0, or -1 with why.
 */
int	admin_wall(struct ctl_admin *a, const struct set *s, struct buf *why)
	    ATTR_CHECK;

#endif
