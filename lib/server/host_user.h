/*
 * The users and groups of this host, as NSS has them (nsswitch.conf(5)), and
 * which of them may have a mailbox: who is in the group that the operator
 * named, and is a person. Root and the system's own users (uid under
 * HOST_UID_FIRST) never are.
 *
 * An answer is yes, no, or that it cannot be had now: a directory that is away
 * is no "no".
 *
 * DIAGNOSTICS: none; why says why it is not yes.
 */
#ifndef LIB_SERVER_HOST_USER_H
#define LIB_SERVER_HOST_USER_H

#include <sys/types.h>

#include "lib/base/attr.h"
#include "lib/base/buf.h"

enum {
	HOST_UID_FIRST = 1000,
	HOST_NSS_MAX = 16 << 20,	/* octets of an entry, a group's most */
	HOST_NSS_FIRST = 16 * 1024,
	HOST_GROUPS_MAX = 65536,	/* of a user */
};

enum host_answer { HOST_YES, HOST_NO, HOST_LATER };

/*
 * The members that the group lists, a packed lv list (lib/base/buf.h). HOST_NO:
 * there is no such group.
 */
enum host_answer host_members(const char *group, struct buf *members_r,
	    struct buf *why) ATTR_CHECK;
/* Is it a user, and a person? HOST_NO: no such user, or one of the system. */
enum host_answer host_person(const char *name, struct buf *why) ATTR_CHECK;
/*
 * The same, and is it in the group? Who was a user at the last apply and is
 * none now, and a group that is gone, are doubts: HOST_LATER.
 */
enum host_answer host_may(const char *name, const char *group,
	    struct buf *why) ATTR_CHECK;
/*
 * Loads what NSS would load at its first question, without asking anybody: later
 * the filter lets no code in.
 */
void	host_warm_up(void);

#endif
