/*
 * The four text tables, separated by lines of "%": read, checked against each
 * other, compiled, printed. What was taken reads again as the same.
 */
#include <sys/mman.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl/ctl_check.h"
#include "ctl/ctl_compile.h"

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
read_again(const struct text *t)
{
	struct buf once = BUF_INIT(0), twice = BUF_INIT(0),
	    why = BUF_INIT(0);
	struct text again;

	text_init(&again, t->table);
	text_print(t, &once);
	if (text_parse(&again, "dir", buf_str(&once), once.len, &why) == -1)
		abort();
	text_print(&again, &twice);
	if (once.len != twice.len ||
	    memcmp(buf_str(&once), buf_str(&twice), once.len) != 0)
		abort();
	text_clear(&again);
	buf_clear(&once);
	buf_clear(&twice);
	buf_clear(&why);
}

static void
compile(struct set *s)
{
	int fd, id;

	for (id = 0; id < TABLE_CDBS; id++) {
		fd = memfd_create("tables", MFD_CLOEXEC);
		if (fd == -1 ||
		    set_compile_file(s, (enum table_cdb)id, fd) == -1)
			abort();
		close(fd);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf why = BUF_INIT(0), warn = BUF_INIT(0);
	const char *p = (const char *)data, *end = p + size, *cut;
	struct set s;
	int i, good = 1;

	set_init(&s, ctl_tables, "dir");
	for (i = 0; i < TEXT_COUNT; i++) {
		cut = memmem(p, (size_t)(end - p), "%\n", 2);
		if (cut == NULL)
			cut = end;
		if (text_parse(&s.t[i], "dir", p, (size_t)(cut - p),
		    &why) == -1)
			good = 0;
		else
			read_again(&s.t[i]);
		p = cut == end ? end : cut + 2;
	}
	if (set_check(&s, &why, &warn) == 0 && good)
		compile(&s);
	set_close(&s);
	buf_clear(&why);
	buf_clear(&warn);
	return 0;
}
