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
	atomic_store(&c->since[place], 0);
	atomic_store(&c->at[place], origin);
}

unsigned
crowd_count(const struct crowd *c, uint64_t origin, unsigned *all_r)
{
	uint64_t at, used = atomic_load(&c->used);
	unsigned i, n = 0;

	*all_r = 0;
	if (used > CROWD_MAX)
		used = CROWD_MAX;
	for (i = 0; i < used; i++) {
		at = atomic_load_explicit(&c->at[i], memory_order_seq_cst);
		n += at == origin;
		*all_r += at != 0;
	}
	return n;
}

void
crowd_wait(struct crowd *c, unsigned place, int64_t since)
{
	/* Nothing depends on the order: master looks once a second. */
	atomic_store_explicit(&c->since[place], since, memory_order_relaxed);
}

int64_t
crowd_waits(const struct crowd *c, unsigned place)
{
	return atomic_load(&c->since[place]);
}

unsigned
crowd_reserve(unsigned max)
{
	return max / 10 + 1;
}

unsigned
crowd_share(unsigned max)
{
	return max / 20 + 1;
}
