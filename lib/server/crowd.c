#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/base/fd.h"
#include "lib/server/crowd.h"

int
crowd_make(void)
{
	int e, fd = memfd_create("crowd", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd != -1 && ftruncate(fd, sizeof(struct crowd)) == 0 &&
	    fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW |
	    F_SEAL_SEAL) == 0)
		return fd;
	e = errno;
	fd_close(&fd);
	errno = e;
	return -1;
}

struct crowd *
crowd_map(int fd)
{
	void *p = mmap(NULL, sizeof(struct crowd), PROT_READ | PROT_WRITE,
	    MAP_SHARED, fd, 0);

	return p == MAP_FAILED ? NULL : p;
}

void
crowd_set(struct crowd *c, unsigned place, uint64_t origin)
{
	atomic_store(&c->at[place], origin);
}

unsigned
crowd_count(const struct crowd *c, uint64_t origin)
{
	uint64_t used = atomic_load(&c->used);
	unsigned i, n = 0;

	if (used > CROWD_MAX)
		used = CROWD_MAX;
	for (i = 0; i < used; i++)
		n += atomic_load_explicit(&c->at[i], memory_order_seq_cst) ==
		    origin;
	return n;
}
