/*
 * A line of the log.
 */
#ifndef MASTER_LOGGER_LINE_H
#define MASTER_LOGGER_LINE_H

#include "lib/base/buf.h"

/*
 * Appends one finished line to out: time in microseconds since 1970, the
 * program, its pid, and the len octets as read, without the newline: "<level
 * letter> <text>", or words that no log call made (an abort, a library).
 * Returns the syslog priority; -1 if out is full.
 */
int	logger_line(struct buf *out, int64_t now_us, const char *program,
	    uint32_t pid, const char *p, size_t len);

#endif
