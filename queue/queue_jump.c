#include "queue/queue_jump.h"

int
jump_watch(struct jump *j, int64_t wall, int64_t mono_ms)
{
	int64_t was = j->wall, ahead;
	int first = j->mono == 0;

	ahead = wall - was - (mono_ms - j->mono) / 1000;
	j->wall = wall;
	j->mono = mono_ms;
	if (first)
		return 0;
	if (ahead > JUMP_MIN) {
		if (j->by == 0)
			j->at = was;
		j->by += (uint64_t)ahead;
	} else if (ahead < -JUMP_MIN) {
		j->by = j->by > (uint64_t)-ahead + JUMP_MIN ?
		    j->by - (uint64_t)-ahead : 0;
	}
	return wall < was;
}

uint64_t
jump_age(const struct jump *j, uint64_t time)
{
	uint64_t now = (uint64_t)j->wall;
	uint64_t age = now > time ? now - time : 0;

	if (j->by == 0 || time > (uint64_t)j->at)
		return age;
	return age > j->by ? age - j->by : 0;
}
