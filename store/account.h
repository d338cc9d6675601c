/*
 * Accounts and mailboxes in memory. All of it belongs to the shard's thread;
 * the syncers read name, path and shard alone.
 */
#ifndef STORE_ACCOUNT_H
#define STORE_ACCOUNT_H

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
	uint64_t size, messages;	/* of it, in the account's sum */
	struct index_row seen;		/* as may be shown: durable counts */
	char	 was[INDEX_ROW];	/* row, as it is in the index */
	unsigned was_len;		/* 0: it is not there */
	int	 known;			/* row was read at the load */
	unsigned unpublished;		/* commits that are not durable yet */
	uint64_t hold;			/* modseq of the first of them */
	char	**keywords;		/* NULL until mailbox_keywords */
	unsigned n_keywords;
	int	 keywords_loaded;
	int	 keywords_full;		/* messages carry all bits */
	unsigned keywords_filed;	/* so many stand in the flags file */
	int64_t	 gone_looked;		/* for old expunges: clock_mono_ms */
	struct keyword_set *held;	/* bits of messages under way, or NULL */
	unsigned holders;
	/* flags file */
	uint32_t *dirty;		/* uids whose line is behind */
	size_t	 n_dirty, cap_dirty;
	int	 dirty_all;		/* more than fit: look for them */
	int	 flags_busy;
	int	 anew;			/* the next file is a new one */
	int64_t	 dirty_since;		/* clock_mono_ms; 0: not in the list */
	struct mailbox *next_dirty, *prev_dirty;
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

/* What numbers from another server leave above them: UIDs of a mailbox,
   UIDVALIDITYs of an account. */
enum { MAILBOX_SPARE = 1 << 28 };

enum account_state {
	ACCOUNT_NEW,		/* nothing read yet */
	ACCOUNT_READY,
	ACCOUNT_BROKEN,		/* its files make no sense: later */
	ACCOUNT_ABSENT,		/* the tables know no such user */
};

struct account {
	struct account *next;		/* in the shard's table */
	struct leftover *left;		/* account_orphans.c */
	void	(*go_on)(struct account *); /* it, after who was alone */
	struct account *newer, *older;	/* by the last use; account_keep.c */
	size_t	 counted;		/* mailboxes, in the shard's number */
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

	struct {			/* account_expunged.c */
		uint64_t size;		/* about; with known at most that */
		int	 known, looking;
	} kept;

	uint64_t size, messages;	/* of all mailboxes: shard_counted */
	int	 uncounted;		/* ... which are not all read */
	uint64_t pending_size, pending_count;	/* reserved by tasks */
	struct tables_user quota;
	int64_t	 quota_read;		/* clock_mono_ms; 0: never */
	int	 scripted;		/* it has an active script */
	int	 no_former;		/* nothing is left of who had another
					   name (ctl_rename.h) */
	int	 full;			/* as published */
	int	 warned;		/* account_warn.c; -1: not read */
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

/*
 * Takes the account for one change alone: no request is begun until
 * account_end; idle is called when no task is under way any more.
 */
void	account_begin(struct account *a, void (*idle)(struct account *),
	    void *arg);
void	account_end(struct account *a);
/* Runs the item again when the account, which is busy, no longer is. */
void	account_wait(struct account *a, struct item *i);
/* A task ended. */
void	account_task_done(struct account *a);

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

/* Room that a task takes, until it has added what it brings; and gives back. */
void	account_reserve(struct account *a, uint64_t size, uint64_t count);
void	account_release(struct account *a, uint64_t size, uint64_t count);
/* Octets and messages of all mailboxes, with what is reserved. */
void	account_usage(const struct account *a, uint64_t *size_r,
	    uint64_t *count_r);

#endif
