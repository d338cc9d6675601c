#include <stdlib.h>
#include <string.h>

#include "relay/relay_seven.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

/* What goes out in 7 bits is then said as it is, without an encoding. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct buf once = BUF_INIT(0), twice = BUF_INIT(0);
	const char *why;
	size_t i;

	if (seven_put((const char *)data, len, &once, &why) == 0) {
		if (seven_put(buf_str(&once), once.len, &twice, &why) == -1)
			abort();
		for (i = 0; i < once.len; i++)
			if ((unsigned char)once.data[i] > 0x7f)
				break;
		if (i == once.len && (twice.len != once.len ||
		    memcmp(twice.data, once.data, once.len) != 0))
			abort();
	}
	buf_clear(&once);
	buf_clear(&twice);
	return 0;
}
