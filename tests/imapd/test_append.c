/*
 * APPEND: the file that a message is written into is store's, given to this
 * door; what becomes no message goes back, and never to another store.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/imapd/rig.h"

/* A NOOP that store is asked for: what was sent before has been read. */
static void
back(unsigned n)
{
	say("s STATUS INBOX (MESSAGES)\r\n");
	expect("s OK ");
	assert_int_equal(store.back, n);
}

static void
test_appended(void **state)
{
	say("a APPEND INBOX {12}\r\n");
	expect("+ OK\r\n");
	more("Subject: x\r\n\r\n");
	expect("a OK [APPENDUID 3 1] APPEND completed\r\n");
	back(0);
}

static void
test_nul_is_given_back(void **state)
{
	say("a APPEND INBOX {12}\r\n");
	expect("+ OK\r\n");
	assert_int_equal(write(client, "Subject:\0x\r\n\r\n", 14), 14);
	expect("a NO [CANNOT] The message has NUL octets\r\n");
	assert_int_equal(store.messages, 0);
	back(1);
}

/* Two are there, and the third ends the command: all three go back. */
static void
test_many_are_given_back(void **state)
{
	say("a APPEND INBOX {1+}\r\nx {1+}\r\ny {0+}\r\n\r\n");
	expect("a NO APPEND cancelled\r\n");
	assert_int_equal(store.messages, 0);
	back(3);
}

static void
test_line_goes_on(void **state)
{
	say("a APPEND INBOX {1+}\r\nx y\r\n");
	expect("a BAD APPEND: the line goes on\r\n");
	say("b APPEND INBOX {1+}\r\nx{1+}\r\ny\r\n");
	expect("b BAD APPEND: the line goes on\r\n");
	say("c APPEND INBOX () \"x\" {1+}\r\ny\r\n");
	expect("c BAD APPEND: bad date\r\n");
	say("e APPEND INBOX {2000000}\r\n");
	expect("e NO [TOOBIG] The message is too big\r\n");
	say("f APPEND none {1}\r\n");
	expect("f NO [TRYCREATE] There is no such mailbox\r\n");
	assert_int_equal(store.messages, 0);
	back(2);
}

/* The client left in the middle of it. */
static void
test_client_leaves(void **state)
{
	say("a APPEND INBOX {12}\r\n");
	expect("+ OK\r\n");
	more("Subject");
	rig_client_ends(0);
	rig_client(1);
	assert_int_equal(store.messages, 0);
	back(1);
}

/* The name of the file is another file's there. */
static void
test_another_store(void **state)
{
	say("a APPEND INBOX {12}\r\n");
	expect("+ OK\r\n");
	rig_store_ends();
	rig_store_again();
	more("Subject: x\r\n\r\n");
	expect("a NO [UNAVAILABLE] The store is away, try again\r\n");
	assert_int_equal(store.messages, 0);
	back(0);
	say("b APPEND INBOX {1+}\r\nx\r\n");
	expect("b OK [APPENDUID 3 1]");
}

static void
test_another_store_of_many(void **state)
{
	say("a APPEND INBOX {1+}\r\nx {12}\r\n");
	expect("+ OK\r\n");
	rig_store_ends();
	rig_store_again();
	more("Subject: x\r\n\r\n");
	expect("a NO [UNAVAILABLE] The store is away, try again\r\n");
	assert_int_equal(store.messages, 0);
	back(0);
}

#define RIG(f) cmocka_unit_test_setup_teardown(f, rig_begin, rig_end)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		RIG(test_appended), RIG(test_nul_is_given_back),
		RIG(test_many_are_given_back), RIG(test_line_goes_on),
		RIG(test_client_leaves), RIG(test_another_store),
		RIG(test_another_store_of_many),
	};

	rig_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
