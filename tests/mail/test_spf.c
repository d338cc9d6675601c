/*
 * SPF on zones in memory. With an argument: the cases of that file, a line
 * each (tests/suite/test_spf.py), are answered on standard output:
 *
 *   zone                        forget all records
 *   rr NAME TYPE VALUE          TYPE 0: no answer
 *   case ID ADDRESS HELO FROM
 *
 * NAME, VALUE, HELO and FROM are in hexadecimal, "-" where empty.
 */
#include <arpa/inet.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/mail/spf.h"

enum { LATER = 0, RECORDS = 2000 };

static struct record {
	char	*name;
	int	 type;
	struct buf value;
} zone[RECORDS];
static size_t n_zone;
static unsigned questions;

static void
zone_clear(void)
{
	while (n_zone > 0) {
		free(zone[--n_zone].name);
		buf_clear(&zone[n_zone].value);
	}
}

static void
rr(const char *name, int type, const void *value, size_t len)
{
	struct record *r = &zone[n_zone++];

	assert_true(n_zone < RECORDS);
	r->name = mem_strdup(name);
	r->type = type;
	buf_init(&r->value, 0);
	buf_append(&r->value, value, len);
}

static void
txt(const char *name, const char *text)
{
	rr(name, SPF_TXT, text, strlen(text));
}

static void
a(const char *name, const char *ip)
{
	unsigned char octets[16];
	int v6 = strchr(ip, ':') != NULL;

	assert_int_equal(inet_pton(v6 ? AF_INET6 : AF_INET, ip, octets), 1);
	rr(name, v6 ? SPF_AAAA : SPF_A, octets, v6 ? 16 : 4);
}

static enum spf_found
ask(void *arg, enum spf_type type, const char *name, struct buf *out)
{
	int found = 0;
	size_t i;

	questions++;
	for (i = 0; i < n_zone; i++) {
		if (str_casecmp(zone[i].name, name) != 0)
			continue;
		if (zone[i].type == LATER && !found)
			return SPF_LATER;
		if (zone[i].type != (int)type)
			continue;
		found = 1;
		buf_put_lv(out, buf_str(&zone[i].value), zone[i].value.len);
	}
	return found ? SPF_FOUND : SPF_ABSENT;
}

static struct spf_outcome outcome = SPF_OUTCOME_INIT;

static enum spf_result
check(const char *ip, const char *helo, const char *sender)
{
	struct spf_query q = { .sender = sender, .helo = helo,
		.receiver = "mx.example.test", .now = 1000, .ask = ask };

	q.v6 = strchr(ip, ':') != NULL;
	assert_int_equal(inet_pton(q.v6 ? AF_INET6 : AF_INET, ip, q.ip), 1);
	questions = 0;
	spf_check(&q, &outcome);
	return outcome.result;
}

static enum spf_result
count(const char *domain)
{
	struct spf_query q = { .ask = ask };

	questions = 0;
	spf_count(&q, domain, &outcome);
	return outcome.result;
}

static int
clear(void **state)
{
	zone_clear();
	spf_outcome_clear(&outcome);
	return 0;
}

static void
test_mechanisms(void **state)
{
	static const struct {
		const char *record, *ip;
		enum spf_result result;
	} rows[] = {
		{ "v=spf1", "192.0.2.1", SPF_NEUTRAL },
		{ "v=spf1 -all", "192.0.2.1", SPF_FAIL },
		{ "V=SPF1 ~ALL", "192.0.2.1", SPF_SOFTFAIL },
		{ "v=spf1 ?all", "192.0.2.1", SPF_NEUTRAL },
		{ "v=spf1 ip4:192.0.2.0/25 -all", "192.0.2.127", SPF_PASS },
		{ "v=spf1 ip4:192.0.2.0/25 -all", "192.0.2.128", SPF_FAIL },
		{ "v=spf1 ip4:192.0.2.0/25 -all", "::ffff:192.0.2.1",
		    SPF_PASS },
		{ "v=spf1 ip6:2001:db8::/33 -all", "2001:db8:7fff::1",
		    SPF_PASS },
		{ "v=spf1 ip6:2001:db8::/33 -all", "2001:db8:8000::1",
		    SPF_FAIL },
		{ "v=spf1 a -all", "192.0.2.1", SPF_PASS },
		{ "v=spf1 a//64 -all", "2001:db8::ff", SPF_PASS },
		{ "v=spf1 a//128 -all", "2001:db8::ff", SPF_FAIL },
		{ "v=spf1 mx -all", "192.0.2.2", SPF_PASS },
		{ "v=spf1 mx/24 -all", "192.0.2.200", SPF_PASS },
		{ "v=spf1 ptr -all", "192.0.2.2", SPF_PASS },
		{ "v=spf1 exists:%{ir}.list.test -all", "192.0.2.1",
		    SPF_PASS },
		{ "v=spf1 include:other.test -all", "198.51.100.1",
		    SPF_PASS },
		{ "v=spf1 redirect=other.test", "198.51.100.1", SPF_PASS },
		{ "v=spf1 redirect=other.test", "198.51.100.2", SPF_FAIL },
	};
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		zone_clear();
		txt("d.test", "another text");
		txt("d.test", rows[i].record);
		a("d.test", "192.0.2.1");
		a("d.test", "2001:db8::1");
		rr("d.test", SPF_MX, "mx.d.test", 9);
		a("mx.d.test", "192.0.2.2");
		rr("2.2.0.192.in-addr.arpa", SPF_PTR, "mx.d.test", 9);
		a("1.2.0.192.list.test", "127.0.0.2");
		txt("other.test", "v=spf1 ip4:198.51.100.1 -all");
		if (check(rows[i].ip, "h.test", "u@d.test") != rows[i].result)
			fail_msg("%s, %s: %s", rows[i].record, rows[i].ip,
			    spf_result_name(outcome.result));
	}
}

/* What a record must not have, and what is told of it. */
static void
test_syntax(void **state)
{
	static const char *const bad[] = {
		"ip4:192.0.2.256", "ip4:192.0.2.1/33", "ip4:192.0.2.1/032",
		"ip4", "ip6:192.0.2.1", "ip6:2001:db8::/129", "a:", "a/33",
		"a//129", "a:one", "all:x", "all/8", "include", "include:",
		"include:x.test/24", "exists", "ptr/24", "foo:x.test",
		"redirect=", "exp=x", "1=x", "a:%{x}.test", "a:%{d0}.test",
		"a:%{d", "a:%(d).test", "a:x.%", "mx:x.test/-1", "-",
		"foo=%{x}", "foo=%{c}", "foo=%{r}", "foo=%{t}", "a:%{c}.test",
	};
	char record[100];
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		zone_clear();
		/* The whole is read before anything is done (4.6). */
		snprintf(record, sizeof(record), "v=spf1 +all %s", bad[i]);
		txt("d.test", record);
		if (check("192.0.2.1", "h.test", "u@d.test") != SPF_PERMERROR)
			fail_msg("%s: %s", bad[i],
			    spf_result_name(outcome.result));
		assert_int_equal(outcome.fault, SPF_FAULT_SYNTAX);
		assert_string_equal(buf_str(&outcome.at), "d.test");
		assert_int_equal(strncmp(buf_str(&outcome.what) + 1, bad[i],
		    strlen(bad[i])), 0);
	}
	zone_clear();
	txt("d.test", "v=spf1 unknown=x%{d} a:%{d} -all redirect=x.test");
	assert_int_equal(check("192.0.2.1", "", "u@d.test"), SPF_FAIL);
}

static void
test_no_record(void **state)
{
	txt("d.test", "v=spf10 +all");
	assert_int_equal(check("192.0.2.1", "h", "u@d.test"), SPF_NONE);
	assert_int_equal(check("192.0.2.1", "h", ""), SPF_NONE);
	assert_int_equal(check("192.0.2.1", "[192.0.2.1]", ""), SPF_NONE);
	assert_int_equal(check("192.0.2.1", "h", "u@a..test"), SPF_NONE);
	assert_int_equal(questions, 0);
	txt("d.test", "v=spf1 +all");
	txt("d.test", "v=spf1 +all");
	assert_int_equal(check("192.0.2.1", "h", "u@d.test"), SPF_PERMERROR);
	assert_int_equal(outcome.fault, SPF_FAULT_DOUBLE);
	rr("later.test", LATER, "", 0);
	assert_int_equal(check("192.0.2.1", "h", "u@later.test"),
	    SPF_TEMPERROR);
	assert_int_equal(outcome.fault, SPF_FAULT_DNS);
	/* <>: the name of HELO. */
	txt("h.test", "v=spf1 +all");
	assert_int_equal(check("192.0.2.1", "h.test", ""), SPF_PASS);
}

/* %{p}: the domain itself goes before a name below it, that before others. */
static void
test_validated_name(void **state)
{
	static const char *const names[] = { "z.other.test", "u.d.test",
		"d.test" };
	char name[100];
	size_t i, k;

	for (i = 0; i < 3; i++) {
		zone_clear();
		txt("d.test", "v=spf1 exists:%{p}.x.test -all");
		/* The worst comes first. */
		for (k = 0; k <= i; k++) {
			rr("9.2.0.192.in-addr.arpa", SPF_PTR, names[k],
			    strlen(names[k]));
			a(names[k], "192.0.2.9");
		}
		snprintf(name, sizeof(name), "%s.x.test", names[i]);
		a(name, "127.0.0.2");
		assert_int_equal(check("192.0.2.9", "", "u@d.test"), SPF_PASS);
	}
	/* One that does not lead back is none. */
	zone_clear();
	txt("d.test", "v=spf1 exists:%{p}.x.test -all");
	rr("9.2.0.192.in-addr.arpa", SPF_PTR, "d.test", 6);
	a("d.test", "192.0.2.8");
	a("unknown.x.test", "127.0.0.2");
	assert_int_equal(check("192.0.2.9", "", "u@d.test"), SPF_PASS);
}

static void
include_chain(unsigned n)
{
	char name[40], record[100];
	unsigned i;

	zone_clear();
	for (i = 0; i < n; i++) {
		snprintf(name, sizeof(name), "d%u.test", i);
		snprintf(record, sizeof(record), "v=spf1 include:d%u.test",
		    i + 1);
		txt(name, record);
	}
	snprintf(name, sizeof(name), "d%u.test", n);
	txt(name, "v=spf1 +all");
}

static void
test_lookups(void **state)
{
	include_chain(10);
	assert_int_equal(check("192.0.2.1", "", "u@d0.test"), SPF_PASS);
	assert_int_equal(count("d0.test"), SPF_NEUTRAL);
	assert_int_equal(outcome.lookups, 10);
	include_chain(11);
	assert_int_equal(check("192.0.2.1", "", "u@d0.test"), SPF_PERMERROR);
	assert_int_equal(outcome.fault, SPF_FAULT_LOOKUPS);
	include_chain(14);
	assert_int_equal(count("d0.test"), SPF_PERMERROR);
	assert_int_equal(outcome.fault, SPF_FAULT_LOOKUPS);
	assert_int_equal(outcome.lookups, 14);
	/* One that includes itself. */
	zone_clear();
	txt("d.test", "v=spf1 include:d.test include:d.test");
	assert_int_equal(check("192.0.2.1", "", "u@d.test"), SPF_PERMERROR);
	assert_int_equal(count("d.test"), SPF_PERMERROR);
	assert_int_equal(outcome.lookups, SPF_COUNT_MAX);
	assert_in_range(questions, 1, 2 * SPF_COUNT_MAX);
}

/* Who matches early asks little; who counts sees all, up to "all". */
static void
test_count_sees_all(void **state)
{
	txt("d.test", "v=spf1 a mx ip4:192.0.2.9 exists:%{i}.x.test "
	    "include:e.test include:%{l}.f.test -all a a a");
	txt("e.test", "v=spf1 a:g.test redirect=g.test");
	txt("g.test", "v=spf1 ptr");
	a("d.test", "192.0.2.1");
	a("g.test", "2001:db8::1");
	rr("d.test", SPF_MX, "d.test", 6);
	assert_int_equal(check("192.0.2.1", "", "u@d.test"), SPF_PASS);
	assert_int_equal(outcome.lookups, 1);
	assert_int_equal(count("d.test"), SPF_NEUTRAL);
	assert_int_equal(outcome.lookups, 8);
	assert_int_equal(outcome.voids, 0);
}

static void
test_voids(void **state)
{
	txt("d.test", "v=spf1 a:n1.test a:n2.test ip4:192.0.2.1 -all");
	txt("e.test", "v=spf1 a:n1.test a:n2.test mx:n3.test +all");
	assert_int_equal(check("192.0.2.1", "", "u@d.test"), SPF_PASS);
	assert_int_equal(outcome.voids, 2);
	assert_int_equal(check("192.0.2.1", "", "u@e.test"), SPF_PERMERROR);
	assert_int_equal(outcome.fault, SPF_FAULT_VOIDS);
	assert_string_equal(buf_str(&outcome.what), "n3.test");
	assert_int_equal(count("e.test"), SPF_PERMERROR);
	assert_int_equal(outcome.fault, SPF_FAULT_VOIDS);
	assert_int_equal(outcome.voids, 3);
}

static void
test_absent_include(void **state)
{
	txt("d.test", "v=spf1 include:gone.test -all");
	assert_int_equal(check("192.0.2.1", "", "u@d.test"), SPF_PERMERROR);
	assert_int_equal(outcome.fault, SPF_FAULT_ABSENT);
	assert_string_equal(buf_str(&outcome.what), "gone.test");
	assert_int_equal(count("d.test"), SPF_PERMERROR);
}

/* The worst of records asks a bounded number of questions. */
static void
test_bounded(void **state)
{
	char name[40], record[200] = "v=spf1";
	int i, k;

	for (i = 0; i < 10; i++) {
		snprintf(record + strlen(record),
		    sizeof(record) - strlen(record), " mx:m%d.test", i);
		for (k = 0; k < 10; k++) {
			snprintf(name, sizeof(name), "h%d.test", k);
			rr((char[]){ 'm', (char)('0' + i), '.', 't', 'e', 's',
			    't', '\0' }, SPF_MX, name, strlen(name));
		}
	}
	for (k = 0; k < 10; k++) {
		snprintf(name, sizeof(name), "h%d.test", k);
		a(name, "192.0.2.9");
	}
	txt("d.test", record);
	assert_int_equal(check("192.0.2.1", "", "u@d.test"), SPF_NEUTRAL);
	assert_int_equal(questions, 111);
	assert_true(questions <= SPF_QUESTIONS_MAX);
	rr("m0.test", SPF_MX, "h99.test", 8);
	assert_int_equal(check("192.0.2.1", "", "u@d.test"), SPF_PERMERROR);
	assert_int_equal(outcome.fault, SPF_FAULT_NAMES);
}

static void
test_explanation(void **state)
{
	txt("d.test", "v=spf1 -all exp=why.%{d}");
	txt("why.d.test", "%{i} may not send as %{S} to %{r}, %{t}%%");
	assert_int_equal(check("2001:db8::1", "", "u+x@d.test"), SPF_FAIL);
	assert_string_equal(buf_str(&outcome.explanation), "2.0.0.1.0.D.B.8."
	    "0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.1 may not send as "
	    "u%2Bx%40d.test to mx.example.test, 1000%");
	txt("why.d.test", "two are none");
	assert_int_equal(check("192.0.2.1", "", "u@d.test"), SPF_FAIL);
	assert_string_equal(buf_str(&outcome.explanation), "");
}

/* A name that gets too long loses labels at its left; parts that explode do
   no harm. */
static void
test_long_macros(void **state)
{
	char sender[400];

	memset(sender, 'x', 60);
	memcpy(sender + 60, "@d.test", 8);
	txt("d.test", "v=spf1 exists:%{s}%{s}.%{l}.%{l}.%{l}.%{l}.%{l}.e.test"
	    " exists:%{d100r}%{i999999999999999999r}.e.test -all");
	assert_int_equal(check("192.0.2.1", "", sender), SPF_FAIL);
	assert_int_equal(outcome.voids, 2);
	/* "If the <sender> has no local-part, substitute the string
	   'postmaster'" (4.3), also where it is empty. */
	txt("p.test", "v=spf1 exists:%{l}.p.test -all");
	a("postmaster.p.test", "127.0.0.2");
	assert_int_equal(check("192.0.2.1", "", "@p.test"), SPF_PASS);
	assert_int_equal(check("192.0.2.1", "", "x@p.test"), SPF_FAIL);
}

static int
unhex(const char *hex, char *out, size_t size)
{
	size_t n = 0;
	unsigned v;

	for (; hex[0] != '\0' && hex[0] != '-' && n + 1 < size; hex += 2) {
		if (sscanf(hex, "%2x", &v) != 1)
			return -1;
		out[n++] = (char)v;
	}
	out[n] = '\0';
	return (int)n;
}

static int
run_file(const char *path)
{
	static char line[70000], one[1000], two[70000], three[1000];
	static char value[35000], name[500], helo[500], from[1000];
	FILE *f = fopen(path, "r");
	int type, n;

	if (f == NULL)
		return 1;
	while (fgets(line, sizeof(line), f) != NULL) {
		if (strcmp(line, "zone\n") == 0)
			zone_clear();
		else if (sscanf(line, "rr %999s %d %69999s", one, &type,
		    two) == 3) {
			n = unhex(two, value, sizeof(value));
			unhex(one, name, sizeof(name));
			rr(name, type, value, (size_t)n);
		} else if (sscanf(line, "case %999s %69999s %999s %999s", one,
		    two, three, value) == 4) {
			unhex(three, helo, sizeof(helo));
			unhex(value, from, sizeof(from));
			check(two, helo, from);
			printf("%s %s %s\n", one,
			    spf_result_name(outcome.result),
			    buf_str(&outcome.explanation));
		}
	}
	fclose(f);
	clear(NULL);
	return 0;
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_mechanisms, clear),
		cmocka_unit_test_teardown(test_syntax, clear),
		cmocka_unit_test_teardown(test_no_record, clear),
		cmocka_unit_test_teardown(test_validated_name, clear),
		cmocka_unit_test_teardown(test_lookups, clear),
		cmocka_unit_test_teardown(test_count_sees_all, clear),
		cmocka_unit_test_teardown(test_voids, clear),
		cmocka_unit_test_teardown(test_absent_include, clear),
		cmocka_unit_test_teardown(test_bounded, clear),
		cmocka_unit_test_teardown(test_explanation, clear),
		cmocka_unit_test_teardown(test_long_macros, clear),
	};

	if (argc > 1)
		return run_file(argv[1]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
