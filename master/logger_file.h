/*
 * The log file.
 */
#ifndef MASTER_LOGGER_FILE_H
#define MASTER_LOGGER_FILE_H

#include "lib/base/buf.h"

/* Opens the file in the current folder. 0, or -1 having logged why. */
int	logger_file_open(void);
/* Makes the file anew where it was moved away or removed. */
void	logger_file_look(void);
/* The buffer that waits for logger_file_flush. */
struct buf *logger_file_out(void);
/* A line did not fit. */
void	logger_file_lost(void);
/* Writes what waits; rotates. Keeps it for a later try where it cannot. */
void	logger_file_flush(void);

#endif
