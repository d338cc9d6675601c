/* What passwd says of an account's passwords, and SCRAM keys. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "lib/base/base64.h"
#include "lib/mail/credential.h"
#include "lib/mail/protocols.h"
#include "lib/mail/scram.h"

#define SALT "W22ZaJ0SNY7soEsUEjb6gQ=="
#define KEY "WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY="

static void
test_fields(void **state)
{
	static const struct {
		const char *text;
		const char *kinds;	/* c s a p o, x: no field */
		const char *hash;	/* NULL: none */
	} rows[] = {
		{ "", "", NULL },
		{ "$y$j9T$ab$cd", "c", "$y$j9T$ab$cd" },
		{ "{SSHA512}abc==", "c", "{SSHA512}abc==" },
		{ "crypt=$6$a$b", "c", "$6$a$b" },
		{ "$6$a$b:scram-sha-256=1,2:app=x", "csa", "$6$a$b" },
		{ "app=a,b,c,d:crypt=$6$a$b", "ac", "$6$a$b" },
		{ "$6$a$b:protocols=imap", "cp", "$6$a$b" },
		{ "totp=1=2:crypt=x:z-9=", "oco", "x" },
		{ "crypt=", "c", NULL },
		{ "crypt=a:$6$b", "cx", "a" },
		{ "Crypt=a", "x", NULL },
		{ "=a", "x", NULL },
		{ "crypt", "x", NULL },
		{ "crypt=a:", "cx", "a" },
		{ "crypt=a::b=c", "cxo", "a" },
		{ "a2345678901234567890123456789012=b", "o", NULL },
		{ "a23456789012345678901234567890123=b", "x", NULL },
	};
	static const char letters[] = "csapho";
	struct buf hash = BUF_INIT(CREDENTIAL_HASH_MAX);
	struct credential c;
	const char *p, *end;
	char seen[20];
	size_t i, n;
	int r;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		p = rows[i].text;
		end = p + strlen(p);
		for (n = 0; (r = credential_next(&p, end, &c)) != 0; n++)
			seen[n] = r == 1 ? letters[c.kind] : 'x';
		seen[n] = '\0';
		assert_string_equal(seen, rows[i].kinds);
		r = credential_hash(rows[i].text, strlen(rows[i].text), &hash);
		assert_int_equal(r, rows[i].hash != NULL);
		if (r == 1)
			assert_string_equal(buf_str(&hash), rows[i].hash);
	}
	buf_clear(&hash);
}

static void
test_app(void **state)
{
	static const struct {
		const char *text;
		int	 r, imap, pop3;
	} rows[] = {
		{ "app=phone,imap,1,$6$x", 0, 1, 0 },
		{ "app=Annas B\xc3\xbcro,imap+submission,17,$6$x", 0, 1, 0 },
		{ "app=a,*,0,$", 0, 1, 1 },
		{ "app=a,later+pop3,1,$6$x", 0, 0, 1 },
		{ "app=a,imapx+xpop3,1,$6$x", 0, 0, 0 },
		{ "app=a,+,1,$6$x", 0, 0, 0 },
		{ "app=a,*+imap,1,$6$x", 0, 1, 0 },
		{ "app=,imap,1,$6$x", -1, 0, 0 },
		{ "app=a,,1,$6$x", -1, 0, 0 },
		{ "app=a,imap,,$6$x", -1, 0, 0 },
		{ "app=a,imap,-1,$6$x", -1, 0, 0 },
		{ "app=a,imap,1,", -1, 0, 0 },
		{ "app=a,imap,1", -1, 0, 0 },
		{ "app=\xff,imap,1,$6$x", -1, 0, 0 },
		{ "app=a\tb,imap,1,$6$x", -1, 0, 0 },
		{ "app=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
		    "aaaaaaaaab,imap,1,$6$x", 0, 1, 0 },
		{ "app=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
		    "aaaaaaaaaab,imap,1,$6$x", -1, 0, 0 },
	};
	struct buf why = BUF_INIT(200);
	struct credential_app a;
	struct credential c;
	const char *p;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		p = rows[i].text;
		buf_reset(&why);
		assert_int_equal(credential_next(&p, p + strlen(p), &c), 1);
		assert_int_equal(c.kind, CREDENTIAL_APP);
		if (credential_app(&c, &a, &why) != rows[i].r)
			fail_msg("%s: %s", rows[i].text, buf_str(&why));
		assert_int_equal(why.len > 0, rows[i].r == -1);
		if (rows[i].r == -1)
			continue;
		assert_int_equal(credential_app_may(&a, "imap"), rows[i].imap);
		assert_int_equal(credential_app_may(&a, "pop3"), rows[i].pop3);
	}
	buf_clear(&why);
}

/* The hash of the longest kind, and one octet more. */
static void
test_app_hash(void **state)
{
	struct buf text = BUF_INIT(0), why = BUF_INIT(200);
	struct credential_app a;
	struct credential c;
	const char *p;
	int i;

	buf_puts(&text, "app=a,imap,1,");
	for (i = 0; i < CREDENTIAL_HASH_MAX; i++)
		buf_putc(&text, 'x');
	for (i = 0; i < 2; i++) {
		p = text.data;
		assert_int_equal(credential_next(&p, p + text.len, &c), 1);
		assert_int_equal(credential_app(&c, &a, &why), -i);
		buf_putc(&text, 'x');
	}
	assert_string_equal(buf_str(&why), "app=a: protocols, time or hash "
	    "are missing");
	buf_clear(&text);
	buf_clear(&why);
}

static void
hmac(const unsigned char *key, const char *text, unsigned char *out)
{
	unsigned n = 0;

	assert_non_null(HMAC(EVP_sha256(), key, SCRAM_KEY,
	    (const unsigned char *)text, strlen(text), out, &n));
	assert_int_equal(n, SCRAM_KEY);
}

static void
assert_base64(const unsigned char *p, const char *want)
{
	struct buf b = BUF_INIT(0);

	base64_encode(&b, p, SCRAM_KEY);
	assert_string_equal(buf_str(&b), want);
	buf_clear(&b);
}

/* RFC 7677 section 3: the client's proof and the server's signature. */
static void
test_rfc7677(void **state)
{
	static const char auth_message[] =
	    "n=user,r=rOprNGfwEbeRWgbNEkqO,"
	    "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
	    "s=" SALT ",i=4096,"
	    "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
	static const char proof[] =
	    "dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=";
	unsigned char signature[SCRAM_KEY], client[SCRAM_KEY];
	struct buf why = BUF_INIT(200), raw = BUF_INIT(SCRAM_KEY);
	struct scram_keys k = { .iterations = 4096 };
	unsigned n;
	int i;

	assert_int_equal(base64_decode(&raw, SALT, strlen(SALT)), 0);
	memcpy(k.salt, raw.data, raw.len);
	k.salt_len = raw.len;
	assert_int_equal(scram_derive("pencil", &k, &why), 0);
	assert_base64(k.stored, KEY);
	hmac(k.server, auth_message, signature);
	assert_base64(signature,
	    "6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=");
	/* ClientProof XOR ClientSignature is the ClientKey of StoredKey. */
	hmac(k.stored, auth_message, client);
	buf_reset(&raw);
	assert_int_equal(base64_decode(&raw, proof, strlen(proof)), 0);
	for (i = 0; i < SCRAM_KEY; i++)
		client[i] ^= (unsigned char)raw.data[i];
	assert_int_equal(EVP_Digest(client, SCRAM_KEY, signature, &n,
	    EVP_sha256(), NULL), 1);
	assert_memory_equal(signature, k.stored, SCRAM_KEY);
	buf_clear(&why);
	buf_clear(&raw);
}

/* RFC 4013 section 3: the same password in two forms; what is prohibited. */
static void
test_prepared(void **state)
{
	struct buf why = BUF_INIT(200);
	struct scram_keys a = { .iterations = 1, .salt_len = 8 }, b = a;

	assert_int_equal(scram_derive("I\xc2\xadX", &a, &why), 0);
	assert_int_equal(scram_derive("IX", &b, &why), 0);
	assert_memory_equal(a.stored, b.stored, SCRAM_KEY);
	assert_int_equal(scram_derive("\xe2\x85\xa8", &a, &why), 0);
	assert_memory_equal(a.stored, b.stored, SCRAM_KEY);
	assert_int_equal(scram_derive("ix", &a, &why), 0);
	assert_memory_not_equal(a.stored, b.stored, SCRAM_KEY);
	assert_int_equal(why.len, 0);
	assert_int_equal(scram_derive("a\x07", &a, &why), -1);
	assert_non_null(strstr(buf_str(&why), "SASLprep"));
	assert_int_equal(scram_derive("", &a, &why), -1);
	assert_int_equal(scram_derive("\xc2\xad", &a, &why), -1);
	assert_int_equal(scram_derive("\xff", &a, &why), -1);
	buf_clear(&why);
}

static void
test_text(void **state)
{
	static const char *const bad[] = {
		"", "250000", "250000," SALT "," KEY, "250000," SALT "," KEY ",",
		"249999," SALT "," KEY "," KEY, "99999999," SALT "," KEY "," KEY,
		"x," SALT "," KEY "," KEY, "250000,YQ==," KEY "," KEY,
		"250000," SALT "," SALT "," KEY, "250000,!," KEY "," KEY,
		"250000," SALT "," KEY "," KEY ",", "250000," SALT "," KEY KEY,
		"250000," KEY KEY "x," KEY "," KEY,
	};
	struct buf out = BUF_INIT(0), why = BUF_INIT(200);
	struct scram_keys k, again;
	size_t i;

	assert_int_equal(scram_make("geheim", &k, &why), 0);
	assert_int_equal(k.iterations, SCRAM_ITERATIONS);
	assert_true(SCRAM_ITERATIONS >= 250000);
	scram_print(&k, &out);
	assert_int_equal(scram_parse(buf_str(&out), out.len, &again, &why), 0);
	assert_memory_equal(&k, &again, sizeof(k));
	/* Each time another salt. */
	assert_int_equal(scram_make("geheim", &again, &why), 0);
	assert_memory_not_equal(k.salt, again.salt, SCRAM_SALT);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		buf_reset(&why);
		if (scram_parse(bad[i], strlen(bad[i]), &k, &why) != -1)
			fail_msg("taken: %s", bad[i]);
		assert_true(why.len > 0);
	}
	buf_clear(&out);
	buf_clear(&why);
}

/* Which protocols an account logs in by: all fields together. */
static void
test_protocols(void **state)
{
	static const struct {
		const char *text;
		uint32_t set;
	} rows[] = {
		{ "", PROTOCOLS_ALL }, { "crypt=x", PROTOCOLS_ALL },
		{ "crypt=x:protocols=*", PROTOCOLS_ALL },
		{ "crypt=x:protocols=none", 0 },
		{ "crypt=x:protocols=imap", PROTOCOL_IMAP },
		{ "protocols=pop3+submission+imap:crypt=x", PROTOCOLS_ALL },
		{ "protocols=imap+pop3:crypt=x:protocols=pop3+submission",
		    PROTOCOL_POP3 },
		{ "protocols=imap:protocols=*", PROTOCOL_IMAP },
		/* What is not understood admits nobody. */
		{ "protocols=", 0 }, { "protocols=imap+", 0 },
		{ "protocols=+imap", 0 }, { "protocols=IMAP", 0 },
		{ "protocols=imap+jmap", 0 }, { "protocols=imap,pop3", 0 },
		{ "protocols=imap+none", 0 },
	};
	struct buf out = BUF_INIT(0);
	uint32_t set, again;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (credential_protocols(rows[i].text, strlen(rows[i].text)) !=
		    rows[i].set)
			fail_msg("%s", rows[i].text);
	for (set = 0; set <= PROTOCOLS_ALL; set++) {
		buf_reset(&out);
		protocols_print(set, &out);
		assert_int_equal(protocols_parse(buf_str(&out), out.len,
		    &again), 0);
		assert_int_equal(again, set);
	}
	buf_clear(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fields),
		cmocka_unit_test(test_protocols),
		cmocka_unit_test(test_app),
		cmocka_unit_test(test_app_hash),
		cmocka_unit_test(test_rfc7677),
		cmocka_unit_test(test_prepared),
		cmocka_unit_test(test_text),
	};

	return cmocka_run_group_tests_name("credential", tests, NULL, NULL);
}
