/*
 * What the answers of the DNS make of a mail domain: a zone that this test
 * answers from, and each look-up's outcome.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "lib/base/mem.h"
#include "lib/net/dns.h"
#include "relay/resolve_lookup.h"
#include "relay/resolve_probe.h"

enum { SILENT = 100, UNASKABLE };	/* beside enum dns_status */

#define V4(last)	"\300\0\2" last
#define LIE		"\306\063\144\120"	/* 198.51.100.80 */
#define LIE6		"\40\1\15\270\0\0\0\0\0\0\0\0\0\0\0\120"
#define US		V4("\143")	/* 192.0.2.99 */
#define MX(pref, name)	"\0" pref name, sizeof("\0" pref name)
#define IP(last)	V4(last), 4

static const struct zone {
	const char *name;
	enum dns_type type;
	int	 status;
	int	 insecure;
	struct { const char *p; int len; } data[4];
} zone[] = {
	{ "ok.test", DNS_MX, DNS_OK, 0, { { MX("\24", "\1b\2ok\4test") },
	  { MX("\12", "\1a\2ok\4test") } } },
	{ "a.ok.test", DNS_A, DNS_OK, 0, { { IP("\1") }, { IP("\2") } } },
	{ "a.ok.test", DNS_AAAA, DNS_OK, 0, { { "\40\1\15\270\0\0\0\0\0\0\0\0"
	  "\0\0\0\1", 16 } } },
	{ "b.ok.test", DNS_A, DNS_OK, 1, { { IP("\3") } } },
	{ "safe.test", DNS_MX, DNS_OK, 0, { { MX("\12", "\1a\2ok\4test") } } },
	{ "open.test", DNS_MX, DNS_OK, 1, { { MX("\12", "\1a\2ok\4test") } } },
	{ "temp.test", DNS_MX, DNS_TEMP, 0, { { NULL, 0 } } },
	{ "gone.test", DNS_MX, DNS_NXDOMAIN, 0, { { NULL, 0 } } },
	{ "null.test", DNS_MX, DNS_OK, 0, { { "\0\0\0", 3 } } },
	{ "nulls.test", DNS_MX, DNS_OK, 0, { { "\0\0\0", 3 },
	  { MX("\12", "\1a\2ok\4test") } } },
	{ "itself.test", DNS_A, DNS_OK, 0, { { IP("\4") } } },
	{ "bare.test", DNS_A, DNS_NODATA, 0, { { NULL, 0 } } },
	{ "late.test", DNS_A, DNS_NXDOMAIN, 0, { { NULL, 0 } } },
	{ "late.test", DNS_AAAA, DNS_NXDOMAIN, 0, { { NULL, 0 } } },
	{ "atemp.test", DNS_MX, DNS_OK, 0, { { MX("\12", "\1t\4test") } } },
	{ "t.test", DNS_A, DNS_TEMP, 0, { { NULL, 0 } } },
	{ "half.test", DNS_MX, DNS_OK, 0, { { MX("\12", "\1t\4test") },
	  { MX("\24", "\1b\2ok\4test") } } },
	{ "deaf.test", DNS_MX, SILENT, 0, { { NULL, 0 } } },
	{ "adeaf.test", DNS_MX, DNS_OK, 0, { { MX("\12", "\1d\4test") } } },
	{ "d.test", DNS_A, SILENT, 0, { { NULL, 0 } } },
	{ "hdeaf.test", DNS_MX, DNS_OK, 0, { { MX("\12", "\1d\4test") },
	  { MX("\24", "\1b\2ok\4test") } } },
	{ "loop.test", DNS_MX, DNS_OK, 0, { { MX("\12", "\2us\4test") } } },
	{ "us.test", DNS_A, DNS_OK, 0, { { US, 4 } } },
	{ "backup.test", DNS_MX, DNS_OK, 0, { { MX("\24", "\2us\4test") },
	  { MX("\12", "\1b\2ok\4test") }, { MX("\36", "\1a\2ok\4test") } } },
	{ "address.test", DNS_MX, DNS_OK, 0, { { MX("\12", "\1x\4test") } } },
	{ "x.test", DNS_A, DNS_OK, 0, { { US, 4 } } },
	{ "mute.test", DNS_MX, UNASKABLE, 0, { { NULL, 0 } } },
	{ "amute.test", DNS_MX, DNS_OK, 0, { { MX("\12", "\1m\4test") } } },
	{ "m.test", DNS_A, UNASKABLE, 0, { { NULL, 0 } } },
	{ "m.test", DNS_AAAA, UNASKABLE, 0, { { NULL, 0 } } },
	{ "dead.test", DNS_MX, DNS_OK, 0, { { MX("\12", "\4late\4test") } } },
	{ "both.test", DNS_MX, DNS_OK, 0, { { MX("\12", "\4both\4test") },
	  { MX("\24", "\4bare\4test") } } },
	{ "both.test", DNS_A, DNS_NXDOMAIN, 0, { { NULL, 0 } } },
	{ "both.test", DNS_AAAA, DNS_NXDOMAIN, 0, { { NULL, 0 } } },
	{ "noaaaa.test", DNS_A, DNS_OK, 0, { { IP("\4") } } },
	{ "noaaaa.test", DNS_AAAA, SILENT, 0, { { NULL, 0 } } },
	{ "typo.test", DNS_A, DNS_OK, 0, { { LIE, 4 } } },
	{ "typo6.test", DNS_AAAA, DNS_OK, 0, { { LIE6, 16 } } },
	{ "twice.test", DNS_A, DNS_OK, 0, { { LIE, 4 }, { IP("\4") } } },
	{ "tolie.test", DNS_MX, DNS_OK, 0, { { MX("\12", "\4typo\4test") },
	  { MX("\24", "\1b\2ok\4test") } } },
};

/* Of the name that the probe asks for. */
static const struct zone probes[] = {
	{ "", DNS_A, DNS_OK, 0, { { LIE, 4 } } },
	{ "", DNS_AAAA, DNS_OK, 0, { { LIE6, 16 } } },
	{ "", DNS_A, DNS_TEMP, 0, { { NULL, 0 } } },
	{ "", DNS_AAAA, DNS_TEMP, 0, { { NULL, 0 } } },
	{ "", DNS_A, DNS_NXDOMAIN, 0, { { NULL, 0 } } },
	{ "", DNS_AAAA, DNS_NXDOMAIN, 0, { { NULL, 0 } } },
};
enum { LIES, FAILS, HONEST };
static int probe = HONEST, probed;
static char probe_name[64];
static int64_t now = 1000;

int64_t	__wrap_clock_mono_ms(void);

int64_t
__wrap_clock_mono_ms(void)
{
	return now;
}


struct dns_query {
	struct dns_query *next;
	const struct zone *z;
	dns_callback *done;
	void	*arg;
};
static struct dns_query *asked;

struct dns_query *
dns_ask(const char *name, enum dns_type type, dns_callback *done, void *arg)
{
	struct dns_query *q = mem_zalloc(1, sizeof(*q));
	size_t i;

	q->done = done;
	q->arg = arg;
	for (i = 0; i < sizeof(zone) / sizeof(zone[0]); i++)
		if (strcmp(zone[i].name, name) == 0 && zone[i].type == type)
			q->z = &zone[i];
	if (strcmp(name + strlen(name) - 4, ".com") == 0) {
		snprintf(probe_name, sizeof(probe_name), "%s", name);
		q->z = &probes[2 * probe + (type == DNS_AAAA)];
		probed++;
	}
	if (q->z != NULL && q->z->status == UNASKABLE) {
		free(q);
		return NULL;
	}
	q->next = asked;
	asked = q;
	return q;
}

static void
forget(const struct dns_query *q)
{
	struct dns_query **at;

	for (at = &asked; *at != q; at = &(*at)->next)
		assert_non_null(*at);
	*at = q->next;
}

void
dns_cancel(struct dns_query **q)
{
	if (*q == NULL)
		return;
	forget(*q);
	free(*q);
	*q = NULL;
}

/* Answers one question; 0: none can be. What is not in the zone is empty. */
static int
reply(void)
{
	struct dns_answer a = { .status = DNS_NODATA, .secure = 1 };
	unsigned char *data[4];
	struct dns_query *q;
	int len[4];

	for (q = asked; q != NULL && q->z != NULL && q->z->status == SILENT;)
		q = q->next;
	if (q == NULL)
		return 0;
	forget(q);
	if (q->z != NULL) {
		a.status = (enum dns_status)q->z->status;
		a.secure = !q->z->insecure;
		a.why = "the name server failed";
	}
	while (q->z != NULL && a.n < 4 && q->z->data[a.n].p != NULL) {
		data[a.n] = (unsigned char *)(uintptr_t)q->z->data[a.n].p;
		len[a.n] = q->z->data[a.n].len;
		a.n++;
	}
	a.data = data;
	a.len = len;
	q->done(q->arg, q, &a);
	free(q);
	return 1;
}

/* The look-up's deadline, which this test lets pass. */
static ev_timer *deadline;
static int seconds;
void	__real_ev_timer_start(struct ev_loop *loop, ev_timer *w);
void	__wrap_ev_timer_start(struct ev_loop *loop, ev_timer *w);

void
__wrap_ev_timer_start(struct ev_loop *loop, ev_timer *w)
{
	if (w->at > 1) {
		assert_true((int)w->at == LOOKUP_SECONDS ||
		    (int)w->at == LOOKUP_GRACE);
		deadline = w;
		seconds = (int)w->at;
	}
	__real_ev_timer_start(loop, w);
}

static struct buf got = BUF_INIT(1000);
static int answered;

/* "STATUS words" or "0 pref name addresses,pref ..." and "secure". */
static void
done(void *arg, const struct lookup_answer *a)
{
	char text[INET6_ADDRSTRLEN];
	const struct host *h;
	unsigned i, k;

	assert_ptr_equal(arg, &got);
	answered++;
	buf_set(&got, "%d", (int)a->status);
	if (a->status != N_OK) {
		buf_printf(&got, " %s", a->words);
		assert_false(a->secure);
		return;
	}
	for (i = 0; i < a->hosts->n; i++) {
		h = &a->hosts->host[i];
		buf_printf(&got, " %u %s", h->pref, h->name);
		for (k = 0; k < h->n; k++)
			buf_printf(&got, " %s", inet_ntop(h->addr[k].family,
			    h->addr[k].octets, text, sizeof(text)));
	}
	if (a->secure)
		buf_puts(&got, " secure");
}

static struct resolve_address mine = { .family = AF_INET, .octets = US };
static const struct self self = { .hostname = "us.test", .addr = &mine,
	.n = 1 };

static void
look_up(enum n_type type, const char *name)
{
	struct ev_loop *loop = ev_loop_new(EVFLAG_AUTO);

	answered = 0;
	deadline = NULL;
	(void)lookup_start(loop, type, name, &self, done, &got);
	assert_int_equal(answered, 0);
	while (!answered && ev_run(loop, EVRUN_ONCE))
		while (!answered && reply())
			continue;
	ev_loop_destroy(loop);
}

static void
test_zone(void **state)
{
#define B	" 20 b.ok.test 192.0.2.3"
#define A	" a.ok.test 192.0.2.1 192.0.2.2 2001:db8::1"
	static const struct {
		enum n_type type;
		const char *name;
		enum n_status status;
		const char *rest;
	} t[] = {
		{ N_MX, "ok.test", N_OK, " 10" A B },
		{ N_MX, "OK.test.", N_OK, " 10" A B },
		{ N_MX, "safe.test", N_OK, " 10" A " secure" },
		{ N_MX, "open.test", N_OK, " 10" A },
		{ N_MX, "temp.test", N_TEMP, " 4.4.3 look-up of temp.test: "
		    "the name server failed" },
		{ N_MX, "gone.test", N_NO_DOMAIN, " 5.1.2 gone.test does not "
		    "exist" },
		{ N_MX, "null.test", N_NULL_MX, " 5.1.10 null.test takes no "
		    "mail (null MX)" },
		{ N_MX, "nulls.test", N_OK, " 10" A " secure" },
		/* no MX: the domain itself */
		{ N_MX, "itself.test", N_OK, " 0 itself.test 192.0.2.4 "
		    "secure" },
		{ N_MX, "bare.test", N_NO_ADDRESS, " 5.4.4 no mail host "
		    "of bare.test has an address" },
		{ N_MX, "late.test", N_NO_DOMAIN, " 5.1.2 late.test does not "
		    "exist" },
		{ N_MX, "dead.test", N_NO_ADDRESS, " 5.4.4 no mail host "
		    "of dead.test has an address" },
		/* there is a domain that names another host, too */
		{ N_MX, "both.test", N_NO_ADDRESS, " 5.4.4 no mail host "
		    "of both.test has an address" },
		/* doubt means later, and a host that is there is enough */
		{ N_MX, "atemp.test", N_TEMP, " 4.4.3 look-up of t.test: the "
		    "name server failed" },
		{ N_MX, "half.test", N_OK, B },
		{ N_MX, "mute.test", N_TEMP, " 4.4.3 look-up of mute.test: "
		    "could not be asked" },
		{ N_MX, "amute.test", N_TEMP, " 4.4.3 look-up of amute.test: "
		    "the addresses of its hosts are unknown" },
		/* ourselves, and what is behind us */
		{ N_MX, "loop.test", N_NO_ADDRESS, " 5.4.6 mail for "
		    "loop.test loops back to this host" },
		{ N_MX, "address.test", N_NO_ADDRESS, " 5.4.6 mail for "
		    "address.test loops back to this host" },
		{ N_MX, "backup.test", N_OK, " 10 b.ok.test 192.0.2.3" },
		/* a host is no domain */
		{ N_HOST, "us.test", N_OK, " 0 us.test 192.0.2.99 secure" },
		{ N_HOST, "ok.test", N_NO_ADDRESS, " 5.4.4 no mail host "
		    "of ok.test has an address" },
		{ N_HOST, "late.test", N_NO_DOMAIN, " 5.1.2 late.test does "
		    "not exist" },
		{ N_HOST, "t.test", N_TEMP, " 4.4.3 look-up of t.test: the "
		    "name server failed" },
		{ N_MX, "a..test", N_NO_DOMAIN, " 5.1.2 the domain is not a "
		    "name of the DNS" },
	};
	size_t i;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		look_up(t[i].type, t[i].name);
		if (buf_str(&got)[0] != '0' + (int)t[i].status ||
		    strcmp(buf_str(&got) + 1, t[i].rest) != 0)
			fail_msg("%s: \"%s\"", t[i].name, buf_str(&got));
		assert_null(asked);
	}
}

/* What is not answered by the deadline is not known, and the rest counts. */
static void
test_silence(void **state)
{
	static const struct {
		const char *name;
		enum n_status status;
		const char *rest;
	} t[] = {
		{ "deaf.test", N_TEMP, " 4.4.3 look-up of deaf.test: no "
		    "answer in time" },
		{ "adeaf.test", N_TEMP, " 4.4.3 look-up of adeaf.test: the "
		    "addresses of its hosts are unknown" },
		{ "hdeaf.test", N_OK, B },
	};
	struct ev_loop *loop;
	size_t i;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		loop = ev_loop_new(EVFLAG_AUTO);
		answered = 0;
		deadline = NULL;
		(void)lookup_start(loop, N_MX, t[i].name, &self, done, &got);
		while (deadline == NULL)
			ev_run(loop, EVRUN_ONCE);
		while (reply())
			continue;
		assert_int_equal(answered, 0);
		ev_invoke(loop, deadline, EV_TIMER);
		assert_int_equal(answered, 1);
		if (buf_str(&got)[0] != '0' + (int)t[i].status ||
		    strcmp(buf_str(&got) + 1, t[i].rest) != 0)
			fail_msg("%s: \"%s\"", t[i].name, buf_str(&got));
		assert_null(asked);
		ev_loop_destroy(loop);
	}
}

/* A host that has an address does not wait long for the rest. */
static void
test_grace(void **state)
{
	struct ev_loop *loop = ev_loop_new(EVFLAG_AUTO);

	answered = seconds = 0;
	(void)lookup_start(loop, N_HOST, "noaaaa.test", &self, done, &got);
	while (asked == NULL)
		ev_run(loop, EVRUN_ONCE);
	assert_int_equal(seconds, LOOKUP_SECONDS);
	while (reply())
		continue;
	assert_int_equal(answered, 0);
	assert_int_equal(seconds, LOOKUP_GRACE);
	ev_invoke(loop, deadline, EV_TIMER);
	assert_int_equal(answered, 1);
	assert_string_equal(buf_str(&got), "0 0 noaaaa.test 192.0.2.4 secure");
	ev_loop_destroy(loop);
}

static void
leads(enum n_type type, const char *name, const char *want)
{
	look_up(type, name);
	assert_string_equal(buf_str(&got), want);
}

/*
 * Where any name leads is no mail host. What is known of that holds an hour,
 * is asked again sooner after a failure, and changes.
 */
static void
test_probe(void **state)
{
#define DOUBT(host, ip)	"4 4.4.3 look-up of " host ": the name server says " \
	ip ", as for any name that does not exist"
	char first[sizeof(probe_name)];

	now += PROBE_AGE;
	probe = FAILS;
	probed = 0;
	leads(N_MX, "typo.test", "0 0 typo.test 198.51.100.80 secure");
	assert_int_equal(probed, 2);
	snprintf(first, sizeof(first), "%s", probe_name);
	now += PROBE_AGAIN - 1;
	leads(N_MX, "typo.test", "0 0 typo.test 198.51.100.80 secure");
	assert_int_equal(probed, 2);
	now++;
	probe = LIES;
	leads(N_MX, "typo.test", DOUBT("typo.test", "198.51.100.80"));
	assert_int_equal(probed, 4);
	assert_string_not_equal(first, probe_name);
	now += PROBE_AGE - 1;
	leads(N_HOST, "typo.test", DOUBT("typo.test", "198.51.100.80"));
	leads(N_MX, "typo6.test", DOUBT("typo6.test", "2001:db8::50"));
	/* What else there is counts. */
	leads(N_MX, "twice.test", "0 0 twice.test 192.0.2.4 secure");
	leads(N_MX, "tolie.test", "0" B);
	leads(N_MX, "ok.test", "0 10" A B);
	assert_int_equal(probed, 4);
	now++;
	probe = HONEST;
	leads(N_MX, "typo.test", "0 0 typo.test 198.51.100.80 secure");
	assert_int_equal(probed, 6);
}

/* Whose asker has gone hears nothing, and asks nothing more. */
static void
test_cancel(void **state)
{
	struct ev_loop *loop = ev_loop_new(EVFLAG_AUTO);
	struct lookup *l;

	answered = 0;
	deadline = NULL;
	l = lookup_start(loop, N_MX, "ok.test", &self, done, &got);
	while (asked == NULL)
		ev_run(loop, EVRUN_ONCE);
	lookup_cancel(&l);
	assert_null(l);
	assert_null(asked);
	l = lookup_start(loop, N_HOST, "ok.test", &self, done, &got);
	while (asked == NULL)
		ev_run(loop, EVRUN_ONCE);
	assert_int_equal(reply(), 1);
	lookup_cancel(&l);
	assert_null(asked);
	assert_int_equal(answered, 0);
	ev_loop_destroy(loop);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_zone),
		cmocka_unit_test(test_silence),
		cmocka_unit_test(test_grace),
		cmocka_unit_test(test_probe),
		cmocka_unit_test(test_cancel),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
