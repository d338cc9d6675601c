/*
 * What somebody would try who broke into a program. It runs in the place of
 * each program of a throw-away instance: master starts it, and the skeleton of
 * lib/server puts it into the jail, as they do with the program itself.
 *
 * An attempt answers 0 where it was reached, else the error that stood in its
 * way. None harms: what would change something is asked with arguments that
 * the kernel refuses after it has let the caller through, and is reached where
 * that is the answer; files that were made are removed again, children end.
 */
#ifndef SELFTEST_ATTACKER_H
#define SELFTEST_ATTACKER_H

#include <sys/types.h>

#include "lib/server/walls.h"

enum { OTHERS_MAX = 64 };

struct attacker {
	char	 state_dir[1000];	/* outside the jail */
	int	 report;		/* not to be counted as held */
	int	 key;			/* was it given the key? */
	pid_t	 master;
	pid_t	 others[OTHERS_MAX];	/* the other programs */
	unsigned n_others;
	uint32_t doors;			/* 1 << enum peer of its channels */
	int	 sessions;		/* did it begin one? */
};

extern struct attacker attacker;

#define ATTEMPT_ROW(id, who, words)	int try_##id(void);
#include "lib/server/walls.def"

/* The error of a call that gave r; 0: none. */
int	error_of(long r);
/* The same, where an error other than "not permitted" says: let through. */
int	barred(long r);
/* Worst for us of an attempt on each of the others: 0 if one was reached. */
int	on_others(long (*call)(pid_t));

#endif
