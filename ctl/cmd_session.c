/*
 * session ...: who is logged in, and the end of it; master knows.
 */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "ctl/cmd_session.h"
#include "ctl/commands.h"
#include "ctl/ctl_control.h"
#include "ctl/ctl_name.h"
#include "ctl/ctl_util.h"
#include "lib/base/fd.h"
#include "lib/mail/limits.h"

enum { ANSWER_MS = 10 * 1000 };

int
cmd_session_list(struct ctl *c)
{
	struct ctl_control q = { .who = PEER_MASTER, .type = C_LIST,
		.timeout_ms = ANSWER_MS, .quiet = 1 };

	if (ctl_load(c) == -1)
		return CTL_REFUSED;
	return control_list(c, &q);
}

int
cmd_session_kick(struct ctl *c)
{
	struct ctl_control q = { .who = PEER_MASTER, .type = C_KICK,
		.timeout_ms = ANSWER_MS };
	struct buf name = BUF_INIT(ADDRESS_MAX), why = BUF_INIT(0);
	const char *what = c->args[0];
	int r = 0;

	if (ctl_load(c) == -1)
		return CTL_REFUSED;
	if (strspn(what, "0123456789") == strlen(what) &&
	    strlen(what) <= QUEUE_ID_LEN)
		q.id = what;
	else {
		r = name_address(what, strlen(what), NAME_ACCOUNT, &name,
		    &why);
		q.user = buf_str(&name);
	}
	r = r == -1 ? ctl_say(CTL_REFUSED, &why) : control_call(c, &q);
	buf_clear(&name);
	buf_clear(&why);
	return r;
}

int
sessions_end(struct ctl *c, const char *user)
{
	struct ctl_control q = { .who = PEER_MASTER, .type = C_KICK,
		.timeout_ms = ANSWER_MS, .user = user, .quiet = 1 };
	int fd = control_connect(c->state_dir, PEER_MASTER);

	/* Where nothing runs nobody is logged in. */
	if (fd == -1 && (errno == ENOENT || errno == ECONNREFUSED))
		return CTL_DONE;
	fd_close(&fd);
	if (control_call(c, &q) == CTL_DONE)
		return CTL_DONE;
	return ctl_fail(CTL_LATER, "%s: it is written, but open sessions may "
	    "go on; \"rohrpost session kick\" ends them", user);
}
