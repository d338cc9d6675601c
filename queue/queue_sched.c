#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "queue/queue_sched.h"

enum { SLOTS_MIN = 1024 };

void
sched_init(struct sched *s)
{
	memset(s, 0, sizeof(*s));
	s->n_slots = SLOTS_MIN;
	s->slot = mem_zalloc(s->n_slots, sizeof(*s->slot));
}

void
sched_clear(struct sched *s)
{
	struct entry *e, *next;
	size_t i;

	for (i = 0; i < s->n_slots; i++)
		for (e = s->slot[i]; e != NULL; e = next) {
			next = e->hash_next;
			free(e);
		}
	free(s->slot);
	free(s->heap);
	memset(s, 0, sizeof(*s));
}

/* Ids are microseconds of our own making: multiplying spreads them enough. */
static size_t
slot_of(const struct sched *s, uint64_t id)
{
	return (size_t)(id * 0x9e3779b97f4a7c15u >> 32) & (s->n_slots - 1);
}

static void
sched_grow(struct sched *s)
{
	struct entry **old = s->slot, *e, *next;
	size_t i, n_old = s->n_slots, at;

	s->n_slots *= 2;
	s->slot = mem_zalloc(s->n_slots, sizeof(*s->slot));
	for (i = 0; i < n_old; i++)
		for (e = old[i]; e != NULL; e = next) {
			next = e->hash_next;
			at = slot_of(s, e->id);
			e->hash_next = s->slot[at];
			s->slot[at] = e;
		}
	free(old);
}

struct entry *
sched_find(const struct sched *s, uint64_t id)
{
	struct entry *e;

	for (e = s->slot[slot_of(s, id)]; e != NULL; e = e->hash_next)
		if (e->id == id)
			return e;
	return NULL;
}

struct entry *
sched_add(struct sched *s, uint64_t id)
{
	struct entry *e;
	size_t at;

	if (sched_find(s, id) != NULL)
		return NULL;
	if (s->n >= s->n_slots)
		sched_grow(s);
	e = mem_zalloc(1, sizeof(*e));
	e->id = id;
	at = slot_of(s, id);
	e->hash_next = s->slot[at];
	s->slot[at] = e;
	s->n++;
	s->count[ENTRY_NEW]++;
	return e;
}

static void
heap_place(struct sched *s, struct entry *e, size_t at)
{
	s->heap[at] = e;
	e->at = (uint32_t)at;
}

static void
heap_up(struct sched *s, struct entry *e, size_t at)
{
	size_t up;

	for (; at > 0; at = up) {
		up = (at - 1) / 2;
		if (s->heap[up]->next <= e->next)
			break;
		heap_place(s, s->heap[up], at);
	}
	heap_place(s, e, at);
}

static void
heap_down(struct sched *s, struct entry *e, size_t at)
{
	size_t kid;

	for (; (kid = 2 * at + 1) < s->n_heap; at = kid) {
		if (kid + 1 < s->n_heap &&
		    s->heap[kid + 1]->next < s->heap[kid]->next)
			kid++;
		if (s->heap[kid]->next >= e->next)
			break;
		heap_place(s, s->heap[kid], at);
	}
	heap_place(s, e, at);
}

static void
heap_add(struct sched *s, struct entry *e)
{
	if (s->n_heap == s->cap_heap) {
		s->cap_heap = s->cap_heap * 2 + 64;
		s->heap = mem_realloc(s->heap, s->cap_heap, sizeof(*s->heap));
	}
	heap_up(s, e, s->n_heap++);
}

static void
heap_drop(struct sched *s, struct entry *e)
{
	struct entry *last = s->heap[--s->n_heap];

	if (last == e)
		return;
	heap_down(s, last, e->at);
	heap_up(s, last, last->at);
}

/* Takes e out of the list of its state. */
static void
sched_leave(struct sched *s, struct entry *e)
{
	s->count[e->state]--;
	if (e->state == ENTRY_WAITING)
		heap_drop(s, e);
	if (e->state != ENTRY_READY)
		return;
	*(e->prev != NULL ? &e->prev->succ : &e->line->first) = e->succ;
	*(e->succ != NULL ? &e->succ->prev : &e->line->last) = e->prev;
	e->prev = e->succ = NULL;
	e->line = NULL;
}

void
sched_line(struct sched *s, struct entry *e, struct ready_line *l)
{
	sched_leave(s, e);
	e->state = ENTRY_READY;
	s->count[ENTRY_READY]++;
	e->line = l;
	e->prev = l->last;
	*(l->last != NULL ? &l->last->succ : &l->first) = e;
	l->last = e;
}

void
sched_set(struct sched *s, struct entry *e, enum entry_state state)
{
	if (state == ENTRY_READY) {
		sched_line(s, e, &s->ready);
		return;
	}
	sched_leave(s, e);
	e->state = (uint8_t)state;
	s->count[state]++;
	if (state == ENTRY_WAITING)
		heap_add(s, e);
}

void
sched_wait(struct sched *s, struct entry *e, int64_t next)
{
	sched_leave(s, e);
	e->state = ENTRY_NEW;
	s->count[ENTRY_NEW]++;
	e->next = next;
	sched_set(s, e, ENTRY_WAITING);
}

void
sched_lookup(struct sched *s, struct entry *e, int on)
{
	if (e->lookup)
		s->lookups--;
	if (on)
		s->lookups++;
	e->lookup = on != 0;
}

void
sched_remove(struct sched *s, struct entry *e)
{
	struct entry **p = &s->slot[slot_of(s, e->id)];

	sched_leave(s, e);
	sched_lookup(s, e, 0);
	while (*p != e)
		p = &(*p)->hash_next;
	*p = e->hash_next;
	s->n--;
	free(e);
}

void
sched_due(struct sched *s, int64_t now, size_t most)
{
	while (s->n_heap > 0 && s->heap[0]->next <= now && most-- > 0)
		sched_set(s, s->heap[0], ENTRY_READY);
}

void
sched_clamp(struct sched *s, int64_t limit)
{
	size_t i;

	/* Their order in the heap stays as it is. */
	for (i = 0; i < s->n_heap; i++)
		if (s->heap[i]->next > limit)
			s->heap[i]->next = limit;
}

struct entry *
sched_first(const struct sched *s)
{
	return s->ready.first;
}

int64_t
sched_next(const struct sched *s)
{
	return s->n_heap > 0 ? s->heap[0]->next : -1;
}

uint64_t
sched_backoff(uint32_t attempts, uint64_t min, uint64_t max)
{
	uint64_t wait = min;
	uint32_t i;

	for (i = 1; i < attempts && wait < max; i++)
		wait *= 2;
	return wait < max ? wait : max;
}
