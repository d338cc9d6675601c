/*
 * start, stop, reload.
 */
#include "config.h"

#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <unistd.h>

#include "ctl/cmd_config.h"
#include "ctl/commands.h"
#include "ctl/ctl_control.h"
#include "ctl/ctl_keys.h"
#include "ctl/ctl_renew.h"
#include "ctl/ctl_reply.h"
#include "ctl/ctl_unit.h"
#include "ctl/ctl_util.h"
#include "lib/base/fd.h"
#include "lib/base/log.h"
#include "lib/base/str.h"
#include "lib/base/words.h"

enum {
	READY_MS = 60 * 1000,
	STOP_MS = 120 * 1000,
	ANSWER_MS = 60 * 1000,
	ERRORS_MAX = 4000,
};

/* The process of master, -1 if it does not run. */
static pid_t
master_pid(struct ctl *c)
{
	struct ucred cred;
	socklen_t len = sizeof(cred);
	int fd = control_connect(c->state_dir, PEER_MASTER);
	int r;

	if (fd == -1)
		return -1;
	r = getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len);
	close(fd);
	return r == -1 ? -1 : cred.pid;
}

/*
 * What is wrong with the configuration, in the operator's words: master has
 * said it in English, as it stands in the log. 0: nothing is.
 */
static int
say_faults(const struct ctl *c)
{
	struct buf words = BUF_INIT(ERRORS_MAX);
	int r = keys_check(c->dir, &words);

	if (r == -1)
		ctl_say(0, &words);
	buf_clear(&words);
	return r;
}

static void
say_line(const char *line, size_t len)
{
	struct buf said = BUF_INIT(ERRORS_MAX), words = BUF_INIT(0);

	buf_append(&said, line, len);
	reply_words(buf_str(&said), &words);
	ctl_fail(0, "%s", buf_str(&words));
	buf_clear(&said);
	buf_clear(&words);
}

/* Tells what master said before it ended, each line as ours. */
static int
tell_errors(const struct ctl *c, int errors, int status)
{
	struct buf text = BUF_INIT(ERRORS_MAX);
	const char *p, *line;
	size_t len;

	if (status == LOG_EXIT_USAGE && say_faults(c) == -1)
		return CTL_REFUSED;
	if (fd_slurp(errors, &text) == -1 && text.len == 0)
		buf_set(&text, _("master ended"));
	if (text.len == 0)
		buf_set(&text, _("master ended with status %d"), status);
	p = buf_str(&text);
	while ((line = str_line(&p, &len)) != NULL) {
		if (strncmp(line, "master: ", 8) == 0) {
			line += 8;
			len -= 8;
		}
		say_line(line, len);
	}
	buf_clear(&text);
	return status == LOG_EXIT_TEMP ? CTL_LATER : CTL_REFUSED;
}

/* Waits for pid up to ms. Its exit status, -1 where it did not exit. */
static int
wait_exit(pid_t pid, int ms)
{
	struct pollfd p = { .fd = pidfd_open(pid, 0), .events = POLLIN };
	int status, r;

	r = poll(&p, 1, ms);
	if (p.fd != -1)
		close(p.fd);
	if (r != 1 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		return -1;
	return WEXITSTATUS(status);
}

/*
 * Master goes into the background by itself; the process that we started ends
 * when every program is ready, or when the start failed. What it says is
 * caught in memory, not in a pipe that the background part would hold open.
 */
static int
start_background(struct ctl *c)
{
	const char *argv[] = { "master", "-c", c->dir, NULL };
	posix_spawn_file_actions_t fa;
	int errors, e, status, r = CTL_DONE;
	pid_t pid;

	errors = memfd_create("rohrpost-start", MFD_CLOEXEC);
	if (errors == -1)
		return ctl_fail(CTL_LATER, "start: %s", strerror(errno));
	posix_spawn_file_actions_init(&fa);
	posix_spawn_file_actions_addopen(&fa, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&fa, errors, 1);
	posix_spawn_file_actions_adddup2(&fa, errors, 2);
	e = posix_spawn(&pid, LIBEXECDIR "/master", &fa, NULL,
	    (char *const *)(uintptr_t)argv, environ);
	posix_spawn_file_actions_destroy(&fa);
	if (e != 0) {
		r = ctl_fail(CTL_LATER, "%s/master: %s", LIBEXECDIR,
		    strerror(e));
	} else {
		status = wait_exit(pid, READY_MS);
		if (status > 0)
			r = tell_errors(c, errors, status);
		else if (status == -1)
			r = ctl_fail(CTL_LATER, _("not ready after %d s (see "
			    "%s/log/rohrpost.log)"), READY_MS / 1000,
			    c->state_dir);
	}
	close(errors);
	return r;
}

static int
by_unit(const char *verb)
{
	struct buf why = BUF_INIT(0);
	int r = unit_call(verb, &why) == 0 ? CTL_DONE :
	    ctl_say(CTL_REFUSED, &why);

	buf_clear(&why);
	return r;
}

/* Is that one asked to do without the unit? */
static int
is_direct(const struct ctl *c)
{
	return c->opt[OPT_SERVICE_DIRECT] != NULL;
}

int
cmd_start(struct ctl *c)
{
	int foreground = c->opt[OPT_SERVICE_FOREGROUND] != NULL;
	pid_t pid;

	if (ctl_load(c) == -1)
		return CTL_REFUSED;
	pid = master_pid(c);
	if (pid != -1)
		return ctl_fail(CTL_REFUSED, _("it is running already "
		    "(process %ld)"), (long)pid);
	if (config_known(c) == -1)
		return CTL_REFUSED;
	renew(c);
	config_warn(c);
	/* What systemctl would only point to is said here. */
	if (!foreground && unit_state(c, is_direct(c)) != UNIT_NONE)
		return say_faults(c) == -1 ? CTL_REFUSED : by_unit("start");
	if (!foreground)
		return start_background(c);
	signal(SIGPIPE, SIG_DFL);
	execl(LIBEXECDIR "/master", "master", "-c", c->dir, "-f",
	    (char *)NULL);
	return ctl_fail(CTL_LATER, "%s/master: %s", LIBEXECDIR,
	    strerror(errno));
}

static int
wait_end(int pidfd)
{
	struct pollfd p = { .fd = pidfd, .events = POLLIN };

	return poll(&p, 1, STOP_MS) == 1 ? CTL_DONE :
	    ctl_fail(CTL_LATER, _("still running after %d s"), STOP_MS / 1000);
}

int
cmd_stop(struct ctl *c)
{
	struct ctl_control q = { .who = PEER_MASTER, .type = C_STOP,
		.timeout_ms = STOP_MS, .quiet = 1 };
	int pidfd, r;
	pid_t pid;

	if (ctl_load(c) == -1)
		return CTL_REFUSED;
	pid = master_pid(c);
	pidfd = pid == -1 ? -1 : pidfd_open(pid, 0);
	if (pidfd == -1)
		return ctl_fail(CTL_REFUSED, _("it is not running"));
	/* One that was started without the unit systemd knows nothing of. */
	if (unit_state(c, is_direct(c)) == UNIT_ACTIVE)
		r = by_unit("stop");
	else
		r = control_call(c, &q);
	if (r == CTL_DONE)
		r = wait_end(pidfd);
	close(pidfd);
	return r;
}

int
cmd_reload(struct ctl *c)
{
	struct buf refused = BUF_INIT(ERRORS_MAX);
	struct ctl_control q = { .who = PEER_MASTER, .type = C_RELOAD,
		.timeout_ms = ANSWER_MS, .refused = &refused };
	int r;

	if (ctl_load(c) == -1)
		return CTL_REFUSED;
	/* No program alone can tell that a key is nobody's. */
	if (master_pid(c) != -1 && config_known(c) == -1)
		return CTL_REFUSED;
	config_warn(c);
	if (unit_state(c, is_direct(c)) == UNIT_ACTIVE)
		return say_faults(c) == -1 ? CTL_REFUSED : by_unit("reload");
	r = control_call(c, &q);
	if (r == CTL_REFUSED && refused.len > 0 && say_faults(c) == 0)
		ctl_say(0, &refused);
	buf_clear(&refused);
	return r;
}
