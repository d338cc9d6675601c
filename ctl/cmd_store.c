/*
 * store ...: asks the store over its control socket.
 */
#include "config.h"

#include <string.h>

#include "ctl/ctl.h"
#include "ctl/ctl_control.h"
#include "ctl/ctl_name.h"
#include "lib/mail/limits.h"

enum { SILENCE_MS = 3600 * 1000 };	/* a rebuild reads every file */

static int
call(struct ctl *c, enum c_type type, size_t *rows_r)
{
	struct buf name = BUF_INIT(ADDRESS_MAX), why = BUF_INIT(0);
	struct control q = { .who = PEER_STORE, .type = type,
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
	*rows_r = q.rows;
	buf_clear(&name);
	return r;
}

int
cmd_store_list(struct ctl *c)
{
	size_t rows;

	return call(c, C_LIST, &rows);
}

/* A finding is a refusal: scripts see it by the exit status. */
int
cmd_store_check(struct ctl *c)
{
	size_t rows;
	int r = call(c, C_CHECK, &rows);

	return r == CTL_DONE && rows > 0 ? CTL_REFUSED : r;
}

int
cmd_store_rebuild(struct ctl *c)
{
	size_t rows;

	return call(c, C_REBUILD, &rows);
}
