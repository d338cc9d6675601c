/*
 * A rig for queue: plays master to a real queue process in a folder of its
 * own, and hands out the other ends of its wires. For tests and benchmarks.
 */
#ifndef TESTS_QUEUE_RIG_H
#define TESTS_QUEUE_RIG_H

#include <sys/types.h>

#include "lib/base/chan.h"
#include "lib/base/peer.h"
#include "lib/mail/proto.h"
#include "lib/mail/result.h"
#include "lib/server/wire.h"

enum { RIG_WAIT = 60000 };	/* ms for anything to come */

struct rig {
	char	 dir[64];
	const char *program;	/* QUEUE_PROGRAM, seen from the build; or NULL */
	pid_t	 pid;
	struct chan master;
	uint32_t instance;
	int	 control;	/* listening socket of run/queue.ctl */
};

/* Writes tables.cdb. */
void	rig_tables(const char *path);
/* Makes the folder: configuration (extra lines), tables, spool. */
void	rig_init(struct rig *r, const char *conf);
/* Writes the configuration anew, for the next start. */
void	rig_conf(struct rig *r, const char *conf);
void	rig_start(struct rig *r);
/* Starts it where it will not start: its exit status. */
int	rig_refused(struct rig *r);
/* Runs something in a child that may write what queue may. */
void	rig_as_queue(void (*run)(void *arg), void *arg);
/* Messages of an earlier run, named 1 to n; queue does not run. */
struct rig_fill {
	unsigned n, missing;	/* the one without a file, or 0 */
	uint64_t time;		/* when they came */
	int64_t	 next;		/* when they are due */
	uint32_t attempts;
	size_t	 recipients;	/* of each, at domain; 0: one */
	const char *from, *domain;
};
void	rig_fill(struct rig *r, const struct rig_fill *f);
void	rig_kill(struct rig *r);		/* SIGKILL */
void	rig_stop(struct rig *r);		/* WIRE_STOP; exit status 0 */
void	rig_clear(struct rig *r);		/* removes the folder */
/* Wires a peer: its end of the channel. The instance is r->instance. */
void	rig_wire(struct rig *r, enum peer kind, struct chan *c);
/* Says that the peer of that instance has ended. */
void	rig_gone(struct rig *r, enum peer kind, uint32_t instance);
/* The next WIRE_RETIRE within the time: its instance; 0: none came. */
uint32_t rig_retired(struct rig *r, int timeout_ms);
/* The same of WIRE_NEED: how many workers of relay there are to be. */
uint32_t rig_needed(struct rig *r, int timeout_ms);
/* The next of them that may go: its instance. */
uint32_t rig_surplus(struct rig *r, int timeout_ms);
/* A connection to the control socket. */
void	rig_control(struct rig *r, struct chan *c);

/* Names in body/ or bad/ (those with octets in them), and their number. */
size_t	rig_files(struct rig *r, const char *folder, int empty_too);

/* A worker's file: its name and descriptor. 0; -1: Q_LATER, or the end. */
int	rig_file(struct chan *c, char id[17], int *fd_r);
/* Writes text as body; closes fd. */
void	rig_write(int fd, const char *text);
/* Sends Q_SUBMIT for text; to: addresses, ends with NULL. */
void	rig_submit(struct chan *c, const char *id, const char *from,
	    const char *const *to, const char *text);
/* The same to a@one.test, with these places for the lines of delivery. */
void	rig_submit_at(struct chan *c, const char *id, uint32_t forward,
	    uint32_t final, const char *text);
/* What a sender asks for besides (RFC 3461), of all recipients. */
struct rig_wish {
	uint32_t notify, ret, flags;
	const char *orcpt, *envid;	/* "": not given */
};
/* All of it, as rig_send. */
void	rig_ask(struct chan *c, const char *from, const char *const *to,
	    const char *text, const struct rig_wish *wish);
/* As collect: a message to anna@example.test; "": the field is left out. */
void	rig_collect(struct chan *c, const char *id, const char *account,
	    const char *key, const char *text);
/* The answer to it: Q_DONE, Q_LATER, ... 0 at the end of the channel. A file
   that comes along is dropped. */
int	rig_answer(struct chan *c);
/* All of it: file, write, submit, Q_DONE. 0, or -1. */
int	rig_send(struct chan *c, char id[17], const char *from,
	    const char *const *to, const char *text);

struct rig_job {
	unsigned type;
	uint32_t id;
	char	 file[17], dest[256], sender[321];
	char	 envid[101];
	uint32_t offset, crc, ret;
	uint64_t length;
	size_t	 n;
	struct {
		uint32_t index;
		char	 owner[321], address[321], orcpt[501];
		uint32_t notify;
	} rcpt[100];
	char	*body;
};
/* The next job of a worker. 1, 0 (nothing in that time), -1: the end. */
int	rig_job(struct chan *c, struct rig_job *j, int timeout_ms);
void	rig_job_clear(struct rig_job *j);
/* Answers recipient i of it (or all: -1). */
void	rig_result(struct chan *c, const struct rig_job *j, int i,
	    enum result r, const char *words, const char *host);
/* All are delivered to a host that takes DSN over. */
void	rig_passed(struct chan *c, const struct rig_job *j);
void	rig_words(struct chan *c, const struct rig_job *j, enum j_type t,
	    const char *words);

#endif
