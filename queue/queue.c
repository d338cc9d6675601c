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

void
queue_tables_fresh(void)
{
	static ev_tstamp looked;

	if (ev_now(queue.loop) == looked)
		return;
	looked = ev_now(queue.loop);
	tables_refresh(queue.tables);
}
