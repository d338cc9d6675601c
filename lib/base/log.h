/*
 * Log lines. A program writes each line with one write(2) to descriptor 2,
 * which master has made its pipe to logger; logger adds time and origin.
 *
 * A line is "<level letter> <text>\n", at most LOG_LINE_MAX octets; control
 * octets, NUL and octets above 0x7e that are not UTF-8 are shown as \xNN, so
 * that nothing from the network can forge a second line. Where the pipe is
 * full the line is dropped and counted; the next line that fits says how many
 * are missing. Mail never waits for the log.
 *
 * Name the queue id first in every line about a message ("id: text"): trace
 * finds a message by it.
 *
 * DIAGNOSTICS: log_fatal ends the process with exit status LOG_EXIT_TEMP
 * (the world failed: trying again may help), log_usage with LOG_EXIT_USAGE,
 * log_panic aborts (we failed).
 */
#ifndef LIB_BASE_LOG_H
#define LIB_BASE_LOG_H

#include <stddef.h>

#include "lib/base/attr.h"

#define LOG_LINE_MAX	2000

enum log_exit {
	LOG_EXIT_USAGE = 100,
	LOG_EXIT_TEMP = 111,
};

/*
 * Names the program in lines that go to a terminal. name is kept, not copied.
 * With plain true lines carry "name: " and no level letter, and descriptor 2
 * is taken to be a terminal or a file (commands, tests).
 */
void	log_init(const char *name, int plain);

/* Debug lines are dropped unless on is true (the start value is false). */
void	log_verbose(int on);

/*
 * What every line goes through: copies in to out with what is not printable
 * UTF-8 as \xNN; at most max octets, no NUL. Returns how many.
 */
size_t	log_clean(char *out, size_t max, const char *in, size_t len);

/*
 * For loops that do much in a turn: between the two, info and debug lines of
 * this thread are kept and written together, as many as go into the pipe at
 * once. Say log_release before the peers hear what the lines tell of. Every
 * other line takes those before it along at once.
 */
void	log_hold(void);
void	log_release(void);

void	log_debug(const char *fmt, ...) ATTR_PRINTF(1, 2);
void	log_info(const char *fmt, ...) ATTR_PRINTF(1, 2);
void	log_warn(const char *fmt, ...) ATTR_PRINTF(1, 2);
void	log_fatal(const char *fmt, ...) ATTR_PRINTF(1, 2) ATTR_NORETURN;
void	log_usage(const char *fmt, ...) ATTR_PRINTF(1, 2) ATTR_NORETURN;
void	log_panic(const char *fmt, ...) ATTR_PRINTF(1, 2) ATTR_NORETURN;

#endif
