/*
 * The places of workers in the tables of lib/server/crowd.h: the lowest that
 * is free, so that a table is as long as there ever were workers at a time.
 * And who is asked to go when all workers are busy.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/fd.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/server/crowd.h"
#include "master/master.h"
#include "master/master_crowd.h"
#include "master/master_proc.h"

enum { SILENT_MS = 10 * 1000 };	/* a client's time when all are busy */

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

static unsigned
max_of(enum program_id row)
{
	return (unsigned)master_conf_number(&master.conf, programs[row].count);
}

void
crowd_give(struct proc *p)
{
	struct crowd_places *l;
	unsigned i = 0;
	int fd;

	if (programs[p->row].crowd == NULL || p->lost ||
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
	msg_u32(&p->link.chan, WF_MOST, (uint32_t)master_conf_number(
	    &master.conf, programs[p->row].crowd));
	msg_u32(&p->link.chan, WF_MAX, max_of(p->row));
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

struct silent {
	struct proc *proc;
	int64_t	 since;
};

static int
compare(const void *a, const void *b)
{
	const struct silent *x = a, *y = b;

	return (x->since > y->since) - (x->since < y->since);
}

/* Those of the row whose client is silent for long enough: their number. */
static size_t
find_silent(enum program_id row, struct silent *list)
{
	const struct crowd *c = places[row]->crowd;
	int64_t since, now = clock_mono_ms();
	struct proc *p;
	size_t n = 0;

	TAILQ_FOREACH(p, &master.rows[row].procs, in_row) {
		since = p->place == 0 ? 0 : crowd_waits(c, p->place - 1);
		if (since == 0 || now - since < SILENT_MS || !p->busy ||
		    p->lost)
			continue;
		list[n].proc = p;
		list[n++].since = since;
	}
	return n;
}

void
crowd_tick(enum program_id row)
{
	struct row_state *rs = &master.rows[row];
	unsigned max = max_of(row);
	struct silent *list;
	size_t i, n;

	if (programs[row].crowd == NULL || rs->n - rs->idle < max ||
	    places[row] == NULL)
		return;
	list = mem_zalloc(rs->n, sizeof(*list));
	n = find_silent(row, list);
	qsort(list, n, sizeof(*list), compare);
	for (i = 0; i < n && i < crowd_reserve(max); i++) {
		link_begin(&list[i].proc->link, WIRE_YIELD, 0);
		proc_end(list[i].proc);
		proc_flush(list[i].proc);
	}
	free(list);
}
