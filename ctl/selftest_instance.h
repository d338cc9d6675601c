/*
 * A throw-away instance whose programs are attackers (selftest/): a folder of
 * its own under /tmp, ports of its own, none of which is served, session uids
 * that no instance has, and bait where the mail, the tables and the keys lie.
 * The users of the programs are the real ones.
 */
#ifndef CTL_SELFTEST_INSTANCE_H
#define CTL_SELFTEST_INSTANCE_H

#include <sys/types.h>

#include "ctl/ctl_worker.h"
#include "lib/base/attr.h"
#include "lib/base/buf.h"

enum { SELFTEST_WORKERS = 4 };

struct selftest {
	char	 dir[64];
	int	 report;	/* lib/server/walls.h */
	int	 lock;		/* on the folder, while somebody works there */
	pid_t	 master;	/* -1: it does not run */
	/* Those that the command itself starts. */
	struct ctl_worker worker[SELFTEST_WORKERS];
	int	 other[SELFTEST_WORKERS]; /* ends of their doors */
	unsigned n_workers;
};

/* Sweeps, makes and starts it. 0, or -1 with why; selftest_end in any case. */
int	selftest_begin(struct selftest *s, struct buf *why) ATTR_CHECK;
/* Waits ms; 1 where master has ended meanwhile. */
int	selftest_wait(struct selftest *s, int ms);
/* What master said. */
void	selftest_words(const struct selftest *s, struct buf *words);
/* Stops and removes it. */
void	selftest_end(struct selftest *s);
/*
 * Removes from the directory what runs of this user left that were killed
 * more than ten minutes ago; links are not followed.
 */
void	selftest_sweep(const char *tmp);

#endif
