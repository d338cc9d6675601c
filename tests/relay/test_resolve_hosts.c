#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "relay/resolve_hosts.h"

static struct hosts hosts;

static int
teardown(void **state)
{
	hosts_clear(&hosts);
	return 0;
}

#define W(s) s, sizeof(s) - 1

static const struct {
	const char *wire;
	size_t	 len;
	int	 result;
	const char *text;
} names[] = {
	{ W("\2mx\4test\0"), 0, "mx.test" },
	{ W("\2MX\4TeSt\0"), 0, "mx.test" },
	{ W("\5_a-b0\4test\0"), 0, "_a-b0.test" },
	{ W("\4test\0"), 0, "test" },
	{ W("\0"), 1, "" },
	{ W(""), -1, NULL },
	{ W("\2mx"), -1, NULL },		/* no end */
	{ W("\2mx\5test\0"), -1, NULL },	/* a label past the end */
	{ W("\2mx\xc0\0"), -1, NULL },		/* a pointer */
	{ W("\100aaaa\0"), -1, NULL },		/* a label of 64 */
	{ W("\3m.x\4test\0"), -1, NULL },
	{ W("\3m\0x\4test\0"), -1, NULL },
	{ W("\2m\n\4test\0"), -1, NULL },
	{ W("\2m\xc3\4test\0"), -1, NULL },
	{ W("\003192\0010\0012\0011\0"), -1, NULL },	/* an address */
};

static void
test_names(void **state)
{
	char name[DOMAIN_MAX + 1];
	size_t i, used;
	int r;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		r = hosts_name((const unsigned char *)names[i].wire,
		    names[i].len, name, &used);
		if (r != names[i].result)
			fail_msg("row %zu: %d", i, r);
		if (r == -1)
			continue;
		assert_string_equal(name, names[i].text);
		assert_int_equal(used, names[i].len);
	}
}

static void
test_long_name(void **state)
{
	unsigned char wire[300];
	char name[DOMAIN_MAX + 1];
	size_t i, used;

	for (i = 0; i < 256; i += 64) {
		wire[i] = 63;
		memset(wire + i + 1, 'a', 63);
	}
	wire[192] = 62;		/* 3 * 64 + 62 = 254 octets of text */
	wire[192 + 63] = 0;
	assert_int_equal(hosts_name(wire, 256, name, &used), 0);
	assert_int_equal(strlen(name), 254);
	wire[192] = 63;
	wire[255] = 'a';
	wire[256] = 0;
	assert_int_equal(hosts_name(wire, 257, name, &used), 0);
	wire[256] = 1;
	wire[257] = 'b';
	wire[258] = 0;
	assert_int_equal(hosts_name(wire, 259, name, &used), -1);
}

static void
test_mx(void **state)
{
	hosts_add_mx(&hosts, (const unsigned char *)"\0\24\2mx\0", 6);
	hosts_add_mx(&hosts, (const unsigned char *)"\1\0\1b\0", 5);
	hosts_add_mx(&hosts, (const unsigned char *)"\0\5\2mx\0", 6);
	hosts_add_mx(&hosts, (const unsigned char *)"\0\5\2mx\0x", 7);
	hosts_add_mx(&hosts, (const unsigned char *)"\0", 1);
	hosts_add_mx(&hosts, (const unsigned char *)"\0\5", 2);
	assert_int_equal(hosts.n, 2);
	assert_int_equal(hosts.null_mx, 0);
	assert_string_equal(hosts.host[0].name, "mx");
	assert_int_equal(hosts.host[0].pref, 5);
	assert_int_equal(hosts.host[1].pref, 256);
	hosts_add_mx(&hosts, (const unsigned char *)"\0\0\0", 3);
	assert_int_equal(hosts.null_mx, 1);
	assert_int_equal(hosts.n, 2);
}

static void
test_bounds(void **state)
{
	char name[16];
	unsigned i;

	for (i = 0; i < 3 * MX_MAX; i++) {
		snprintf(name, sizeof(name), "h%u", i);
		hosts_add(&hosts, 3 * MX_MAX - i, name);
	}
	assert_int_equal(hosts.n, MX_MAX);
	for (i = 0; i < 3 * MAIL_ADDRESSES_MAX; i++)
		hosts_add_address(&hosts, 0, (const unsigned char *)"1234", 4);
	hosts_add_address(&hosts, 1, (const unsigned char *)"12345", 5);
	assert_int_equal(hosts.host[0].n, MAIL_ADDRESSES_MAX);
	assert_int_equal(hosts.host[1].n, 0);
	hosts_order(&hosts);
	for (i = 1; i < hosts.n; i++)
		assert_true(hosts.host[i - 1].pref <= hosts.host[i].pref);
	hosts_cut(&hosts);
	assert_int_equal(hosts.n, MAIL_HOSTS_MAX);
}

/* Each of three equals stands first in about a third of 3,000 orders. */
static void
test_shuffle(void **state)
{
	unsigned first[3] = { 0, 0, 0 }, i;

	hosts_add(&hosts, 10, "a");
	hosts_add(&hosts, 10, "b");
	hosts_add(&hosts, 10, "c");
	hosts_add(&hosts, 5, "top");
	for (i = 0; i < 3000; i++) {
		hosts_order(&hosts);
		assert_string_equal(hosts.host[0].name, "top");
		first[hosts.host[1].name[0] - 'a']++;
	}
	for (i = 0; i < 3; i++)
		assert_in_range(first[i], 850, 1150);
}

static const struct {
	const char *self;
	unsigned left, dropped;
} selves[] = {
	{ "elsewhere.test", 5, 0 },
	{ "", 5, 0 },
	{ "one.test", 0, 5 },
	{ "TWO.test", 1, 4 },
	{ "three.test", 1, 4 },		/* equal to two */
	{ "four.test", 3, 2 },
};

static void
test_self(void **state)
{
	struct self self = { .hostname = NULL };
	size_t i;

	for (i = 0; i < sizeof(selves) / sizeof(selves[0]); i++) {
		hosts_clear(&hosts);
		hosts_add(&hosts, 1, "one.test");
		hosts_add(&hosts, 2, "two.test");
		hosts_add(&hosts, 2, "three.test");
		hosts_add(&hosts, 4, "four.test");
		hosts_add(&hosts, 5, "five.test");
		self.hostname = selves[i].self;
		assert_int_equal(hosts_drop_self(&hosts, &self),
		    selves[i].dropped);
		assert_int_equal(hosts.n, selves[i].left);
	}
}

static void
test_self_address(void **state)
{
	struct resolve_address mine = { .family = AF_INET, .octets = "\12\1\2\3" };
	struct self self = { .hostname = "x", .addr = &mine, .n = 1 };

	hosts_add(&hosts, 1, "one");
	hosts_add(&hosts, 2, "two");
	hosts_add_address(&hosts, 0, (const unsigned char *)"\12\1\2\4", 4);
	hosts_add_address(&hosts, 1, (const unsigned char *)
	    "\12\1\2\3\0\0\0\0\0\0\0\0\0\0\0\0", 16);
	assert_int_equal(hosts_drop_self(&hosts, &self), 0);
	hosts_add_address(&hosts, 1, (const unsigned char *)"\12\1\2\3", 4);
	assert_int_equal(hosts_drop_self(&hosts, &self), 1);
	assert_int_equal(hosts.n, 1);
}

static void
test_bare(void **state)
{
	hosts_add(&hosts, 1, "one");
	hosts_add(&hosts, 2, "two");
	hosts_add(&hosts, 3, "three");
	hosts_add_address(&hosts, 1, (const unsigned char *)"\1\2\3\4", 4);
	hosts.host[2].temp = 1;
	assert_int_equal(hosts_drop_bare(&hosts), 1);
	assert_int_equal(hosts.n, 1);
	assert_string_equal(hosts.host[0].name, "two");
}

static void
test_pack(void **state)
{
	struct buf b = BUF_INIT(0);
	struct cursor c;
	size_t n;

	hosts_add(&hosts, 7, "mx");
	hosts_add_address(&hosts, 0, (const unsigned char *)"\1\2\3\4", 4);
	hosts_add_address(&hosts, 0, (const unsigned char *)"\1\2\3\5", 4);
	hosts_add_address(&hosts, 0, (const unsigned char *)
	    "\x20\1\xd\xb8\0\0\0\0\0\0\0\0\0\0\0\1", 16);
	hosts_pack(&hosts, &b);
	cursor_init(&c, b.data, b.len);
	assert_int_equal(cursor_u32(&c), 7);
	assert_memory_equal(cursor_lv(&c, &n, 255), "mx", 2);
	assert_int_equal(cursor_u32(&c), 3);
	assert_memory_equal(cursor_lv(&c, &n, 255), "2001:db8::1", 11);
	assert_memory_equal(cursor_lv(&c, &n, 255), "1.2.3.4", 7);
	assert_memory_equal(cursor_lv(&c, &n, 255), "1.2.3.5", 7);
	assert_int_equal(cursor_left(&c), 0);
	assert_false(c.bad);
	/* None of what stands behind its addresses. */
	hosts.host[0].n = 1;
	buf_reset(&b);
	hosts_pack(&hosts, &b);
	cursor_init(&c, b.data, b.len);
	assert_int_equal(cursor_u32(&c), 7);
	(void)cursor_lv(&c, &n, 255);
	assert_int_equal(cursor_u32(&c), 1);
	assert_memory_equal(cursor_lv(&c, &n, 255), "1.2.3.4", 7);
	assert_int_equal(cursor_left(&c), 0);
	hosts.host[0].n = 3;
	buf_clear(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_names, teardown),
		cmocka_unit_test_teardown(test_long_name, teardown),
		cmocka_unit_test_teardown(test_mx, teardown),
		cmocka_unit_test_teardown(test_bounds, teardown),
		cmocka_unit_test_teardown(test_shuffle, teardown),
		cmocka_unit_test_teardown(test_self, teardown),
		cmocka_unit_test_teardown(test_self_address, teardown),
		cmocka_unit_test_teardown(test_bare, teardown),
		cmocka_unit_test_teardown(test_pack, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
