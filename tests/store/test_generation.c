/* Whether the index is as new as the mail: every pair of numbers, and where one
   of them cannot be had; and in which order the next ones are written. The
   index is a wrapped one. */
#include "config.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/log.h"
#include "store/generation.h"
#include "store/index.h"
#include "store/shard.h"
#include "store/shard_chores.h"
#include "store/text.h"

static struct {
	const char *mail;		/* NULL: there is none */
	int	 error;			/* of reading it */
	enum engine_result get, scan, commit, durable;
	enum store_room room;
	uint64_t index, tokens;
	uint32_t version;		/* what there is in its place, or 0 */
	int	 accounts, scans, text_fails;
	int64_t	 now;
	struct chore *chore;
	char	 log[200];
} w;

struct engine_db *__wrap_engine_db(struct engine *e, unsigned n);
struct engine_db *
__wrap_engine_db(struct engine *e, unsigned n)
{
	return NULL;
}

enum engine_result __wrap_engine_get(struct engine_db *db, enum engine_table t,
    const void *key, size_t klen, struct buf *value_r);
enum engine_result
__wrap_engine_get(struct engine_db *db, enum engine_table t, const void *key,
    size_t klen, struct buf *value_r)
{
	if (w.get == ENGINE_DONE && w.version != 0)
		buf_put_u32(value_r, w.version);
	else if (w.get == ENGINE_DONE)
		buf_put_u64(value_r, w.index);
	return w.get;
}

enum engine_result __wrap_engine_scan(struct engine_db *db,
    struct engine_scan *s, engine_each *each, void *arg);
enum engine_result
__wrap_engine_scan(struct engine_db *db, struct engine_scan *s,
    engine_each *each, void *arg)
{
	/* The last of the databases has them. */
	if (++w.scans == ENGINE_DBS && w.accounts)
		each(arg, "k", 1, "v", 1);
	return w.scan;
}

int	__wrap_text_read(const char *user, uint32_t mailbox, const char *name,
	    struct buf *out);
int
__wrap_text_read(const char *user, uint32_t mailbox, const char *name,
    struct buf *out)
{
	assert_string_equal(name, ".generation");
	errno = w.mail == NULL ? ENOENT : w.error;
	if (errno != 0)
		return -1;
	buf_puts(out, w.mail);
	return 0;
}

int	__wrap_text_replace(const char *user, uint32_t mailbox,
	    const char *name, const char *p, size_t len);
int
__wrap_text_replace(const char *user, uint32_t mailbox, const char *name,
    const char *p, size_t len)
{
	assert_true(strlen(w.log) < 100 && len < 30 && p[len - 1] == '\n');
	sprintf(w.log + strlen(w.log), " mail %.*s", (int)len - 1, p);
	errno = ENOSPC;
	return w.text_fails ? -1 : 0;
}

uint64_t __wrap_engine_commit(struct engine_db *db,
	    struct engine_batch *const *list, size_t n);
uint64_t
__wrap_engine_commit(struct engine_db *db, struct engine_batch *const *list,
    size_t n)
{
	strcat(w.log, " index");
	list[0]->result = w.commit;
	return ++w.tokens;
}

enum engine_result __wrap_engine_durable(struct engine *e, uint64_t token);
enum engine_result
__wrap_engine_durable(struct engine *e, uint64_t token)
{
	strcat(w.log, " durable");
	return token == w.tokens ? w.durable : ENGINE_LATER;
}

uint64_t __wrap_engine_token(struct engine *e);
uint64_t
__wrap_engine_token(struct engine *e)
{
	return w.tokens;
}

enum store_room __wrap_store_room(void);
enum store_room
__wrap_store_room(void)
{
	return w.room;
}

int64_t	__wrap_clock_mono_ms(void);
int64_t
__wrap_clock_mono_ms(void)
{
	return w.now;
}

void	__wrap_helper_post(enum helper h, struct chore *c);
void
__wrap_helper_post(enum helper h, struct chore *c)
{
	assert_null(w.chore);
	w.chore = c;
}

static void
test_is_old(void **state)
{
	static const struct row {
		const char *mail;
		int	 error;
		enum engine_result get;
		uint64_t index;
		enum engine_result scan;
		int	 accounts, is;
	} rows[] = {
		{ NULL, 0, ENGINE_ABSENT, 0, ENGINE_DONE, 0, 0 },
		{ NULL, 0, ENGINE_DONE, 7, ENGINE_DONE, 1, 0 },
		{ "7\n", 0, ENGINE_DONE, 7, ENGINE_DONE, 1, 0 },
		{ "7\n", 0, ENGINE_DONE, 8, ENGINE_DONE, 1, 0 },
		{ "8\n", 0, ENGINE_DONE, 7, ENGINE_DONE, 1, 1 },
		{ "8", 0, ENGINE_DONE, 7, ENGINE_DONE, 1, 1 },
		/* An index without a number: old where it has accounts. */
		{ "8\n", 0, ENGINE_ABSENT, 0, ENGINE_DONE, 1, 1 },
		{ "8\n", 0, ENGINE_ABSENT, 0, ENGINE_MORE, 1, 1 },
		{ "8\n", 0, ENGINE_ABSENT, 0, ENGINE_DONE, 0, 0 },
		/* It does not answer. */
		{ "8\n", 0, ENGINE_LATER, 0, ENGINE_DONE, 1, -1 },
		{ NULL, 0, ENGINE_LATER, 0, ENGINE_DONE, 0, -1 },
		{ "8\n", 0, ENGINE_LOST, 0, ENGINE_DONE, 1, -1 },
		{ "8\n", 0, ENGINE_ABSENT, 0, ENGINE_LATER, 0, -1 },
		/* No number of the mail: nothing is known. */
		{ "x\n", 0, ENGINE_DONE, 7, ENGINE_DONE, 1, 0 },
		{ "\n", 0, ENGINE_DONE, 7, ENGINE_DONE, 1, 0 },
		{ "18446744073709551615\n", 0, ENGINE_DONE, 7, ENGINE_DONE, 1,
		    0 },
		{ "18446744073709551614\n", 0, ENGINE_DONE, 7, ENGINE_DONE, 1,
		    1 },
		{ "8\n", EIO, ENGINE_DONE, 7, ENGINE_DONE, 1, 0 },
	};
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		memset(&w, 0, sizeof(w));
		w.mail = rows[i].mail;
		w.error = rows[i].error;
		w.get = rows[i].get;
		w.index = rows[i].index;
		w.scan = rows[i].scan;
		w.accounts = rows[i].accounts;
		if (generation_is_old() != rows[i].is)
			fail_msg("row %zu", i);
	}
}

static void
logged(const char *words)
{
	assert_string_equal(w.log, words);
	w.log[0] = '\0';
}

/* The index first and durably; then the mail. */
static void
test_next(void **state)
{
	memset(&w, 0, sizeof(w));
	w.mail = "5\n";
	w.get = ENGINE_DONE;
	w.index = 9;
	assert_int_equal(generation_is_old(), 0);
	generation_next();
	logged(" index durable mail 10");
	w.commit = ENGINE_LATER;
	generation_next();
	logged(" index");
	w.commit = ENGINE_DONE;
	w.durable = ENGINE_LOST;
	generation_next();
	logged(" index durable");
	w.durable = ENGINE_DONE;
	w.room = STORE_NO_WRITES;
	generation_next();
	logged("");
	w.room = STORE_NO_CHANGES;
	generation_next();
	logged(" index durable mail 12");
}

/* Every five seconds, where there was a commit since, by a helper. */
static void
test_tick(void **state)
{
	struct chore *c;

	memset(&w, 0, sizeof(w));
	w.mail = "20\n";
	w.get = ENGINE_DONE;
	w.index = 20;
	w.now = 1000;
	assert_int_equal(generation_is_old(), 0);
	generation_next();
	logged(" index durable mail 21");
	generation_tick();
	logged("");		/* nothing was committed since */
	w.tokens++;
	generation_tick();
	logged(" index");	/* the first one at once */
	assert_non_null(w.chore);
	w.tokens++;
	w.now += 60000;
	generation_tick();
	logged("");		/* the helper is not through */
	w.tokens--;
	c = w.chore;
	w.chore = NULL;
	c->run(c);
	logged(" durable mail 22");
	w.tokens++;
	w.now = 1000 + 4999;
	generation_tick();
	logged("");
	w.room = STORE_NO_WRITES;
	w.now++;
	generation_tick();
	logged("");
	w.room = STORE_ROOM;
	generation_tick();
	logged(" index");
	w.text_fails = 1;
	c = w.chore;
	w.chore = NULL;
	c->run(c);
	logged(" durable mail 23");
}

/* 0; -1: it may be better later; -2: a newer program is needed. */
static void
test_version(void **state)
{
	static const struct {
		enum engine_result get;
		uint32_t version;
		int	 is;
	} rows[] = {
		{ ENGINE_DONE, 1, 0 }, { ENGINE_DONE, INDEX_VERSION, 0 },
		{ ENGINE_ABSENT, 0, 0 },
		{ ENGINE_DONE, INDEX_VERSION + 1, -2 },
		{ ENGINE_LATER, 0, -1 },
	};
	struct buf why = BUF_INIT(200);
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		memset(&w, 0, sizeof(w));
		w.get = rows[i].get;
		w.version = rows[i].version;
		if (index_version_ok(NULL, &why) != rows[i].is)
			fail_msg("row %zu", i);
	}
	buf_clear(&why);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_is_old),
		cmocka_unit_test(test_next),
		cmocka_unit_test(test_tick),
		cmocka_unit_test(test_version),
	};

	log_init("store", 0);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
