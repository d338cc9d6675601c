#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <fcntl.h>
#include <cmocka.h>

#include "ctl/ctl_answers.h"
#include "ctl/ctl_cert.h"
#include "ctl/ctl_conf.h"
#include "ctl/ctl_keys.h"
#include "ctl/setup_small.h"

static void
test_good(void **state)
{
	static const char in[] =
	    "# comment\n\n hostname =  mail.example.test \n"
	    "user = anna@example.test correct = horse # 9\n"
	    "user=bert@example.test x\r\n\tdomain\t=\texample.test\n"
	    "relay_host =\nmessage_size = 5M";
	struct answers as;
	struct buf why = BUF_INIT(0);
	const struct setup_answer *a;
	size_t i = 0;

	answers_init(&as, "f");
	assert_int_equal(answers_parse(&as, in, strlen(in), &why), 0);
	assert_int_equal(as.n, 6);
	assert_string_equal(answers_get(&as, "hostname"),
	    "mail.example.test");
	assert_string_equal(answers_get(&as, "relay_host"), "");
	assert_string_equal(answers_get(&as, "message_size"), "5M");
	assert_null(answers_get(&as, "profile"));
	a = answers_next(&as, "user", &i);
	assert_string_equal(a->value, "anna@example.test correct = horse # 9");
	assert_int_equal(a->line, 4);
	assert_true(a->own);
	a = answers_next(&as, "user", &i);
	assert_string_equal(a->value, "bert@example.test x");
	assert_null(answers_next(&as, "user", &i));
	answers_clear(&as);
	buf_clear(&why);
}

static void
test_bad(void **state)
{
	static const struct {
		const char *in, *why;
	} rows[] = {
		{ "hostname", "f:1: " },
		{ "\n= x", "f:2: " },
		{ "Host = x", "f:1: not a key" },
		{ "a b = x", "f:1: not a key" },
		{ "hostname = a\nhostname = b",
		    "f:2: hostname stands already in line 1" },
		{ "a = x\ry", "f:1: " },
		{ "profile = direct\n# x\nprofile = relay", "f:3: " },
	};
	struct buf why = BUF_INIT(0), big = BUF_INIT(0);
	struct answers as;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		answers_init(&as, "f");
		assert_int_equal(answers_parse(&as, rows[i].in,
		    strlen(rows[i].in), &why), -1);
		if (strncmp(buf_str(&why), rows[i].why,
		    strlen(rows[i].why)) != 0)
			fail_msg("%s: %s", rows[i].in, buf_str(&why));
		answers_clear(&as);
	}
	buf_puts(&big, "hostname = ");
	while (big.len < ANSWERS_LINE_MAX)
		buf_putc(&big, 'x');
	answers_init(&as, "f");
	assert_int_equal(answers_parse(&as, big.data, big.len, &why), 0);
	assert_int_equal(strlen(answers_get(&as, "hostname")),
	    ANSWERS_LINE_MAX - strlen("hostname = "));
	answers_clear(&as);
	buf_putc(&big, 'x');
	answers_init(&as, "f");
	assert_int_equal(answers_parse(&as, big.data, big.len, &why), -1);
	assert_string_equal(buf_str(&why), "f:1: the line is too long");
	assert_int_equal(answers_parse(&as, "a = x\0y", 7, &why), -1);
	answers_clear(&as);
	buf_clear(&big);
	buf_clear(&why);
}

/* Set anew in its place, added, taken away. */
static void
test_set(void **state)
{
	static const char in[] = "domain = a.test\nprofile = relay\n"
	    "domain = b.test\n";
	struct answers as;
	struct buf why = BUF_INIT(0);

	answers_init(&as, "f");
	assert_int_equal(answers_parse(&as, in, strlen(in), &why), 0);
	answers_set(&as, "profile", "direct");
	answers_set(&as, "phones", "no");
	assert_int_equal(as.n, 4);
	assert_string_equal(answers_get(&as, "profile"), "direct");
	assert_int_equal(as.a[1].line, 2);
	assert_string_equal(as.a[3].key, "phones");
	assert_int_equal(as.a[3].line, 0);
	assert_true(as.a[3].own);
	answers_drop(&as, "domain");
	assert_int_equal(as.n, 2);
	assert_null(answers_get(&as, "domain"));
	assert_string_equal(answers_get(&as, "phones"), "no");
	answers_drop(&as, "relay_host");
	assert_int_equal(as.n, 2);
	answers_clear(&as);
}

static void
test_conf(void **state)
{
	static const char in[] = "# head\nhostname=a\n\n  state_dir = /x\n"
	    "hostname_x = 1\n# hostname = no\n";
	struct buf out = BUF_INIT(0);
	struct conf_file f;

	conf_read(&f, in, strlen(in));
	conf_print(&f, &out);
	assert_string_equal(buf_str(&out), in);
	assert_string_equal(conf_get(&f, "hostname"), "a");
	assert_string_equal(conf_get(&f, "state_dir"), "/x");
	assert_null(conf_get(&f, "state"));
	conf_set(&f, "hostname", "b");
	conf_set(&f, "new", "");
	assert_int_equal(conf_line(&f, "new"), 7);
	buf_reset(&out);
	conf_print(&f, &out);
	assert_string_equal(buf_str(&out), "# head\nhostname = b\n\n"
	    "  state_dir = /x\nhostname_x = 1\n# hostname = no\nnew =\n");
	conf_clear(&f);
	buf_clear(&out);
}

/* Values are what the programs read: blanks and CR at the end are none. */
static void
test_conf_blanks(void **state)
{
	static const char in[] = "state_dir = /x/state \r\nhostname =\ta\t \n"
	    "\r\ntls_key = \r\n\ttls_certificate=a b\r\nend = x ";
	static const struct {
		const char *key, *value;
	} rows[] = {
		{ "state_dir", "/x/state" }, { "hostname", "a" },
		{ "tls_key", "" }, { "tls_certificate", "a b" },
		{ "end", "x" },
	};
	struct buf out = BUF_INIT(0);
	struct conf_file f;
	size_t i;

	conf_read(&f, in, strlen(in));
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_string_equal(conf_get(&f, rows[i].key), rows[i].value);
	conf_set(&f, "hostname", "b");
	conf_print(&f, &out);
	assert_string_equal(buf_str(&out), "state_dir = /x/state \r\n"
	    "hostname = b\n\r\ntls_key = \r\n\ttls_certificate=a b\r\n"
	    "end = x \n");
	conf_clear(&f);
	buf_clear(&out);
}

static void
test_keys(void **state)
{
	static const char *const bad[] = { "a\n", "a\tb\tc\td\te\tf\n",
		"\ttext\tc\t0\t0\t\th\n", "a\ttext\tc\t0\t0\t\th",
		"a\ttext\tc\t0\t0\t\th\tmore\n",
		"a\ttext\tc\tx\t0\t\th\n", "a\ttext\tc\t0\t\t\th\n" };
	static const char good[] = "a\ttext\tdef\t0\t9\t\thelp me\n"
	    "b\tnumber\t7\t0\t9\t\t\na\ttext\tdef\t0\t9\t\thelp me\n";
	struct keys k = { .n = 0 };
	size_t i;

	assert_int_equal(keys_parse(&k, "x", good, strlen(good)), 0);
	assert_int_equal(k.n, 2);
	assert_string_equal(keys_find(&k, "a")->def, "def");
	assert_string_equal(keys_find(&k, "a")->help, "help me");
	assert_null(keys_find(&k, "c"));
	assert_string_equal(keys_find(&k, "b")->type, "number");
	assert_int_equal(keys_find(&k, "b")->max, 9);
	/* The same one again is another reader's. */
	assert_int_equal(keys_find(&k, "a")->n_programs, 2);
	assert_int_equal(keys_find(&k, "b")->n_programs, 1);
	keys_clear(&k);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (keys_parse(&k, "x", bad[i], strlen(bad[i])) != -1)
			fail_msg("taken: %s", bad[i]);
		keys_clear(&k);
	}
}

static void
test_cert(void **state)
{
	char *domains[] = { "example.test", "mail.example.test" };
	char path[] = "/tmp/rp-test-cert-XXXXXX";
	struct buf cert = BUF_INIT(0), key = BUF_INIT(0), why = BUF_INIT(0);
	char longest[260];
	int fd = mkstemp(path);

	assert_int_equal(cert_make("mail.example.test", domains, 2, &cert,
	    &key, &why), 0);
	assert_non_null(strstr(buf_str(&cert), "BEGIN CERTIFICATE"));
	assert_non_null(strstr(buf_str(&key), "BEGIN PRIVATE KEY"));
	assert_int_equal(write(fd, cert.data, cert.len), (ssize_t)cert.len);
	assert_true(cert_good(path, "mail.example.test"));
	assert_true(cert_good(path, "example.test"));
	assert_false(cert_good(path, "example.org"));
	assert_false(cert_good("/nonexistent", "example.test"));
	assert_int_equal(ftruncate(fd, 40), 0);
	assert_false(cert_good(path, "example.test"));
	memset(longest, 'a', 250);
	memcpy(longest + 60, ".", 1);
	memcpy(longest + 120, ".", 1);
	memcpy(longest + 180, ".", 1);
	strcpy(longest + 230, ".test");
	buf_reset(&cert);
	assert_int_equal(cert_make(longest, domains, 0, &cert, &key, &why),
	    0);
	close(fd);
	unlink(path);
	buf_clear(&cert);
	buf_wipe(&key);
	buf_clear(&why);
}

/* Where there is little memory the pools are smaller, and what is set stays. */
static void
test_small(void **state)
{
	struct conf_file f;

	conf_read(&f, "smtp_per_address = 5\n", 21);
	setup_small(&f, (uint64_t)SETUP_SMALL_MB << 20);
	assert_null(conf_get(&f, "smtp_workers"));
	setup_small(&f, (uint64_t)512 << 20);
	assert_string_equal(conf_get(&f, "smtp_workers"), "40");
	assert_string_equal(conf_get(&f, "submission_workers"), "40");
	assert_string_equal(conf_get(&f, "relay_workers"), "40");
	assert_string_equal(conf_get(&f, "index_cache"), "32M");
	assert_string_equal(conf_get(&f, "smtp_per_address"), "5");
	conf_clear(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_set),
		cmocka_unit_test(test_conf),
		cmocka_unit_test(test_conf_blanks),
		cmocka_unit_test(test_keys),
		cmocka_unit_test(test_cert),
		cmocka_unit_test(test_small),
	};

	return cmocka_run_group_tests_name("answers", tests, NULL, NULL);
}
