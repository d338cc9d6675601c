/*
 * What the answers say for the text tables.
 */
#ifndef CTL_SETUP_TABLES_H
#define CTL_SETUP_TABLES_H

#include "ctl/setup.h"

/* Takes domains, users, aliases into the tables in memory. 0, or -1. */
int	setup_tables(struct setup *s, struct buf *why) ATTR_CHECK;
/*
 * Gives the host's name its place among the domains, and a reader to root's
 * and mailer-daemon's mail. After setup_conf. 0, or -1 with why.
 */
int	setup_host(struct setup *s, struct buf *why) ATTR_CHECK;
/* "ANSWERS:LINE: words"; returns -1. */
int	setup_refuse(struct setup *s, const struct setup_answer *a,
	    struct buf *why, const char *fmt, ...) ATTR_PRINTF(4, 5);

/*
 * After setup_host: new keys of DKIM for each domain, and for the host's name,
 * that has none, unless the answer is dkim = no. 0, or -1 with why.
 */
int	setup_dkim(struct setup *s, struct buf *why) ATTR_CHECK;

#endif
