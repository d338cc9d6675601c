/*
 * Which mechanism is chosen, and what is said by those that show a token, to
 * the octet.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "lib/base/base64.h"
#include "lib/base/mem.h"
#include "lib/mail/limits.h"
#include "relay/sasl.h"

#define ALL " PLAIN LOGIN SCRAM-SHA-256 CRAM-MD5 XOAUTH2 OAUTHBEARER "

static void
test_choice(void **state)
{
	static const struct {
		const char *offered;
		int tls;
		enum sasl_secret secret;
		const char *name;
	} t[] = {
		{ ALL, 1, SASL_PASSWORD, "SCRAM-SHA-256" },
		{ ALL, 1, SASL_MASTER, "PLAIN" },
		{ ALL, 1, SASL_TOKEN, "OAUTHBEARER" },
		{ " XOAUTH2 PLAIN ", 1, SASL_TOKEN, "XOAUTH2" },
		/* A token is no password, nor the other way round. */
		{ " PLAIN LOGIN SCRAM-SHA-256 ", 1, SASL_TOKEN, NULL },
		{ " XOAUTH2 OAUTHBEARER ", 1, SASL_PASSWORD, NULL },
		{ " XOAUTH2 OAUTHBEARER ", 1, SASL_MASTER, NULL },
		/* Without TLS a token has no way at all. */
		{ ALL, 0, SASL_TOKEN, NULL },
		{ " PLAIN ", 0, SASL_PASSWORD, "PLAIN" },
		{ " PLAIN CRAM-MD5 ", 0, SASL_PASSWORD, "CRAM-MD5" },
		/* A word that holds the name is another. */
		{ " XXOAUTH2 XOAUTH25 ", 1, SASL_TOKEN, NULL },
	};
	const struct sasl_mech *m;
	size_t i;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		m = sasl_choose(t[i].offered, t[i].tls, t[i].secret);
		if ((m == NULL) != (t[i].name == NULL) ||
		    (m != NULL && strcmp(m->name, t[i].name) != 0))
			fail_msg("row %zu: %s", i, m ? m->name : "none");
	}
	assert_ptr_equal(sasl_find("xoauth2"), sasl_find("XOAUTH2"));
	assert_null(sasl_find("OAUTH"));
}

static void
test_what_is_said(void **state)
{
	static const struct {
		const char *mech, *user, *said, *answer;
	} t[] = {
		/* RFC 7628 4.1, but for its port. */
		{ "OAUTHBEARER", "user@example.com", "n,a=user@example.com,"
		  "\001host=server.example.com\001auth=Bearer vF9dft4qmT=="
		  "\001\001", "AQ==" },
		{ "OAUTHBEARER", "a=b,c@x.test", "n,a=a=3Db=2Cc@x.test,"
		  "\001host=server.example.com\001auth=Bearer vF9dft4qmT=="
		  "\001\001", "AQ==" },
		{ "XOAUTH2", "a=b,c@x.test", "user=a=b,c@x.test"
		  "\001auth=Bearer vF9dft4qmT==\001\001", "" },
	};
	struct buf why = BUF_INIT(300), text = BUF_INIT(0);
	struct sasl s;
	char *out;
	size_t i;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		assert_int_equal(sasl_begin(&s, sasl_find(t[i].mech),
		    t[i].user, "vF9dft4qmT==", "imap", "server.example.com",
		    &why), 0);
		assert_int_equal(sasl_step(&s, "", &out, &why), 0);
		buf_reset(&text);
		assert_int_equal(base64_decode(&text, out, strlen(out)), 0);
		assert_string_equal(buf_str(&text), t[i].said);
		sasl_free(&out);
		/* {"status":"invalid_token"} */
		assert_int_equal(sasl_step(&s,
		    "eyJzdGF0dXMiOiJpbnZhbGlkX3Rva2VuIn0=", &out, &why), 0);
		assert_string_equal(out, t[i].answer);
		sasl_free(&out);
		sasl_end(&s);
	}
	buf_clear(&text);
	buf_clear(&why);
}

/* What cannot be said is refused, and no word shows it. */
static void
test_bad(void **state)
{
	static const struct { const char *user, *token; } t[] = {
		{ "anna", "" }, { "anna", "two words" }, { "anna", "a=b" },
		{ "anna", "line\nbreak" }, { "anna", "a\001auth=Bearer b" },
		{ "anna", "=" }, { "", "good" }, { "an\001na", "good" },
		{ "an\r\nna", "good" },
	};
	char token[SECRET_MAX + 2];
	struct buf why = BUF_INIT(300);
	struct sasl s;
	size_t i;
	int m;

	for (m = 0; m < 2; m++)
		for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
			buf_reset(&why);
			assert_int_equal(sasl_begin(&s, sasl_find(m ?
			    "XOAUTH2" : "OAUTHBEARER"), t[i].user, t[i].token,
			    "imap", "x.test", &why), -1);
			sasl_end(&s);
			assert_true(why.len > 0);
			if (strlen(t[i].token) > 1)
				assert_null(strstr(buf_str(&why), t[i].token));
		}
	memset(token, 'x', sizeof(token));
	token[SECRET_MAX + 1] = '\0';
	assert_int_equal(sasl_begin(&s, sasl_find("XOAUTH2"), "anna", token,
	    "imap", "x.test", &why), -1);
	sasl_end(&s);
	token[SECRET_MAX] = '\0';
	assert_int_equal(sasl_begin(&s, sasl_find("XOAUTH2"), "anna", token,
	    "imap", "x.test", &why), 0);
	sasl_end(&s);
	buf_clear(&why);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_choice),
		cmocka_unit_test(test_what_is_said),
		cmocka_unit_test(test_bad),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
