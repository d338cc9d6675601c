#include <string.h>

#include "lib/base/str.h"

int
str_lower(int c)
{
	return c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c;
}

int
str_ncasecmp(const char *a, const char *b, size_t n)
{
	int x, y;

	for (; n > 0; n--, a++, b++) {
		x = str_lower((unsigned char)*a);
		y = str_lower((unsigned char)*b);
		if (x != y)
			return x - y;
		if (x == '\0')
			break;
	}
	return 0;
}

int
str_casecmp(const char *a, const char *b)
{
	return str_ncasecmp(a, b, SIZE_MAX);
}

int
str_is(const char *p, size_t len, const char *s)
{
	return strlen(s) == len && str_ncasecmp(p, s, len) == 0;
}

void
str_tolower(char *p, size_t len)
{
	for (; len > 0; len--, p++)
		*p = (char)str_lower((unsigned char)*p);
}

int
str_number(const char *p, size_t len, uint64_t max, uint64_t *r)
{
	uint64_t v = 0;

	if (len == 0)
		return -1;
	for (; len > 0; len--, p++) {
		if (*p < '0' || *p > '9' ||
		    __builtin_mul_overflow(v, (uint64_t)10, &v) ||
		    __builtin_add_overflow(v, (uint64_t)(*p - '0'), &v) ||
		    v > max)
			return -1;
	}
	*r = v;
	return 0;
}

int
str_copy(char *dst, size_t size, const char *s)
{
	size_t len = strlen(s);

	if (len >= size) {
		memcpy(dst, s, size - 1);
		dst[size - 1] = '\0';
		return -1;
	}
	memcpy(dst, s, len + 1);
	return 0;
}

int
str_is_text(const char *p, size_t len)
{
	for (; len > 0; len--, p++)
		if (*p == '\0' || *p == '\r' || *p == '\n')
			return 0;
	return 1;
}
