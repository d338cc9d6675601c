/*
 * Octet strings without a locale, and numbers read with a bound.
 */
#ifndef LIB_BASE_STR_H
#define LIB_BASE_STR_H

#include <stddef.h>
#include <stdint.h>

#include "lib/base/attr.h"

/* ASCII only; octets above 0x7f are left alone. */
int	str_lower(int c);
int	str_casecmp(const char *a, const char *b);
int	str_ncasecmp(const char *a, const char *b, size_t n);
/* True if the len octets at p are the text s, without regard to case. */
int	str_is(const char *p, size_t len, const char *s);
void	str_tolower(char *p, size_t len);

/*
 * Reads the len octets at p as an unsigned decimal number: digits only, at
 * least one, value at most max. Returns 0, or -1 and leaves *r alone.
 */
int	str_number(const char *p, size_t len, uint64_t max, uint64_t *r)
	    ATTR_CHECK;

/*
 * The next line of the text *p, without its LF; *p is after it then. NULL at
 * the end.
 */
const char *str_line(const char **p, size_t *len_r);

/*
 * Copies s to dst of size octets, cut where needed and always terminated.
 * Returns 0, or -1 if it was cut.
 */
int	str_copy(char *dst, size_t size, const char *s);

/* True if the octets hold no NUL, CR or LF: they may go into a text record. */
int	str_is_text(const char *p, size_t len);

/*
 * A host's name as DNS has it (RFC 1123 2.1): labels of letters, digits and
 * inner "-", at most 63 octets each and 253 in all.
 */
enum str_host { STR_HOST_OK, STR_HOST_SYNTAX, STR_HOST_LONG };
enum str_host str_host(const char *p, size_t len);
/* True for STR_HOST_OK. */
int	str_is_host(const char *p, size_t len);

/*
 * Length of the UTF-8 sequence (RFC 3629) that the len octets at p begin with,
 * 0 where they begin with no valid one. Overlong forms, surrogates and what is
 * past U+10FFFF are not valid.
 */
size_t	str_utf8(const char *p, size_t len);

/*
 * What editors may put in front of a file: passes over UTF-8 byte order marks
 * (RFC 3629 6), one for each program that put its own, and returns 0. -1 where
 * the text is UTF-16 by its mark: nobody reads that, and STR_UTF16 says so.
 */
int	str_mark(const char **p, size_t *len) ATTR_CHECK;
#define STR_UTF16 N_("the text is UTF-16: save it as UTF-8")

#endif
