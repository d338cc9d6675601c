/*
 * In files(): what body.h and text.h do, and a note of it for the batch.
 */
#ifndef STORE_SHARD_FILES_H
#define STORE_SHARD_FILES_H

#include <stdint.h>

#include "lib/base/attr.h"
#include "lib/base/buf.h"
#include "store/body.h"

struct task;

enum body_result task_link_queue(struct task *t, uint32_t mailbox,
	    uint32_t uid, const char *id, int fd, uint64_t size);
/* What was written into it is synced with the folders. */
enum body_result task_link_put(struct task *t, uint32_t mailbox, uint32_t uid,
	    const char *name, uint64_t size, uint32_t crc);
/* One that is checked, and durable. */
enum body_result task_link_checked(struct task *t, uint32_t mailbox,
	    uint32_t uid, const char *name);
enum body_result task_link(struct task *t, uint32_t from, uint32_t from_uid,
	    uint32_t to, uint32_t to_uid);
enum body_result task_expunge(struct task *t, uint32_t mailbox, uint32_t uid);
enum body_result task_drop(struct task *t, uint32_t mailbox, uint32_t uid);
int	task_make_mailbox(struct task *t, uint32_t mailbox) ATTR_CHECK;
void	task_unused(struct task *t, uint32_t mailbox);
int	task_text(struct task *t, uint32_t mailbox, const char *name,
	    const struct buf *text) ATTR_CHECK;
/* made_r: the folder is to be synced. */
int	task_text_piece(struct task *t, uint32_t mailbox, const char *name,
	    const struct buf *piece, int first) ATTR_CHECK;
int	task_text_end(struct task *t, uint32_t mailbox, const char *name)
	    ATTR_CHECK;
int	task_text_append(struct task *t, uint32_t mailbox, const char *name,
	    const char *head, const struct buf *text, int *made_r) ATTR_CHECK;
/* Takes back what was linked. */
void	task_unlink(struct task *t);
/* Inside: into the account's batch. */
void	task_hand_files(struct task *t);

#endif
