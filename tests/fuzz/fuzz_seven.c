#include <stdlib.h>

#include "relay/relay_seven.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

/* What is said to go out in 7 bits does, and is then said as it is. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct buf once = BUF_INIT(0), twice = BUF_INIT(0);
	const char *why;
	size_t i;

	if (seven_put((const char *)data, len, &once, &why) == 0) {
		for (i = 0; i < once.len; i++)
			if ((unsigned char)once.data[i] > 0x7f)
				abort();
		if (seven_put(buf_str(&once), once.len, &twice, &why) == -1)
			abort();
	}
	buf_clear(&once);
	buf_clear(&twice);
	return 0;
}
