/* Time as it is, and as tests move it: never for root, and once for all. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#include "lib/base/clock.h"

static const struct timespec real = { 1800000000, 123456789 };
static const struct timespec mono = { 5000, 987654321 };
static uid_t uid;

uid_t	__wrap_geteuid(void);
int	__wrap_clock_gettime(clockid_t id, struct timespec *ts);
int	__wrap___clock_gettime64(clockid_t id, struct timespec *ts);

uid_t
__wrap_geteuid(void)
{
	return uid;
}

int
__wrap_clock_gettime(clockid_t id, struct timespec *ts)
{
	*ts = id == CLOCK_REALTIME ? real : mono;
	return 0;
}

/* The name of it where time_t was made longer. */
int
__wrap___clock_gettime64(clockid_t id, struct timespec *ts)
{
	return __wrap_clock_gettime(id, ts);
}

/* In a process of its own: the shift is looked for once. */
static int
clocks_are(int64_t shift)
{
	return clock_now() == real.tv_sec + shift &&
	    clock_now_us() == (real.tv_sec + shift) * 1000000 + 123456 &&
	    clock_mono_ms() == (mono.tv_sec + shift) * 1000 + 987;
}

static void
test_shift(void **state)
{
	static const struct {
		uid_t	 uid;
		const char *env;
		int64_t	 shift;
	} rows[] = {
		{ 0, NULL, 0 }, { 0, "3600", 0 }, { 1000, NULL, 0 },
		{ 1000, "3600", 3600 }, { 1000, "-60", -60 },
		{ 1000, "0", 0 },
	};
	int status, good;
	size_t i;
	pid_t pid;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uid = rows[i].uid;
		pid = fork();
		if (pid == 0) {
			unsetenv("ROHRPOST_CLOCK_SHIFT");
			if (rows[i].env != NULL)
				setenv("ROHRPOST_CLOCK_SHIFT", rows[i].env, 1);
			good = clocks_are(rows[i].shift);
			setenv("ROHRPOST_CLOCK_SHIFT", "7", 1);
			_exit(!good || !clocks_are(rows[i].shift));
		}
		assert_int_equal(waitpid(pid, &status, 0), pid);
		if (status != 0)
			fail_msg("row %zu", i);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_shift),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
