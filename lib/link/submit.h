/*
 * A message to queue, for the blocking shape of process: an empty file in
 * time, an envelope when the file is complete (lib/mail/proto.h, proto_queue).
 *
 * One file is held at most, across messages: it is empty, and its name is the
 * queue id of the message that will be written into it. The descriptor and the
 * id stay this module's. Where queue goes away the file goes with it. The
 * order of a submission:
 *
 *   submit_ask      as soon as a message is likely
 *   submit_file     the file; the caller writes it and makes it durable
 *   submit_close    the file has no writer any more
 *   submit_send     the envelope; SUBMIT_DONE: queue has it for ever
 *
 * or, wherever it breaks off before submit_close, submit_abandon.
 *
 * The channel is server_peer(PEER_QUEUE): the program gives submit_input and
 * submit_idle to the skeleton (or calls them from its own hooks).
 *
 * DIAGNOSTICS: a broken channel and a file that cannot be emptied warn. The
 * words are for a person or a reply and begin with an enhanced status code
 * ("4.3.1 the disk is full").
 */
#ifndef LIB_LINK_SUBMIT_H
#define LIB_LINK_SUBMIT_H

#include <stdint.h>

#include "lib/base/buf.h"
#include "lib/base/chan.h"
#include "lib/base/peer.h"
#include "lib/mail/limits.h"
#include "lib/mail/packed.h"

enum submit_result {
	SUBMIT_DONE,	/* durable: say 250 */
	SUBMIT_LATER,	/* not taken, or not known to be */
	SUBMIT_NEVER,	/* the words say why */
};

/* What the file holds, as it will be served; of QF_* in proto.h. */
struct submit_written {
	uint64_t length;
	uint32_t crc, final, forward;
	uint32_t flags;		/* of enum q_flag: Q_8BIT */
};

/* What the sender asked for besides; 0 and "": nothing. */
struct submit_options {
	uint32_t flags;		/* of enum q_flag: Q_SMTPUTF8, Q_REQUIRETLS */
	uint32_t ret;		/* enum q_ret */
	uint32_t body;		/* enum q_body, as it was declared */
	char	 envid[ENVID_MAX + 1];	/* RFC 3461 4.4, as it was given */
};

/* Who sends it to whom. Everything is the caller's; NULL and 0: not there. */
struct submit_envelope {
	const char *sender;	/* reverse-path without <>; "" for <> */
	const struct buf *recipients;	/* lib/mail/packed.h; at least one */
	const char *client;	/* "name [address]", for trace */
	const char *login;	/* who sent it; NULL or "" for a stranger */
	uint32_t origin;	/* enum service it came in by, or q_origin */
	const char *account, *uidl;	/* of Q_ORIGIN_COLLECTOR */
	const char *message_id;	/* MESSAGE_ID_MAX; NULL or "": none */
	const struct submit_options *options;
	const struct buf *notes;	/* lib/mail/notes.h */
};

/* Asks for a file if none is here; waits for nothing. */
void	submit_ask(void);
/*
 * The file: its descriptor, O_RDWR, at its start, and id. Waits for the
 * answer. -1: none to be had, words say why.
 */
int	submit_file(const char **id_r, struct buf *words) ATTR_CHECK;
/* Writing is over: closes the file. -1 where close(2) fails. */
int	submit_close(void) ATTR_CHECK;
/*
 * What was written is not to be a message: makes the file empty again, for
 * the next. With broken (it could not be written or synced) or where that
 * fails the worker retires, and queue takes the file back.
 */
void	submit_abandon(int broken);

/*
 * Submits the closed file. The words are set unless it is SUBMIT_DONE. An
 * envelope that proto_queue does not allow (a text past its bound) is
 * SUBMIT_LATER, and costs the channel.
 */
enum submit_result submit_send(const struct submit_envelope *e,
	    const struct submit_written *w, struct buf *words);

/*
 * The skeleton's hooks: something came from queue, or it is gone (of other
 * peers nothing is read); idling, where a file that queue may soon sweep makes
 * the worker retire.
 */
void	submit_input(enum peer p, struct chan *c);
void	submit_idle(void);

#endif
