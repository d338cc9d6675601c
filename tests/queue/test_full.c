/*
 * A real queue process on a disk of its own, a small one: nothing is lost by
 * its being full, what can go on goes on, and after it all is as before.
 * Needs root, to mount it.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#include "lib/mail/limits.h"
#include "queue/queue_table.h"
#include "tests/queue/fixture.h"

enum { MESSAGES = 10, MB = 1 << 20 };

static char disk[100];

static void
path_of(char path[200], const char *name)
{
	snprintf(path, 200, "%.90s/%.90s", disk, name);
}

static int
setup_disk(void **state)
{
	rig_init(&rig, "");
	snprintf(disk, sizeof(disk), "%.60s/spool/queue", rig.dir);
	return mount("tmpfs", disk, "tmpfs", 0,
	    "size=160m,mode=755,uid=65534,gid=65534");
}

static int
teardown_disk(void **state)
{
	int r;

	rig_kill(&rig);
	r = umount2(disk, MNT_DETACH);
	return teardown(state) | r;
}

/* Leaves so much of the disk. */
static void
leave(uint64_t octets)
{
	char path[200];
	struct statvfs v;
	uint64_t have;
	int fd;

	path_of(path, "ballast");
	assert_int_equal(statvfs(disk, &v), 0);
	have = (uint64_t)v.f_bavail * v.f_frsize;
	assert_true(have >= octets);
	assert_true((fd = open(path, O_WRONLY | O_CREAT, 0600)) != -1);
	if (have > octets)
		assert_int_equal(posix_fallocate(fd, lseek(fd, 0, SEEK_END),
		    (off_t)(have - octets)), 0);
	close(fd);
}

static void
free_space(void)
{
	char path[200];

	path_of(path, "ballast");
	assert_int_equal(unlink(path), 0);
}

/* Until a worker is given a file, or told that the disk is full. */
static void
wait_taken(int want)
{
	struct chan c;
	char id[17];
	int i, fd, got;

	for (i = 0; i < RIG_WAIT / 100; i++) {
		rig_wire(&rig, PEER_SMTPD, &c);
		if ((got = rig_file(&c, id, &fd) == 0))
			close(fd);
		chan_clear(&c);
		if (got == want)
			return;
		nap(100);
	}
	fail_msg("%s", want ? "nothing is taken" : "all is taken");
}

static void
start(char id[MESSAGES][17], struct rig_job *j)
{
	int i;

	rig_start(&rig);
	wire_all();
	for (i = 0; i < MESSAGES; i++)
		assert_int_equal(rig_send(&smtpd, id[i], "anna@example.test",
		    TO("a@one.test"), TEXT), 0);
	take(&relay, j);
	assert_string_equal(j->file, id[0]);
}

/* Below what intake leaves: what is in the queue goes on. */
static void
test_low(void **state)
{
	char id[MESSAGES][17], out[2000];
	struct rig_job j;
	uint32_t status;
	int i;

	start(id, &j);
	leave(DISK_FLOOR / 2);
	wait_taken(0);
	for (i = 0; i < MESSAGES - 1; i++) {
		rig_result(&relay, &j, -1, RESULT_DELIVERED, "2.0.0 ok", "mx");
		rig_job_clear(&j);
		take(&relay, &j);
	}
	/* A bounce waits for room. */
	rig_result(&relay, &j, -1, RESULT_NEVER, "5.1.1 no", "mx");
	rig_job_clear(&j);
	while (ask(C_LIST, NULL, 7, out, sizeof(out), &status) > 0 &&
	    strcmp(out, "failed ") != 0)
		nap(50);
	assert_string_equal(out, "failed ");
	assert_idle(&deliver);
	free_space();
	wait_taken(1);
	take(&deliver, &j);
	assert_string_equal(j.sender, "");
	assert_non_null(strstr(j.body, "5.1.1 no"));
	rig_job_clear(&j);
}

/* Nothing can be written: what the operator asks for is refused, not shown. */
static void
test_none(void **state)
{
	char id[MESSAGES][17], out[2000], path[200];
	struct rig_job j;
	uint32_t status = 99;
	int i;

	start(id, &j);
	rig_job_clear(&j);
	leave(0);
	wait_taken(0);
	/* Somebody takes the reserve too. */
	path_of(path, "db/reserve");
	assert_int_equal(unlink(path), 0);
	leave(0);
	for (i = 0; i < RIG_WAIT / 100 && status != C_REFUSED; i++) {
		nap(100);
		ask(C_HOLD, NULL, 0, out, sizeof(out), &status);
		if (status == C_OK)
			ask(C_RELEASE, NULL, 0, out, sizeof(out), &status);
	}
	assert_int_equal(status, C_REFUSED);
	ask(C_LIST, NULL, 1, out, sizeof(out), &status);
	assert_null(strstr(out, "held"));
	ask(C_HOLD, id[3], 0, out, sizeof(out), &status);
	assert_int_equal(status, C_REFUSED);
	/* It starts on the full disk too, and knows all of them. */
	again();
	assert_int_equal(ask(C_LIST, NULL, 1, out, sizeof(out), &status),
	    MESSAGES);
	assert_null(strstr(out, "held"));
	free_space();
	wait_taken(1);
	ask(C_HOLD, NULL, 0, out, sizeof(out), &status);
	assert_int_equal(status, C_OK);
	again();
	assert_states("held held held held held held held held held held ");
}

/* A start finds no room, nor a reserve: it knows all the same what is there. */
static void
test_start(void **state)
{
	const struct rig_fill some = { .n = 20, .time = 1,
		.next = (int64_t)1 << 40, .from = "s@far.test",
		.domain = "one.test" };
	char out[400], path[200];
	uint32_t status;

	rig_fill(&rig, &some);
	path_of(path, "db/reserve");
	assert_int_equal(unlink(path), 0);
	leave(0);
	rig_start(&rig);
	assert_int_equal(ask(C_LIST, NULL, 1, out, sizeof(out), &status), 20);
	assert_int_equal(status, C_OK);
	free_space();
	wire_all();
	wait_taken(1);
}

/* The very first one cannot make its table: it waits for room. */
static void
test_first_start(void **state)
{
	int ended;

	leave(0);
	rig_start(&rig);
	nap(1500);
	assert_int_equal(waitpid(rig.pid, &ended, WNOHANG), 0);
	free_space();
	wire_all();
	wait_taken(1);
}

/* A disk may have octets and no names left: a thousand are left alone. */
static void
test_names(void **state)
{
	char option[100];
	struct statvfs v;
	int i;

	rig_start(&rig);
	wire_all();
	wait_taken(1);
	for (i = 0; i < 2; i++) {
		assert_int_equal(statvfs(disk, &v), 0);
		snprintf(option, sizeof(option), "nr_inodes=%lu",
		    (unsigned long)(v.f_files - v.f_ffree) +
		    (i == 0 ? 900 : 5000));
		assert_int_equal(mount(NULL, disk, NULL, MS_REMOUNT, option),
		    0);
		wait_taken(i);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_low, setup_disk,
		    teardown_disk),
		cmocka_unit_test_setup_teardown(test_names, setup_disk,
		    teardown_disk),
		cmocka_unit_test_setup_teardown(test_none, setup_disk,
		    teardown_disk),
		cmocka_unit_test_setup_teardown(test_start, setup_disk,
		    teardown_disk),
		cmocka_unit_test_setup_teardown(test_first_start, setup_disk,
		    teardown_disk),
	};

	if (geteuid() != 0)
		return 77;	/* skipped */
	return cmocka_run_group_tests_name("queue-full", tests, NULL, NULL);
}
