#include "config.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "lib/base/str.h"
#include "store/age.h"
#include "store/shard_chores.h"
#include "store/text.h"

enum {
	SPANS = 1000,		/* the oldest goes: then its things are late */
	JUMP = 5,		/* seconds that a clock may be put right by */
	SAVE_EVERY = 3600 * 1000,	/* ms */
};

/* From wall on, when store had run for ran seconds, the clock went evenly. */
struct span {
	int64_t wall, ran;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct span span[SPANS];
static size_t n_spans;
static int64_t began;		/* clock_mono_ms at the start of the last */
static int64_t saved;		/* ... when it was written down */
static struct chore save_chore;
static int saving;

static int64_t
since_began(void)
{
	return (clock_mono_ms() - began) / 1000;
}

static int64_t
ran_now(void)
{
	return n_spans == 0 ? 0 : span[n_spans - 1].ran + since_began();
}

static void
span_begin(int64_t ran)
{
	if (n_spans == SPANS)
		memmove(span, span + 1, --n_spans * sizeof(*span));
	began = clock_mono_ms();
	span[n_spans++] = (struct span){ clock_now(), ran };
}

/* A number and what ends it, a blank or a line's end. 0, or -1. */
static int
take_number(const char **p, char end, int64_t *r)
{
	size_t len = strcspn(*p, " \n");
	uint64_t n;

	if ((*p)[len] != end || str_number(*p, len, INT64_MAX, &n) == -1)
		return -1;
	*r = (int64_t)n;
	*p += len + 1;
	return 0;
}

/* The stretches of a file, and how long store had run in the end. */
static int64_t
spans_parse(const char *p)
{
	int64_t ran = 0;
	struct span s;

	for (n_spans = 0; n_spans < SPANS; span[n_spans++] = s)
		if (take_number(&p, ' ', &s.wall) == -1 ||
		    take_number(&p, '\n', &s.ran) == -1)
			break;
	if (take_number(&p, '\n', &ran) == -1 && n_spans > 0)
		ran = span[n_spans - 1].ran;
	return ran;
}

void
age_start(void)
{
	struct buf text = BUF_INIT(SPANS * 50);
	int64_t ran = 0;

	pthread_mutex_lock(&lock);
	n_spans = 0;
	if (text_read("", 0, ".clock", &text) == 0)
		ran = spans_parse(buf_str(&text));
	else if (errno != ENOENT)
		log_warn("mail/.clock: %s", strerror(errno));
	span_begin(ran);
	pthread_mutex_unlock(&lock);
	buf_clear(&text);
	age_save();
}

void
age_save(void)
{
	struct buf text = BUF_INIT(0);
	size_t i;

	pthread_mutex_lock(&lock);
	for (i = 0; i < n_spans; i++)
		buf_printf(&text, "%lld %lld\n", (long long)span[i].wall,
		    (long long)span[i].ran);
	buf_printf(&text, "%lld\n", (long long)ran_now());
	saved = clock_mono_ms();
	pthread_mutex_unlock(&lock);
	if (text_replace("", 0, ".clock", text.data, text.len) == -1)
		log_warn("mail/.clock: %s", strerror(errno));
	buf_clear(&text);
}

static void
save_run(struct chore *c)
{
	age_save();
	__atomic_store_n(&saving, 0, __ATOMIC_RELEASE);
}

void
age_tick(void)
{
	int64_t by;
	int due;

	pthread_mutex_lock(&lock);
	by = clock_now() - span[n_spans - 1].wall - since_began();
	if (by > JUMP || by < -JUMP) {
		span_begin(ran_now());
		saved = began - SAVE_EVERY;
	}
	due = clock_mono_ms() - saved >= SAVE_EVERY;
	pthread_mutex_unlock(&lock);
	if (!due || __atomic_exchange_n(&saving, 1, __ATOMIC_ACQUIRE))
		return;
	save_chore.run = save_run;
	helper_post(HELPER_KEEP, &save_chore);
}

/*
 * What has the time c by the clock came, at the latest, when store had run for
 *
 *	the largest, over the stretches that begin at c or before it, of
 *	  min(ran + (c - wall), ran of the next stretch)
 *
 * for the clock may have shown c in several. That rises with c, so there is a
 * last c that is old enough: each stretch has its own, and the least counts.
 * What came before all of them came before the first began.
 */
int64_t
age_cutoff(uint64_t keep)
{
	int64_t end, limit, own, cut = INT64_MAX;
	size_t i;

	pthread_mutex_lock(&lock);
	limit = ran_now() - (int64_t)keep;
	for (i = 0; i < n_spans; i++) {
		end = i + 1 < n_spans ? span[i + 1].ran : ran_now();
		if (end < limit)
			continue;
		own = span[i].wall;
		if (limit > span[i].ran)
			own += limit - span[i].ran;
		if (own < cut)
			cut = own;
	}
	if (n_spans == 0 || span[0].ran >= limit)
		cut = 0;
	pthread_mutex_unlock(&lock);
	return cut > 0 ? cut : 0;
}

uint32_t
age_second(uint64_t keep)
{
	int64_t cut = age_cutoff(keep);

	return cut < UINT32_MAX ? (uint32_t)cut : UINT32_MAX;
}
