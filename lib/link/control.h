/*
 * A control socket (run/NAME.ctl): takes the connections of the operator's
 * command, and for each command (proto_ctl) an answer of rows and an end
 * (lib/mail/answer.h). Root and our own uid are served. One command at a time
 * of one connection; another one meanwhile is answered with C_BUSY.
 *
 * A command is answered at once; or in slices, so that a long answer does not
 * keep the loop from its work; or later; or by a thread. Each ends with
 * control_end, whose client may be freed by it.
 *
 * Bounds: CONTROL_MAX connections, more wait to be accepted; CONTROL_HIGH
 * octets that the asker has not read hold slices back; an asker to whom a row
 * could not be sent is dropped, for a list that leaves something out must not
 * look like a whole one.
 *
 * DIAGNOSTICS: one line for a uid that is refused, for one that breaks the
 * framing, for one that does not read.
 */
#ifndef LIB_LINK_CONTROL_H
#define LIB_LINK_CONTROL_H

#include "lib/link/link.h"
#include "lib/mail/answer.h"

enum {
	CONTROL_MAX = 16,
	CONTROL_HIGH = 256 * 1024,
};

struct control_client;

struct control_kind {
	size_t	 size;	/* of what begins with a struct control_client */
	/* The answer has begun: rows, then control_end; or one of the calls
	   below, and the rest later. m is valid during the call. */
	void	(*command)(struct control_client *c, struct msg *m);
	/* The next piece of an answer in slices. Or NULL. */
	void	(*slice)(struct control_client *c);
	/* Frees what c holds beyond the struct. Or NULL. */
	void	(*clear)(struct control_client *c);
};

struct control {
	const struct control_kind *kind;
	struct ev_loop *loop;
	ev_io	 accepting;
	int	 listening;
	unsigned n;		/* clients */
};

struct control_client {
	struct answer answer;	/* to the command that is under way */
	unsigned command;	/* its type; 0: none */

	/* control.c's own. */
	struct control *control;
	struct link link;
	ev_idle	 going;		/* in slices */
	int	 sliced, lent;
	int	 gone;		/* freed when its command has ended */
};

void	control_init(struct control *s, struct ev_loop *loop,
	    const struct control_kind *kind);
/* Takes a listening socket over, in place of the one that it had. */
void	control_listen(struct control *s, int fd);
/* Closes the listening socket; the connections stay. */
void	control_close(struct control *s);

/*
 * Ends the answer. Where the client has gone meanwhile nobody hears it, and
 * c is freed.
 */
void	control_end(struct control_client *c, enum c_status status,
	    const char *words);
/* From here on slice is called while the loop has nothing else to do and the
   asker reads, until control_end. A client that goes is freed at once. */
void	control_slices(struct control_client *c);
/*
 * A thread makes the rows, in c->answer, and may send them (control_chan,
 * chan_send). The loop leaves the connection alone until control_end, which
 * it calls. Not from a slice.
 */
void	control_lend(struct control_client *c);
struct chan *control_chan(struct control_client *c);
/* True when the asker has so much to read that rows should wait. */
int	control_behind(const struct control_client *c);

#endif
