#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "selftest/attacker.h"
#include "selftest/report.h"

static int (*const tries[ATTEMPT_COUNT])(void) = {
#define ATTEMPT_ROW(id, who, words)	[ATTEMPT_##id] = try_##id,
#include "lib/server/walls.def"
};

static void
line(const char *words, unsigned program, long a, long b)
{
	char text[WALLS_LINE_MAX];
	int n;

	n = snprintf(text, sizeof(text), "%s %u %ld %ld\n", words, program, a,
	    b);
	if (write(attacker.report, text, (size_t)n) != n)
		log_fatal("report: %s", strerror(errno));
}

int
report_open(unsigned program)
{
	char path[sizeof(attacker.state_dir) + sizeof(WALLS_REPORT) + 1];

	snprintf(path, sizeof(path), "%s/" WALLS_REPORT, attacker.state_dir);
	attacker.report = open(path, O_RDWR | O_APPEND | O_CLOEXEC);
	if (attacker.report == -1) {
		log_warn("%s: %s", path, strerror(errno));
		return -1;
	}
	attacker.master = getppid();
	line(WALLS_HERE, program, getpid(), 0);
	return 0;
}

/* One line of the report: is it the word to begin? */
static int
take(const char *text)
{
	unsigned program;
	long pid;

	if (strncmp(text, WALLS_BEGIN, strlen(WALLS_BEGIN)) == 0)
		return 1;
	if (sscanf(text, WALLS_HERE " %u %ld", &program, &pid) == 2 &&
	    pid != getpid() && attacker.n_others < OTHERS_MAX)
		attacker.others[attacker.n_others++] = (pid_t)pid;
	return 0;
}

int
report_begun(void)
{
	char *text = mem_alloc(WALLS_REPORT_MAX + 1), *word, *rest;
	ssize_t n = pread(attacker.report, text, WALLS_REPORT_MAX, 0);
	int begun = 0;

	if (n == -1)
		log_fatal("report: %s", strerror(errno));
	text[n] = '\0';
	attacker.n_others = 0;
	for (word = strtok_r(text, "\n", &rest); word != NULL && !begun;
	    word = strtok_r(NULL, "\n", &rest))
		begun = take(word);
	free(text);
	return begun;
}

void
report_all(unsigned program)
{
	unsigned i;

	for (i = 0; i < ATTEMPT_COUNT; i++)
		line(WALLS_TRIED, program, i, tries[i]());
	line(WALLS_DONE, program, 0, 0);
}
