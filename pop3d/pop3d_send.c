#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "pop3d/pop3d_send.h"

enum { PIECE = 64 * 1024 };

static char piece[PIECE];

void
pop3d_stuff_begin(struct pop3d_stuff *s)
{
	s->last[0] = '\r';
	s->last[1] = '\n';
}

void
pop3d_stuff(struct pop3d_stuff *s, struct pop3d_io *io, const char *p,
    size_t len)
{
	const char *end = p + len, *dot;

	if (len == 0)
		return;
	if (s->last[1] == '\n' && *p == '.')
		pop3d_io_put(io, ".", 1);
	s->last[0] = len > 1 ? end[-2] : s->last[1];
	s->last[1] = end[-1];
	/* Up to a LF with a dot after it, then on from that dot, twice. */
	while ((dot = memmem(p, (size_t)(end - p), "\n.", 2)) != NULL) {
		pop3d_io_put(io, p, (size_t)(dot + 1 - p));
		pop3d_io_put(io, ".", 1);
		p = dot + 1;
	}
	pop3d_io_put(io, p, (size_t)(end - p));
}

void
pop3d_stuff_end(struct pop3d_stuff *s, struct pop3d_io *io)
{
	if (s->last[0] != '\r' || s->last[1] != '\n')
		pop3d_io_put(io, "\r\n", 2);
	pop3d_io_put(io, ".\r\n", 3);
}

/* How much of the len octets of the body belongs to *lines more lines. */
static size_t
cut_lines(const char *p, size_t len, uint64_t *lines)
{
	const char *at = p, *end = p + len, *lf;

	while (*lines > 0 && at < end) {
		lf = memchr(at, '\n', (size_t)(end - at));
		if (lf == NULL)
			return len;
		at = lf + 1;
		--*lines;
	}
	return (size_t)(at - p);
}

int
pop3d_send(struct pop3d_io *io, int fd, uint64_t size, uint64_t header_len,
    uint64_t lines)
{
	uint64_t off = 0;
	struct pop3d_stuff s;
	size_t want, head;
	ssize_t n;

	if (lines == UINT64_MAX || header_len > size)
		header_len = size;
	pop3d_stuff_begin(&s);
	while (off < size && (off < header_len || lines > 0) && !io->ended) {
		want = size - off < PIECE ? (size_t)(size - off) : PIECE;
		n = pread(fd, piece, want, (off_t)off);
		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0) {
			errno = n == 0 ? 0 : errno;
			return -1;
		}
		head = off >= header_len ? 0 : header_len - off >= (size_t)n ?
		    (size_t)n : (size_t)(header_len - off);
		want = head + cut_lines(piece + head, (size_t)n - head,
		    &lines);
		pop3d_stuff(&s, io, piece, want);
		off += (uint64_t)n;
	}
	pop3d_stuff_end(&s, io);
	return 0;
}
