/*
 * The journal of what was collected: whatever stands in it, what is then
 * written is known again, and so is all that was known before.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/fd.h"
#include "relay/collect_journal.h"

enum { NOW = 2000000000 };

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static int dir = -1;

static void
folder(void)
{
	char name[] = "/tmp/fuzz_journal.XXXXXX";

	if (mkdtemp(name) == NULL || (dir = open(name, O_RDONLY |
	    O_DIRECTORY | O_CLOEXEC)) == -1)
		abort();
}

static void
count(struct journal_entry *e, void *arg)
{
	++*(size_t *)arg;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const struct journal_line line = { .what = JOURNAL_FETCHED,
		.time = NOW, .size = 7, .account = "home", .account_len = 4,
		.key = "mine", .key_len = 4 };
	struct buf why = BUF_INIT(300);
	struct journal *j;
	int fd, newer, known;
	size_t n = 0, again = 0;

	if (dir == -1)
		folder();
	fd = openat(dir, "journal", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC,
	    0600);
	if (fd == -1 || write(fd, data, len) != (ssize_t)len)
		abort();
	close(fd);
	/* That of a later version, and what is none, is refused. */
	if ((j = journal_open(dir, &newer, &why)) == NULL) {
		buf_clear(&why);
		return 0;
	}
	known = journal_find(j, "home", "mine", 4, NOW) != NULL &&
	    !journal_find(j, "home", "mine", 4, NOW)->gone;
	journal_each(j, "home", count, &n);
	if (n != journal_count(j, "home"))
		abort();
	journal_add(j, &line);
	if (journal_sync(j, &why) == -1)
		abort();
	if ((len & 1) && journal_compact(j, NOW, &why) == -1)
		abort();
	journal_close(&j);
	if ((j = journal_open(dir, &newer, &why)) == NULL)
		abort();
	journal_each(j, "home", count, &again);
	if (again != n + !known ||
	    journal_find(j, "home", "mine", 4, NOW)->size != 7)
		abort();
	journal_close(&j);
	buf_clear(&why);
	return 0;
}
