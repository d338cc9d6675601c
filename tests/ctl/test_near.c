/*
 * What somebody may have meant, and whether the command runs within the unit.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "ctl/ctl_near.h"
#include "ctl/ctl_unit.h"

static void
test_distance(void **state)
{
	static const struct {
		const char *a, *b;
		unsigned d;
	} t[] = {
		{ "", "", 0 }, { "abc", "abc", 0 }, { "", "abc", 3 },
		{ "abc", "", 3 }, { "abc", "abd", 1 }, { "abc", "bc", 1 },
		{ "abc", "xabc", 1 }, { "kitten", "sitting", 3 },
		{ "smtp_workers", "smtp_wokrers", 2 },
	};
	char longest[NEAR_LENGTH + 2];
	size_t i;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++)
		assert_int_equal(near_distance(t[i].a, t[i].b), t[i].d);
	memset(longest, 'x', sizeof(longest) - 1);
	longest[NEAR_LENGTH + 1] = '\0';
	assert_true(near_distance(longest, longest) > NEAR_LENGTH);
	assert_int_equal(near_distance(longest + 1, longest + 1), 0);
	assert_int_equal(near_distance(longest + 1, ""), NEAR_LENGTH);
}

static void
test_keys(void **state)
{
	static const char text[] = "relay_tls\ttext\t\t0\t0\t\t\n"
	    "relay_host\ttext\t\t0\t0\t\t\nrelay_port\ttext\t\t0\t0\t\t\n"
	    "relay_user\ttext\t\t0\t0\t\t\nhostname\ttext\t\t0\t0\t\t\n";
	static const struct {
		const char *name, *near;
	} t[] = {
		{ "hostnam", "hostname" }, { "relay_hots", "relay_host" },
		{ "realy_user", "relay_user" }, { "tls", "relay_tls" },
		{ "relay", "relay_tls, relay_host, relay_port" },
		{ "relay_hort", "relay_host, relay_port" },
		{ "nothing", "" }, { "x", "" }, { "", "" },
	};
	struct buf out = BUF_INIT(0);
	struct keys k = { .n = 0 };
	size_t i;

	assert_int_equal(keys_parse(&k, "x", text, strlen(text)), 0);
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		buf_reset(&out);
		near_keys(&k, t[i].name, &out);
		if (strcmp(buf_str(&out), t[i].near) != 0)
			fail_msg("%s: %s", t[i].name, buf_str(&out));
	}
	keys_clear(&k);
	buf_clear(&out);
}

static void
test_within(void **state)
{
	assert_true(unit_is_within("0::/system.slice/rohrpost.service\n"));
	assert_true(unit_is_within("1:name=systemd:/x\n"
	    "0::/system.slice/rohrpost.service/control\n"));
	assert_true(unit_is_within("0::/rohrpost.service"));
	assert_false(unit_is_within(""));
	assert_false(unit_is_within("0::/user.slice/session-1.scope\n"));
	assert_false(unit_is_within("0::/system.slice/not-rohrpost.service\n"));
	assert_false(unit_is_within("0::/system.slice/rohrpost.service.d\n"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_distance),
		cmocka_unit_test(test_keys),
		cmocka_unit_test(test_within),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
