/*
 * Questions of the operator's commands, and the time that they have. This test
 * stands in for the name server and for the clock.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "ctl/dns_ask.h"

int64_t	 __wrap_clock_mono_ms(void);
int	 __wrap_dns_fd(void);
void	 __wrap_dns_work(void);
struct dns_query *__wrap_dns_ask(const char *name, enum dns_type type,
	    dns_callback *done, void *arg);
void	 __wrap_dns_cancel(struct dns_query **q);

static int64_t now = 1000;
static int ends[2];		/* readable: an answer is there */
static dns_callback *callback;
static void *callback_arg;
static unsigned asked, cancelled;

int64_t
__wrap_clock_mono_ms(void)
{
	return now;
}

int
__wrap_dns_fd(void)
{
	return ends[0];
}

struct dns_query *
__wrap_dns_ask(const char *name, enum dns_type type, dns_callback *done,
    void *arg)
{
	(void)name;
	(void)type;
	callback = done;
	callback_arg = arg;
	asked++;
	return (struct dns_query *)&asked;
}

void
__wrap_dns_cancel(struct dns_query **q)
{
	cancelled += *q != NULL;
	*q = NULL;
}

void
__wrap_dns_work(void)
{
	struct dns_answer a = { .status = DNS_NODATA };
	char c;

	assert_int_equal(read(ends[0], &c, 1), 1);
	callback(callback_arg, NULL, &a);
}

/* Its answer came while a host was waited for that says nothing. */
static void
test_an_answer_that_was_not_fetched(void **state)
{
	dns_ask_ahead(DNS_MX, "a.test");
	assert_int_equal(write(ends[1], "x", 1), 1);
	now += 2 * DNS_ASK_MS;
	assert_int_equal(dns_question(DNS_MX, "a.test")->status, DNS_NODATA);
	assert_int_equal(cancelled, 0);
	dns_ask_close();
}

static void
test_no_answer(void **state)
{
	const struct dns_asked *a;

	dns_ask_ahead(DNS_MX, "b.test");
	now += 2 * DNS_ASK_MS;
	a = dns_question(DNS_MX, "b.test");
	assert_int_equal(a->status, DNS_TEMP);
	assert_string_equal(a->why, "no answer in time");
	assert_int_equal(cancelled, 1);
	/* Nobody has ever answered: nothing more is asked. */
	asked = 0;
	a = dns_question(DNS_MX, "c.test");
	assert_int_equal(a->status, DNS_TEMP);
	assert_string_equal(a->why, "no name server answers");
	assert_int_equal(asked, 0);
	dns_ask_close();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_an_answer_that_was_not_fetched),
		cmocka_unit_test(test_no_answer),
	};

	int r;

	if (pipe(ends) == -1)
		return 1;
	r = cmocka_run_group_tests(tests, NULL, NULL);
	close(ends[0]);
	close(ends[1]);
	return r;
}
