#include <stdlib.h>
#include <string.h>

#include "lib/base/log.h"
#include "lib/base/mem.h"

static void *
checked(void *p, size_t size)
{
	if (p == NULL)
		log_fatal("out of memory: %zu octets refused", size);
	return p;
}

void *
mem_alloc(size_t size)
{
	return checked(malloc(size ? size : 1), size);
}

void *
mem_zalloc(size_t n, size_t size)
{
	return checked(calloc(n ? n : 1, size ? size : 1), n * size);
}

void *
mem_realloc(void *p, size_t n, size_t size)
{
	size_t total;

	if (__builtin_mul_overflow(n, size, &total))
		log_fatal("out of memory: %zu times %zu octets", n, size);
	return checked(realloc(p, total ? total : 1), total);
}

char *
mem_strdup(const char *s)
{
	return mem_strndup(s, strlen(s));
}

char *
mem_strndup(const char *s, size_t len)
{
	char *p = mem_alloc(len + 1);

	memcpy(p, s, len);
	p[len] = '\0';
	return p;
}

void
mem_wipe(void *p, size_t len)
{
	explicit_bzero(p, len);
}

int
mem_equal_secret(const void *a, const void *b, size_t len)
{
	const volatile unsigned char *x = a, *y = b;
	unsigned char diff = 0;
	size_t i;

	for (i = 0; i < len; i++)
		diff |= x[i] ^ y[i];
	return diff == 0;
}
