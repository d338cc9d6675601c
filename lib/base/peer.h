/*
 * The kinds of process, and so of peers. The name of a kind is the name of
 * its program.
 */
#ifndef LIB_BASE_PEER_H
#define LIB_BASE_PEER_H

enum peer {
#define PEER_ROW(id, name)	PEER_##id,
#include "lib/base/programs.def"
	PEER_COUNT
};

#define PEER_BIT(p)	(1u << (p))

/* "smtpd"; "unknown" for a number out of range. */
const char *peer_name(enum peer p);

#endif
