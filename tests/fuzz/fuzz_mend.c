/*
 * A mended header has the same fields in the same order, no line that was not
 * too long before, and is not mended again.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/mail/header.h"
#include "smtpd/smtpd_mend.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct buf one = BUF_INIT(0), two = BUF_INIT(0);
	struct header_field f, g;
	struct header was, is;
	struct header_counts n;
	const char *p = (const char *)data;
	size_t top = mend_top(p, len);

	if (top > len || mend_top(p + top, len - top) != 0)
		abort();
	header_count(p, len, &n);
	if (mend_header(p, n.len, "example.test", &one)) {
		header_init(&was, p, n.len);
		header_init(&is, one.data, one.len);
		while (header_next(&was, &f))
			if (!header_next(&is, &g) ||
			    f.name_len != g.name_len ||
			    memcmp(f.name, g.name, f.name_len) != 0)
				abort();
		if (header_next(&is, &g))
			abort();
		(void)mend_header(one.data, one.len, "example.test", &two);
	}
	buf_clear(&one);
	buf_clear(&two);
	return 0;
}
