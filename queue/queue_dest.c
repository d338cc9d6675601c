#include <stdlib.h>

#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "queue/queue_dest.h"

enum { SLOTS_MIN = 1024 };

enum { RING_DOWN = SHARES };	/* of what is down, to be deferred */

static struct dest **slots;
static size_t n_slots;
static struct {
	TAILQ_HEAD(, dest) d;
	size_t	 n;
} rings[SHARES + 1] = {
	[SHARE_KNOWN] = { .d = TAILQ_HEAD_INITIALIZER(rings[SHARE_KNOWN].d) },
	[SHARE_UNKNOWN] = { .d =
	    TAILQ_HEAD_INITIALIZER(rings[SHARE_UNKNOWN].d) },
	[SHARE_BOUNCE] = { .d =
	    TAILQ_HEAD_INITIALIZER(rings[SHARE_BOUNCE].d) },
	[RING_DOWN] = { .d = TAILQ_HEAD_INITIALIZER(rings[RING_DOWN].d) },
};
static size_t n_waiting, n_dests;
/* With a line: those that have jobs, and those that have none. */
static TAILQ_HEAD(parked, dest) parked = TAILQ_HEAD_INITIALIZER(parked),
    idle = TAILQ_HEAD_INITIALIZER(idle);

static struct dest **
slot_of(const struct dest_key *k)
{
	return &slots[dest_key_hash(k) & (n_slots - 1)];
}

/* As many slots as destinations, at least. */
static void
slots_grow(void)
{
	struct dest **old = slots, **slot, *d, *next;
	size_t i, n_old = n_slots;

	n_slots = n_old == 0 ? SLOTS_MIN : n_old * 2;
	slots = mem_zalloc(n_slots, sizeof(*slots));
	for (i = 0; i < n_old; i++)
		for (d = old[i]; d != NULL; d = next) {
			next = d->hash_next;
			slot = slot_of(&d->key);
			d->hash_next = *slot;
			*slot = d;
		}
	free(old);
}

struct dest *
dest_get(const struct dest_key *k)
{
	struct dest *d, **slot;

	if (n_dests >= n_slots)
		slots_grow();
	slot = slot_of(k);
	for (d = *slot; d != NULL; d = d->hash_next)
		if (dest_key_equal(&d->key, k))
			return d;
	d = mem_zalloc(1, sizeof(*d));
	d->key = *k;
	TAILQ_INIT(&d->waiting[JOB_MAIL]);
	TAILQ_INIT(&d->waiting[JOB_BOUNCE]);
	d->hash_next = *slot;
	*slot = d;
	n_dests++;
	return d;
}

int
dest_is_down(const struct dest *d)
{
	return d->fails >= DOWN_AFTER && d->down_until > clock_mono_ms();
}

struct queue_job *
dest_first(const struct dest *d)
{
	struct queue_job *j = TAILQ_FIRST(&d->waiting[JOB_MAIL]);

	return j != NULL ? j : TAILQ_FIRST(&d->waiting[JOB_BOUNCE]);
}

int
dest_known(const struct dest *d)
{
	return d->fails == 0 && d->known_until > clock_mono_ms();
}

/* One more? After a failure one at a time, until one gets through. */
static int
dest_may(const struct dest *d, int known)
{
	uint64_t most = queue.conf.per_destination;

	return d->active < (known ? most : most < UNKNOWN_SHARE ? most :
	    UNKNOWN_SHARE);
}

/* The ring of that class, from 1; 0: none. */
static int
ring_of(const struct dest *d, enum job_class c)
{
	int known = dest_known(d);

	if (dest_is_down(d))
		return c == JOB_MAIL && dest_first(d) != NULL ?
		    1 + RING_DOWN : 0;
	if (!dest_may(d, known) || TAILQ_EMPTY(&d->waiting[c]))
		return 0;
	return 1 + (c == JOB_BOUNCE ? SHARE_BOUNCE : known ? SHARE_KNOWN :
	    SHARE_UNKNOWN);
}

/* In a ring is what has a job waiting and may have it sent. */
static void
ring_judge(struct dest *d)
{
	int c, now;

	for (c = 0; c < JOB_CLASSES; c++) {
		now = ring_of(d, (enum job_class)c);
		if (now == d->ring[c])
			continue;
		if (d->ring[c] != 0) {
			TAILQ_REMOVE(&rings[d->ring[c] - 1].d, d, in_ring[c]);
			rings[d->ring[c] - 1].n--;
		}
		if (now != 0) {
			TAILQ_INSERT_TAIL(&rings[now - 1].d, d, in_ring[c]);
			rings[now - 1].n++;
		}
		d->ring[c] = (uint8_t)now;
	}
}

void
dest_add(struct dest *d, struct queue_job *j)
{
	TAILQ_INSERT_TAIL(&d->waiting[j->class], j, in_line);
	n_waiting++;
	ring_judge(d);
}

void
dest_push(struct dest *d, struct queue_job *j)
{
	TAILQ_INSERT_HEAD(&d->waiting[j->class], j, in_line);
	n_waiting++;
	ring_judge(d);
}

void
dest_drop(struct dest *d, struct queue_job *j)
{
	TAILQ_REMOVE(&d->waiting[j->class], j, in_line);
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
	d->known_until = clock_mono_ms() + KNOWN_TIME * 1000;
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
dest_room(const struct dest *d, int full)
{
	uint64_t part = queue.conf.active_max /
	    (dest_known(d) ? DEST_PART : DEST_UNKNOWN_PART);

	return d->jobs == 0 || (!full &&
	    d->jobs < (part > DEST_LEAST ? part : DEST_LEAST));
}

static struct parked *
parked_of(const struct dest *d)
{
	return d->jobs > 0 ? &parked : &idle;
}

struct ready_line *
dest_park(struct dest *d)
{
	if (!d->parked)
		TAILQ_INSERT_TAIL(parked_of(d), d, in_parked);
	d->parked = 1;
	return &d->ready;
}

static void
dest_unpark(struct dest *d)
{
	TAILQ_REMOVE(parked_of(d), d, in_parked);
	d->parked = 0;
}

void
dest_made(struct dest *d)
{
	int was = d->parked;

	if (was)
		dest_unpark(d);
	d->jobs++;
	/* At the end: it has had its turn. */
	if (was)
		(void)dest_park(d);
}

void
dest_freed(struct dest *d)
{
	int last = d->jobs == 1 && d->parked;

	if (last)
		dest_unpark(d);
	d->jobs--;
	if (last)
		(void)dest_park(d);
}

/* Those without room are few, for each has its part. */
struct entry *
dest_parked(int full)
{
	struct dest *d, *next;

	while ((d = TAILQ_FIRST(&idle)) != NULL && d->ready.first == NULL)
		dest_unpark(d);
	if (d != NULL)
		return d->ready.first;
	for (d = full ? NULL : TAILQ_FIRST(&parked); d != NULL; d = next) {
		next = TAILQ_NEXT(d, in_parked);
		if (d->ready.first == NULL)
			dest_unpark(d);
		else if (dest_room(d, 0))
			return d->ready.first;
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
dest_ring(enum share s)
{
	return rings[s].n;
}

/* The first of a ring goes to its end. */
static struct dest *
ring_turn(int ring, enum job_class c)
{
	struct dest *d;

	while ((d = TAILQ_FIRST(&rings[ring].d)) != NULL) {
		/* Its last success, or failure, may be too old meanwhile. */
		ring_judge(d);
		if (d->ring[c] != 1 + ring)
			continue;
		TAILQ_REMOVE(&rings[ring].d, d, in_ring[c]);
		TAILQ_INSERT_TAIL(&rings[ring].d, d, in_ring[c]);
		break;
	}
	return d;
}

size_t
dest_downs(void)
{
	return rings[RING_DOWN].n;
}

struct dest *
dest_down(void)
{
	return ring_turn(RING_DOWN, JOB_MAIL);
}

struct dest *
dest_next(enum share s, struct queue_job **j_r)
{
	enum job_class c = s == SHARE_BOUNCE ? JOB_BOUNCE : JOB_MAIL;
	struct dest *d = ring_turn((int)s, c);

	if (d != NULL)
		*j_r = TAILQ_FIRST(&d->waiting[c]);
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

	for (i = 0; i < n_slots; i++)
		for (d = slots[i]; d != NULL; d = d->hash_next) {
			d->fails = 0;
			ring_judge(d);
		}
}

void
dest_tidy(void)
{
	struct dest **p, *d;
	size_t i;

	int keep = n_dests <= KNOWN_MAX;

	for (i = 0; i < n_slots && n_dests > 0; i++)
		for (p = &slots[i]; (d = *p) != NULL;) {
			dest_tell(d);
			if (d->jobs > 0 || d->ready.first != NULL ||
			    dest_is_down(d) || (keep && dest_known(d))) {
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
