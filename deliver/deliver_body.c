#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "deliver/deliver_body.h"
#include "lib/base/crc32c.h"
#include "lib/base/str.h"
#include "lib/mail/door.h"
#include "lib/mail/header.h"
#include "lib/mail/limits.h"
#include "lib/mail/mark.h"
#include "lib/mail/mime.h"
#include "lib/mail/mime_structure.h"

enum {
	KEEP = 1 << 20,		/* a larger buffer is given back */
	PIECE = 256 * 1024,	/* of a body that is not loaded whole */
};

static struct buf data;

/* Reads up to len octets at off; how many there are, -1 with errno. */
static ssize_t
read_some(int fd, char *p, size_t len, off_t off)
{
	size_t done = 0;
	ssize_t n;

	while (done < len) {
		n = pread(fd, p + done, len - done, off + (off_t)done);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return -1;
		if (n == 0)
			break;
		done += (size_t)n;
	}
	return (ssize_t)done;
}

static enum body_verdict
judge(uint64_t got, uint64_t length, uint32_t sum, uint32_t crc,
    struct buf *why)
{
	if (got != length) {
		buf_set(why, "4.3.0 the body has %s than %llu octets",
		    got < length ? "less" : "more", (unsigned long long)length);
		return BODY_BROKEN;
	}
	if (sum == crc)
		return BODY_GOOD;
	buf_set(why, "4.3.0 the body's checksum is %08x, not %08x",
	    (unsigned)sum, (unsigned)crc);
	return BODY_BROKEN;
}

static enum body_verdict
unread(struct buf *why)
{
	buf_set(why, "4.3.0 the body cannot be read: %s", strerror(errno));
	return BODY_UNREAD;
}

/* The usual case: one read, whole. */
static enum body_verdict
load(struct body *b, int fd, uint64_t length, uint32_t crc, struct buf *why)
{
	struct door_tail tail = { .n = 0 };
	enum body_verdict r;
	ssize_t n;

	buf_reset(&data);
	if (buf_reserve(&data, (size_t)length + 1) == -1) {
		errno = EFBIG;
		return unread(why);
	}
	/* One octet more, to see that it ends where it should. */
	if ((n = read_some(fd, data.data, (size_t)length + 1, 0)) == -1)
		return unread(why);
	r = judge((uint64_t)n, length, (uint64_t)n == length ?
	    crc32c(0, data.data, (size_t)n) : 0, crc, why);
	if (r != BODY_GOOD)
		return r;
	data.len = (size_t)n;
	b->header = b->data = data.data;
	b->data_len = data.len;
	b->header_read = mime_header_len(data.data, data.len);
	b->header_len = (uint32_t)b->header_read;
	door_tail_add(&tail, data.data, data.len);
	b->mark = door_tail_mark(&tail);
	if (mime_cache(data.data, data.len, &b->cache) == -1)
		buf_reset(&b->cache);
	return BODY_GOOD;
}

/* A large one, in pieces; of its header the first is looked at. */
static enum body_verdict
scan(struct body *b, int fd, uint64_t length, uint32_t crc, struct buf *why)
{
	struct mime_header_end h = { 0 };
	struct door_tail tail = { .n = 0 };
	uint64_t done = 0;
	uint32_t sum = 0;
	ssize_t n;

	buf_reset(&data);
	if (buf_reserve(&data, 2 * PIECE) == -1) {
		errno = EFBIG;
		return unread(why);
	}
	while (done <= length) {
		n = read_some(fd, data.data + PIECE, PIECE, (off_t)done);
		if (n == -1)
			return unread(why);
		if (n == 0)
			break;
		mime_header_more(&h, data.data + PIECE, (size_t)n);
		if (done == 0) {
			memcpy(data.data, data.data + PIECE, (size_t)n);
			b->header = b->data = data.data;
			b->data_len = (size_t)n;
			b->header_read = (size_t)h.len;
		}
		sum = crc32c(sum, data.data + PIECE, (size_t)n);
		door_tail_add(&tail, data.data + PIECE, (size_t)n);
		done += (uint64_t)n;
	}
	b->header_len = (uint32_t)h.len;
	b->mark = door_tail_mark(&tail);
	return judge(done, length, sum, crc, why);
}

enum body_verdict
body_read(struct body *b, int fd, uint64_t length, uint32_t crc,
    struct buf *why)
{
	buf_reset(&b->cache);
	b->header = b->data = "";
	b->header_read = b->data_len = 0;
	b->header_len = 0;
	b->mark = 0;
	if (data.cap > KEEP)
		buf_clear(&data);
	if (length <= DELIVER_LOAD_MAX)
		return load(b, fd, length, crc, why);
	return scan(b, fd, length, crc, why);
}

static int
is_text(const struct buf *value, const char *p, size_t len)
{
	return value->len == len && str_ncasecmp(buf_str(value), p, len) == 0;
}

int
body_loops(const struct body *b, uint32_t from, const char *host,
    const struct packed_target *t)
{
	struct buf value = BUF_INIT(ADDRESS_MAX);
	struct header_field f;
	struct header h;
	struct mark m;
	int loops = 0;

	if (from >= b->header_read)
		return 0;
	mark_init(&m, host);
	header_init(&h, b->header + from, b->header_read - from);
	while (!loops && header_next(&h, &f))
		loops = mark_field(&m, &f, &value) &&
		    (is_text(&value, t->address, t->len) ||
		    is_text(&value, t->owner, t->owner_len));
	buf_clear(&value);
	return loops;
}
