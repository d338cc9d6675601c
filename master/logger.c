/*
 * One reader for each log pipe. All that is there is read before anything is
 * written: a burst is one write. A second's timer tries again what the disk
 * refused, and looks whether the file is still in its place.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/fd.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "master/logger.h"
#include "master/logger_conf.h"
#include "master/logger_file.h"
#include "master/logger_line.h"
#include "master/logger_rate.h"
#include "master/logger_syslog.h"

enum {
	LINE_MAX_IN = LOG_LINE_MAX + 16,
	READ_SIZE = 16384,
	TURNS = 8,		/* reads of one pipe before the others' turn */
};

struct source {
	struct source *next;
	ev_io	 io;
	enum peer peer;
	uint32_t pid;
	int	 skipping;	/* the rest of a line that is too long */
	struct buf part;	/* the start of a line */
};

static struct source *sources;
static ev_prepare flushing;
static ev_timer retry;
static struct ev_loop *the_loop;
static int copy_fd = -1;	/* master -d: a copy goes there */

static void
put(enum peer peer, uint32_t pid, const char *p, size_t len)
{
	struct buf *out = logger_file_out();
	size_t before = out->len, head;
	int64_t now = clock_now_us();
	int priority;

	priority = logger_line(out, now, peer_name(peer), pid, p, len);
	if (priority == -1) {
		logger_file_lost();
		return;
	}
	if (copy_fd != -1 &&
	    write(copy_fd, out->data + before, out->len - before) == -1)
		fd_close(&copy_fd);
	if (logger_conf.to_syslog) {
		head = before + strcspn(out->data + before, " ") + 1;
		logger_syslog(priority, now / 1000000, out->data + head,
		    out->len - 1 - head);
	}
}

static void
line(struct source *s, const char *p, size_t len)
{
	if (rate_allow(s->peer, s->pid, p, len, clock_mono_ms()))
		put(s->peer, s->pid, p, len);
}

/* A word of our own. */
static void
say(const char *words)
{
	char text[LINE_MAX_IN];
	int n = snprintf(text, sizeof(text), "w %s", words);

	put(PEER_LOGGER, (uint32_t)getpid(), text, (size_t)n);
}

/* Cuts what was read into lines; the rest waits for more. */
static void
take(struct source *s, const char *p, size_t len)
{
	const char *nl;
	size_t n;

	while (len > 0) {
		nl = memchr(p, '\n', len);
		n = nl != NULL ? (size_t)(nl - p) : len;
		if (nl != NULL && s->part.len == 0 && !s->skipping)
			line(s, p, n);	/* the usual way: no copy */
		else if (!s->skipping &&
		    buf_append(&s->part, p, n) == -1) {
			buf_append(&s->part, p, LINE_MAX_IN - s->part.len);
			line(s, s->part.data, s->part.len);
			s->skipping = 1;
		} else if (nl != NULL && !s->skipping)
			line(s, buf_str(&s->part), s->part.len);
		if (nl == NULL)
			return;
		s->skipping = 0;
		buf_reset(&s->part);
		p = nl + 1;
		len -= n + 1;
	}
}

static void
source_end(struct source *s)
{
	struct source **at = &sources;
	int fd = s->io.fd;

	if (s->part.len > 0 && !s->skipping)
		line(s, s->part.data, s->part.len);
	ev_io_stop(the_loop, &s->io);
	fd_close(&fd);
	buf_clear(&s->part);
	while (*at != s)
		at = &(*at)->next;
	*at = s->next;
	free(s);
}

/* Reads what is there. 0 at the end of the pipe: s is gone. */
static int
source_read(struct source *s, int turns)
{
	char chunk[READ_SIZE];
	ssize_t n = 0;

	while (turns-- > 0) {
		n = read(s->io.fd, chunk, sizeof(chunk));
		if (n <= 0)
			break;
		take(s, chunk, (size_t)n);
		if ((size_t)n < sizeof(chunk))
			return 1;
	}
	if (n == 0 || (n == -1 && errno != EAGAIN && errno != EINTR)) {
		source_end(s);
		return 0;
	}
	return 1;
}

static void
on_readable(struct ev_loop *loop, ev_io *w, int events)
{
	source_read(w->data, TURNS);
}

static void
before_wait(struct ev_loop *loop, ev_prepare *w, int events)
{
	if (logger_file_out()->len > 0)
		logger_file_flush();
}

static void
on_retry(struct ev_loop *loop, ev_timer *w, int events)
{
	logger_file_look();
	rate_tick(clock_mono_ms(), 0, say);
	if (logger_conf.to_syslog)
		logger_syslog_tick(say);
	else
		logger_syslog_close();
	/* before_wait does the rest. */
}

void
logger_wired(struct ev_loop *loop, const struct wire *w)
{
	struct source *s = mem_zalloc(1, sizeof(*s));

	the_loop = loop;
	s->peer = w->peer;
	s->pid = w->instance;
	buf_init(&s->part, LINE_MAX_IN);
	ev_io_init(&s->io, on_readable, w->fd, EV_READ);
	s->io.data = s;
	s->next = sources;
	sources = s;
	ev_io_start(loop, &s->io);
}

void
logger_go(struct ev_loop *loop)
{
	struct stat st;

	the_loop = loop;
	/* master gives /dev/null as descriptor 1 unless it runs with -d. */
	if (fstat(STDOUT_FILENO, &st) == 0 && !(S_ISCHR(st.st_mode) &&
	    st.st_rdev == makedev(1, 3)))
		copy_fd = STDOUT_FILENO;
	ev_prepare_init(&flushing, before_wait);
	ev_prepare_start(loop, &flushing);
	ev_timer_init(&retry, on_retry, 1, 1);
	ev_timer_start(loop, &retry);
}

void
logger_stop(struct ev_loop *loop)
{
	struct source *s, *next;

	for (s = sources; s != NULL; s = next) {
		next = s->next;
		source_read(s, TURNS * TURNS);
	}
	rate_tick(clock_mono_ms(), 1, say);
	logger_file_flush();
	server_exit();
}
