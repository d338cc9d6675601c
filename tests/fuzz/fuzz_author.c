/* What is taken of a From is the same to all readers of the tree. */
#include <stdint.h>
#include <stdlib.h>

#include "tests/fuzz/author.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct authors a = { .text = BUF_INIT(0) };
	int r;

	if (!authors_alike((const char *)data, len, &a, &r))
		abort();
	buf_clear(&a.text);
	return 0;
}
