#include <stdlib.h>
#include <string.h>

#include "lib/mail/pattern.h"
#include "lib/mail/utf7.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

/* What is accepted has this one form. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct buf name = BUF_INIT(0), wire = BUF_INIT(0);
	char pattern[200];
	size_t n = len < sizeof(pattern) ? len : sizeof(pattern);

	if (utf7_decode((const char *)data, len, &name) == 0) {
		if (utf7_encode(buf_str(&name), name.len, &wire) ==
		    -1 || wire.len != len ||
		    (len > 0 && memcmp(wire.data, data, len) != 0))
			abort();
	}
	/* Any octets can be printed. */
	buf_reset(&wire);
	(void)utf7_encode((const char *)data, len, &wire);
	if (n > 0)
		memcpy(pattern, data, n);
	n = pattern_fold(pattern, n);
	(void)pattern_match(pattern, n, (const char *)data, len);
	if (!pattern_match("*", 1, (const char *)data, len))
		abort();
	buf_clear(&name);
	buf_clear(&wire);
	return 0;
}
