/* What doctor makes of addresses, routes and answers of lists; its verdict. */
#include <sys/statvfs.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "ctl/doctor.h"
#include "lib/net/connect.h"

const struct dns_asked *__wrap_dns_question(enum dns_type type,
	    const char *name);
int	__wrap_addr_connect(const struct addr *a, int64_t ms,
	    struct buf *why);
int	__wrap_statvfs(const char *path, struct statvfs *v);
int	__wrap_statvfs64(const char *path, struct statvfs *v);

static struct statvfs disk;
static struct dns_asked answer;
static char asked[300];
static struct findings found;
static struct dns_host host;

const struct dns_asked *
__wrap_dns_question(enum dns_type type, const char *name)
{
	assert_int_equal(type, DNS_A);
	snprintf(asked, sizeof(asked), "%s", name);
	return &answer;
}

int
__wrap_statvfs(const char *path, struct statvfs *v)
{
	assert_string_equal(path, "/spool");
	*v = disk;
	return 0;
}

/* The name that it has with files of 64 bits. */
int
__wrap_statvfs64(const char *path, struct statvfs *v)
{
	return __wrap_statvfs(path, v);
}

static int
clear(void **state)
{
	findings_clear(&found);
	keys_clear(&host.keys);
	memset(&host, 0, sizeof(host));
	buf_clear(&answer.records);
	memset(&answer, 0, sizeof(answer));
	return 0;
}

static int
has(enum finding_code code)
{
	return findings_count(&found, 0, host.name, code) > 0;
}

/* What is told of a network; tells whether it is walled in. */
static int
addresses(enum find_outer outer, enum find_ipv6 ipv6)
{
	struct find_network n = { .outer = outer, .ipv6 = ipv6,
		.address = "192.168.1.9", .ipv6_address = "2a00::1",
		.router = "192.168.1.1" };

	findings_clear(&found);
	return doctor_addresses(&host, &n, &found);
}

static void
test_addresses(void **state)
{
	strcpy(host.name, "mail.example.test");
	host.port[SERVICE_SMTP] = 25;
	host.port[SERVICE_IMAPS] = 993;
	assert_false(addresses(FIND_OUTER_PUBLIC, FIND_IPV6_NONE));
	assert_true(has(FINDING_PUBLIC) && has(FINDING_NO_IPV6));
	assert_true(has(FINDING_ROUTER));
	assert_false(has(FINDING_NAT));
	assert_false(addresses(FIND_OUTER_NAT, FIND_IPV6_PRIVATE));
	assert_true(has(FINDING_NAT) && has(FINDING_NO_IPV6));
	assert_non_null(strstr(found.f[found.n - 2].finding,
	    "192.168.1.9: a router must forward these ports to it: 25, 993"));
	assert_true(addresses(FIND_OUTER_PROVIDER_NAT, FIND_IPV6_LEASED));
	assert_true(has(FINDING_PROVIDER_NAT) && has(FINDING_IPV6_LEASED));
	assert_true(addresses(FIND_OUTER_DS_LITE, FIND_IPV6_LASTING));
	assert_true(has(FINDING_DS_LITE) && has(FINDING_IPV6));
	assert_false(addresses(FIND_OUTER_NONE, FIND_IPV6_TEMPORARY));
	assert_int_equal(found.n, 2);
	assert_true(has(FINDING_IPV6_TEMPORARY));
	addresses(FIND_OUTER_NONE, FIND_IPV6_CHANGES);
	assert_int_equal(findings_exit(&found), CTL_REFUSED);
}

static int reached;	/* addr_connect: does somebody answer? */

int
__wrap_addr_connect(const struct addr *a, int64_t ms, struct buf *why)
{
	assert_int_equal(addr_port((const struct sockaddr *)&a->ss), 993);
	buf_set(why, "%s", reached ? "" : "no answer");
	return reached ? dup(0) : -1;
}

/* What is told of a name with these addresses. */
static void
inside(const char *of_name, const char *local, const char *outside,
    int running)
{
	struct buf why = BUF_INIT(200);
	struct host_addresses l;

	findings_clear(&found);
	assert_int_equal(host_addresses_parse(&l, of_name, &why), 0);
	assert_int_equal(host_addresses_parse(&host.local, local, &why), 0);
	assert_int_equal(host_addresses_parse(&host.outside, outside, &why),
	    0);
	doctor_inside(&host, &l, running, &found);
	buf_clear(&why);
}

static void
test_inside(void **state)
{
	strcpy(host.name, "mail.example.test");
	host.port[SERVICE_SMTP] = 25;
	host.port[SERVICE_IMAPS] = 993;
	inside("8.8.8.8", "192.168.1.9", "8.8.8.8", 1);
	assert_int_equal(found.n, 1);
	assert_true(has(FINDING_HAIRPIN));
	assert_non_null(strstr(found.f[0].finding, "8.8.8.8"));
	assert_non_null(strstr(found.f[0].finding, "port 993: no answer"));
	reached = 1;
	inside("8.8.8.8", "192.168.1.9", "8.8.8.8", 1);
	assert_true(has(FINDING_HAIRPIN_GOOD));
	assert_int_equal(findings_exit(&found), CTL_DONE);
	/* The address is the machine's own; nothing runs; split DNS. */
	inside("8.8.8.8", "8.8.8.8", "8.8.8.8", 1);
	assert_int_equal(found.n, 0);
	inside("8.8.8.8", "192.168.1.9", "8.8.8.8", 0);
	assert_int_equal(found.n, 0);
	inside("192.168.1.9", "192.168.1.9", "8.8.8.8", 1);
	assert_int_equal(found.n, 1);
	assert_true(has(FINDING_NAME_INSIDE));
	inside("192.168.1.8", "192.168.1.9", "8.8.8.8", 1);
	assert_int_equal(found.n, 1);
	assert_true(has(FINDING_NAME_OTHER_INSIDE));
	memset(host.port, 0, sizeof(host.port));
	inside("8.8.8.8", "192.168.1.9", "8.8.8.8", 1);
	assert_int_equal(found.n, 0);
}

/* One list is asked for 192.0.2.7; what it says means that. */
static void
list_finds(enum dns_status status, const char *octets, size_t len,
    unsigned listed, enum finding_code code)
{
	struct dns_check k = { .h = &host, .l = &found };

	buf_clear(&answer.records);
	answer.status = status;
	if (len > 0)
		buf_put_lv(&answer.records, octets, len);
	assert_int_equal(doctor_lists(&k), listed);
	assert_string_equal(asked, "7.2.0.192.list.example.org");
	assert_int_equal(found.n, 1);
	assert_true(has(code));
	findings_clear(&found);
}

static void
test_lists(void **state)
{
	static const char key[] = "doctor_dnsbl\ttext\t list.example.org,"
	    "\t0\t0\t\thelp\n";
	struct buf why = BUF_INIT(200);

	assert_int_equal(keys_parse(&host.keys, "x", key, sizeof(key) - 1), 0);
	assert_int_equal(host_addresses_parse(&host.outside, "192.0.2.7",
	    &why), 0);
	list_finds(DNS_NXDOMAIN, "", 0, 0, FINDING_NOT_LISTED);
	list_finds(DNS_NODATA, "", 0, 0, FINDING_NOT_LISTED);
	list_finds(DNS_OK, "\177\0\0\2", 4, 1, FINDING_LISTED);
	list_finds(DNS_OK, "\177\1\0\2", 4, 1, FINDING_LISTED);
	list_finds(DNS_OK, "\177\377\377\376", 4, 0, FINDING_LIST_ERROR);
	list_finds(DNS_OK, "\177\377\377\0", 4, 0, FINDING_LIST_ERROR);
	list_finds(DNS_OK, "\177\377\376\1", 4, 1, FINDING_LISTED);
	list_finds(DNS_OK, "\306\63\144\1", 4, 0, FINDING_LIST_ERROR);
	list_finds(DNS_OK, "\177\0\0", 3, 0, FINDING_LIST_ERROR);
	list_finds(DNS_TEMP, "", 0, 0, FINDING_LIST_ERROR);
	buf_clear(&why);
}

static void
test_disk(void **state)
{
	strcpy(host.name, "mail.example.test");
	disk = (struct statvfs){ .f_frsize = 4096, .f_bavail = 65536,
		.f_files = 10000, .f_favail = 1000 };
	doctor_disk("/spool", host.name, &found);
	assert_int_equal(found.n, 1);
	assert_string_equal(found.f[0].finding,
	    "The disk of /spool has 256 MiB left.");
	assert_true(has(FINDING_DISK_GOOD));
	findings_clear(&found);
	disk.f_bavail--;
	disk.f_favail--;
	doctor_disk("/spool", host.name, &found);
	assert_int_equal(found.n, 2);
	assert_true(has(FINDING_DISK) && has(FINDING_INODES));
	assert_int_equal(findings_exit(&found), CTL_REFUSED);
	findings_clear(&found);
	/* btrfs counts no inodes. */
	disk.f_files = disk.f_favail = 0;
	doctor_disk("/spool", host.name, &found);
	assert_false(has(FINDING_INODES));
}

static void
test_verdict(void **state)
{
	static const struct {
		struct doctor_facts f;
		enum doctor_verdict v;
	} rows[] = {
		{ { 1, 0, PORT25_GOOD, 0 }, VERDICT_DIRECT },
		{ { 1, 0, PORT25_UNKNOWN, 0 }, VERDICT_DIRECT },
		{ { 1, 0, PORT25_BLOCKED, 0 }, VERDICT_RELAY },
		{ { 1, 0, PORT25_REFUSED, 0 }, VERDICT_RELAY },
		{ { 1, 0, PORT25_GOOD, 1 }, VERDICT_RELAY },
		{ { 1, 1, PORT25_GOOD, 0 }, VERDICT_DIRECT },
		{ { 0, 1, PORT25_GOOD, 0 }, VERDICT_COLLECTOR },
		{ { 0, 0, PORT25_GOOD, 0 }, VERDICT_UNKNOWN },
	};
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (doctor_verdict(&rows[i].f) != rows[i].v)
			fail_msg("row %zu", i);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_addresses, clear),
		cmocka_unit_test_teardown(test_inside, clear),
			cmocka_unit_test_teardown(test_lists, clear),
		cmocka_unit_test_teardown(test_disk, clear),
		cmocka_unit_test_teardown(test_verdict, clear),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
