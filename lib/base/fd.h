/*
 * Descriptors: whole reads and writes, durable files, directories.
 *
 * Everything is opened O_CLOEXEC. Every fsync of the suite goes through here; a
 * build with --disable-sync, for the test of power cuts, leaves them out.
 */
#ifndef LIB_BASE_FD_H
#define LIB_BASE_FD_H

#include <assert.h>
#include <dirent.h>
#include <stddef.h>
#include <sys/types.h>

#include "lib/base/attr.h"
#include "lib/base/buf.h"

/* A file of more than 2 GiB on a machine with 32 bits: _FILE_OFFSET_BITS. */
static_assert(sizeof(off_t) == 8, "offsets have 64 bits");

/* Closes *fd unless it is -1, and sets it to -1. Returns close(2)'s value. */
int	fd_close(int *fd);
/*
 * First thing in a program that anybody may start: 0, 1 and 2 that are closed
 * become /dev/null, so that no file or socket gets such a number and is taken
 * for them. True where 0 was open.
 */
int	fd_standard(void);
int	fd_nonblock(int fd, int on);
int	fd_cloexec(int fd, int on);
/* A connected pair of Unix stream sockets, both close-on-exec. */
int	fd_pair(int fd_r[2]) ATTR_CHECK;

/* Writes all of it (blocking descriptors). 0, or -1 with errno. */
int	fd_write_all(int fd, const void *p, size_t len) ATTR_CHECK;
/* Reads len octets at off; -1 with errno, EIO where the file is shorter. */
int	fd_pread_all(int fd, void *p, size_t len, off_t off) ATTR_CHECK;
/* Appends the whole file to out; -1 with errno, EFBIG where out is full. */
int	fd_slurp(int fd, struct buf *out) ATTR_CHECK;
/* The same from where fd stands: of standard input a part may be read. */
int	fd_read_rest(int fd, struct buf *out) ATTR_CHECK;
/*
 * Opens the file for reading; more are flags of open(2) besides. What is no
 * regular file is refused (EINVAL, a folder EISDIR), and not waited for. -1
 * with errno.
 */
int	fd_open_file(int at, const char *path, int more) ATTR_CHECK;
/* A folder below at, no symbolic link; NULL with errno. For closedir(3). */
DIR	*fd_opendir(int at, const char *name) ATTR_CHECK;

/*
 * Makes the file's data durable (fdatasync). After a failure the data count
 * as lost: never call it again for the same data, write them anew.
 */
int	fd_sync(int fd) ATTR_CHECK;
/* Makes the names in a directory durable (fsync). */
int	fd_sync_dir(int dirfd) ATTR_CHECK;
/*
 * Makes all of the file system that fd lies on durable (syncfs): for who may not
 * open the directory that he has made a file in.
 */
int	fd_sync_all(int fd) ATTR_CHECK;
#ifdef NO_SYNC
#include <unistd.h>
/*
 * Does nothing and succeeds where "PROGRAM FUNCTION PATH" of the call matches
 * ROHRPOST_NO_SYNC of the environment, a pattern of fnmatch(3), or where there
 * is none; PATH is empty in a jail.
 */
int	fd_sync_but(int fd, const char *function, int (*sync)(int))
	    ATTR_CHECK;
#define fd_sync(fd) fd_sync_but(fd, __func__, fdatasync)
#define fd_sync_dir(fd) fd_sync_but(fd, __func__, fsync)
#define fd_sync_all(fd) fd_sync_but(fd, __func__, syncfs)
#endif

/*
 * For root, who works in other people's directories too: gives the new file fd
 * the owner and group of the file name in dirfd; where there is none (or name
 * is NULL) those of the directory, if it is not root's. 0, or -1 with errno.
 */
int	fd_inherit(int fd, int dirfd, const char *name) ATTR_CHECK;

/*
 * Replaces the file name in dirfd by the len octets at p: writes name.new,
 * syncs it, renames it into place, syncs the directory. The owner is that of
 * fd_inherit; a mode by which others may read is that of a first file, later
 * ones have the mode of the one before. 0, or -1 with errno; the old file is
 * whole either way.
 */
int	fd_replace(int dirfd, const char *name, mode_t mode, const void *p,
	    size_t len) ATTR_CHECK;
/* Only name.new, synced, with its owner and mode: a rename is what remains. */
int	fd_stage(int dirfd, const char *name, mode_t mode, const void *p,
	    size_t len) ATTR_CHECK;

/*
 * The name of the network file system that it lies on, where links, syncs and
 * locks are not what the suite rests on; NULL: none that is known as one.
 */
const char *fd_network(int fd);

/*
 * 1 if no process has the file open for writing or mapped so (a read lease is
 * granted, fcntl(2) F_SETLEASE, and given back), 0 if one has, -1 with errno.
 * fd must be O_RDONLY and the file owned by the caller unless it is root.
 */
int	fd_no_writer(int fd) ATTR_CHECK;

#endif
