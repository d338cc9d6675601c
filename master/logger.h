/*
 * Logger: reads the log pipe of every program, bounds and cleans the lines,
 * and writes them to one file, a write per burst:
 *
 *   2026-01-02T03:04:05.678Z smtpd[4711] info text
 *
 * The file is rotated by size. Where it cannot be written (disk full) lines
 * are dropped and counted, and the count is told when it can again. syslog(3)
 * gets a copy if asked.
 *
 * logger_conf.c is the configuration; logger_line.c makes a line (no state);
 * logger_file.c is the file; logger.c the pipes.
 */
#ifndef MASTER_LOGGER_H
#define MASTER_LOGGER_H

#include "lib/server/server.h"

struct logger_conf {
	char	*state_dir;
	int	 verbose, to_syslog;
	uint64_t size, keep;
};

extern struct logger_conf logger_conf;
extern const struct settings_key logger_keys[];

/*
 * Appends one finished line to out: time in microseconds since 1970, the
 * program, its pid, and the len octets as read, without the newline: "<level
 * letter> <text>", or words that no log call made (an abort, a library).
 * Returns the syslog priority; -1 if out is full.
 */
int	logger_line(struct buf *out, int64_t now_us, const char *program,
	    uint32_t pid, const char *p, size_t len);

/* Opens the file and moves into its directory. 0, or -1 having logged why. */
int	logger_file_open(void);
/* Makes the file anew where it was moved away or removed. */
void	logger_file_look(void);
/* The buffer that waits for logger_file_flush. */
struct buf *logger_file_out(void);
/* A line did not fit. */
void	logger_file_lost(void);
/* Writes what waits; rotates. Keeps it for a later try where it cannot. */
void	logger_file_flush(void);

/* Hooks of logger_main.c. */
void	logger_wired(struct ev_loop *loop, const struct wire *w);
void	logger_go(struct ev_loop *loop);
void	logger_stop(struct ev_loop *loop);

#endif
