/* A name is looked up by its hash; the tables are asked under the lock, which
   they know nothing of. No other part of store is needed here (sum_begin): all
   that change mailboxes call it. */
#include "config.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "store/account.h"
#include "store/sum.h"

enum {
	BUCKETS = 256,		/* at first */
	SLICE = 64,		/* parts that are resolved under the lock */
	NOT_KNOWN = -1,
};

struct node {
	struct node *next;
	uint32_t hash;
	char	*name;
};

struct names {
	struct node **bucket;
	size_t	 n_buckets, n;
};

struct domain {
	struct node node;		/* first */
	uint64_t size, count;		/* of all parts that count */
	struct tables_sum bound;
	int	 full;			/* as published */
	int	 told;			/* enum warn_level; NOT_KNOWN: ask who
					   was told */
	int	 telling, asked;	/* to so many; of that level */
	int	 again;			/* not all of them could be */
};

struct part {
	struct node node;		/* first: the account */
	struct domain *domain;		/* NULL: none of ours */
	int	 counts;
	uint64_t size, count;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct names parts, domains;
static atomic_int on;		/* there are, or were, bounds */
static int owed;		/* the tables could not be read */
static int walks;		/* shards that walk */
static struct sum_ways ways;
static struct {
	size_t	 bucket;
	size_t	 of;		/* buckets that there were */
} resolving;

/* FNV-1a */
static uint32_t
hash_of(const char *name)
{
	uint32_t h = 2166136261u;

	for (; *name != '\0'; name++)
		h = (h ^ (unsigned char)*name) * 16777619u;
	return h;
}

static void
grow(struct names *t)
{
	size_t i, n = t->n_buckets == 0 ? BUCKETS : t->n_buckets * 2;
	struct node **b = mem_zalloc(n, sizeof(*b)), *x, *next;

	for (i = 0; i < t->n_buckets; i++)
		for (x = t->bucket[i]; x != NULL; x = next) {
			next = x->next;
			x->next = b[x->hash % n];
			b[x->hash % n] = x;
		}
	free(t->bucket);
	t->bucket = b;
	t->n_buckets = n;
}

/* Made, of that size, where it is not there and size is not 0; or NULL. */
static void *
find(struct names *t, const char *name, size_t size)
{
	uint32_t h = hash_of(name);
	struct node *x = NULL;

	if (t->n_buckets > 0)
		for (x = t->bucket[h % t->n_buckets]; x != NULL &&
		    (x->hash != h || strcmp(x->name, name) != 0); x = x->next)
			;
	if (x != NULL || size == 0)
		return x;
	if (t->n >= t->n_buckets)
		grow(t);
	x = mem_zalloc(1, size);
	x->hash = h;
	x->name = mem_strdup(name);
	x->next = t->bucket[h % t->n_buckets];
	t->bucket[h % t->n_buckets] = x;
	t->n++;
	return x;
}

static void
take_out(struct names *t, struct node *x)
{
	struct node **p = &t->bucket[x->hash % t->n_buckets];

	while (*p != x)
		p = &(*p)->next;
	*p = x->next;
	t->n--;
	free(x->name);
	free(x);
}

static int
is_bounded(const struct domain *d)
{
	return d->bound.size != 0 || d->bound.count != 0;
}

static int
is_full(const struct tables_sum *bound, uint64_t size, uint64_t count)
{
	return (bound->size != 0 && size >= bound->size) ||
	    (bound->count != 0 && count >= bound->count);
}

/* Publishes a change. */
static void
judge(struct domain *d)
{
	char key[DOMAIN_MAX + 2] = "@";
	int now = is_full(&d->bound, d->size, d->count);

	if (now == d->full)
		return;
	d->full = now;
	memcpy(key + 1, d->node.name, strlen(d->node.name) + 1);
	ways.full(key, now);
}

static void
count_part(const struct part *p, int sign)
{
	if (p->domain == NULL || !p->counts)
		return;
	p->domain->size += sign > 0 ? p->size : -p->size;
	p->domain->count += sign > 0 ? p->count : -p->count;
}

static void
set_part(struct part *p, uint64_t size, uint64_t count)
{
	count_part(p, -1);
	p->size = size;
	p->count = count;
	count_part(p, 1);
	if (p->domain != NULL)
		judge(p->domain);
}

static void
set_bound(struct domain *d, const struct tables_sum *s)
{
	d->bound = *s;
	judge(d);
}

/* Where it counts, as the tables are now. 0, or -1: they cannot be read. */
static int
resolve(struct part *p)
{
	struct domain *d = NULL, *was = p->domain;
	struct tables_sum s;
	enum lookup ours = ways.where(p->node.name, &s), is;

	is = ours == LOOKUP_FOUND ? ways.counts(p->node.name) : ours;
	if (ours == LOOKUP_ERROR || is == LOOKUP_ERROR) {
		owed = 1;
		return -1;
	}
	if (ours == LOOKUP_FOUND) {
		d = find(&domains, s.domain, 0);
		if (d == NULL) {
			d = find(&domains, s.domain, sizeof(*d));
			d->told = NOT_KNOWN;
		}
		set_bound(d, &s);
	}
	count_part(p, -1);
	p->domain = d;
	p->counts = is == LOOKUP_FOUND;
	count_part(p, 1);
	if (was != NULL)
		judge(was);
	if (d != NULL)
		judge(d);
	return 0;
}

/* Under the lock. NULL: the tables cannot be read. */
static struct part *
part_of(const char *name)
{
	struct part *p = find(&parts, name, 0);

	if (p != NULL)
		return p;
	p = find(&parts, name, sizeof(*p));
	if (resolve(p) == 0)
		return p;
	take_out(&parts, &p->node);
	return NULL;
}

static void
set_of(const char *name, uint64_t size, uint64_t count)
{
	struct part *p;

	pthread_mutex_lock(&lock);
	p = part_of(name);
	if (p != NULL)
		set_part(p, size, count);
	pthread_mutex_unlock(&lock);
}

void
sum_note(const struct account *a)
{
	/* As account_usage has it. */
	if (atomic_load_explicit(&on, memory_order_relaxed) &&
	    a->state == ACCOUNT_READY && !a->uncounted)
		set_of(a->name, a->size + a->pending_size,
		    a->messages + a->pending_count);
}

void
sum_walked(const char *name, uint64_t size, uint64_t count)
{
	if (atomic_load_explicit(&on, memory_order_relaxed))
		set_of(name, size, count);
}

void
sum_walks(int more)
{
	pthread_mutex_lock(&lock);
	walks += more;
	pthread_mutex_unlock(&lock);
}

void
sum_forget(const char *name)
{
	struct part *p;

	pthread_mutex_lock(&lock);
	p = find(&parts, name, 0);
	if (p != NULL) {
		set_part(p, 0, 0);
		take_out(&parts, &p->node);
	}
	pthread_mutex_unlock(&lock);
}

void
sum_rename(const char *old, const char *name)
{
	struct part *p, *q;

	pthread_mutex_lock(&lock);
	p = find(&parts, old, 0);
	q = p != NULL ? part_of(name) : NULL;
	if (q != NULL)
		set_part(q, p->size, p->count);
	if (p != NULL) {
		set_part(p, 0, 0);
		take_out(&parts, &p->node);
	}
	pthread_mutex_unlock(&lock);
}

/* Its usage and bounds, under the lock. */
static void
usage_of(const struct domain *d, struct warn_usage *u)
{
	*u = (struct warn_usage){ d->size, d->bound.size, d->count,
		d->bound.count };
}

/* QUOTA_OK where there are bounds; QUOTA_NO_USER: there are none. */
static enum quota
look(const char *name, char domain[DOMAIN_MAX + 1], struct warn_usage *u)
{
	enum quota r = QUOTA_NO_USER;
	const struct part *p;

	if (!atomic_load_explicit(&on, memory_order_relaxed))
		return r;
	pthread_mutex_lock(&lock);
	p = part_of(name);
	if (p == NULL) {
		r = QUOTA_LATER;
	} else if (p->domain != NULL && is_bounded(p->domain)) {
		usage_of(p->domain, u);
		if (domain != NULL)
			memcpy(domain, p->domain->node.name,
			    strlen(p->domain->node.name) + 1);
		r = QUOTA_OK;
	}
	pthread_mutex_unlock(&lock);
	return r;
}

static int
passes(uint64_t used, uint64_t more, uint64_t max)
{
	return max != 0 && (used > max || more > max - used);
}

enum quota
sum_check(const char *name, uint64_t size, uint64_t count)
{
	struct warn_usage u;
	enum quota r = look(name, NULL, &u);

	if (r != QUOTA_OK)
		return r == QUOTA_NO_USER ? QUOTA_OK : r;
	/* What makes room, or adds nothing, may always be. */
	return (size > 0 || count > 0) && (passes(u.size, size, u.size_max) ||
	    passes(u.count, count, u.count_max)) ? QUOTA_FULL : QUOTA_OK;
}

enum quota
sum_delivery(const char *name, uint64_t size)
{
	struct warn_usage u;
	enum quota r = look(name, NULL, &u);

	if (r != QUOTA_OK)
		return r == QUOTA_NO_USER ? QUOTA_OK : r;
	if (u.size_max != 0 && size > u.size_max)
		return QUOTA_NEVER;
	return is_full(&(struct tables_sum){ .size = u.size_max,
	    .count = u.count_max }, u.size, u.count) ? QUOTA_FULL : QUOTA_OK;
}

int
sum_usage(const char *name, char domain[DOMAIN_MAX + 1], struct warn_usage *u)
{
	return look(name, domain, u) == QUOTA_OK;
}

/* New tables: every part anew, some at a time. */

static void
resolve_bucket(size_t i)
{
	struct node *x;

	for (x = parts.bucket[i]; x != NULL; x = x->next)
		(void)resolve((struct part *)x);
}

int
sum_resolve(int anew)
{
	size_t n;
	int more;

	pthread_mutex_lock(&lock);
	if (anew || resolving.of != parts.n_buckets) {
		resolving.bucket = 0;
		resolving.of = parts.n_buckets;
	}
	for (n = 0; n < SLICE && resolving.bucket < parts.n_buckets; n++)
		resolve_bucket(resolving.bucket++);
	more = resolving.bucket < parts.n_buckets;
	pthread_mutex_unlock(&lock);
	return more;
}

static void
read_bound(struct domain *d)
{
	struct tables_sum s;
	enum lookup r = ways.where(d->node.name, &s);

	if (r == LOOKUP_ERROR) {
		owed = 1;
		return;
	}
	/* It is none any more, or an alias. */
	if (r == LOOKUP_ABSENT || strcmp(s.domain, d->node.name) != 0)
		s = (struct tables_sum){ .size = 0 };
	set_bound(d, &s);
}

void
sum_bounds(void)
{
	struct node *x;
	size_t i;

	pthread_mutex_lock(&lock);
	for (i = 0; i < domains.n_buckets; i++)
		for (x = domains.bucket[i]; x != NULL; x = x->next)
			read_bound((struct domain *)x);
	pthread_mutex_unlock(&lock);
}

int
sum_owed(int set)
{
	int was;

	pthread_mutex_lock(&lock);
	was = owed;
	owed = set;
	pthread_mutex_unlock(&lock);
	return was;
}

void
sum_begin(const struct sum_ways *w)
{
	ways = *w;
}

int
sum_is_on(void)
{
	return atomic_load(&on);
}

void
sum_turn_on(void)
{
	atomic_store(&on, 1);
}

/* Warnings. */

static void
warn_one(struct domain *d)
{
	struct warn_usage u;
	int level, n;

	usage_of(d, &u);
	level = ways.level(&u);
	if (d->telling > 0 || level == d->told ||
	    (level == 0 && d->told == NOT_KNOWN && !is_bounded(d)))
		return;
	d->asked = level;
	d->again = 0;
	n = ways.tell(d->node.name, &u, level);
	d->telling = n > 0 ? n : 0;
	if (n == 0)
		d->told = level;
}

void
sum_warnings(void)
{
	struct node *x;
	size_t i;

	pthread_mutex_lock(&lock);
	for (i = 0; walks == 0 && i < domains.n_buckets; i++)
		for (x = domains.bucket[i]; x != NULL; x = x->next)
			warn_one((struct domain *)x);
	pthread_mutex_unlock(&lock);
}

void
sum_told(const char *name, int told)
{
	struct domain *d;

	pthread_mutex_lock(&lock);
	d = find(&domains, name, 0);
	if (d != NULL && d->telling > 0) {
		d->again |= !told;
		if (--d->telling == 0)
			d->told = d->again ? NOT_KNOWN : d->asked;
	} else if (d != NULL && !told) {
		d->told = NOT_KNOWN;
	}
	pthread_mutex_unlock(&lock);
}
