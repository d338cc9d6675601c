/*
 * LIST patterns (RFC 3501 6.3.8): "*" is any octets, "%" any but "/".
 */
#ifndef LIB_MAIL_PATTERN_H
#define LIB_MAIL_PATTERN_H

#include <stddef.h>

enum { PATTERN_MAX = 2000 };

/* Puts runs of wildcards together: the length that remains. */
size_t	pattern_fold(char *pattern, size_t len);
/*
 * Does the name match? At most len(name) times len(pattern) steps. The
 * pattern is at most PATTERN_MAX long.
 */
int	pattern_match(const char *pattern, size_t plen, const char *name,
	    size_t len);

#endif
