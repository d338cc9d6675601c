/*
 * One process: its start, what it says, its end.
 */
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/fd.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "master/master.h"
#include "master/master_exec.h"
#include "master/master_proc.h"

static const double LOST_GRACE = 2;	/* s from end of channel to exit */

static posix_spawnattr_t *
spawn_attributes(void)
{
	static posix_spawnattr_t attr;
	static int made;
	sigset_t none, defaults;

	if (made)
		return &attr;
	made = 1;
	sigemptyset(&none);
	sigemptyset(&defaults);
	sigaddset(&defaults, SIGPIPE);
	if (posix_spawnattr_init(&attr) != 0)
		log_fatal("no memory");
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawnattr_setsigdefault(&attr, &defaults);
	/* A process group of its own: an interrupt typed at a terminal is
	   for master, which stops the others in order. */
	posix_spawnattr_setpgroup(&attr, 0);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK |
	    POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
	return &attr;
}

/*
 * The ids of a process that is not its row's user: a session's number is a user
 * and a group; of who is somebody else's the group is the row's, which has
 * nothing.
 */
static int
own_ids(const struct program *r, uint32_t uid, char *out, size_t size)
{
	const struct passwd *pw;

	if (r->user == NULL) {
		snprintf(out, size, "%u:%u", uid, uid);
		return 0;
	}
	if ((pw = getpwnam(r->user)) == NULL) {
		log_warn("%s: the system user %s is missing: run "
		    "systemd-sysusers with " SYSUSERS, r->name, r->user);
		return -1;
	}
	snprintf(out, size, "%u:%u", uid, (unsigned)pw->pw_gid);
	return 0;
}

static pid_t
spawn(const struct program *r, uint32_t uid, int chan_fd, int log_fd)
{
	struct exec e = { .row = r, .program_dir = master.conf.program_dir,
		.files = &master.files, .attr = spawn_attributes(),
		.out = master.null_fd, .err = log_fd, .chan = chan_fd };
	char path[SETTINGS_PATH_MAX], ids[32];
	pid_t pid;
	int n = 0;

	if (r->duty != SERVICE_NONE) {
		e.more[n++] = "-s";
		e.more[n++] = service_name(r->duty);
	}
	if (uid != 0) {
		if (own_ids(r, uid, ids, sizeof(ids)) == -1)
			return -1;
		e.more[n++] = "-U";
		e.more[n++] = ids;
	}
	if (r->kind == PEER_LOGGER && master.debug)
		e.out = master.stderr_fd;
	if ((pid = exec_start(&e, path)) == -1)
		log_warn("%s: %s", path, strerror(errno));
	return pid;
}

static void
lost(struct proc *p)
{
	link_clear(&p->link);
	p->lost = 1;
	p->since = ev_now(master.loop);
}

void
proc_kill(struct proc *p)
{
	log_warn("%s[%d] is ended by force", programs[p->row].name, (int)p->pid);
	kill(p->pid, SIGKILL);
	if (!p->lost)
		lost(p);
}

void
proc_flush(struct proc *p)
{
	link_flush(&p->link);
}

void
proc_end(struct proc *p)
{
	if (p->lost) {
		chan_clear(&p->link.chan);
	} else if (msg_end(&p->link.chan) == -1) {
		log_warn("%s[%d] does not read", programs[p->row].name,
		    (int)p->pid);
		proc_kill(p);
	}
}

void
proc_stop(struct proc *p)
{
	/* A worker that retires after a reload is stopping, but not told. */
	if (p->told || p->lost)
		return;
	p->told = p->stopping = 1;
	p->since = ev_now(master.loop);
	link_begin(&p->link, WIRE_STOP, 0);
	proc_end(p);
	proc_flush(p);
}

static void
on_ready(struct proc *p, const struct msg *m)
{
	p->ready = 1;
	p->since = ev_now(master.loop);
}

static void
on_state(struct proc *p, const struct msg *m)
{
	struct row_state *rs = &master.rows[p->row];
	int busy = msg_get_u32(m, WF_STATE) == WIRE_BUSY;

	p->sessions = msg_get_u32(m, WF_SESSIONS);
	p->seen = msg_get_u32(m, WF_SEEN);
	if (busy == p->busy)
		return;
	p->busy = busy;
	p->was_busy |= busy;
	p->since = ev_now(master.loop);
	if (busy)
		rs->idle--;
	else
		rs->idle++;
}

static void
get_text(const struct msg *m, uint8_t tag, char *to, size_t size)
{
	char *text = msg_get_dup(m, tag);

	str_copy(to, size, text);
	free(text);
}

static void
on_trouble(struct proc *p, const struct msg *m)
{
	char before[sizeof(p->trouble)];

	memcpy(before, p->trouble, sizeof(before));
	get_text(m, WF_TROUBLE, p->trouble, sizeof(p->trouble));
	get_text(m, WF_SERVER, p->cause, sizeof(p->cause));
	get_text(m, WF_WORDS, p->words, sizeof(p->words));
	if (strcmp(before, p->trouble) != 0)
		p->troubled = ev_time();
}

/* The table of proto_wire lets nothing through but from who may say it. */
static int
on_message(struct link *l, struct msg *m, struct buf *why)
{
	struct proc *p = l->owner;

	switch (m->type) {
	case WIRE_READY:
		on_ready(p, m);
		break;
	case WIRE_STATE:
		on_state(p, m);
		break;
	case WIRE_TROUBLE:
		on_trouble(p, m);
		break;
	default:
		master.hooks->said(p, m);
	}
	proc_flush(p);
	return 0;
}

static void
on_lost(struct link *l, enum link_end how, const char *why)
{
	struct proc *p = l->owner;

	if (why != NULL)
		log_warn("%s[%d]: %s", programs[p->row].name, (int)p->pid, why);
	if (how != LINK_ENDED)
		proc_kill(p);
	else
		lost(p);
}

static const struct link_kind wire_link = {
	.proto = &proto_wire,
	.message = on_message,
	.lost = on_lost,
};

static void
log_death(const struct proc *p, int status)
{
	const char *name = programs[p->row].name;

	if (WIFSIGNALED(status) && p->stopping && p->kicked != 0)
		log_debug("%s[%d] ended with its session", name, (int)p->pid);
	else if (WIFSIGNALED(status))
		log_warn("%s[%d] died by signal %d (%s)", name, (int)p->pid,
		    WTERMSIG(status), strsignal(WTERMSIG(status)));
	else if (WEXITSTATUS(status) != 0 &&
	    programs[p->row].pool != POOL_FILE && master.phase != PHASE_START &&
	    master.exit_status == 0)
		log_warn("%s[%d] ended with status %d", name, (int)p->pid,
		    WEXITSTATUS(status));
	else
		log_debug("%s[%d] ended", name, (int)p->pid);
}

static void
on_death(struct ev_loop *loop, ev_child *w, int events)
{
	struct proc *p = w->data;
	struct row_state *rs = &master.rows[p->row];

	ev_child_stop(loop, w);
	log_death(p, w->rstatus);
	if (!p->lost)
		lost(p);
	TAILQ_REMOVE(&rs->procs, p, in_row);
	rs->n--;
	if (!p->busy)
		rs->idle--;
	if (programs[p->row].session_uid && p->uid != 0)
		slots_give(&master.slots, p->uid);
	master.hooks->died(p, w->rstatus);
	fd_close(&p->log_fd);
	free(p);
}

/* Puts a process that runs into the tables. */
static void
adopt(struct proc *p, int chan_fd)
{
	struct row_state *rs = &master.rows[p->row];

	p->instance = ++master.last_instance;
	p->started = p->since = ev_time();
	fd_nonblock(chan_fd, 1);
	link_init(&p->link, master.loop, &wire_link, p);
	link_open(&p->link, programs[p->row].kind, p->instance, chan_fd);
	ev_child_init(&p->child, on_death, p->pid, 0);
	p->child.data = p;
	ev_child_start(master.loop, &p->child);
	TAILQ_INSERT_TAIL(&rs->procs, p, in_row);
	rs->n++;
	rs->idle++;
}

static struct proc *
start(enum program_id row, const char *user, uint32_t uid)
{
	int chan_fd[2] = { -1, -1 }, log_fd[2] = { -1, -1 };
	const struct program *r = &programs[row];
	struct proc *p = mem_zalloc(1, sizeof(*p));

	p->row = row;
	p->pid = -1;
	p->uid = uid;
	str_copy(p->user, sizeof(p->user), user);
	if (fd_pair(chan_fd) == -1 ||
	    pipe2(log_fd, O_CLOEXEC | O_NONBLOCK) == -1)
		log_warn("%s: %s", r->name, strerror(errno));
	else
		p->pid = spawn(r, p->uid, chan_fd[1], log_fd[1]);
	fd_close(&chan_fd[1]);
	fd_close(&log_fd[1]);
	if (p->pid == -1) {
		fd_close(&chan_fd[0]);
		fd_close(&log_fd[0]);
		free(p);
		return NULL;
	}
	p->log_fd = log_fd[0];
	adopt(p, chan_fd[0]);
	master.hooks->started(p);
	return p;
}

struct proc *
proc_spawn(enum program_id row, const char *user)
{
	struct proc *p;
	uint32_t uid = 0;

	if (programs[row].session_uid && master.root &&
	    (uid = slots_take(&master.slots)) == 0) {
		log_warn("%s: every session uid is lent", programs[row].name);
		return NULL;
	}
	p = start(row, user, uid);
	if (p == NULL && uid != 0)
		slots_give(&master.slots, uid);
	return p;
}

struct proc *
proc_spawn_as(enum program_id row, const char *file, uint32_t uid)
{
	return start(row, file, master.root ? uid : 0);
}

void
proc_tick(double now)
{
	struct proc *p;
	unsigned i;

	for (i = 0; i < PROGRAM_COUNT; i++)
		TAILQ_FOREACH(p, &master.rows[i].procs, in_row)
			if (p->lost && now - p->since > LOST_GRACE)
				kill(p->pid, SIGKILL);
}
