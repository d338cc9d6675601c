#include <string.h>

#include "lib/base/str.h"

enum { HOST_MAX = 253, LABEL_MAX = 63 };

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

const char *
str_line(const char **p, size_t *len_r)
{
	const char *line = *p, *end;

	if (*line == '\0')
		return NULL;
	end = strchrnul(line, '\n');
	*len_r = (size_t)(end - line);
	*p = end + (*end == '\n');
	return line;
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

enum str_host
str_host(const char *p, size_t len)
{
	size_t i, label = 0;
	int c;

	if (len > HOST_MAX)
		return STR_HOST_LONG;
	for (i = 0; i <= len; i++) {
		c = i < len ? str_lower((unsigned char)p[i]) : '.';
		if (c == '.') {
			if (label == 0 || p[i - 1] == '-')
				return STR_HOST_SYNTAX;
			label = 0;
			continue;
		}
		if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
		    (c == '-' && label > 0)))
			return STR_HOST_SYNTAX;
		if (++label > LABEL_MAX)
			return STR_HOST_LONG;
	}
	return STR_HOST_OK;
}

int
str_is_host(const char *p, size_t len)
{
	return str_host(p, len) == STR_HOST_OK;
}

size_t
str_utf8(const char *s, size_t len)
{
	const unsigned char *p = (const unsigned char *)s;
	unsigned char low = 0x80, high = 0xbf;
	size_t n, i;

	if (len > 0 && p[0] < 0x80)
		return 1;
	if (len == 0 || p[0] < 0xc2 || p[0] > 0xf4)
		return 0;
	n = p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
	if (p[0] == 0xe0)
		low = 0xa0;
	if (p[0] == 0xed)
		high = 0x9f;
	if (p[0] == 0xf0)
		low = 0x90;
	if (p[0] == 0xf4)
		high = 0x8f;
	if (len < n || p[1] < low || p[1] > high)
		return 0;
	for (i = 2; i < n; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	}
	return n;
}

int
str_mark(const char **p, size_t *len)
{
	if (*len >= 2 && (memcmp(*p, "\xff\xfe", 2) == 0 ||
	    memcmp(*p, "\xfe\xff", 2) == 0))
		return -1;
	while (*len >= 3 && memcmp(*p, "\xef\xbb\xbf", 3) == 0) {
		*p += 3;
		*len -= 3;
	}
	return 0;
}
