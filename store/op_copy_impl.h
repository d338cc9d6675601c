/*
 * A COPY under way: for op_copy.c and op_copy_whole.c.
 */
#ifndef STORE_OP_COPY_IMPL_H
#define STORE_OP_COPY_IMPL_H

#include "store/account_keywords.h"
#include "store/op_move.h"
#include "store/record.h"
#include "store/shard.h"

enum {
	COPY_SLICE = 512,	/* links of one */
	COPY_SLICE_ROWS = 1024,	/* rows of one */
};

enum copy_phase { COPY_LINKS, COPY_UNDO, COPY_ROWS, COPY_GONE };

struct copy_task {
	struct task t;
	struct mailbox *from, *to;
	struct record *rec;		/* as in the source; but for keywords,
					   those of the target when its row is
					   there */
	int16_t	 map[KEYWORDS_MAX];	/* the target's bit of each of the
					   source's, or -1 */
	uint32_t *to_uid;
	size_t	 n, max;		/* there is room for so many */
	int	 move;
	uint64_t size;			/* reserved */
	uint64_t to_modseq;
	struct moved source;		/* MOVE: what it was */
	enum copy_phase phase;		/* in slices: what is done */
	size_t	 at;			/* ... up to here */
};

/* For index_records and index_range: takes a record, up to max. */
int	copy_one(void *arg, const struct record *r);
/* Keywords by name: the target gets those that it lacks and has room for, and
   holds them until copy_release. */
enum door_error copy_keywords(struct copy_task *c);
/* What was reserved is free again. */
void	copy_release(struct copy_task *c);
/* The rows from..end of the target; and that of the mailbox, with which they
   are messages. */
void	copy_rows(struct copy_task *c, size_t from, size_t end);
void	copy_row(struct copy_task *c);
/* When that is durable. */
void	copy_show(struct copy_task *c);
void	copy_free(struct copy_task *c);

/* In slices: the files of one, where it ends, and whether there is another. */
void	copy_slice_files(struct task *t);
size_t	copy_slice_end(const struct copy_task *c, size_t max);
int	copy_slice_next(struct copy_task *c);

#endif
