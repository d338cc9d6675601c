/*
 * What the keys and values of the index mean.
 *
 * A key begins with its group: account number u32, mailbox id u32 (0: the
 * account itself), big-endian, then a kind and what tells its rows apart:
 *
 *   (0, 0)        'E'                 u64: the owner's epoch, the engine's own
 *   (0, 0)        'v'                 u32: the version (in database 0 alone)
 *   (0, 0)        'g'                 u64: the index is as new as a mail of this
 *                                     number (generation.h; in database 0)
 *   (0, 0)        'n'                 u32: the next account number
 *   (0, 0)        'u' name            u32: the account's number
 *   (account, 0)  'C'                 "" or u64: the account's rows are
 *                                     complete (its folders were looked at
 *                                     after that crash: account_recover.c)
 *   (account, 0)  'D'                 u32, u32: an earlier account of that name
 *                                     had mailbox ids and UIDVALIDITYs up to
 *                                     these; it outlives all other rows
 *   (account, 0)  'M' mailbox u32     counters of a mailbox (struct index_row)
 *   (account, 0)  'K' mailbox u32     its keywords, packed lv, in bit order
 *   (account, 0)  'f'                 there is a log for those who follow:
 *                                     u8 1, u64 whole after it, u32 octets,
 *                                     u32 crc32c of the file mailboxes
 *   (account, 0)  'F' modseq u64      an event of it (lib/mail/follow.h)
 *   (account, 0)  'Q' queue id u64    "": that delivery was made, into INBOX
 *   (account, 0)  'Q' queue id u64, mailbox u32   "": into another mailbox
 *   (account, 0)  'P'                 "": there may be messages in the INBOX that
 *                                     POP3 deleted and that are kept
 *   (account, 0)  'R' mailbox, uid    "": moved away; its file is to go
 *   (account, 0)  'V' modseq u64      a MOVE whose source still has its rows:
 *                                     u32 from, u32 to, packed u32 uids
 *   (account, 0)  'X' when u32, mailbox, uid
 *                                     a message that was expunged then, as 'm'
 *   (account, 0)  'W'                 u8: 1 or 2: that the mailbox is nearly full
 *                                     was told (account_warn.h)
 *   (account, 0)  'w' domain          u8: the same of a domain, to who is its
 *                                     postmaster (sum_warn.h)
 *   (account, mb) 'm' uid u32         a message (struct record)
 *   (account, mb) 'o' modseq u64, uid "": the message was changed to that modseq
 *                                     since it came; those of messages as they
 *                                     came rise with their uids
 *   (account, mb) 'x' modseq u64      u8 2, u32 when, packed u32: uids expunged
 *                                     with that modseq; without the first two
 *                                     as version 1 wrote it
 *
 * In the cache table (account, mb) 'm' uid is a record of lib/mail/mime.h.
 * A message takes 13 octets of key and 49, with keywords 57, of value, more with
 * keywords beyond the first 64 (record.h); a key of 21 when it was changed. The last octet of its size is the mark (enum
 * door_mark), 0 where version 2 wrote it.
 *
 * Whoever reads passes over kinds of rows that it does not know, and keeps what
 * follows the fields that it knows; so these are free to come, without a new
 * version: fields of a message (struct record: more; for annotations, RFC 5257
 * and 5464), of a mailbox (struct index_row: more; for its rights and what it
 * is to others), and kinds of rows ('p': what another user has seen, 'a': an
 * annotation of the mailbox). They go with their mailbox or account. A change
 * that older readers would misread is a new version, and they refuse to start.
 */
#ifndef STORE_INDEX_H
#define STORE_INDEX_H

#include <stdint.h>

#include "store/engine.h"
#include "store/record.h"

enum {
	INDEX_ROW = 128,	/* room for the value of a row 'M' */
	INDEX_ROW_MORE = 40,	/* octets of fields that are not known */
	INDEX_KEY = 24,		/* room for any key but 'u' */
	INDEX_VERSION = 3,
	INDEX_GONE_ROW = 32,	/* what a row of the expunge log takes, about,
				   beside its uids */
};

struct index_key {
	unsigned char k[INDEX_KEY];
	size_t	 len;
};

/* Counters of a mailbox: what the table holds for it. */
struct index_row {
	uint32_t uidnext, messages, unseen, deleted;
	uint32_t recent, recent_low;	/* uids >= recent_low are recent */
	uint64_t size, modseq;
	uint64_t flags_modseq;	/* the flags file holds all up to here */
	uint64_t gone_floor;	/* the expunge log reaches back to here */
	uint32_t gone_size;	/* octets of that log, about */
	uint32_t flags_lines;
	uint64_t order_floor;	/* rows 'o' tell of all changes after it */
	unsigned more_len;	/* fields that are not known */
	unsigned char more[INDEX_ROW_MORE];
};

struct index_key index_group(uint32_t account, uint32_t mailbox);
/* (account, 0) kind a; with the plain kind octet alone where n is 0. */
struct index_key index_account_key(uint32_t account, char kind);
struct index_key index_key_u32(uint32_t account, char kind, uint32_t v);
struct index_key index_key_u64(uint32_t account, char kind, uint64_t v);
struct index_key index_key_file(uint32_t account, uint32_t mailbox,
	    uint32_t uid);
/* A delivery into a mailbox; 0: into INBOX, whatever its id is. */
struct index_key index_delivered(uint32_t account, uint64_t queue_id,
	    uint32_t mailbox);
/* The queue id of such a key; 0 where it has none. */
uint64_t index_delivered_id(const void *key, size_t len);
struct index_key index_message(uint32_t account, uint32_t mailbox,
	    uint32_t uid);
struct index_key index_gone(uint32_t account, uint32_t mailbox,
	    uint64_t modseq);
struct index_key index_order(uint32_t account, uint32_t mailbox,
	    uint64_t modseq, uint32_t uid);
struct index_key index_expunged(uint32_t account, uint32_t when,
	    uint32_t mailbox, uint32_t uid);

/* The last four or eight octets of a key as a number. */
uint32_t index_tail_u32(const void *key, size_t len);
uint64_t index_tail_u64(const void *key, size_t len);

/* Mends what another program said of a message and no file can prove: the
   length of its header, the date, the mark. */
void	index_sane(struct door_record *d);
int	index_has_id(const struct record *r);
/* These are rows of the batch's account. */
void	index_put_record(struct engine_batch *b, uint32_t mailbox,
	    const struct record *r);
void	index_put_expunged(struct engine_batch *b, uint32_t mailbox,
	    const struct record *r, uint32_t when);
void	index_put_row(struct engine_batch *b, uint32_t mailbox,
	    const struct index_row *row);
/* The value of such a row, into an empty buf. */
void	index_pack_row(struct buf *out, const struct index_row *row);
/* Of this version or an earlier one. 0, or -1: it is broken. */
int	index_get_row(const void *value, size_t len, struct index_row *row)
	    ATTR_CHECK;
/* The uid comes from the key, more lies in the value. 0, or -1: broken. */
int	index_get_record(const void *key, size_t klen, const void *value,
	    size_t vlen, struct record *r) ATTR_CHECK;

/* A scan of the keys from..to (to excluded). */
void	index_scan(struct engine_scan *s, enum engine_table t,
	    const struct index_key *from, const struct index_key *to);
/* All rows of an account of this kind, in CORE. */
void	index_scan_kind(struct engine_scan *s, uint32_t account, char kind);

/*
 * Calls each for the records of those of the uids (rising) that exist, in
 * order; each returns other than 0 to stop. ENGINE_DONE, ENGINE_MORE where
 * it did; or what failed.
 */
enum engine_result index_records(struct engine_db *db, uint32_t account,
	    uint32_t mailbox, const uint32_t *uids, size_t n,
	    int (*each)(void *arg, const struct record *r), void *arg)
	    ATTR_CHECK;
/* The same for the uids from..to (inclusive). */
enum engine_result index_range(struct engine_db *db, uint32_t account,
	    uint32_t mailbox, uint32_t from, uint32_t to,
	    int (*each)(void *arg, const struct record *r), void *arg)
	    ATTR_CHECK;

/*
 * Deletions, in pieces, each committed. b says whose rows they are, and for
 * which owner; it is empty before and afterwards.
 */
/* Every key of the range from..to (to excluded). */
enum engine_result index_delete(struct engine_db *db, struct engine_batch *b,
	    enum engine_table t, const struct index_key *from,
	    const struct index_key *to) ATTR_CHECK;
/* Records from that uid on, at most max of each table in a call. */
enum engine_result index_delete_above(struct engine_db *db,
	    struct engine_batch *b, uint32_t mailbox, uint32_t uid,
	    unsigned max) ATTR_CHECK;
/* A mailbox: its records, at most max of each table in a call (ENGINE_MORE
   where more is left); then its row and its keywords. */
enum engine_result index_delete_mailbox(struct engine_db *db,
	    struct engine_batch *b, uint32_t mailbox, unsigned max)
	    ATTR_CHECK;
/* All of an account but its number, row 'D', the notes of files to go, and what
   it has expunged. */
enum engine_result index_delete_account(struct engine_db *db,
	    struct engine_batch *b) ATTR_CHECK;
/* The next piece of that: ENGINE_MORE where there may be another. */
enum engine_result index_delete_some(struct engine_db *db,
	    struct engine_batch *b) ATTR_CHECK;

/* Row 'D', into the batch; and what it says, 0 where there is none. */
void	index_put_last(struct engine_batch *b, uint32_t id,
	    uint32_t uidvalidity);
enum engine_result index_get_last(struct engine_db *db, uint32_t account,
	    uint32_t *id_r, uint32_t *uidvalidity_r) ATTR_CHECK;

/* What was expunged before that time, at most max of it: ENGINE_MORE where
   more is left. */
enum engine_result index_sweep(struct engine_db *db, struct engine_batch *b,
	    uint32_t before, unsigned max) ATTR_CHECK;

/*
 * The version of the whole index. 0; -1 with why: it does not answer; -2 with
 * why: it is a later one, not to be used, and not to be harmed.
 * index_version_put says that it is this one now.
 */
int	index_version_ok(struct engine *e, struct buf *why) ATTR_CHECK;
enum engine_result index_version_put(struct engine *e, uint64_t epoch)
	    ATTR_CHECK;

/*
 * The number of an account; ENGINE_ABSENT where it has none. index_number_make
 * makes one then, as the owner of that epoch.
 */
enum engine_result index_number(struct engine_db *db, const char *name,
	    uint32_t *number_r) ATTR_CHECK;
enum engine_result index_number_make(struct engine_db *db, uint64_t epoch,
	    const char *name, uint32_t *number_r) ATTR_CHECK;

#endif
