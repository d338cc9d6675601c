/*
 * The epoch: seconds since 2020 at the start, but more than the last one. As
 * the upper half of every modseq it makes them grow over all starts, with or
 * without an index, and leaves them below 2^63 (RFC 7162 section 7).
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/fd.h"
#include "lib/base/log.h"
#include "lib/base/str.h"
#include "store/body.h"
#include "store/shard.h"

static const int64_t base = 1577836800;	/* 2020-01-01 */

uint64_t
store_epoch(void)
{
	struct buf text = BUF_INIT(64);
	uint64_t last = 0, now;
	int64_t since = clock_now() - base;
	char out[32];
	int fd = openat(body_root(), ".epoch", O_RDONLY | O_CLOEXEC);

	if (fd != -1 && (fd_slurp(fd, &text) == -1 || text.len < 2 ||
	    str_number(text.data, text.len - 1, UINT32_MAX / 2, &last) == -1))
		log_fatal("mail/.epoch cannot be read: it holds the number of "
		    "the last start; put %lld into it",
		    (long long)since);
	if (fd == -1 && errno != ENOENT)
		log_fatal("mail/.epoch: %s", strerror(errno));
	fd_close(&fd);
	buf_clear(&text);
	now = since > 0 && (uint64_t)since > last ? (uint64_t)since :
	    last + 1;
	snprintf(out, sizeof(out), "%llu\n", (unsigned long long)now);
	if (fd_replace(body_root(), ".epoch", 0600, out, strlen(out)) == -1)
		log_fatal("mail/.epoch: %s", strerror(errno));
	return now;
}
