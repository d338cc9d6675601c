/*
 * The source of a MOVE.
 */
#ifndef STORE_OP_MOVE_H
#define STORE_OP_MOVE_H

#include <stddef.h>
#include <stdint.h>

#include "lib/base/attr.h"

struct account;
struct mailbox;
struct record;

struct moved {
	struct mailbox *m;
	uint64_t note;			/* key of its row 'V' */
	uint32_t *uids;			/* rising */
	size_t	 n;
	struct record *gone;		/* those whose rows are deleted */
	size_t	 n_gone;
	uint64_t modseq;		/* of that */
};
/* Into the commit that adds the target's rows: what has moved, where to. */
void	moved_note(const struct moved *v, uint32_t to);
/* Into the next commit: the rows, what is told of them, and the note go. */
void	moved_delete(struct moved *v);
/* When that is durable. */
void	moved_show(struct moved *v);
void	moved_clear(struct moved *v);
/* At the load of an account: what a crash left of such moves is done. -1: the
   index does not answer, and nobody may see the account before it is done. */
int	moves_finish(struct account *a) ATTR_CHECK;
/* Unlinks files whose removal was put off (rows 'R'). */
void	drop_files(struct account *a);

#endif
