#include "config.h"

#include "ctl/ctl_control.h"
#include "ctl/ctl_door.h"
#include "ctl/ctl_reply.h"
#include "ctl/ctl_util.h"
#include "lib/base/words.h"

enum { DOOR_MS = 60 * 1000 };

int
door_of(struct ctl *c, const char *account, int *fd_r)
{
	struct ctl_control q = { .who = PEER_STORE, .type = C_DOOR,
		.user = account, .timeout_ms = DOOR_MS, .body_r = fd_r,
		.quiet = 1 };
	int r;

	*fd_r = -1;
	r = control_call(c, &q);
	if (r == CTL_DONE && *fd_r == -1)
		return ctl_fail(CTL_LATER, _("%s: the store gave no door"),
		    account);
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
