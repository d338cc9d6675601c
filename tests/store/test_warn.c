/* A user is told that the mailbox gets full. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "lib/mail/proto.h"
#include "store/warn_text.h"
#include "tests/store/rig.h"

#define BERT "bert@example.test"

enum { TRIES = 3000, SIZE = 60000, QUOTA = 20 * SIZE };

static struct rig rig;
static char large[SIZE + 1];

static int
setup(void **state)
{
	memset(large, 'x', SIZE);
	memcpy(large, "Subject: l\n\n", 12);
	large[SIZE - 1] = '\n';
	rig_init(&rig);
	rig.quota_size = QUOTA;
	rig_start(&rig);
	return 0;
}

static int
teardown(void **state)
{
	assert_int_equal(rig_stop(&rig), 0);
	rig_clear(&rig);
	rig.quota_count = 0;
	return 0;
}

static void
deliver(unsigned n)
{
	char id[17];

	for (; n > 0; n--) {
		rig_file(&rig, large, id);
		assert_int_equal(rig_deliver(&rig, id, BERT, NULL),
		    RESULT_DELIVERED);
	}
}

static struct door_mailbox
box(void)
{
	struct door_mailbox m;

	assert_int_equal(door_status(&rig.imap[2], 1, &m), 0);
	return m;
}

static void
wait_for(uint32_t n)
{
	int i;

	for (i = 0; i < TRIES && box().messages < n; i++)
		usleep(10000);
	assert_int_equal(box().messages, n);
}

static void
expunge(uint32_t from, uint32_t n)
{
	uint32_t uid[QUOTA / SIZE], *gone;
	uint64_t modseq;
	size_t i, n_gone;

	for (i = 0; i < n; i++)
		uid[i] = from + (uint32_t)i;
	assert_int_equal(door_expunge(&rig.imap[2], 1, uid, n, 1, &gone,
	    &n_gone, &modseq), 0);
	assert_int_equal(n_gone, n);
	free(gone);
}

/* At 80 percent one, at 95 another, and none at all between. */
static void
test_twice(void **state)
{
	char text[1000];
	uint32_t uid = 17;
	ssize_t n;
	int fd;

	deliver(15);
	deliver(1);
	wait_for(17);
	assert_int_equal(door_open(&rig.imap[2], 1, &uid, 1, &fd), 0);
	assert_int_not_equal(fd, -1);
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	assert_true(n > 0);
	text[n] = '\0';
	assert_non_null(strstr(text, "To: <" BERT ">\r\n"));
	assert_non_null(strstr(text, "Subject: Your mailbox is 80 % full\r\n"));
	deliver(2);
	assert_int_equal(box().messages, 19);
	deliver(1);
	wait_for(21);
	deliver(1);
	assert_int_equal(box().messages, 22);
}

/* Once, whatever happens to store; again where usage had fallen below. */
static void
test_once(void **state)
{
	deliver(16);
	wait_for(17);
	rig_kill(&rig);
	rig_start(&rig);
	deliver(1);
	assert_int_equal(box().messages, 18);
	expunge(1, 4);
	assert_int_equal(box().messages, 14);
	assert_int_equal(rig_stop(&rig), 0);
	rig_start(&rig);
	deliver(2);
	assert_int_equal(box().messages, 16);
	deliver(1);
	wait_for(18);
}

/* It is a message like others: flags and a rebuild know it. */
static void
test_rebuilt(void **state)
{
	struct buf out = BUF_INIT(2000);

	deliver(16);
	wait_for(17);
	assert_int_equal(rig_stop(&rig), 0);
	rig_start(&rig);
	assert_int_not_equal(rig_control(&rig, C_REBUILD, BERT, &out), -1);
	buf_clear(&out);
	assert_int_equal(box().messages, 17);
}

/* A bound so small that the warning would fill it has none. */
static void
test_small(void **state)
{
	assert_int_equal(rig_stop(&rig), 0);
	rig.quota_size = 0;
	rig.quota_count = 5;
	rig_start(&rig);
	deliver(5);
	assert_int_equal(rig_stop(&rig), 0);
	rig.quota_count = 1000000;
	rig_start(&rig);
	assert_int_equal(box().messages, 5);
}

static void
test_text(void **state)
{
	static const struct warn_usage size = { 850 << 20, 1000 << 20, 3, 0 };
	static const struct warn_usage count = { 1, 100, 96, 100 };
	static const struct warn_usage over = { UINT64_MAX, 10, 0, 0 };
	static const struct warn_usage none = { 5, 0, 5, 0 };
	struct buf out = BUF_INIT(0);
	uint32_t header_len;
	const char *p;

	assert_int_equal(warn_percent(&size), 85);
	assert_int_equal(warn_percent(&count), 96);
	assert_int_equal(warn_percent(&over), 100);
	assert_int_equal(warn_percent(&none), 0);
	warn_text(&out, BERT, "", LANGUAGE_EN, &size, 1764500000, &header_len);
	p = buf_str(&out);
	assert_memory_equal(p + header_len - 4, "\r\n\r\n", 4);
	assert_non_null(strstr(p + header_len, "850.0 MB of the 1000.0 MB"));
	assert_non_null(strstr(p, "Auto-Submitted: auto-generated\r\n"));
	assert_non_null(strstr(p, "Date: Sun, 30 Nov 2025 "));
	for (; (p = strchr(p, '\n')) != NULL; p++)
		assert_int_equal(p[-1], '\r');
	buf_reset(&out);
	warn_text(&out, BERT, "", LANGUAGE_DE, &count, 1764500000, &header_len);
	p = buf_str(&out);
	assert_non_null(strstr(p, "Subject: Ihr Postfach ist zu 96 % voll\r"));
	assert_non_null(strstr(p + header_len, "96 von h\xc3\xb6" "chstens 100"
	    " Nachrichten"));
	buf_clear(&out);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_twice), T(test_once), T(test_rebuilt),
		T(test_small), cmocka_unit_test(test_text),
	};

	return cmocka_run_group_tests_name("warn", tests, NULL, NULL);
}
