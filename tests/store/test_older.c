/* The index is brought back from an older copy: the mail is the truth. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "lib/base/fd.h"
#include "lib/mail/proto.h"
#include "tests/store/rig.h"

#define ANNA "anna@example.test"

static struct rig rig;
static enum { AS_IT_IS, ENDS_BEFORE, KNOWS_NONE } numbers; /* of a start */

void	__real_generation_next(void);
void	__wrap_generation_next(void);
void
__wrap_generation_next(void)
{
	if (numbers == ENDS_BEFORE)
		_exit(0);
	if (numbers == AS_IT_IS)
		__real_generation_next();
}

void	__real_generation_tick(void);
void	__wrap_generation_tick(void);
void
__wrap_generation_tick(void)
{
	if (numbers == AS_IT_IS)
		__real_generation_tick();
}

static int
setup(void **state)
{
	numbers = AS_IT_IS;
	rig_init(&rig);
	rig_start(&rig);
	return 0;
}

static int
teardown(void **state)
{
	rig_clear(&rig);
	return 0;
}

static void
put(const char *text)
{
	char id[17];

	rig_file(&rig, text, id);
	assert_int_equal(rig_deliver(&rig, id, ANNA, NULL), RESULT_DELIVERED);
}

/* In the rig's folder. */
static int
run(const char *cmd)
{
	char line[500];

	snprintf(line, sizeof(line), "cd %s && %s", rig.dir, cmd);
	return system(line);
}

static void
must_run(const char *cmd)
{
	assert_int_equal(run(cmd), 0);
}

static void
keep_copy(void)
{
	must_run("cp -a spool/index old");
}

static void
bring_back(void)
{
	must_run("rm -rf spool/index && cp -a old spool/index");
}

/* 1 where an index was set aside. */
static int
is_aside(void)
{
	return run("ls -d spool/index/bad-* >/dev/null 2>&1") == 0;
}

static size_t
found(const char *text)
{
	size_t n;

	return rig_find(&rig, &rig.imap[0], 1, text, &n);
}

/* What came since the copy: mail, a copy of mail; and what has gone. */
static void
work(void)
{
	uint32_t one = 1, two = 2, *gone, *from, *to, validity;
	uint64_t modseq;
	size_t n;

	put("second\n");
	put("third\n");
	assert_int_equal(door_copy(&rig.imap[0], 1, 1, &two, 1, 0, &from, &to,
	    &n, &validity), 0);
	assert_int_equal(n, 1);
	free(from);
	free(to);
	assert_int_equal(door_expunge(&rig.imap[0], 1, &one, 1, 1, &gone, &n,
	    &modseq), 0);
	assert_int_equal(n, 1);
	free(gone);
}

/* All of it is as it was, and what comes now takes nothing's place. */
static void
check_mail(void)
{
	struct door_mailbox was, m;
	struct buf out = BUF_INIT(10000);

	assert_int_equal(door_status(&rig.imap[0], 1, &was), 0);
	assert_int_equal(was.messages, 3);
	put("fourth\n");
	assert_int_equal(found("first\n"), 0);
	assert_int_equal(found("second\n"), 2);
	assert_int_equal(found("third\n"), 1);
	assert_int_equal(found("fourth\n"), 1);
	assert_int_equal(door_status(&rig.imap[0], 1, &m), 0);
	assert_int_equal(m.messages, 4);
	assert_int_equal(m.uidvalidity, was.uidvalidity);
	assert_int_equal(rig_control(&rig, C_CHECK, ANNA, &out), 0);
	buf_clear(&out);
}

/* A copy that was made while store did not run. */
static void
test_of_a_stop(void **state)
{
	put("first\n");
	assert_int_equal(rig_stop(&rig), 0);
	keep_copy();
	rig_start(&rig);
	work();
	assert_int_equal(rig_stop(&rig), 0);
	bring_back();
	rig_start(&rig);
	check_mail();
	assert_true(is_aside());
}

/* The older one, when it was set aside as far as that. */
static void
set_aside_in_part(const char *moved)
{
	char cmd[200];

	put("first\n");
	assert_int_equal(rig_stop(&rig), 0);
	keep_copy();
	rig_start(&rig);
	work();
	assert_int_equal(rig_stop(&rig), 0);
	bring_back();
	snprintf(cmd, sizeof(cmd), "mkdir spool/index/bad-1 && "
	    "cd spool/index && mv %s bad-1", moved);
	must_run(cmd);
	rig_start(&rig);
	check_mail();
	assert_int_equal(rig_stop(&rig), 0);
}

/* A kill may have come between any two of its files. */
static void
test_set_aside_in_part(void **state)
{
	static const char *const moved[] = { "core.15", "core.00",
		"core.0[1-9] core.1*", "core.*", "log", "log core.15",
		"cache clean" };
	size_t i;

	for (i = 0; i < sizeof(moved) / sizeof(*moved); i++) {
		if (i > 0)
			assert_int_equal(setup(state), 0);
		set_aside_in_part(moved[i]);
		if (i + 1 < sizeof(moved) / sizeof(*moved))
			assert_int_equal(teardown(state), 0);
	}
}

static void
hot_copy(void)
{
	int status;

	kill(rig.pid, SIGSTOP);
	assert_int_equal(waitpid(rig.pid, &status, WUNTRACED), rig.pid);
	keep_copy();
	kill(rig.pid, SIGCONT);
}

/* One of the same start: it says nothing but the number. */
static void
test_of_the_same_start(void **state)
{
	put("first\n");
	hot_copy();
	work();
	assert_int_equal(rig_stop(&rig), 0);
	bring_back();
	rig_start(&rig);
	check_mail();
	assert_true(is_aside());
}

/* Waits until the mail has another number than text, which it gets. */
static void
next_number(struct buf *text)
{
	struct buf was = BUF_INIT(64);
	int i, fd;

	buf_append(&was, text->data, text->len);
	for (i = 0; i < 1200; i++) {
		buf_reset(text);
		fd = open(rig_path(&rig, "spool/mail/.generation"), O_RDONLY);
		if (fd != -1 && fd_slurp(fd, text) == 0 &&
		    strcmp(buf_str(text), buf_str(&was)) != 0)
			break;
		fd_close(&fd);
		poll(NULL, 0, 50);
	}
	assert_in_range(i, 0, 1199);
	fd_close(&fd);
	buf_clear(&was);
}

/* ... and no end in order has told it. */
static void
test_of_the_same_start_killed(void **state)
{
	struct buf text = BUF_INIT(64);

	next_number(&text);
	put("first\n");
	next_number(&text);
	hot_copy();
	work();
	next_number(&text);
	rig_kill(&rig);
	bring_back();
	rig_start(&rig);
	check_mail();
	assert_true(is_aside());
	buf_clear(&text);
}

/* Kills, and a copy of both, are no reason to make anything anew. */
static void
test_not_older(void **state)
{
	put("first\n");
	work();
	rig_kill(&rig);
	rig_start(&rig);
	put("fifth\n");
	assert_int_equal(rig_stop(&rig), 0);
	must_run("cp -a spool both");
	rig_start(&rig);
	put("sixth\n");
	assert_int_equal(found("sixth\n"), 1);
	assert_int_equal(rig_stop(&rig), 0);
	must_run("rm -rf spool && mv both spool");
	rig_start(&rig);
	assert_int_equal(found("fifth\n"), 1);
	assert_int_equal(found("sixth\n"), 0);
	assert_false(is_aside());
}

/* Without the number, or with one that makes no sense, it is as it was. */
static void
test_no_number(void **state)
{
	put("first\n");
	assert_int_equal(rig_stop(&rig), 0);
	must_run("rm spool/mail/.generation");
	rig_start(&rig);
	assert_int_equal(found("first\n"), 1);
	assert_int_equal(rig_stop(&rig), 0);
	must_run("echo x >spool/mail/.generation");
	rig_start(&rig);
	assert_int_equal(found("first\n"), 1);
	assert_false(is_aside());
}

/* The start that makes an index ends before that has a number. */
static void
test_new_without_number(void **state)
{
	siginfo_t end;

	put("first\n");
	assert_int_equal(rig_stop(&rig), 0);
	must_run("rm -r spool/index");
	numbers = ENDS_BEFORE;
	rig_start(&rig);
	assert_int_equal(waitid(P_PID, (id_t)rig.pid, &end,
	    WEXITED | WNOWAIT), 0);
	rig_kill(&rig);
	must_run("test -e spool/index/core.15");
	numbers = AS_IT_IS;
	rig_start(&rig);
	assert_int_equal(found("first\n"), 1);
	assert_false(is_aside());
	assert_int_equal(rig_stop(&rig), 0);
}

/* Without the mail nothing is made beside what is left of an index. */
static void
test_no_mail_beside_a_part(void **state)
{
	int status;

	put("first\n");
	assert_int_equal(rig_stop(&rig), 0);
	must_run("mv spool/mail mail && mkdir spool/index/bad-1 && "
	    "mv spool/index/core.15 spool/index/bad-1");
	rig_start(&rig);
	status = rig_stop(&rig);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) != 0);
	must_run("rm -r spool/mail && mv mail spool/mail");
	rig_start(&rig);
	assert_int_equal(found("first\n"), 1);
	assert_int_equal(rig_stop(&rig), 0);
}

/* One that a program made which knows nothing of numbers has messages. */
static void
test_made_without_number(void **state)
{
	put("first\n");
	assert_int_equal(rig_stop(&rig), 0);
	must_run("rm -r spool/index");
	numbers = KNOWS_NONE;
	rig_start(&rig);
	put("second\n");
	assert_int_equal(rig_stop(&rig), 0);
	numbers = AS_IT_IS;
	rig_start(&rig);
	assert_int_equal(found("first\n"), 1);
	assert_int_equal(found("second\n"), 1);
	assert_true(is_aside());
	assert_int_equal(rig_stop(&rig), 0);
	must_run("rm -r spool/index/bad-*");
	rig_start(&rig);
	assert_int_equal(found("second\n"), 1);
	assert_false(is_aside());
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_of_a_stop, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_set_aside_in_part, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_of_the_same_start, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_of_the_same_start_killed,
		    setup, teardown),
		cmocka_unit_test_setup_teardown(test_not_older, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_no_number, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_new_without_number, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_no_mail_beside_a_part,
		    setup, teardown),
		cmocka_unit_test_setup_teardown(test_made_without_number,
		    setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
