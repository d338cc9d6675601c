/*
 * A message on its way to its file. The first octet says from whom it comes,
 * and whether it is a large one; the rest is the message. The file has the
 * length and checksum that queue is told, begins with the trace, and holds the
 * message: a stranger's unchanged, a submission's with Date and Message-ID and
 * without Bcc.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/base/crc32c.h"
#include "lib/base/fd.h"
#include "lib/base/log.h"
#include "lib/mail/header.h"
#include "lib/server/server.h"
#include "smtpd/smtpd_body.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

enum { LOCAL = 1, LARGE = 2, FILLER = 300 * 1024 };

/* What the archive needs of the skeleton. */
struct chan *
server_peer(enum peer p, int timeout_ms)
{
	return NULL;
}

void
server_peer_lost(enum peer p)
{
}

void
server_retire(void)
{
}

int
server_master_fd(void)
{
	return -1;
}

int
server_ending(int hear)
{
	return 0;
}

void
server_waiting(int64_t since)
{
}

int
server_kicked(void)
{
	return 0;
}

int
server_yielding(void)
{
	return 0;
}

static void
look(const struct smtp_body *b, const struct buf *in, const struct buf *file)
{
	struct header_counts c;
	size_t head;

	if (file->len != b->w.length ||
	    crc32c(0, file->data, file->len) != b->w.crc ||
	    memcmp(file->data, "Return-Path: <", 14) != 0 ||
	    memcmp(file->data + b->w.forward, "Delivered-To: ", 14) != 0 ||
	    memcmp(file->data + b->w.final, "Received: ", 10) != 0)
		abort();
	header_count(file->data, file->len, &c);
	if (b->s->service == SERVICE_LOCAL) {
		if (!c.has_date || !c.has_message_id || c.has_bcc)
			abort();
		return;
	}
	head = file->len - in->len;
	if (file->len < in->len || (in->len > 0 &&
	    memcmp(file->data + head, in->data, in->len) != 0) ||
	    memcmp(file->data + head - 2, "\r\n", 2) != 0)
		abort();
}

static void
put(struct smtp_body *b, struct buf *in, const void *p, size_t len)
{
	buf_append(in, p, len);
	body_put(b, p, len);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char filler[FILLER];
	static struct smtp_session s;
	struct buf in = BUF_INIT(0), file = BUF_INIT(0);
	struct smtp_body b;
	size_t step = size / 3 + 1;
	int fd, large;

	if (size == 0 || (fd = memfd_create("body", MFD_CLOEXEC)) == -1)
		return 0;
	smtpd.conf.message_size = 10 << 20;
	smtpd.hostname = "us.test";
	s.service = data[0] & LOCAL ? SERVICE_LOCAL : SERVICE_SMTP;
	s.env.n = 1;
	memcpy(s.env.first, "anna@us.test", 13);
	body_init(&b, &s, fd, "0000000000001000");
	large = data[0] & LARGE;
	for (size--, data++; size > 0; size -= step, data += step) {
		step = size < step ? size : step;
		put(&b, &in, data, step);
	}
	if (large) {
		memset(filler, 'x', sizeof(filler));
		put(&b, &in, filler, sizeof(filler));
	}
	b.long_line = 1;
	body_finish(&b);
	if (b.refusal.code == 0) {
		if (lseek(fd, 0, SEEK_SET) == -1 || fd_slurp(fd, &file) == -1)
			abort();
		look(&b, &in, &file);
	}
	close(fd);
	buf_clear(&in);
	buf_clear(&file);
	return 0;
}
