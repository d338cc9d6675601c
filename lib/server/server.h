/*
 * The two shapes of process. A program is an archive and a main.c that fills
 * in one struct server and calls server_loop_main or server_work_main.
 *
 * The skeleton owns: options, configuration, log, the channel to master, the
 * order before_jail -> privilege drop -> after_jail, reload and stop, and (in
 * the work shape) accept, idle waiting and retirement. Life of a process:
 *
 *   1. options (-c DIR, -n check the configuration and exit, -K print the
 *      keys and exit, -U UID:GID a session id, -s SERVICE which of several
 *      duties, -F N the files of the configuration come as N descriptors,
 *      -V version); the configuration
 *   2. before_jail: still with master's rights. Open keys, certificates,
 *      tables, databases; warm up what would dlopen later.
 *   3. privdrop(user, jail) and the system call filter, by the program's row
 *      in lib/base/programs.def; without root neither
 *   4. after_jail
 *   5. master's WIRE_PEER, WIRE_LISTEN ... WIRE_GO; then READY goes out
 *   6. the loop, until WIRE_STOP, retirement, or the end of master's channel
 *      (master is dead: exit 0 at once, mail is safe by the order of writes)
 *
 * Descriptors at exec: 0 and 1 /dev/null, 2 the log pipe, 3 master, 4 to 6 what
 * -F says (enum in wire.h). Everything else comes as a message with a
 * descriptor.
 *
 * DIAGNOSTICS: a wrong option or configuration ends with 100 and one line; the
 * world failing with 111. After 100 before READY master does not try again at
 * once, and a start of the suite ends: so ends (log_usage), too, a program that
 * finds its files written by a newer version, having changed nothing.
 */
#ifndef LIB_SERVER_SERVER_H
#define LIB_SERVER_SERVER_H

#include <ev.h>

#include "lib/base/chan.h"
#include "lib/base/peer.h"
#include "lib/server/settings.h"
#include "lib/server/wire.h"

/* A client that master or accept handed over. */
struct session {
	int	 fd;			/* the callee's to close */
	enum service service;
	char	 user[WIRE_USER_MAX + 1];	/* WIRE_SESSION: who; else "" */
	char	 remote[WIRE_REMOTE_MAX + 1];	/* "local": a Unix socket */
	long	 uid;	/* SERVICE_LOCAL, CONTROL: SO_PEERCRED; else -1 */
	/* accept: IPv4 address, IPv6 /64 or the peer's uid; else 0 */
	uint64_t origin;
	int	 crowded;	/* work shape: too many come from there */
	uint32_t id;		/* WIRE_SESSION: master's name for it */
};

/* A peer's channel as master announced it. */
struct wire {
	enum peer peer;
	uint32_t instance;
	char	 user[WIRE_USER_MAX + 1];	/* whose door; else "" */
	int	 fd;			/* the callee's to close */
};

struct server {
	/* Who it is and what it may do stands in lib/base/programs.def. */
	enum peer kind;
	const struct settings_key *keys;
	void	*conf;
	const char **state_dir;		/* where the table put state_dir */
	int	*verbose;		/* where it put verbose */
	/* Where it put message_size: no file that the process writes grows
	   past thrice that (write(2) fails with EFBIG). NULL: no bound. */
	const uint64_t *message_size;

	/* -n: the configuration is read; are certificates and the like good?
	   Runs before anything starts and before a reload. NULL: nothing. */
	int	(*check)(struct buf *why);
	int	(*before_jail)(void);	/* 0, or -1 having logged why */
	int	(*after_jail)(void);
	/* Configuration was read again into conf; 0, or -1 having logged why.
	   NULL, and always in the work shape: the worker retires and a new
	   one starts. server_file() has certificate and key. */
	int	(*reload)(void);

	/* Loop shape. Descriptors are non-blocking. */
	void	(*wired)(struct ev_loop *, const struct wire *);
	void	(*peer_gone)(struct ev_loop *, enum peer, uint32_t instance);
	/* Accept with server_accept; -1 from it: the listener is closed. */
	void	(*listening)(struct ev_loop *, enum service, int fd);
	void	(*session)(struct ev_loop *, const struct session *);
	void	(*go)(struct ev_loop *);	/* after WIRE_GO */
	/* End that session at once (struct session's id; 0: all). */
	void	(*kick)(struct ev_loop *, uint32_t id);
	/* An answer of master to server_start(). words NULL: it is started,
	   fd -1 where the asker has the client. Else refused, words why;
	   full: the user has as many sessions as may be. */
	void	(*started)(struct ev_loop *, uint32_t id, int fd, int full,
		    const char *words);
	/* Finish: call server_exit when done; NULL: exit at once. */
	void	(*stop)(struct ev_loop *);

	/* Work shape. Descriptors are blocking. */
	void	(*serve)(const struct session *);	/* one client, whole */
	/* A peer's channel can be read (take every whole frame that is there),
	   or (chan NULL) it was lost. NULL: peers speak only when asked. */
	void	(*input)(enum peer, struct chan *);
	unsigned max_sessions;		/* retire after that many; 0: never */
	/* Called about once a second while idle, or NULL. */
	void	(*idle)(void);
};

/*
 * Both return the exit status. The umask is 002, the current folder is that
 * of master ("/"); SIGTERM, SIGINT and SIGHUP are ignored (master stops its
 * programs over the channel), SIGPIPE, SIGXFSZ and SIGIO too.
 */
int	server_loop_main(int argc, char **argv, const struct server *s);
int	server_work_main(int argc, char **argv, const struct server *s);

/* Both shapes. */
/* True when the process has dropped root: jail and filter are in place. */
int	server_jailed(void);
/*
 * Path of a file under state_dir: "/" + name inside the jail when the process
 * is jailed and name starts with "jail/" ("jail/tables.cdb" is then
 * "/tables.cdb"). Returns a static string, good until the next call.
 */
const char *server_path(const char *name);

/*
 * Within check(), before_jail() and reload(): the file as master took it (kept
 * by the skeleton); -1: none came, the path in the configuration is to be
 * opened (a program without master), or, in reload(), what is there stays.
 */
enum server_file { SERVER_FILE_CERT, SERVER_FILE_KEY };
int	server_file(enum server_file which);

/* The configuration directory. */
const char *server_conf_dir(void);

/* What -s said; SERVICE_NONE without it. */
enum service server_service(void);
/*
 * Accepts from a listening socket (non-blocking). 1: *s_r is filled in, its
 * descriptor close-on-exec and, in the loop shape, non-blocking. 0: nobody is
 * there. -1: master closed the listener: stop watching it, close it.
 */
int	server_accept(int fd, enum service service, struct session *s_r)
	    ATTR_CHECK;

/* Loop shape. */
/*
 * How many sessions are open now. For status; and master ends an imapd that
 * had none for a while. Told at most every 100 ms.
 */
void	server_sessions(unsigned n);
/*
 * What keeps the program from its work, for status: a word, where the cause lies,
 * and in words (WIRE_TROUBLE_MAX, WIRE_WORDS_MAX); name "": nothing any more. Of
 * a program that proto_wire lets say it.
 */
void	server_trouble(const char *name, const char *server,
	    const char *words);
void	server_exit(void);
void	server_retire_peer(enum peer p, uint32_t instance);
/*
 * queue, collect: so many of that peer are needed, of those that master starts on
 * demand; the one of that instance (0: none) may go.
 */
void	server_need(enum peer p, uint32_t count, uint32_t instance);
/* That session, by struct session's id, is over. */
void	server_session_ended(uint32_t id);
/*
 * auth: tells master of a login and asks for its session; the answer comes to
 * started(). instance: of the asker.
 */
struct server_login {
	enum service service;
	const char *user, *remote, *tls;
	uint32_t instance;
};
int	server_start(const struct server_login *l, uint32_t id);

/* Work shape. */
/*
 * The channel to a peer. Where it was lost, waits up to timeout_ms for master
 * to give a fresh one; NULL: later.
 */
struct chan *server_peer(enum peer p, int timeout_ms);
/* Says that the channel broke: closes it; the next server_peer waits. */
void	server_peer_lost(enum peer p);
/* Retire after the present piece of work (an anomaly was seen). */
void	server_retire(void);
/* True when the worker should end soon (stop, reload, retirement). */
int	server_stopping(void);
/*
 * True when the client, too, should end soon (stop, retirement): a reload
 * leaves it alone. At most once a second master is listened to, without
 * waiting; with hear always. The descriptor, for a wait of the program's own,
 * can be read when master has something to say.
 */
int	server_ending(int hear);
int	server_master_fd(void);
/* True when the client's login has ended: no word of it counts any more. */
int	server_kicked(void);
/*
 * From now on the client is waited for, and has brought nothing forward since
 * that moment (clock_mono_ms); 0: it is served.
 */
void	server_waiting(int64_t since);
/*
 * True when all workers are busy and master wants the place of this client,
 * because it was waited for. Asked after server_ending has listened.
 */
int	server_yielding(void);

#endif
