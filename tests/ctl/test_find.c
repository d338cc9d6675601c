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
#include "ctl/find_autoconfig.h"
#include "ctl/find_net.h"
#include "ctl/find_pack.h"
#include "ctl/find_preset.h"
#include "ctl/setup_facts.h"
#include "lib/mail/trial.h"

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

	n.outer = FIND_OUTER_PUBLIC;
	d->port25 = d->ptr = FIND_YES;
	strcpy(d->port25_host, "mx.example");
	strcpy(d->port25_why, "says no");
	assert_int_equal(find_profile(&n, d, &reason), FIND_PROFILE_RELAY);
	assert_non_null(strstr(buf_str(&reason),
	    "mx.example refuses this machine (says no)"));
	d->port25_why[0] = '\0';
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		n.outer = rows[i].outer;
		d->port25 = rows[i].port25;
		d->ptr = rows[i].ptr;
		if (find_profile(&n, d, &reason) != rows[i].profile ||
		    strstr(buf_str(&reason), rows[i].reason) == NULL)
			fail_msg("%zu: %s", i, buf_str(&reason));
	}
	/* The last row has no IPv4 address. */
	strcpy(n.ipv6_address, "2001:db8::7");
	assert_int_equal(find_profile(&n, d, &reason),
	    FIND_PROFILE_COLLECTOR);
	assert_non_null(strstr(buf_str(&reason),
	    "no IPv4 address, only 2001:db8::7:"));
	n.outer = FIND_OUTER_PUBLIC;
	assert_int_equal(find_profile(&n, NULL, &reason),
	    FIND_PROFILE_DIRECT);
	buf_clear(&reason);
	free(d);
}

/* A name in the domain that reverse DNS has is the server's; another one is
   none of its. */
static void
test_name_of_ptr(void **state)
{
	static const struct { const char *ptr, *name; enum find_known known;
	    enum find_profile profile; } rows[] = {
		{ "mx1.example.org", "mx1.example.org", FIND_UNKNOWN,
		    FIND_PROFILE_DIRECT },
		{ "v7.host.example", "mail.example.org", FIND_NO,
		    FIND_PROFILE_RELAY },
		{ "", "mail.example.org", FIND_NO, FIND_PROFILE_RELAY },
	};
	struct facts *f = calloc(1, sizeof(*f));
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		f->known = 1;
		f->net.outer = FIND_OUTER_PUBLIC;
		f->domain.ptr = FIND_NO;
		f->domain.port25 = FIND_YES;
		strcpy(f->name, "mail.example.org");
		strcpy(f->domain.ptr_name, rows[i].ptr);
		f->ask.hostname = f->name;
		facts_judge(f, "example.org");
		assert_string_equal(f->name, rows[i].name);
		assert_int_equal(f->domain.ptr, rows[i].known);
		assert_int_equal(f->profile, rows[i].profile);
	}
	/* Who has a name already is told that it is another one. */
	strcpy(f->domain.ptr_name, "mx1.example.org");
	f->ask.hostname = "mail.example.org";
	facts_judge(f, "example.org");
	assert_int_equal(f->profile, FIND_PROFILE_RELAY);
	assert_non_null(strstr(buf_str(&f->reason), "mx1.example.org"));
	facts_free(&f);
}

static int
autoconfig(const char *xml, struct find_servers *l)
{
	/* Its end is its end: sanitizers see a step beyond. */
	size_t len = strlen(xml);
	char *copy = malloc(len + 1);
	int r;

	memcpy(copy, xml, len);
	r = find_autoconfig(copy, len, l);
	free(copy);
	return r;
}

#define SERVER(more) "<emailProvider><incomingServer type='imap'>" \
	"<hostname>imap.far.example</hostname><port>993</port>" more \
	"</incomingServer></emailProvider>"

static void
test_autoconfig(void **state)
{
	static const struct { const char *xml; int r; size_t n; } rows[] = {
		{ SERVER(""), 0, 1 },
		{ "<!-- <x> -->" SERVER("<!-- </incomingServer> -->"), 0, 1 },
		{ "<?xml version='1.0'?>" SERVER("<br/>"), 0, 1 },
		{ SERVER("<port>0</port>"), 0, 0 },
		{ SERVER("<port>65536</port>"), 0, 1 },
		{ SERVER("<hostname>bad host</hostname>"), 0, 0 },
		{ "<!DOCTYPE x [<!ENTITY a 'b'>]>" SERVER(""), -1, 0 },
		{ "<html><body>not here</body></html>", -1, 0 },
		{ "", -1, 0 },
		{ "<", -1, 0 }, { "<>", -1, 0 }, { "<!--", -1, 0 },
		{ "</x>", -1, 0 },
		{ "<emailProvider><incomingServer type='smtp'><hostname>a.b"
		    "</hostname><port>1</port></incomingServer>", 0, 0 },
		{ "<emailProvider><a><a><a><a><a><a><a><a><a><a><a><a><a><a>"
		    "<a><a>", -1, 0 },
	};
	struct find_servers *l = calloc(1, sizeof(*l));
	char long_name[FIND_TEXT_MAX + 1];
	struct buf many = BUF_INIT(0);
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (autoconfig(rows[i].xml, l) != rows[i].r ||
		    (rows[i].r == 0 && l->n != rows[i].n))
			fail_msg("%s: %zu", rows[i].xml, l->n);
	assert_int_equal(autoconfig(SERVER("<socketType>STARTTLS</socketType>"
	    "<username>a&amp;b%EMAILDOMAIN%</username><authentication>secure"
	    "</authentication>"), l), 0);
	assert_int_equal(l->s[0].tls, FIND_STARTTLS);
	assert_int_equal(l->s[0].auth, FIND_AUTH_ENCRYPTED);
	assert_string_equal(l->s[0].login, "a&b%EMAILDOMAIN%");
	/* A text that just fits, and one that just does not. */
	for (i = FIND_TEXT_MAX - 1; i <= FIND_TEXT_MAX; i++) {
		memset(long_name, 'x', i);
		long_name[i] = '\0';
		buf_set(&many, "<emailProvider><incomingServer type='imap'>"
		    "<hostname>a.example</hostname><port>993</port><username>"
		    "%s</username></incomingServer></emailProvider>",
		    long_name);
		assert_int_equal(autoconfig(buf_str(&many), l), 0);
		assert_int_equal(l->n, 1);
		assert_int_equal(strlen(l->s[0].login), i < FIND_TEXT_MAX ?
		    i : 0);
	}
	buf_reset(&many);
	for (i = 0; i < 2 * FIND_SERVERS_MAX; i++)
		buf_puts(&many, SERVER(""));
	assert_int_equal(autoconfig(buf_str(&many), l), 0);
	assert_int_equal(l->n, FIND_SERVERS_MAX);
	buf_clear(&many);
	free(l);
}

/* What goes through the pipe comes out; what is cut or out of bounds does not. */
static void
test_pack(void **state)
{
	struct find_domain *d = calloc(1, sizeof(*d)), *e = calloc(1,
	    sizeof(*e));
	struct buf b = BUF_INIT(FIND_ANSWER_MAX);
	size_t i;

	d->exists = FIND_YES;
	d->port25 = FIND_NO;
	strcpy(d->port25_why, "says \033[31m");
	strcpy(d->mx[d->n_mx++], "mx.far.example");
	d->srv.n = 1;
	d->srv.s[0] = (struct find_server){ .source = FIND_SRV, .port = 993,
		.protocol = FIND_IMAP, .host = "imap.far.example" };
	d->autoconfig.n = FIND_SERVERS_MAX;
	for (i = 0; i < FIND_SERVERS_MAX; i++) {
		memset(d->autoconfig.s[i].login, 'x', FIND_TEXT_MAX - 1);
		strcpy(d->autoconfig.s[i].host, "a.example");
	}
	find_pack_domain(&b, d);
	assert_int_equal(find_unpack_domain(b.data, b.len, e), 0);
	assert_string_equal(e->port25_why, "says ?[31m");
	strcpy(d->port25_why, e->port25_why);
	assert_memory_equal(d, e, sizeof(*d));
	for (i = 0; i < b.len; i++)
		assert_int_equal(find_unpack_domain(b.data, i, e), -1);
	assert_int_equal(e->n_mx, 0);
	buf_putc(&b, 0);
	assert_int_equal(find_unpack_domain(b.data, b.len, e), -1);
	/* A name that is none, and a count over its bound. */
	strcpy(d->srv.s[0].host, "a b\"");
	buf_reset(&b);
	find_pack_domain(&b, d);
	assert_int_equal(find_unpack_domain(b.data, b.len, e), -1);
	buf_reset(&b);
	buf_put_u32(&b, 1);
	buf_put_u32(&b, 1);
	buf_put_u32(&b, FIND_MX_MAX + 1);
	assert_int_equal(find_unpack_domain(b.data, b.len, e), -1);
	buf_clear(&b);
	free(d);
	free(e);
}

static void
test_trial_pack(void **state)
{
	struct trial_question q = { .host = "smtp.far.example", .port = 465,
		.user = "anna", .password = "secret", .n = 1,
		.ip = { "192.0.2.1" } }, r;
	struct buf b = BUF_INIT(TRIAL_QUESTION_MAX);
	char words[TRIAL_WORDS_MAX + 1];
	enum trial_result t;
	size_t i;

	trial_pack(&b, &q);
	assert_int_equal(trial_unpack(b.data, b.len, &r), 0);
	assert_memory_equal(&q, &r, sizeof(q));
	for (i = 0; i < b.len; i++)
		assert_int_equal(trial_unpack(b.data, i, &r), -1);
	strcpy(q.user, "anna\r\nDATA");
	buf_reset(&b);
	trial_pack(&b, &q);
	assert_int_equal(trial_unpack(b.data, b.len, &r), -1);
	buf_reset(&b);
	trial_pack_answer(&b, TRIAL_PASSWORD, "535 \033[0m");
	assert_int_equal(trial_unpack_answer(b.data, b.len, &t, words), 0);
	assert_int_equal(t, TRIAL_PASSWORD);
	assert_string_equal(words, "535 ?[0m");
	buf_reset(&b);
	trial_pack_answer(&b, TRIAL_RESULTS, "");
	assert_int_equal(trial_unpack_answer(b.data, b.len, &t, words), -1);
	buf_clear(&b);
}

static void
provider(const char *text, int r, const char *why)
{
	struct buf w = BUF_INIT(400);
	struct preset x = PRESET_INIT;
	unsigned line = 0;
	const char *p = text;
	int got, last = 0;

	while ((got = preset_next(&p, &line, &x, &w)) == 1)
		last = 1;
	if (got == 0)
		got = last;
	if (got != r || strstr(buf_str(&w), why) == NULL)
		fail_msg("%s: %d %s", text, got, buf_str(&w));
	preset_clear(&x);
	buf_clear(&w);
}

#define P "provider far.example Far\n"
#define S "smtp smtp.far.example 465 tls %EMAILADDRESS% password"

static void
test_presets(void **state)
{
	provider("", 0, "");
	provider("# nothing\n\n", 0, "");
	provider(P S " -\n", 1, "");
	provider(P S ",oauth2 60\n" P S " -", 1, "");
	provider(S " -\n", -1, "1: the first line");
	provider("\n" P S "\n", -1, "3: a server is");
	provider(P S " - -\n", -1, "2: a server is");
	provider(P S ",x -\n", -1, "2: a server is");
	provider(P S " 0\n", -1, "2: a server is");
	provider(P S " 86401\n", -1, "2: a server is");
	provider(P "smtp a b tls - - -\n", -1, "2: a server is");
	provider(P "lmtp a.b 1 tls - - -\n", -1, "2: a server is");
	provider(P "domains a_b..c\n", -1, "2: \"a_b..c\" is no name");
	provider(P "smtp mail.%EMAILDOMAIN% 465 tls - - -\n", 1, "");
	provider(P "smtp %EMAILDOMAIN% 465 tls - - -\n", 1, "");
	provider(P "smtp a%EMAILDOMAIN% 465 tls - - -\n", -1, "2: a server");
	provider("provider far.example\n", -1, "1: a provider is");
}

/* By domain, whole; by the first MX and what is below it; the domain first. */
static void
test_preset_names(void **state)
{
	static const char text[] = P "domains far.example FAR.test\n"
	    "mx mx.far.example\n" S " 300\n";
	struct preset x = PRESET_INIT;
	struct buf why = BUF_INIT(400);
	const char *p = text;
	unsigned line = 0;

	assert_int_equal(preset_next(&p, &line, &x, &why), 1);
	assert_string_equal(x.p.id, "far.example");
	assert_string_equal(x.p.name, "Far");
	assert_int_equal(x.p.servers.n, 1);
	assert_int_equal(x.p.servers.s[0].poll, 300);
	assert_true(preset_has_domain(&x, "far.example"));
	assert_true(preset_has_domain(&x, "far.TEST"));
	assert_false(preset_has_domain(&x, "test"));
	assert_false(preset_has_domain(&x, "a.far.example"));
	assert_false(preset_has_domain(&x, ""));
	assert_true(preset_has_mx(&x, "mx.far.example"));
	assert_true(preset_has_mx(&x, "a.MX.far.example"));
	assert_false(preset_has_mx(&x, "mx.afar.example"));
	assert_true(preset_has_mx(&x, "mx1.far.test"));
	assert_false(preset_has_mx(&x, "mx1.other.test"));
	preset_clear(&x);
	buf_clear(&why);
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
		cmocka_unit_test(test_name_of_ptr),
		cmocka_unit_test(test_autoconfig),
		cmocka_unit_test(test_pack),
		cmocka_unit_test(test_trial_pack),
		cmocka_unit_test(test_presets),
		cmocka_unit_test(test_preset_names),
		cmocka_unit_test(test_this_machine),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
