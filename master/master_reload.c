/*
 * A configuration is taken only when every program agrees: each is run once
 * with -n (read it, try the certificates, open nothing else) and says what is
 * wrong. At the start this is waited for; at a reload the loop goes on.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/fd.h"
#include "lib/base/log.h"
#include "lib/mail/proto.h"
#include "master/master.h"
#include "master/master_exec.h"
#include "master/master_files.h"
#include "master/master_listen.h"
#include "master/master_notify.h"
#include "master/master_proc.h"
#include "master/master_reload.h"

enum { OUTPUT_MAX = 65536 };
static const double CHECK_TIME = 20;	/* seconds for all of them */

static struct reload_check {
	pid_t	 pid;
	ev_child child;
} checks[PEER_COUNT];
static unsigned running;	/* checks that have not ended */
static int bad;			/* of those that have */
static int output = -1;		/* read end of what they say */
static struct master_conf next;
static struct files next_files;
static reload_done *done;
static void *done_arg;
static ev_timer too_long;

static pid_t
run_check(const struct program *r, const struct files *f, int out)
{
	const struct exec e = { .row = r, .program_dir = next.program_dir,
		.files = f, .out = out, .err = out, .chan = -1,
		.more = { "-n" } };
	char path[SETTINGS_PATH_MAX];
	pid_t pid = exec_start(&e, path);

	if (pid == -1)
		dprintf(out, "%s: %s: %s\n", peer_name(r->kind), path,
		    strerror(errno));
	return pid;
}

/* Starts one check for each program of the table. -1: no descriptors. */
static int
run_checks(const struct files *f)
{
	unsigned i;
	int fd[2];

	if (pipe2(fd, O_CLOEXEC | O_NONBLOCK) == -1)
		return -1;
	output = fd[0];
	running = 0;
	bad = 0;
	memset(checks, 0, sizeof(checks));
	for (i = 0; i < PROGRAM_COUNT; i++) {
		struct reload_check *c = &checks[programs[i].kind];

		if (programs[i].pool == POOL_RESERVED || c->pid != 0)
			continue;
		c->pid = run_check(&programs[i], f, fd[1]);
		if (c->pid == -1)
			bad = 1;
		else
			running++;
	}
	fd_close(&fd[1]);
	return 0;
}

static int
stands_in(const struct buf *b, const char *line, size_t len)
{
	const char *p = b->data, *nl;

	for (; p != NULL && *p != '\0'; p = nl + 1) {
		if ((nl = strchr(p, '\n')) == NULL)
			break;
		if ((size_t)(nl - p) == len && memcmp(p, line, len) == 0)
			return 1;
	}
	return 0;
}

/*
 * What they said, each fault once: a shared key is wrong for all its readers,
 * so the program's name in front is dropped.
 */
static void
collect(struct buf *why)
{
	struct buf all = BUF_INIT(OUTPUT_MAX), lines = BUF_INIT(OUTPUT_MAX);
	const char *p, *nl, *colon;
	char chunk[4096];
	ssize_t n;

	while ((n = read(output, chunk, sizeof(chunk))) > 0)
		if (buf_append(&all, chunk, (size_t)n) == -1)
			break;
	fd_close(&output);
	for (p = buf_str(&all); (nl = strchr(p, '\n')) != NULL; p = nl + 1) {
		colon = strstr(p, ": ");
		if (colon != NULL && colon < nl)
			p = colon + 2;
		if (stands_in(&lines, p, (size_t)(nl - p)))
			continue;
		buf_append(&lines, p, (size_t)(nl - p));
		buf_putc(&lines, '\n');
	}
	if (lines.len == 0)
		buf_puts(&lines, "a program's check failed without a word\n");
	buf_truncate(&lines, lines.len - 1);
	buf_set(why, "%s", buf_str(&lines));
	buf_clear(&all);
	buf_clear(&lines);
}

int
reload_check_now(struct buf *why)
{
	unsigned i;
	int status;

	next = master.conf;
	if (run_checks(&master.files) == -1) {
		buf_set(why, "check: %s", strerror(errno));
		return -1;
	}
	for (i = 0; i < PEER_COUNT; i++) {
		if (checks[i].pid <= 0)
			continue;
		while (waitpid(checks[i].pid, &status, 0) == -1)
			if (errno != EINTR)
				log_panic("waitpid: %s", strerror(errno));
		if (status != 0)
			bad = 1;
	}
	running = 0;
	if (bad)
		collect(why);
	fd_close(&output);
	return bad ? -1 : 0;
}

static void
finish(int status, const char *words)
{
	reload_done *d = done;

	ev_timer_stop(master.loop, &too_long);
	done = NULL;
	if (status != C_OK)
		files_drop(&next_files);
	if (status == C_OK)
		log_info("configuration read again");
	else
		log_warn("%s: the old configuration stays", words);
	if (master.phase == PHASE_RUN)
		notify("READY=1");
	d(done_arg, status, words);
}

static void
attach(struct proc *p, int file)
{
	int fd = fcntl(file, F_DUPFD_CLOEXEC, SERVER_FD_LAST + 1);

	if (fd == -1)
		log_fatal("descriptors: %s", strerror(errno));
	msg_fd(&p->link.chan, fd);
}

/* For one process, which cannot name the files itself. */
static void
attach_files(struct proc *p)
{
	attach(p, master.files.conf);
	if (!programs[p->row].tls || master.files.key == -1)
		return;
	attach(p, master.files.cert);
	attach(p, master.files.key);
}

static void
tell_all(void)
{
	struct proc *p;
	unsigned i;

	for (i = 0; i < PROGRAM_COUNT; i++)
		TAILQ_FOREACH(p, &master.rows[i].procs, in_row) {
			if (p->lost || p->stopping)
				continue;
			link_begin(&p->link, WIRE_RELOAD, 0);
			if (programs[i].loop)
				attach_files(p);
			proc_end(p);
			/* A worker retires: no death. */
			if (!programs[i].loop)
				p->stopping = 1;
			proc_flush(p);
		}
}

/* What is bound into what runs stays until the next start. */
static void
keep_fixed(void)
{
	const struct master_conf *c = &master.conf;

	if (next.session_uid_first != c->session_uid_first ||
	    next.session_uid_last != c->session_uid_last)
		log_warn("the session uids change at the next start only");
	next.session_uid_first = c->session_uid_first;
	next.session_uid_last = c->session_uid_last;
}

static void
apply(void)
{
	struct buf why = BUF_INIT(WHY_MAX);

	if (bad) {
		collect(&why);
		why.data[strcspn(why.data, "\n")] = '\0';
		finish(C_REFUSED, why.data);
		buf_clear(&why);
		return;
	}
	fd_close(&output);
	keep_fixed();
	if (master.phase != PHASE_RUN)
		finish(C_REFUSED, "master is stopping");
	else if (strcmp(next.state_dir, master.conf.state_dir) != 0)
		finish(C_REFUSED, "state_dir: changes by stop and start only");
	else if (listen_update(&next, 1, &why) == -1)
		finish(C_REFUSED, buf_str(&why));
	else {
		master.conf = next;
		files_drop(&master.files);
		master.files = next_files;
		next_files = (struct files){ -1, -1, -1 };
		log_verbose(master.conf.verbose);
		tell_all();
		finish(C_OK, "");
	}
	buf_clear(&why);
}

static void
on_checked(struct ev_loop *loop, ev_child *w, int events)
{
	struct reload_check *c = w->data;

	ev_child_stop(loop, w);
	c->pid = 0;
	if (w->rstatus != 0)
		bad = 1;
	if (--running == 0)
		apply();
}

static void
on_too_long(struct ev_loop *loop, ev_timer *w, int events)
{
	unsigned i;

	for (i = 0; i < PEER_COUNT; i++)
		if (checks[i].pid > 0)
			kill(checks[i].pid, SIGKILL);
}

void
reload_begin(reload_done *d, void *arg)
{
	struct buf why = BUF_INIT(WHY_MAX);
	unsigned i;

	if (done != NULL || master.phase != PHASE_RUN) {
		d(arg, C_BUSY, "master is at it, or starts, or stops");
		return;
	}
	done = d;
	done_arg = arg;
	notify("RELOADING=1");
	ev_timer_init(&too_long, on_too_long, CHECK_TIME, 0);
	if (files_take(master.dir, &next_files, &next, &why) == -1)
		finish(C_REFUSED, buf_str(&why));
	else if (run_checks(&next_files) == -1)
		finish(C_REFUSED, strerror(errno));
	else if (running == 0)
		apply();
	else
		ev_timer_start(master.loop, &too_long);
	for (i = 0; i < PEER_COUNT; i++)
		if (running > 0 && checks[i].pid > 0) {
			ev_child_init(&checks[i].child, on_checked,
			    checks[i].pid, 0);
			checks[i].child.data = &checks[i];
			ev_child_start(master.loop, &checks[i].child);
		}
	buf_clear(&why);
}
