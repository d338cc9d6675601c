/*
 * Writes the file flags of a mailbox (store/file_flags.h).
 */
#ifndef STORE_ACCOUNT_FLAGS_H
#define STORE_ACCOUNT_FLAGS_H

#include <stdint.h>

struct mailbox;
struct shard;

/* Lines of a file that is to be written anew. */
enum { FLAGSFILE_ANEW = INT32_MAX };
/*
 * Begins to append what is behind, all of it or what has waited long enough, a
 * few files at a time: at the end of one the next is begun. Passes over
 * accounts that are busy. A file of which half is old is written anew.
 */
void	flagsfiles_write(struct shard *s, int all);
/* One mailbox, for whom the account is busy with. */
void	flagsfile_flush(struct mailbox *m);
/* True while something is not in the file. */
int	flagsfile_behind(const struct mailbox *m);

#endif
