/*
 * The pattern is run as an automaton whose states are positions in it: one
 * octet says which are alive. No backtracking, so no pattern is slow.
 */
#include <string.h>

#include "lib/mail/pattern.h"

size_t
pattern_fold(char *pattern, size_t len)
{
	size_t i, n = 0;

	for (i = 0; i < len; i++) {
		if (n > 0 && (pattern[i] == '*' || pattern[i] == '%') &&
		    (pattern[n - 1] == '*' || pattern[n - 1] == '%')) {
			if (pattern[i] == '*')
				pattern[n - 1] = '*';
			continue;
		}
		pattern[n++] = pattern[i];
	}
	return n;
}

int
pattern_match(const char *pattern, size_t plen, const char *name,
    size_t len)
{
	unsigned char alive[PATTERN_MAX + 1];
	size_t i, from = 0, to = 0;
	char c;

	if (plen > PATTERN_MAX)
		return 0;
	memset(alive, 0, plen + 1);
	alive[0] = 1;
	/* A wildcard may match nothing: the position after it lives too. */
	while (to < plen && (pattern[to] == '*' || pattern[to] == '%'))
		alive[++to] = 1;
	for (; len > 0; len--) {
		size_t first = plen + 1, last = 0;

		c = *name++;
		/* Downwards, so that a step is not taken twice. */
		for (i = to + 1; i-- > from;) {
			if (!alive[i])
				continue;
			alive[i] = 0;
			if (i == plen)
				continue;
			if (pattern[i] == '*' || (pattern[i] == '%' &&
			    c != '/')) {
				alive[i] = alive[i + 1] = 1;
				if (last < i + 1)
					last = i + 1;
				first = i;
			} else if (pattern[i] == c) {
				alive[i + 1] = 1;
				if (last < i + 1)
					last = i + 1;
				first = i + 1;
			}
		}
		if (first > plen)
			return 0;
		from = first;
		to = last;
		for (i = from; i < plen; i++) {
			if (i > to)
				break;
			if (alive[i] && (pattern[i] == '*' ||
			    pattern[i] == '%')) {
				alive[i + 1] = 1;
				if (to < i + 1)
					to = i + 1;
			}
		}
	}
	return alive[plen];
}
