/*
 * The end of sessions with an edit of the tables: whoever was let in by what
 * is there no more (the account is gone or disabled, its password or an app
 * password is another one), whichever command or hand wrote that.
 */
#ifndef CTL_CMD_SESSION_H
#define CTL_CMD_SESSION_H

#include "ctl/ctl.h"
#include "lib/map/map.h"

/* What logins are checked against before the edit; NULL: it cannot be read
   (said). */
struct map *sessions_before(const struct ctl *c);
/*
 * After the tables are written: ends them, and those of the account that is
 * named in any case ("": none is); the command before may have been killed
 * between the two. Without before no others are ended. Frees before. The exit
 * status; said where it failed.
 */
int	sessions_after(struct ctl *c, struct map **before,
	    const char *account);

#endif
