/*
 * Octets within the file of a message: written in one call where they lie in
 * two pieces, and moved where they turn out to belong elsewhere.
 */
#ifndef SMTPD_SMTPD_FILE_H
#define SMTPD_SMTPD_FILE_H

#include <stdint.h>

#include "lib/base/attr.h"
#include "lib/base/buf.h"

/* Writes both, one after the other, from octet `at` on. -1 with errno. */
int	file_write(int fd, const struct buf *one, const struct buf *two,
	    uint64_t at) ATTR_CHECK;
/*
 * Copies len octets from one place to another, which may overlap, through mem
 * (emptied, and FILE_PIECE octets of it used). -1: what is at both places is of
 * no use; call_r is the system call that has set errno.
 */
enum { FILE_PIECE = 256 * 1024 };
int	file_move(int fd, uint64_t from, uint64_t to, uint64_t len,
	    struct buf *mem, const char **call_r) ATTR_CHECK;

#endif
