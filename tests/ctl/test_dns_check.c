/*
 * What dns check reads of records, and what it finds where the suite has no
 * zone for it: keys of DKIM. This test stands in for the DNS.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ctl/dns_check.h"
#include "ctl/dns_dmarc.h"
#include "ctl/dns_rr.h"

const struct dns_asked *__wrap_dns_question(enum dns_type type,
	    const char *name);

static struct dns_asked answer;
static struct findings found;
static struct dns_host host;
static struct dns_keys keys;

const struct dns_asked *
__wrap_dns_question(enum dns_type type, const char *name)
{
	assert_int_equal(type, DNS_TXT);
	assert_string_equal(name, "s1._domainkey.example.test");
	return &answer;
}

/* A TXT of several strings; NULL ends them. */
static void
txt(const char *first, ...)
{
	struct buf rdata = BUF_INIT(0);
	const char *s;
	va_list ap;

	va_start(ap, first);
	for (s = first; s != NULL; s = va_arg(ap, const char *)) {
		buf_put_u8(&rdata, (uint8_t)strlen(s));
		buf_puts(&rdata, s);
	}
	va_end(ap);
	buf_put_lv(&answer.records, buf_str(&rdata), rdata.len);
	answer.status = DNS_OK;
	answer.n++;
	buf_clear(&rdata);
}

static void
key_finds(const char *codes)
{
	struct dns_check c = { .h = &host, .l = &found };
	struct buf got = BUF_INIT(0);
	size_t i;

	dns_check_dkim(&c, "example.test", &keys);
	for (i = 0; i < found.n; i++)
		buf_printf(&got, "%s%s", i > 0 ? " " : "",
		    finding_name(found.f[i].code));
	assert_string_equal(buf_str(&got), codes);
	findings_clear(&found);
	buf_clear(&got);
	buf_clear(&answer.records);
	memset(&answer, 0, sizeof(answer));
}

static void
test_dkim(void **state)
{
	dns_keys_add(&keys, "s1", "v=DKIM1; k=rsa; p=AbCdEf+/==");
	answer.status = DNS_NXDOMAIN;
	key_finds("dkim-missing");
	answer.status = DNS_TEMP;
	key_finds("dns-later");
	txt("v=DKIM1; k=rsa; p=AbCdEf+/==", NULL);
	key_finds("");
	/* In pieces, with blanks, tags in another order. */
	txt("p=AbCd", "Ef+/= =;k=rsa", NULL);
	key_finds("");
	txt("v=DKIM1; k=rsa; p=AbCdEf+/=", NULL);
	key_finds("dkim-other");
	txt("v=DKIM1; p=", NULL);
	key_finds("dkim-other");
	txt("v=DKIM1; k=rsa; p=abcdef+/==", NULL);
	key_finds("dkim-other");
	dns_keys_clear(&keys);
	key_finds("");
}

static void
test_dmarc(void **state)
{
	static const struct {
		const char *text;
		enum dmarc_judged judged;
		const char *where;
	} rows[] = {
		{ "v=DMARC1; p=none", DMARC_GOOD, "" },
		{ "v=DMARC1;p=reject;", DMARC_GOOD, "" },
		{ "v = DMARC1 ; p = quarantine ; sp=none; adkim=s; aspf=r; "
		    "fo=1:d; t=y; psd=n; np=reject", DMARC_GOOD, "" },
		{ "v=DMARC1; p=none; rua=mailto:a@b.test, mailto:c@d.test!10m;"
		    " pct=50; x=y", DMARC_GOOD, "" },
		{ "v=spf1 -all", DMARC_NONE, "" },
		{ "", DMARC_NONE, "" },
		{ "p=none; v=DMARC1", DMARC_NONE, "" },
		{ "v=dmarc1; p=none", DMARC_WRONG, "v=dmarc1" },
		{ "v=DMARC1 p=none", DMARC_WRONG, "v=DMARC1 p=none" },
		{ "v=DMARC1", DMARC_WRONG, "p=" },
		{ "v=DMARC1; sp=none", DMARC_WRONG, "p=" },
		{ "v=DMARC1; p=never; sp=none", DMARC_WRONG, "p=never" },
		{ "v=DMARC1; p=none; p=none", DMARC_WRONG, "p=none" },
		{ "v=DMARC1; p=none; adkim=x", DMARC_WRONG, "adkim=x" },
		{ "v=DMARC1; p=none; fo=1:x", DMARC_WRONG, "fo=1:x" },
		{ "v=DMARC1; p=none; rua=a@b.test", DMARC_WRONG,
		    "rua=a@b.test" },
		{ "v=DMARC1; p=none; rua=mailto:nobody", DMARC_WRONG,
		    "rua=mailto:nobody" },
		{ "v=DMARC1; p=none, sp=none", DMARC_WRONG,
		    "p=none, sp=none" },
		{ "v=DMARC1;; p=none", DMARC_WRONG, "" },
		{ "v=DMARC1; p=none; quarantine", DMARC_WRONG, "quarantine" },
	};
	struct buf where = BUF_INIT(200);
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		buf_reset(&where);
		if (dmarc_judge(rows[i].text, strlen(rows[i].text), &where) !=
		    rows[i].judged)
			fail_msg("%s", rows[i].text);
		assert_string_equal(buf_str(&where), rows[i].where);
	}
	buf_clear(&where);
}

#define RR(s) (const unsigned char *)(s), sizeof(s) - 1

static void
test_rdata(void **state)
{
	struct buf text = BUF_INIT(20);
	char name[DOMAIN_MAX + 1];
	unsigned char longest[300];
	struct dns_srv srv;
	unsigned pref;

	assert_int_equal(dns_rr_name(RR("\4Mail\4test\0"), name), 0);
	assert_string_equal(name, "mail.test");
	assert_int_equal(dns_rr_name(RR("\0"), name), 0);
	assert_string_equal(name, "");
	assert_int_equal(dns_rr_name(RR("\4a.b\n\4t\033st\0"), name), 0);
	assert_string_equal(name, "a?b?.t?st");
	assert_int_equal(dns_rr_name(RR(""), name), -1);
	assert_int_equal(dns_rr_name(RR("\4mail"), name), -1);
	assert_int_equal(dns_rr_name(RR("\4mai"), name), -1);
	assert_int_equal(dns_rr_name(RR("\1a\0b"), name), -1);
	assert_int_equal(dns_rr_name(RR("\300\14"), name), -1);
	memset(longest, 1, sizeof(longest));
	longest[299] = 0;
	assert_int_equal(dns_rr_name(longest, sizeof(longest), name), -1);
	assert_int_equal(dns_rr_mx(RR("\1\2\1a\0"), &pref, name), 0);
	assert_int_equal(pref, 258);
	assert_int_equal(dns_rr_mx(RR("\1"), &pref, name), -1);
	assert_int_equal(dns_rr_srv(RR("\0\1\0\2\3\343\1a\0"), &srv), 0);
	assert_int_equal(srv.priority, 1);
	assert_int_equal(srv.weight, 2);
	assert_int_equal(srv.port, 995);
	assert_int_equal(dns_rr_srv(RR("\0\1\0\2\3"), &srv), -1);
	assert_int_equal(dns_rr_txt(RR("\2ab\0\1c"), &text), 0);
	assert_string_equal(buf_str(&text), "abc");
	assert_int_equal(dns_rr_txt(RR("\3ab"), &text), -1);
	buf_clear(&text);
}

/* What others wrote cannot steer a terminal. */
static void
test_sentences(void **state)
{
	enum finding_code code;

	finding_add(&found, FINDING_MX_DEAD, "example.test", "mx.test",
	    "it says \"\033[2J\a\302\233\377\303\274\"", NULL);
	assert_string_equal(found.f[0].finding, "The MX mx.test of "
	    "example.test does not take mail: it says \"?[2J???\303\274\".");
	findings_clear(&found);
	assert_int_equal(findings_exit(&found), CTL_DONE);
	for (code = 0; code < FINDING_CODES; code++)
		finding_add(&found, code, "a.test", "b", "c", "d");
	assert_int_equal(found.n, FINDING_CODES);
	assert_int_equal(findings_exit(&found), CTL_REFUSED);
	assert_int_equal(findings_count(&found, 0, "a.test", FINDING_NO_MX),
	    1);
	findings_clear(&found);
	finding_add(&found, FINDING_DNS_LATER, "a.test", "b", "c", NULL);
	assert_int_equal(findings_exit(&found), CTL_LATER);
	findings_clear(&found);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_dkim), cmocka_unit_test(test_dmarc),
		cmocka_unit_test(test_rdata),
		cmocka_unit_test(test_sentences),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
