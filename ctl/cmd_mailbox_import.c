/*
 * mailbox import. What is parsed comes from elsewhere, so a child that has
 * given root up parses it; this process stays root and only opens files for it
 * (box_open.h).
 */
#include "config.h"

#include <sys/socket.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "ctl/box_open.h"
#include "ctl/box_source.h"
#include "ctl/commands.h"
#include "ctl/ctl_door.h"
#include "ctl/ctl_inbox.h"
#include "ctl/ctl_util.h"
#include "lib/base/fd.h"
#include "lib/base/str.h"
#include "lib/base/words.h"
#include "lib/mail/limits.h"
#include "lib/mail/mailbox_name.h"

/* In the child: the exit status. */
static int
import(struct box_source *s, struct door *d, int dry)
{
	struct buf why = BUF_INIT(600);
	int r;

	if (box_drop(&why) == -1) {
		ctl_say(0, &why);
		buf_clear(&why);
		return CTL_REFUSED;
	}
	r = box_put_init(&s->put, d, dry);
	if (r == 0)
		r = box_source_read(s);
	if (s->put.there.cap > 0 || r == 0)
		box_put_report(&s->put);
	r = r == -1 ? s->put.status : s->put.skipped > 0 ? CTL_REFUSED :
	    CTL_DONE;
	box_put_clear(&s->put);
	buf_clear(&s->subscribed);
	door_clear(d);
	return fflush(stdout) == 0 ? r : CTL_REFUSED;
}

static int
child_status(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) == -1)
		if (errno != EINTR)
			return CTL_LATER;
	return WIFEXITED(status) ? WEXITSTATUS(status) : ctl_fail(CTL_LATER,
	    _("the import ended by a signal; the same command again goes on"));
}

static int
run(struct box_source *s, struct door *d, int top, int dry)
{
	int pair[2];
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == -1)
		return ctl_fail(CTL_LATER, "socketpair: %s", strerror(errno));
	fflush(NULL);
	if ((pid = fork()) == -1) {
		close(pair[0]);
		close(pair[1]);
		return ctl_fail(CTL_LATER, "fork: %s", strerror(errno));
	}
	if (pid == 0) {
		close(pair[0]);
		close(top);
		s->files = pair[1];
		_exit(import(s, d, dry));
	}
	close(pair[1]);
	box_serve(top, pair[0]);
	close(pair[0]);
	return child_status(pid);
}

/* The operator's own word: here a link is followed. */
static int
open_source(const char *path)
{
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	if (fd == -1)
		return ctl_fail(-1, "%s: %s", path, strerror(errno));
	return fd;
}

int
cmd_mailbox_import(struct ctl *c)
{
	struct box_source s = { .root = c->opt[OPT_BOX_IMPORT_MAILBOX] };
	const char *base = strrchr(c->args[1], '/');
	char account[ADDRESS_MAX + 1], local[ADDRESS_MAX + 1];
	uint32_t before;
	struct door d;
	int r, top;

	if (s.root != NULL && !mailbox_name_ok(s.root))
		return ctl_fail(CTL_REFUSED, _("%s: that is no name of a "
		    "mailbox"), s.root);
	if ((r = door_named_adds(c, c->args[0], &d, account)) != CTL_DONE)
		return r;
	if ((top = open_source(c->args[1])) == -1) {
		door_clear(&d);
		return CTL_REFUSED;
	}
	s.file = base == NULL ? c->args[1] : base + 1;
	(void)str_copy(local, sizeof(local), account);
	*strrchr(local, '@') = '\0';
	s.local = local;
	c->unchanged = c->opt[OPT_BOX_IMPORT_DRY] != NULL;
	before = inbox_id(&d);
	r = run(&s, &d, top, c->unchanged);
	close(top);
	door_clear(&d);
	inbox_end_sessions(c, account, before);
	return r;
}
