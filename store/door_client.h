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
#include "store/record.h"
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
	unsigned watches;
	unsigned opened;	/* descriptors sent since it had read all */
	unsigned flushing;	/* bit per shard that will client_send */
};

/* door_serve.c: takes fd over and gives the door to its shard. */
void	client_new(enum peer kind, uint32_t instance, const char *user, int fd);
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
};

/* What a request runs. Each op_NAME.c has its rows, up to one of zeros. */
struct op {
	unsigned type;			/* enum door_type */
	void	(*run)(struct request *r);
	unsigned flags;			/* enum op_flag */
};
extern const struct op op_read_rows[], op_flags_rows[], op_expunge_rows[],
	    op_copy_rows[], op_append_rows[], op_file_rows[],
	    op_mailbox_rows[], op_follow_rows[];

/* door_news.c */
/* The door is one that follows, from now on: 0; -1: they are too many. */
int	news_join(struct client *c) ATTR_CHECK;
/* Something of the account is to be asked for. */
void	news_tell(struct account *a);
/* The door asks: it may be told again. */
void	news_asked(struct account *a, const struct client *c);
/* op_expunge.c */
/* Expunges messages whose files are in the expunged folder already (uids is
   taken over). */
void	expunge_finish_files(struct mailbox *m, uint32_t *uids, size_t n);
/* op_move.c: the source of a MOVE. */
struct moved {
	struct mailbox *m;
	uint64_t note;			/* key of its row 'V' */
	uint32_t *uids;			/* rising */
	size_t	 n;
	struct record *gone;		/* those whose rows are deleted */
	size_t	 n_gone;
	uint64_t modseq;		/* of that */
};
/* Into the commit that adds the target's rows: what has moved, where to. */
void	moved_note(const struct moved *v, uint32_t to);
/* Into the next commit: the rows, what is told of them, and the note go. */
void	moved_delete(struct moved *v);
/* When that is durable. */
void	moved_show(struct moved *v);
void	moved_clear(struct moved *v);
/* At the load of an account: what a crash left of such moves is done. -1: the
   index does not answer, and nobody may see the account before it is done. */
int	moves_finish(struct account *a) ATTR_CHECK;
/* op_file.c */
void	op_file_back(struct request *r);
/* The fresh file that the field names; it is the door's no more. 0; -1: it was
   given none of that name. */
int	client_take_file(struct client *c, const struct msg *m, uint8_t tag,
	    char name_r[BODY_NAME]) ATTR_CHECK;
/* op_mailbox.c */
/* Makes a mailbox, alone in the account; who waits is resumed, made or not.
   name is taken over, and may be one (boxes_name_ok). */
void	mailbox_make(struct account *a, char *name, uint32_t attrs);
/* op_deliver.c */
void	deliver_request(struct client *c, struct msg *m);

/* Commits what waits, so that it can be read. 0, or -1 having answered. */
int	request_commit(const struct request *r) ATTR_CHECK;
/* How a look into the index went: 0, or -1 having answered "later". */
int	request_read(const struct request *r, enum engine_result e) ATTR_CHECK;
/* The uids of a request: a copy, checked to rise. NULL: they do not. */
uint32_t *request_uids(const struct request *r, size_t *n_r);
void	request_fail(const struct request *r, enum door_error e,
	    const char *words);
/* op_flags.c: the bits of the keywords that it names, as mailbox_bits. 0, or
   -1 having answered. */
int	request_bits(const struct request *r, int make, uint64_t *bits_r);
/* 0, or -1 having answered that mailbox_bits gave something else than D_OK. */
int	request_keywords(const struct request *r, enum door_error e);
/* door_watch.c: changes of m are events of the door. 0; -1: too many. */
int	client_watch(struct client *c, struct mailbox *m) ATTR_CHECK;
void	client_unwatch(struct client *c, struct mailbox *m);
/* Unlinks files whose removal was put off (rows 'R'). */
void	drop_files(struct account *a);

#endif
