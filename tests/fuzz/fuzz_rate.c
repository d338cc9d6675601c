/* Lines of programs, in which logger looks for the client's address. */
#include <stdint.h>

#include "master/logger_rate.h"

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void
say(const char *words)
{
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static int64_t now = 1;

	if (len == 0)
		return 0;
	(void)rate_allow((enum peer)(data[0] % PEER_COUNT), 1,
	    (const char *)data + 1, len - 1, ++now);
	if (now % 1000 == 0)
		rate_tick(now, 1, say);
	return 0;
}
