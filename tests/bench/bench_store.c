/*
 * Deliveries through a door: bench_store [messages] [outstanding] [users].
 * Queue files are made (and synced) before; what is measured is the store:
 * links, syncs, index, answers.
 */
#include "config.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/fd.h"
#include "tests/store/rig.h"

/* CPU seconds of a process, from /proc: user and system, in ticks of 10 ms. */
static double
cpu_of(pid_t pid)
{
	char path[40], line[600], *p;
	unsigned long u = 0, s = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	if ((f = fopen(path, "r")) == NULL)
		return 0;
	if (fgets(line, sizeof(line), f) != NULL &&
	    (p = strrchr(line, ')')) != NULL)
		sscanf(p + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u "
		    "%lu %lu", &u, &s);
	fclose(f);
	return (double)(u + s) / (double)sysconf(_SC_CLK_TCK);
}

int
main(int argc, char **argv)
{
	unsigned n = argc > 1 ? (unsigned)atoi(argv[1]) : 5000;
	unsigned out = argc > 2 ? (unsigned)atoi(argv[2]) : 20;
	unsigned users = argc > 3 ? (unsigned)atoi(argv[3]) : 10;
	char (*id)[17] = calloc(n, sizeof(*id)), *text = malloc(4097);
	char owner[40], words[RESULT_WORDS_MAX + 1];
	unsigned i, sent = 0, done = 0, bad = 0;
	struct rig r;
	struct door *d;
	enum result result;
	struct pollfd p;
	double t0, c0;
	uint32_t tag;
	int got;

	memset(text, 'x', 4096);
	text[4096] = '\0';
	rig_init(&r);
	for (i = 0; i < n; i++)
		rig_file(&r, text, id[i]);
	sync();
	rig_start(&r);
	d = &r.deliver[0];
	for (i = 0; i < users; i++) {
		char first[17];

		rig_file(&r, "first", first);
		snprintf(owner, sizeof(owner), "u%u@example.test", i);
		if (rig_deliver(&r, first, owner, NULL) != RESULT_DELIVERED)
			return 1;
	}
	p = (struct pollfd){ .fd = d->chan.fd, .events = POLLIN };
	c0 = cpu_of(r.pid);
	t0 = (double)clock_now_us() / 1e6;
	while (done < n) {
		for (; sent < n && sent - done < out; sent++) {
			snprintf(owner, sizeof(owner), "u%u@example.test",
			    sent % users);
			if (rig_send(d, sent, id[sent], owner,
			    rig_open(&r, id[sent]), 4096, 100) == -1)
				return 1;
		}
		while ((got = rig_answer(d, &tag, &result, words)) == 1) {
			done++;
			bad += result != RESULT_DELIVERED;
		}
		if (got == -1)
			return 1;
		if (sent - done == out || sent == n)
			poll(&p, 1, 1000);
	}
	t0 = (double)clock_now_us() / 1e6 - t0;
	c0 = cpu_of(r.pid) - c0;
	printf("%u messages, %u outstanding, %u users: %.0f/s, "
	    "%.1f us CPU each, %u failed\n", n, out, users, n / t0,
	    c0 / n * 1e6, bad);
	rig_stop(&r);
	rig_clear(&r);
	free(id);
	free(text);
	return bad > 0;
}
