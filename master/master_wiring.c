/*
 * A new process gets a fresh socket pair with each neighbour that lives, and
 * so does the neighbour; nobody is told apart whether that is the first start
 * or the tenth.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/fd.h"
#include "lib/base/log.h"
#include "master/master.h"
#include "master/master_crowd.h"
#include "master/master_listen.h"
#include "master/master_proc.h"
#include "master/master_wiring.h"

/* Queues WIRE_PEER for p: fd leads to a peer of that kind. Takes fd over. */
static void
say_peer(struct proc *p, enum peer kind, uint32_t instance, const char *user,
    int fd)
{
	if (p->lost) {
		fd_close(&fd);
		return;
	}
	link_begin(&p->link, WIRE_PEER, 0);
	msg_u32(&p->link.chan, WF_PEER, kind);
	msg_u32(&p->link.chan, WF_INSTANCE, instance);
	if (user[0] != '\0')
		msg_text(&p->link.chan, WF_USER, user);
	msg_fd(&p->link.chan, fd);
	proc_end(p);
}

/*
 * signer signs for a session's account: before its login a worker of submission
 * has no wire there, and then one that says whose it is (wiring_login).
 */
static int
wants_wire(const struct proc *p, const struct proc *q)
{
	return p->row != PROGRAM_SUBMISSION || q->row != PROGRAM_SIGNER ||
	    p->user[0] != '\0';
}

static void
wire(struct proc *p, struct proc *q)
{
	int fd[2];

	if (q->lost || p->lost || !wants_wire(p, q) || !wants_wire(q, p))
		return;
	if (fd_pair(fd) == -1) {
		/* Without its wires it is of no use: begin anew. */
		log_warn("%s: %s", programs[p->row].name, strerror(errno));
		proc_kill(p);
		return;
	}
	say_peer(p, programs[q->row].kind, q->instance, q->user, fd[0]);
	say_peer(q, programs[p->row].kind, p->instance, p->user, fd[1]);
	proc_flush(q);
}

/* A log pipe: its instance is the pid, which is what stands in the log. */
static void
say_log(struct proc *logger, enum peer kind, pid_t pid, int log_fd)
{
	int fd = fcntl(log_fd, F_DUPFD_CLOEXEC, 0);

	if (fd == -1)
		log_warn("log pipe of %s: %s", peer_name(kind),
		    strerror(errno));
	else
		say_peer(logger, kind, (uint32_t)pid, "", fd);
}

/* Gives logger (a new one) every log pipe. */
static void
wiring_logs(struct proc *logger)
{
	struct proc *p;
	unsigned i;

	say_log(logger, PEER_MASTER, getpid(), master.log_read_fd);
	for (i = 0; i < PROGRAM_COUNT; i++)
		TAILQ_FOREACH(p, &master.rows[i].procs, in_row)
			say_log(logger, programs[i].kind, p->pid, p->log_fd);
}

void
wiring_start(struct proc *p)
{
	const struct program *r = &programs[p->row];
	uint32_t wires = program_wires(p->row);
	struct proc *q;
	unsigned i;

	if (p->row == PROGRAM_LOGGER)
		wiring_logs(p);
	else if ((q = TAILQ_FIRST(&master.rows[PROGRAM_LOGGER].procs)) != NULL) {
		say_log(q, r->kind, p->pid, p->log_fd);
		proc_flush(q);
	}
	for (i = 0; i < PROGRAM_COUNT; i++)
		if (wires & PROGRAM_BIT(i))
			TAILQ_FOREACH(q, &master.rows[i].procs, in_row)
				wire(p, q);
	crowd_give(p);
	if (!p->lost)
		listen_give(p);
	if (p->lost)
		return;
	link_begin(&p->link, WIRE_GO, 0);
	proc_end(p);
	proc_flush(p);
}

void
wiring_gone(const struct proc *p)
{
	const struct program *r = &programs[p->row];
	uint32_t wires = program_wires(p->row);
	struct proc *q;
	unsigned i;

	for (i = 0; i < PROGRAM_COUNT; i++) {
		if (!(wires & PROGRAM_BIT(i)) || !programs[i].loop)
			continue;
		TAILQ_FOREACH(q, &master.rows[i].procs, in_row) {
			if (q->lost)
				continue;
			link_begin(&q->link, WIRE_PEER_GONE, 0);
			msg_u32(&q->link.chan, WF_PEER, r->kind);
			msg_u32(&q->link.chan, WF_INSTANCE, p->instance);
			proc_end(q);
			proc_flush(q);
		}
	}
}

void
wiring_login(struct proc *p)
{
	struct proc *q;

	TAILQ_FOREACH(q, &master.rows[PROGRAM_SIGNER].procs, in_row)
		wire(p, q);
	proc_flush(p);
}
