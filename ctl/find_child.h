/*
 * A child of the operator's command that reads what comes from outside: it gets
 * one question on its standard input and answers on its standard output, in
 * frames of four octets length and as many octets.
 */
#ifndef CTL_FIND_CHILD_H
#define CTL_FIND_CHILD_H

#include <stdint.h>

#include "lib/base/attr.h"
#include "lib/base/buf.h"

/* Where the programs are: LIBEXECDIR, but in tests. */
extern const char *find_programs;

/*
 * Starts program NAME, asks, and keeps its last whole frame in answer (up to its
 * max) when it ends or ms have passed, at which it is killed. 0; -1 with why:
 * there was no frame.
 */
int	find_child(const char *name, const struct buf *question, int64_t ms,
	    struct buf *answer, struct buf *why) ATTR_CHECK;

/* The child's side. 0, or -1. */
int	find_child_question(struct buf *question) ATTR_CHECK;
int	find_child_answer(const struct buf *answer) ATTR_CHECK;

#endif
