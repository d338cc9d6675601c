/*
 * News: what has changed in a box and the client of one of its views was not
 * told yet. The box fills them (imapd_box.h), the view tells them piece by
 * piece (imapd_view.h). They hold no more uids than twice the box's messages
 * and IMAPD_NEWS_SLACK, however much changes and however long nobody reads.
 */
#ifndef IMAPD_IMAPD_NEWS_H
#define IMAPD_IMAPD_NEWS_H

#include <stddef.h>
#include <stdint.h>

#include "lib/mail/door.h"

enum { IMAPD_NEWS_SLACK = 64 };

struct imapd_news {
	struct imapd_news *next;	/* of the same box */
	uint32_t *dirty;	/* uids whose flags others changed */
	size_t	 n_dirty, cap_dirty;
	size_t	 n_sorted;	/* so many of them rise, each once */
	size_t	 n_told;	/* ... and of these so many were told */
	int	 stale;		/* other uids than before */
	int	 shrunk;	/* some of them are gone */
	uint32_t last;		/* uid: what comes behind it is not known */
	int	 takes;		/* its session may write, and is told next */
};

/* The flags of uid changed; rec are the n records of its box. */
void	imapd_news_dirty(struct imapd_news *w, const struct door_record *rec,
	    size_t n, uint32_t uid);
/* Drops what was told or is gone from the box, sorts the rest. */
void	imapd_news_pack(struct imapd_news *w, const struct door_record *rec,
	    size_t n);
/* Forgets the dirty uids and frees their list. */
void	imapd_news_clear(struct imapd_news *w);
/* Is there anything to tell? */
int	imapd_news_any(const struct imapd_news *w);

#endif
