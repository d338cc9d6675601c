/*
 * /etc/resolv.conf: resolve sits in its jail and reads it at its start alone,
 * so where the file has changed resolve is started anew. Relays ask again what
 * the one before had not answered.
 */
#include <sys/stat.h>

#include "lib/base/log.h"
#include "master/master.h"
#include "master/master_proc.h"
#include "master/master_watch.h"

static const char path[] = "/etc/resolv.conf";
static const double SETTLE = 2;	/* s without another change */

struct watch_version {
	dev_t	 dev;
	ino_t	 ino;
	off_t	 size;
	struct timespec mtim;
};

static struct watch_version used, seen;
static double since;		/* seen stands there */

static int
same(const struct watch_version *a, const struct watch_version *b)
{
	return a->dev == b->dev && a->ino == b->ino && a->size == b->size &&
	    a->mtim.tv_sec == b->mtim.tv_sec &&
	    a->mtim.tv_nsec == b->mtim.tv_nsec;
}

/* 0, or -1 where the file is missing: what was read stays good. */
static int
look(struct watch_version *v)
{
	struct stat st;

	if (stat(path, &st) == -1)
		return -1;
	v->dev = st.st_dev;
	v->ino = st.st_ino;
	v->size = st.st_size;
	v->mtim = st.st_mtim;
	return 0;
}

void
watch_init(void)
{
	if (look(&used) == 0)
		seen = used;
}

void
watch_tick(double now)
{
	struct watch_version v;
	struct proc *p;

	if (look(&v) == -1)
		return;
	if (!same(&v, &seen)) {
		seen = v;
		since = now;
	}
	if (same(&seen, &used) || now - since < SETTLE)
		return;
	used = seen;
	log_info("%s has changed: resolve starts anew", path);
	TAILQ_FOREACH(p, &master.rows[PROGRAM_RESOLVE].procs, in_row)
		proc_stop(p);
}
