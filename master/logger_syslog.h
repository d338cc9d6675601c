/*
 * The copy of the log for syslog: each line a datagram to /dev/log, in the form
 * of syslog(3), which would wait for a daemon that does not read. This one never
 * waits: a line that is not taken is dropped and counted. A daemon that was
 * started anew is connected to with the next line, or within a second.
 *
 * DIAGNOSTICS: that no line is taken, and why, is said once; and how many were
 * dropped, when lines are taken again.
 */
#ifndef MASTER_LOGGER_SYSLOG_H
#define MASTER_LOGGER_SYSLOG_H

#include <stddef.h>
#include <stdint.h>

/* Where the daemon is; a test's own. */
extern const char *logger_syslog_path;

/* One line: the time in seconds since 1970, and the len octets of text. */
void	logger_syslog(int priority, int64_t second, const char *text,
	    size_t len);
/* Once a second. say gets a line of words for the log. */
void	logger_syslog_tick(void (*say)(const char *words));
/* No copy is wanted (any more): nothing is open, nothing counted. */
void	logger_syslog_close(void);

#endif
