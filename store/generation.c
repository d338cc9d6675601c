#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "lib/base/str.h"
#include "store/generation.h"
#include "store/index.h"
#include "store/shard.h"
#include "store/shard_chores.h"
#include "store/text.h"

enum { EVERY = 5 * 1000 };	/* ms between two numbers, while there is work */

static uint64_t number;		/* the index's newest */
static uint64_t token;		/* of its commit */
static int64_t marked;		/* clock_mono_ms; 0: not since the start */
static struct chore chore;
static int writing;

/* 0 where there is none, or it makes no sense. */
static uint64_t
of_mail(void)
{
	struct buf text = BUF_INIT(64);
	uint64_t n = 0;
	int r = text_read("", 0, ".generation", &text);

	if (r == -1 && errno == ENOENT)
		return 0;
	if (r == -1 || str_number(buf_str(&text),
	    strcspn(buf_str(&text), "\n"), UINT64_MAX - 1, &n) == -1) {
		log_warn("mail/.generation cannot be read: whether the index "
		    "is older than the mail is not known");
		n = 0;
	}
	buf_clear(&text);
	return n;
}

/* 0, or -1: the index does not answer. */
static int
of_index(uint64_t *n_r)
{
	struct index_key k = index_account_key(0, 'g');
	struct buf v = BUF_INIT(0);
	enum engine_result r = engine_get(engine_db(store.engine, 0),
	    ENGINE_CORE, k.k, k.len, &v);
	struct cursor c;

	*n_r = 0;
	if (r == ENGINE_DONE) {
		cursor_init(&c, v.data, v.len);
		*n_r = cursor_u64(&c);
	}
	buf_clear(&v);
	return r == ENGINE_DONE || r == ENGINE_ABSENT ? 0 : -1;
}

static int
count_row(void *arg, const void *key, size_t klen, const void *value,
    size_t vlen)
{
	(*(unsigned *)arg)++;
	return 0;
}

/* 1 where the index knows an account; -1: it does not answer. */
static int
has_accounts(void)
{
	struct engine_scan scan;
	enum engine_result r;
	unsigned db, n = 0;

	for (db = 0; db < ENGINE_DBS && n == 0; db++) {
		index_scan_kind(&scan, 0, 'u');
		scan.max = 1;
		r = engine_scan(engine_db(store.engine, db), &scan, count_row,
		    &n);
		if (r != ENGINE_DONE && r != ENGINE_MORE)
			return -1;
	}
	return n > 0;
}

int
generation_is_old(void)
{
	uint64_t mail = of_mail(), now;

	if (of_index(&now) == -1)
		return -1;
	number = now > mail ? now : mail;
	if (now == 0 && mail > 0)
		return has_accounts();
	return now < mail;
}

/* The index has the next one. 0, or -1. */
static int
put_index(void)
{
	struct engine_batch b = { .account = 0, .epoch = store.epoch };
	struct engine_batch *list = &b;
	struct index_key k = index_account_key(0, 'g');
	struct buf v = BUF_INIT(0);

	buf_put_u64(&v, number + 1);
	engine_put(&b, ENGINE_CORE, k.k, k.len, v.data, v.len);
	token = engine_commit(engine_db(store.engine, 0), &list, 1);
	engine_batch_clear(&b);
	buf_clear(&v);
	if (b.result != ENGINE_DONE)
		return -1;
	number++;
	return 0;
}

/* The mail gets it. */
static void
put_mail(void)
{
	static int failed;
	char text[32];
	int r;

	if (engine_durable(store.engine, token) != ENGINE_DONE)
		return;
	snprintf(text, sizeof(text), "%llu\n", (unsigned long long)number);
	r = text_replace("", 0, ".generation", text, strlen(text));
	if (r == -1 && !failed)
		log_warn("mail/.generation: %s", strerror(errno));
	failed = r == -1;
}

void
generation_next(void)
{
	if (store_room() < STORE_NO_WRITES && put_index() == 0)
		put_mail();
}

static void
write_run(struct chore *c)
{
	put_mail();
	__atomic_store_n(&writing, 0, __ATOMIC_RELEASE);
}

void
generation_tick(void)
{
	int64_t now = clock_mono_ms();

	if (__atomic_load_n(&writing, __ATOMIC_ACQUIRE) ||
	    engine_token(store.engine) == token ||
	    (marked != 0 && now - marked < EVERY) ||
	    store_room() >= STORE_NO_WRITES || put_index() == -1)
		return;
	marked = now;
	writing = 1;
	chore.run = write_run;
	helper_post(HELPER_KEEP, &chore);
}
