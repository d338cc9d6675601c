/*
 * store ...: asks the store over its control socket.
 */
#include "config.h"

#include <string.h>

#include "ctl/commands.h"
#include "ctl/ctl_control.h"
#include "ctl/ctl_name.h"
#include "ctl/ctl_util.h"
#include "lib/mail/limits.h"

enum { SILENCE_MS = 3600 * 1000 };	/* a rebuild reads every file */

/* refuse: a row is a refusal, that scripts see by the exit status. */
static int
call(struct ctl *c, enum c_type type, int refuse)
{
	struct buf name = BUF_INIT(ADDRESS_MAX), why = BUF_INIT(0);
	struct ctl_control q = { .who = PEER_STORE, .type = type,
		.timeout_ms = SILENCE_MS, .progress = 1 };
	int r;

	if (ctl_load(c) == -1)
		return CTL_REFUSED;
	if (c->n_args == 1) {
		if (name_address(c->args[0], strlen(c->args[0]),
		    NAME_ACCOUNT, &name, &why) == -1) {
			ctl_say(0, &why);
			buf_clear(&why);
			return CTL_REFUSED;
		}
		q.user = buf_str(&name);
	}
	r = control_list(c, &q);
	buf_clear(&name);
	return refuse && r == CTL_DONE && q.rows > 0 ? CTL_REFUSED : r;
}

int
cmd_store_list(struct ctl *c)
{
	return call(c, C_LIST, 0);
}

int
cmd_store_check(struct ctl *c)
{
	return call(c, C_CHECK, 1);
}

int
cmd_store_rebuild(struct ctl *c)
{
	return call(c, C_REBUILD, 1);
}
