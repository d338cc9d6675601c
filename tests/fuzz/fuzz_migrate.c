/*
 * The file of what migrate has brought: whatever stands in it, what is then
 * written is read again.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "relay/migrate_state.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	int fd = memfd_create("state", MFD_CLOEXEC), box;
	struct state_message *m;
	struct state s;
	size_t n;

	if (fd == -1 || write(fd, data, len) != (ssize_t)len ||
	    fcntl(fd, F_SETFL, O_APPEND) == -1)
		abort();
	/* That of a later version is refused. */
	if (state_open(&s, fd, 0) == -1) {
		state_close(&s);
		close(fd);
		return 0;
	}
	box = state_box_find(&s, "a b");
	if (box == -1 && (box = state_box_add(&s, "a b", 7)) == -1)
		abort();
	n = s.box[box].n;
	state_add(&s, (unsigned)box, &(struct state_message){ .uid = 5,
	    .here = 6, .flags = 1 });
	if (state_sync(&s) == -1)
		abort();
	state_close(&s);
	if (state_open(&s, fd, 1) == -1)
		abort();
	if (state_box_find(&s, "a b") != box || s.box[box].n != n + 1)
		abort();
	m = state_find(&s.box[box], 5);
	if (m == NULL || m->uid != 5)
		abort();
	state_close(&s);
	close(fd);
	return 0;
}
