#include <stdlib.h>
#include <string.h>

#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "master/master_slots.h"

void
slots_init(struct slots *s, uint32_t first, uint32_t last)
{
	uint32_t i;

	s->first = first;
	s->size = s->n = last - first + 1;
	s->head = 0;
	s->free = mem_zalloc(s->size, sizeof(*s->free));
	for (i = 0; i < s->size; i++)
		s->free[i] = first + i;
}

void
slots_clear(struct slots *s)
{
	free(s->free);
	memset(s, 0, sizeof(*s));
}

uint32_t
slots_take(struct slots *s)
{
	uint32_t uid;

	if (s->n == 0)
		return 0;
	uid = s->free[s->head];
	s->head = (s->head + 1) % s->size;
	s->n--;
	return uid;
}

void
slots_give(struct slots *s, uint32_t uid)
{
	if (uid < s->first || uid - s->first >= s->size || s->n == s->size)
		log_panic("uid %u is not lent", uid);
	s->free[(s->head + s->n) % s->size] = uid;
	s->n++;
}
