#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "auth/auth_delay.h"
#include "auth/remote.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"

enum {
	WAYS = 8,
	ONE = 256,		/* a failure, in units of score */
	SCORE_MAX = 64 * ONE,
};

struct delay_entry {
	uint64_t key;		/* 0: free */
	int64_t	 at;		/* when score was true */
	int64_t	 next;		/* address, pair: when its line is empty */
	int64_t	 good;		/* pair: known until then */
	uint32_t score;
};

struct auth_delay {
	int64_t	 base;
	uint32_t sets;
	uint64_t secret[2];
	/* names of strangers cannot push addresses out of their table */
	struct delay_entry *address, *user, *pair;
};

struct auth_delay *
auth_delay_new(int64_t base_ms, uint32_t sets)
{
	struct auth_delay *d = mem_zalloc(1, sizeof(*d));

	d->base = base_ms;
	d->sets = sets;
	if (getrandom(d->secret, sizeof(d->secret), 0) != sizeof(d->secret))
		log_fatal("no random octets");
	d->address = mem_zalloc((size_t)sets * WAYS, sizeof(struct delay_entry));
	d->user = mem_zalloc((size_t)sets * WAYS, sizeof(struct delay_entry));
	d->pair = mem_zalloc((size_t)sets * WAYS, sizeof(struct delay_entry));
	return d;
}

void
auth_delay_free(struct auth_delay **dp)
{
	struct auth_delay *d = *dp;

	if (d == NULL)
		return;
	free(d->address);
	free(d->user);
	free(d->pair);
	free(d);
	*dp = NULL;
}

/*
 * A keyed mix (the finaliser of MurmurHash3 per eight octets). A stranger who
 * cannot see the secret cannot aim at a set.
 */
static uint64_t
mix(const struct auth_delay *d, uint64_t h, const void *p, size_t len)
{
	const unsigned char *s = p;
	uint64_t v;
	size_t i, n;

	h ^= d->secret[0] + len;
	for (i = 0; i < len; i += 8) {
		n = len - i < 8 ? len - i : 8;
		v = 0;
		memcpy(&v, s + i, n);
		h = (h ^ v) + d->secret[1];
		h = (h ^ h >> 33) * UINT64_C(0xff51afd7ed558ccd);
		h = (h ^ h >> 33) * UINT64_C(0xc4ceb9fe1a85ec53);
		h ^= h >> 33;
	}
	return h != 0 ? h : 1;
}

void
auth_try_init(struct auth_try *t, const struct auth_delay *d, const char *user,
    const char *remote)
{
	unsigned char a[REMOTE_KEY_MAX];
	size_t n = remote_key(remote, a);

	t->address = mix(d, 1, a, n);
	t->user = mix(d, 2, user, strlen(user));
	t->pair = mix(d, t->user, a, n);
}

/* The score halves every AUTH_DELAY_HALF_MS, linearly in between. */
static uint32_t
decayed(const struct delay_entry *e, int64_t now)
{
	int64_t past = now - e->at, halves = past / AUTH_DELAY_HALF_MS;
	int64_t rest = past % AUTH_DELAY_HALF_MS;
	uint32_t s;

	if (past <= 0)
		return e->score;
	if (halves > 20)
		return 0;
	s = e->score >> halves;
	return s - (uint32_t)((int64_t)s * rest / (2 * AUTH_DELAY_HALF_MS));
}

static struct delay_entry *
set_of(const struct auth_delay *d, struct delay_entry *table, uint64_t key)
{
	return table + (size_t)(key & (d->sets - 1)) * WAYS;
}

static struct delay_entry *
find(const struct auth_delay *d, struct delay_entry *table, uint64_t key)
{
	struct delay_entry *e = set_of(d, table, key);
	int i;

	for (i = 0; i < WAYS; i++)
		if (e[i].key == key)
			return &e[i];
	return NULL;
}

/* What an entry is worth keeping for. */
static uint64_t
weight(const struct delay_entry *e, int64_t now)
{
	if (e->key == 0)
		return 0;
	return 1 + decayed(e, now) + (e->good > now ? SCORE_MAX : 0);
}

static struct delay_entry *
find_or_add(const struct auth_delay *d, struct delay_entry *table, uint64_t key,
    int64_t now)
{
	struct delay_entry *e = find(d, table, key), *set, *least;
	int i;

	if (e != NULL)
		return e;
	set = set_of(d, table, key);
	least = set;
	for (i = 1; i < WAYS; i++)
		if (weight(&set[i], now) < weight(least, now))
			least = &set[i];
	*least = (struct delay_entry){ .key = key, .at = now };
	return least;
}

static int64_t
delay_of(const struct auth_delay *d, const struct delay_entry *e, int64_t now)
{
	uint32_t n;

	if (e == NULL || (n = decayed(e, now) / ONE) < AUTH_DELAY_FREE)
		return 0;
	n -= AUTH_DELAY_FREE;
	return d->base << (n < AUTH_DELAY_DOUBLINGS ? n :
	    AUTH_DELAY_DOUBLINGS);
}

/* Takes the next place in the line of e; -1 where it is too long. */
static int64_t
line_up(const struct auth_delay *d, struct delay_entry *e, int64_t now)
{
	int64_t delay = delay_of(d, e, now), start;

	if (delay == 0)
		return 0;
	start = (e->next > now ? e->next : now) + delay;
	if (start - now > AUTH_DELAY_LINE_MS)
		return -1;
	e->next = start;
	return start - now;
}

int64_t
auth_delay_before(struct auth_delay *d, const struct auth_try *t, int64_t now)
{
	struct delay_entry *pair = find(d, d->pair, t->pair);
	int64_t wait, user, line = 0;

	wait = line_up(d, pair, now);
	if (wait == -1 || (pair != NULL && pair->good > now))
		return wait;
	line = line_up(d, find(d, d->address, t->address), now);
	if (line == -1)
		return -1;
	if (line > wait)
		wait = line;
	user = delay_of(d, find(d, d->user, t->user), now);
	if (user > AUTH_DELAY_USER_MS)
		user = AUTH_DELAY_USER_MS;
	return user > wait ? user : wait;
}

static void
add_failure(const struct auth_delay *d, struct delay_entry *table, uint64_t key,
    int64_t now)
{
	struct delay_entry *e = find_or_add(d, table, key, now);

	e->score = decayed(e, now) + ONE;
	if (e->score > SCORE_MAX)
		e->score = SCORE_MAX;
	e->at = now;
}

void
auth_delay_failed(struct auth_delay *d, const struct auth_try *t, int64_t now)
{
	add_failure(d, d->address, t->address, now);
	add_failure(d, d->user, t->user, now);
	add_failure(d, d->pair, t->pair, now);
}

/*
 * A success clears the pair alone: whoever owns one account must not be able
 * to wipe out the guesses that he makes at others in between.
 */
void
auth_delay_passed(struct auth_delay *d, const struct auth_try *t, int64_t now)
{
	struct delay_entry *e = find_or_add(d, d->pair, t->pair, now);

	e->score = 0;
	e->at = now;
	e->next = 0;
	e->good = now + AUTH_DELAY_GOOD_MS;
}

int64_t
auth_delay_late(const struct auth_delay *d, int64_t start)
{
	return start + d->base;
}
