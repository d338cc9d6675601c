/*
 * One name of the drop directory: what it is, and what is done with it. All by
 * the descriptor of the directory, and never through a symbolic link.
 */
#ifndef MASTER_MASTER_DROP_FILE_H
#define MASTER_MASTER_DROP_FILE_H

#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "lib/mail/drop.h"

/* A file that is being sent. */
struct drop_file {
	char	 name[DROP_NAME_MAX];
	uid_t	 uid;
	dev_t	 dev;
	ino_t	 ino;
};

/* True where sendmail gives such names; whose it is then. */
int	drop_file_name(const char *name, uid_t *uid_r);
/*
 * Opens the file of that name, of that user: a descriptor to read, or -1: it is
 * not to be sent (now), and if it is not to be there this was seen to. now: as
 * time(2). largest: octets.
 */
int	drop_file_open(int at, const char *name, uid_t uid, uint64_t largest,
	    int64_t now, struct drop_file *f_r);
/* The name is nobody's mail: removed if that can be, else set aside. */
void	drop_file_junk(int at, const char *name);
/* It was set aside: removed where that was 30 days ago. */
void	drop_file_bad(int at, const char *name, int64_t now);
/* What pickup said of it. 1 where it lies there no more; 0: the next pass is
   soon enough for it. */
int	drop_file_done(int at, const struct drop_file *f,
	    enum drop_status status, int64_t now);

#endif
