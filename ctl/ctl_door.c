#include "config.h"

#include <errno.h>
#include <string.h>

#include "ctl/ctl_control.h"
#include "ctl/ctl_door.h"
#include "ctl/ctl_name.h"
#include "ctl/ctl_reply.h"
#include "ctl/ctl_util.h"
#include "lib/base/fd.h"
#include "lib/base/str.h"
#include "lib/mail/limits.h"

enum { DOOR_MS = 60 * 1000 };

/* As CF_ID of C_DOOR says, or NULL. */
static int
ask(struct ctl *c, const char *account, const char *id, int *fd_r)
{
	int pair[2], r;
	struct ctl_control q = { .who = PEER_STORE, .type = C_DOOR,
		.id = id, .user = account, .timeout_ms = DOOR_MS,
		.give = &pair[1], .quiet = 1 };

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
door_of(struct ctl *c, const char *account, int *fd_r)
{
	return ask(c, account, NULL, fd_r);
}

int
door_migrate(struct ctl *c, const char *account, int removes, int *fd_r)
{
	return ask(c, account, removes ? C_DOOR_REMOVES : C_DOOR_ADDS, fd_r);
}

static int
named(struct ctl *c, const char *address, int adds, struct door *d,
    char *account_r)
{
	struct buf name = BUF_INIT(ADDRESS_MAX), why = BUF_INIT(0);
	int fd, r = CTL_REFUSED;

	if (ctl_load(c) == -1)
		return CTL_REFUSED;
	if (name_address(address, strlen(address), NAME_ACCOUNT, &name,
	    &why) == -1)
		ctl_say(0, &why);
	else if ((r = adds ? door_migrate(c, buf_str(&name), 0, &fd) :
	    door_of(c, buf_str(&name), &fd)) == CTL_DONE) {
		door_init(d, adds ? PEER_MIGRATE : PEER_CTL, fd);
		if (account_r != NULL)
			(void)str_copy(account_r, ADDRESS_MAX + 1,
			    buf_str(&name));
	}
	buf_clear(&name);
	buf_clear(&why);
	return r;
}

int
door_named(struct ctl *c, const char *address, struct door *d,
    char *account_r)
{
	return named(c, address, 0, d, account_r);
}

int
door_named_adds(struct ctl *c, const char *address, struct door *d,
    char *account_r)
{
	return named(c, address, 1, d, account_r);
}

const struct door_bit door_flags[] = {
	{ "\\Seen", FLAG_SEEN }, { "\\Answered", FLAG_ANSWERED },
	{ "\\Flagged", FLAG_FLAGGED }, { "\\Deleted", FLAG_DELETED },
	{ "\\Draft", FLAG_DRAFT }, { NULL, 0 }
};

const struct door_bit door_uses[] = {
	{ "\\Drafts", ATTR_DRAFTS }, { "\\Sent", ATTR_SENT },
	{ "\\Trash", ATTR_TRASH }, { "\\Junk", ATTR_JUNK },
	{ "\\Archive", ATTR_ARCHIVE }, { "\\Flagged", ATTR_FLAGGED },
	{ NULL, 0 }
};

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
