#include <errno.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/crc32c.h"
#include "lib/base/fd.h"
#include "lib/base/log.h"
#include "lib/mail/header.h"
#include "lib/mail/mime_encode.h"
#include "lib/server/server.h"
#include "smtpd/smtpd_body.h"
#include "smtpd/smtpd_check.h"
#include "smtpd/smtpd_mend.h"
#include "smtpd/smtpd_trace.h"

/* Room for what a submission gets, too: an octet may become three. */
static struct buf memory = BUF_INIT(4 * BODY_MEMORY);

void
body_init(struct smtp_body *b, struct smtp_session *s, int fd, const char *id)
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
	static const struct smtp_refusal t[] = {
		[BODY_BARE] = { 550, "5.5.2",
		    "bare CR, bare LF or NUL in the message" },
		[BODY_LINE] = { 550, "5.6.0", "a line is too long" },
		[BODY_SIZE] = { 552, "5.3.4", "the message is too big" },
		[BODY_FULL] = { 452, "4.3.1", "the disk is full" },
		[BODY_DISK] = { 451, "4.3.0", "the disk is in trouble" },
	};

	return t[f];
}

void
body_refuse(struct smtp_body *b, enum body_fault f)
{
	if (b->refusal.code == 0)
		b->refusal = body_refusal(f);
}

static int
is_refused(const struct smtp_body *b)
{
	return b->refusal.code != 0;
}

static void
body_disk(struct smtp_body *b, const char *call)
{
	int e = errno;

	log_warn("%s: %s: %s", b->id, call, strerror(e));
	body_refuse(b, e == ENOSPC || e == EDQUOT || e == EFBIG ? BODY_FULL :
	    BODY_DISK);
}

/* Writes both pieces, one after the other, from octet `at` of the file. */
static void
body_write(struct smtp_body *b, const struct buf *one, const struct buf *two,
    uint64_t at)
{
	struct iovec v[2] = {
		{ .iov_base = one->data, .iov_len = one->len },
		{ .iov_base = two->data, .iov_len = two->len },
	};
	size_t i = v[0].iov_len == 0;
	ssize_t n;

	while (i < 2 && v[i].iov_len > 0) {
		n = pwritev(b->fd, v + i, (int)(2 - i), (off_t)at);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1) {
			body_disk(b, "write");
			return;
		}
		at += (uint64_t)n;
		for (; i < 2 && (size_t)n >= v[i].iov_len; i++)
			n -= (ssize_t)v[i].iov_len;
		if (i < 2) {
			v[i].iov_base = (char *)v[i].iov_base + n;
			v[i].iov_len -= (size_t)n;
		}
	}
}

/* Shows the checks octets of the body, in order. */
static void
body_show(struct smtp_body *b, const char *p, size_t len)
{
	struct smtp_case c = { .text = p, .len = len };

	if (len > 0)
		b->refusal = smtp_check(b->s, STAGE_BODY, &c);
}

/* In place of the first octets in memory, these. */
static void
body_replace(struct smtp_body *b, size_t len, const struct buf *by)
{
	size_t rest = b->mem->len - len;

	if (len == 0 && by->len == 0)
		return;
	if (by->len > len && buf_reserve(b->mem, by->len - len) == -1)
		return;
	memmove(b->mem->data + by->len, b->mem->data + len, rest);
	if (by->len > 0)
		memcpy(b->mem->data, by->data, by->len);
	b->mem->len = by->len + rest;
	b->mem->data[b->mem->len] = '\0';
}

/* Text without a header is left alone: what it got would stand in the text. */
static int
has_header(const struct smtp_body *b)
{
	struct header_field f;
	struct header h;

	header_init(&h, buf_str(b->mem), b->mem->len);
	return !header_next(&h, &f) || f.name_len > 0;
}

/* Parts with lines that are too long, where all of the message is here. */
static void
body_lines(struct smtp_body *b)
{
	struct buf out = BUF_INIT(0);

	if (b->whole && has_header(b) &&
	    lines_put(buf_str(b->mem), b->mem->len, &out))
		body_replace(b, b->mem->len, &out);
	buf_clear(&out);
}

/* What a submission's header needs. */
static void
body_mend(struct smtp_body *b, struct header_counts *n)
{
	const char *at = strrchr(b->s->login, '@');
	struct buf head = BUF_INIT(0);

	if (has_header(b) && mend_header(buf_str(b->mem), n->len,
	    at != NULL ? at + 1 : smtpd.hostname, &head)) {
		body_replace(b, n->len, &head);
		header_count(buf_str(b->mem), b->mem->len, n);
	}
	buf_clear(&head);
}

/* The whole header is in memory, or never will be. */
static void
body_start(struct smtp_body *b)
{
	static const struct buf none = BUF_INIT(0);
	struct smtp_case c = { .added = &b->added };
	int ours = smtpd_is_ours(b->s);
	struct header_counts n;

	b->started = 1;
	b->now = clock_now();
	if (ours) {
		body_replace(b, mend_top(buf_str(b->mem), b->mem->len), &none);
		body_lines(b);
	}
	header_count(buf_str(b->mem), b->mem->len, &n);
	c.endless = b->mem->len >= BODY_MEMORY && n.len == b->mem->len;
	if (ours && !c.endless)
		body_mend(b, &n);
	trace_message_id(&n, b->id, ours && !c.endless, b->message_id);
	if (ours && !c.endless)
		trace_mend(b->id, b->now, &n, b->mem, &b->added);
	c.text = buf_str(b->mem);
	c.len = n.len;
	b->refusal = smtp_check(b->s, STAGE_HEADER, &c);
	if (!is_refused(b))
		body_show(b, c.text + n.len, b->mem->len - n.len);
}

/* All that stands in front of the message. */
static void
body_head(struct smtp_body *b, struct buf *head)
{
	trace_print(b->s, b->id, b->now, head, &b->w);
	buf_append(head, b->added.data, b->added.len);
}

/* What is in memory was not looked at yet: it goes by the checks. */
static void
body_check(struct smtp_body *b)
{
	if (!b->started)
		body_start(b);
	else
		body_show(b, b->mem->data, b->mem->len);
}

/* What is in memory goes to the end of the file; summed while it is warm. */
static void
body_append(struct smtp_body *b)
{
	static const struct buf none = BUF_INIT(0);

	b->crc = crc32c(b->crc, b->mem->data, b->mem->len);
	body_write(b, b->mem, &none, b->room + b->spilled);
	b->spilled += b->mem->len;
}

/* The memory is full: into the file with it. */
static void
body_spill(struct smtp_body *b)
{
	struct buf head = BUF_INIT(0);

	body_check(b);
	if (is_refused(b))
		return;
	if (b->spilled == 0) {
		body_head(b, &head);
		b->room = head.len;
		buf_clear(&head);
	}
	body_append(b);
	buf_reset(b->mem);
}

void
body_put(void *arg, const char *p, size_t len)
{
	struct smtp_body *b = arg;
	size_t n;

	b->taken += len;
	if (b->taken > smtpd.conf.message_size)
		body_refuse(b, BODY_SIZE);
	while (len > 0 && !is_refused(b)) {
		if (b->mem->len >= BODY_MEMORY)
			body_spill(b);
		n = BODY_MEMORY - b->mem->len;
		if (n > len)
			n = len;
		/* Not past its max, so it fits. */
		if (!is_refused(b) && buf_append(b->mem, p, n) == -1)
			body_refuse(b, BODY_DISK);
		p += n;
		len -= n;
	}
}

/* Copies n octets within the file, through memory. */
static int
copy_piece(struct smtp_body *b, uint64_t from, uint64_t to, size_t n)
{
	static const struct buf none = BUF_INIT(0);

	buf_reset(b->mem);
	if (buf_reserve(b->mem, n) == -1 ||
	    fd_pread_all(b->fd, b->mem->data, n, (off_t)from) == -1) {
		body_disk(b, "read");
		return -1;
	}
	b->mem->len = n;
	body_write(b, b->mem, &none, to);
	return is_refused(b) ? -1 : 0;
}

/*
 * The head became longer or shorter than the room that was left for it: what
 * is in the file moves, from that end on at which nothing is written over that
 * was not copied yet.
 */
static void
body_move(struct smtp_body *b, uint64_t room)
{
	uint64_t done = 0, at;
	size_t n;

	for (; done < b->spilled; done += n) {
		n = b->spilled - done > BODY_MEMORY ? BODY_MEMORY :
		    (size_t)(b->spilled - done);
		at = room < b->room ? done : b->spilled - done - n;
		if (copy_piece(b, b->room + at, room + at, n) == -1)
			return;
	}
	if (room < b->room && ftruncate(b->fd, (off_t)(room + b->spilled)) ==
	    -1)
		body_disk(b, "truncate");
	buf_reset(b->mem);
}

/* The head, and what is in memory: with it, or at the end of the file. */
static void
body_complete(struct smtp_body *b)
{
	static const struct buf none = BUF_INIT(0);
	struct buf head = BUF_INIT(0);

	body_head(b, &head);
	b->w.crc = crc32c(0, head.data, head.len);
	if (b->spilled == 0) {
		b->w.crc = crc32c(b->w.crc, b->mem->data, b->mem->len);
		body_write(b, &head, b->mem, 0);
		b->spilled = b->mem->len;
	} else {
		body_append(b);
		if (!is_refused(b) && head.len != b->room)
			body_move(b, head.len);
		if (!is_refused(b))
			body_write(b, &head, &none, 0);
		b->w.crc = crc32c_join(b->w.crc, b->crc, b->spilled);
	}
	b->w.length = head.len + b->spilled;
	buf_clear(&head);
}

static void
body_clear(struct smtp_body *b)
{
	buf_clear(&b->added);
	if (b->mem->cap > BODY_MEMORY / 4)
		buf_clear(b->mem);
}

void
body_abandon(struct smtp_body *b)
{
	submit_abandon(b->broken);
	body_clear(b);
}

void
body_finish(struct smtp_body *b)
{
	struct smtp_case c = { .len = 0 };

	b->whole = !b->started;
	if (!is_refused(b))
		body_check(b);
	if (!is_refused(b))
		b->refusal = smtp_check(b->s, STAGE_END, &c);
	if (!is_refused(b))
		body_complete(b);
	if (!is_refused(b) && fd_sync(b->fd) == -1) {
		/* Whatever is in the file now: it is never synced again. */
		b->broken = 1;
		body_disk(b, "sync");
	}
	if (is_refused(b)) {
		body_abandon(b);
		return;
	}
	if (submit_close() == -1) {
		body_disk(b, "close");
		server_retire();
	}
	body_clear(b);
}
