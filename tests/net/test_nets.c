#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "lib/net/nets.h"

static void
test_have(void **state)
{
	static const struct {
		const char *list, *ip;
		int in;
	} t[] = {
		{ "", "192.0.2.1", 0 },
		{ "192.0.2.1", "192.0.2.1", 1 },
		{ "192.0.2.1", "192.0.2.2", 0 },
		{ "192.0.2.0/24", "192.0.2.255", 1 },
		{ "192.0.2.0/24", "192.0.3.0", 0 },
		{ "192.0.2.128/25", "192.0.2.127", 0 },
		{ "192.0.2.128/25", "192.0.2.128", 1 },
		{ "10.0.0.0/8,192.0.2.4/31", "192.0.2.5", 1 },
		{ "10.0.0.0/8, 192.0.2.4/31", "192.0.2.6", 0 },
		{ "0.0.0.0/0", "203.0.113.9", 1 },
		{ "0.0.0.0/0", "2001:db8::1", 0 },
		{ "::/0", "192.0.2.1", 0 },
		{ "::/0", "2001:db8::1", 1 },
		{ "2001:db8::/32", "2001:db8:ffff::1", 1 },
		{ "2001:db8::/33", "2001:db8:8000::", 0 },
		{ "[2001:db8::]/32\t[::1]", "::1", 1 },
		{ "::1/128", "::2", 0 },
		{ "::ffff:192.0.2.9", "192.0.2.9", 1 },
		{ "192.0.2.9", "::ffff:192.0.2.9", 1 },
		{ "0.0.0.0/0 ::/0", "local", 0 },
		{ "0.0.0.0/0 ::/0", "", 0 },
	};
	struct buf why = BUF_INIT(0);
	struct nets l;
	size_t i;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		if (nets_parse(&l, t[i].list, &why) == -1)
			fail_msg("%s: %s", t[i].list, buf_str(&why));
		if (nets_have(&l, t[i].ip) != t[i].in)
			fail_msg("%s in \"%s\"", t[i].ip, t[i].list);
	}
	buf_clear(&why);
}

static void
test_refused(void **state)
{
	static const char *const t[][2] = {
		{ "localhost", "\"localhost\" is no network like" },
		{ "10.0.0.0/8 192.0.2", "\"192.0.2\" is no network" },
		{ "192.0.2.0/33", "has no length from 0 to 32" },
		{ "192.0.2.0/", "has no length" },
		{ "192.0.2.0/-1", "has no length" },
		{ "2001:db8::/129", "has no length from 0 to 128" },
		{ "192.0.2.1/24", "is an address within a network" },
		{ "2001:db8::1/64", "is an address within a network" },
		{ "192.0.2.1/0", "is an address within a network" },
		{ "[192.0.2.1", "is no network" },
		{ "/8", "is no network" },
		{ "[]", "is no network" },
		{ "192.0.2.0:25/24", "is no network" },
	};
	struct buf why = BUF_INIT(0), text = BUF_INIT(0);
	struct nets l;
	size_t i;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		if (nets_parse(&l, t[i][0], &why) == 0)
			fail_msg("%s was taken", t[i][0]);
		if (strstr(buf_str(&why), t[i][1]) == NULL)
			fail_msg("%s: %s", t[i][0], buf_str(&why));
	}
	for (i = 0; i < NETS_MAX; i++)
		buf_puts(&text, "::1 ");
	assert_int_equal(nets_parse(&l, buf_str(&text), &why), 0);
	assert_int_equal(l.n, NETS_MAX);
	buf_puts(&text, "::2");
	assert_int_equal(nets_parse(&l, buf_str(&text), &why), -1);
	buf_clear(&text);
	buf_clear(&why);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_have),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
