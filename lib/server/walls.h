/*
 * The table of lib/server/walls.def: what an attacker may try in the place of a
 * program, who may reach it, and what a break-in wins.
 */
#ifndef LIB_SERVER_WALLS_H
#define LIB_SERVER_WALLS_H

#include <stdint.h>

#include "lib/server/program.h"

enum attempt_id {
#define ATTEMPT_ROW(id, who, words)	ATTEMPT_##id,
#include "lib/server/walls.def"
	ATTEMPT_COUNT
};

struct attempt {
	const char *name, *words;
	uint32_t who;		/* PROGRAM_BIT of those that may reach it */
};

extern const struct attempt attempts[ATTEMPT_COUNT];

/* In words; NULL: of a reserved program. */
const char *walls_win(enum program_id p);

/*
 * The report of attackers: a file that all of them append lines to, with one
 * write(2) each, and that says when they may begin, so that each knows the
 * others.
 *	WALLS_HERE, program's number, pid	it runs
 *	WALLS_TRIED, number, attempt's number, error	0: it was reached
 *	WALLS_DONE, number			that were all
 *	WALLS_BEGIN				from the command: all are here
 */
#define WALLS_HERE	"here"
#define WALLS_TRIED	"tried"
#define WALLS_DONE	"done"
#define WALLS_BEGIN	"begin"
#define WALLS_REPORT	"report"	/* under state_dir */
#define WALLS_ACCOUNT	"attacker@selftest.invalid"	/* whose session */

enum { WALLS_REPORT_MAX = 1 << 20, WALLS_LINE_MAX = 80 };

#endif
