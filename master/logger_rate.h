/*
 * What one source may write into the log. A source is the client's address
 * (IPv6: its /64) in a line of smtpd or auth, else the process that wrote the
 * line: for imapd and pop3d that is a user. Each has RATE_BURST lines, and
 * RATE_PER_SECOND more; those of all together RATE_ALL_BURST and
 * RATE_ALL_PER_SECOND. What is over is left out and counted, and a line tells
 * how many. So nobody makes the log, which has an end, forget the others.
 *
 * Programs that speak of mail (queue, deliver, relay, store, ...) have a bound
 * that only a program gone wild meets: RATE_MAIL_*. Debug lines, which the
 * operator asked for, and those of a program's end are never left out.
 *
 * Bounds: RATE_SOURCES sources are known at a time; a new one takes the place
 * of the one that was quiet for longest of RATE_WAYS.
 */
#ifndef MASTER_LOGGER_RATE_H
#define MASTER_LOGGER_RATE_H

#include <stddef.h>
#include <stdint.h>

#include "lib/base/peer.h"

enum {
	RATE_BURST = 2000,
	RATE_PER_SECOND = 2,
	RATE_ALL_BURST = 50000,
	RATE_ALL_PER_SECOND = 500,
	RATE_MAIL_BURST = 200000,
	RATE_MAIL_PER_SECOND = 20000,
	RATE_SOURCES = 4096,
	RATE_WAYS = 8,
	RATE_SAY_MS = 10000,	/* from one word about a source to the next */
};

/* A line as read, "<level letter> <text>". 1: write it; 0: it is counted. */
int	rate_allow(enum peer program, uint32_t pid, const char *p, size_t len,
	    int64_t now_ms);
/*
 * Once a second: say gets a line of words for each source of which lines were
 * left out. all: of every one, now.
 */
void	rate_tick(int64_t now_ms, int all, void (*say)(const char *words));

#endif
