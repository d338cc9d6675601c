#include <errno.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/crc32c.h"
#include "lib/base/fd.h"
#include "lib/base/log.h"
#include "lib/mail/proto.h"
#include "smtpd/smtpd_body.h"
#include "smtpd/smtpd_trace.h"

static struct buf memory = BUF_INIT(BODY_MEMORY);

void
body_init(struct body *b, struct smtp_session *s, int fd, const char *id)
{
	memset(b, 0, sizeof(*b));
	b->s = s;
	b->id = id;
	b->fd = fd;
	b->mem = &memory;
	buf_reset(b->mem);
}

struct smtp_refusal
body_refusal(enum body_fault f)
{
	static const struct smtp_refusal t[BODY_FAULTS] = {
		[BODY_BARE] = { 550, "5.5.2",
		    "bare CR, bare LF or NUL in the message" },
		[BODY_LINE] = { 550, "5.6.0", "a line is too long" },
		[BODY_SIZE] = { 552, "5.3.4", "the message is too big" },
		[BODY_HEADER] = { 552, "5.3.4", "the header is too big" },
		[BODY_HOPS] = { 554, "5.4.6", "too many hops" },
		[BODY_LOOP] = { 554, "5.4.6",
		    "mail loop: it was delivered to that address before" },
		[BODY_FULL] = { 452, "4.3.1", "the disk is full" },
		[BODY_DISK] = { 451, "4.3.0", "the disk is in trouble" },
	};

	return t[f];
}

static void
body_disk(struct body *b, const char *call)
{
	int e = errno;

	log_warn("%s: %s: %s", b->id, call, strerror(e));
	b->fault = e == ENOSPC || e == EDQUOT || e == EFBIG ? BODY_FULL :
	    BODY_DISK;
}

/* Writes both pieces, and counts and sums them in file order. */
static void
body_write(struct body *b, const struct buf *one, const struct buf *two)
{
	struct iovec v[2] = {
		{ .iov_base = one->data, .iov_len = one->len },
		{ .iov_base = two->data, .iov_len = two->len },
	};
	size_t i = v[0].iov_len == 0;
	ssize_t n;

	b->w.crc = crc32c(b->w.crc, one->data, one->len);
	b->w.crc = crc32c(b->w.crc, two->data, two->len);
	b->w.length += one->len + two->len;
	while (i < 2) {
		n = writev(b->fd, v + i, (int)(2 - i));
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1) {
			body_disk(b, "write");
			return;
		}
		for (; i < 2 && (size_t)n >= v[i].iov_len; i++)
			n -= (ssize_t)v[i].iov_len;
		if (i < 2) {
			v[i].iov_base = (char *)v[i].iov_base + n;
			v[i].iov_len -= (size_t)n;
		}
	}
}

/* What the file begins with; the whole header is in memory. */
static void
body_start(struct body *b)
{
	struct buf front = BUF_INIT(0);
	int64_t now = clock_now();

	b->started = 1;
	if ((b->fault = trace_judge(b->s, b->mem)) != BODY_FINE)
		return;
	trace_print(b->s, b->id, now, &front, &b->w);
	if (smtpd_is_ours(b->s))
		trace_mend(b->id, now, b->mem, &front);
	body_write(b, &front, b->mem);
	buf_clear(&front);
	buf_reset(b->mem);
}

/* The memory is full: into the file with it. */
static void
body_spill(struct body *b)
{
	static const struct buf none = BUF_INIT(0);

	if (!b->started) {
		body_start(b);
	} else {
		body_write(b, &none, b->mem);
		buf_reset(b->mem);
	}
}

void
body_put(void *arg, const char *p, size_t len)
{
	struct body *b = arg;
	size_t n;

	b->taken += len;
	if (b->taken > smtpd.conf.message_size && b->fault == BODY_FINE)
		b->fault = BODY_SIZE;
	while (len > 0 && b->fault == BODY_FINE) {
		if (b->mem->len == BODY_MEMORY)
			body_spill(b);
		n = BODY_MEMORY - b->mem->len;
		if (n > len)
			n = len;
		/* Not past its max, so it fits. */
		if (b->fault == BODY_FINE && buf_append(b->mem, p, n) == -1)
			b->fault = BODY_DISK;
		p += n;
		len -= n;
	}
}

void
body_finish(struct body *b)
{
	if (b->fault == BODY_FINE)
		body_spill(b);
	if (b->fault == BODY_FINE && fd_sync(b->fd) == -1) {
		/* Whatever is in the file now: it is never synced again. */
		b->broken = 1;
		body_disk(b, "sync");
	}
	if (b->fault != BODY_FINE) {
		submit_abandon(b->broken);
	} else if (submit_close() == -1) {
		body_disk(b, "close");
		server_retire();
	}
	if (b->mem->cap > BODY_MEMORY / 4)
		buf_clear(b->mem);
}
