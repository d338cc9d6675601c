/*
 * systemd's unit of the suite. Where it is enabled, or runs, start, stop and
 * reload go through it, so that systemd knows what it keeps alive.
 *
 * They do it themselves for another configuration directory than the unit's,
 * without root, with --direct, with ROHRPOST_DIRECT in the environment, and where
 * the command runs within the unit: what a unit calls waits for no unit.
 */
#ifndef CTL_CTL_UNIT_H
#define CTL_CTL_UNIT_H

#include "ctl/ctl.h"

#define UNIT_NAME	"rohrpost.service"

/* What systemd makes of the suite. */
enum unit_state {
	UNIT_NONE,	/* not its business: do it directly */
	UNIT_ENABLED,	/* it starts the suite at boot, and has not now */
	UNIT_ACTIVE,	/* it runs it, or is about to */
};

/* direct: --direct was given. */
enum unit_state unit_state(const struct ctl *c, int direct);
/*
 * systemctl VERB, and waits. 0, or -1 with why: what it said, and where to
 * read more.
 */
int	unit_call(const char *verb, struct buf *why) ATTR_CHECK;
/* For tests: is the text, of /proc/self/cgroup, of a process of the unit? */
int	unit_is_within(const char *cgroup);

#endif
