/*
 * The log for those who follow; rows into the batch of the change that they
 * tell of. All do nothing where nobody follows.
 */
#ifndef STORE_ACCOUNT_FOLLOW_H
#define STORE_ACCOUNT_FOLLOW_H

#include "lib/base/buf.h"
#include "lib/mail/door.h"
#include "lib/mail/follow.h"
#include "store/engine.h"

struct account;
struct mailbox;

struct follow_log {		/* an event with its messages */
	struct mailbox *m;
	enum follow_type type;
	uint32_t to;
	struct buf items;
};
void	follow_add(struct follow_log *f, const struct follow_item *i);
void	follow_record(struct follow_log *f, const struct door_record *d);
void	follow_end(struct follow_log *f);
/* One message came in. */
void	follow_added(struct mailbox *m, const struct door_record *d);
/* The list changed. */
void	follow_list(struct account *a, enum follow_type type, uint32_t mailbox,
	    uint32_t attrs, const char *name);
/*
 * Appends what is committed behind *token (lib/mail/follow.h), and sets it to
 * what is to be asked with next. ENGINE_ABSENT: the log does not reach so far
 * back, or begins now.
 */
enum engine_result follow_read(struct account *a, uint32_t mailbox,
	    uint64_t *token, struct buf *out) ATTR_CHECK;
/* That is the file mailboxes now. */
void	follow_listed(struct account *a, const char *text, size_t len);
/* Reads its state at a load, where that is the file mailboxes. */
enum engine_result follow_adopt(struct account *a, const char *text,
	    size_t len) ATTR_CHECK;

#endif
