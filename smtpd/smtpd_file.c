#include <errno.h>
#include <sys/uio.h>

#include "lib/base/fd.h"
#include "smtpd/smtpd_file.h"

int
file_write(int fd, const struct buf *one, const struct buf *two, uint64_t at)
{
	struct iovec v[2] = {
		{ .iov_base = one->data, .iov_len = one->len },
		{ .iov_base = two->data, .iov_len = two->len },
	};
	size_t i = v[0].iov_len == 0;
	ssize_t n;

	while (i < 2 && v[i].iov_len > 0) {
		n = pwritev(fd, v + i, (int)(2 - i), (off_t)at);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return -1;
		at += (uint64_t)n;
		for (; i < 2 && (size_t)n >= v[i].iov_len; i++)
			n -= (ssize_t)v[i].iov_len;
		if (i < 2) {
			v[i].iov_base = (char *)v[i].iov_base + n;
			v[i].iov_len -= (size_t)n;
		}
	}
	return 0;
}

static int
copy_piece(int fd, uint64_t from, uint64_t to, size_t n, struct buf *mem,
    const char **call_r)
{
	static const struct buf none = BUF_INIT(0);

	buf_reset(mem);
	*call_r = "read";
	if (buf_reserve(mem, n) == -1 ||
	    fd_pread_all(fd, mem->data, n, (off_t)from) == -1)
		return -1;
	mem->len = n;
	*call_r = "write";
	return file_write(fd, mem, &none, to);
}

/* From that end on at which nothing is written over that was not copied yet. */
int
file_move(int fd, uint64_t from, uint64_t to, uint64_t len, struct buf *mem,
    const char **call_r)
{
	uint64_t done = 0, at;
	size_t n;

	for (; done < len; done += n) {
		n = len - done > FILE_PIECE ? FILE_PIECE :
		    (size_t)(len - done);
		at = to < from ? done : len - done - n;
		if (copy_piece(fd, from + at, to + at, n, mem, call_r) == -1)
			return -1;
	}
	buf_reset(mem);
	return 0;
}
