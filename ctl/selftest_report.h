/*
 * What the attackers wrote (lib/server/walls.h), held against the table.
 */
#ifndef CTL_SELFTEST_REPORT_H
#define CTL_SELFTEST_REPORT_H

#include "lib/base/attr.h"
#include "lib/base/buf.h"
#include "lib/server/walls.h"

struct selftest_report {
	unsigned here[PROGRAM_COUNT];	/* how many of it run */
	unsigned done[PROGRAM_COUNT];	/* how many have tried everything */
	/* The error, of several processes the least: 0, reached; -1: nobody
	   has tried. */
	int	 error[PROGRAM_COUNT][ATTEMPT_COUNT];
};

enum verdict {
	VERDICT_HELD,		/* refused, and the table says so */
	VERDICT_MAY,		/* reached, and the table says so */
	VERDICT_BROKEN,		/* reached, and the table does not say so */
	VERDICT_LESS,		/* refused, and the table says it may */
	VERDICT_ABSENT,		/* it may, and this machine has no such thing */
	VERDICT_UNTRIED,
};

/* Reads the whole report. 0, or -1 where a line makes no sense. */
int	report_read(int fd, struct selftest_report *r) ATTR_CHECK;
/* Is there one of each program; have all that are there tried everything? */
int	report_all_here(const struct selftest_report *r);
int	report_all_done(const struct selftest_report *r);
/* The programs of which that is not so. */
void	report_missing(const struct selftest_report *r, struct buf *names);
enum verdict report_verdict(const struct selftest_report *r,
	    enum program_id p, enum attempt_id a);

#endif
