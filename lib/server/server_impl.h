/*
 * What the two skeletons share; no program includes this.
 */
#ifndef LIB_SERVER_SERVER_IMPL_H
#define LIB_SERVER_SERVER_IMPL_H

#include "lib/server/program.h"
#include "lib/server/server.h"

enum { SERVER_FILES = 2 };

struct server_state {
	const struct server *s;
	const struct program *row;
	struct chan master;
	char	 conf_dir[SETTINGS_PATH_MAX];
	enum service service;
	long	 uid, gid;		/* -U; -1 */
	int	 dropped, chrooted;
	int	 loop;			/* loop shape? */
	int	 conf_fd;		/* -F, until after_jail; or -1 */
	int	 files[SERVER_FILES];	/* till then, and during reload() */
	uint32_t seen;			/* WIRE_SESSIONs so far */
};

extern struct server_state server_state;

/*
 * Options to after_jail. Returns where the process is to run; ends it where
 * only -n, -K or -V was asked or something is wrong.
 */
void	server_begin(int argc, char **argv, const struct server *s, int loop);
/*
 * The next message of master out of what was read: 1, or 0. A frame of master
 * that breaks the rules ends the process.
 */
int	server_next(struct msg *m);
/* chan_read on master's channel; its end ends the process. */
void	server_read(void);
/* Queues WIRE_READY or WIRE_STATE. */
void	server_say_ready(void);
void	server_say_state(enum wire_state st, uint32_t sessions);
/* WIRE_RELOAD: reads the configuration again, calls reload(). 0, or -1. */
int	server_reload(struct msg *m);
/* The parts of WIRE_PEER and WIRE_SESSION; the descriptor changes hands. */
void	server_get_wire(struct msg *m, struct wire *w_r);
void	server_get_session(struct msg *m, struct session *s_r);

#endif
