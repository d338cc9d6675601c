#include "lib/base/clock.h"
#include "queue/queue.h"

struct queue queue;

int64_t
queue_now(void)
{
	return clock_now();
}

int
queue_spent(void)
{
	return clock_mono_ms() >= queue.turn_end;
}
