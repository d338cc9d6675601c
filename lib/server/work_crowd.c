#include <errno.h>
#include <string.h>

#include "lib/base/fd.h"
#include "lib/base/log.h"
#include "lib/server/crowd.h"
#include "lib/server/wire.h"
#include "lib/server/work_crowd.h"

static struct crowd *crowd;	/* NULL: clients are not counted */
static unsigned place, most, max;

void
work_crowd_given(struct msg *m)
{
	int fd = msg_get_fd(m, 0);

	place = msg_get_u32(m, WF_PLACE);
	most = msg_get_u32(m, WF_MOST);
	max = msg_get_u32(m, WF_MAX);
	if (crowd == NULL && place < CROWD_MAX && (crowd = crowd_map(fd)) ==
	    NULL)
		log_warn("connections are not counted: %s", strerror(errno));
	fd_close(&fd);
}

int
work_crowd_join(uint64_t origin)
{
	unsigned n, all;

	if (crowd == NULL || origin == 0)
		return 0;
	crowd_set(crowd, place, origin);
	if (most == 0)
		return 0;
	n = crowd_count(crowd, origin, &all);
	return n > most || (all > max && n > crowd_share(max));
}

void
work_crowd_wait(int64_t since)
{
	if (crowd != NULL)
		crowd_wait(crowd, place, since);
}

void
work_crowd_leave(void)
{
	if (crowd != NULL)
		crowd_set(crowd, place, 0);
}
