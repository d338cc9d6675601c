/*
 * Reading a user's files, for rebuild and check. Runs in a helper.
 */
#ifndef STORE_ACCOUNT_SCAN_H
#define STORE_ACCOUNT_SCAN_H

#include "store/file_mailboxes.h"
#include "store/record.h"

struct found_message {
	uint32_t uid;
	uint64_t size;
	int64_t	 mtime, since;	/* struct body_entry */
	uint64_t body;		/* struct body_entry */
	int	 has_line;		/* in the flags file */
	int	 noted;			/* rebuild: moved away, and no message */
	struct record rec;	/* flags, keywords, dates, id of that line */
	unsigned char *own;	/* where rec's wide and more lie */
};

struct found_mailbox {
	uint32_t id;
	struct found_message *msg;	/* rising uids */
	size_t	 n;
	uint32_t highest;		/* uid known from any source */
	uint32_t uidnext;		/* as the old index has it; 0: not */
	unsigned bad_lines, flags_lines;
	char	**keyword;		/* NULL: unused bit */
	unsigned n_keywords;
	int	 missing;		/* there is no such folder */
	int	 used;	/* there is a sign of any message ever */
};

struct found {
	struct boxes boxes;
	struct found_mailbox *mailbox;	/* one for each of boxes.box */
	uint64_t entries;		/* read so far */
	/* Where the next slice begins. */
	size_t	 at;			/* of mailbox */
	enum { FOUND_MESSAGES, FOUND_EXPUNGED, FOUND_FLAGS } part;
	struct body_list *list;		/* of that part */
};

/*
 * Reads a slice of what there is, into one that is all 0 at first: 1 where
 * there is more, 0 at the end, -1 with why. f is to be cleared in any case.
 */
int	found_next(struct found *f, const char *path, struct buf *why)
	    ATTR_CHECK;
/* Reads all: 0; -1 with why. f is to be cleared either way. */
int	found_read(struct found *f, const char *path, struct buf *why)
	    ATTR_CHECK;
void	found_clear(struct found *f);
struct found_message *found_message(const struct found_mailbox *b,
	    uint32_t uid);
/* What only the message's file can tell, from it: the length of the header
   with its empty line, and the mark. */
void	found_file(const char *path, uint32_t mailbox,
	    struct found_message *m);

#endif
