/*
 * The file. Its directory is the current folder, entered before the drop, so
 * that rotation needs no path above it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/fd.h"
#include "lib/base/log.h"
#include "master/logger_conf.h"
#include "master/logger_file.h"
#include "master/logger_line.h"

#define NAME "rohrpost.log"

enum { OUT_MAX = 1 << 20 };	/* octets that wait for the disk */

static struct buf out = BUF_INIT(OUT_MAX);
static int file = -1;
static uint64_t size;
static unsigned long lost;

struct buf *
logger_file_out(void)
{
	return &out;
}

void
logger_file_lost(void)
{
	lost++;
}

static int
open_file(void)
{
	struct stat st;

	file = open(NAME, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW |
	    O_CLOEXEC | O_NONBLOCK, 0640);
	if (file == -1 || fstat(file, &st) == -1)
		return -1;
	size = (uint64_t)st.st_size;
	return 0;
}

int
logger_file_open(void)
{
	if (open_file() == 0)
		return 0;
	log_warn("log/" NAME ": %s", strerror(errno));
	return -1;
}

/*
 * Whoever moves the log away, or removes it, means the next lines to be found
 * in a new one. Where none can be made the old one is written on.
 */
void
logger_file_look(void)
{
	static int told;
	struct stat there, ours;
	int old = file, e;

	if (old == -1 || fstat(old, &ours) == -1)
		return;
	if (lstat(NAME, &there) == 0 && there.st_ino == ours.st_ino &&
	    there.st_dev == ours.st_dev)
		return;
	if (open_file() == 0) {
		fd_close(&old);
		told = 0;
		return;
	}
	e = errno;
	fd_close(&file);
	file = old;
	size = (uint64_t)ours.st_size;
	if (!told)
		log_warn("log/" NAME ": %s; the file before is written on",
		    strerror(e));
	told = 1;
}

/* rohrpost.log.1 is the youngest of the old ones; the oldest goes. */
static void
rotate(void)
{
	char from[64], to[64];
	uint64_t i;

	snprintf(to, sizeof(to), NAME ".%llu",
	    (unsigned long long)logger_conf.keep);
	unlink(to);
	for (i = logger_conf.keep; i > 1; i--) {
		snprintf(from, sizeof(from), NAME ".%llu",
		    (unsigned long long)(i - 1));
		snprintf(to, sizeof(to), NAME ".%llu", (unsigned long long)i);
		if (rename(from, to) == -1 && errno != ENOENT)
			return;
	}
	if (rename(NAME, NAME ".1") == -1)
		return;
	fd_close(&file);
	if (open_file() == -1)
		logger_file_lost();
}

static void
tell_lost(void)
{
	char text[80];
	int n;

	if (lost == 0 || out.len > OUT_MAX / 2)
		return;
	n = snprintf(text, sizeof(text), "w %lu lines were lost", lost);
	if (logger_line(&out, clock_now_us(), "logger", (uint32_t)getpid(),
	    text, (size_t)n) != -1)
		lost = 0;
}

void
logger_file_flush(void)
{
	ssize_t n;

	if (file == -1 && open_file() == -1)
		return;
	tell_lost();
	while (out.len > 0) {
		n = write(file, out.data, out.len);
		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0)
			return;		/* full: later, or lost */
		buf_consume(&out, (size_t)n);
		size += (uint64_t)n;
	}
	if (size >= logger_conf.size)
		rotate();
}
