/*
 * The table of programs against itself, the uid slots, a logger's line.
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
#include "lib/mail/collect_proto.h"
#include "lib/mail/door_proto.h"
#include "lib/mail/proto.h"
#include "lib/server/program.h"
#include "master/logger_line.h"
#include "master/master_conf.h"
#include "master/master_slots.h"

static const struct msg_proto *
protocol(const char *name)
{
	static const struct msg_proto *const all[] = {
		&proto_queue, &proto_auth, &proto_job, &proto_door,
		&proto_resolve, &proto_sign, &proto_pam, &proto_collect,
	};
	size_t i;

	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (strcmp(all[i]->name, name) == 0)
			return all[i];
	fail_msg("no protocol %s", name);
	return NULL;
}

/* PEER_BIT of all that may say something there. */
static uint32_t
speakers(const struct msg_proto *p)
{
	uint32_t bits = 0;
	unsigned i;

	for (i = 0; i < p->n; i++)
		bits |= p->desc[i].from;
	return bits;
}

/* A wire leads from one to another, once, and each has words for it. */
static void
test_wires(void **state)
{
	const struct edge *e, *f;
	uint32_t ends;

	for (e = edges; e < edges + n_edges; e++) {
		assert_true(programs[e->a].pool != POOL_RESERVED);
		assert_true(programs[e->b].pool != POOL_RESERVED);
		assert_true(e->a != e->b);
		for (f = edges; f < e; f++)
			assert_false((e->a == f->a && e->b == f->b) ||
			    (e->a == f->b && e->b == f->a));
		assert_true(program_wires(e->a) & PROGRAM_BIT(e->b));
		assert_true(program_wires(e->b) & PROGRAM_BIT(e->a));
		ends = PEER_BIT(programs[e->a].kind) |
		    PEER_BIT(programs[e->b].kind);
		if ((speakers(protocol(e->protocol)) & ends) != ends)
			fail_msg("%s and %s do not both speak %s",
			    programs[e->a].name, programs[e->b].name,
			    e->protocol);
	}
}

static void
test_trust(void **state)
{
	const uint32_t ports = ~SERVICE_BIT(SERVICE_CONTROL);
	uint32_t wires;
	unsigned i;

	for (i = 0; i < PROGRAM_COUNT; i++) {
		wires = program_wires((enum program_id)i);
		/* Who talks to strangers has no way to the mail, and who has
		   one does not ask for passwords. */
		if (programs[i].services & ports)
			assert_false(wires & PROGRAM_BIT(PROGRAM_STORE));
		if (wires & PROGRAM_BIT(PROGRAM_STORE))
			assert_false(wires & PROGRAM_BIT(PROGRAM_AUTH));
	}
	/* Passwords come from those who ask under TLS alone; the host's own
	   are judged by PAM. */
	assert_int_equal(program_wires(PROGRAM_AUTH),
	    PROGRAM_BIT(PROGRAM_LOGIN) | PROGRAM_BIT(PROGRAM_SUBMISSION) |
	    PROGRAM_BIT(PROGRAM_PAM));
}

/* Every row can be found by what the process knows, and has its name. */
static void
test_find(void **state)
{
	unsigned i;

	for (i = 0; i < PROGRAM_COUNT; i++)
		assert_ptr_equal(program_find(programs[i].kind,
		    programs[i].duty), &programs[i]);
	assert_null(program_find(PEER_SMTPD, SERVICE_NONE));
	assert_null(program_find(PEER_CTL, SERVICE_NONE));
}

static void
test_counts(void **state)
{
	struct master_conf c = { .relay_workers = 7, .smtp_idle = 3 };
	unsigned i;

	assert_int_equal(master_conf_number(&c, "20"), 20);
	assert_int_equal(master_conf_number(&c, "relay_workers"), 7);
	assert_int_equal(master_conf_number(&c, "smtp_idle"), 3);
	/* Each names a number: else that panics. */
	for (i = 0; i < PROGRAM_COUNT; i++) {
		if (programs[i].count != NULL)
			(void)master_conf_number(&c, programs[i].count);
		if (programs[i].idle != NULL)
			(void)master_conf_number(&c, programs[i].idle);
	}
}

static void
test_rows(void **state)
{
	uint32_t ports = 0, all = 0;
	unsigned i;

	for (i = 0; i < PROGRAM_COUNT; i++) {
		assert_int_equal(programs[i].socket != NULL,
		    programs[i].mode != 0);
		assert_true(programs[i].start < START_STAGES);
		assert_true(programs[i].stop < STOP_STAGES);
		assert_int_equal(programs[i].pool == POOL_ACCEPT ||
		    programs[i].pool == POOL_DEMAND, programs[i].idle != NULL);
		assert_int_equal(programs[i].pool == POOL_RESERVED ||
		    programs[i].pool == POOL_SESSION ||
		    programs[i].pool == POOL_FILE ||
		    programs[i].pool == POOL_COMMAND,
		    programs[i].count == NULL);
		assert_int_equal(programs[i].pool == POOL_SESSION,
		    programs[i].sessions != 0);
		if (programs[i].pool == POOL_RESERVED)
			continue;
		/* Exactly one of them; a session's gets no other's group. */
		assert_int_equal(programs[i].user == NULL,
		    programs[i].session_uid);
		assert_true(programs[i].group == NULL || programs[i].user);
		/* A port belongs to one kind of process. */
		assert_int_equal(ports & programs[i].services &
		    ~SERVICE_BIT(SERVICE_CONTROL), 0);
		ports |= programs[i].services;
	}
	for (i = SERVICE_SMTP; i < SERVICE_COUNT; i++)
		all |= SERVICE_BIT(i);
	assert_int_equal(ports, all);
	/* Who serves one user after the login is that user's alone. */
	for (i = 0; i < PROGRAM_COUNT; i++)
		if (programs[i].sessions != 0)
			assert_true(programs[i].session_uid);
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
		cmocka_unit_test(test_wires),
		cmocka_unit_test(test_trust),
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_counts),
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_slots),
		cmocka_unit_test(test_slots_panic),
		cmocka_unit_test(test_line),
		cmocka_unit_test(test_line_full),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
