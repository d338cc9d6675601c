/*
 * Memory of a script or of a command, and words with a place.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/base/mem.h"
#include "lib/base/words.h"
#include "lib/sieve/sieve_impl.h"

enum { CHUNK = 8192 };

struct sieve_chunk {
	struct sieve_chunk *next;
	size_t	 used, size;
	max_align_t data[];
};

void *
sieve_get(struct sieve_arena *a, size_t size)
{
	size_t need = (size + sizeof(max_align_t) - 1) /
	    sizeof(max_align_t) * sizeof(max_align_t);
	struct sieve_chunk *c = a->chunks;
	void *p;

	if (c == NULL || c->size - c->used < need) {
		size_t n = need > CHUNK ? need : CHUNK;

		c = mem_zalloc(1, sizeof(*c) + n);
		c->size = n;
		c->next = a->chunks;
		a->chunks = c;
	}
	p = (char *)c->data + c->used;
	c->used += need;
	return p;
}

void
sieve_arena_clear(struct sieve_arena *a)
{
	struct sieve_chunk *c;

	while ((c = a->chunks) != NULL) {
		a->chunks = c->next;
		free(c);
	}
}

int
sieve_refuse(struct buf *why, const struct sieve_place *at, const char *fmt,
    ...)
{
	char words[400];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(words, sizeof(words), fmt, ap);
	va_end(ap);
	buf_set(why, _("line %u, column %u: %s"), (unsigned)at->line,
	    (unsigned)at->column, words);
	return -1;
}
