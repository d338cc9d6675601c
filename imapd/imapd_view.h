/*
 * Views: what one session was told of its box. Sequence numbers are positions
 * in a view's uids; they change only when imapd_view_sync says so to the
 * client, whatever happens to the box meanwhile (RFC 3501 7.4.1).
 */
#ifndef IMAPD_IMAPD_VIEW_H
#define IMAPD_IMAPD_VIEW_H

#include "lib/base/buf.h"

#include "imapd/imapd_box.h"
#include "imapd/imapd_set.h"

struct imapd_session;

struct imapd_view {
	struct imapd_box *box;
	struct imapd_news news;
	int	 readonly;
	uint32_t *uids;		/* by sequence number - 1 */
	size_t	 n, cap;
	uint64_t told;		/* all up to this modseq was told */
	struct imapd_set saved;	/* uids that "$" stands for (RFC 5182) */
	unsigned keywords_told;
	int	 full_told;	/* ... without the promise of more of them */
	struct imapd_range *recent;	/* of uids, rising */
	size_t	 n_recent, cap_recent;
};

/*
 * Opens mailbox id for s, which has no view. 0, or -1 (imapd_door says why).
 */
int	imapd_view_open(struct imapd_session *s, uint32_t id, int readonly);
void	imapd_view_close(struct imapd_session *s);
/*
 * Tells the client what has changed: EXPUNGE (if allowed), FETCH with flags,
 * EXISTS, RECENT (which wait where too many EXPUNGEs do). 1: all of it; 0: the
 * client is slow (imapd_full), or the step was long enough: what is left is
 * told by another call.
 */
int	imapd_view_sync(struct imapd_session *s, int expunge);
/* Would imapd_view_sync with expunge have anything to say? */
int	imapd_view_news(const struct imapd_view *v);
/*
 * Until it is said to end (on 0) s is told of what the box learns at once: what
 * is new and recent is so for s, without another question to store.
 */
void	imapd_view_takes(struct imapd_session *s, int on);
/* "* FLAGS" and [PERMANENTFLAGS], with \* as long as there is room. */
void	imapd_view_put_flags(struct imapd_session *s);
/* Were they told otherwise? */
int	imapd_view_flags_news(const struct imapd_view *v);
int	imapd_view_is_recent(const struct imapd_view *v, uint32_t uid);
/* A client's set, or "$", as ranges of sequence numbers. uid: it holds uids.
   0, -1. */
int	imapd_view_set(const struct imapd_view *v, const char *p, size_t len,
	    int uid, struct imapd_set *set_r) ATTR_CHECK;
/* The sequence numbers of a set of uids. */
void	imapd_view_seqs(const struct imapd_view *v,
	    const struct imapd_set *uids, struct imapd_set *set_r);
/* The uids that ranges of sequence numbers name: free it. */
uint32_t *imapd_view_uids(const struct imapd_view *v,
	    const struct imapd_set *set, size_t *n_r);
/* Sequence number of a uid, 0 if it has none. */
uint32_t imapd_view_seq(const struct imapd_view *v, uint32_t uid);
/* "\\Seen \\Recent word" without parentheses. */
void	imapd_put_flags(struct buf *out, const struct imapd_view *v,
	    const struct door_record *r);

#endif
