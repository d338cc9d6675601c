#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl/selftest_report.h"
#include "lib/base/mem.h"

static int
live(unsigned p)
{
	return programs[p].pool != POOL_RESERVED;
}

static int
tried(struct selftest_report *r, unsigned p, long a, long error)
{
	int *e;

	if (a < 0 || a >= ATTEMPT_COUNT || error < 0)
		return -1;
	e = &r->error[p][a];
	if (*e == -1 || error < *e)
		*e = (int)error;
	return 0;
}

static int
take(struct selftest_report *r, const char *line)
{
	char what[WALLS_LINE_MAX];
	long a = 0, b = 0;
	unsigned p = 0;

	if (strcmp(line, WALLS_BEGIN) == 0)
		return 0;
	if (strlen(line) >= sizeof(what) ||
	    sscanf(line, "%s %u %ld %ld", what, &p, &a, &b) != 4 ||
	    p >= PROGRAM_COUNT)
		return -1;
	if (strcmp(what, WALLS_HERE) == 0)
		r->here[p]++;
	else if (strcmp(what, WALLS_DONE) == 0)
		r->done[p]++;
	else if (strcmp(what, WALLS_TRIED) != 0 || tried(r, p, a, b) == -1)
		return -1;
	return 0;
}

int
report_read(int fd, struct selftest_report *r)
{
	char *text = mem_alloc(WALLS_REPORT_MAX + 1), *line, *rest;
	ssize_t n = pread(fd, text, WALLS_REPORT_MAX, 0);
	int bad = n == -1;

	memset(r, 0, sizeof(*r));
	memset(r->error, -1, sizeof(r->error));
	text[bad ? 0 : n] = '\0';
	for (line = strtok_r(text, "\n", &rest); line != NULL && !bad;
	    line = strtok_r(NULL, "\n", &rest))
		bad = take(r, line) == -1;
	free(text);
	return bad ? -1 : 0;
}

static int
complete(const struct selftest_report *r, unsigned p)
{
	return !live(p) || (r->here[p] > 0 && r->done[p] >= r->here[p]);
}

int
report_all_here(const struct selftest_report *r)
{
	unsigned p;

	for (p = 0; p < PROGRAM_COUNT; p++)
		if (live(p) && r->here[p] == 0)
			return 0;
	return 1;
}

int
report_all_done(const struct selftest_report *r)
{
	unsigned p;

	for (p = 0; p < PROGRAM_COUNT; p++)
		if (!complete(r, p))
			return 0;
	return 1;
}

void
report_missing(const struct selftest_report *r, struct buf *names)
{
	unsigned p;

	for (p = 0; p < PROGRAM_COUNT; p++)
		if (!complete(r, p))
			buf_printf(names, "%s%s", names->len > 0 ? ", " : "",
			    programs[p].name);
}

enum verdict
report_verdict(const struct selftest_report *r, enum program_id p,
    enum attempt_id a)
{
	int may = (attempts[a].who & PROGRAM_BIT(p)) != 0;
	int e = r->error[p][a];

	if (e == -1)
		return VERDICT_UNTRIED;
	if (e == 0)
		return may ? VERDICT_MAY : VERDICT_BROKEN;
	if (!may)
		return VERDICT_HELD;
	/* No IPv6, no kernel module for it. */
	return e == EAFNOSUPPORT || e == EPROTONOSUPPORT || e == ENODEV ?
	    VERDICT_ABSENT : VERDICT_LESS;
}
