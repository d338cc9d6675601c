/*
 * What was brought from an account at another server, and how it was there: the
 * file spool/migrate/ID in state_dir. It makes a run go on where the one before
 * was killed, and a last run bring only what has changed since.
 *
 * Text, a line for each fact, only ever appended to; a line counts when its end
 * is there, and no tab before it: that is the mark of one that a kill has torn.
 * Lines that make no sense are passed over.
 *
 *	rohrpost-migrate 1
 *	B n uidvalidity wire		mailbox n there, so named there
 *	W n bit keyword			keyword bit of mailbox n
 *	M n uid here flags keywords	that message is here, as uid here
 *	F n uid flags keywords		its flags there are these now
 *	X n uid				it is gone there, and was removed here
 *	S n modseq			all that was there at modseq is here
 *	H n id				it comes into the mailbox id here; what came
 *					before into another one is not followed
 *
 * Numbers are decimal. The file is synced before what follows from it is done
 * (state_sync). It is no secret, but says what somebody has: root's alone.
 */
#ifndef RELAY_MIGRATE_STATE_H
#define RELAY_MIGRATE_STATE_H

#include <stdint.h>

#include "lib/base/attr.h"
#include "lib/base/buf.h"

enum {
	STATE_KEYWORDS = 64,	/* of a mailbox that are followed */
	STATE_BOXES = 20000,
	STATE_LINE = 4000,
};

struct state_message {
	uint32_t uid, here;
	uint32_t flags;		/* enum door_flag, as they were there */
	uint64_t keywords;
	int	 gone;		/* X, or it lies in another mailbox (H) */
};

struct state_box {
	uint32_t uidvalidity;
	char	*wire;
	uint64_t modseq;	/* of the last S; 0: none */
	char	*keyword[STATE_KEYWORDS];
	unsigned n_keywords;
	struct state_message *m; /* by uid, once state_find was called */
	size_t	 n, cap;
	int	 sorted;
	uint32_t top;		/* the highest uid here */
	uint32_t here;		/* the last H; 0: none */
};

struct state {
	int	 fd;		/* O_APPEND; -1: nothing is written */
	struct state_box *box;
	unsigned n, cap;
	struct buf out;		/* lines that are not written yet */
};

/* Reads fd, which is the caller's; with dry nothing is ever written. 0, or -1
   with errno: EPROTO where a later version wrote it. */
int	state_open(struct state *s, int fd, int dry) ATTR_CHECK;
void	state_close(struct state *s);

/* The mailbox of that name; -1: none yet. */
int	state_box_find(const struct state *s, const char *wire);
/* Notes it: its number; -1: they are too many. */
int	state_box_add(struct state *s, const char *wire,
	    uint32_t uidvalidity);
/* The bit of a keyword, noted where it is new; 0: there is no room. */
uint64_t state_keyword(struct state *s, unsigned box, const char *p,
	    size_t len);
/* NULL: it was not brought. Valid until the next state_add. */
struct state_message *state_find(struct state_box *b, uint32_t uid);

void	state_add(struct state *s, unsigned box,
	    const struct state_message *m);
void	state_flags(struct state *s, unsigned box, struct state_message *m,
	    uint32_t flags, uint64_t keywords);
void	state_gone(struct state *s, unsigned box, struct state_message *m);
void	state_whole(struct state *s, unsigned box, uint64_t modseq);
/* It comes into that mailbox, which may be another one than before. */
void	state_here(struct state *s, unsigned box, uint32_t id);
/* Writes and syncs the lines. 0, or -1 with errno. */
int	state_sync(struct state *s) ATTR_CHECK;

#endif
