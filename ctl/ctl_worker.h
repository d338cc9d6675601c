/*
 * A program of the suite that the command starts and wires by itself, for a
 * piece of work that parses what comes from outside: it goes through the exec,
 * the drop, the jail and the filter of its row (lib/base/programs.def) as one
 * that master started, for the command says to it what master says. It has a
 * door of one account and a session, whose other end is the command's.
 *
 * It ends with the command, however that ends.
 *
 * DIAGNOSTICS: what it logs comes out of log, a line each (lib/base/log.h).
 */
#ifndef CTL_CTL_WORKER_H
#define CTL_CTL_WORKER_H

#include <sys/types.h>

#include "lib/base/attr.h"
#include "lib/base/chan.h"
#include "lib/server/program.h"

struct ctl_worker {
	pid_t	 pid;		/* 0: none */
	struct chan master;	/* we are master */
	struct chan session;	/* the command's end */
	int	 log;		/* non-blocking; -1: none */
};

struct ctl_worker_start {
	enum program_id row;
	const char *program_dir, *conf_dir;
	const char *user;	/* whose door it is */
	int	 door;		/* taken over; -1: none */
};

/* 0, or -1 with errno. */
int	worker_start(struct ctl_worker *w, const struct ctl_worker_start *s)
	    ATTR_CHECK;
/* Ends it, by force where it does not, and waits: its status of wait(2). */
int	worker_end(struct ctl_worker *w);

#endif
