/*
 * The report of attackers, and what is said of it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#include "ctl/selftest_instance.h"
#include "ctl/selftest_report.h"

static struct selftest_report r;

static int
read_text(const char *text)
{
	FILE *f = tmpfile();
	int e;

	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, strlen(text), f), strlen(text));
	assert_int_equal(fflush(f), 0);
	e = report_read(fileno(f), &r);
	fclose(f);
	return e;
}

static void
test_lines_that_make_no_sense(void **state)
{
	static const char *const bad[] = { "x\n", "here\n", "here 1 2\n",
		"here 99 2 0\n", "tried 1 999 0\n", "tried 1 -1 0\n",
		"tried 1 1 -1\n", "tried 1 x 0\n", "gone 1 1 1\n",
		"begin now\n" };
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(read_text(bad[i]), -1);
	assert_int_equal(report_read(-1, &r), -1);
	assert_int_equal(read_text(""), 0);
	assert_int_equal(read_text("here 1 2 0\nbegin\n"), 0);
	assert_int_equal(r.here[1], 1);
}

/* A line for each program that there is: word, number, two more. */
static void
of_each(char *text, size_t size, const char *word)
{
	size_t len = strlen(text);
	unsigned p;

	for (p = 0; p < PROGRAM_COUNT; p++) {
		if (programs[p].pool == POOL_RESERVED)
			continue;
		snprintf(text + len, size - len, "%s %u 7 0\n", word, p);
		len += strlen(text + len);
	}
}

/* Two of a program are here: both must have done. */
static void
test_all_are_waited_for(void **state)
{
	char text[4000] = "";
	struct buf names = BUF_INIT(1000);

	assert_int_equal(read_text(""), 0);
	assert_false(report_all_here(&r));
	of_each(text, sizeof(text), WALLS_HERE);
	assert_int_equal(read_text(text), 0);
	assert_true(report_all_here(&r));
	assert_false(report_all_done(&r));
	of_each(text, sizeof(text), WALLS_DONE);
	assert_int_equal(read_text(text), 0);
	assert_true(report_all_done(&r));
	snprintf(text + strlen(text), sizeof(text) - strlen(text),
	    WALLS_HERE " %u 8 0\n", PROGRAM_RELAY);
	assert_int_equal(read_text(text), 0);
	assert_false(report_all_done(&r));
	report_missing(&r, &names);
	assert_string_equal(buf_str(&names), "relay");
	buf_clear(&names);
}

/* After two processes of the program had these errors. */
static enum verdict
verdict_of(enum program_id p, enum attempt_id a, int first, int second)
{
	char text[400];

	snprintf(text, sizeof(text), WALLS_TRIED " %u %u %d\n" WALLS_TRIED
	    " %u %u %d\n", p, a, first, p, a, second);
	assert_int_equal(read_text(text), 0);
	return report_verdict(&r, p, a);
}

static void
test_verdicts(void **state)
{
	const enum program_id no = PROGRAM_IMAPD, may = PROGRAM_RELAY;
	const enum attempt_id a = ATTEMPT_socket_inet6;

	assert_int_equal(verdict_of(no, a, EPERM, EPERM), VERDICT_HELD);
	assert_int_equal(verdict_of(no, a, EAFNOSUPPORT, EPERM), VERDICT_HELD);
	/* One that reached it is enough, in either order. */
	assert_int_equal(verdict_of(no, a, EPERM, 0), VERDICT_BROKEN);
	assert_int_equal(verdict_of(no, a, 0, EPERM), VERDICT_BROKEN);
	assert_int_equal(verdict_of(may, a, 0, EPERM), VERDICT_MAY);
	assert_int_equal(verdict_of(may, a, EPERM, EPERM), VERDICT_LESS);
	assert_int_equal(verdict_of(may, a, EAFNOSUPPORT, EAFNOSUPPORT),
	    VERDICT_ABSENT);
	assert_int_equal(report_verdict(&r, no, a), VERDICT_UNTRIED);
}

/* All of it goes, and nothing that a link in it points to. */
static void
test_removed(void **state)
{
	char outside[] = "/tmp/rp-test-outside-XXXXXX", path[100];
	struct selftest s = { .dir = "/tmp/rp-test-selftest-XXXXXX",
		.report = -1, .master = -1, .lock = -1 };
	int fd;

	assert_non_null(mkdtemp(outside));
	assert_non_null(mkdtemp(s.dir));
	snprintf(path, sizeof(path), "%s/one", s.dir);
	assert_int_equal(mkdir(path, 0700), 0);
	snprintf(path, sizeof(path), "%s/one/link", s.dir);
	assert_int_equal(symlink(outside, path), 0);
	snprintf(path, sizeof(path), "%s/one/file", s.dir);
	assert_true((fd = open(path, O_WRONLY | O_CREAT, 0600)) != -1);
	close(fd);
	snprintf(path, sizeof(path), "%s/kept", outside);
	assert_true((fd = open(path, O_WRONLY | O_CREAT, 0600)) != -1);
	close(fd);
	selftest_end(&s);
	assert_int_equal(access(s.dir, F_OK), -1);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(rmdir(outside), 0);
}

static char tmp[] = "/tmp/rp-test-sweep-XXXXXX";

static const char *
in_tmp(const char *name)
{
	static char path[200];

	snprintf(path, sizeof(path), "%s/%s", tmp, name);
	return path;
}

static void
make_left(const char *name, time_t age)
{
	const struct timespec t[2] = { { .tv_sec = time(NULL) - age },
		{ .tv_sec = time(NULL) - age } };
	char file[60];
	int fd;

	assert_int_equal(mkdir(in_tmp(name), 0755), 0);
	snprintf(file, sizeof(file), "%s/words", name);
	assert_true((fd = open(in_tmp(file), O_WRONLY | O_CREAT, 0600)) != -1);
	close(fd);
	assert_int_equal(utimensat(AT_FDCWD, in_tmp(name), t, 0), 0);
}

/* What a killed run left goes; whose it may be otherwise stays. */
static void
test_left_by_who_was_killed(void **state)
{
	static const char *const names[] = { "rohrpost-selftest.stale1",
		"rohrpost-selftest.fresh1", "rohrpost-selftest.inuse1",
		"rohrpost-selftest.other1", "rohrpost-selftest.longer12",
		"rohrpost-selftexx.stale1" };
	enum { STALE, FRESH, INUSE, OTHER, N = 6 };
	const time_t hour = 3600;
	char rm[60];
	size_t i;
	int fd;

	assert_non_null(mkdtemp(tmp));
	for (i = 0; i < N; i++)
		make_left(names[i], i == FRESH ? 60 : hour);
	fd = open(in_tmp(names[INUSE]), O_RDONLY | O_DIRECTORY);
	assert_int_equal(flock(fd, LOCK_SH), 0);
	if (geteuid() == 0)
		assert_int_equal(chown(in_tmp(names[OTHER]), 65534, 65534), 0);
	assert_int_equal(symlink(names[N - 1],
	    in_tmp("rohrpost-selftest.linked")), 0);
	selftest_sweep(tmp);
	for (i = 0; i < N; i++)
		assert_int_equal(access(in_tmp(names[i]), F_OK), i == STALE ||
		    (i == OTHER && geteuid() != 0) ? -1 : 0);
	assert_int_equal(access(in_tmp("rohrpost-selftexx.stale1/words"),
	    F_OK), 0);
	close(fd);
	selftest_sweep(in_tmp("nowhere"));
	snprintf(rm, sizeof(rm), "rm -r %s", tmp);
	assert_int_equal(system(rm), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines_that_make_no_sense),
		cmocka_unit_test(test_all_are_waited_for),
		cmocka_unit_test(test_verdicts),
		cmocka_unit_test(test_removed),
		cmocka_unit_test(test_left_by_who_was_killed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
