/*
 * Master: starts every program, opens the ports, wires the pipes, restarts
 * what dies. It reads nothing from outside but frames of its own programs,
 * the operator's command and the configuration.
 *
 * One struct proc per child; who each is says lib/server/program.h. All state
 * is in struct master. No two modules need one another; from the lowest up:
 *   master.c          the state
 *   master_conf.c     the configuration
 *   master_slots.c    user ids of sessions
 *   master_notify.c   systemd is told
 *   master_setup.c    directories, lock, descriptors
 *   master_files.c    the configuration as it was taken
 *   master_exec.c     descriptors and arguments of a program
 *   master_proc.c     start one process, read what it says, bury it
 *   master_crowd.c    whose clients are counted by address
 *   master_listen.c   ports and sockets
 *   master_wiring.c   channels between neighbours
 *   master_logins.c   who is logged in
 *   master_session.c  a user logged in
 *   master_pool.c     how many of each row; back-off
 *   master_drop_file.c  one name of the drop directory
 *   master_drop.c     what sendmail has left is sent
 *   master_watch.c    a changed /etc/resolv.conf
 *   master_stop.c     the orderly end
 *   master_start.c    the stages of the start
 *   master_reload.c   check, then tell everybody
 *   master_control.c  run/master.ctl
 *   main.c            options, signals, the loop; who hears of what
 */
#ifndef MASTER_MASTER_H
#define MASTER_MASTER_H

#include <ev.h>
#include <sys/queue.h>
#include <sys/types.h>

#include "lib/link/link.h"
#include "lib/server/program.h"
#include "lib/server/wire.h"
#include "master/master_conf.h"
#include "master/master_files.h"
#include "master/master_slots.h"

enum { WHY_MAX = 2000 };

struct proc {
	TAILQ_ENTRY(proc) in_row;
	enum program_id row;
	pid_t	 pid;
	uint32_t instance;
	struct link link;	/* closed where it is lost */
	ev_child child;
	int	 log_fd;	/* read end of its log pipe */
	uint32_t uid;		/* of a session; 0: the row's user */
	char	 user[WIRE_USER_MAX + 1];
	double	 started;	/* ev_time */
	double	 since;		/* of the present state */
	int	 ready, busy, was_busy, lost;
	int	 stopping;	/* gets no more work */
	int	 told;		/* WIRE_STOP was said */
	double	 kicked;	/* ev_time: a session was to end; or 0 */
	int	 retired;	/* all of its user's were: it gets no other */
	uint32_t sessions;	/* as it said */
	/* What keeps it from its work, since when; "": nothing. */
	char	 trouble[WIRE_TROUBLE_MAX + 1];
	double	 troubled;	/* ev_time */
	char	 cause[WIRE_WORDS_MAX + 1], words[WIRE_WORDS_MAX + 1];
	unsigned place;		/* among the counted clients, from 1; or 0 */
	uint32_t sent, seen;	/* WIRE_SESSIONs sent; those it knew of then */
};
TAILQ_HEAD(proc_list, proc);

struct row_state {
	struct proc_list procs;
	unsigned n, idle;	/* idle: ready or starting, and not busy */
	unsigned needed;	/* POOL_DEMAND */
	unsigned restarts, quick;
	ev_timer retry;		/* active: back-off */
	double	 full_said, failed;	/* when last */
};

enum phase { PHASE_START, PHASE_RUN, PHASE_STOP };

/*
 * What the lower modules say to the upper ones, which need them: set by main.c,
 * so that no two files call one another.
 */
struct hooks {
	/* p runs; it has not been told anything. */
	void	(*started)(struct proc *p);
	/* A message that is not about p's own state: WIRE_START, WIRE_RETIRE,
	   WIRE_NEED. */
	void	(*said)(struct proc *p, const struct msg *m);
	/* p was reaped and is in no list; freed after this. Status of wait(2). */
	void	(*died)(struct proc *p, int status);
	/* A row's programs do not come up, and this is the start: it ends
	   with that status. */
	void	(*failed)(enum program_id row, int status);
	/* The stop begins: the ports are closed next. */
	void	(*stopping)(void);
};

struct master {
	const struct hooks *hooks;
	struct ev_loop *loop;
	struct master_conf conf;
	struct files files;	/* what conf was read from */
	char	 dir[SETTINGS_PATH_MAX];	/* configuration directory */
	int	 root;
	int	 debug;		/* -d: logger copies to descriptor 2 */
	int	 null_fd, stderr_fd, log_write_fd, log_read_fd, lock_fd;
	int	 parent_fd;	/* who waits for the start, or -1 */
	enum phase phase;
	int	 stage;		/* of start or stop */
	uint32_t last_instance;
	struct row_state rows[PROGRAM_COUNT];
	struct slots slots;
	int	 exit_status;
};

extern struct master master;

#endif
