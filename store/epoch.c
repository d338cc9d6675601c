/*
 * The epoch: seconds since 2020 at the start, but more than the last one. As
 * the upper half of every modseq it makes them grow over all starts, with or
 * without an index, and leaves them below 2^63 (RFC 7162 section 7).
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "lib/base/str.h"
#include "store/epoch.h"
#include "store/shard.h"
#include "store/text.h"

static const int64_t base = 1577836800;	/* 2020-01-01 */

/* Reads a line at *p with a number, and goes on after it. 0, or -1. */
static int
epoch_line(const char **p, uint64_t *r)
{
	size_t len = strcspn(*p, "\n");

	if (str_number(*p, len, UINT32_MAX / 2, r) == -1)
		return -1;
	*p += len + ((*p)[len] == '\n');
	return 0;
}

/* The numbers as the last start left them; 0 where there is none. */
static void
epoch_read(uint64_t *last, uint64_t *crash)
{
	struct buf text = BUF_INIT(64);
	int r = text_read("", 0, ".epoch", &text);
	const char *p;

	*last = *crash = 0;
	if (r == -1 && errno == ENOENT)
		return;
	if (r == -1 && errno != EFBIG)
		log_fatal("mail/.epoch: %s", strerror(errno));
	if (r == -1 || (p = buf_str(&text), epoch_line(&p, last) == -1))
		log_fatal("mail/.epoch cannot be read: it holds the number of "
		    "the last start; put %lld into it",
		    (long long)(clock_now() - base));
	if (epoch_line(&p, crash) == -1)
		*crash = 0;
	buf_clear(&text);
}

uint64_t
store_epoch(uint64_t above)
{
	int64_t since = clock_now() - base;
	uint64_t last, crash, now;
	char out[64];

	epoch_read(&last, &crash);
	if (last < above)
		last = above;
	now = since > 0 && (uint64_t)since > last ? (uint64_t)since :
	    last + 1;
	store.crash = store.clean && crash != 0 ? crash : now;
	snprintf(out, sizeof(out), "%llu\n%llu\n", (unsigned long long)now,
	    (unsigned long long)store.crash);
	if (text_replace("", 0, ".epoch", out, strlen(out)) == -1)
		log_fatal("mail/.epoch: %s", strerror(errno));
	return now;
}
