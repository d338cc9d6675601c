/*
 * The journal of what was collected: spool/collect/journal in state_dir. It
 * says of each message of each account whether it was fetched, so that it is
 * fetched once, and may be removed at the server. It is never discarded.
 *
 * Text, only ever appended to; a line counts when its end is there.
 *
 *	rohrpost-collect 1
 *	+ TIME SIZE HASH ACCOUNT KEY	fetched: SIZE octets are in its file
 *					here, HASH is of its Message-ID (hex; 0:
 *					it has none)
 *	! TIME SIZE 0 ACCOUNT KEY	left at the server, of SIZE octets there
 *	- TIME ACCOUNT KEY		not at the server any more
 *
 * The last line of a key is the one that counts. A line that makes no sense is
 * counted, and kept until the file is written anew. In memory all keys are held,
 * in a tree for each account: what a server calls its messages cannot make that
 * slow for others.
 *
 * journal_add and its like change nothing that journal_find tells before
 * journal_sync has made it durable.
 *
 * DIAGNOSTICS: a sync that fails ends the process (111): what was written is
 * lost then, and nobody was told that it is there.
 */
#ifndef RELAY_COLLECT_JOURNAL_H
#define RELAY_COLLECT_JOURNAL_H

#include <stdint.h>

#include "lib/base/buf.h"
#include "lib/mail/collect_proto.h"

enum {
	JOURNAL_LINE_MAX = 512,
	JOURNAL_ACCOUNT_MAX = CL_ACCOUNT_MAX + 9, /* octets (account_book) */
	JOURNAL_GONE_KEEP = 3 * 86400,	/* seconds a key is known after '-' */
};

enum journal_what {
	JOURNAL_FETCHED = '+',
	JOURNAL_LEFT = '!',
	JOURNAL_GONE = '-',
};

/* A line. account and key are borrowed, and not NUL-terminated. */
struct journal_line {
	enum journal_what what;
	int64_t	 time;
	uint64_t size;
	uint32_t hash;
	const char *account, *key;
	size_t	 account_len, key_len;
};

/* A key that is known. */
struct journal_entry {
	int64_t	 time;		/* of its last line */
	uint64_t size;
	uint32_t hash;
	uint8_t	 what;		/* enum journal_what: fetched or left */
	uint8_t	 gone;		/* and it is not there any more */
	uint32_t seen;		/* the caller's: the last list it was in */
	char	 key[];
};

struct journal;

/*
 * Reads the journal in the open directory, making it where there is none. dirfd
 * stays the caller's, as long as the journal. NULL with why; *newer_r: it is of
 * a later version, and was left alone.
 */
struct journal *journal_open(int dirfd, int *newer_r, struct buf *why);
void	journal_close(struct journal **j);

/*
 * What is known of the key: NULL: nothing, it is to be fetched. Good until the
 * next sync. A key that is gone for JOURNAL_GONE_KEEP at the time now is not known.
 */
struct journal_entry *journal_find(struct journal *j, const char *account,
	    const char *key, size_t len, int64_t now);
/* Calls each for all keys of an account that are not gone. */
void	journal_each(struct journal *j, const char *account,
	    void (*each)(struct journal_entry *e, void *arg), void *arg);
/* Keys that are known and not gone; of all lines read those without sense. */
size_t	journal_count(const struct journal *j, const char *account);
size_t	journal_senseless(const struct journal *j);

/* A line that the next sync writes. account and key are copied. */
void	journal_add(struct journal *j, const struct journal_line *l);
/*
 * Writes and syncs what was added. 0; -1 with why where it could not be written
 * (a full disk): it is as if nothing had been added since the last sync.
 */
int	journal_sync(struct journal *j, struct buf *why) ATTR_CHECK;
/* Something was added and not synced. */
int	journal_pending(const struct journal *j);

/* Is more than half of the file of no use any more? It is looked at once an hour;
   in between 0. */
int	journal_stale(struct journal *j, int64_t now);
/* Writes it anew without that. 0, or -1 with why: the old one is in use still. */
int	journal_compact(struct journal *j, int64_t now, struct buf *why)
	    ATTR_CHECK;

/* A line without its end. 0, or -1 for one without sense. */
int	journal_parse(const char *p, size_t len, struct journal_line *l_r)
	    ATTR_CHECK;
/* Appends a line with its end. */
void	journal_write(const struct journal_line *l, struct buf *out);
/* HASH of a Message-ID. */
uint32_t journal_hash(const char *message_id, size_t len);

#endif
