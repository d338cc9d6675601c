/*
 * A message as SMTP data, in pieces whose length the first octet says: what
 * comes out has CRLF lines, no line that is a dot but the last, and reads back
 * to the message.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/buf.h"
#include "relay/relay_data.h"

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
out(void *arg, const char *p, size_t len)
{
	if (len == 0)
		abort();
	buf_append(arg, p, len);
}

/* Only whole lines, each ended by CRLF; CR and LF nowhere else. */
static void
check(const struct buf *b)
{
	size_t i, start = 0;

	for (i = 0; i < b->len; i++) {
		if (b->data[i] == '\r' && b->data[i + 1] != '\n')
			abort();
		if (b->data[i] != '\n')
			continue;
		if (i == 0 || b->data[i - 1] != '\r')
			abort();
		if (i - start == 2 && b->data[start] == '.' && i + 1 != b->len)
			abort();
		start = i + 1;
	}
	if (start != b->len || b->len < 3 ||
	    memcmp(b->data + b->len - 3, ".\r\n", 3) != 0)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf b = BUF_INIT(0);
	struct data d = { .out = out, .arg = &b };
	size_t step, n;

	step = size > 0 ? data[0] + 1u : 1;
	for (; size > 0; size -= n, data += n) {
		n = size < step ? size : step;
		data_put(&d, (const char *)data, n);
	}
	data_end(&d);
	check(&b);
	buf_clear(&b);
	return 0;
}
