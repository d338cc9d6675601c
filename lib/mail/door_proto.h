/*
 * The messages of the door (door.h), for store and for the client side.
 *
 * The door of imapd and pop3d is one user's: requests name mailboxes by id,
 * and may name the owner of the mailbox (DF_OWNER). Store judges; for whom it
 * is not to be seen, it is not there (D_ABSENT).
 * The door of one that follows (PEER_FOLLOW) is for all accounts: every request
 * names the owner, none changes anything (follow.h).
 * The door of ctl is one user's, and is asked for over the control socket
 * (C_DOOR): it may say besides which numbers a mailbox and its messages have.
 * So is that of migrate, which puts mail in and reads none of it.
 * The door of deliver knows DM_DELIVER, and DM_FILE for what it changes.
 *
 * A request is answered by the message named beside it or by DM_FAILED, with
 * the request's frame id; id 0 is an event. Answers to one door may overtake
 * each other only for DM_DELIVER.
 */
#ifndef LIB_MAIL_DOOR_PROTO_H
#define LIB_MAIL_DOOR_PROTO_H

#include "lib/mail/door.h"
#include "lib/mail/result.h"

enum door_type {
	DM_LIST = 1,	/* DF_NAME: after this name; -> DM_MAILBOXES */
	DM_CREATE,	/* DF_NAME, DF_ATTRS -> DM_MAILBOX */
	DM_DELETE,	/* DF_MAILBOX -> DM_DONE */
	DM_RENAME,	/* DF_NAME, DF_TO_NAME -> DM_DONE */
	DM_SUBSCRIBE,	/* DF_NAME, DF_ON -> DM_DONE */
	DM_SUBSCRIBED,	/* -> DM_NAMES */
	DM_STATUS,	/* DF_MAILBOX -> DM_MAILBOX */
	DM_SELECT,	/* DF_MAILBOX, DF_ON: writable -> DM_MAILBOX */
	DM_UNSELECT,	/* DF_MAILBOX -> DM_DONE */
	DM_KEYWORDS,	/* DF_MAILBOX -> DM_NAMES */
	DM_RECORDS,	/* DF_MAILBOX, DF_MODSEQ, DF_UID: from it on ->
			   DM_RECORDS_ARE */
	DM_STORE,	/* DF_MAILBOX, DF_UIDS, DF_OP, DF_FLAGS, DF_NAMES,
			   DF_MODSEQ -> DM_RECORDS_ARE */
	DM_EXPUNGE,	/* DF_MAILBOX, DF_UIDS, DF_ON: any -> DM_GONE */
	DM_COPY,	/* DF_MAILBOX, DF_TO, DF_UIDS, DF_ON: DOOR_MOVE,
			   DOOR_WHOLE -> DM_COPIED */
	DM_OPEN,	/* DF_MAILBOX, DF_UIDS -> DM_FILES */
	DM_CACHE_GET,	/* DF_MAILBOX, DF_UIDS -> DM_CACHE */
	DM_CACHE_PUT,	/* DF_MAILBOX, DF_UID, DF_CACHE; no answer */
	DM_FILE,	/* -> DM_FILE_IS and a descriptor */
	DM_FILE_BACK,	/* DF_NAME; no answer */
	DM_APPEND,	/* -> DM_APPENDED; with DF_MORE others follow, of
			   which DF_COUNT is the number, and the last alone
			   is answered */
	DM_POP_LOCK,	/* -> DM_DONE */
	DM_QUOTA,	/* -> DM_QUOTA_IS */
	DM_DELIVER,	/* deliver, with a descriptor: struct door_delivery ->
			   DM_DELIVERED */

	DM_DONE,
	DM_FAILED,	/* DF_ERROR, DF_WORDS */
	DM_MAILBOXES,	/* DF_MAILBOXES, DF_MORE */
	DM_MAILBOX,	/* DF_MAILBOXES: one; DF_UID: lowest recent (SELECT) */
	DM_NAMES,	/* DF_NAMES */
	DM_RECORDS_ARE,	/* DF_RECORDS, DF_NAMES, DF_UIDS: gone or failed,
			   DF_MODSEQ, DF_MORE, DF_ON: complete; after STORE:
			   all keywords found room */
	DM_GONE,	/* DF_UIDS, DF_MODSEQ */
	DM_COPIED,	/* DF_UIDS, DF_TO_UIDS, DF_UIDVALIDITY */
	DM_FILES,	/* DF_FOUND and a descriptor for each octet 1 in it */
	DM_CACHE,	/* DF_CACHE: packed, DF_COUNT: uids answered */
	DM_FILE_IS,	/* DF_NAME */
	DM_APPENDED,	/* DF_UID: of several the first, DF_UIDVALIDITY */
	DM_QUOTA_IS,	/* DF_SIZE, DF_SIZE_MAX, DF_COUNT, DF_COUNT_MAX; where
			   the domain has bounds DF_NAME: it, DF_RECORDS: the
			   same four of it */
	DM_DELIVERED,	/* DF_RESULT, DF_WORDS */
	DM_EVENT,	/* id 0. DF_UIDS: ids of mailboxes; DF_ON: the list of
			   mailboxes changed; DF_OWNER: news of that account */

	DM_FOLLOW,	/* DF_OWNER, DF_MAILBOX, DF_MODSEQ: the token ->
			   DM_FOLLOWED */
	DM_FOLLOWED,	/* DF_RECORDS: events, DF_MODSEQ: the token, DF_ON: 0:
			   start anew, DF_MORE */

	DM_IDS,		/* DF_MAILBOX, DF_UIDS -> DM_IDS_ARE */
	DM_IDS_ARE,	/* DF_RECORDS: packed u32 uid, DOOR_ID octets */
	DM_VANISHED,	/* DF_MAILBOX, DF_MODSEQ -> DM_RECORDS_ARE without
			   records */
	DM_ADOPT,	/* ctl. DF_NAME, DF_ATTRS, DF_UIDVALIDITY and DF_UID
			   (UIDNEXT), or 0 -> DM_MAILBOX */
	DM_IMPORT,	/* ctl. As a DM_APPEND of several, with DF_UID, or 0,
			   and DF_RECORDS: the id, or nothing */
	DM_SCRIPT_IS,	/* DF_CACHE: a Sieve script, DF_NAMES; to a DM_DELIVER
			   with its descriptor: nothing was delivered */
	DM_SCRIPT_LIST,	/* ctl. -> DM_NAMES: of the active one (or ""), of
			   all */
	DM_SCRIPT_GET,	/* ctl. DF_NAME -> DM_SCRIPT_IS */
	DM_SCRIPT_PUT,	/* ctl. DF_NAME, DF_CACHE, DF_ON: activate it
			   -> DM_DONE */
	DM_SCRIPT_ACTIVATE, /* ctl. DF_NAME; "": none -> DM_DONE */
	DM_SCRIPT_DELETE, /* ctl. DF_NAME -> DM_DONE */
};

enum door_field {
	DF_MAILBOX = 1,	/* u32 id */
	DF_TO,		/* u32 id */
	DF_NAME,
	DF_TO_NAME,
	DF_ATTRS,	/* u32 enum door_attr */
	DF_ON,		/* u32 0 or 1; DM_COPY: bits */
	DF_UIDS,	/* packed u32 */
	DF_TO_UIDS,
	DF_OP,		/* u32 enum door_op; DM_DELIVER: enum door_filter */
	DF_FLAGS,	/* u32 enum door_flag; DM_APPEND, DM_DELIVER: with
			   enum door_mark; DOOR_MARK: that alone */
	DF_NAMES,	/* packed lv; DM_RECORDS_ARE: see door_pack_wide */
	DF_MODSEQ,	/* u64 */
	DF_UID,		/* u32 */
	DF_CACHE,
	DF_SIZE,	/* u64 */
	DF_SIZE_MAX,
	DF_COUNT,	/* u64 */
	DF_COUNT_MAX,
	DF_CRC,		/* u32 */
	DF_HEADER,	/* u32 */
	DF_DATE,	/* u64, a signed number of seconds */
	DF_QUEUE_ID,	/* 16 hex digits */
	DF_OWNER,	/* an address; absent: the door's own user */
	DF_RESULT,	/* u32 enum result */
	DF_WORDS,
	DF_ERROR,	/* u32 enum door_error */
	DF_MORE,	/* u32 1: ask again from after the last; DM_APPEND */
	DF_MAILBOXES,	/* packed: see door_pack_mailbox */
	DF_RECORDS,	/* packed: see door_pack_record */
	DF_UIDVALIDITY,
	DF_FOUND,	/* an octet 0 or 1 per uid asked for */
};

enum {
	DOOR_SUM_SIZE = 32,
	DOOR_RECORD_SIZE = 48,
	DOOR_RECORD_MAX = 80,		/* octets that it may come to have */
	DOOR_RECORDS_MAX = 11000,	/* of one frame; uids too */
	DOOR_CHANGE_MAX = 2048,		/* uids of one STORE, EXPUNGE, MOVE:
					   others are served between */
	DOOR_COPY_UIDS_MAX = 120000,	/* of one COPY */
	DOOR_PACKED_MAX = 900 * 1024,	/* a packed list in one field, with
					   DF_NAMES */
	DOOR_WIDE_MAX = DOOR_CHANGE_MAX * (8 + KEYWORD_PACKED),
	DOOR_MAILBOX_MAX = DOOR_NAME_MAX + 500,	/* one packed mailbox */
	DOOR_APPENDS_SIZE = 4 << 20,	/* octets that say what they are */
	DOOR_SCRIPT_NAMES_MAX = 512 * 1024, /* names with a script */
	DOOR_SUBSCRIBED_MAX = 500,	/* names that are no mailbox */
	DOOR_FILES_MAX = 2100,		/* unused files of one door: two APPENDs
					   of as many messages as there may be */
};

extern const struct msg_proto proto_door;

/*
 * A list of records: u32, how many octets a record has; then the records,
 * little-endian, in the order of the struct. What a writer adds follows
 * that: a reader passes over what it does not know, and has zeros for what is
 * not there. No record at all is no octet. A list begins where b is empty.
 */
int	door_pack_record(struct buf *b, const struct door_record *r);

/* What a record with MARK_WIDE has besides: u32 uid, lv keywords. Nothing where
   len is 0. */
int	door_pack_wide(struct buf *b, uint32_t uid, const void *p,
	    size_t len);

struct door_packed {
	const char *p;		/* borrowed */
	size_t	 n, size;	/* records; octets of one */
};

/* 0, or -1 where p..len is no such list. */
int	door_unpack_records(struct door_packed *l, const char *p, size_t len)
	    ATTR_CHECK;
/* Record i of the n. */
void	door_unpack_record(const struct door_packed *l, size_t i,
	    struct door_record *r);

/*
 * A mailbox: u32, how many octets follow; u32 id, uidvalidity, uidnext, attrs,
 * messages, unseen, deleted, recent; u64 size, highestmodseq; lv name; the
 * octets of its id (zeros where they are missing). What a writer adds follows
 * that, and is passed over.
 */
int	door_pack_mailbox(struct buf *b, const struct door_mailbox *m);
/* name_r is borrowed. 0, or -1 where the data are broken. */
int	door_unpack_mailbox(struct cursor *c, struct door_mailbox *m,
	    const char **name_r, size_t *len_r);

/* Where a message goes in its recipient's account, and as what. All zero: into
   INBOX, as it is. */
struct door_action {
	/*
	 * The mailbox that has all of these special uses (ATTR_JUNK, ...);
	 * where there is none, or attrs is 0, the one of that name; where there
	 * is none either, it is made if make says so, else it is INBOX.
	 * (RFC 5228 4.1, 5490 3.2, 8579 5.)
	 */
	const char *mailbox;	/* UTF-8, may be NULL */
	uint32_t attrs;
	int	 make;
	uint32_t flags;
	const char *keywords;	/* packed lv; a malformed one, or one that
				   finds no room in the mailbox, is left out */
	size_t	 keywords_len;
};

/* Whether the recipient's own script is asked for. */
enum door_filter {
	DOOR_UNFILTERED,	/* it has run, or is not to run */
	/* Where the account has an active one, nothing is delivered, and the
	   answer is DM_SCRIPT_IS ... */
	DOOR_FILTER,
	DOOR_FILTER_NAMES,	/* ... with the names of its mailboxes */
};

struct door_delivery {
	const char *queue_id, *owner;
	uint64_t size;		/* of the body that is to be delivered */
	uint32_t header_len, mark;
	int64_t	 date;
	const void *cache;
	size_t	 cache_len;
	struct door_action action;
	const char *file;	/* a fresh file (DM_FILE) whose body is to be
				   delivered, changed; NULL: queue's */
	uint32_t crc;		/* crc32c of that file */
	enum door_filter filter;
};

/*
 * deliver: builds the request, under id, to put a message into a mailbox of
 * its owner. fd, a descriptor of the queue's file, proves that deliver was
 * given it; it is taken over. A repeat of the same queue id, owner and mailbox
 * is answered RESULT_DELIVERED again and adds nothing. 0, or -1 (a bound was
 * passed; fd is closed).
 *
 * Who asks for a script (d->filter) may be answered DM_SCRIPT_IS instead, with
 * a descriptor of the same file.
 */
int	door_put_deliver(struct chan *c, uint32_t id,
	    const struct door_delivery *d, int fd);
/* What a DM_DELIVERED says. 0, or -1: it is another message. */
int	door_get_delivered(const struct msg *m, enum result *result_r,
	    char words_r[RESULT_WORDS_MAX + 1]);

#endif
