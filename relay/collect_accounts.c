#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/crc32c.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "relay/collect.h"

enum {
	BACKOFF_MAX = 15 * 60,		/* seconds */
	REFUSED_FIRST = 5 * 60,		/* nobody is to be locked out */
	REFUSED_MAX = 3600,
	PERM_MAX = 3600,
};

static int
is_same(const struct collect_account *a, const struct collect_account *b)
{
	struct buf x = BUF_INIT(0), y = BUF_INIT(0);
	int same;

	same = collect_put(&x, a) == 0 && collect_put(&y, b) == 0 &&
	    x.len == y.len && memcmp(x.data, y.data, x.len) == 0;
	buf_wipe(&x);
	buf_wipe(&y);
	return same;
}

struct account *
account_find(const char *name, size_t len)
{
	struct account *a;

	TAILQ_FOREACH(a, &collect.accounts, in_list)
		if (strlen(a->conf.name) == len &&
		    memcmp(a->conf.name, name, len) == 0)
			return a;
	return NULL;
}

void
account_book(const struct collect_account *a,
    char book_r[JOURNAL_ACCOUNT_MAX + 1])
{
	char host[sizeof(a->host)];
	uint32_t sum;

	(void)str_copy(host, sizeof(host), a->host);
	str_tolower(host, strlen(host));
	sum = crc32c(0, host, strlen(host) + 1);
	sum = crc32c(sum, a->login, strlen(a->login));
	snprintf(book_r, JOURNAL_ACCOUNT_MAX + 1, "%s/%08" PRIx32, a->name,
	    sum);
}

void
account_release(struct account *a)
{
	if (!a->gone || a->run != NULL)
		return;
	/* Who waits for it hears of it first. */
	if (a->asker != NULL) {
		a->tested = 1;
		return;
	}
	TAILQ_REMOVE(&collect.accounts, a, in_list);
	mem_wipe(&a->conf, sizeof(a->conf));
	free(a->words);
	free(a);
}

static void
take(const struct collect_account *c)
{
	struct account *a = account_find(c->name, strlen(c->name));

	if (a == NULL) {
		a = mem_zalloc(1, sizeof(*a));
		TAILQ_INSERT_TAIL(&collect.accounts, a, in_list);
		a->due = a->good = clock_mono_ms();
	} else if (!is_same(&a->conf, c)) {
		/* What it failed for may be mended. */
		a->failures = 0;
		a->due = clock_mono_ms();
		if (a->run != NULL)
			run_stop(a->run);
	}
	a->gone = 0;
	a->conf = *c;
	account_book(c, a->book);
}

static void
read_accounts(const char *p, size_t len)
{
	struct collect_account c;
	struct account *a, *next;
	struct cursor cur;

	TAILQ_FOREACH(a, &collect.accounts, in_list)
		a->gone = 1;
	cursor_init(&cur, p, len);
	while (collect_get(&cur, &c) == 1)
		if (!(c.options & COLLECT_OFF))
			take(&c);
	mem_wipe(&c, sizeof(c));
	if (cur.bad)
		log_warn("collect.cdb: an account that is malformed, and what "
		    "follows it, is passed over");
	for (a = TAILQ_FIRST(&collect.accounts); a != NULL; a = next) {
		next = TAILQ_NEXT(a, in_list);
		if (a->gone && a->run != NULL)
			run_stop(a->run);
		account_release(a);
	}
}

void
accounts_refresh(void)
{
	const char *p = NULL;
	size_t len = 0;

	(void)map_refresh(collect.map);
	if (collect.generation == map_generation(collect.map))
		return;
	switch (map_find(collect.map, "a", 1, &p, &len)) {
	case MAP_ERROR:
		return;		/* those that are known stay */
	case MAP_ABSENT:
		len = 0;
		break;
	case MAP_FOUND:
		break;
	}
	collect.generation = map_generation(collect.map);
	read_accounts(p, len);
}

struct account *
account_due(int64_t now)
{
	struct account *a, *first = NULL;

	TAILQ_FOREACH(a, &collect.accounts, in_list)
		if (!a->gone && a->run == NULL && a->due <= now &&
		    (first == NULL || a->due < first->due))
			first = a;
	return first;
}

int64_t
account_next(int64_t now)
{
	struct account *a;
	int64_t next = -1;

	TAILQ_FOREACH(a, &collect.accounts, in_list)
		if (!a->gone && a->run == NULL &&
		    (next == -1 || a->due - now < next))
			next = a->due > now ? a->due - now : 0;
	return next;
}

/* Seconds: first, doubled with each failure, a fifth of it by chance. */
static int64_t
back_off(uint32_t failures, int64_t first, int64_t most)
{
	int64_t s = first;
	uint32_t i;

	for (i = 1; i < failures && s < most; i++)
		s *= 2;
	if (s > most)
		s = most;
	return s + (int64_t)(random() % (s / 5 + 1));
}

/* What the server's side asks for, whatever the account says. */
static int64_t
floor_of(const struct account *a)
{
	return a->conf.least > a->delay ? a->conf.least : a->delay;
}

int64_t
account_interval(const struct account *a, const char **whose_r)
{
	int64_t least = floor_of(a);

	*whose_r = a->failures > 0 ? "back-off" : least <= a->conf.every ?
	    "account" : a->delay >= a->conf.least ? "server" : "provider";
	return least > a->conf.every ? least : a->conf.every;
}

int
account_overdue(const struct account *a, int64_t now)
{
	const char *whose;

	/* One that waits in IDLE is in order. */
	return (a->run == NULL || !a->run->idle) && now - a->good >
	    1000 * ((int64_t)collect.conf.alarm + account_interval(a, &whose));
}

static int64_t
most_of(int64_t every, int64_t most)
{
	return every > most ? every : most;
}

static int64_t
wait_after(const struct account *a, uint32_t status, int more)
{
	const char *whose;
	int64_t every = account_interval(a, &whose);

	switch (status) {
	case CL_OK:
	case CL_LIMIT:
		/* A run that has brought nothing is no reason for another. */
		return (more || status == CL_LIMIT) &&
		    a->fetched + a->left != a->before ? floor_of(a) : every;
	case CL_REFUSED:
		return back_off(a->failures, most_of(every, REFUSED_FIRST),
		    most_of(every, REFUSED_MAX));
	case CL_SYS_PERM:
	case CL_CERTIFICATE:
		return back_off(a->failures, every, most_of(every, PERM_MAX));
	default:
		return back_off(a->failures, every,
		    most_of(every, BACKOFF_MAX));
	}
}

void
account_done(struct account *a, uint32_t status, const char *words, int more)
{
	int64_t now = clock_mono_ms(), wait;
	int good = status == CL_OK || status == CL_LIMIT;

	if (good && a->failures > 0)
		log_info("%s: it works again", a->conf.name);
	if (!good && (a->failures == 0 || a->status != status))
		log_warn("%s: %s: %s", a->conf.name, status_name(status),
		    words);
	a->failures = good ? 0 : a->failures + 1;
	if (!good && a->troubled == 0)
		a->troubled = clock_now();
	if (good)
		a->troubled = 0;
	/* One that waited in IDLE was in order up to now. */
	if (good || (a->run != NULL && a->run->idle))
		a->good = now;
	if (good && !more)
		a->ok = clock_now();
	a->status = status;
	free(a->words);
	a->words = mem_strdup(words);
	/* Its time counts from when the last run began; a wait after it. */
	wait = wait_after(a, status, more) * 1000;
	a->due = (good ? a->begun : now) + wait;
	if (a->due < now + (good ? 0 : 1000))
		a->due = now + (good ? 0 : 1000);
}
