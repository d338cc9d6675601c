#include <stddef.h>

#include "lib/server/walls.h"

const struct attempt attempts[ATTEMPT_COUNT] = {
#define ATTEMPT_ROW(id, set, text) \
	[ATTEMPT_##id] = { .name = #id, .words = text, .who = set },
#include "lib/server/walls.def"
};

static const char *const wins[PROGRAM_COUNT] = {
#define WIN_ROW(program, words)	[PROGRAM_##program] = words,
#include "lib/server/walls.def"
};

const char *
walls_win(enum program_id p)
{
	return wins[p];
}
