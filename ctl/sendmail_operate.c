#include "config.h"

#include <sys/stat.h>
#include <sys/wait.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "ctl/ctl_left.h"
#include "ctl/sendmail_operate.h"
#include "ctl/sendmail_smtp.h"

enum { ANSWER_MS = 10 * 1000 };

static int
status_of(int r)
{
	switch (r) {
	case CTL_DONE:
		return EX_OK;
	case CTL_LATER:
		return EX_TEMPFAIL;
	case CTL_USAGE:
		return EX_USAGE;
	default:
		return EX_UNAVAILABLE;
	}
}

/*
 * And what waits for the suite itself. The words that scripts look for where
 * nothing waits are Sendmail's.
 */
static int
show_queue(const char *dir, const char *state_dir)
{
	struct ctl c = { .dir = dir, .state_dir = state_dir };
	size_t rows;
	int r = left_list(&c, ANSWER_MS, &rows);

	if (r == CTL_DONE && rows == 0)
		puts("Mail queue is empty");
	if (fflush(stdout) != 0 && r == CTL_DONE)
		return sendmail_fail(EX_IOERR, "standard output: %s",
		    strerror(errno));
	return status_of(r);
}

/*
 * By rohrpost itself: who sends mail need not load what its commands need.
 * Fork is followed by exec alone.
 */
static int
command(const char *dir, const char *a, const char *b, const char *c)
{
	static const char path[] = SBINDIR "/rohrpost";
	const char *words[] = { "rohrpost", "-c", dir, a, b, c, NULL };
	int status;
	pid_t pid;

	if ((pid = fork()) == 0) {
		execv(path, (char **)words);
		_exit(127);
	}
	if (pid == -1)
		return sendmail_fail(EX_OSERR, "fork: %s", strerror(errno));
	while (waitpid(pid, &status, 0) == -1) {
		if (errno != EINTR)
			return sendmail_fail(EX_OSERR, "wait: %s",
			    strerror(errno));
	}
	if (!WIFEXITED(status) || WEXITSTATUS(status) == 127)
		return sendmail_fail(EX_OSERR, "%s could not run", path);
	return status_of(WEXITSTATUS(status));
}

int
sendmail_operate(const struct sendmail_options *o, const char *dir,
    const char *state_dir)
{
	struct stat st;

	if (geteuid() != 0 && (stat(state_dir, &st) == -1 ||
	    st.st_uid != geteuid()))
		return sendmail_fail(EX_NOPERM, "the queue and the tables are "
		    "root's");
	switch (o->mode) {
	case SENDMAIL_QUEUE:
		return show_queue(dir, state_dir);
	case SENDMAIL_ALIASES:
		return command(dir, "apply", NULL, NULL);
	default:
		return command(dir, "queue", "retry",
		    o->id != NULL ? o->id : "all");
	}
}
