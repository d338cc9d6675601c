/* Tables of a spreadsheet: rows come to an end, and fields are whole. */
#include <stdlib.h>
#include <string.h>

#include "ctl/ctl_csv.h"

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf fields = BUF_INIT(4096), why = BUF_INIT(300);
	struct cursor c;
	struct csv csv;
	size_t i, n, len;
	unsigned line = 0;
	int r;

	csv_init(&csv, (const char *)data, size);
	while ((r = csv_row(&csv, &fields, &n, &why)) == 1) {
		cursor_init(&c, fields.data, fields.len);
		for (i = 0; i < n; i++)
			(void)cursor_lv(&c, &len, fields.len);
		if (n == 0 || c.bad || cursor_left(&c) > 0 ||
		    csv.line <= line)
			abort();
		line = csv.line;
	}
	if (r == -1 && why.len == 0)
		abort();
	buf_clear(&fields);
	buf_clear(&why);
	return 0;
}
