/*
 * What a script decides, as one line: "keep", "keep(\Seen)",
 * "file:Lists+make(\Flagged)", "redirect:a@b.test", with blanks between; the
 * keep last. "-": nothing, the message is discarded. "refused: ..." and
 * "error: ..." with the words.
 */
#ifndef TESTS_SIEVE_DECIDE_H
#define TESTS_SIEVE_DECIDE_H

#include "lib/sieve/sieve.h"

struct decide {
	const char *message;
	size_t	 len;			/* 0: a string */
	const char *from, *to;
};

/* The line, until the next call. */
const char *decide(const char *script, const struct decide *d);
/* The same of a script that may hold any octets, after another one that ran
   before; NULL: none did. */
const char *decide_after(const char *first, const char *script, size_t len,
	    const struct decide *d);

#endif
