#include "config.h"

#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "ctl/ctl_worker.h"
#include "lib/base/fd.h"
#include "lib/server/settings.h"

enum {
	SAY_MS = 10 * 1000,
	END_MS = 3000, STEP_US = 10 * 1000,
	ABOVE = 16,		/* no descriptor that is moved lies below */
};

/* In the child. */
static void
become(const struct ctl_worker_start *s, int chan, int log)
{
	const char *name = peer_name(programs[s->row].kind);
	char path[SETTINGS_PATH_MAX];
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	snprintf(path, sizeof(path), "%s/%s", s->program_dir, name);
	/* What is typed at the terminal is for the command alone. */
	setpgid(0, 0);
	if (null == -1 || dup2(null, STDIN_FILENO) == -1 ||
	    dup2(null, STDOUT_FILENO) == -1 ||
	    dup2(log, STDERR_FILENO) == -1 ||
	    dup2(chan, SERVER_MASTER_FD) == -1 || chdir("/") == -1)
		_exit(1);
	execl(path, name, "-c", s->conf_dir, (char *)NULL);
	dprintf(STDERR_FILENO, "W %s: %s\n", path, strerror(errno));
	_exit(1);
}

/* Out of the way of the numbers that the program has. */
static int
lift(int *fd)
{
	int up = fcntl(*fd, F_DUPFD_CLOEXEC, ABOVE);

	fd_close(fd);
	*fd = up;
	return up == -1 ? -1 : 0;
}

/* What master says to a program that has a door and a session. */
static int
say(struct ctl_worker *w, const struct ctl_worker_start *s, int session)
{
	struct chan *c = &w->master;
	int r = 0;

	if (s->door != -1) {
		msg_begin(c, &proto_wire, WIRE_PEER, 0);
		msg_u32(c, WF_PEER, PEER_STORE);
		msg_u32(c, WF_INSTANCE, 1);
		msg_fd(c, s->door);
		r |= msg_end(c);
	}
	msg_begin(c, &proto_wire, WIRE_GO, 0);
	r |= msg_end(c);
	msg_begin(c, &proto_wire, WIRE_SESSION, 0);
	msg_u32(c, WF_SERVICE, SERVICE_CONTROL);
	msg_text(c, WF_USER, s->user);
	msg_text(c, WF_REMOTE, "local");
	msg_fd(c, session);
	r |= msg_end(c);
	return r == -1 ? -1 : chan_send(c, SAY_MS);
}

int
worker_start(struct ctl_worker *w, const struct ctl_worker_start *s)
{
	int chan[2] = { -1, -1 }, session[2] = { -1, -1 }, log[2] = { -1, -1 };
	int door = s->door, r = -1;

	memset(w, 0, sizeof(*w));
	w->log = -1;
	if (fd_pair(chan) == 0 && fd_pair(session) == 0 &&
	    pipe2(log, O_CLOEXEC | O_NONBLOCK) == 0 && lift(&chan[1]) == 0 &&
	    lift(&log[1]) == 0)
		w->pid = fork();
	else
		w->pid = -1;
	if (w->pid == 0)
		become(s, chan[1], log[1]);
	fd_close(&chan[1]);
	fd_close(&log[1]);
	chan_init(&w->master, chan[0]);
	chan_init(&w->session, session[0]);
	w->log = log[0];
	if (w->pid > 0) {
		r = say(w, s, session[1]);
	} else {
		w->pid = 0;
		fd_close(&session[1]);
		fd_close(&door);
	}
	if (r == -1)
		(void)worker_end(w);
	return r;
}

int
worker_end(struct ctl_worker *w)
{
	int status = 0, i;
	pid_t gone = 0;

	chan_clear(&w->session);
	/* At its end the program ends. */
	chan_clear(&w->master);
	for (i = 0; w->pid > 0 && i < END_MS * 1000 / STEP_US; i++) {
		gone = waitpid(w->pid, &status, WNOHANG);
		if (gone != 0)
			break;
		usleep(STEP_US);
	}
	if (w->pid > 0 && gone == 0) {
		kill(w->pid, SIGKILL);
		(void)waitpid(w->pid, &status, 0);
	}
	w->pid = 0;
	fd_close(&w->log);
	return status;
}
