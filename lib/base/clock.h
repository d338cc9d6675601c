/*
 * The one source of time. Tests move it by the environment variable
 * ROHRPOST_CLOCK_SHIFT (seconds), in programs that run without root.
 */
#ifndef LIB_BASE_CLOCK_H
#define LIB_BASE_CLOCK_H

#include <stdint.h>

/* Seconds since 1970-01-01 UTC, and the same in microseconds. */
int64_t	clock_now(void);
int64_t	clock_now_us(void);
/* Milliseconds that only grow; for deadlines. */
int64_t	clock_mono_ms(void);

#endif
