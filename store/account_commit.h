/*
 * What the index says of the account must agree with what is known here: each
 * commit has the condition that the rows of mailboxes are as they were read or
 * written last. Where it does not hold, or where a commit fails, the account is
 * lost: its tasks are answered "later", its doors are dropped, and when no task
 * is under way any more it is read anew.
 */
#ifndef STORE_ACCOUNT_COMMIT_H
#define STORE_ACCOUNT_COMMIT_H

#include "store/engine.h"

struct account;

/* The batch that the next commit takes: that of this turn, at the latest. */
struct engine_batch *account_batch(struct account *a);
/*
 * Commits it now, with the rows of the mailboxes that changed. To be called
 * before records are read that are then to be written. 0; -1: it is lost.
 */
int	account_commit(struct account *a) ATTR_CHECK;
/* True where the index did not answer as it should. It is lost where that is
   for good. */
int	account_failed(struct account *a, enum engine_result r);
/* Its number in the index, as index_number or index_number_make. */
enum engine_result account_number(struct account *a, int make) ATTR_CHECK;
/* An empty batch for index_delete and its like. */
struct engine_batch account_own_batch(const struct account *a);

#endif
