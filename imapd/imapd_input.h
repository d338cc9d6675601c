/*
 * From octets to whole commands: lines, and the literals that stand between
 * them. Nothing is known here of what a command means.
 *
 * Each octet is looked at once, however it arrives. Held are at most
 * IMAPD_COMMAND_MAX octets of one command up to the end of its last literal,
 * and the text after that; text over IMAPD_LINE_MAX is dropped up to the end
 * of its line and reported. What is dropped may end in further literals of
 * clients that do not wait: they belong to it (RFC 7888 4).
 */
#ifndef IMAPD_IMAPD_INPUT_H
#define IMAPD_IMAPD_INPUT_H

#include <stdint.h>

#include "lib/base/buf.h"

enum {
	IMAPD_LINE_MAX = 64 * 1024,	/* text of a command without literals */
	IMAPD_COMMAND_MAX = 256 * 1024,	/* with them, but for APPEND's */
	IMAPD_LITERALS_MAX = 1000,	/* in one command */
	IMAPD_TAIL_MAX = 40,	/* of a dropped line: "{" number "+}" CR */
	IMAPD_READ_SIZE = 8 * 1024,
	/* all that is read and not carried out yet */
	IMAPD_HELD_MAX = IMAPD_COMMAND_MAX + IMAPD_LINE_MAX + IMAPD_READ_SIZE,
};

enum imapd_input_kind {
	IMAPD_INPUT_MORE,	/* octets are missing */
	IMAPD_INPUT_COMMAND,	/* p..len: a whole command without its CRLF */
	IMAPD_INPUT_LITERAL,	/* p..len: the command up to the "{"; literal
				   octets come next: take, divert or refuse */
	IMAPD_INPUT_TOO_LONG,	/* p..len: its start; the line is dropped */
	IMAPD_INPUT_DROPPED,	/* what is dropped goes on with a literal:
				   refuse it */
};

struct imapd_input {
	struct buf buf;
	size_t	 start;		/* the command begins here */
	size_t	 line;		/* its present line does: after a literal */
	size_t	 scan;		/* what is before is known */
	size_t	 text;		/* octets of the command that are no literal */
	uint64_t take;		/* octets of a literal still to come */
	uint64_t skip;		/* octets to drop */
	unsigned literals;
	int	 dropping;	/* the rest of this line is dropped */
	char	 tail[IMAPD_TAIL_MAX];	/* the end of what was dropped of it */
	size_t	 n_tail;
};

struct imapd_line {
	char	*p;
	size_t	 len;
	uint64_t literal;	/* UINT64_MAX: no such number */
	int	 sync;		/* the client waits for "+" */
};

void	imapd_input_init(struct imapd_input *in);
void	imapd_input_clear(struct imapd_input *in);
/*
 * Room for IMAPD_READ_SIZE octets; reading ends with imapd_input_got. There
 * is room whenever imapd_input_next has said MORE, else it may be NULL.
 */
char	*imapd_input_room(struct imapd_input *in);
void	imapd_input_got(struct imapd_input *in, size_t n);

enum imapd_input_kind imapd_input_next(struct imapd_input *in,
	    struct imapd_line *l);
/*
 * After IMAPD_INPUT_COMMAND: takes away what stands behind the command, n_r
 * octets. Borrowed until imapd_input_room.
 */
const char *imapd_input_cut(struct imapd_input *in, size_t *n_r);
/* The command was carried out or refused: the next one starts. */
void	imapd_input_done(struct imapd_input *in);

/* After IMAPD_INPUT_LITERAL, one of these; after DROPPED, refuse: */
/* The literal belongs to the command. 0; -1: it does not fit. */
int	imapd_input_take(struct imapd_input *in, const struct imapd_line *l)
	    ATTR_CHECK;
/* The command is refused: drops the literal and the rest of its line unless
   the client waits, who then will not send them. */
void	imapd_input_refuse(struct imapd_input *in, const struct imapd_line *l);
/*
 * Octets of a literal that goes elsewhere, at most max: their number, 0 where
 * none is there. Borrowed until imapd_input_room. The bound of the text begins
 * anew behind it.
 */
size_t	imapd_input_divert(struct imapd_input *in, uint64_t max, char **p_r);
/* True if a command has begun. */
int	imapd_input_partial(const struct imapd_input *in);
/* Gives memory back where nothing is held. */
void	imapd_input_rest(struct imapd_input *in);

#endif
