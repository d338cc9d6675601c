/*
 * ADOPT: a mailbox as another server had it, with its UIDVALIDITY and UIDNEXT.
 */
#ifndef STORE_OP_ADOPT_H
#define STORE_OP_ADOPT_H

struct change_task;

/* What change_list does for others: in memory, in an account that is ours alone. */
void	change_adopt(struct change_task *c);
/* With the commit, and when that is durable: a higher UIDNEXT. */
void	adopt_commit(struct change_task *c);
void	adopt_seen(struct change_task *c);

#endif
