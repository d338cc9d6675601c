/*
 * start, stop, reload, status.
 */
#include "config.h"

#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "ctl/ctl.h"
#include "ctl/ctl_control.h"
#include "lib/base/clock.h"
#include "lib/base/fd.h"

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

/* The socket on which master says READY=1 (sd_notify(3)). */
static int
notify_socket(struct ctl *c, char *path, size_t size)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	int fd;

	snprintf(path, size, "%s/run/start.%ld", c->state_dir,
	    (long)getpid());
	if (strlen(path) >= sizeof(un.sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	strcpy(un.sun_path, path);
	unlink(path);
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd != -1 && bind(fd, (struct sockaddr *)&un, sizeof(un)) == -1)
		fd_close(&fd);
	return fd;
}

static void
exec_master(struct ctl *c, int foreground)
{
	char *argv[] = { (char[]){ "master" }, (char[]){ "-c" },
		(char *)(uintptr_t)c->dir, NULL };

	(void)foreground;
	execv(LIBEXECDIR "/master", argv);
}

/* The child: a session of its own, nothing of ours open but its errors. */
static void
run_master(struct ctl *c, const char *notify, int errors)
{
	int null = open("/dev/null", O_RDWR);

	setsid();
	setenv("NOTIFY_SOCKET", notify, 1);
	signal(SIGPIPE, SIG_DFL);
	if (null == -1 || dup2(null, 0) == -1 || dup2(null, 1) == -1 ||
	    dup2(errors, 2) == -1 || chdir("/") == -1)
		_exit(111);
	if (null > 2)
		close(null);
	exec_master(c, 0);
	dprintf(2, "%s/master: %s\n", LIBEXECDIR, strerror(errno));
	_exit(111);
}

/* Tells what master said before it ended, each line as ours. */
static int
tell_errors(int errors, int status)
{
	struct buf text = BUF_INIT(ERRORS_MAX);
	int temporary = WIFEXITED(status) && WEXITSTATUS(status) == 111;

	if (fd_slurp(errors, &text) == -1 && text.len == 0)
		buf_set(&text, "master ended");
	if (text.len == 0)
		buf_set(&text, "master ended with status %d",
		    WIFEXITED(status) ? WEXITSTATUS(status) : -1);
	ctl_say(0, &text);
	buf_clear(&text);
	return temporary ? CTL_LATER : CTL_REFUSED;
}

static int
is_ready(int fd)
{
	char text[512];
	ssize_t n = recv(fd, text, sizeof(text) - 1, MSG_DONTWAIT);

	if (n <= 0)
		return 0;
	text[n] = '\0';
	return strncmp(text, "READY=1", 7) == 0 ||
	    strstr(text, "\nREADY=1") != NULL;
}

static int
wait_ready(pid_t pid, int notify, int errors)
{
	struct pollfd p[2] = {
		{ .fd = notify, .events = POLLIN },
		{ .fd = pidfd_open(pid, 0), .events = POLLIN },
	};
	int64_t end = clock_mono_ms() + READY_MS, left;
	int status = 0, r = -1;

	while (r == -1 && (left = end - clock_mono_ms()) > 0) {
		if (poll(p, 2, (int)left) == -1 && errno != EINTR)
			break;
		if ((p[0].revents & POLLIN) && is_ready(notify))
			r = CTL_DONE;
		else if (waitpid(pid, &status, WNOHANG) == pid)
			r = tell_errors(errors, status);
	}
	if (r == -1) {
		r = ctl_fail(CTL_LATER, "not ready after %d s; stopped again",
		    READY_MS / 1000);
		kill(pid, SIGTERM);
	}
	if (p[1].fd != -1)
		close(p[1].fd);
	return r;
}

static int
start_background(struct ctl *c)
{
	char path[1024];
	int notify, errors, r;
	pid_t pid;

	notify = notify_socket(c, path, sizeof(path));
	if (notify == -1)
		return ctl_fail(CTL_REFUSED, "%s: %s", path, strerror(errno));
	/* What master writes before its log is up; gone with the last user. */
	errors = memfd_create("rohrpost-start", MFD_CLOEXEC);
	pid = errors == -1 ? -1 : fork();
	if (pid == 0)
		run_master(c, path, errors);
	if (pid == -1)
		r = ctl_fail(CTL_LATER, "start: %s", strerror(errno));
	else
		r = wait_ready(pid, notify, errors);
	unlink(path);
	fd_close(&notify);
	fd_close(&errors);
	return r;
}

int
cmd_start(struct ctl *c)
{
	pid_t pid;

	if (ctl_load(c) == -1)
		return CTL_REFUSED;
	pid = master_pid(c);
	if (pid != -1)
		return ctl_fail(CTL_REFUSED, "it is running already "
		    "(process %ld)", (long)pid);
	if (c->opt[0] == NULL)
		return start_background(c);
	signal(SIGPIPE, SIG_DFL);
	exec_master(c, 1);
	return ctl_fail(CTL_LATER, "%s/master: %s", LIBEXECDIR,
	    strerror(errno));
}

static int
wait_end(int pidfd)
{
	struct pollfd p = { .fd = pidfd, .events = POLLIN };

	return poll(&p, 1, STOP_MS) == 1 ? CTL_DONE :
	    ctl_fail(CTL_LATER, "still running after %d s", STOP_MS / 1000);
}

int
cmd_stop(struct ctl *c)
{
	struct control q = { .who = PEER_MASTER, .type = C_STOP,
		.timeout_ms = STOP_MS, .quiet = 1 };
	int pidfd, r;
	pid_t pid;

	if (ctl_load(c) == -1)
		return CTL_REFUSED;
	pid = master_pid(c);
	pidfd = pid == -1 ? -1 : pidfd_open(pid, 0);
	if (pidfd == -1)
		return ctl_fail(CTL_REFUSED, "it is not running");
	r = control_call(c, &q);
	if (r == CTL_DONE)
		r = wait_end(pidfd);
	close(pidfd);
	return r;
}

int
cmd_reload(struct ctl *c)
{
	struct control q = { .who = PEER_MASTER, .type = C_RELOAD,
		.timeout_ms = ANSWER_MS };

	if (ctl_load(c) == -1)
		return CTL_REFUSED;
	return control_call(c, &q);
}

int
cmd_status(struct ctl *c)
{
	struct out o;
	struct control q = { .who = PEER_MASTER, .type = C_STATUS,
		.timeout_ms = ANSWER_MS, .out = &o, .quiet = 1 };
	int r;

	if (ctl_load(c) == -1)
		return CTL_REFUSED;
	out_init(&o, stdout, c->json);
	r = control_call(c, &q);
	if (out_end(&o) == -1 && r == CTL_DONE)
		r = CTL_REFUSED;
	/* That it does not run is the answer, not an obstacle. */
	return r == CTL_LATER ? CTL_REFUSED : r;
}
