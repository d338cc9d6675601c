/*
 * A signal ends the wait for a line, whenever it comes.
 */
#include <sys/wait.h>

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <unistd.h>
#include <cmocka.h>

#include "ctl/ctl_ask.h"

enum { TIMES = 2000, HUNG = 20 };	/* seconds */

/* Says that it is there, and reads a line of which a part is there. */
static void
asks(int in, int ready)
{
	struct buf line = BUF_INIT(100);

	dup2(in, STDIN_FILENO);
	ctl_catch(1);
	alarm(HUNG);
	if (write(ready, "", 1) != 1)
		_exit(1);
	_exit(ctl_line(&line) == 0 && line.len == 0 &&
	    ctl_caught() == SIGTERM ? 0 : 2);
}

static void
test_at_any_time(void **state)
{
	int in[2], ready[2], st, i;
	char c;
	pid_t pid;

	assert_int_equal(pipe(ready), 0);
	for (i = 0; i < TIMES; i++) {
		assert_int_equal(pipe(in), 0);
		if (i % 2)
			assert_int_equal(write(in[1], "ab", 2), 2);
		pid = fork();
		assert_int_not_equal(pid, -1);
		if (pid == 0)
			asks(in[0], ready[1]);
		assert_int_equal(read(ready[0], &c, 1), 1);
		assert_int_equal(kill(pid, SIGTERM), 0);
		assert_int_equal(waitpid(pid, &st, 0), pid);
		/* Not by the alarm. */
		assert_true(WIFEXITED(st));
		assert_int_equal(WEXITSTATUS(st), 0);
		close(in[0]);
		close(in[1]);
	}
	close(ready[0]);
	close(ready[1]);
}

/* What was typed before it is no answer, and the next line is heard again. */
static void
test_after_it(void **state)
{
	struct buf line = BUF_INIT(100);
	int in[2], old = dup(STDIN_FILENO);

	assert_int_equal(pipe(in), 0);
	dup2(in[0], STDIN_FILENO);
	ctl_catch(1);
	raise(SIGHUP);
	assert_int_equal(ctl_caught(), SIGHUP);
	assert_int_equal(write(in[1], "yes\nno", 6), 6);
	assert_int_equal(ctl_line(&line), 0);
	ctl_catch(0);
	ctl_catch(1);
	assert_int_equal(ctl_line(&line), 1);
	assert_string_equal(buf_str(&line), "yes");
	close(in[1]);
	assert_int_equal(ctl_line(&line), 1);
	assert_string_equal(buf_str(&line), "no");
	assert_int_equal(ctl_line(&line), 0);
	ctl_catch(0);
	dup2(old, STDIN_FILENO);
	close(old);
	close(in[0]);
	buf_clear(&line);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_at_any_time),
		cmocka_unit_test(test_after_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
