#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "lib/mail/limits.h"
#include "lib/mail/packed.h"

static char long_text[RESULT_WORDS_MAX + 100];
static struct buf b = BUF_INIT(0);
static struct cursor c;

static int
setup(void **state)
{
	memset(long_text, 'x', sizeof(long_text) - 1);
	buf_reset(&b);
	return 0;
}

static int
teardown(void **state)
{
	buf_clear(&b);
	return 0;
}

static int
put_recipient(const char *address, size_t len, const char *orcpt,
    size_t orcpt_len)
{
	return packed_put_recipient(&b, &(struct packed_recipient){ address,
	    len, orcpt, orcpt_len, 5 });
}

static void
test_recipients(void **state)
{
	struct packed_recipient r;

	assert_int_equal(put_recipient("anna@x.test", 11, "rfc822;a", 8), 0);
	assert_int_equal(put_recipient(long_text, ADDRESS_MAX, NULL, 0), 0);
	cursor_init(&c, b.data, b.len);
	assert_int_equal(packed_recipient(&c, &r), 1);
	assert_int_equal(r.len, 11);
	assert_memory_equal(r.address, "anna@x.test", 11);
	assert_int_equal(r.orcpt_len, 8);
	assert_memory_equal(r.orcpt, "rfc822;a", 8);
	assert_int_equal(r.notify, 5);
	assert_int_equal(packed_recipient(&c, &r), 1);
	assert_int_equal(r.len, ADDRESS_MAX);
	assert_int_equal(r.orcpt_len, 0);
	assert_int_equal(packed_recipient(&c, &r), 0);
	assert_int_equal(packed_recipient(&c, &r), 0);
}

/* A recipient, or a target, without an address is none. */
static void
test_empty_addresses(void **state)
{
	struct packed_recipient r;
	struct packed_target t;

	buf_put_lv(&b, "", 0);
	buf_put_lv(&b, "", 0);
	buf_put_u32(&b, 0);
	cursor_init(&c, b.data, b.len);
	assert_int_equal(packed_recipient(&c, &r), -1);
	buf_reset(&b);
	buf_put_u32(&b, 1);
	buf_put_lv(&b, "", 0);
	cursor_init(&c, b.data, b.len);
	assert_int_equal(packed_target(&c, 0, &t), -1);
	buf_reset(&b);
	buf_put_u32(&b, 1);
	buf_put_lv(&b, "", 0);
	buf_put_lv(&b, "a@x.test", 8);
	cursor_init(&c, b.data, b.len);
	assert_int_equal(packed_target(&c, 1, &t), -1);
}

/* What could not be read again is not written. */
static void
test_recipients_refused(void **state)
{
	size_t before;

	assert_int_equal(put_recipient("a@x.test", 8, "", 0), 0);
	before = b.len;
	assert_int_equal(put_recipient("", 0, "", 0), -1);
	assert_int_equal(put_recipient(long_text, ADDRESS_MAX + 1, "", 0), -1);
	assert_int_equal(put_recipient("a@x.test", 8, long_text,
	    ORCPT_MAX + 1), -1);
	assert_int_equal(put_recipient("a\n@x.test", 9, "", 0), -1);
	assert_int_equal(put_recipient("a@x.test", 8, "a\0b", 3), -1);
	assert_int_equal(b.len, before);
	/* A full list stays as it is. */
	b.max = before + 20;
	assert_int_equal(put_recipient("a@x.test", 8, "rfc822;a", 8), -1);
	assert_int_equal(b.len, before);
	b.max = 0;
}

/* Every shorter list than a good one ends in -1, and stays there. */
static void
cut_everywhere(int (*next)(void))
{
	size_t n;
	int r;

	for (n = 1; n < b.len; n++) {
		cursor_init(&c, b.data, n);
		while ((r = next()) == 1)
			continue;
		assert_int_equal(r, -1);
		assert_int_equal(next(), -1);
	}
}

static int
next_recipient(void)
{
	struct packed_recipient r;

	return packed_recipient(&c, &r);
}

static int
next_local(void)
{
	struct packed_target t;

	return packed_target(&c, 1, &t);
}

static int
next_remote(void)
{
	struct packed_target t;

	return packed_target(&c, 0, &t);
}

static int
next_result(void)
{
	struct packed_result r;

	return packed_result(&c, &r);
}

static int
next_dsn(void)
{
	struct packed_dsn d;

	return packed_dsn(&c, &d);
}

static void
test_cut(void **state)
{
	assert_int_equal(put_recipient("a@x.test", 8, "rfc822;a", 8), 0);
	cut_everywhere(next_recipient);
	buf_reset(&b);
	assert_int_equal(packed_put_target(&b, &(struct packed_target){ 7,
	    "anna@x.test", 11, "anna+tag@x.test", 15 }), 0);
	cut_everywhere(next_local);
	buf_reset(&b);
	assert_int_equal(packed_put_target(&b, &(struct packed_target){ 7,
	    NULL, 0, "anna+tag@x.test", 15 }), 0);
	cut_everywhere(next_remote);
	buf_reset(&b);
	assert_int_equal(packed_put_result(&b, &(struct packed_result){ 7,
	    RESULT_LATER, 0, "4.0.0 wait", 10 }), 0);
	cut_everywhere(next_result);
	buf_reset(&b);
	assert_int_equal(packed_put_dsn(&b, &(struct packed_dsn){ 7,
	    "rfc822;a", 8, 5 }), 0);
	cut_everywhere(next_dsn);
}

static void
test_targets(void **state)
{
	struct packed_target t;

	packed_put_target(&b, &(struct packed_target){ 7, "anna@x.test", 11,
	    "anna+tag@x.test", 15 });
	cursor_init(&c, b.data, b.len);
	assert_int_equal(packed_target(&c, 1, &t), 1);
	assert_int_equal(t.index, 7);
	assert_int_equal(t.owner_len, 11);
	assert_memory_equal(t.owner, "anna@x.test", 11);
	assert_int_equal(t.len, 15);
	assert_memory_equal(t.address, "anna+tag@x.test", 15);
	assert_int_equal(packed_target(&c, 1, &t), 0);

	buf_reset(&b);
	packed_put_target(&b, &(struct packed_target){ 8, NULL, 0,
	    "u@far.test", 10 });
	cursor_init(&c, b.data, b.len);
	assert_int_equal(packed_target(&c, 0, &t), 1);
	assert_int_equal(t.index, 8);
	assert_null(t.owner);
	assert_int_equal(t.len, 10);
	assert_int_equal(packed_target(&c, 0, &t), 0);
}

static void
bad_target(const char *owner, const char *address, size_t len)
{
	buf_reset(&b);
	packed_put_target(&b, &(struct packed_target){ 1, owner,
	    strlen(owner), address, len });
	cursor_init(&c, b.data, b.len);
	assert_int_equal(next_local(), -1);
}

static void
test_malformed_targets(void **state)
{
	bad_target("", "a@x.test", 8);
	bad_target("a@x.test", "", 0);
	bad_target("a@x.test", "a\r@x.test", 9);
	bad_target("a\n@x.test", "a@x.test", 8);
	bad_target("a@x.test", long_text, ADDRESS_MAX + 1);
}

static void
test_results(void **state)
{
	struct packed_result r;

	packed_put_result(&b, &(struct packed_result){ 1, RESULT_NEVER, 0,
	    "5.1.1 no", 8 });
	packed_put_result(&b, &(struct packed_result){ 2, RESULT_LATER, 1,
	    long_text, sizeof(long_text) - 1 });
	cursor_init(&c, b.data, b.len);
	assert_int_equal(packed_result(&c, &r), 1);
	assert_int_equal(r.index, 1);
	assert_int_equal(r.result, RESULT_NEVER);
	assert_int_equal(r.passed, 0);
	assert_int_equal(r.len, 8);
	assert_int_equal(packed_result(&c, &r), 1);
	assert_int_equal(r.passed, 1);
	assert_int_equal(r.len, RESULT_WORDS_MAX);
	assert_int_equal(packed_result(&c, &r), 0);

	buf_reset(&b);
	packed_put_result(&b, &(struct packed_result){ 1,
	    (enum result)(RESULT_NEVER + 1), 0, "", 0 });
	cursor_init(&c, b.data, b.len);
	assert_int_equal(packed_result(&c, &r), -1);

	buf_reset(&b);
	packed_put_result(&b, &(struct packed_result){ 1, RESULT_DELIVERED, 1,
	    "", 0 });
	b.data[5] = 2;
	cursor_init(&c, b.data, b.len);
	assert_int_equal(packed_result(&c, &r), -1);
}

static void
test_dsn(void **state)
{
	struct packed_dsn d;

	packed_put_dsn(&b, &(struct packed_dsn){ 3, "rfc822;a", 8, 2 });
	packed_put_dsn(&b, &(struct packed_dsn){ 4, "", 0, 1 });
	cursor_init(&c, b.data, b.len);
	assert_int_equal(packed_dsn(&c, &d), 1);
	assert_true(d.index == 3 && d.len == 8 && d.notify == 2);
	assert_memory_equal(d.orcpt, "rfc822;a", 8);
	assert_int_equal(packed_dsn(&c, &d), 1);
	assert_true(d.index == 4 && d.len == 0 && d.notify == 1);
	assert_int_equal(packed_dsn(&c, &d), 0);

	buf_reset(&b);
	packed_put_dsn(&b, &(struct packed_dsn){ 3, "a\nb", 3, 2 });
	cursor_init(&c, b.data, b.len);
	assert_int_equal(packed_dsn(&c, &d), -1);
	buf_reset(&b);
	packed_put_dsn(&b, &(struct packed_dsn){ 3, long_text, ORCPT_MAX + 1,
	    2 });
	cursor_init(&c, b.data, b.len);
	assert_int_equal(packed_dsn(&c, &d), -1);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_recipients),
		T(test_recipients_refused), T(test_empty_addresses),
		T(test_cut),
		T(test_targets),
		T(test_malformed_targets),
		T(test_results), T(test_dsn),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
