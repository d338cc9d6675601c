#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "ctl/setup_phones.h"

struct phones {
	const char *addresses;	/* of the machine */
	const char *answers, *conf;
	const char *result;	/* rohrpost.conf after it; NULL: refused */
};

#define INNER(s, p) "listen_" s " = 127.0.0.1:" p " 192.168.1.5:" p "\n"

static void
test_rows(void **state)
{
	static const struct phones rows[] = {
		/* Not asked: nothing. */
		{ "192.0.2.1 192.168.1.5", "", "listen_imaps =\n",
		    "listen_imaps =\n" },
		{ "192.168.1.5", "phones = perhaps\n", "", NULL },
		/* On the road: those two are open, others are as they were. */
		{ "192.168.1.5", "phones = yes\n", "listen_imaps =\n"
		    "listen_pop3 =\nlisten_submissions = 1.2.3.4:465\n",
		    "listen_pop3 =\nlisten_submissions = 1.2.3.4:465\n" },
		{ "192.168.1.5", "phones = yes\nlisten_imaps =\n",
		    "listen_imaps =\n", "listen_imaps =\n" },
		/* Behind a router it decides what is forwarded alone. */
		{ "192.168.1.5", "phones = no\n", "", "" },
		{ "8.8.8.8", "phones = no\n", "", "" },
		/* With a foot on either side the inner one alone. */
		{ "8.8.8.8 192.168.1.5", "phones = no\nlisten_pop3s = x\n",
		    "listen_imap = 1.2.3.4:143\n",
		    "listen_imap = 1.2.3.4:143\n" INNER("imaps", "993")
		    INNER("pop3", "110") INNER("submission", "587")
		    INNER("submissions", "465") },
	};
	struct buf why = BUF_INIT(0), out = BUF_INIT(0);
	struct host_addresses l;
	struct setup s;
	size_t i;
	int r;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		memset(&s, 0, sizeof(s));
		assert_int_equal(host_addresses_parse(&l, rows[i].addresses,
		    &why), 0);
		answers_init(&s.answers, "f");
		assert_int_equal(answers_parse(&s.answers, rows[i].answers,
		    strlen(rows[i].answers), &why), 0);
		conf_read(&s.conf, rows[i].conf, strlen(rows[i].conf));
		r = setup_phones(&s, &l, &why);
		assert_int_equal(r, rows[i].result == NULL ? -1 : 0);
		buf_reset(&out);
		conf_print(&s.conf, &out);
		if (r == 0)
			assert_string_equal(buf_str(&out), rows[i].result);
		else
			assert_string_equal(buf_str(&why),
			    "f:1: phones: yes or no (a good line: "
			    "phones = yes)");
		conf_clear(&s.conf);
		answers_clear(&s.answers);
	}
	buf_clear(&why);
	buf_clear(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
