/* Cache records: small ones in the row, large ones once in a ring. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "lib/mail/limits.h"
#include "store/index_cache.h"
#include "tests/store/rig.h"

enum { LARGE = 100000, RECIPIENTS = 20 };

static char home[40];
static char large[LARGE], other[LARGE];

static int
setup(void **state)
{
	strcpy(home, "/tmp/test-cache-XXXXXX");
	memset(large, 'a', sizeof(large));
	memset(other, 'b', sizeof(other));
	return mkdtemp(home) == NULL ? -1 : 0;
}

static const char *
ring(void)
{
	static char path[60];

	snprintf(path, sizeof(path), "%s/ring", home);
	return path;
}

static int
teardown(void **state)
{
	index_cache_close();
	unlink(ring());
	return rmdir(home);
}

static off_t
ring_size(const char *path)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	return st.st_size;
}

static void
assert_is(const struct cache_row *r, const char *record, size_t len)
{
	struct buf out = BUF_INIT(0);

	assert_int_equal(index_cache_get(r->p, r->len, &out), 0);
	assert_int_equal(out.len, len);
	assert_memory_equal(out.data, record, len);
	buf_clear(&out);
}

static void
assert_gone(const struct cache_row *r)
{
	struct buf out = BUF_INIT(0);

	assert_int_equal(index_cache_get(r->p, r->len, &out), -1);
	buf_clear(&out);
}

static void
test_small(void **state)
{
	char forged[CACHE_REF] = "\377";
	struct cache_row r;

	index_cache_open(home, 7);
	index_cache_row(&r, large, CACHE_INLINE);
	assert_ptr_equal(r.p, large);
	assert_int_equal(r.len, CACHE_INLINE);
	assert_is(&r, large, CACHE_INLINE);
	assert_true(ring_size(ring()) <= 4096);
	/* What looks like a place is not taken from a door. */
	index_cache_row(&r, forged, sizeof(forged));
	assert_int_equal(r.len, 0);
	index_cache_row(&r, NULL, 0);
	assert_int_equal(r.len, 0);
}

static void
test_same_is_there_once(void **state)
{
	struct cache_row a, b, c;
	off_t size;

	index_cache_open(home, 7);
	index_cache_row(&a, large, LARGE);
	assert_int_equal(a.len, CACHE_REF);
	size = ring_size(ring());
	index_cache_row(&b, large, LARGE);
	assert_memory_equal(a.ref, b.ref, CACHE_REF);
	assert_int_equal(ring_size(ring()), size);
	index_cache_row(&c, other, LARGE);
	assert_memory_not_equal(a.ref, c.ref, CACHE_REF);
	assert_is(&a, large, LARGE);
	assert_is(&c, other, LARGE);
}

static void
test_kept_by_an_orderly_end(void **state)
{
	struct cache_row a, b;

	index_cache_open(home, 7);
	index_cache_row(&a, large, LARGE);
	index_cache_close();
	index_cache_open(home, 8);
	index_cache_row(&b, other, LARGE);
	assert_is(&a, large, LARGE);
	assert_is(&b, other, LARGE);
}

/* A ring that is nearly full, as an orderly end left it. */
static void
put_next(uint64_t next)
{
	struct buf b = BUF_INIT(0);
	int fd = open(ring(), O_WRONLY | O_CREAT, 0600);

	buf_puts(&b, "rohrpost-ring 1\n");
	buf_put_u64(&b, next);
	assert_int_equal(pwrite(fd, b.data, b.len, 0), b.len);
	close(fd);
	buf_clear(&b);
}

static void
test_oldest_go(void **state)
{
	const uint64_t round = (uint64_t)5 * CACHE_RING;
	struct cache_row first, second, last, over;

	put_next(round);
	index_cache_open(home, 1);
	index_cache_row(&first, large, LARGE);
	index_cache_row(&second, other, LARGE);
	index_cache_close();
	put_next(round + CACHE_RING - LARGE - 1000);
	index_cache_open(home, 1);
	large[0] = 'c';
	index_cache_row(&last, large, LARGE);
	assert_is(&second, other, LARGE);
	assert_true(ring_size(ring()) <= 4096 + CACHE_RING);
	/* No room is left: it takes the place of the first. */
	large[0] = 'd';
	index_cache_row(&over, large, LARGE);
	assert_is(&over, large, LARGE);
	assert_gone(&first);
	assert_is(&second, other, LARGE);
	large[0] = 'c';
	assert_is(&last, large, LARGE);
	assert_true(ring_size(ring()) <= 4096 + CACHE_RING);
}

/* After a crash nothing is believed. */
static void
test_emptied_after_a_crash(void **state)
{
	struct cache_row a;

	index_cache_open(home, 7);
	index_cache_row(&a, large, LARGE);
	index_cache_close();
	put_next(0);
	index_cache_open(home, 8);
	assert_gone(&a);
	assert_true(ring_size(ring()) <= 4096);
}

/* One message, many recipients: its record is written once. */
static void
test_recipients_share(void **state)
{
	static const char *const who[] = { "anna@example.test",
		"bert@example.test" };
	struct rig rig;
	struct buf packed = BUF_INIT(0);
	struct door_delivery v = { .size = 20, .header_len = 14,
		.date = 1700000000, .cache = large, .cache_len = LARGE };
	char id[17], owner[40], words[RESULT_WORDS_MAX + 1];
	uint32_t uid = 1, n;
	enum result result;
	size_t done;
	int i, r;

	rig_init(&rig);
	rig_start(&rig);
	rig_file(&rig, "A: b\r\nC: d\r\n\r\nbody\r\n", id);
	v.queue_id = id;
	v.owner = owner;
	for (i = 0; i < RECIPIENTS; i++) {
		if (i < 2)
			strcpy(owner, who[i]);
		else
			snprintf(owner, sizeof(owner), "u%d@example.test", i);
		assert_int_equal(rig_send_as(&rig.deliver[0], 7, &v,
		    rig_open(&rig, id)), 0);
		while ((r = rig_answer(&rig.deliver[0], &n, &result,
		    words)) == 0)
			poll(NULL, 0, 1);
		assert_int_equal(r, 1);
		assert_int_equal(result, RESULT_DELIVERED);
	}
	assert_true(ring_size(rig_path(&rig, "spool/index/ring")) <
	    4096 + LARGE + 100);
	for (i = 0; i < 2; i++) {
		assert_int_equal(door_cache_get(&rig.imap[2 * i], 1, &uid, 1,
		    &packed, &done), 0);
		assert_int_equal(done, 1);
		assert_int_equal(packed.len, 8 + LARGE);
		assert_memory_equal(packed.data + 8, large, LARGE);
	}
	buf_clear(&packed);
	assert_int_equal(rig_stop(&rig), 0);
	rig_clear(&rig);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_small, setup, teardown),
		cmocka_unit_test_setup_teardown(test_same_is_there_once, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_kept_by_an_orderly_end,
		    setup, teardown),
		cmocka_unit_test_setup_teardown(test_oldest_go, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_emptied_after_a_crash,
		    setup, teardown),
		cmocka_unit_test(test_recipients_share),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
