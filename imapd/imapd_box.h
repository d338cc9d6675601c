/*
 * Boxes: the selected mailboxes of this process, one for each mailbox
 * whatever the number of sessions that look at it. A box holds every
 * message's record as store last told it. Each view of a box has a list of
 * the box's changes, its news.
 *
 * The box whose last view went is kept, and watched, until it changes or
 * another one takes its place: clients select the same mailbox again and again.
 * While nothing has changed store is not asked then (imapd_box_unsettle).
 */
#ifndef IMAPD_IMAPD_BOX_H
#define IMAPD_IMAPD_BOX_H

#include <stdint.h>

#include "lib/mail/door.h"

#include "imapd/imapd_news.h"
#include "imapd/imapd_wide.h"

enum {
	IMAPD_BOX_REST = 10000,	/* messages of one that is kept */
	IMAPD_UNTOLD_MAX = 10000, /* of untold, for new messages to be told */
};

struct imapd_box {
	struct imapd_box *next;
	uint32_t id, uidvalidity, uidnext;
	unsigned char oid[DOOR_ID];
	uint64_t modseq;	/* the state that rec shows */
	struct door_record *rec;
	size_t	 n;
	struct imapd_wide wide;	/* what rec and untold have beside them */
	char	**keywords;
	unsigned n_keywords;
	unsigned keywords_serial; /* counts the changes of the list */
	int	 counted;	/* keywords_full shows rec as it is now */
	int	 keywords_full;
	struct imapd_news *news;	/* one for each of its views */
	struct door_record *untold; /* as they were: messages that are gone ... */
	size_t	 n_untold;	/* ... and some session was not told so; over
				   IMAPD_UNTOLD_MAX only of those that were
				   known then (imapd_view_sync) */
	int	 taken;		/* none of rec is recent to another process */
	uint32_t recent;	/* from here on they are to the session that is
				   told, or selects it, next; 0: none */
	int	 settled;	/* nothing changed since store was last asked
				   to select it: uidnext is as there */
	int	 gone;		/* deleted, or another UIDVALIDITY */
	int	 unsure;	/* another store: it may know less than rec */
	int	 unwatched;	/* ... and was not told to watch it yet */
	int	 behind;	/* store could not say what is new */
};

/*
 * A box that is being read, piece by piece, for the sessions that are to open
 * it; others go on between. All who wait for the same mailbox share one: each
 * of them reads the next piece, for another may stand still behind a client
 * that does not read.
 */
struct imapd_box_load;

/* With the uidvalidity of the list of mailboxes. Never NULL. */
struct imapd_box_load *imapd_box_load_begin(uint32_t id, uint32_t uidvalidity);
/* Gives it up; the last one frees it. */
void	imapd_box_load_end(struct imapd_box_load *l);
/*
 * The next piece. 1: there is a box now, and imapd_box_open comes next, which
 * asks store only what is new; 0: there is more; -1: imapd_door says why.
 */
int	imapd_box_load(struct imapd_box_load *l);
/*
 * Selects a mailbox: its box as store has it now, m_r and recent_r as from
 * door_select, of m_r->recent only whether there are any. NULL: imapd_door
 * says why. news is the caller's, all zero; the box fills it until
 * imapd_box_release.
 */
struct imapd_box *imapd_box_open(uint32_t id, int writable,
	    struct imapd_news *news, struct door_mailbox *m_r,
	    uint32_t *recent_r);
/* Takes the news off and frees what they hold. */
void	imapd_box_release(struct imapd_box *b, struct imapd_news *news);
/* Index of the first record whose uid is at least uid. */
size_t	imapd_box_at(const struct imapd_box *b, uint32_t uid);
/* The record of a uid; NULL: gone. *hint helps with rising uids. */
const struct door_record *imapd_box_find(const struct imapd_box *b,
	    uint32_t uid, size_t *hint);
/*
 * The same for a session that reads: what is gone is as it was, until all who
 * knew it were told.
 */
const struct door_record *imapd_box_known(const struct imapd_box *b,
	    uint32_t uid, size_t *hint);
/* The session of a view was told of all that is gone. */
void	imapd_box_told(struct imapd_box *b);
/* All keywords of a message, by the numbers of b->keywords. */
void	imapd_box_keywords(const struct imapd_box *b,
	    const struct door_record *r, struct keyword_set *s_r);
/* The number of a keyword; -1: there is none of that name. */
int	imapd_box_keyword(const struct imapd_box *b, const char *name);
/* Is there no room for one more keyword, as far as is known here? */
int	imapd_box_keywords_full(struct imapd_box *b);
/*
 * Takes changed records in, as the last call of imapd_door gave them. They are
 * news to all views but origin (or NULL), whose session made the change.
 */
void	imapd_box_update(struct imapd_box *b, const struct door_record *rec,
	    size_t n, const struct imapd_news *origin);
void	imapd_box_remove(struct imapd_box *b, const uint32_t *gone, size_t n);
/* Asks store what is new. 0, or -1 (imapd_door says why). */
int	imapd_box_refresh(struct imapd_box *b);
/* After the door was replaced: selects every box again. */
void	imapd_box_rewire(void);
/* Does what imapd_box_rewire or imapd_box_changed could not do yet. */
void	imapd_box_retry(void);
/* Store says that those mailboxes changed: reads the boxes again. The list
   may be of the door. */
void	imapd_box_changed(const uint32_t *ids, size_t n);
/*
 * A command has put messages into that mailbox: store may tell of it behind
 * the answer, where much else waits on the door. It is asked at the next
 * SELECT, whatever it has said.
 */
void	imapd_box_unsettle(uint32_t id);
/*
 * For a session that may write and is told of what is new: from which uid on
 * messages are recent, to it and no other; 0: none.
 */
uint32_t imapd_box_recent(struct imapd_box *b);
/* The mailbox was deleted: its sessions end. */
void	imapd_box_deleted(uint32_t id);
/* Set when there are news anywhere; the loop clears it. */
extern int imapd_box_news;

#endif
