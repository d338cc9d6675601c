/*
 * A door as store sees it: the channel to an imapd, a pop3d (one user's) or a
 * deliver (appends for any user). Its shard's loop reads it; any shard may
 * answer a deliver, so what is sent is under a lock.
 *
 * A reference is held by the reading side and by each request under way.
 */
#ifndef STORE_DOOR_CLIENT_H
#define STORE_DOOR_CLIENT_H

#include <pthread.h>
#include <stdatomic.h>

#include "lib/base/chan.h"
#include "lib/base/msg.h"
#include "lib/mail/limits.h"
#include "store/body.h"
#include "store/shard.h"

enum {
	CLIENT_PENDING_MAX = 2000,	/* requests of one deliver under way */
	CLIENT_TASKS_MAX = 256,		/* tasks of a user's door under way */
	CLIENT_TURN = 64,		/* requests of one door in a turn */
	CLIENT_OPENED = 1024,	/* descriptors sent: has it read them? */
	CLIENT_UNREAD_MAX = 4096,	/* so many, and it has not: dropped */
	CLIENT_WATCH_MAX = 200,		/* mailboxes one door watches */
};

struct client {
	struct item item;		/* first: adopt, poke */
	struct shard *shard;
	struct chan chan;
	enum peer kind;
	uint32_t instance;
	int	 adds;		/* nothing is removed through it */
	char	 user[ADDRESS_MAX + 1];
	atomic_uint refs, pending;
	pthread_mutex_t lock;	/* of chan's sending side, gone, poked */
	int	 gone, poked, broken;
	int	 paused;
	void	(*resume)(struct client *); /* reads what had to wait */
	void	(*leave)(struct client *); /* called when it ends, or NULL */
	ev_io	 in, out;
	struct account *account;	/* NULL: deliver */
	char	(*file)[BODY_NAME];	/* fresh files given out */
	size_t	 n_files;
	struct buf appends;	/* of an APPEND of several: op_append_many.c */
	unsigned n_appends;
	unsigned watches;
	unsigned opened;	/* descriptors sent since it had read all */
	unsigned flushing;	/* bit per shard that will client_send */
	int	 told;		/* an event is among what waits; of its shard */
};

struct client *client_ref(struct client *c);
void	client_unref(struct client *c);
/* The callback of out: sends on. */
void	client_out(struct ev_loop *loop, ev_io *w, int revents);
/* The same from any shard, soon. */
void	client_break(struct client *c);
/* Ends it; requests under way go on unanswered. */
void	client_drop(struct client *c, const char *why);

/*
 * An answer: client_begin, msg_* on &c->chan, client_end. begin returns 0
 * where the door is gone (nothing is to be done then).
 */
int	client_begin(struct client *c, unsigned type, uint32_t id) ATTR_CHECK;
void	client_end(struct client *c, struct shard *by);
void	client_failed(struct client *c, struct shard *by, uint32_t id,
	    enum door_error e, const char *words);
void	client_done(struct client *c, uint32_t id);
/* So much waits to be read by the peer that news can wait too. */
int	client_behind(struct client *c);
/*
 * A reference of a request under way (a deliver's, a task of a user's door),
 * and its end. Where client_max of them are under way nothing more is read.
 */
struct client *client_hold(struct client *c);
void	client_release(struct client *c);
unsigned client_max(const struct client *c);
/* Asks the owning shard to look at the door. */
void	client_poke(struct client *c);
/* Sends what waits; called by the shard that answered. */
void	client_send(struct client *c);

/* One request of a door. */
struct request {
	struct client *c;
	struct msg *m;
	struct account *account;	/* whose; NULL: deliver's */
	struct mailbox *mailbox;	/* where the row says so */
};

enum op_flag {
	OP_MAILBOX = 1,		/* DF_MAILBOX must name one */
	OP_ALONE = 2,		/* changes the list of mailboxes */
	OP_ADDS = 4,		/* takes space */
	OP_CHANGES = 8,		/* writes, but takes little */
	OP_REMOVES = 16,	/* writes, and makes room */
};

/* What a request runs. Each op_NAME.c has its rows, up to one of zeros. */
struct op {
	unsigned type;			/* enum door_type */
	void	(*run)(struct request *r);
	unsigned flags;			/* enum op_flag */
};

/* Commits what waits, so that it can be read. 0, or -1 having answered. */
int	request_commit(const struct request *r) ATTR_CHECK;
/* How a look into the index went: 0, or -1 having answered "later". */
int	request_read(const struct request *r, enum engine_result e) ATTR_CHECK;
/* The uids of a request: a copy, checked to rise. NULL: they do not. */
uint32_t *request_uids(const struct request *r, size_t *n_r);
void	request_fail(const struct request *r, enum door_error e,
	    const char *words);

#endif
