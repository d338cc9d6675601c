/* The packed lists: what is read and written again is the same octets. */
#include <stdlib.h>
#include <string.h>

#include "lib/mail/packed.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

/* Reads an entry of that kind and writes it to out. As packed_*. */
static int
copy(unsigned kind, struct cursor *c, struct buf *out)
{
	struct packed_recipient r;
	struct packed_target t;
	struct packed_result o;
	struct packed_dsn d;
	int n;

	switch (kind) {
	case 0:
		if ((n = packed_recipient(c, &r)) == 1 &&
		    packed_put_recipient(out, &r) == -1)
			abort();
		return n;
	case 1:
	case 2:
		if ((n = packed_target(c, kind == 1, &t)) == 1 &&
		    packed_put_target(out, &t) == -1)
			abort();
		return n;
	case 3:
		if ((n = packed_dsn(c, &d)) == 1 &&
		    packed_put_dsn(out, &d) == -1)
			abort();
		return n;
	default:
		if ((n = packed_result(c, &o)) == 1 &&
		    packed_put_result(out, &o) == -1)
			abort();
		return n;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf out = BUF_INIT(0);
	struct cursor c;
	int r;

	if (size < 2)
		return 0;
	cursor_init(&c, data + 1, size - 1);
	while ((r = copy(data[0] % 5, &c, &out)) == 1)
		continue;
	if (out.len > size - 1 || (r == 0 && out.len != size - 1) ||
	    (out.len > 0 && memcmp(out.data, data + 1, out.len) != 0))
		abort();
	if (r == -1 && copy(data[0] % 5, &c, &out) != -1)
		abort();
	buf_clear(&out);
	return 0;
}
