#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "lib/base/str.h"
#include "lib/base/words.h"
#include "lib/server/settings.h"

struct conf {
	char	*text;
	uint64_t number, size, time;
	int	 bool_, choice;
	char	*host;
};

#define AT(m) offsetof(struct conf, m)

static const struct settings_key keys[] = {
	{ "text", SETTINGS_TEXT, AT(text), "default", 1, 10, NULL, "" },
	{ "number", SETTINGS_NUMBER, AT(number), "5", 1, 100, NULL, "" },
	{ "size", SETTINGS_SIZE, AT(size), "2K", 1, 1 << 30, NULL, "" },
	{ "time", SETTINGS_TIME, AT(time), "5m", 0, 86400, NULL, "" },
	{ "bool", SETTINGS_BOOL, AT(bool_), "no", 0, 0, NULL, "" },
	{ "choice", SETTINGS_CHOICE, AT(choice), "may", 0, 0,
	  "never may must", "" },
	{ "host", SETTINGS_HOST, AT(host), "", 0, 255, NULL, "" },
	SETTINGS_END
};

static int
parse(const char *s, struct conf *c, struct buf *why)
{
	buf_init(why, 400);
	return settings_parse(s, strlen(s), "F", keys, c, why);
}

static void
test_values(void **state)
{
	struct conf c = { .text = NULL };
	char *text, *host;
	struct buf why;

	assert_int_equal(parse("", &c, &why), 0);
	assert_string_equal(c.text, "default");
	assert_string_equal(c.host, "");
	assert_int_equal(c.number, 5);
	assert_int_equal(c.size, 2048);
	assert_int_equal(c.time, 300);
	assert_int_equal(c.bool_, 0);
	assert_int_equal(c.choice, 1);
	text = c.text;
	host = c.host;
	assert_int_equal(parse("text = default", &c, &why), 0);
	/* Unchanged: the same memory, which somebody may hold. */
	assert_ptr_equal(c.text, text);
	assert_ptr_equal(c.host, host);
	assert_int_equal(parse("# a comment\n\n text = a = b \r\nnumber=100\n"
	    "size = 1G\n\ttime\t=\t1h\nbool = yes\nchoice = must\n"
	    "host = Mail-1.xn--bcher-kva.test\n"
	    "unknown_key = 1", &c, &why), 0);
	assert_string_equal(c.text, "a = b");
	assert_string_equal(c.host, "Mail-1.xn--bcher-kva.test");
	assert_int_equal(c.number, 100);
	assert_int_equal(c.size, 1 << 30);
	assert_int_equal(c.time, 3600);
	assert_int_equal(c.bool_, 1);
	assert_int_equal(c.choice, 2);
	free(text);
	free(host);
	free(c.text);
	free(c.host);
	buf_clear(&why);
}

struct fault {
	const char *text, *words;
};

static const struct fault faults[] = {
	{ "text\n", "F:1: is not a line \"key = value\"" },
	{ "\n= 5\n", "F:2: is not a line \"key = value\"" },
	{ "Text = a\n", "F:1: is not a line \"key = value\"" },
	{ "text =\n", "F:1: text: \"\" must not be empty" },
	{ "text = 12345678901\n", "F:1: text: \"12345678901\" is too long" },
	{ "host = bad host\n", "F:1: host: \"bad host\" is not a host name" },
	{ "host = a..b\n", "F:1: host: \"a..b\" is not a host name" },
	{ "host = a.b.\n", "F:1: host: \"a.b.\" is not a host name" },
	{ "host = -a.b\n", "F:1: host: \"-a.b\" is not a host name" },
	{ "host = a-.b\n", "F:1: host: \"a-.b\" is not a host name" },
	{ "host = b\xc3\xbc.test\n",
	  "F:1: host: \"b\xc3\xbc.test\" is not a host name" },
	{ "number = 0\n",
	  "F:1: number: \"0\" is out of bounds (number, 1 to 100)" },
	{ "number = 101\n",
	  "F:1: number: \"101\" is out of bounds (number, 1 to 100)" },
	{ "number = -1\n", "F:1: number: \"-1\" is not a number "
	  "(number, 1 to 100)" },
	{ "number = 5 x\n", "F:1: number: \"5 x\" is not a number "
	  "(number, 1 to 100)" },
	{ "size = 1X\n", "F:1: size: \"1X\" has no unit that is known "
	  "(size, 1 to 1073741824)" },
	{ "size = 99999999999999999999G\n", "F:1: size: "
	  "\"99999999999999999999G\" is not a number (size, 1 to 1073741824)" },
	{ "size = K\n",
	  "F:1: size: \"K\" is not a number (size, 1 to 1073741824)" },
	{ "time = 5\n", "F:1: time: \"5\" needs a unit: s, m, h, d or w "
	  "(time, 0 to 86400)" },
	{ "bool = true\n", "F:1: bool: \"true\" is neither yes nor no" },
	{ "choice = mus\n", "F:1: choice: \"mus\" is not one of the words "
	  "allowed: never may must" },
	{ "number = 1\n\nnumber = 2\n",
	  "F:3: number stands already in line 1" },
};

static void
test_faults(void **state)
{
	struct conf c, before;
	struct buf why;
	size_t i;

	memset(&c, 0x55, sizeof(c));
	before = c;
	for (i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		assert_int_equal(parse(faults[i].text, &c, &why), -1);
		assert_string_equal(buf_str(&why), faults[i].words);
		/* A broken file changes nothing. */
		assert_memory_equal(&c, &before, sizeof(c));
		buf_clear(&why);
	}
}

static void
test_binary(void **state)
{
	static const char nul[] = "text = a\0b\n";
	char *huge = malloc(5001);
	struct buf why = BUF_INIT(400);
	struct conf c;

	assert_int_equal(settings_parse(nul, sizeof(nul) - 1, "F", keys, &c,
	    &why), -1);
	assert_string_equal(buf_str(&why), "F:1: the line holds NUL");
	memset(huge, 'a', 5000);
	huge[5000] = '\0';
	assert_int_equal(settings_parse(huge, 5000, "F", keys, &c, &why), -1);
	assert_string_equal(buf_str(&why), "F:1: the line is too long");
	free(huge);
	buf_clear(&why);
}

/* A key has 64 octets, a line 4096; one more is too long. */
static void
test_long(void **state)
{
	char text[5000];
	struct conf c;
	struct buf why;
	int len;

	memset(&c, 0, sizeof(c));
	for (len = 64; len <= 65; len++) {
		snprintf(text, sizeof(text), "%.*s = x\n", len, "key_0123456789"
		    "_123456789_123456789_123456789_123456789_123456789_123456"
		    "789");
		assert_int_equal(parse(text, &c, &why), len == 64 ? 0 : -1);
		if (len == 65)
			assert_string_equal(buf_str(&why), "F:1: is not a "
			    "line \"key = value\"");
		buf_clear(&why);
	}
	for (len = 4096; len <= 4097; len++) {
		memset(text, '#', (size_t)len);
		strcpy(text + len, "\nnumber = 7\n");
		c.number = 0;
		assert_int_equal(parse(text, &c, &why), len == 4096 ? 0 : -1);
		if (len == 4097)
			assert_string_equal(buf_str(&why), "F:1: the line is "
			    "too long");
		assert_int_equal(c.number, len == 4096 ? 7 : 0);
		buf_clear(&why);
	}
	free(c.text);
	free(c.host);
}

/* What an editor puts in front of a file is no part of its first line. */
static void
test_mark(void **state)
{
	struct conf c;
	struct buf why;

	memset(&c, 0, sizeof(c));
	assert_int_equal(parse("\xef\xbb\xbfnumber = 7\r\n", &c, &why), 0);
	assert_int_equal(c.number, 7);
	assert_int_equal(parse("\xef\xbb\xbf# words\nnumber = 8\n", &c, &why),
	    0);
	assert_int_equal(c.number, 8);
	assert_int_equal(parse("number = 9\n\xef\xbb\xbfsize = 1K\n", &c,
	    &why), -1);
	buf_clear(&why);
	assert_int_equal(parse("\xff\xfen", &c, &why), -1);
	assert_string_equal(buf_str(&why), "F: " STR_UTF16);
	buf_clear(&why);
	free(c.text);
	free(c.host);
}

static void
test_hostname(void **state)
{
	static const char given[] = "mx.example.test";
	char name[HOST_NAME_MAX + 1];
	const char *ours;

	assert_ptr_equal(settings_hostname(given), given);
	ours = settings_hostname("");
	assert_int_equal(gethostname(name, sizeof(name)), 0);
	assert_string_equal(ours, name[0] != '\0' ? name : "localhost");
	/* Who holds it holds it. */
	assert_ptr_equal(settings_hostname(""), ours);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_faults),
		cmocka_unit_test(test_binary),
		cmocka_unit_test(test_long),
		cmocka_unit_test(test_mark),
		cmocka_unit_test(test_hostname),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
