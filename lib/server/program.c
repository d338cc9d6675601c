#include "lib/server/program.h"

#define SERVES(s)	SERVICE_BIT(SERVICE_##s)

const struct program programs[PROGRAM_COUNT] = {
#define PROGRAM_ROW(id, peer, ...) \
	[PROGRAM_##id] = { .kind = PEER_##peer, __VA_ARGS__ },
#include "lib/base/programs.def"
};

const struct edge edges[] = {
#define WIRE_ROW(from, to, proto) \
	{ .a = PROGRAM_##from, .b = PROGRAM_##to, .protocol = #proto },
#include "lib/base/programs.def"
};
const size_t n_edges = sizeof(edges) / sizeof(edges[0]);

uint32_t
program_wires(enum program_id p)
{
	uint32_t bits = 0;
	size_t i;

	for (i = 0; i < n_edges; i++) {
		if (edges[i].a == p)
			bits |= PROGRAM_BIT(edges[i].b);
		if (edges[i].b == p)
			bits |= PROGRAM_BIT(edges[i].a);
	}
	return bits;
}

int
program_installed(enum peer kind)
{
	unsigned i;

	for (i = 0; i < PROGRAM_COUNT; i++)
		if (programs[i].kind == kind &&
		    programs[i].pool != POOL_RESERVED)
			return 1;
	return kind == PEER_MASTER;
}

const struct program *
program_find(enum peer kind, enum service duty)
{
	unsigned i;

	for (i = 0; i < PROGRAM_COUNT; i++)
		if (programs[i].kind == kind && programs[i].duty == duty)
			return &programs[i];
	return NULL;
}
