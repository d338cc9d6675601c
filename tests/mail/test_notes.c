#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/mail/notes.h"

static struct buf packed;

static int
reset(void **state)
{
	buf_clear(&packed);
	return 0;
}

static void
assert_next(struct cursor *c, const char *name, const char *value)
{
	const char *n, *v;
	size_t n_len, v_len;

	assert_int_equal(notes_next(c, &n, &n_len, &v, &v_len), 1);
	assert_int_equal(n_len, strlen(name));
	assert_memory_equal(n, name, n_len);
	assert_int_equal(v_len, strlen(value));
	assert_memory_equal(v, value, v_len);
}

static void
test_there_and_back(void **state)
{
	struct cursor c;
	const char *p;
	size_t len;

	assert_int_equal(notes_add(&packed, "spf", "pass"), 0);
	assert_int_equal(notes_add(&packed, "score.header", "4.5"), 0);
	assert_int_equal(notes_add(&packed, "spf", ""), 0);
	cursor_init(&c, packed.data, packed.len);
	assert_next(&c, "spf", "pass");
	assert_next(&c, "score.header", "4.5");
	assert_next(&c, "spf", "");
	assert_int_equal(notes_next(&c, &p, &len, &p, &len), 0);
	assert_false(c.bad);
}

static void
test_texts(void **state)
{
	char name[NOTE_NAME_MAX + 2], value[NOTE_VALUE_MAX + 2];

	memset(name, 'n', sizeof(name));
	memset(value, 'v', sizeof(value));
	name[sizeof(name) - 1] = value[sizeof(value) - 1] = '\0';
	assert_int_equal(notes_add(&packed, name, "v"), -1);
	assert_int_equal(notes_add(&packed, "n", value), -1);
	assert_int_equal(notes_add(&packed, "", "v"), -1);
	assert_int_equal(notes_add(&packed, "a\nb", "v"), -1);
	assert_int_equal(notes_add(&packed, "n", "a\rb"), -1);
	assert_int_equal(packed.len, 0);
	assert_int_equal(notes_add(&packed, name + 1, value + 1), 0);
}

static void
test_bounds(void **state)
{
	char value[NOTE_VALUE_MAX + 1];
	unsigned n;

	for (n = 0; notes_add(&packed, "n", "v") == 0; n++)
		;
	assert_int_equal(n, NOTES_COUNT);
	assert_int_equal(notes_check(packed.data, packed.len), 0);
	buf_reset(&packed);
	memset(value, 'v', sizeof(value));
	value[NOTE_VALUE_MAX] = '\0';
	for (n = 0; notes_add(&packed, "n", value) == 0; n++)
		;
	assert_int_equal(n, NOTES_MAX / (8 + 1 + NOTE_VALUE_MAX));
	assert_true(packed.len <= NOTES_MAX);
}

static void
test_damage(void **state)
{
	size_t i;

	assert_int_equal(notes_add(&packed, "spf", "pass"), 0);
	for (i = 1; i < packed.len; i++)
		assert_int_equal(notes_check(packed.data, i), -1);
	assert_int_equal(notes_check(packed.data, 0), 0);
	packed.data[4] = '\0';
	assert_int_equal(notes_check(packed.data, packed.len), -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_there_and_back, reset),
		cmocka_unit_test_teardown(test_texts, reset),
		cmocka_unit_test_teardown(test_bounds, reset),
		cmocka_unit_test_teardown(test_damage, reset),
	};

	return cmocka_run_group_tests_name("notes", tests, NULL, NULL);
}
