#include <stdlib.h>
#include <string.h>

#include "lib/mail/mime_address.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

/* Whatever comes in: a list or NIL goes out, of bounded size. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct buf out = BUF_INIT(0);

	if (mime_addresses((const char *)data, len, &out) == -1 ||
	    out.len > 100 + len * 40)
		abort();
	if (strcmp(out.data, "NIL") != 0 && (memcmp(out.data, "((", 2) != 0 ||
	    memcmp(out.data + out.len - 2, "))", 2) != 0))
		abort();
	buf_reset(&out);
	if (mime_address_text((const char *)data, len, &out) == -1 ||
	    out.len > 100 + len * 40)
		abort();
	buf_clear(&out);
	return 0;
}
