/*
 * The trust graph against itself, the uid slots, a logger's line.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <syslog.h>
#include <unistd.h>
#include <cmocka.h>

#include "lib/base/log.h"
#include "master/logger.h"
#include "master/master_conf.h"
#include "master/master_slots.h"
#include "master/table.h"

static void
test_both_ends(void **state)
{
	unsigned i, j;

	for (i = 0; i < ROW_COUNT; i++) {
		assert_non_null(rows[i].name);
		assert_false(rows[i].wires & ROW_BIT(i));
		for (j = 0; j < ROW_COUNT; j++)
			if (!(rows[i].wires & ROW_BIT(j)) !=
			    !(rows[j].wires & ROW_BIT(i)))
				fail_msg("%s and %s do not agree",
				    rows[i].name, rows[j].name);
	}
}

/* Who may be wired to whom at all: doc/internals.md, "Wires". */
static const struct {
	enum peer a, b;
} allowed[] = {
	{ PEER_SMTPD, PEER_QUEUE }, { PEER_SMTPD, PEER_AUTH },
	{ PEER_QUEUE, PEER_DELIVER }, { PEER_QUEUE, PEER_RELAY },
	{ PEER_DELIVER, PEER_STORE }, { PEER_RELAY, PEER_RESOLVE },
	{ PEER_LOGIN, PEER_AUTH }, { PEER_IMAPD, PEER_STORE },
	{ PEER_POP3D, PEER_STORE },
};

static void
test_allowed(void **state)
{
	unsigned i, j;
	size_t k;

	for (i = 0; i < ROW_COUNT; i++)
		for (j = 0; j < ROW_COUNT; j++) {
			if (!(rows[i].wires & ROW_BIT(j)))
				continue;
			for (k = 0; k < sizeof(allowed) / sizeof(allowed[0]);
			    k++)
				if ((allowed[k].a == rows[i].kind &&
				    allowed[k].b == rows[j].kind) ||
				    (allowed[k].b == rows[i].kind &&
				    allowed[k].a == rows[j].kind))
					break;
			if (k == sizeof(allowed) / sizeof(allowed[0]))
				fail_msg("%s must not be wired to %s",
				    rows[i].name, rows[j].name);
		}
	/* Passwords come from those who ask under TLS alone. */
	assert_false(rows[ROW_SMTP].wires & ROW_BIT(ROW_AUTH));
	assert_false(rows[ROW_LOCAL].wires & ROW_BIT(ROW_AUTH));
}

static void
test_rows(void **state)
{
	uint32_t ports = 0, all = 0;
	unsigned i;

	for (i = 0; i < ROW_COUNT; i++) {
		assert_int_equal(rows[i].socket != NULL,
		    rows[i].mode != 0);
		assert_true(rows[i].start < START_STAGES);
		assert_true(rows[i].stop < STOP_STAGES);
		/* A worker's neighbours are there before it. */
		assert_true(rows[i].pool != POOL_ACCEPT ||
		    rows[i].idle != 0);
		if (rows[i].pool == POOL_RESERVED) {
			assert_int_equal(rows[i].wires, 0);
			continue;
		}
		/* A port belongs to one kind of process. */
		assert_int_equal(ports & rows[i].services &
		    ~SERVICE_BIT(SERVICE_CONTROL), 0);
		ports |= rows[i].services;
	}
	for (i = SERVICE_SMTP; i < SERVICE_COUNT; i++)
		all |= SERVICE_BIT(i);
	assert_int_equal(ports, all);
	/* Sessions have a uid each; nobody else has. */
	for (i = 0; i < ROW_COUNT; i++)
		assert_int_equal(rows[i].session_uid,
		    i == ROW_SUBMISSION || i == ROW_IMAPD || i == ROW_POP3D);
}

static void
test_slots(void **state)
{
	struct slots s;

	slots_init(&s, 100, 102);
	assert_int_equal(slots_take(&s), 100);
	assert_int_equal(slots_take(&s), 101);
	slots_give(&s, 100);
	/* The one given back longest ago comes first. */
	assert_int_equal(slots_take(&s), 102);
	assert_int_equal(slots_take(&s), 100);
	assert_int_equal(slots_take(&s), 0);
	slots_give(&s, 102);
	slots_give(&s, 100);
	slots_give(&s, 101);
	assert_int_equal(slots_take(&s), 102);
	slots_give(&s, 102);
	slots_clear(&s);
}

static void
panic_of(uint32_t uid)
{
	struct slots s;
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		close(2);
		slots_init(&s, 100, 102);
		if (uid != 101 && slots_take(&s) == 0)
			_exit(0);
		slots_give(&s, uid);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(status != 0);
}

static void
test_slots_panic(void **state)
{
	panic_of(101);		/* none is lent */
	panic_of(99);
	panic_of(103);
}

struct line_row {
	const char *in, *out;
	size_t	 len;		/* 0: strlen */
	int	 priority;
};

static const struct line_row lines[] = {
	{ "i hello", "info hello", 0, LOG_INFO },
	{ "w a\tb", "warn a\\x09b", 0, LOG_WARNING },
	{ "f", "other f", 0, LOG_WARNING },
	{ "f x", "fatal x", 0, LOG_ERR },
	{ "p x", "panic x", 0, LOG_CRIT },
	{ "d x", "debug x", 0, LOG_DEBUG },
	{ "Assertion failed", "other Assertion failed", 0, LOG_WARNING },
	{ "", "other ", 0, LOG_WARNING },
	{ "i \033[31m\x7f\r", "info \\x1b[31m\\x7f\\x0d", 0, LOG_INFO },
	{ "i a\0b", "info a\\x00b", 5, LOG_INFO },
	{ "i J\xc3\xbcrgen", "info J\xc3\xbcrgen", 0, LOG_INFO },
	{ "i \xc2\x9b", "info \\xc2\\x9b", 0, LOG_INFO },
	{ "i \xff", "info \\xff", 0, LOG_INFO },
};

static void
test_line(void **state)
{
	const char *head = "2023-11-14T22:13:20.123Z smtpd[42] ";
	struct buf out = BUF_INIT(400);
	size_t i, len;

	for (i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		len = lines[i].len ? lines[i].len : strlen(lines[i].in);
		buf_reset(&out);
		assert_int_equal(logger_line(&out, 1700000000123456, "smtpd",
		    42, lines[i].in, len), lines[i].priority);
		assert_memory_equal(out.data, head, strlen(head));
		assert_int_equal(out.data[out.len - 1], '\n');
		buf_truncate(&out, out.len - 1);
		assert_string_equal(out.data + strlen(head), lines[i].out);
	}
	buf_clear(&out);
}

static void
test_line_full(void **state)
{
	struct buf out = BUF_INIT(50);
	char long_line[LOG_LINE_MAX + 100];

	memset(long_line, 'x', sizeof(long_line));
	assert_int_equal(logger_line(&out, 0, "smtpd", 1, long_line, 100), -1);
	assert_int_equal(out.len, 0);
	buf_clear(&out);
	buf_init(&out, 10000);
	assert_int_equal(logger_line(&out, 0, "smtpd", 1, long_line,
	    sizeof(long_line)), LOG_WARNING);
	assert_true(out.len < LOG_LINE_MAX + 60);
	buf_clear(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_both_ends),
		cmocka_unit_test(test_allowed),
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_slots),
		cmocka_unit_test(test_slots_panic),
		cmocka_unit_test(test_line),
		cmocka_unit_test(test_line_full),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
