/*
 * The places of workers in the tables of lib/server/crowd.h: the lowest that
 * is free, so that a table is as long as there ever were workers at a time.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/fd.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/server/crowd.h"
#include "master/master.h"
#include "master/master_crowd.h"
#include "master/master_proc.h"

struct crowd_places {
	int	 fd;
	struct crowd *crowd;
	unsigned char taken[CROWD_MAX];
};
static struct crowd_places *places[PROGRAM_COUNT];

static struct crowd_places *
places_of(enum program_id row)
{
	struct crowd_places *p = places[row];

	if (p != NULL)
		return p;
	p = mem_zalloc(1, sizeof(*p));
	if ((p->fd = crowd_make()) == -1 ||
	    (p->crowd = crowd_map(p->fd)) == NULL) {
		log_warn("%s: connections are not counted: %s",
		    programs[row].name, strerror(errno));
		fd_close(&p->fd);
		free(p);
		return NULL;
	}
	places[row] = p;
	return p;
}

void
crowd_give(struct proc *p)
{
	struct crowd_places *l;
	unsigned i = 0;
	int fd;

	if (!programs[p->row].crowd || p->lost ||
	    (l = places_of(p->row)) == NULL)
		return;
	while (i < CROWD_MAX && l->taken[i])
		i++;
	if (i == CROWD_MAX || (fd = fcntl(l->fd, F_DUPFD_CLOEXEC, 0)) == -1)
		return;
	l->taken[i] = 1;
	p->place = i + 1;
	if (i >= l->crowd->used)
		l->crowd->used = i + 1;
	link_begin(&p->link, WIRE_CROWD, 0);
	msg_u32(&p->link.chan, WF_PLACE, i);
	msg_u32(&p->link.chan, WF_MOST, (uint32_t)master.conf.smtp_per_address);
	msg_fd(&p->link.chan, fd);
	proc_end(p);
}

void
crowd_take(const struct proc *p)
{
	struct crowd_places *l = places[p->row];

	if (p->place == 0)
		return;
	crowd_set(l->crowd, p->place - 1, 0);
	l->taken[p->place - 1] = 0;
}
