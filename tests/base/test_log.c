/*
 * The log of a program: what is held back and when it goes, what is said of
 * lines that were lost, what a line shows; secrets that are compared; the
 * reserve of a disk.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "lib/base/fd.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/base/reserve.h"

static int log_fd[2], stderr_fd;

static int
setup(void **state)
{
	if (pipe2(log_fd, O_CLOEXEC | O_NONBLOCK) == -1)
		return -1;
	stderr_fd = dup(2);
	log_init("test", 0);
	return dup2(log_fd[1], 2) == -1;
}

static int
teardown(void **state)
{
	log_release();
	log_init("test", 1);
	dup2(stderr_fd, 2);
	close(stderr_fd);
	close(log_fd[0]);
	close(log_fd[1]);
	return 0;
}

/* What has been written since the last look. */
static const char *
seen(void)
{
	static char text[70000];
	ssize_t n = read(log_fd[0], text, sizeof(text) - 1);

	text[n > 0 ? n : 0] = '\0';
	return text;
}

static void
test_levels(void **state)
{
	log_info("a %d", 1);
	log_debug("not this");
	log_warn("b");
	assert_string_equal(seen(), "i a 1\nw b\n");
	log_verbose(1);
	log_debug("this");
	log_verbose(0);
	assert_string_equal(seen(), "d this\n");
}

/* Lines of no hurry wait for the end of a turn; a warning takes them along. */
static void
test_hold(void **state)
{
	unsigned i;

	log_hold();
	log_info("one");
	log_info("two");
	assert_string_equal(seen(), "");
	log_release();
	assert_string_equal(seen(), "i one\ni two\n");
	log_info("three");
	assert_string_equal(seen(), "i three\n");
	log_hold();
	log_info("four");
	log_warn("five");
	assert_string_equal(seen(), "i four\nw five\n");
	log_info("six");
	assert_string_equal(seen(), "");
	/* No more than a pipe takes as one piece. */
	for (i = 0; i < PIPE_BUF / 8; i++)
		log_info("line %u", i % 10);
	assert_int_equal(strncmp(seen(), "i six\ni line 0\n", 15), 0);
	log_release();
	assert_non_null(strstr(seen(), "i line 1\n"));
	assert_string_equal(seen(), "");
}

/* A pipe that nobody reads: the next line that goes through says how many. */
static void
test_lost(void **state)
{
	char block[4096];
	unsigned i;

	memset(block, 'x', sizeof(block));
	while (write(log_fd[1], block, sizeof(block)) > 0)
		continue;
	for (i = 0; i < 3; i++)
		log_info("lost");
	log_hold();
	log_info("lost");
	log_info("lost");
	log_release();
	while (*seen() != '\0')
		continue;
	log_info("back");
	assert_string_equal(seen(), "i (5 lines lost) back\n");
	log_info("more");
	assert_string_equal(seen(), "i more\n");
}

static void
test_shown(void **state)
{
	static const struct { const char *in, *out; } t[] = {
		{ "plain ~", "plain ~" }, { "a\nb\tc\r", "a\\x0ab\\x09c\\x0d" },
		{ "\x1b[2J", "\\x1b[2J" }, { "\x7f", "\\x7f" },
		{ "gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f" },
		/* C1 controls, and what is no UTF-8 */
		{ "\xc2\x9b[2J", "\\xc2\\x9b[2J" },
		{ "\xc2\xa0", "\xc2\xa0" }, { "\xff\xc3", "\\xff\\xc3" },
		{ "\xed\xa0\x80", "\\xed\\xa0\\x80" },
		{ "\xc0\xaf", "\\xc0\\xaf" }, { "\xf4\x90\x80\x80",
		  "\\xf4\\x90\\x80\\x80" },
	};
	char out[100], guard[20];
	size_t i, n, max;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		n = log_clean(out, sizeof(out), t[i].in, strlen(t[i].in));
		assert_int_equal(n, strlen(t[i].out));
		assert_memory_equal(out, t[i].out, n);
	}
	/* It never writes past its end. */
	for (max = 0; max < 16; max++) {
		memset(guard, '!', sizeof(guard));
		n = log_clean(guard, max, "\1\2\3\4\5\6", 6);
		assert_true(n <= max);
		for (i = max; i < sizeof(guard); i++)
			assert_int_equal(guard[i], '!');
	}
}

/* A line is cut, and errno stays as it was. */
static void
test_long(void **state)
{
	char text[2 * LOG_LINE_MAX];
	const char *got;

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	errno = ENOTTY;
	log_info("%s", text);
	assert_int_equal(errno, ENOTTY);
	got = seen();
	assert_true(strlen(got) <= LOG_LINE_MAX);
	assert_true(strlen(got) > LOG_LINE_MAX - 20);
	assert_int_equal(got[strlen(got) - 1], '\n');
}

static void
test_secrets(void **state)
{
	static const char a[] = "secret";
	char b[sizeof(a)];
	size_t i;

	assert_true(mem_equal_secret(a, "secret", 6));
	assert_true(mem_equal_secret(a, "x", 0));
	for (i = 0; i < 6; i++) {
		memcpy(b, a, sizeof(b));
		b[i] ^= 0x40;
		assert_false(mem_equal_secret(a, b, 6));
		assert_true(mem_equal_secret(a, b, i));
	}
}

/* Octets are set aside while there are enough, and given back once. */
static void
test_reserve(void **state)
{
	char dir[] = "/tmp/test-log-XXXXXX", path[100];
	struct stat st;

	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/reserve", dir);
	assert_int_equal(reserve_keep(path, 100000, UINT64_MAX / 2), 0);
	assert_int_equal(access(path, F_OK), -1);
	assert_int_equal(reserve_keep(path, 100000, 0), 1);
	assert_int_equal(stat(path, &st), 0);
	assert_true((uint64_t)st.st_blocks * 512 >= 100000);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_true(reserve_room(path) >= 100000);
	/* It is there: its size is not looked at again. */
	assert_int_equal(reserve_keep(path, 200000, UINT64_MAX / 2), 1);
	assert_int_equal(reserve_give(path), 1);
	assert_int_equal(reserve_give(path), 0);
	assert_int_equal(rmdir(dir), 0);
	assert_int_equal(reserve_keep(path, 1000, 0), -1);
	assert_true(reserve_room(path) == UINT64_MAX);
}

/* What cannot be set aside whole is not there at all. */
static void
test_reserve_refused(void **state)
{
	char dir[] = "/tmp/test-log-XXXXXX", path[100];
	struct rlimit was, now;

	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/reserve", dir);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &was), 0);
	now = was;
	now.rlim_cur = 4096;
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &now), 0);
	assert_int_equal(reserve_keep(path, 100000, 0), -1);
	assert_int_equal(errno, EFBIG);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &was), 0);
	signal(SIGXFSZ, SIG_DFL);
	assert_int_equal(access(path, F_OK), -1);
	assert_int_equal(rmdir(dir), 0);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_levels), T(test_hold), T(test_lost), T(test_shown),
		T(test_long), cmocka_unit_test(test_secrets),
		cmocka_unit_test(test_reserve),
		cmocka_unit_test(test_reserve_refused),
	};

	return cmocka_run_group_tests_name("log", tests, NULL, NULL);
}
