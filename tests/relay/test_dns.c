/*
 * What libunbound is told, and what its answers mean: this test stands in for
 * the library.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <unbound.h>
#include <cmocka.h>

#include "lib/base/mem.h"
#include "lib/net/dns.h"

static struct buf told = BUF_INIT(4000);	/* a line for each call */
static ub_callback_type pending;
static void *pending_arg;
static int refuses, freed, cancelled;

struct ub_ctx *
ub_ctx_create(void)
{
	static char it;

	return (struct ub_ctx *)(void *)&it;
}

void
ub_ctx_delete(struct ub_ctx *c)
{
}

static int
note(const char *what, const char *value)
{
	buf_printf(&told, "%s %s\n", what, value);
	return 0;
}

int
ub_ctx_set_option(struct ub_ctx *c, const char *opt, const char *val)
{
	return note(opt, val);
}

int
ub_ctx_set_fwd(struct ub_ctx *c, const char *addr)
{
	return note("server", addr);
}

int
ub_ctx_resolvconf(struct ub_ctx *c, const char *name)
{
	return note("resolv.conf", name == NULL ? "/etc" : name);
}

int
ub_ctx_add_ta_file(struct ub_ctx *c, const char *name)
{
	return note("anchor", name);
}

int
ub_ctx_debugout(struct ub_ctx *c, void *out)
{
	return note("debug", out == NULL ? "none" : "some");
}

int
ub_ctx_async(struct ub_ctx *c, int threads)
{
	return note("async", threads ? "thread" : "process");
}

int
ub_ctx_zone_add(struct ub_ctx *c, const char *zone, const char *type)
{
	return note("zone", zone);
}

int
ub_ctx_zone_remove(struct ub_ctx *c, const char *zone)
{
	return note("no zone", zone);
}

int
ub_fd(struct ub_ctx *c)
{
	return STDIN_FILENO;
}

int
ub_process(struct ub_ctx *c)
{
	return 0;
}

const char *
ub_strerror(int e)
{
	return "the library's words";
}

int
ub_resolve_async(struct ub_ctx *c, const char *name, int type, int class,
    void *arg, ub_callback_type done, int *id)
{
	if (refuses)
		return -1;
	assert_int_equal(class, 1);
	assert_int_equal(type, DNS_MX);
	assert_string_equal(name, "example.test");
	pending = done;
	pending_arg = arg;
	*id = 7;
	return 0;
}

int
ub_cancel(struct ub_ctx *c, int id)
{
	assert_int_equal(id, 7);
	cancelled++;
	return 0;
}

void
ub_resolve_free(struct ub_result *r)
{
	freed++;
}

static struct dns_answer got;
static int answers;

static void
done(void *arg, struct dns_query *q, const struct dns_answer *a)
{
	assert_ptr_equal(arg, &got);
	assert_non_null(q);
	got = *a;
	answers++;
}

static void
test_answers(void **state)
{
	static char one[] = "1", two[] = "22";
	static char *data[] = { one, two, NULL };
	static int lens[] = { 1, 2 };
	static const struct {
		int	 err, none;
		struct ub_result r;
		enum dns_status status;
		const char *why;
	} t[] = {
		{ 0, 0, { .havedata = 1, .data = data, .len = lens }, DNS_OK,
		    NULL },
		{ 0, 0, { .havedata = 1, .secure = 1, .data = data,
		    .len = lens }, DNS_OK, NULL },
		{ 0, 0, { .havedata = 0 }, DNS_NODATA, NULL },
		{ 0, 0, { .nxdomain = 1, .rcode = 3 }, DNS_NXDOMAIN, NULL },
		{ 0, 0, { .rcode = 2 }, DNS_TEMP, "the name server failed" },
		{ 0, 0, { .rcode = 5 }, DNS_TEMP, "the name server refused" },
		{ 0, 0, { .rcode = 2, .havedata = 1, .data = data,
		    .len = lens }, DNS_TEMP, "the name server failed" },
		/* What is forged is no answer, whatever it says. */
		{ 0, 0, { .bogus = 1, .havedata = 1, .data = data,
		    .len = lens }, DNS_TEMP,
		    "the signature of the answer is wrong" },
		{ 0, 0, { .bogus = 1, .nxdomain = 1, .rcode = 3 }, DNS_TEMP,
		    "the signature of the answer is wrong" },
		{ -3, 0, { .havedata = 1, .data = data, .len = lens },
		    DNS_TEMP, "the library's words" },
		{ 0, 1, { .havedata = 0 }, DNS_TEMP, "no answer" },
	};
	struct ub_result r;
	size_t i;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		answers = freed = 0;
		assert_non_null(dns_ask("example.test", DNS_MX, done, &got));
		r = t[i].r;
		pending(pending_arg, t[i].err, t[i].none ? NULL : &r);
		assert_int_equal(answers, 1);
		assert_int_equal(freed, !t[i].none);
		if (got.status != t[i].status)
			fail_msg("%zu: status %d", i, got.status);
		assert_int_equal(got.n, got.status == DNS_OK ? 2 : 0);
		assert_int_equal(got.secure, r.secure);
		if (got.status == DNS_OK)
			assert_int_equal(got.len[1], 2);
		if (t[i].why != NULL)
			assert_string_equal(got.why, t[i].why);
	}
}

static void
test_question(void **state)
{
	struct dns_query *q;

	refuses = 1;
	assert_null(dns_ask("example.test", DNS_MX, done, &got));
	refuses = 0;
	q = dns_ask("example.test", DNS_MX, done, &got);
	assert_non_null(q);
	dns_cancel(&q);
	assert_null(q);
	assert_int_equal(cancelled, 1);
	dns_cancel(&q);
	assert_int_equal(cancelled, 1);
}

static void
says(const char *line, int want)
{
	if ((strstr(buf_str(&told), line) != NULL) != want)
		fail_msg("%s is%s told", line, want ? " not" : "");
}

/* What keeps a stub resolver from serving old faults is told each time. */
static void
test_options(void **state)
{
	static const char *const always[] = {
		"do-not-query-localhost: no\n", "infra-host-ttl: 30\n",
		"infra-keep-probing: yes\n", "cache-max-negative-ttl: 300\n",
		"cache-max-ttl: 86400\n", "use-syslog: no\n", "debug none\n",
		"async thread\n", "zone invalid.\n",
	};
	static const struct {
		const char *servers, *anchor;
	} t[] = { { "", "" }, { "192.0.2.1, 2001:db8::1@5353", "" },
		{ "", "/etc/anchor" }, { "192.0.2.1@53", "/etc/anchor" },
		{ "root", "" } };
	struct buf why = BUF_INIT(300);
	size_t i, k;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		buf_reset(&told);
		assert_int_equal(dns_open(t[i].servers, t[i].anchor, &why), 0);
		for (k = 0; k < sizeof(always) / sizeof(always[0]); k++)
			says(always[k], 1);
		/* Who starts at the root forwards to nobody. */
		says("resolv.conf /etc\n", i == 0 || i == 2);
		says("server", i % 2 == 1);
		says("server 192.0.2.1\n", i == 1);
		says("server 2001:db8::1@5353\n", i == 1);
		says("server 192.0.2.1@53\n", i == 3);
		/* Without an anchor nothing is validated. */
		says("module-config: iterator\n", i < 2 || i == 4);
		says("anchor /etc/anchor\n", i == 2 || i == 3);
		/* Who names a server means it, for those names too. */
		says("unblock-lan-zones: yes\n", i % 2 == 1);
		says("no zone test.\n", i % 2 == 1);
		says("no zone home.arpa.\n", i % 2 == 1);
	}
	buf_clear(&why);
}

static void
test_servers(void **state)
{
	static const struct { const char *text; int r; } t[] = {
		{ "192.0.2.1", 0 }, { "192.0.2.1@1", 0 }, { "root", 0 },
		{ "root 192.0.2.1", -1 },
		{ "192.0.2.1@65535", 0 }, { "192.0.2.1@65536", -1 },
		{ "192.0.2.1@0", -1 }, { "192.0.2.1@", -1 },
		{ "192.0.2.1@x", -1 }, { "192.0.2.1:53", -1 },
		{ "fe80::1%eth0", 0 }, { "fe80::1%eth0@53", 0 },
		{ "ns.example.test", -1 }, { "192.0.2.1 x", -1 },
		{ "192.0.2", -1 },
	};
	struct buf why = BUF_INIT(300);
	size_t i;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++)
		if (dns_check(t[i].text, "", &why) != t[i].r)
			fail_msg("%s", t[i].text);
	assert_int_equal(dns_check("", "/no/such/anchor", &why), -1);
	assert_non_null(strstr(buf_str(&why), "/no/such/anchor"));
	buf_clear(&why);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_answers),
		cmocka_unit_test(test_question),
		cmocka_unit_test(test_options),
		cmocka_unit_test(test_servers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
