#include <stdlib.h>

#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "queue/queue_dest.h"

enum { SLOTS = 1024 };

static struct dest *slots[SLOTS];
static struct dest *ring_first, *ring_last;
static size_t n_ring, n_waiting, n_dests;
static TAILQ_HEAD(, dest) parked = TAILQ_HEAD_INITIALIZER(parked);

struct dest *
dest_get(const struct dest_key *k)
{
	struct dest *d, **slot = &slots[dest_key_hash(k) % SLOTS];

	for (d = *slot; d != NULL; d = d->hash_next)
		if (dest_key_equal(&d->key, k))
			return d;
	d = mem_zalloc(1, sizeof(*d));
	d->key = *k;
	TAILQ_INIT(&d->waiting);
	d->hash_next = *slot;
	*slot = d;
	n_dests++;
	return d;
}

static void
ring_add(struct dest *d)
{
	d->ring_prev = ring_last;
	d->ring_next = NULL;
	*(ring_last != NULL ? &ring_last->ring_next : &ring_first) = d;
	ring_last = d;
	d->in_ring = 1;
	n_ring++;
}

static void
ring_drop(struct dest *d)
{
	*(d->ring_prev != NULL ? &d->ring_prev->ring_next : &ring_first) =
	    d->ring_next;
	*(d->ring_next != NULL ? &d->ring_next->ring_prev : &ring_last) =
	    d->ring_prev;
	d->in_ring = 0;
	n_ring--;
}

/* One more? After a failure one at a time, until one gets through. */
static int
dest_may(const struct dest *d)
{
	return d->active < (d->fails > 0 ? 1 : queue.conf.per_destination);
}

/* In the ring is what has a job waiting and may have it sent. */
static void
ring_judge(struct dest *d)
{
	int in = !TAILQ_EMPTY(&d->waiting) && dest_may(d);

	if (in && !d->in_ring)
		ring_add(d);
	else if (!in && d->in_ring)
		ring_drop(d);
}

void
dest_add(struct dest *d, struct queue_job *j)
{
	TAILQ_INSERT_TAIL(&d->waiting, j, in_line);
	n_waiting++;
	ring_judge(d);
}

void
dest_push(struct dest *d, struct queue_job *j)
{
	TAILQ_INSERT_HEAD(&d->waiting, j, in_line);
	n_waiting++;
	ring_judge(d);
}

void
dest_drop(struct dest *d, struct queue_job *j)
{
	TAILQ_REMOVE(&d->waiting, j, in_line);
	n_waiting--;
	ring_judge(d);
}

void
dest_took(struct dest *d)
{
	d->active++;
	ring_judge(d);
}

void
dest_left(struct dest *d)
{
	d->active--;
	ring_judge(d);
}

void
dest_reached(struct dest *d)
{
	d->fails = 0;
	ring_judge(d);
}

void
dest_unreached(struct dest *d, const char *words)
{
	free(d->why);
	d->why = mem_strdup(words);
	if (++d->fails >= DOWN_AFTER)
		d->down_until = clock_mono_ms() + DOWN_TIME * 1000;
	ring_judge(d);
}

int
dest_is_down(const struct dest *d)
{
	return d->fails >= DOWN_AFTER && d->down_until > clock_mono_ms();
}

int
dest_room(const struct dest *d)
{
	uint64_t part = queue.conf.active_max / DEST_PART;

	return d->jobs < (part > DEST_LEAST ? part : DEST_LEAST);
}

struct ready_line *
dest_park(struct dest *d)
{
	if (!d->parked)
		TAILQ_INSERT_TAIL(&parked, d, in_parked);
	d->parked = 1;
	return &d->ready;
}

static void
dest_unpark(struct dest *d)
{
	TAILQ_REMOVE(&parked, d, in_parked);
	d->parked = 0;
}

/* Each in turn; those without room are few, for each has its part. */
struct entry *
dest_parked(void)
{
	struct dest *d, *next;

	for (d = TAILQ_FIRST(&parked); d != NULL; d = next) {
		next = TAILQ_NEXT(d, in_parked);
		if (d->ready.first == NULL) {
			dest_unpark(d);
		} else if (dest_room(d)) {
			TAILQ_REMOVE(&parked, d, in_parked);
			TAILQ_INSERT_TAIL(&parked, d, in_parked);
			return d->ready.first;
		}
	}
	return NULL;
}

void
dest_tell(struct dest *d)
{
	int64_t now = clock_mono_ms();

	if (d->untold == 0 || (d->told != 0 && now - d->told < DEST_TELL))
		return;
	log_info("%s is down: %u messages deferred without a try: %s",
	    d->key.route[0] != '\0' ? d->key.route : "the smarthost",
	    d->untold, d->why != NULL ? d->why : "no answer");
	d->told = now;
	d->untold = 0;
}

size_t
dest_ring(void)
{
	return n_ring;
}

struct dest *
dest_next(void)
{
	struct dest *d = ring_first;

	if (d != NULL) {
		ring_drop(d);
		ring_add(d);
	}
	return d;
}

size_t
dest_waiting(void)
{
	return n_waiting;
}

size_t
dest_count(void)
{
	return n_dests;
}

void
dest_forget_down(void)
{
	struct dest *d;
	size_t i;

	for (i = 0; i < SLOTS; i++)
		for (d = slots[i]; d != NULL; d = d->hash_next)
			dest_reached(d);
}

void
dest_tidy(void)
{
	struct dest **p, *d;
	size_t i;

	for (i = 0; i < SLOTS && n_dests > 0; i++)
		for (p = &slots[i]; (d = *p) != NULL;) {
			dest_tell(d);
			if (d->jobs > 0 || d->ready.first != NULL ||
			    dest_is_down(d)) {
				p = &d->hash_next;
				continue;
			}
			if (d->parked)
				dest_unpark(d);
			*p = d->hash_next;
			n_dests--;
			free(d->why);
			free(d);
		}
}
