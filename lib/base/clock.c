#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/log.h"

static int64_t shift;
static int shift_known;

static int64_t
clock_shifted(clockid_t id)
{
	struct timespec ts;
	const char *env;

	if (!shift_known) {
		shift_known = 1;
		if (geteuid() != 0 &&
		    (env = getenv("ROHRPOST_CLOCK_SHIFT")) != NULL)
			shift = atoll(env) * 1000000;
	}
	if (clock_gettime(id, &ts) == -1)
		log_panic("clock_gettime failed");
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000 + shift;
}

int64_t
clock_now_us(void)
{
	return clock_shifted(CLOCK_REALTIME);
}

int64_t
clock_now(void)
{
	return clock_now_us() / 1000000;
}

int64_t
clock_mono_ms(void)
{
	return clock_shifted(CLOCK_MONOTONIC) / 1000;
}
