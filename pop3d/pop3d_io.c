#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>

#include "lib/base/fd.h"
#include "pop3d/pop3d_io.h"

void
pop3d_io_init(struct pop3d_io *io, int fd, int timeout_ms)
{
	memset(io, 0, offsetof(struct pop3d_io, in));
	io->fd = fd;
	io->timeout_ms = timeout_ms;
	/* One answer may follow a full buffer. */
	buf_init(&io->out, 2 * POP3D_OUT_SIZE);
}

void
pop3d_io_clear(struct pop3d_io *io)
{
	fd_close(&io->fd);
	buf_clear(&io->out);
	io->ended = 1;
}

static int
io_wait(struct pop3d_io *io, short events)
{
	struct pollfd p = { .fd = io->fd, .events = events };
	int n;

	do
		n = poll(&p, 1, io->timeout_ms);
	while (n == -1 && errno == EINTR);
	if (n <= 0)
		io->ended = 1;
	return n > 0 ? 0 : -1;
}

int
pop3d_io_flush(struct pop3d_io *io)
{
	size_t done = 0;
	ssize_t n;

	while (!io->ended && done < io->out.len) {
		n = send(io->fd, io->out.data + done, io->out.len - done,
		    MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n >= 0)
			done += (size_t)n;
		else if (errno == EAGAIN)
			(void)io_wait(io, POLLOUT);
		else if (errno != EINTR)
			io->ended = 1;
	}
	buf_reset(&io->out);
	return io->ended ? -1 : 0;
}

void
pop3d_io_put(struct pop3d_io *io, const void *p, size_t len)
{
	const char *s = p;
	size_t n;

	while (len > 0 && !io->ended) {
		n = POP3D_OUT_SIZE - io->out.len;
		if (n > len)
			n = len;
		(void)buf_append(&io->out, s, n);
		s += n;
		len -= n;
		if (io->out.len >= POP3D_OUT_SIZE)
			(void)pop3d_io_flush(io);
	}
}

void
pop3d_io_puts(struct pop3d_io *io, const char *s)
{
	pop3d_io_put(io, s, strlen(s));
}

void
pop3d_io_printf(struct pop3d_io *io, const char *fmt, ...)
{
	va_list ap;

	if (io->ended)
		return;
	va_start(ap, fmt);
	(void)buf_vprintf(&io->out, fmt, ap);
	va_end(ap);
	if (io->out.len >= POP3D_OUT_SIZE)
		(void)pop3d_io_flush(io);
}

/* Sends, then reads once to the end of what is there. 0, or -1. */
static int
io_fill(struct pop3d_io *io)
{
	ssize_t n;

	if (io->start > 0) {
		memmove(io->in, io->in + io->start, io->end - io->start);
		io->end -= io->start;
		io->start = 0;
	}
	if (pop3d_io_flush(io) == -1 || io_wait(io, POLLIN) == -1)
		return -1;
	do
		n = recv(io->fd, io->in + io->end, sizeof(io->in) - io->end, 0);
	while (n == -1 && errno == EINTR);
	if (n <= 0)
		io->ended = 1;
	else
		io->end += (size_t)n;
	return n > 0 ? 0 : -1;
}

static int
skip_line(struct pop3d_io *io)
{
	char *lf;

	for (;;) {
		lf = memchr(io->in + io->start, '\n', io->end - io->start);
		if (lf != NULL) {
			io->start = (size_t)(lf + 1 - io->in);
			return -1;
		}
		io->start = io->end = 0;
		if (io_fill(io) == -1)
			return 0;
	}
}

int
pop3d_io_line(struct pop3d_io *io, char **line_r, size_t *len_r)
{
	size_t len;
	char *lf;

	while ((lf = memchr(io->in + io->start, '\n',
	    io->end - io->start)) == NULL) {
		if (io->end - io->start >= POP3D_LINE_MAX)
			return skip_line(io);
		if (io_fill(io) == -1)
			return 0;
	}
	len = (size_t)(lf - (io->in + io->start));
	if (len + 1 > POP3D_LINE_MAX)
		return skip_line(io);
	*line_r = io->in + io->start;
	io->start += len + 1;
	if (len > 0 && lf[-1] == '\r')
		len--;
	(*line_r)[len] = '\0';
	*len_r = len;
	return 1;
}
