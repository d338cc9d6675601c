/*
 * A FETCH under way, and its batches: one call of the door for many messages.
 */
#ifndef IMAPD_IMAPD_FETCH_BATCH_H
#define IMAPD_IMAPD_FETCH_BATCH_H

#include "imapd/imapd_fetch_body.h"
#include "imapd/imapd_pick.h"
#include "imapd/imapd_session.h"
#include "imapd/imapd_vanished.h"

enum { IMAPD_BATCH_MAX = 512 };

struct imapd_fetch {
	struct imapd_items items;
	struct imapd_set set;		/* of sequence numbers */
	uint64_t changed_since;
	int	 conditional;		/* CHANGEDSINCE is there, 0 too */
	struct imapd_vanished vanished;	/* what is told before it */
	/* The end of a command that is no FETCH; NULL. */
	enum imapd_run (*end)(struct imapd_session *);
	size_t	 range;			/* next message: set.r[range] ... */
	uint32_t next;			/* ... at this number, 0: its first */
	/* the batch */
	uint32_t uids[IMAPD_BATCH_MAX], seqs[IMAPD_BATCH_MAX];
	int	 fds[DOOR_OPEN_MAX];
	size_t	 n, i;
	size_t	 n_fds;
	struct buf packed;		/* its cache records */
	struct cursor cache;
	struct buf ids;			/* its ids (door_ids) */
	uint32_t *seen;			/* uids whose \Seen was just set */
	size_t	 n_seen;
	size_t	 hint;
	/* the message */
	struct imapd_message msg;
	int	 open;			/* "* n FETCH (" is out */
	struct door_record known;	/* when it was begun */
	size_t	 item;
	size_t	 mark;			/* where it starts in out */
	uint64_t piece_off, piece_left;	/* a literal that goes on ... */
	const char *piece_text;		/* ... here; NULL: in the file */
	struct imapd_picking picking;	/* a literal of fields of a long header */
	struct buf record;		/* its cache record, where computed */
	const char *text[3];		/* ENVELOPE, BODY, BODYSTRUCTURE */
	size_t	 text_len[3];
	int	 gone, damaged;
};

/* An empty one; then imapd_fetch_begin makes it what the command goes on with,
   and frees it (cmd_fetch.c). */
struct imapd_fetch *imapd_fetch_new(void);
enum imapd_run imapd_fetch_begin(struct imapd_session *s,
	    struct imapd_fetch *f);
/*
 * Fills the next batch: its cache records, descriptors, \Seen flags. 1, 0 at
 * the end of the set, -1: the door failed.
 */
int	imapd_batch_begin(struct imapd_session *s, struct imapd_fetch *f);
/* Closes what the batch holds. */
void	imapd_batch_end(struct imapd_fetch *f);

#endif
