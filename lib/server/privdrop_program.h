/*
 * For a process that master does not start: a command of the operator's, or its
 * child, that is to read what comes from outside.
 */
#ifndef LIB_SERVER_PRIVDROP_PROGRAM_H
#define LIB_SERVER_PRIVDROP_PROGRAM_H

#include "lib/base/attr.h"
#include "lib/base/buf.h"
#include "lib/server/program.h"

/*
 * Root becomes the user of that program, with its filter. empty: its root
 * directory is then one that is empty and has no name, and where that user is
 * not there yet (before setup) it is nobody. 0, or -1 with why; who is not root
 * stays who he is, 0.
 */
int	privdrop_program(enum program_id id, int empty, struct buf *why)
	    ATTR_CHECK;

#endif
