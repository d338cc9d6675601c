#include <errno.h>
#include <string.h>

#include "lib/base/fd.h"
#include "lib/base/log.h"
#include "lib/server/crowd.h"
#include "lib/server/wire.h"
#include "lib/server/work_crowd.h"

static struct crowd *crowd;	/* NULL: clients are not counted */
static unsigned place, most;

void
work_crowd_given(struct msg *m)
{
	int fd = msg_get_fd(m, 0);

	place = msg_get_u32(m, WF_PLACE);
	most = msg_get_u32(m, WF_MOST);
	if (crowd == NULL && place < CROWD_MAX && (crowd = crowd_map(fd)) ==
	    NULL)
		log_warn("connections are not counted: %s", strerror(errno));
	fd_close(&fd);
}

int
work_crowd_join(uint64_t origin)
{
	if (crowd == NULL || origin == 0)
		return 0;
	crowd_set(crowd, place, origin);
	return most != 0 && crowd_count(crowd, origin) > most;
}

void
work_crowd_leave(void)
{
	if (crowd != NULL)
		crowd_set(crowd, place, 0);
}
