#include <stdlib.h>

#include "ctl/ctl_csv.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

/* The rows end, and each field is within what is there. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct buf fields = BUF_INIT(4000), why = BUF_INIT(300);
	unsigned line = 0;
	struct cursor cur;
	struct csv c;
	size_t n, i, field;
	int r;

	csv_init(&c, (const char *)data, len);
	while ((r = csv_row(&c, &fields, &n, &why)) == 1) {
		if (n == 0 || c.line <= line || c.p > c.end)
			abort();
		line = c.line;
		cursor_init(&cur, fields.data, fields.len);
		for (i = 0; i < n; i++)
			if (cursor_lv(&cur, &field, len) == NULL && cur.bad)
				abort();
		if (cursor_left(&cur) != 0)
			abort();
	}
	if (r == -1 && why.len == 0)
		abort();
	buf_clear(&fields);
	buf_clear(&why);
	return 0;
}
