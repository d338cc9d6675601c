/*
 * What the commands that edit the text tables share: open under the lock,
 * change in memory, then table_finish.
 */
#ifndef CTL_CMD_TABLE_H
#define CTL_CMD_TABLE_H

#include "ctl/ctl.h"
#include "ctl/ctl_out.h"
#include "ctl/ctl_set.h"

/* Reads configuration (with edit) and tables. 0, or -1 (said). */
int	table_open(struct ctl *c, struct set *s, int edit) ATTR_CHECK;
/*
 * After ctl_load: notes what rohrpost.conf grants to all accounts. 0, or -1
 * with why.
 */
int	table_system(struct ctl *c, struct set *s, struct buf *why) ATTR_CHECK;
/*
 * After set_open: the users of the host have their rows, as dir/rohrpost.conf
 * says. 0, or -1 with why.
 */
int	table_pam(struct set *s, const char *dir, struct buf *why) ATTR_CHECK;
/*
 * Checks, saves, compiles, closes; ends sessions (cmd_session.h). The exit
 * status.
 */
int	table_finish(struct ctl *c, struct set *s, int warnings);
/*
 * The end of an edit: where r is -1, says why and closes without a change,
 * else table_finish. Clears why. The exit status.
 */
int	table_end(struct ctl *c, struct set *s, int r, struct buf *why,
	    int warnings);
/* The end of a list: closes both. The exit status. */
int	table_listed(struct set *s, struct out *o);
/* The whole of a del command. */
int	table_del(struct ctl *c, enum text_id id, const char *name);

#endif
