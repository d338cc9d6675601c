/*
 * Writes the file flags of a mailbox (store/file_flags.h).
 */
#ifndef STORE_ACCOUNT_FLAGS_H
#define STORE_ACCOUNT_FLAGS_H

#include <stdint.h>

struct mailbox;

/* Lines of a file that is to be written anew. */
enum { FLAGSFILE_ANEW = INT32_MAX };
/* Appends what is behind; compacts where half is old. */
void	flagsfile_write(struct mailbox *m);
/* The same for whom the account is busy with. */
void	flagsfile_flush(struct mailbox *m);
/* True while something is not in the file. */
int	flagsfile_behind(const struct mailbox *m);

#endif
