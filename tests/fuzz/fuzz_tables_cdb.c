/*
 * A damaged tables.cdb: any answer is right, a crash or an endless search is
 * not.
 */
#include <sys/mman.h>

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/base/fd.h"
#include "lib/mail/limits.h"
#include "lib/mail/tables.h"
#include "lib/map/map.h"

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
ask(struct tables *t)
{
	static const char *const who[] = { "anna@example.test",
		"anna+x@example.com", "sales@example.test", "q@catch.test",
		"postmaster", "nobody@other.test" };
	struct buf name = BUF_INIT(ADDRESS_MAX), list = BUF_INIT(1 << 20);
	struct tables_user u;
	size_t i;

	for (i = 0; i < sizeof(who) / sizeof(who[0]); i++) {
		(void)tables_address(t, who[i], &name, &list);
		(void)tables_user(t, who[i], &u);
		(void)tables_owns(t, "carl@catch.test", who[i]);
	}
	buf_clear(&name);
	buf_clear(&list);
}

static int
touch(const char *key, size_t klen, const char *value, size_t vlen, void *arg)
{
	size_t i, *sum = arg;

	for (i = 0; i < klen; i++)
		*sum += (unsigned char)key[i];
	for (i = 0; i < vlen; i++)
		*sum += (unsigned char)value[i];
	return 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int fd = memfd_create("tables", MFD_CLOEXEC);
	struct buf why = BUF_INIT(0);
	struct tables *t;
	struct map *m;
	char path[40];
	size_t sum = 0;

	if (fd == -1 || fd_write_all(fd, data, size) == -1)
		abort();
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	t = tables_open(path, &why);
	if (t != NULL)
		ask(t);
	tables_free(&t);
	m = map_cdb_open(path, 0, &why);
	if (m != NULL)
		(void)map_walk(m, touch, &sum);
	map_free(&m);
	close(fd);
	buf_clear(&why);
	return 0;
}
