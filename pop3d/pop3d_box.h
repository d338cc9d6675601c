/*
 * The messages of the INBOX as they were when the session began, through a
 * door. What comes later stays unseen (RFC 1939 section 3); what goes away
 * beside us is missed when it is asked for. Deletions are marks until
 * pop3d_box_commit. How messages end of which store does not know it yet (an
 * earlier version took them) is looked at once, and told to store.
 *
 * A client that reads one message after the other gets them opened ahead, in
 * growing groups of up to DOOR_OPEN_MAX a call. When store went away, a fresh
 * door is asked of reopen(), and taken if the mailbox is still the same one.
 *
 * Calls return 0, or -1 with words for the client in box->words.
 */
#ifndef POP3D_POP3D_BOX_H
#define POP3D_POP3D_BOX_H

#include <stdint.h>

#include "lib/base/attr.h"
#include "lib/mail/door.h"

struct pop3d_message {
	uint64_t size;			/* as it is sent */
	uint32_t uid, header_len : 30, deleted : 1;
	uint32_t cut : 1;		/* ... with two octets that the file
					   has not (pop3d_send.h) */
};

struct pop3d_box {
	struct door door;
	int	(*reopen)(void);	/* a descriptor to store, or -1 */
	uint32_t id, uidvalidity;
	struct pop3d_message *message;
	uint32_t n, n_left;		/* all; not deleted */
	uint64_t size_left;
	uint32_t ahead_at, ahead_n, ahead_size;	/* messages opened ahead */
	int	 ahead[DOOR_OPEN_MAX];
	uint32_t next;			/* what a client in order asks for */
	const char *words;		/* "[SYS/TEMP] ..." */
};

/* Takes the lock and the list. */
int	pop3d_box_open(struct pop3d_box *b, int (*reopen)(void)) ATTR_CHECK;
void	pop3d_box_clear(struct pop3d_box *b);
/* The message of that number (1..), NULL if there is none or it is deleted. */
struct pop3d_message *pop3d_box_message(struct pop3d_box *b, uint64_t number);
/* A descriptor to read message i (from 0) with pread; the caller closes it. */
int	pop3d_box_fd(struct pop3d_box *b, uint32_t i, int *fd_r) ATTR_CHECK;
void	pop3d_box_delete(struct pop3d_box *b, struct pop3d_message *m);
/* Takes all marks back. */
void	pop3d_box_reset(struct pop3d_box *b);
/* Makes the deletions true. */
int	pop3d_box_commit(struct pop3d_box *b) ATTR_CHECK;
/* Gives door and lock back. */
void	pop3d_box_close(struct pop3d_box *b);

#endif
