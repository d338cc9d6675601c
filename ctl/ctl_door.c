#include "config.h"

#include <errno.h>
#include <string.h>

#include "ctl/ctl_control.h"
#include "ctl/ctl_door.h"
#include "ctl/ctl_reply.h"
#include "ctl/ctl_util.h"
#include "lib/base/fd.h"

enum { DOOR_MS = 60 * 1000 };

int
door_of(struct ctl *c, const char *account, int *fd_r)
{
	return door_for(c, account, PEER_CTL, fd_r);
}

int
door_for(struct ctl *c, const char *account, enum peer kind, int *fd_r)
{
	int pair[2], r;
	struct ctl_control q = { .who = PEER_STORE, .type = C_DOOR,
		.id = kind == PEER_CTL ? NULL : peer_name(kind),
		.user = account, .timeout_ms = DOOR_MS, .give = &pair[1],
		.quiet = 1 };

	*fd_r = -1;
	if (fd_pair(pair) == -1)
		return ctl_fail(CTL_LATER, "%s: %s", account, strerror(errno));
	r = control_call(c, &q);
	if (r == CTL_DONE)
		*fd_r = pair[0];
	else
		fd_close(&pair[0]);
	return r;
}

int
door_said(const struct door *d, const char *what)
{
	enum door_error e = door_error(d);
	struct buf words = BUF_INIT(0);
	int r = e == D_LOST || e == D_LATER || e == D_IN_USE ? CTL_LATER :
	    CTL_REFUSED;

	reply_words(door_words(d), &words);
	ctl_fail(r, "%s: %s", what, buf_str(&words));
	buf_clear(&words);
	return r;
}
