/* Microseconds per mime_cache of a message file, or of a built-in one. */
#include <fcntl.h>
#include <stdio.h>

#include "lib/base/clock.h"
#include "lib/base/fd.h"
#include "lib/base/log.h"
#include "lib/mail/mime.h"
#include "lib/mail/mime_structure.h"

enum { ROUNDS = 100000 };

static void
sample(struct buf *b)
{
	int i;

	buf_puts(b, "Return-Path: <anna@example.test>\r\n"
	    "Delivered-To: bert@example.test\r\n");
	for (i = 0; i < 4; i++)
		buf_puts(b, "Received: from a.example.test (a.example.test "
		    "[192.0.2.1])\r\n\tby b.example.test with ESMTPS id "
		    "0123456789abcdef;\r\n\tMon, 1 Jan 2024 12:00:00 +0000"
		    "\r\n");
	buf_puts(b, "From: Anna Example <anna@example.test>\r\n"
	    "To: Bert <bert@example.test>, c@example.test\r\n"
	    "Cc: \"Dora, E.\" <dora@example.test>\r\n"
	    "Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?= and more\r\n"
	    "Date: Mon, 1 Jan 2024 12:00:00 +0000\r\n"
	    "Message-ID: <1234567890@example.test>\r\n"
	    "MIME-Version: 1.0\r\nX-Mailer: bench\r\n"
	    "Content-Type: multipart/alternative; boundary=\"xyz\"\r\n\r\n");
	for (i = 0; i < 2; i++) {
		buf_printf(b, "--xyz\r\nContent-Type: text/%s; "
		    "charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n",
		    i == 0 ? "plain" : "html");
		while (b->len < 2500 + (size_t)i * 1600)
			buf_puts(b, "A line of text as people write them, "
			    "seventy octets long or so.\r\n");
	}
	buf_puts(b, "--xyz--\r\n");
}

int
main(int argc, char **argv)
{
	struct buf b = BUF_INIT(0), r = BUF_INIT(0);
	int64_t start;
	int i, fd;

	log_init("bench_mime", 1);
	if (argc > 1) {
		fd = open(argv[1], O_RDONLY | O_CLOEXEC);
		if (fd == -1 || fd_slurp(fd, &b) == -1)
			log_usage("%s: cannot read", argv[1]);
	} else
		sample(&b);
	start = clock_now_us();
	for (i = 0; i < ROUNDS; i++)
		if (mime_cache(b.data, b.len, &r) == -1)
			log_panic("mime_cache failed");
	printf("mime_cache: %zu octets, record %zu octets, %.2f us\n", b.len,
	    r.len, (double)(clock_now_us() - start) / ROUNDS);
	return 0;
}
