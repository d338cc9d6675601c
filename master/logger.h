/*
 * Logger: reads the log pipe of every program, bounds and cleans the lines,
 * and writes them to one file, a write per burst:
 *
 *   2026-01-02T03:04:05.678Z smtpd[4711] info text
 *
 * The file is rotated by size. Where it cannot be written (disk full) lines
 * are dropped and counted, and the count is told when it can again. syslog gets
 * a copy if asked.
 *
 * logger_conf.c is the configuration; logger_line.c makes a line (no state);
 * logger_file.c is the file; logger_syslog.c the copy; logger_rate.c what one
 * source may write; logger.c the pipes.
 */
#ifndef MASTER_LOGGER_H
#define MASTER_LOGGER_H

#include "lib/server/server.h"

/* Hooks of logger_main.c. */
void	logger_wired(struct ev_loop *loop, const struct wire *w);
void	logger_go(struct ev_loop *loop);
void	logger_stop(struct ev_loop *loop);

#endif
