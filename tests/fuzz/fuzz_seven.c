#include <stdlib.h>

#include "lib/mail/mime_encode.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static size_t
eight(const struct buf *b)
{
	size_t i, n = 0;

	for (i = 0; i < b->len; i++)
		n += (unsigned char)b->data[i] > 0x7f;
	return n;
}

/* What has gone out needs no encoding: what is left over 7 bits stays, too. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct buf once = BUF_INIT(0), twice = BUF_INIT(0);
	const char *why;

	if (seven_put((const char *)data, len, &once, &why) == 0 &&
	    (seven_put(buf_str(&once), once.len, &twice, &why) == -1 ||
	    eight(&twice) != eight(&once)))
		abort();
	buf_clear(&once);
	buf_clear(&twice);
	return 0;
}
