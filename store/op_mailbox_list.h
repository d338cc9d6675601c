/*
 * What CREATE, DELETE, RENAME and SUBSCRIBE do to the list of mailboxes, in an
 * account that is theirs alone. In memory: op_mailbox.c brings it to the disk.
 */
#ifndef STORE_OP_MAILBOX_LIST_H
#define STORE_OP_MAILBOX_LIST_H

#include "store/file_mailboxes.h"
#include "store/shard.h"

struct change_task {
	struct task t;
	unsigned type;			/* enum door_type */
	char	*name, *to;
	uint32_t attrs, id, on;
	uint32_t uidvalidity, uidnext;	/* ADOPT: wanted, or 0 */
	struct mailbox *raised;		/* ADOPT: its UIDNEXT was */
	struct buf text;		/* `mailboxes`, as it will be */
	uint32_t *made;			/* ids whose folders are to be made */
	size_t	 n_made;
	uint32_t answer;		/* CREATE, ADOPT: id of the mailbox */
	uint32_t *gone;			/* ids that are no more */
	size_t	 n_gone;
	uint64_t gone_size, gone_messages; /* that were in them */
	int	 nothing;		/* no change was needed */
	uint32_t inbox_to;		/* RENAME of INBOX: where it goes */
	struct box *was;		/* the list before, if it is followed */
	size_t	 n_was;
	struct watching {
		const struct client *c;
		uint32_t id;
	} *watching;			/* who watched what is gone */
	size_t	 n_watching;
};

/* A mailbox with the levels above it; and one that is there goes. */
struct mailbox *change_make(struct change_task *c, const char *name,
	    uint32_t attrs);
void	change_remove(struct change_task *c, struct mailbox *m);
/* It is not done. */
void	change_refuse(struct change_task *c, enum door_error e,
	    const char *words);
/* Does what was asked; nothing, with the task's error, where it may not be. */
void	change_list(struct change_task *c);

#endif
