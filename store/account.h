/*
 * Accounts and mailboxes in memory. All of it belongs to the shard's thread;
 * the syncers read name, path and shard alone.
 */
#ifndef STORE_ACCOUNT_H
#define STORE_ACCOUNT_H

#include "lib/mail/follow.h"
#include "store/index.h"
#include "store/file_mailboxes.h"
#include "store/shard.h"

struct delivery;

struct mailbox {
	struct account *account;
	uint32_t id, uidvalidity, attrs;
	char	*name;
	unsigned char oid[BOX_ID];	/* RFC 8474's MAILBOXID */
	char	*more;			/* struct box: kept */
	uint32_t next_uid;		/* the next to reserve */
	struct index_row row;		/* as committed */
	struct index_row seen;		/* as may be shown: durable counts */
	char	 was[INDEX_ROW];	/* row, as it is in the index */
	unsigned was_len;		/* 0: it is not there */
	unsigned unpublished;		/* commits that are not durable yet */
	uint64_t hold;			/* modseq of the first of them */
	char	**keywords;		/* NULL until mailbox_keywords */
	unsigned n_keywords;
	int	 keywords_loaded;
	int64_t	 gone_looked;		/* for old expunges: clock_mono_ms */
	uint64_t held;			/* bits of messages under way */
	unsigned holders;
	/* flags file */
	uint32_t *dirty;		/* uids whose line is behind */
	size_t	 n_dirty, cap_dirty;
	int	 dirty_all;		/* more than fit: look for them */
	int	 flags_busy;
	int	 anew;			/* the next file is a new one */
	int64_t	 dirty_since;		/* clock_mono_ms; 0: not dirty */
	struct mailbox *next_dirty;
	/* watching doors */
	struct watcher {
		struct client *c;
		int	 owed;		/* an event */
	} *watchers;
	size_t	 n_watchers;
	struct engine_watch *watch;
	int	 row_dirty, touched, dead;
};

/* Bits of mailbox.touched. */
enum {
	TOUCHED_LISTED = 1,	/* in the shard's list */
	TOUCHED_NEW = 2,	/* changed since watchers were told */
	TOUCHED_DURABLE = 4,	/* and some of it may be seen now */
};

enum account_state {
	ACCOUNT_NEW,		/* nothing read yet */
	ACCOUNT_READY,
	ACCOUNT_BROKEN,		/* its files make no sense: later */
	ACCOUNT_ABSENT,		/* the tables know no such user */
};

struct account {
	struct account *next;		/* in the shard's table */
	struct shard *shard;
	struct engine_db *db;
	unsigned db_number;
	uint32_t number;		/* in the index */
	struct engine_batch batch;	/* rows that wait for a commit */
	int	 changed;		/* in the shard's list for it */
	int	 lost;			/* the index said no: it is read anew */
	int	 unsure;		/* files may be ahead of the index */
	void	(*end_lost)(struct account *); /* at the end of a turn */
	char	*name, *path;
	unsigned char id[RECORD_ID];	/* RFC 8474's ACCOUNTID */
	enum account_state state;
	struct mailbox **mailbox;	/* rising ids */
	size_t	 n_mailboxes;
	struct mailbox *inbox;
	struct mailbox **dead;		/* deleted; freed with the account */
	size_t	 n_dead;
	uint32_t next_id, last_uidvalidity;
	char	**subscribed;
	size_t	 n_subscribed;
	char	**more;			/* struct boxes: kept */
	size_t	 n_more;

	struct client **clients;
	size_t	 n_clients;
	struct client *pop;		/* who holds the POP3 lock */
	unsigned tasks;			/* under way */
	int	 busy;			/* one change alone: others wait */
	void	(*idle)(struct account *); /* called at tasks 0, while busy */
	void	*idle_arg;
	struct item *waiting, **waiting_tail; /* run when it is not busy */

	struct delivery *under_way;

	struct {			/* account_follow.c */
		int	 on;
		uint64_t floor;		/* it is whole after this number */
		uint32_t size;
		uint32_t list;		/* crc32c of the file mailboxes */
		unsigned told, changes;	/* door_news.c */
	} log;

	uint64_t pending_size, pending_count;	/* reserved by tasks */
	struct tables_user quota;
	int64_t	 quota_read;		/* clock_mono_ms; 0: never */
	int	 full;			/* as published */
	int	 dropping;		/* files that were moved away */
	uint64_t drop_from;		/* ... from this mailbox, uid on */
	uint64_t max_queue_id, min_queue_id;
	int64_t	 used;			/* clock_mono_ms of the last use */
	int64_t	 tried;			/* ... of the last load */
};

/* In memory alone. */
struct account *account_new(struct shard *s, const char *name,
	    const char *path, unsigned db);
void	account_free(struct account *a);
/* account_load.c: finds the account or makes it; it may be busy with its first
   use. NULL: not a name of an account, or the tables know no such user. */
struct account *account_get(struct shard *s, const char *name);
/* Loads it again where that failed before, or its user was unknown. */
void	account_retry(struct account *a);
/* Frees those that nobody has used for some time. */
void	account_expire(struct shard *s, struct account **bucket,
	    int64_t older_than);

/*
 * Takes the account for one change alone: no request is begun until
 * account_end; idle is called when no task is under way any more.
 */
void	account_begin(struct account *a, void (*idle)(struct account *),
	    void *arg);
void	account_end(struct account *a);
/*
 * account_commit.c. What the index says of the account must agree with what is
 * known here: each commit has the condition that the rows of mailboxes are as
 * they were read or written last. Where it does not hold, or where a commit
 * fails, the account is lost: its tasks are answered "later", its doors are
 * dropped, and when no task is under way any more it is read anew.
 */
/* The batch that the next commit takes: that of this turn, at the latest. */
struct engine_batch *account_batch(struct account *a);
/*
 * Commits it now, with the rows of the mailboxes that changed. To be called
 * before records are read that are then to be written. 0; -1: it is lost.
 */
int	account_commit(struct account *a) ATTR_CHECK;
/* True where the index did not answer as it should. It is lost where that is
   for good. */
int	account_failed(struct account *a, enum engine_result r);
/* Its number in the index, as index_number or index_number_make. */
enum engine_result account_number(struct account *a, int make) ATTR_CHECK;
/* An empty batch for index_delete and its like. */
struct engine_batch account_own_batch(const struct account *a);
/* Runs the item again when the account, which is busy, no longer is. */
void	account_wait(struct account *a, struct item *i);
/* A task ended. */
void	account_task_done(struct account *a);
/* Reads file and index anew (a new account is made, a lost index rebuilt). */
void	account_load(struct account *a);

/* account_adopt.c */
enum { MAILBOXES_FILE_MAX = 16 << 20 };
/* The text of its file mailboxes: 0, -1 with errno. */
int	account_read(const struct account *a, struct buf *text);
/* Fills in from that text, with the rows of the index. 0; -1: it is broken. */
int	account_adopt(struct account *a, const char *text, size_t len);
/* Loads it again after a rebuild, still busy; failed: it is broken. */
void	account_end_load(struct account *a, int failed);

/* The file mailboxes as it should be now. */
void	account_format(const struct account *a, struct buf *out);

/* NULL: there is none of that number, of that name. */
struct mailbox *account_mailbox(const struct account *a, uint32_t id);
struct mailbox *account_by_name(const struct account *a, const char *name);
/* The oldest that has all of these special uses. */
struct mailbox *account_by_use(const struct account *a, uint32_t attrs);
/* An empty one with that id, which is above all there are. */
struct mailbox *mailbox_new(struct account *a, uint32_t id);
/* Adds a mailbox with the next id and a fresh UIDVALIDITY; name is copied. */
struct mailbox *account_add(struct account *a, const char *name,
	    uint32_t attrs);
/* Gives it its id for life: UIDVALIDITY and id are used once in an account. */
void	mailbox_oid(struct mailbox *m);
/* Takes it out of the list; it is freed with the account. */
void	account_remove(struct account *a, struct mailbox *m);
void	account_changed(struct account *a);	/* the list: tells the doors */

/* Octets and messages of all mailboxes, with what is reserved. */
void	account_usage(const struct account *a, uint64_t *size_r,
	    uint64_t *count_r);

/* The state of a mailbox that may be shown. */
uint64_t mailbox_modseq(const struct mailbox *m);
void	mailbox_status(const struct mailbox *m, struct door_mailbox *r);
/* Counts a record in (sign 1) or out (-1). */
void	mailbox_count(struct index_row *row, const struct door_record *r,
	    int sign);
/* A commit with modseqs from first on; and, when it is durable, to last. */
void	mailbox_commit_begin(struct mailbox *m, uint64_t first);
void	mailbox_commit_seen(struct mailbox *m, uint64_t last);
/* Notes the uids as expunged at modseq (rows into the batch). */
void	mailbox_log_gone(struct mailbox *m, uint64_t modseq,
	    const uint32_t *uids, size_t n);
/* Its line in the flags file is behind. */
void	mailbox_dirty(struct mailbox *m, uint32_t uid);

/* account_message.c: records of messages, into the account's batch. */
/* A message that comes into being: it gets an id. */
void	mailbox_put_new(struct mailbox *m, const struct door_record *d);
/* One that has its id from elsewhere. */
void	mailbox_put(struct mailbox *m, const struct record *r);
/* A changed one, whose modseq was another before. */
void	mailbox_put_again(struct mailbox *m, struct record *r, uint64_t was);
/* Its rows go, but for what tells that it was there. */
void	mailbox_del(struct mailbox *m, const struct record *r);
/* A record that an earlier version wrote has no id: it gets the one that can
   be told from where it lies. */
void	message_id(const struct account *a, uint32_t mailbox,
	    struct record *r);
/* Records that are kept: what lies in the row is lent, a copy of it their own. */
void	message_keep(struct record *r);
void	messages_free(struct record *list, size_t n);

/* account_keywords.c */
/* Reads the keywords if they were not yet. 0; -1: the index does not answer. */
int	mailbox_keywords(struct mailbox *m) ATTR_CHECK;
/* The bit of a keyword, or -1; they must have been read. */
int	mailbox_keyword(struct mailbox *m, const char *p, size_t len);
/*
 * The bits of a packed lv list of names. With make those that have none get
 * one (rows into the batch, which may be committed): all or none, D_LIMIT
 * where there is no room. D_REFUSED: one is no keyword.
 */
enum door_error mailbox_bits(struct mailbox *m, const char *names, size_t len,
	    int make, uint64_t *bits_r);
/* A task is to give messages these bits: they keep their names until the
   release, when its rows are in the batch. */
void	mailbox_hold(struct mailbox *m, uint64_t bits);
void	mailbox_release(struct mailbox *m);

/*
 * account_first_use.c: makes the mailboxes of an account that has no list; it
 * is busy meanwhile. Where there are traces of an earlier one it is broken
 * instead.
 */
void	first_use(struct account *a);
/*
 * The same by order (for account_begin; arg: whose call it is): what only the
 * index knows is given up. Files are not.
 */
void	first_use_again(struct account *a);

/* account_evidence.c */
struct traces {
	int	 unread;		/* the index does not answer */
	uint32_t messages;		/* in the index */
	uint32_t highest_id;		/* of a mailbox there */
	int	 files;			/* folders are not empty; -1: errno */
};
void	traces_read(const struct account *a, struct traces *t);
int	traces_list_missing(const struct account *a);
/* 1 where a mailbox of the list is new to the index but not empty. */
int	traces_unknown(const struct account *a);

/* account_orphans.c: deletes the rows of mailboxes that are not in the list.
   0; -1: the index does not answer. */
int	leftover_delete(struct account *a) ATTR_CHECK;
/* account_recover.c: finishes what a crash left half done with its files. */
void	recover_account(struct account *a);

/* account_flags.c: appends what is behind; compacts where half is old. Lines
   of a file that is to be written anew. */
enum { FLAGSFILE_ANEW = INT32_MAX };
void	flagsfile_write(struct mailbox *m);
/* The same for whom the account is busy with. */
void	flagsfile_flush(struct mailbox *m);
/* True while something is not in the file. */
int	flagsfile_behind(const struct mailbox *m);

/* account_delivered.c */
/* ENGINE_DONE: that queue id was delivered into m before; _ABSENT: it was not;
   else the index does not answer. */
enum engine_result delivered_before(struct mailbox *m, uint64_t queue_id)
	    ATTR_CHECK;
/* It is now (rows into the batch); some that are too old are forgotten. */
void	delivered_note(struct mailbox *m, struct engine_batch *b,
	    uint64_t queue_id);
/* Reads the newest id at a load. */
enum engine_result delivered_adopt(struct account *a) ATTR_CHECK;

/* account_follow.c: the log for those who follow; rows into the batch of the
   change that they tell of. All do nothing where nobody follows. */
struct follow_log {		/* an event with its messages */
	struct mailbox *m;
	enum follow_type type;
	uint32_t to;
	struct buf items;
};
void	follow_add(struct follow_log *f, const struct follow_item *i);
void	follow_record(struct follow_log *f, const struct door_record *d);
void	follow_end(struct follow_log *f);
/* One message came in. */
void	follow_added(struct mailbox *m, const struct door_record *d);
/* The list changed. */
void	follow_list(struct account *a, enum follow_type type, uint32_t mailbox,
	    uint32_t attrs, const char *name);
/*
 * Appends what is committed behind *token (lib/mail/follow.h), and sets it to
 * what is to be asked with next. ENGINE_ABSENT: the log does not reach so far
 * back, or begins now.
 */
enum engine_result follow_read(struct account *a, uint32_t mailbox,
	    uint64_t *token, struct buf *out) ATTR_CHECK;
/* That is the file mailboxes now. */
void	follow_listed(struct account *a, const char *text, size_t len);
/* Reads its state at a load, where that is the file mailboxes. */
enum engine_result follow_adopt(struct account *a, const char *text,
	    size_t len) ATTR_CHECK;

/* account_quota.c */
enum quota { QUOTA_OK, QUOTA_FULL, QUOTA_NEVER, QUOTA_NO_USER, QUOTA_LATER };
/* May size octets in count messages be added? */
enum quota quota_check(struct account *a, uint64_t size, uint64_t count);
/*
 * May a message be delivered? The one that passes the bound may: what smtpd
 * took while there was room has a place, and from then on it says 452. One
 * larger than the whole quota never may (QUOTA_NEVER).
 */
enum quota quota_delivery(struct account *a, uint64_t size);
/* Compares usage and quota, and publishes a change. */
void	quota_note(struct account *a);
/* From now on the table is asked again (it was replaced). */
void	quota_forget(struct account *a);
/* 1 where an account with that quota is full. */
int	quota_is_full(const struct tables_user *q, uint64_t size,
	    uint64_t count);

/* account_quota_all.c */
/* Every account that is published as full is looked at again. */
void	quota_full_again(void);
/* Looks at every account once, and publishes. */
void	quota_start(void);

/* account_full.c: the names published as full. */
int	full_is(const char *name);
/* The name is full now, or no longer. */
void	full_change(const char *name, int on);
void	full_publish(void);
/* Calls each for every one, under the lock. */
void	full_each(void (*each)(void *arg, const char *name), void *arg);
/* Once a second: publishes what could not be published before. */
void	full_tick(void);

/* account_rebuild.c: makes the index of the account anew from its files. The
   account is busy; it is ended when done. Runs as a chore. */
void	rebuild_account(struct account *a);

#endif
