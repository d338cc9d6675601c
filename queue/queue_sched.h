/*
 * The schedule: one small entry for every message of the queue, rebuilt from
 * the table at start. Entries wait in a heap by time, stand ready in a line,
 * are active (a struct message is loaded), held, or set aside. There is one
 * line for all whose time has come; who knows more of a message may have it
 * stand in a line of his own instead.
 *
 * Pure bookkeeping: no clock, no disk. Entries belong to the schedule.
 */
#ifndef QUEUE_QUEUE_SCHED_H
#define QUEUE_QUEUE_SCHED_H

#include <stddef.h>
#include <stdint.h>

struct message;

enum entry_state {
	ENTRY_NEW,		/* in no list */
	ENTRY_WAITING,		/* until next */
	ENTRY_READY,		/* its time has come */
	ENTRY_ACTIVE,		/* being worked on: msg */
	ENTRY_HELD,		/* by the operator */
	ENTRY_ASIDE,		/* broken */
};

/* Entries that stand ready, oldest first. */
struct ready_line {
	struct entry *first, *last;
};

struct entry {
	uint64_t id;
	int64_t	 next;			/* seconds; ENTRY_WAITING */
	uint32_t attempts;
	uint32_t at;			/* in the heap */
	uint8_t	 state;			/* enum entry_state */
	uint8_t	 mark;			/* for the sweeper */
	uint8_t	 stored;		/* more than the envelope */
	uint8_t	 tried;			/* by this run of queue */
	uint8_t	 lookup;		/* it waits for the DNS */
	struct message *msg;		/* loaded, or NULL */
	struct entry *hash_next;
	struct entry *prev, *succ;	/* ENTRY_READY, */
	struct ready_line *line;	/* in that line */
};

struct sched {
	struct entry **slot;
	size_t	 n_slots, n;
	struct entry **heap;
	size_t	 n_heap, cap_heap;
	struct ready_line ready;
	size_t	 count[ENTRY_ASIDE + 1];
	size_t	 lookups;	/* entries that wait for the DNS */
};

void	sched_init(struct sched *s);
void	sched_clear(struct sched *s);
/* A new entry; NULL if the id is there already. */
struct entry *sched_add(struct sched *s, uint64_t id);
struct entry *sched_find(const struct sched *s, uint64_t id);
/* Takes it out and frees it. */
void	sched_remove(struct sched *s, struct entry *e);
/* Its last attempt failed for want of an answer from the DNS; or not (0). */
void	sched_lookup(struct sched *s, struct entry *e, int on);
/* Leaves its list and takes the new state (waiting: until next). */
void	sched_wait(struct sched *s, struct entry *e, int64_t next);
void	sched_set(struct sched *s, struct entry *e, enum entry_state state);
/* Stands ready at the end of that line, which must outlive its stay. */
void	sched_line(struct sched *s, struct entry *e, struct ready_line *l);
/* Lets waiting entries whose time has come stand ready, so many at most. */
void	sched_due(struct sched *s, int64_t now, size_t most);
/* Lets no entry wait longer than until limit. */
void	sched_clamp(struct sched *s, int64_t limit);
/* The first that stands ready in the line for all, or NULL. */
struct entry *sched_first(const struct sched *s);
/* When the next waiting entry is due; -1 if none waits. */
int64_t	sched_next(const struct sched *s);

/* Seconds to wait after so many attempts: min, doubled, at most max. */
uint64_t sched_backoff(uint32_t attempts, uint64_t min, uint64_t max);

#endif
