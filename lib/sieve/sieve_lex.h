/*
 * The words of a script (RFC 5228 8.1), one after the other.
 */
#ifndef LIB_SIEVE_SIEVE_LEX_H
#define LIB_SIEVE_SIEVE_LEX_H

#include "lib/sieve/sieve_impl.h"

enum sieve_token {
	SIEVE_L_END,
	SIEVE_L_IDENTIFIER,
	SIEVE_L_TAG,		/* text without ":" */
	SIEVE_L_NUMBER,
	SIEVE_L_STRING,		/* quoted or multi-line; text as it is meant */
	SIEVE_L_MARK,		/* one of ( ) [ ] { } , ; */
};

struct sieve_lex {
	const char *p, *end, *line_start;
	uint32_t line;
	struct sieve_arena *arena;
	struct buf *why;
	/* The present one. */
	enum sieve_token token;
	struct sieve_place at;
	const char *text;	/* in the script, or in the arena */
	size_t	 len;
	uint64_t number;
	char	 mark;
};

/* Goes to the next one; 0, or -1 with words. At the start there is none. */
int	sieve_next(struct sieve_lex *l) ATTR_CHECK;

#endif
