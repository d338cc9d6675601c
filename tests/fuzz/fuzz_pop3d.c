/*
 * The lines of a client after its login, on a mailbox of three messages.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/base/mem.h"
#include "pop3d/pop3d_session.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static const char letter[] = "Subject: x\r\n\r\n.one\r\ntwo\r\n";

static int
no_door(void)
{
	return -1;
}

static void
open_box(struct pop3d_box *box, int fd)
{
	uint32_t i;

	memset(box, 0, sizeof(*box));
	door_init(&box->door, PEER_POP3D, -1);
	box->reopen = no_door;
	box->n = box->n_left = 3;
	box->message = mem_zalloc(3, sizeof(*box->message));
	for (i = 0; i < 3; i++) {
		box->message[i].uid = i + 1;
		box->message[i].size = sizeof(letter) - 1;
		box->message[i].header_len = 14;
		box->size_left += sizeof(letter) - 1;
		box->ahead[i] = dup(fd);
	}
	box->ahead_n = 3;
}

/* There is no store: what would ask for it, and log that, is forestalled. */
static void
ready(struct pop3d_box *box, int fd, const char *line)
{
	uint32_t i;

	for (i = 0; i < 3; i++)
		if (box->ahead[i] == -1)
			box->ahead[i] = dup(fd);
	if (strncasecmp(line, "quit", 4) == 0)
		pop3d_box_reset(box);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t len)
{
	static struct pop3d_io io;
	static struct pop3d_box box;
	static int fd = -1;
	struct pop3d_session s = { .io = &io, .box = &box };
	const uint8_t *end = p + len, *lf;
	char line[POP3D_LINE_MAX + 1];
	size_t n;

	if (fd == -1) {
		fd = memfd_create("message", MFD_CLOEXEC);
		if (write(fd, letter, sizeof(letter) - 1) == -1)
			abort();
	}
	open_box(&box, fd);
	pop3d_io_init(&io, -1, 0);
	while (p < end && !s.done) {
		lf = memchr(p, '\n', (size_t)(end - p));
		n = (size_t)((lf != NULL ? lf : end) - p);
		if (n >= POP3D_LINE_MAX)
			n = POP3D_LINE_MAX - 1;
		memcpy(line, p, n);
		line[n] = '\0';
		ready(&box, fd, line);
		pop3d_session_line(&s, line, n);
		/* Every line has an answer, and each begins like one. */
		if (io.out.len < 5 || (memcmp(io.out.data, "+OK", 3) != 0 &&
		    memcmp(io.out.data, "-ERR ", 5) != 0) ||
		    memcmp(io.out.data + io.out.len - 2, "\r\n", 2) != 0)
			abort();
		buf_reset(&io.out);
		p += n + (lf != NULL && p + n == lf);
	}
	pop3d_io_clear(&io);
	pop3d_box_clear(&box);
	return 0;
}
