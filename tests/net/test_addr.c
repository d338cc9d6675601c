#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "lib/net/addr.h"

/* The longest text of an address, and one octet more. */
static void
test_longest(void **state)
{
	static const char text[] = "0000:0000:0000:0000:0000:ffff:"
	    "255.255.255.2550";

	assert_int_equal(addr_is_ip(text, 45, 1), 1);
	assert_int_equal(addr_is_ip(text, 46, 1), 0);
	assert_int_equal(addr_is_ip(text, 45, 0), 0);
	assert_int_equal(addr_is_ip(text, 0, 1), 0);
}

static void
test_one(void **state)
{
	static const struct {
		const char *in;
		unsigned port;
		const char *out, *ip;	/* NULL: refused */
		int local;
	} t[] = {
		{ "192.0.2.1:25", 0, "192.0.2.1:25", "192.0.2.1", 0 },
		{ "192.0.2.1", 587, "192.0.2.1:587", "192.0.2.1", 0 },
		{ "[2001:db8::1]:25", 0, "[2001:db8::1]:25", "2001:db8::1", 0 },
		{ "[2001:db8::1]", 25, "[2001:db8::1]:25", "2001:db8::1", 0 },
		{ "2001:db8::1", 25, "[2001:db8::1]:25", "2001:db8::1", 0 },
		{ "[::ffff:127.0.0.1]:1", 0, "127.0.0.1:1", "127.0.0.1", 1 },
		{ "[::1]:1", 0, "[::1]:1", "::1", 1 },
		{ "[::]:1", 0, "[::]:1", "::", 1 },
		{ "0.0.0.0:1", 0, "0.0.0.0:1", "0.0.0.0", 1 },
		{ "0.0.0.1:1", 0, "0.0.0.1:1", "0.0.0.1", 1 },
		{ "[::100]:1", 0, "[::100]:1", "::100", 0 },
		{ "127.0.0.1:0", 0, "127.0.0.1:0", "127.0.0.1", 1 },
		{ "192.0.2.1", 0, NULL, NULL, 0 },
		{ "2001:db8::1", 0, NULL, NULL, 0 },
		{ "192.0.2.1:", 0, NULL, NULL, 0 },
		{ "192.0.2.1:65536", 0, NULL, NULL, 0 },
		{ "192.0.2.1:-1", 0, NULL, NULL, 0 },
		{ "192.0.2:25", 0, NULL, NULL, 0 },
		{ "[192.0.2.1:25", 0, NULL, NULL, 0 },
		{ "[::1]25", 0, NULL, NULL, 0 },
		{ "[]:25", 0, NULL, NULL, 0 },
		{ ":25", 0, NULL, NULL, 0 },
		{ "", 25, NULL, NULL, 0 },
		{ "localhost:25", 0, NULL, NULL, 0 },
		{ "*:25", 0, NULL, NULL, 0 },
	};
	struct buf why = BUF_INIT(0);
	char text[ADDR_TEXT_MAX];
	struct addr a;
	size_t i;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		int r = addr_parse(&a, t[i].in, strlen(t[i].in), t[i].port,
		    &why);

		if (t[i].out == NULL) {
			assert_int_equal(r, -1);
			continue;
		}
		assert_int_equal(r, 0);
		addr_print((struct sockaddr *)&a.ss, text, sizeof(text));
		assert_string_equal(text, t[i].out);
		addr_print_ip((struct sockaddr *)&a.ss, text, sizeof(text));
		assert_string_equal(text, t[i].ip);
		assert_int_equal(addr_is_local((struct sockaddr *)&a.ss),
		    t[i].local);
		assert_int_equal(addr_is_any((struct sockaddr *)&a.ss),
		    strcmp(t[i].ip, "0.0.0.0") == 0 ||
		    strcmp(t[i].ip, "::") == 0);
	}
	buf_clear(&why);
}

static void
test_list(void **state)
{
	static const struct {
		const char *in;
		int n;
	} t[] = {
		{ "", 0 }, { "  ", 0 }, { "*:25", 2 },
		{ "127.0.0.1:1, [::1]:1", 2 },
		{ " 127.0.0.1:1\t*:2 ", 3 },
		{ "127.0.0.1:1 nonsense", -1 },
		{ "*", -1 }, { "**:25", -1 },
	};
	struct buf why = BUF_INIT(0);
	struct addr *list;
	size_t i, n;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		if (t[i].n == -1) {
			assert_int_equal(addr_parse_list(t[i].in, 0, &list,
			    &n, &why), -1);
			assert_true(why.len > 0);
			continue;
		}
		assert_int_equal(addr_parse_list(t[i].in, 0, &list, &n, &why),
		    0);
		assert_int_equal(n, t[i].n);
		free(list);
	}
	buf_clear(&why);
}

/* An address and nothing else. */
static void
test_ip_alone(void **state)
{
	static const char *const bad[] = { "", "192.0.2.1:25", "192.0.2",
		"[2001:db8::1]", "2001:db8::1%eth0", " 192.0.2.1", "far.test" };
	char text[ADDR_TEXT_MAX];
	struct addr a;
	size_t i;

	assert_int_equal(addr_of_ip(&a, "192.0.2.10", 9, 25), 0);
	addr_print((struct sockaddr *)&a.ss, text, sizeof(text));
	assert_string_equal(text, "192.0.2.1:25");
	assert_int_equal(addr_of_ip(&a, "2001:db8::1", 11, 465), 0);
	addr_print((struct sockaddr *)&a.ss, text, sizeof(text));
	assert_string_equal(text, "[2001:db8::1]:465");
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(addr_of_ip(&a, bad[i], strlen(bad[i]), 25),
		    -1);
}

static uint64_t
origin(const char *text)
{
	struct addr a;

	assert_int_equal(addr_of_ip(&a, text, strlen(text), 1), 0);
	return addr_origin((struct sockaddr *)&a.ss);
}

static void
test_origin(void **state)
{
	static const struct sockaddr local = { .sa_family = AF_UNIX };

	assert_true(origin("192.0.2.1") != origin("192.0.2.2"));
	assert_true(origin("0.0.0.0") != 0);
	assert_true(origin("::ffff:192.0.2.1") == origin("192.0.2.1"));
	assert_true(origin("2001:db8::1") == origin("2001:db8::ffff:2"));
	assert_true(origin("2001:db8:0:1::1") != origin("2001:db8:0:2::1"));
	assert_true(origin("::1") != 0);
	assert_true(origin("::c000:201") != origin("192.0.2.1"));
	assert_true(addr_origin(&local) == 0);
}

/* So many addresses and no more; "*" is two of them. */
static void
test_long_list(void **state)
{
	struct buf text = BUF_INIT(0), why = BUF_INIT(300);
	struct addr *list;
	size_t i, n;

	for (i = 0; i < ADDR_LIST_MAX; i++)
		buf_puts(&text, "192.0.2.1:25 ");
	assert_int_equal(addr_parse_list(buf_str(&text), 0, &list, &n, &why),
	    0);
	assert_int_equal(n, ADDR_LIST_MAX);
	free(list);
	buf_puts(&text, "192.0.2.1:25");
	assert_int_equal(addr_parse_list(buf_str(&text), 0, &list, &n, &why),
	    -1);
	buf_reset(&text);
	for (i = 0; i < ADDR_LIST_MAX - 1; i++)
		buf_puts(&text, "192.0.2.1:25 ");
	buf_puts(&text, "*:25");
	assert_int_equal(addr_parse_list(buf_str(&text), 0, &list, &n, &why),
	    -1);
	buf_clear(&text);
	buf_clear(&why);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_long_list),
		cmocka_unit_test(test_longest),
		cmocka_unit_test(test_one),
		cmocka_unit_test(test_ip_alone),
		cmocka_unit_test(test_origin),
		cmocka_unit_test(test_list),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
