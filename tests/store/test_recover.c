/* After a crash: expunges that were half done, in folders of any size. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "lib/mail/proto.h"
#include "store/body.h"
#include "tests/store/rig.h"

#define ANNA "anna@example.test"

static struct rig rig;

static int
setup(void **state)
{
	rig_init(&rig);
	rig_start(&rig);
	return 0;
}

static int
teardown(void **state)
{
	int status = rig_stop(&rig);

	rig_clear(&rig);
	return status == 0 ? 0 : -1;
}

static void
put(const char *text)
{
	char id[17];

	rig_file(&rig, text, id);
	assert_int_equal(rig_deliver(&rig, id, ANNA, NULL), RESULT_DELIVERED);
}

/* first..last of INBOX are copied there again, or expunged. */
static void
all(uint32_t first, uint32_t last, int expunge)
{
	uint32_t n = last - first + 1, i, validity, *a, *b;
	uint32_t *uids = calloc(n, sizeof(*uids));
	uint64_t modseq;
	size_t done;

	for (i = 0; i < n; i++)
		uids[i] = first + i;
	if (expunge) {
		assert_int_equal(door_expunge(&rig.imap[0], 1, uids, n, 1, &a,
		    &done, &modseq), 0);
	} else {
		assert_int_equal(door_copy(&rig.imap[0], 1, 1, uids, n, 0, &a,
		    &b, &done, &validity), 0);
		free(b);
	}
	assert_int_equal(done, n);
	free(a);
	free(uids);
}

/* The file of a message goes where an expunge puts it, and no more. */
static void
half(uint32_t uid)
{
	char from[200], name[100];

	snprintf(name, sizeof(name), "spool/mail/example.test/anna/1/%u", uid);
	strcpy(from, rig_path(&rig, name));
	snprintf(name, sizeof(name),
	    "spool/mail/example.test/anna/1/expunged/%u", uid);
	assert_int_equal(rename(from, rig_path(&rig, name)), 0);
}

static void
test_many(void **state)
{
	struct door_mailbox m;
	struct buf out = BUF_INIT(10000);
	uint32_t n;

	put("message");
	for (n = 1; n < 4 * BODY_SLICE; n *= 2)
		all(1, n, 0);
	all(1, n - 10, 1);
	rig_kill(&rig);
	half(n - 9);
	half(n - 5);
	half(n);
	rig_start(&rig);
	/* A delivery that comes first waits until all is in order. */
	put("new");
	assert_int_equal(door_status(&rig.imap[0], 1, &m), 0);
	assert_int_equal(m.messages, 10 - 3 + 1);
	assert_int_equal(m.uidnext, n + 2);
	assert_int_equal(rig_control(&rig, C_CHECK, ANNA, &out), 0);
	rig_kill(&rig);
	rig_start(&rig);
	assert_int_equal(door_status(&rig.imap[0], 1, &m), 0);
	assert_int_equal(m.messages, 8);
	buf_clear(&out);
}

/* What was linked is no message, however many uids were passed over. */
static void
test_gap(void **state)
{
	static const char box[] = "spool/mail/example.test/anna/1";
	struct door_mailbox m;
	char cmd[300];

	put("message");
	rig_kill(&rig);
	snprintf(cmd, sizeof(cmd), "cd '%s' && ln 1 2 && ln 1 1000 && "
	    "ln 1 4000000000", rig_path(&rig, box));
	assert_int_equal(system(cmd), 0);
	rig_start(&rig);
	put("new");
	assert_int_equal(door_status(&rig.imap[0], 1, &m), 0);
	assert_int_equal(m.messages, 2);
	assert_int_equal(m.uidnext, 3);
	snprintf(cmd, sizeof(cmd), "cd '%s' && [ $(ls -d [0-9]* | wc -l) = 2 ] "
	    "&& [ $(ls expunged | wc -l) = 3 ]", rig_path(&rig, box));
	assert_int_equal(system(cmd), 0);
}

/* A stop in the middle: the next start goes on. */
static void
test_stopped_meanwhile(void **state)
{
	struct door_mailbox m;
	uint32_t n;

	put("message");
	for (n = 1; n < 8 * BODY_SLICE; n *= 2)
		all(1, n, 0);
	all(1, n - 3, 1);
	rig_kill(&rig);
	half(n);
	rig_start(&rig);
	assert_int_equal(rig_stop(&rig), 0);
	rig_start(&rig);
	assert_int_equal(door_status(&rig.imap[0], 1, &m), 0);
	assert_int_equal(m.messages, 2);
}

/* What lies from UIDNEXT on is kept a while, whatever other names it has. */
static void
test_above(void **state)
{
	static const char inbox[] = "spool/mail/example.test/anna/1";
	struct door_mailbox m;
	char from[200], cmd[500];

	put("message");
	rig_kill(&rig);
	strcpy(from, rig_path(&rig, inbox));
	snprintf(cmd, sizeof(cmd), "cd '%s' && ln 1 2 && ln 1 3 && "
	    "cp 1 4", from);
	assert_int_equal(system(cmd), 0);
	rig_start(&rig);
	assert_int_equal(door_status(&rig.imap[0], 1, &m), 0);
	assert_int_equal(m.messages, 1);
	put("new");
	assert_int_equal(door_status(&rig.imap[0], 1, &m), 0);
	assert_int_equal(m.messages, 2);
	snprintf(cmd, sizeof(cmd), "cd '%s' && test ! -e 3 && test ! -e 4 && "
	    "test -e expunged/2.* && test -e expunged/3.* && "
	    "test -e expunged/4.*", from);
	assert_int_equal(system(cmd), 0);
}

/* A folder that cannot be looked into ends the look, of it and of no other. */
static void
test_no_folder(void **state)
{
	struct door_mailbox m;
	char path[200], cmd[500];

	put("message");
	assert_int_equal(door_create(&rig.imap[0], "Other", 0, &m), 0);
	rig_kill(&rig);
	strcpy(path, rig_path(&rig, "spool/mail/example.test/anna"));
	snprintf(cmd, sizeof(cmd), "cd '%s' && mv %u kept && ln -s %u %u",
	    path, m.id, m.id, m.id);
	assert_int_equal(system(cmd), 0);
	rig_start(&rig);
	put("new");
	assert_int_equal(door_status(&rig.imap[0], 1, &m), 0);
	assert_int_equal(m.messages, 2);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_many),
		T(test_gap),
		T(test_stopped_meanwhile),
		T(test_above),
		T(test_no_folder),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
