/* What relay reads and writes: replies, and the data of a message. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "lib/base/buf.h"
#include "relay/relay_data.h"
#include "relay/relay_reply.h"

static const struct {
	const char *lines[4];
	int	 result;		/* of the last line */
	int	 code;
	const char *words;
} replies[] = {
	{ { "250 ok" }, 1, 250, "2.0.0 mx said: 250 ok" },
	{ { "250" }, 1, 250, "2.0.0 mx said: 250 " },
	{ { "250-a", "250-b", "250 c" }, 1, 250, "2.0.0 mx said: 250 a b c" },
	{ { "250-a", "250-b" }, 0, 250, NULL },
	{ { "550 5.1.1 no such user" }, 1, 550,
	  "5.1.1 mx said: 550 5.1.1 no such user" },
	{ { "550 4.1.1 lies" }, 1, 550, "5.0.0 mx said: 550 4.1.1 lies" },
	{ { "450 4.2.1" }, 1, 450, "4.2.1 mx said: 450 4.2.1" },
	{ { "450 4.2" }, 1, 450, "4.0.0 mx said: 450 4.2" },
	{ { "450 4.2.1234 x" }, 1, 450, "4.0.0 mx said: 450 4.2.1234 x" },
	{ { "550 5.7.1x" }, 1, 550, "5.0.0 mx said: 550 5.7.1x" },
	{ { "550 e\033[31m\t\x80z" }, 1, 550, "5.0.0 mx said: 550 e?[31m ?z" },
	{ { "250-a", "251 b" }, -1, 0, NULL },
	{ { "99 low" }, -1, 0, NULL },
	{ { "600 high" }, -1, 0, NULL },
	{ { "150 low" }, -1, 0, NULL },
	{ { "2500 long" }, -1, 0, NULL },
	{ { "25" }, -1, 0, NULL },
	{ { "" }, -1, 0, NULL },
	{ { "HTTP/1.1 400 Bad Request" }, -1, 0, NULL },
};

static void
test_replies(void **state)
{
	struct reply r = REPLY_INIT;
	struct buf words = BUF_INIT(RESULT_WORDS_MAX);
	size_t i, k;
	int done;

	for (i = 0; i < sizeof(replies) / sizeof(replies[0]); i++) {
		reply_reset(&r);
		done = 0;
		for (k = 0; k < 4 && replies[i].lines[k] != NULL; k++)
			done = reply_line(&r, replies[i].lines[k],
			    strlen(replies[i].lines[k]));
		if (done != replies[i].result)
			fail_msg("row %zu: %d", i, done);
		if (replies[i].words == NULL)
			continue;
		assert_int_equal(r.code, replies[i].code);
		buf_reset(&words);
		reply_words(&r, "mx", &words);
		assert_string_equal(buf_str(&words), replies[i].words);
	}
	reply_clear(&r);
	buf_clear(&words);
}

static void
test_endless_reply(void **state)
{
	struct reply r = REPLY_INIT;
	struct buf words = BUF_INIT(RESULT_WORDS_MAX);
	char line[1000];
	unsigned n = 0;

	memset(line, 'x', sizeof(line));
	memcpy(line, "550-", 4);
	while (reply_line(&r, line, sizeof(line)) == 0)
		n++;
	assert_int_equal(n, REPLY_LINES_MAX);
	assert_true(r.text.len <= REPLY_TEXT_MAX);
	reply_words(&r, "mx", &words);
	/* What one host says is cut at 500 octets, its enhanced code too. */
	assert_int_equal(words.len, 500);
	/* Behind what is there already, the same. */
	reply_words(&r, "mx", &words);
	assert_int_equal(words.len, 1000);
	reply_clear(&r);
	buf_clear(&words);
}

static const struct {
	const char *in, *out;
} bodies[] = {
	{ "", ".\r\n" },
	{ "a\r\n", "a\r\n.\r\n" },
	{ "a", "a\r\n.\r\n" },
	{ "\r\n", "\r\n.\r\n" },
	{ ".", "..\r\n.\r\n" },
	{ ".\r\n", "..\r\n.\r\n" },
	{ "..\r\n", "...\r\n.\r\n" },
	{ "a\r\n.\r\nb\r\n", "a\r\n..\r\nb\r\n.\r\n" },
	{ "a.b\r\nc.\r\n", "a.b\r\nc.\r\n.\r\n" },
	{ "a\n.\nb\n", "a\r\n..\r\nb\r\n.\r\n" },
	{ "a\r.\rb\r\n", "a . b\r\n.\r\n" },
	{ "a\r\r\n.\r\n", "a \r\n..\r\n.\r\n" },
	{ "a\n\r\nb", "a\r\n\r\nb\r\n.\r\n" },
	{ "\n.\r\n\r.", "\r\n..\r\n .\r\n.\r\n" },
	{ "a\r\n.\r", "a\r\n..\r\n.\r\n" },
	{ "\r", "\r\n.\r\n" },
};

static void
out(void *arg, const char *p, size_t len)
{
	buf_append(arg, p, len);
}

/* Whole, and cut into two pieces at every place. */
static void
test_data(void **state)
{
	struct buf b = BUF_INIT(0);
	size_t i, cut, len;

	for (i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
		len = strlen(bodies[i].in);
		for (cut = 0; cut <= len; cut++) {
			struct data d = { .out = out, .arg = &b };

			buf_reset(&b);
			data_put(&d, bodies[i].in, cut);
			data_put(&d, bodies[i].in + cut, len - cut);
			data_end(&d);
			if (strcmp(buf_str(&b), bodies[i].out) != 0)
				fail_msg("row %zu cut %zu: %s", i, cut,
				    buf_str(&b));
		}
	}
	buf_clear(&b);
}

static void
count(void *arg, const char *p, size_t len)
{
	(*(unsigned *)arg)++;
}

/* Clean text goes out in one piece. */
static void
test_data_whole(void **state)
{
	unsigned pieces = 0;
	struct data d = { .out = count, .arg = &pieces };

	data_put(&d, "a\r\nb.\r\n\r\nc\r\n", 12);
	assert_int_equal(pieces, 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_replies),
		cmocka_unit_test(test_endless_reply),
		cmocka_unit_test(test_data),
		cmocka_unit_test(test_data_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
