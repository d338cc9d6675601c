#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/mail/mime_impl.h"

enum { ARENA_CHUNK = 6 * 1024 };

struct mime_chunk {
	struct mime_chunk *next;
	size_t	 used, size;
	char	 data[];
};

void *
mime_arena_get(struct mime_arena *a, size_t size)
{
	struct mime_chunk *c = a->chunks;
	size_t want;
	void *p;

	size = (size + 15) & ~(size_t)15;
	if (c == NULL || c->size - c->used < size) {
		want = size > ARENA_CHUNK ? size : ARENA_CHUNK;
		c = mem_alloc(sizeof(*c) + want);
		c->used = 0;
		c->size = want;
		c->next = a->chunks;
		a->chunks = c;
	}
	p = c->data + c->used;
	c->used += size;
	memset(p, 0, size);
	return p;
}

void
mime_arena_clear(struct mime_arena *a)
{
	struct mime_chunk *c, *next;

	for (c = a->chunks; c != NULL; c = next) {
		next = c->next;
		free(c);
	}
	a->chunks = NULL;
}
