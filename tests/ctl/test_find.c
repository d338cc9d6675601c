/* What the assistant finds out: the network, logins, a profile. */
#include <arpa/inet.h>
#include <linux/if_addr.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ctl/find.h"
#include "ctl/find_net.h"

enum { FOREVER = 0xffffffff };

/* An attribute of a message. */
static void
attribute(struct buf *out, unsigned short type, const void *p, size_t len)
{
	struct rtattr at = { .rta_type = type,
		.rta_len = (unsigned short)RTA_LENGTH(len) };

	buf_append(out, &at, sizeof(at));
	buf_append(out, p, len);
	while (out->len % RTA_ALIGNTO != 0)
		buf_putc(out, 0);
}

/* As the kernel tells of an address. */
static void
message(struct buf *out, const char *ip, uint32_t flags, uint32_t life)
{
	struct ifa_cacheinfo c = { .ifa_prefered = life, .ifa_valid = life };
	struct ifaddrmsg m = { .ifa_family = AF_INET6,
		.ifa_flags = (unsigned char)flags };
	struct nlmsghdr h = { .nlmsg_type = RTM_NEWADDR };
	struct buf body = BUF_INIT(0);
	unsigned char octets[16];

	assert_int_equal(inet_pton(AF_INET6, ip, octets), 1);
	attribute(&body, IFA_ADDRESS, octets, sizeof(octets));
	attribute(&body, IFA_CACHEINFO, &c, sizeof(c));
	attribute(&body, IFA_FLAGS, &flags, sizeof(flags));
	h.nlmsg_len = (uint32_t)(sizeof(h) + sizeof(m) + body.len);
	buf_append(out, &h, sizeof(h));
	buf_append(out, &m, sizeof(m));
	buf_append(out, buf_str(&body), body.len);
	buf_clear(&body);
}

static void
local(struct find_network *n, const char *list)
{
	struct buf why = BUF_INIT(200);

	memset(n, 0, sizeof(*n));
	assert_int_equal(host_addresses_parse(&n->local, list, &why), 0);
	buf_clear(&why);
}

static void
test_leases(void **state)
{
	struct nlmsghdr done = { .nlmsg_len = sizeof(done),
		.nlmsg_type = NLMSG_DONE };
	struct buf b = BUF_INIT(0);
	struct find_network n;
	size_t i;

	local(&n, "2a00::1 2a00::2 2a00::3 fe80::1");
	message(&b, "2a00::1", 0, 7200);
	message(&b, "2a00::2", IFA_F_TEMPORARY, 600);
	message(&b, "2a00::3", IFA_F_DEPRECATED, 60);
	message(&b, "fe80::1", IFA_F_PERMANENT, FOREVER);
	message(&b, "2a00::ffff", 0, 1);
	assert_int_equal(host_addresses_leases(&n.local, b.data, b.len), 1);
	assert_true(n.local.a[0].leased && !n.local.a[0].temporary);
	assert_int_equal(n.local.a[0].life, 7200);
	assert_true(n.local.a[1].temporary && !n.local.a[1].deprecated);
	assert_true(n.local.a[2].temporary && n.local.a[2].deprecated);
	assert_false(n.local.a[3].leased);
	buf_append(&b, &done, sizeof(done));
	assert_int_equal(host_addresses_leases(&n.local, b.data, b.len), 0);
	/* Wherever it is cut off, nothing behind that is read. */
	for (i = 0; i < b.len; i++) {
		char *copy = malloc(i + 1);

		memcpy(copy, b.data, i);
		(void)host_addresses_leases(&n.local, copy, i);
		free(copy);
	}
	buf_clear(&b);
}

static void
test_outer(void **state)
{
	static const struct {
		const char *list, *address;
		enum find_outer outer;
	} rows[] = {
		{ "127.0.0.1 ::1 fe80::1 169.254.1.1", "", FIND_OUTER_NONE },
		{ "10.0.0.1 8.8.8.8 100.64.0.1", "8.8.8.8",
		    FIND_OUTER_PUBLIC },
		{ "192.168.1.9 fd00::1", "192.168.1.9", FIND_OUTER_NAT },
		{ "172.31.255.1", "172.31.255.1", FIND_OUTER_NAT },
		{ "172.32.0.1", "172.32.0.1", FIND_OUTER_PUBLIC },
		{ "100.64.3.4", "100.64.3.4", FIND_OUTER_PROVIDER_NAT },
		{ "10.0.0.1 100.127.255.255", "100.127.255.255",
		    FIND_OUTER_PROVIDER_NAT },
		{ "100.128.0.1", "100.128.0.1", FIND_OUTER_PUBLIC },
		{ "192.0.0.2 10.0.0.1", "192.0.0.2", FIND_OUTER_DS_LITE },
		{ "192.0.0.8 10.0.0.1", "10.0.0.1", FIND_OUTER_NAT },
	};
	struct find_network n;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		local(&n, rows[i].list);
		find_network_judge(&n);
		if (n.outer != rows[i].outer)
			fail_msg("%s: %d", rows[i].list, n.outer);
		assert_string_equal(n.address, rows[i].address);
	}
}

/* The first address has that life, the second these flags. */
static enum find_ipv6
ipv6(const char *list, const char *first, uint32_t flags, uint32_t life,
    const char *second, uint32_t flags2, struct find_network *n)
{
	struct buf b = BUF_INIT(0);

	local(n, list);
	message(&b, first, flags, life);
	if (second != NULL)
		message(&b, second, flags2, 60);
	(void)host_addresses_leases(&n->local, b.data, b.len);
	buf_clear(&b);
	find_network_judge(n);
	return n->ipv6;
}

static void
test_ipv6(void **state)
{
	struct find_network n;

	assert_int_equal(ipv6("192.0.2.1", "2a00::1", 0, 1, NULL, 0, &n),
	    FIND_IPV6_NONE);
	assert_int_equal(ipv6("fe80::1 fd00::1", "fd00::1", IFA_F_PERMANENT,
	    FOREVER, NULL, 0, &n), FIND_IPV6_PRIVATE);
	assert_string_equal(n.ipv6_address, "fd00::1");
	assert_int_equal(ipv6("2a00::1", "2a00::1", IFA_F_PERMANENT, FOREVER,
	    NULL, 0, &n), FIND_IPV6_LASTING);
	assert_int_equal(n.ipv6_life, FIND_LIFE_FOREVER);
	assert_int_equal(ipv6("2a00::1", "2a00::1", 0, 7200, NULL, 0, &n),
	    FIND_IPV6_LEASED);
	assert_int_equal(n.ipv6_life, 7200);
	assert_int_equal(ipv6("2a00::1", "2a00::1", IFA_F_TEMPORARY, 7200,
	    NULL, 0, &n), FIND_IPV6_TEMPORARY);
	/* An older prefix is there still; an older address of it is none. */
	assert_int_equal(ipv6("2a00:0:0:1::1 2a00:0:0:2::1",
	    "2a00:0:0:1::1", 0, 7200, "2a00:0:0:2::1", IFA_F_DEPRECATED, &n),
	    FIND_IPV6_CHANGES);
	assert_string_equal(n.ipv6_address, "2a00:0:0:1::1");
	assert_int_equal(ipv6("2a00:0:0:1::1 2a00:0:0:1::2",
	    "2a00:0:0:1::1", 0, 7200, "2a00:0:0:1::2", IFA_F_DEPRECATED, &n),
	    FIND_IPV6_LEASED);
}

static void
test_router(void **state)
{
	static const char head[] = "Iface\tDestination\tGateway \tFlags\t"
	    "RefCnt\tUse\tMetric\tMask\n"
	    "eth0\t0001A8C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\n";
	char text[400], ip[INET_ADDRSTRLEN];
	uint32_t gateway = htonl(0xc0a80101);

	assert_false(find_router(head, ip));
	assert_false(find_router("", ip));
	snprintf(text, sizeof(text), "%seth0\t00000000\t%08X\t0003\t0\t0\t0\t"
	    "00000000\n", head, gateway);
	assert_true(find_router(text, ip));
	assert_string_equal(ip, "192.168.1.1");
}

static void
test_login_name(void **state)
{
	static const struct { const char *form, *login; } rows[] = {
		{ "%EMAILADDRESS%", "anna@far.example" },
		{ "%EMAILLOCALPART%", "anna" },
		{ "%EMAILLOCALPART%.%EMAILDOMAIN%", "anna.far.example" },
		{ "x-%EMAILLOCALPART%", "x-anna" },
		{ "", "" },
		{ "%CUSTOMER%", "" },
		{ "%EMAILADDRESS", "" },
		{ "%", "" },
	};
	char login[FIND_TEXT_MAX], form[FIND_TEXT_MAX + 20];
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		find_login_name(rows[i].form, "anna@far.example", login);
		assert_string_equal(login, rows[i].login);
	}
	find_login_name("%EMAILADDRESS%", "anna", login);
	assert_string_equal(login, "");
	memset(form, 'x', sizeof(form) - 1);
	form[sizeof(form) - 1] = '\0';
	find_login_name(form, "anna@far.example", login);
	assert_string_equal(login, "");
}

static void
test_profile(void **state)
{
	static const struct {
		enum find_outer outer;
		enum find_known port25, ptr;
		enum find_profile profile;
		const char *reason;
	} rows[] = {
		{ FIND_OUTER_PUBLIC, FIND_YES, FIND_YES,
		    FIND_PROFILE_DIRECT, "is right" },
		{ FIND_OUTER_PUBLIC, FIND_UNKNOWN, FIND_UNKNOWN,
		    FIND_PROFILE_DIRECT, "nothing that was found" },
		{ FIND_OUTER_PUBLIC, FIND_NO, FIND_YES,
		    FIND_PROFILE_RELAY, "Port 25 does not go out" },
		{ FIND_OUTER_PUBLIC, FIND_YES, FIND_NO,
		    FIND_PROFILE_RELAY, "no name in reverse DNS" },
		{ FIND_OUTER_NAT, FIND_YES, FIND_UNKNOWN,
		    FIND_PROFILE_RELAY, "behind a router" },
		{ FIND_OUTER_NAT, FIND_NO, FIND_UNKNOWN,
		    FIND_PROFILE_RELAY, "Port 25 does not go out" },
		{ FIND_OUTER_PROVIDER_NAT, FIND_YES, FIND_YES,
		    FIND_PROFILE_COLLECTOR, "inside your provider" },
		{ FIND_OUTER_DS_LITE, FIND_YES, FIND_YES,
		    FIND_PROFILE_COLLECTOR, "DS-Lite" },
		{ FIND_OUTER_NONE, FIND_UNKNOWN, FIND_UNKNOWN,
		    FIND_PROFILE_COLLECTOR, "no address" },
	};
	struct find_domain *d = calloc(1, sizeof(*d));
	struct buf reason = BUF_INIT(2000);
	struct find_network n = { .address = "8.8.8.8" };
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		n.outer = rows[i].outer;
		d->port25 = rows[i].port25;
		d->ptr = rows[i].ptr;
		if (find_profile(&n, d, &reason) != rows[i].profile ||
		    strstr(buf_str(&reason), rows[i].reason) == NULL)
			fail_msg("%zu: %s", i, buf_str(&reason));
	}
	n.outer = FIND_OUTER_PUBLIC;
	assert_int_equal(find_profile(&n, NULL, &reason),
	    FIND_PROFILE_DIRECT);
	buf_clear(&reason);
	free(d);
}

/* Of this machine, whatever it is: loopback is there, and no port is asked. */
static void
test_this_machine(void **state)
{
	struct find_network n;
	size_t i, loopback = 0;

	find_network(&n);
	for (i = 0; i < n.local.n; i++)
		loopback += n.local.a[i].kind == ADDRESS_LOOPBACK;
	assert_true(loopback > 0);
	assert_true((n.outer == FIND_OUTER_NONE) == (n.address[0] == '\0'));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_leases),
		cmocka_unit_test(test_outer),
		cmocka_unit_test(test_ipv6),
		cmocka_unit_test(test_router),
		cmocka_unit_test(test_login_name),
		cmocka_unit_test(test_profile),
		cmocka_unit_test(test_this_machine),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
