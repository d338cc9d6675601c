/*
 * The door: a channel on which store answers for one user (imapd, pop3d, ctl). The
 * client side, blocking; door_proto.c holds the message table, which store
 * uses too, and what deliver says on a door of its own.
 *
 * Master told store whose door it is; no call here names a user.
 * Calls return 0, or -1 with door_error() saying which
 * enum door_error; D_LOST means that store went away: get a new door from
 * master (server_peer or wired()), set it, select again by UIDVALIDITY and
 * modseq.
 *
 * Events (a watched mailbox changed) arrive between answers and are kept:
 * door_events tells. Arrays handed out belong to the caller unless said so.
 */
#ifndef LIB_MAIL_DOOR_H
#define LIB_MAIL_DOOR_H

#include <stdint.h>

#include "lib/base/chan.h"
#include "lib/base/msg.h"
#include "lib/mail/keyword_set.h"
#include "lib/mail/limits.h"

enum door_error {
	D_OK,
	D_LOST,		/* no store: later */
	D_LATER,	/* store is in trouble (disk full, ...): later */
	D_ABSENT,	/* no such mailbox or message */
	D_EXISTS,	/* that name is taken */
	D_REFUSED,	/* bad name, INBOX, a bound was reached */
	D_QUOTA,	/* over quota */
	D_IN_USE,	/* another POP3 session holds the lock */
	D_READONLY,
	D_GONE,		/* a message that was to be copied is not there */
};

/* System flags; a message's keywords are bits of its mailbox's keyword list. */
enum door_flag {
	FLAG_SEEN = 1, FLAG_ANSWERED = 2, FLAG_FLAGGED = 4, FLAG_DELETED = 8,
	FLAG_DRAFT = 16,
	FLAG_ALL = 31,
};

/*
 * How a message's file ends, beside its flags in one word; clients neither see
 * nor set it. Neither of the first two: nobody has looked yet.
 */
enum door_mark {
	MARK_WHOLE = 1 << 16,	/* with CRLF, or the file is empty */
	MARK_CUT = 1 << 17,	/* otherwise: POP3 sends a CRLF behind it */
	MARK_ALL = MARK_WHOLE | MARK_CUT,
	MARK_WIDE = 1 << 18,	/* it has keywords beyond the 64 of the record */
	MARK_FETCHED = 1 << 19,	/* a POP3 session has deleted it, and it is kept
				   (pop3_keep): POP3 does not show it */
};

/* The last octets of a message that is seen in pieces; all 0 at first. */
struct door_tail {
	char	 last[2];
	unsigned n;
};

void	door_tail_add(struct door_tail *t, const char *p, size_t len);
/* The mark of a message that ends so. */
uint32_t door_tail_mark(const struct door_tail *t);

/* RFC 6154, and what we keep beside it. */
enum door_attr {
	ATTR_DRAFTS = 1, ATTR_SENT = 2, ATTR_TRASH = 4, ATTR_JUNK = 8,
	ATTR_ARCHIVE = 16, ATTR_FLAGGED = 32,
	ATTR_USES = 63,
	ATTR_SUBSCRIBED = 256,
	ATTR_NOSELECT = 512,	/* a name that only has children */
};

enum {
	DOOR_NAME_MAX = 1000,		/* octets of a mailbox name (UTF-8) */
	DOOR_DEPTH_MAX = 32,		/* levels; "/" separates */
	DOOR_MAILBOXES_MAX = 10000,	/* of one user */
	DOOR_NAMES_MAX = KEYWORDS_MAX,	/* keywords that one command names */
	DOOR_KEYWORD_LEN = KEYWORD_LEN,
	DOOR_APPENDS_MAX = 1000,	/* messages of one APPEND */
	DOOR_OPEN_MAX = 32,		/* messages of one door_open */
	DOOR_CACHE_MAX = 256 * 1024,	/* one cache record */
	DOOR_NEWS_MAX = 8 << 20,	/* octets of names with news */
	DOOR_FILE_NAME = 31,		/* octets of the name of a fresh file */
	DOOR_SCRIPT_MAX = 128 << 10,	/* octets of a Sieve script */
	DOOR_SCRIPTS_MAX = 256 << 10,	/* ... of all of a user, with names */
	DOOR_SCRIPT_NAME = 100,		/* octets of the name of one */
	DOOR_ID = 16,			/* octets of an id for life */
};

struct door_mailbox {
	uint32_t id, uidvalidity, uidnext, attrs;
	uint32_t messages, unseen, deleted, recent;
	uint64_t size, highestmodseq;
	char	*name;		/* UTF-8, "INBOX" or "a/b" */
	unsigned char oid[DOOR_ID]; /* its id for life (RFC 8474, MAILBOXID) */
};

/* One message. uids rise strictly in every array. */
struct door_record {
	uint32_t uid;
	uint32_t flags;		/* enum door_flag, enum door_mark */
	uint64_t keywords;	/* bit i: keyword i of the mailbox; with
				   MARK_WIDE there are more (door.wide) */
	uint64_t modseq;
	int64_t	 date;		/* INTERNALDATE, seconds */
	uint64_t size;
	uint32_t header_len;	/* octets up to and with the empty line */
	uint32_t save_date;	/* seconds it came into this mailbox */
};

/* A call that was begun and is not waited for. */
struct door_later {
	uint32_t id;		/* of the request; 0: there is none */
	int	 answered;
	uint32_t *from, *to;	/* what was copied */
	size_t	 n;
	uint32_t uid, uidvalidity;	/* of what was appended, the first */
	enum door_error error;	/* D_OK: it went well */
	char	 words[200];
};

struct door {
	struct chan chan;
	enum peer kind;		/* what we are: PEER_IMAPD, ... */
	/*
	 * Whose mailboxes the calls are about, and whose the target of
	 * door_copy is: addresses, the caller's to set and to keep. NULL: the
	 * door's own user, as ever in the calls that name no mailbox.
	 */
	const char *owner, *to_owner;
	uint32_t next_id;
	unsigned times;		/* door_set was called: another store */
	enum door_error error;
	char	 words[200];
	/* mailboxes that changed since door_events was last asked */
	uint32_t *events;
	size_t	 n_events, cap_events;
	int	 list_changed;
	struct door_later later;
	/* A fresh file that came with the answer to an APPEND. */
	int	 spare;
	char	 spare_name[DOOR_FILE_NAME + 1];	/* empty: none */
	int	 appends;	/* it has appended before, and may again */
	/*
	 * What the last call that gave records gave besides: for each of them
	 * with MARK_WIDE, in order, its u32 uid and lv further keywords
	 * (keyword_set.h). Until the next such call.
	 */
	struct buf wide;
	int	 no_room;	/* a keyword of the last door_store had none in
				   the mailbox */
	struct buf news;	/* lv names of accounts that have some, for one
				   that follows (follow.h) */
};

/* Takes fd over; -1: lost until door_set. */
void	door_init(struct door *d, enum peer kind, int fd);
void	door_set(struct door *d, int fd);
void	door_clear(struct door *d);
enum door_error door_error(const struct door *d);
const char *door_words(const struct door *d);

/* All mailboxes, sorted by name with INBOX first. First use makes INBOX,
   Drafts, Sent, Junk, Trash, Archive with their attributes, subscribed. */
int	door_list(struct door *d, struct door_mailbox **list_r, size_t *n_r);
void	door_list_free(struct door_mailbox **list, size_t n);
int	door_create(struct door *d, const char *name, uint32_t attrs,
	    struct door_mailbox *m_r);
int	door_delete(struct door *d, uint32_t id);
/* Renames with all children. INBOX: its messages move to the new mailbox. */
int	door_rename(struct door *d, const char *from, const char *to);
/* Subscribes a name, which need not exist (RFC 3501 6.3.6). */
int	door_subscribe(struct door *d, const char *name, int on);
/* Names subscribed that are no mailbox: packed lv list. */
int	door_subscribed(struct door *d, struct buf *names_r);
/* Counts of one mailbox; name is NULL in the answer. */
int	door_status(struct door *d, uint32_t id, struct door_mailbox *m_r);
/*
 * As door_status, and from now on changes of it are events. With writable the
 * messages counted in recent belong to this session and are no longer recent;
 * their lowest uid comes in recent_uid_r.
 */
int	door_select(struct door *d, uint32_t id, int writable,
	    struct door_mailbox *m_r, uint32_t *recent_uid_r);
int	door_unselect(struct door *d, uint32_t id);
/* The mailbox's keywords, in bit order: packed lv list. */
int	door_keywords(struct door *d, uint32_t id, struct buf *list_r);

/*
 * Records with modseq > since (0: all), in uid order; and the uids expunged
 * since then (since 0: none), packed u32. complete_r is 0 where the expunge
 * log does not reach back: then read all. modseq_r: state this answer shows.
 */
int	door_records(struct door *d, uint32_t id, uint64_t since,
	    struct door_record **rec_r, size_t *n_r, uint32_t **gone_r,
	    size_t *n_gone_r, uint64_t *modseq_r, int *complete_r);
/*
 * All records from uid from on, but no more than one answer holds, appended to
 * rec (which the caller frees). more_r: there may be others, above the last one.
 * modseq_r: the state that it shows. 0, or -1.
 */
int	door_records_from(struct door *d, uint32_t id, uint32_t from,
	    struct door_record **rec, size_t *n, uint64_t *modseq_r,
	    int *more_r);
/*
 * The same as door_records for a session that may write and is told next: with take what is
 * recent is its own from then on, as in door_select, if complete_r is not 0.
 * recent_uid_r: the lowest uid of that; 0: nothing.
 */
int	door_changes(struct door *d, uint32_t id, uint64_t since, int take,
	    struct door_record **rec_r, size_t *n_r, uint32_t **gone_r,
	    size_t *n_gone_r, uint64_t *modseq_r, int *complete_r,
	    uint32_t *recent_uid_r);

/*
 * The uids expunged since then, rising. complete_r is 0 where they are too
 * many, or the expunge log does not reach back: the mailbox has lost more.
 */
int	door_vanished(struct door *d, uint32_t id, uint64_t since,
	    uint32_t **gone_r, size_t *n_gone_r, int *complete_r);

enum door_op { DOOR_SET, DOOR_ADD, DOOR_REMOVE, DOOR_MARK };
/*
 * RENAME of INBOX moves its messages to the new mailbox, all or none of them,
 * and takes its time: not waited for, as door_copy_begin.
 */
int	door_rename_begin(struct door *d, const char *from, const char *to,
	    uint32_t *id_r);
int	door_rename_end(struct door *d, uint32_t id);

/*
 * Changes flags of n messages. keywords: NULL-terminated names or NULL.
 * unchanged_since: UINT64_MAX for no condition; messages with a higher modseq
 * are left alone and come in failed_r (CONDSTORE, RFC 7162).
 * The new records come in rec_r. With DOOR_MARK flags is the mark of those that
 * have none yet, and nobody is told of it.
 *
 * Many messages go in parts of DOOR_CHANGE_MAX, with others served between;
 * so too in door_expunge, and in door_copy with DOOR_MOVE. Where one fails
 * (-1) what the parts before it did comes all the same: the arrays are set
 * and the caller's to free in any case.
 */
int	door_store(struct door *d, uint32_t id, const uint32_t *uids, size_t n,
	    enum door_op op, uint32_t flags, char **keywords,
	    uint64_t unchanged_since, struct door_record **rec_r,
	    size_t *n_rec_r, uint32_t **failed_r, size_t *n_failed_r);
/* Expunges those of the messages that are \Deleted (any: all of the n). */
int	door_expunge(struct door *d, uint32_t id, const uint32_t *uids,
	    size_t n, int any, uint32_t **gone_r, size_t *n_gone_r,
	    uint64_t *modseq_r);
enum { DOOR_MOVE = 1, DOOR_WHOLE = 2 };
/*
 * Copies (DOOR_MOVE: moves) those of the n messages that are there, all or
 * none; with DOOR_WHOLE none where one is not there (D_GONE). from_r/to_r: n_r
 * pairs of uids really copied, in order; uidvalidity_r of the target. More than
 * DOOR_COPY_UIDS_MAX are copied in parts, and expunged again where a later one
 * fails; parts of a MOVE are each all or none.
 */
int	door_copy(struct door *d, uint32_t from, uint32_t to,
	    const uint32_t *uids, size_t n, int how, uint32_t **from_r,
	    uint32_t **to_r, size_t *n_r, uint32_t *uidvalidity_r);

/*
 * The same, of at most DOOR_COPY_UIDS_MAX messages, and not waited for: begins
 * it, and other calls go on. One such call at a time: D_REFUSED while
 * door_busy. id_r names it in the calls below.
 */
int	door_copy_begin(struct door *d, uint32_t from, uint32_t to,
	    const uint32_t *uids, size_t n, int how, uint32_t *id_r);
/* Is there one that was begun and not ended? */
int	door_busy(const struct door *d);
/* Is there an answer, so that door_copy_end, or whatever ends it, has something
   to say? */
int	door_answered(const struct door *d);
/* Ends it, with the answer of door_copy. Without one it is forgotten, and goes
   on: D_LATER. */
int	door_copy_end(struct door *d, uint32_t id, uint32_t **from_r,
	    uint32_t **to_r, size_t *n_r, uint32_t *uidvalidity_r);

/* Freshly opened O_RDONLY descriptors, of expunged messages too, as long as
   they are kept; -1 for a message that is gone. */
int	door_open(struct door *d, uint32_t id, const uint32_t *uids, size_t n,
	    int *fds_r);
/* Cache records (mime_structure.h): packed u32 uid, lv record (empty: none).
   Answers as many of the n as fit a frame, from the first on; n_done_r. */
int	door_cache_get(struct door *d, uint32_t id, const uint32_t *uids,
	    size_t n, struct buf *packed_r, size_t *n_done_r);
/*
 * Ids for life of those of at most DOOR_CHANGE_MAX messages that are there
 * (RFC 8474, EMAILID): packed u32 uid, DOOR_ID octets.
 */
int	door_ids(struct door *d, uint32_t id, const uint32_t *uids, size_t n,
	    struct buf *packed_r);
/* Offers a computed record; nothing is waited for. */
int	door_cache_put(struct door *d, uint32_t id, uint32_t uid,
	    const void *p, size_t len);

/*
 * APPEND: an empty file to write into (O_WRONLY) and its name. Write, fd_sync,
 * close, then append. An unused file goes away with the door; door_file_back
 * says earlier that it is not wanted (nothing is waited for). From the second
 * door_append of a door on the file for the next one comes with the answer,
 * so that door_file asks nobody. flags has the mark with them.
 */
int	door_file(struct door *d, int *fd_r, char name_r[DOOR_FILE_NAME + 1]);
int	door_file_back(struct door *d, const char *name);
int	door_append(struct door *d, uint32_t id, const char *file,
	    uint64_t size, uint32_t crc, uint32_t header_len, uint32_t flags,
	    char **keywords, int64_t date, const void *cache, size_t cache_len,
	    uint32_t *uid_r, uint32_t *uidvalidity_r);

/*
 * Several messages, which become messages together or not at all: n from 2 to
 * DOOR_APPENDS_MAX, each with its file. Not waited for, as door_copy_begin.
 * Their uids are uid_r and the n - 1 that follow it. The files are store's,
 * whatever becomes of it.
 */
struct door_appended {
	const char *file;
	uint64_t size;
	uint32_t crc, header_len, flags;
	char	**keywords;		/* NULL-terminated, or NULL */
	int64_t	 date;
};
int	door_append_begin(struct door *d, uint32_t id,
	    const struct door_appended *list, size_t n, uint32_t *id_r);
int	door_append_end(struct door *d, uint32_t id, uint32_t *uid_r,
	    uint32_t *uidvalidity_r);

/*
 * Of ctl and migrate: what comes from another server, with the numbers that it had
 * there, so that clients need not fetch it again. The quota does not hold here;
 * it does for what is delivered from then on.
 *
 * The mailbox of that name: made where there is none, with its attributes
 * (special uses that no other mailbox in use has; ATTR_SUBSCRIBED). With
 * uidvalidity, unless it is 0, where it is new or never had a message: one that
 * is there is then replaced, and who has it selected finds it gone. Its UIDNEXT
 * becomes uidnext, if that is more. Said again it changes nothing. m_r says
 * what it has now. D_REFUSED: bad name, or numbers that leave no room.
 */
int	door_adopt(struct door *d, const char *name, uint32_t attrs,
	    uint32_t uidvalidity, uint32_t uidnext, struct door_mailbox *m_r);

/*
 * Messages, which become some together or not at all, and are durable with the
 * answer: n from 1 to DOOR_APPENDS_MAX, in DOOR_APPENDS_SIZE octets. Not
 * waited for: door_append_end. Each has the uid that it names, which lies above
 * the one before it; or, with 0, the next. D_EXISTS: a uid has been given out
 * already (UIDNEXT is above it). id, unless it is zeros, is its id for life
 * (door_ids): who tells it from where the message comes from knows by it later
 * what is there. Store does not look for one that is there twice.
 */
struct door_imported {
	struct door_appended m;
	uint32_t uid;
	unsigned char id[DOOR_ID];
};
int	door_import_begin(struct door *d, uint32_t id,
	    const struct door_imported *list, size_t n, uint32_t *id_r);
/* The same, waited for. */
int	door_import(struct door *d, uint32_t id,
	    const struct door_imported *list, size_t n, uint32_t *uid_r,
	    uint32_t *uidvalidity_r);

/* POP3: takes this user's one POP3 lock until the door closes (D_IN_USE). */
int	door_pop_lock(struct door *d);
/* Octets and messages, and their bounds (0: none). */
struct door_usage {
	uint64_t size, size_max, count, count_max;
};
/* Of the user's mailboxes; and of all those of the domain of that name, "":
   it has no bounds. */
struct door_quotas {
	struct door_usage user, domain;
	char	 name[DOMAIN_MAX + 1];
};
int	door_quotas(struct door *d, struct door_quotas *q_r);
/* The user's alone. */
int	door_quota(struct door *d, uint64_t *size_r, uint64_t *size_max_r,
	    uint64_t *count_r, uint64_t *count_max_r);

/*
 * Sieve scripts of the user, by name: 1 to DOOR_SCRIPT_NAME octets of UTF-8
 * without control characters. At most one is active. Only ctl's door has them.
 * D_ABSENT: no such script; D_REFUSED: a name that may not be, or no room
 * (DOOR_SCRIPTS_MAX).
 */
/* names_r: packed lv, first the active one's, or "". */
int	door_script_list(struct door *d, struct buf *names_r);
int	door_script_get(struct door *d, const char *name, struct buf *text_r);
/* Puts it in place of the one of that name; activates it, or leaves that as
   it is. What it says is not looked at. Durable with the answer, as all. */
int	door_script_put(struct door *d, const char *name, const char *p,
	    size_t len, int activate);
/* "": none is active any more. */
int	door_script_activate(struct door *d, const char *name);
/* The active one, too: then none is active. */
int	door_script_delete(struct door *d, const char *name);

/*
 * Has anything changed? Reads what is there without blocking. 1: ids of the
 * changed mailboxes in list_r (borrowed until the next call), list_changed_r
 * says that the list of mailboxes did; 0: nothing; -1: D_LOST.
 */
int	door_events(struct door *d, const uint32_t **list_r, size_t *n_r,
	    int *list_changed_r);
/*
 * True where door_events has something to tell that was read already, with
 * the answer of some call: no descriptor will wake anybody for it.
 */
int	door_pending(const struct door *d);

#endif
