/*
 * Threads of store.
 *
 * A shard is a thread with an event loop. It has some of the sixteen
 * databases, the accounts in them and the doors of their users; these are
 * touched by one thread at a time, the one that is in the shard: as a rule its
 * loop, which leaves it while it waits for events. Other threads hand it items.
 *
 * What changes the mailbox of a user is a task. Beside each shard a syncer
 * takes the tasks that wait, all at once, and does for the batch:
 *
 *   outside  kind->files(): task_link() and its like, task_dir() for folders
 *            touched; then each folder once is synced, and side by side with
 *            them what doors wrote; a failure sets task->error, and takes
 *            links back
 *   inside   kind->commit(): rows into the batch of the account; the commit
 *   outside  waits until it is durable
 *   inside   kind->finish(): makes it visible, answers, frees what is its own
 *
 * A task whose account's batch was not committed, or of which nobody can say
 * whether it is durable, is "undone": finish() shows nothing of it. What it did
 * with files stays, as it would after a crash.
 *
 * So the loop never waits for the disk, and a delivery needs two threads to
 * wake, not five. Commit and finish are called also after an error. Helpers do
 * what may take long: rebuild, check, sweeping.
 *
 * Tasks keep their order in every step, but for those of slow kinds: flags
 * files, and the slices of what changes many messages. They stand in a line of
 * their own, of which a batch takes one where others wait. finish() of a slice
 * submits the next one, so whoever came meanwhile is served between.
 */
#ifndef STORE_SHARD_H
#define STORE_SHARD_H

#include <stdatomic.h>

#include <ev.h>

#include "lib/mail/door.h"
#include "lib/mail/limits.h"
#include "lib/mail/tables.h"
#include "store/engine.h"

struct account;
struct client;
struct mailbox;
struct shard;
struct task;

struct item {
	struct item *next;
	void	(*run)(struct item *);
	struct shard *shard;
};

struct task_kind {
	void	(*files)(struct task *);
	void	(*commit)(struct task *);
	void	(*finish)(struct task *);
	int	 slow;			/* it stands in the line of its own */
};

enum { TASK_DIRS = 2, TASK_WORDS = 120 };

struct task {
	struct item item;		/* first */
	const struct task_kind *kind;
	struct account *account;	/* stays while it has tasks */
	struct client *client;		/* who is answered (held), NULL */
	uint32_t id;
	enum door_error error;
	int	 undone;		/* what it committed is not to be shown */
	char	 words[TASK_WORDS];
	int	 dir[TASK_DIRS];	/* of the round's folders; -1 */
	int	 body;			/* to be synced with them; -1 */
	int	 body_failed;
	struct engine_file *files;	/* what files() did */
	size_t	 n_files;
};

struct store_conf {
	const char *state_dir;
	int	 verbose;
	uint64_t expunged_keep;		/* seconds */
	uint64_t expunged_size;		/* octets, of each user */
	uint64_t queue_lifetime;	/* seconds; queue's */
	uint64_t pop3_keep;		/* seconds */
	const char *expire;		/* lib/mail/expiry.h */
	uint64_t quota, quota_messages;	/* where the tables say none; 0 */
	int	 language;		/* enum language */
	uint64_t cache;			/* octets of page cache, both tables */
	uint64_t threads;		/* 0: half as many as cores */
};

/* What the threads share; set before they start. */
struct store {
	struct store_conf conf;
	struct engine *engine;
	struct shard *shards;
	unsigned n_shards;
	unsigned accounts_max;		/* in memory; 0: ACCOUNTS_MAX */
	int	 fresh;			/* the index is new */
	int	 clean;			/* the last stop was in order */
	uint64_t epoch;			/* store_epoch */
	uint64_t crash;			/* the last start after a crash */
	atomic_ullong delivered;	/* since the start */
	atomic_ullong expired;		/* ... removed for their age */
	enum lookup (*user)(const char *name, struct tables_user *u_r);
	/* Whose the mail of that account was, and still is (ctl_rename.h). */
	enum lookup (*former)(const char *name, char old_r[ADDRESS_MAX + 1]);
	/* Has an account of that name another one now? */
	enum lookup (*renamed)(const char *name);
	/* ... and its mail is still under that one? */
	enum lookup (*moving)(const char *name);
	/* The domain of that account, or that name, and its bounds. */
	enum lookup (*sum)(const char *name, struct tables_sum *s_r);
	/* Has any domain bounds? */
	enum lookup (*sums)(void);
	/* The accounts that postmaster@domain leads to: packed lv. */
	enum lookup (*postmasters)(const char *domain, struct buf *names_r);
	void	(*stopped)(void);	/* called in the main thread's loop */
	char	 full_path[1000];	/* jail/state/full.cdb */
};
extern struct store store;

/* What the disks of mail and index leave to be done; each holds for the later
   ones too. */
enum store_room {
	STORE_ROOM,
	STORE_NO_ADDS,		/* nothing is added */
	STORE_NO_CHANGES,	/* only what makes room is done */
	STORE_NO_WRITES,	/* nothing but reading */
};
enum store_room store_room(void);
/* Looks how it is now, and tells of a change. Once a second, by one thread. */
void	store_look(void);

/* The shard of an account's name, and the number of its database. */
struct shard *shard_of(const char *name, unsigned *db_r);
struct shard *shard_at(unsigned n);
unsigned shard_number(const struct shard *s);
/* True from store_stop on: no more requests are begun. */
int	shard_stopping(const struct shard *s);
struct ev_loop *shard_loop(struct shard *s);
/* A number that only grows, in all starts: for modseq. */
uint64_t shard_modseq(struct shard *s);
/* ... and from now on above that one. */
void	shard_modseq_above(struct shard *s, uint64_t modseq);
/* The account has something to commit; its batch takes part in this turn's. */
void	shard_changed(struct account *a);
/* Puts the rows that wait into the batches: of one account, NULL: of all. */
void	shard_put_rows(struct shard *s, const struct account *only);
/* One of the accounts is lost: it is read anew at the end of this turn. */
void	shard_lost(struct shard *s);
/* The newest commit of the shard. From any thread. */
uint64_t shard_token(const struct shard *s);
void	shard_committed(struct shard *s, uint64_t token);
/* The mailbox's row is another, or it is dead: the account's sum follows. */
void	shard_counted(struct mailbox *m);
/* The mailbox's row has to be written with the next commit. */
void	shard_row(struct mailbox *m);
/* The same, with the next commit of the shard, which the tick makes where there
   is none: for what a kill within two seconds may forget. */
void	shard_row_later(struct mailbox *m);
/* Its flags file is behind. The list is in the order of their dirty_since. */
void	shard_flags(struct mailbox *m);
void	shard_unflags(struct mailbox *m);
struct mailbox *shard_dirty(struct shard *s);
/* How many flags files are being written, after so many more. */
unsigned shard_writing(struct shard *s, int more);
/* Something that watchers want to know happened. */
void	shard_touched(struct mailbox *m);
/* The channel of the client has something to send. Takes a reference over. */
void	shard_flush(struct shard *s, struct client *c);
/* Flushes the log soon though no task waits (flag changes). */
void	shard_lazy(struct shard *s);
/* Forgets a mailbox that goes away. */
void	shard_forget(struct mailbox *m);
/* All accounts in memory, chained by their own link. */
struct account **shard_bucket(struct shard *s, const char *name);
void	shard_each_account(struct shard *s,
	    void (*each)(struct account *a));

/* Hands an item to its shard, from any thread. */
void	shard_post(struct item *i);

/* Hands the task to the syncer with the batch of this turn. */
void	task_submit(struct task *t);
void	task_fail(struct task *t, enum door_error e, const char *words);

/* The loop has to look at its watchers anew. */
void	shard_wake(struct shard *s);
/* For the syncer: into the shard, and out of it. */
void	shard_enter(struct shard *s);
void	shard_leave(struct shard *s);

#endif
