/* The records that dns show prints: by profile, and as lines of a zone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ctl/dns_record.h"

static struct dns_host host;
static struct dns_keys keys;
static struct dns_records records;

static int
setup(void **state)
{
	struct buf why = BUF_INIT(200);

	memset(&host, 0, sizeof(host));
	strcpy(host.name, "mail.example.test");
	assert_int_equal(host_addresses_parse(&host.outside,
	    "192.0.2.1, 2001:db8::a1", &why), 0);
	host.port[SERVICE_IMAPS] = 993;
	host.port[SERVICE_SUBMISSION] = 10587;
	buf_clear(&why);
	return 0;
}

static int
teardown(void **state)
{
	dns_records_clear(&records);
	dns_keys_clear(&keys);
	return 0;
}

/* All lines of one type, each with an LF. */
static const char *
lines(const char *type)
{
	static struct buf all = BUF_INIT(0);
	static char text[4000];
	size_t i;

	buf_reset(&all);
	for (i = 0; i < records.n; i++) {
		if (strcmp(records.r[i].type, type) != 0)
			continue;
		dns_record_zone(&records.r[i], &all);
		buf_putc(&all, '\n');
	}
	snprintf(text, sizeof(text), "%s", buf_str(&all));
	buf_clear(&all);
	return text;
}

static void
test_direct(void **state)
{
	dns_records_make(&records, &host, "example.test", &keys);
	assert_string_equal(lines("MX"),
	    "example.test. 3600 IN MX 10 mail.example.test.\n");
	assert_string_equal(lines("A"),
	    "mail.example.test. 3600 IN A 192.0.2.1\n");
	assert_string_equal(lines("AAAA"),
	    "mail.example.test. 3600 IN AAAA 2001:db8::a1\n");
	assert_string_equal(lines("PTR"),
	    "1.2.0.192.in-addr.arpa. 3600 IN PTR mail.example.test.\n"
	    "1.a.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2."
	    "ip6.arpa. 3600 IN PTR mail.example.test.\n");
	assert_string_equal(lines("TXT"),
	    "example.test. 3600 IN TXT \"v=spf1 mx -all\"\n"
	    "mail.example.test. 3600 IN TXT \"v=spf1 a -all\"\n"
	    "_dmarc.example.test. 3600 IN TXT \"v=DMARC1; p=none\"\n"
	    "_smtp._tls.example.test. 3600 IN TXT \"v=TLSRPTv1; "
	    "rua=mailto:postmaster@example.test\"\n");
	assert_string_equal(lines("SRV"),
	    "_submission._tcp.example.test. 3600 IN SRV 10 1 10587 "
	    "mail.example.test.\n"
	    "_imaps._tcp.example.test. 3600 IN SRV 0 1 993 "
	    "mail.example.test.\n");
	assert_string_equal(lines("CNAME"),
	    "autoconfig.example.test. 3600 IN CNAME mail.example.test.\n"
	    "autodiscover.example.test. 3600 IN CNAME mail.example.test.\n");
}

/* What the provider alone knows is never made up. */
static void
test_relay(void **state)
{
	host.profile = DNS_RELAY;
	dns_records_make(&records, &host, "example.test", &keys);
	assert_string_equal(lines("MX"),
	    "example.test. 3600 IN MX 10 mail.example.test.\n");
	assert_non_null(strstr(lines("TXT"),
	    "; example.test. 3600 IN TXT ...\n"));
	assert_string_equal(lines("PTR"), "");
}

static void
test_collector(void **state)
{
	host.profile = DNS_COLLECTOR;
	dns_records_make(&records, &host, "example.test", &keys);
	assert_string_equal(lines("MX"), "; example.test. 3600 IN MX ...\n");
	assert_non_null(strstr(lines("TXT"),
	    "; example.test. 3600 IN TXT ...\n"));
	assert_null(strstr(lines("TXT"), "_tls"));
	assert_non_null(strstr(lines("SRV"), "_imaps._tcp."));
}

static void
test_address_unknown(void **state)
{
	size_t i;

	host.outside.n = 0;
	dns_records_make(&records, &host, "example.test", &keys);
	assert_string_equal(lines("A"), "; mail.example.test. 3600 IN A ...\n");
	for (i = 0; i < records.n; i++)
		assert_true(records.r[i].value != NULL ||
		    records.r[i].note != NULL);
}

/* A text over 255 octets stands in several strings, of which none is longer. */
static void
test_long_text(void **state)
{
	char key[700], want[800];
	const char *line;

	memset(key, 'x', 699);
	memcpy(key, "v=DKIM1; p=", 11);
	key[300] = '"';
	key[699] = '\0';
	dns_keys_add(&keys, "s1", key);
	dns_records_make(&records, &host, "example.test", &keys);
	snprintf(want, sizeof(want), "s1._domainkey.example.test. 3600 IN TXT "
	    "\"%.255s\" \"%.45s\\\"%.209s\" \"%.189s\"\n", key, key + 255,
	    key + 301, key + 510);
	line = strstr(lines("TXT"), "s1._domainkey");
	assert_non_null(line);
	assert_int_equal(strncmp(line, want, strlen(want)), 0);
	/* Who signs can ask for more. */
	assert_non_null(strstr(lines("TXT"), "p=quarantine"));
}

static void
test_host_field(void **state)
{
	struct buf b = BUF_INIT(0);
	struct dns_record r = { .name = (char[]){ "example.test" } };

	assert_string_equal(dns_record_host(&r, "example.test", &b), "@");
	r.name = (char[]){ "_dmarc.example.test" };
	assert_string_equal(dns_record_host(&r, "example.test", &b), "_dmarc");
	r.name = (char[]){ "notexample.test" };
	assert_null(dns_record_host(&r, "example.test", &b));
	buf_clear(&b);
}

static void
test_kinds(void **state)
{
	static const struct {
		const char *text;
		enum address_kind kind;
	} rows[] = {
		{ "8.8.8.8", ADDRESS_PUBLIC }, { "10.0.0.1", ADDRESS_PRIVATE },
		{ "172.31.255.255", ADDRESS_PRIVATE },
		{ "172.32.0.0", ADDRESS_PUBLIC },
		{ "192.168.1.1", ADDRESS_PRIVATE },
		{ "100.64.0.1", ADDRESS_SHARED },
		{ "100.127.255.255", ADDRESS_SHARED },
		{ "100.128.0.0", ADDRESS_PUBLIC },
		{ "192.0.0.2", ADDRESS_DS_LITE },
		{ "192.0.0.8", ADDRESS_SPECIAL },
		{ "127.0.0.1", ADDRESS_LOOPBACK }, { "::1", ADDRESS_LOOPBACK },
		{ "169.254.1.1", ADDRESS_LINK }, { "fe80::1", ADDRESS_LINK },
		{ "fd00::1", ADDRESS_PRIVATE },
		{ "2001:db8::1", ADDRESS_SPECIAL },
		{ "2a00::1", ADDRESS_PUBLIC }, { "255.255.255.255",
		    ADDRESS_SPECIAL }, { "0.0.0.0", ADDRESS_SPECIAL },
	};
	struct host_address a;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(host_address_parse(&a, rows[i].text,
		    strlen(rows[i].text)), 0);
		if (a.kind != rows[i].kind)
			fail_msg("%s: %d", rows[i].text, a.kind);
		assert_string_equal(a.text, rows[i].text);
	}
	assert_int_equal(host_address_parse(&a, "192.0.2.1.", 10), -1);
	assert_int_equal(host_address_parse(&a, "[::1]", 5), -1);
}

static void
test_list_of_addresses(void **state)
{
	struct buf why = BUF_INIT(200);
	struct host_addresses l;

	assert_int_equal(host_addresses_parse(&l, "192.0.2.1 x", &why), -1);
	assert_non_null(strstr(buf_str(&why), "\"x\""));
	buf_clear(&why);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_direct), CASE(test_relay), CASE(test_collector),
		CASE(test_address_unknown), CASE(test_long_text),
		CASE(test_host_field), CASE(test_kinds), CASE(test_list_of_addresses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
