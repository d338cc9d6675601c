/*
 * The table of lib/base/programs.def: which programs there are, who each is
 * and what it may do, how many of it master keeps, what ports and sockets it
 * listens on, and who is wired to whom. Nothing else decides any of this.
 */
#ifndef LIB_SERVER_PROGRAM_H
#define LIB_SERVER_PROGRAM_H

#include <stddef.h>
#include <stdint.h>

#include "lib/base/peer.h"
#include "lib/server/wire.h"

enum program_id {
#define PROGRAM_ROW(id, peer, ...)	PROGRAM_##id,
#include "lib/base/programs.def"
	PROGRAM_COUNT
};

#define PROGRAM_BIT(p)	(1u << (p))
#define SERVICE_BIT(s)	(1u << (s))

enum pool {
	POOL_RESERVED,	/* no such program yet */
	POOL_KEEP,	/* so many, always */
	POOL_ACCEPT,	/* some idle ones ready, up to a bound */
	POOL_DEMAND,	/* so many as who has them needs (WIRE_NEED), up to a bound */
	POOL_SESSION,	/* started when a user logs in */
	POOL_FILE,	/* started for a file, as its owner (-U); root's: as
			   .user. Its exit status is what became of it */
	POOL_COMMAND,	/* started by the operator's command, for a piece of
			   work of its own (ctl/ctl_worker.h) */
};

/*
 * What a program may do by itself, once it runs: the system call filter
 * (lib/server/mkfilter.c) denies the rest. Descriptors that it was given, or
 * opened before the jail, it may use whatever they are.
 */
enum right {
	RIGHT_NET = 1,		/* sockets of IPv4 and IPv6; netlink */
	RIGHT_UNIX = 2,		/* Unix sockets by name */
	RIGHT_FILES = 4,	/* files by name: write, make, name, remove */
	RIGHT_EXEC = 8,		/* other programs, in its own place */
	RIGHT_THREADS = 16,	/* threads; a second process nobody has */
	RIGHTS = 32		/* so many sets of them */
};

struct program {
	enum peer kind;
	const char *name;	/* in messages: "smtpd (submission)" */
	enum service duty;	/* -s, or SERVICE_NONE */

	/* Who it is. */
	const char *user;	/* system user; NULL: session_uid */
	const char *group;	/* an extra group, or NULL */
	int	 session_uid;	/* each process has a uid of its own (-U) */
	int	 jail;		/* chroot to the jail directory? */
	/* Only one at a time may live (it owns a database): takes
	   run/<name>.lock before before_jail, waiting for one that dies. */
	int	 sole;
	int	 tls;		/* is it given certificate and key? */
	unsigned rights;	/* enum right, or'ed */

	/* How many, when. */
	enum pool pool;
	int	 loop;		/* event loop shape? */
	const char *count;	/* a number, or the setting that says it */
	const char *idle;	/* POOL_ACCEPT: how many idle ones;
				   POOL_DEMAND: how many at the least */
	int	 start, stop;	/* stage: lower first */

	/* For whom. */
	uint32_t services;	/* SERVICE_BIT of what it accepts from */
	const char *socket;	/* name under run/, or NULL */
	unsigned mode;		/* of that socket */
	uint32_t sessions;	/* POOL_SESSION: of whose logins */
	/* Most clients from one address, or of one user on a Unix socket, as
	   count; 0 of it: no bound. NULL: they are not counted. */
	const char *crowd;
};

/* What makes the users: for messages. */
#define SYSUSERS	"sysusers.d/rohrpost.conf"

enum { START_STAGES = 4, STOP_STAGES = 4 };

extern const struct program programs[PROGRAM_COUNT];

/* A channel from each process of the one to each of the other. */
struct edge {
	enum program_id a, b;
	const char *protocol;	/* name of its struct msg_proto */
};

extern const struct edge edges[];
extern const size_t n_edges;

/* PROGRAM_BIT of all that it is wired to. */
uint32_t program_wires(enum program_id p);
/* Is there such a program: master, or one that it starts? */
int	program_installed(enum peer kind);
/* The row of that kind with that duty; NULL: there is none. */
const struct program *program_find(enum peer kind, enum service duty);

#endif
