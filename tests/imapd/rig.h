/*
 * Sessions of imapd under the real loop, between clients and a stand-in for
 * store, which has one mailbox, changes flags and expunges as it is told, and
 * says events where they are missed easily.
 */
#ifndef TESTS_IMAPD_RIG_H
#define TESTS_IMAPD_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <ev.h>
#include <pthread.h>
#include <stdatomic.h>

#include "lib/base/buf.h"
#include "lib/mail/door_proto.h"

enum { RIG_MAILBOX = 7, RIG_VALIDITY = 3, RIG_CLIENTS = 3 };

/* A message that comes while the changes are asked for. */
enum arrival { BEFORE_ANSWER, BEHIND_ANSWER };

struct rig_store {
	pthread_t thread;
	struct chan chan;
	atomic_uint messages;	/* number n has uid n and modseq n */
	atomic_uint deleted;	/* 1: the last one is \Deleted, as is known */
	atomic_uint skipped;	/* uids above them that were given to none */
	atomic_uint more;	/* so many answers bring one more message */
	_Atomic enum arrival how;
	atomic_uint parts;	/* so many changes go well ... */
	atomic_uint failing;	/* ... if this is 1: the others fail */
	atomic_uint modseq;	/* of the last change of flags */
	atomic_uint asked;	/* counts the questions for records */
	atomic_uint selected;	/* counts the selects */
	atomic_uint tell;	/* before this question for records is answered
				   another client says ... */
	const char *line;	/* ... this, or asks for a STATUS ... */
	atomic_uint told;	/* ... that was asked after so many of them */
	atomic_uint leaves;	/* 1: and the first client leaves then */
	atomic_uint recent;	/* from that uid on, to who takes it */
	atomic_uint deaf;	/* so many questions for records fail */
	atomic_uint any;	/* 1: the last EXPUNGE was of any, flagged or not */
	atomic_uint expunged;	/* counts the messages that it was of */
	atomic_uint since;	/* STORE with UNCHANGEDSINCE: uids below 10 of
				   each part of so many have changed */
	atomic_uint short_by;	/* octets that the files lack */
	atomic_uint lost;	/* the file of that uid is not there ... */
	atomic_uint gone;	/* ... and that uid is told as expunged */
	atomic_uint hold;	/* 1: a copy is answered after the next STORE;
				   2: there is one */
	atomic_uint back;	/* counts the files that came back */
	atomic_uint renewed;	/* added to RIG_VALIDITY at a select */
	const char *name;	/* of the mailbox */
};
extern struct rig_store store;

/* The client that speaks, and what it has heard. */
extern int client;
extern struct buf got;

/* For cmocka. */
int	rig_begin(void **state);
int	rig_end(void **state);
/* Once, before the tests. */
void	rig_init(void);
/* The other one speaks from now on. */
void	rig_client(int i);
/* It leaves; returns when its session has ended. */
void	rig_client_ends(int i);
/* Waits until store holds a copy back. */
void	rig_held(void);
/* Store goes away. */
void	rig_store_ends(void);
/* Another comes in its place. */
void	rig_store_again(void);
/* Called in the thread of the loop, which is waited for. */
void	rig_call(void (*fn)(struct ev_loop *l));
/* The last session ends: imapd is told to stop. */
void	rig_stop(void);
/* Store says by itself that the mailbox changed, or that a message came. */
void	mailbox_changes(void);
void	message_comes(void);
/* Reads until want is there; NULL: up to the end. */
void	expect(const char *want);
/* Forgets what was heard, and says s; or only says it. */
void	say(const char *s);
void	more(const char *s);
void	select_inbox(void);

#endif
