/* Fields tile the block; dates stay in their bounds. */
#include <stdint.h>
#include <stdlib.h>

#include "lib/mail/date.h"
#include "lib/mail/header.h"
#include "lib/mail/mark.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const char *p = (const char *)data;
	struct buf v = BUF_INIT(1000);
	struct header_counts c;
	struct header_field f;
	struct header h;
	struct date d;
	struct mark m;
	size_t n = 0, at = 0;
	int64_t t;

	mark_init(&m, "mx.x.test");
	header_init(&h, p, len);
	for (; header_next(&h, &f); n++) {
		if (f.p != p + at || f.value + f.value_len > f.p + f.len)
			abort();
		at += f.len;
		if (mark_field(&m, &f, &v) && (!header_is(&f, "Received") ||
		    n == 0))
			abort();
		buf_reset(&v);
		if (header_value(&f, &v) == 0 && v.len > f.value_len)
			abort();
		if (date_parse(f.value, f.value_len, &t, &d) == 0 &&
		    (d.month < 1 || d.month > 12 || d.day < 1 || d.day > 31))
			abort();
	}
	header_count(p, len, &c);
	if (c.fields != n || c.len > len)
		abort();
	buf_clear(&v);
	return 0;
}
