#include <errno.h>
#include <string.h>
#include <sys/mman.h>
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
#include "smtpd/smtpd_file.h"
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
	b->most = BODY_MEMORY;
	b->mark = smtp_check_mark(s);
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

/* Writes both pieces, one after the other, from octet `at` of the message. */
static void
body_write(struct smtp_body *b, const struct buf *one, const struct buf *two,
    uint64_t at)
{
	if (file_write(b->fd, one, two, b->base + at) == -1)
		body_disk(b, "write");
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
has_header(const char *p, size_t len)
{
	struct header_field f;
	struct header h;

	header_init(&h, p, len);
	return !header_next(&h, &f) || f.name_len > 0;
}

/* What a submission's header needs. */
static void
body_mend(struct smtp_body *b, struct header_counts *n)
{
	const char *at = strrchr(b->s->login, '@');
	struct buf head = BUF_INIT(0);

	if (has_header(buf_str(b->mem), b->mem->len) &&
	    mend_header(buf_str(b->mem), n->len, at != NULL ? at + 1 :
	    smtpd.hostname, &head)) {
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
	if (ours)
		body_replace(b, mend_top(buf_str(b->mem), b->mem->len), &none);
	header_count(buf_str(b->mem), b->mem->len, &n);
	c.endless = b->mem->len >= b->most && n.len == b->mem->len;
	if (ours && !c.endless)
		body_mend(b, &n);
	trace_message_id(&n, b->id, ours && !c.endless, b->message_id);
	if (ours && !c.endless)
		trace_mend(b->id, b->now, &n, b->mem, &b->added);
	c.text = buf_str(b->mem);
	c.len = n.len;
	b->refusal = smtp_check(b->s, STAGE_HEADER, &c);
	b->notes = c.room_r;
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
		b->room = head.len + b->notes;
		buf_clear(&head);
	}
	body_append(b);
	buf_reset(b->mem);
}

static void
body_take(struct smtp_body *b, const char *p, size_t len)
{
	size_t n;

	while (len > 0 && !is_refused(b)) {
		if (b->mem->len >= b->most)
			body_spill(b);
		n = b->most - b->mem->len;
		if (n > len)
			n = len;
		/* Not past its max, so it fits. */
		if (!is_refused(b) && buf_append(b->mem, p, n) == -1)
			body_refuse(b, BODY_DISK);
		p += n;
		len -= n;
	}
}

void
body_put(void *arg, const char *p, size_t len)
{
	struct smtp_body *b = arg;

	b->taken += len;
	if (b->taken > smtpd.conf.message_size)
		body_refuse(b, BODY_SIZE);
	body_take(b, p, len);
}

/* Moves what is at the file's end; forward, the file ends behind it. */
static void
body_move(struct smtp_body *b, uint64_t from, uint64_t to, uint64_t len)
{
	const char *call;

	if (file_move(b->fd, from, to, len, b->mem, &call) == -1)
		body_disk(b, call);
	else if (to < from && ftruncate(b->fd, (off_t)(to + len)) == -1)
		body_disk(b, "truncate");
}

/* All begins again, behind what is in the file: it comes as it shall be. */
static void
body_begin_again(struct smtp_body *b)
{
	b->base = b->room + b->spilled;
	b->room = b->spilled = 0;
	b->crc = 0;
	b->started = 0;
	buf_reset(b->mem);
	buf_reset(&b->added);
	smtp_check_back(b->s, &b->mark);
}

/* lines_put's hook: what takes the place of the message. */
static void
body_mended(void *arg, const char *p, size_t len)
{
	struct smtp_body *b = arg;

	if (!b->again) {
		b->again = 1;
		b->most = 2 * BODY_MEMORY;
		body_begin_again(b);
	}
	if (b->huge_line && lines_measure(&b->line, p, len) >
	    DATA_LINE_MAX + 1)
		body_refuse(b, BODY_LINE);
	body_take(b, p, len);
}

/* True where the message at p has its place taken. */
static int
body_lines(struct smtp_body *b, const char *p, size_t len)
{
	size_t top = b->started ? 0 : mend_top(p, len);

	return has_header(p + top, len - top) &&
	    lines_put(p + top, len - top, body_mended, b);
}

/* All of it is in memory: it comes from there anew. */
static void
mend_memory(struct smtp_body *b)
{
	struct buf all = *b->mem;

	buf_init(b->mem, all.max);
	if (body_lines(b, buf_str(&all), all.len))
		buf_clear(&all);
	else
		*b->mem = all;
}

/*
 * All of it goes into the file, and is read from there by a map, which takes no
 * memory of this process; a disk that fails now ends it (SIGBUS), like a kill.
 * What is larger than the space that is left (process_memory) stays as it came:
 * it would not fit later either.
 */
static void
mend_file(struct smtp_body *b)
{
	uint64_t spilled = b->spilled;
	uint32_t crc = b->crc;
	size_t len, room = (size_t)b->room;
	char *p;

	body_append(b);
	if (is_refused(b))
		return;
	len = (size_t)(b->room + b->spilled);
	p = mmap(NULL, len, PROT_READ, MAP_SHARED, b->fd, 0);
	if (p == MAP_FAILED)
		log_warn("%s: map: %s: its long lines stay", b->id,
		    strerror(errno));
	if (p == MAP_FAILED || !body_lines(b, p + room, len - room)) {
		b->spilled = spilled;
		b->crc = crc;
	}
	if (p != MAP_FAILED)
		munmap(p, len);
}

/*
 * A submission with lines that are too long, when all is there. What cannot be
 * mended may have no line over DATA_LINE_MAX, as on port 25.
 */
static void
body_mend_lines(struct smtp_body *b)
{
	if (b->spilled == 0)
		mend_memory(b);
	else
		mend_file(b);
	if (b->huge_line && !b->again)
		body_refuse(b, BODY_LINE);
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
		/* The head became longer or shorter than its room. */
		if (!is_refused(b) && head.len != b->room)
			body_move(b, b->base + b->room, b->base + head.len,
			    b->spilled);
		if (!is_refused(b))
			body_write(b, &head, &none, 0);
		b->w.crc = crc32c_join(b->w.crc, b->crc, b->spilled);
	}
	b->w.length = head.len + b->spilled;
	if (!is_refused(b) && b->base > 0)
		body_move(b, b->base, 0, b->w.length);
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

	if (!is_refused(b) && b->long_line && smtpd_is_ours(b->s))
		body_mend_lines(b);
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
