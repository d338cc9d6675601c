/*
 * Boxes: the selected mailboxes of this process, one for each mailbox
 * whatever the number of sessions that look at it. A box holds every
 * message's record as store last told it.
 *
 * Views: what one session was told of its box. Sequence numbers are positions
 * in a view's uids; they change only when imapd_view_sync says so to the
 * client, whatever happens to the box meanwhile (RFC 3501 7.4.1).
 */
#ifndef IMAPD_IMAPD_BOX_H
#define IMAPD_IMAPD_BOX_H

#include <stdint.h>

#include "lib/base/buf.h"
#include "lib/mail/door.h"

#include "imapd/imapd_set.h"

enum { IMAPD_RECENT_MAX = 16 };

struct imapd_session;

struct imapd_box {
	struct imapd_box *next;
	uint32_t id, uidvalidity, uidnext;
	uint64_t modseq;	/* the state that rec shows */
	struct door_record *rec;
	size_t	 n;
	char	*keywords[DOOR_KEYWORDS_MAX];
	unsigned n_keywords;
	unsigned keywords_serial; /* counts the changes of the list */
	unsigned refs;
	int	 gone;		/* deleted, or another UIDVALIDITY */
	int	 unsure;	/* another store: it may know less than rec */
	int	 unwatched;	/* ... and was not told to watch it yet */
};

struct imapd_view {
	struct imapd_box *box;
	int	 readonly;
	uint32_t *uids;		/* by sequence number - 1 */
	size_t	 n, cap;
	unsigned keywords_told;
	struct imapd_range recent[IMAPD_RECENT_MAX];
	unsigned n_recent;
	uint32_t *dirty;	/* uids whose flags others changed */
	size_t	 n_dirty, cap_dirty;
	int	 stale;		/* uids differ from the box's */
	int	 shrunk;	/* some of uids are gone from the box */
};

/*
 * Opens mailbox id for s, which has no view. 0, or -1 (imapd_door says why).
 */
int	imapd_view_open(struct imapd_session *s, uint32_t id, int readonly);
void	imapd_view_close(struct imapd_session *s);
/*
 * Tells the client what has changed: EXPUNGE (if allowed), FETCH with flags,
 * EXISTS, RECENT.
 */
void	imapd_view_sync(struct imapd_session *s, int expunge);
/* "* FLAGS" and [PERMANENTFLAGS]. */
void	imapd_view_put_flags(struct imapd_session *s);
int	imapd_view_is_recent(const struct imapd_view *v, uint32_t uid);
/* A client's set as ranges of sequence numbers. uid: it holds uids. 0, -1. */
int	imapd_view_set(const struct imapd_view *v, const char *p, size_t len,
	    int uid, struct imapd_set *set_r) ATTR_CHECK;
/* The uids that ranges of sequence numbers name: free it. */
uint32_t *imapd_view_uids(const struct imapd_view *v,
	    const struct imapd_set *set, size_t *n_r);
/* Sequence number of a uid, 0 if it has none. */
uint32_t imapd_view_seq(const struct imapd_view *v, uint32_t uid);

/* Others changed a message's flags: the client will be told. */
void	imapd_view_dirty(struct imapd_view *v, uint32_t uid);

/* The box of a mailbox, made where there is none; refs is the caller's. */
struct imapd_box *imapd_box_get(uint32_t id);
/* Takes a reference back; the last one closes the box. */
void	imapd_box_release(struct imapd_box *b);
/* Index of the first record whose uid is at least uid. */
size_t	imapd_box_at(const struct imapd_box *b, uint32_t uid);
/* The record of a uid; NULL: gone. *hint helps with rising uids. */
const struct door_record *imapd_box_find(const struct imapd_box *b,
	    uint32_t uid, size_t *hint);
/*
 * Takes changed records in. All views but that of origin (NULL: none) will
 * tell their clients.
 */
void	imapd_box_update(struct imapd_box *b, const struct door_record *rec,
	    size_t n, const struct imapd_session *origin);
void	imapd_box_remove(struct imapd_box *b, const uint32_t *gone, size_t n);
/* Asks store what is new. 0, or -1 (imapd_door says why). */
int	imapd_box_refresh(struct imapd_box *b);
/* After the door was replaced: selects every box again. */
void	imapd_box_rewire(void);
/* Events of the door: refreshes what changed. */
void	imapd_box_events(void);
/* The mailbox was deleted: its sessions end. */
void	imapd_box_deleted(uint32_t id);
/* Set when a view has something to tell; the session loop clears it. */
extern int imapd_box_news;

/* "\\Seen \\Recent word" without parentheses. */
void	imapd_put_flags(struct buf *out, const struct imapd_view *v,
	    const struct door_record *r);

#endif
