/*
 * collect: the manager of what is collected from providers' accounts. Its parts:
 * collect_accounts.c has the accounts and when each is due, collect_run.c a
 * worker and its run, collect_say.c what is said to workers, collect_list.c what
 * a server has against what the journal knows, collect_queue.c the channel to
 * queue, collect_turn.c what is done once a turn, collect_ctl.c the operator's
 * questions. doc/internals.md, "The collector", has the order of it all.
 *
 * DIAGNOSTICS: an account that fails is logged once for each kind of failure, and
 * when it works again; a worker that breaks a rule is ended.
 */
#ifndef RELAY_COLLECT_H
#define RELAY_COLLECT_H

#include <ev.h>
#include <stdint.h>
#include <sys/queue.h>

#include "lib/link/control.h"
#include "lib/link/link.h"
#include "lib/mail/collect_account.h"
#include "lib/mail/tables.h"
#include "lib/map/map.h"
#include "relay/collect_journal.h"

enum {
	COLLECT_WANT = 1000,	/* messages of a run; more are of the next */
	COLLECT_OPEN = 256,	/* files that queue has given, all workers' */
	COLLECT_QUIET = 600,	/* seconds a worker may say nothing, */
	COLLECT_RATE = 1000,	/* and one for so many octets that come, */
	COLLECT_IDLE = 2400,	/* and one that waits in IDLE */
};

struct collect_conf {
	char	*state_dir;
	uint64_t message_size, workers, seconds, alarm;
	int	 verbose;
};

struct run;

struct account {
	TAILQ_ENTRY(account) in_list;
	struct collect_account conf;
	char	 book[JOURNAL_ACCOUNT_MAX + 1];	/* account_book */
	struct run *run;	/* that is under way, or NULL */
	int64_t	 due;		/* ms, by the clock that only grows */
	int64_t	 begun;		/* the same: the last run */
	int64_t	 ok;		/* seconds since 1970: all was fetched; 0: never */
	int64_t	 troubled;	/* the same: since when it fails; 0: it does not */
	int64_t	 good;		/* ms, as due: a run of it succeeded, or it is
				   new here */
	uint32_t failures;	/* in a row */
	uint32_t status;	/* enum cl_status of the last run; 0: none yet */
	char	*words;		/* of it, or NULL */
	uint32_t delay;		/* seconds that the server asks for */
	uint64_t fetched, left;	/* messages, since the start */
	uint64_t before;	/* their sum when the last run began */
	uint32_t lists;		/* number of the last list */
	struct control_client *asker;	/* waits for a test, or NULL */
	int	 tested;	/* asker's is over: ctl_turn tells */
	int	 gone;		/* not in the table any more */
};

/* A message that the worker was told to fetch. */
struct want {
	uint32_t number;
	uint64_t size;
	uint8_t	 state;		/* enum want_state */
	uint8_t	 late;		/* CL_LATER went */
	uint8_t	 unread;	/* it was not handed out; nor was one after it */
	char	 file[17];	/* of WANT_FILE */
	char	 key[UIDL_MAX + 1];
};
enum want_state {
	WANT_NEW,
	WANT_ASKED,		/* CL_FILE came */
	WANT_FILE,		/* it has its file */
	WANT_SENT,		/* Q_SUBMIT is under way */
	WANT_OVER,
};

/* A worker, and its run. */
struct run {
	TAILQ_ENTRY(run) in_list;
	struct link link;
	struct account *a;	/* NULL: it waits for one */
	char	 book[JOURNAL_ACCOUNT_MAX + 1];	/* a's, when the run began */
	int64_t	 heard;		/* ms: its last word */
	struct want *want;
	size_t	 n_want, cap_want, next;
	/* The list that is coming in. */
	size_t	 listed;
	struct want *old, *fresh; /* COLLECT_WANT / 2 each, fresh in a ring */
	size_t	 n_old, n_fresh;
	struct buf removed;	/* packed u32 */
	unsigned large;		/* too large ones */
	int	 more;		/* than are wanted */
	int	 unread;	/* one of want is */
	int	 idle, test, stopping, ended;
	uint32_t delay;
};

TAILQ_HEAD(account_list, account);
TAILQ_HEAD(run_list, run);

struct collect {
	struct collect_conf conf;
	struct ev_loop *loop;
	struct account_list accounts;
	struct run_list runs;
	struct link_turn to_write;
	struct journal *journal;
	struct tables *tables;
	struct map *map;
	unsigned generation;
	int	 synced;	/* all rows of queue are in the journal */
	int	 stopping;
};
/* collect.c */
extern struct collect collect;
/* "ok", "login-refused": enum cl_status; "new": 0. */
const char *status_name(uint32_t status);

/* collect_accounts.c */
/* Reads the accounts where the file is another one. */
void	accounts_refresh(void);
struct account *account_find(const char *name, size_t len);
/*
 * What the journal and queue's rows call the account: its name, and a sum of
 * server and login, "home/1f2e3d4c". Under the same name another mailbox is
 * another one: keys that are like keys of the first are not known there.
 */
void	account_book(const struct collect_account *a,
	    char book_r[JOURNAL_ACCOUNT_MAX + 1]);
/* The one that is due for the longest time; NULL: none. */
struct account *account_due(int64_t now);
/* ms until the next is due; -1: none will be. */
int64_t	account_next(int64_t now);
/*
 * Seconds from the beginning of a run to the next, at the least, and, in words,
 * whose limit that is: "account", "server" (LOGIN-DELAY), "provider" (the table
 * of providers), "back-off" (it fails).
 */
int64_t	account_interval(const struct account *a, const char **whose_r);
/* It has no success for longer than collect_alarm. */
int	account_overdue(const struct account *a, int64_t now);
/* A run of it has ended (or said CL_IDLE): when is the next? */
void	account_done(struct account *a, uint32_t status, const char *words,
	    int more);
/* Frees it where it is gone and has no run. */
void	account_release(struct account *a);

/* collect_run.c */
void	run_wired(uint32_t instance, int fd);
void	run_gone(uint32_t instance);
/* Gives a's run to the worker that waits. */
void	run_begin(struct run *r, struct account *a);
/* Closes the worker's channel, and has master end it. */
void	run_drop(struct run *r, const char *why);

/* collect_say.c */
/* A worker without a run; NULL: there is none. */
struct run *run_waiting(void);
/* How many workers there are; busy: with a run. */
size_t	run_count(int busy);
struct want *run_want(struct run *r, uint32_t number);
/* Ends it in good order. */
void	run_stop(struct run *r);
/* What queue has said of a message. */
void	run_file(struct run *r, struct want *w, const char *file, int fd);
void	run_later(struct run *r, struct want *w, const char *words);
void	run_fetched(struct run *r, struct want *w);

/* collect_list.c */
/* A slice of the list. 0, or -1 with why: the worker broke a rule. */
int	list_slice(struct run *r, const struct msg *m, struct buf *why)
	    ATTR_CHECK;
void	list_clear(struct run *r);

/* collect_queue.c */
void	queue_wired(int fd);
void	queue_gone(void);
/* Asks for a file for w: run_file or run_later. */
void	queue_file(struct run *r, struct want *w);
/* The file is no message. */
void	queue_unused(const char *file);
/* Submits it: run_fetched, when the journal has it, or run_later. */
void	queue_submit(struct run *r, struct want *w, const struct msg *m);
/* The run ends: nobody is told any more. */
void	queue_forget(struct run *r);
/* Once a turn: the journal, then what waits for it. */
void	queue_turn(void);
/* Nothing is submitted that was not answered. */
int	queue_quiet(void);

/* collect_turn.c */
void	turn_start(struct ev_loop *loop);
void	turn_stop(void);

/* collect_ctl.c */
void	ctl_listen(int fd);
void	ctl_close(void);
/* Once a turn: tests that have ended. */
void	ctl_turn(void);

#endif
