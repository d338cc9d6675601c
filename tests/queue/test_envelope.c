#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "queue/queue_envelope.h"
#include "queue/queue_record.h"
#include "queue/queue_table.h"
#include "queue/queue_target.h"
#include "queue/queue_write.h"

static struct recipient rcpt[] = {
	{ "anna@example.test", "rfc822;anna@example.test", 4 },
	{ "\"a b\"@example.test", "", 0 },
};

static struct envelope
sample(void)
{
	return (struct envelope){ .time = 1700000000, .length = 5000,
		.crc = 0xdeadbeef, .final = 60, .forward = 20, .flags = 1,
		.origin = 2, .sender = "s@far.test", .client = "c [::1]",
		.login = "", .envid = "QQ314159", .rcpt = rcpt, .n_rcpt = 2 };
}

static void
test_envelope(void **state)
{
	struct envelope e = sample(), f;
	struct buf b = BUF_INIT(0);

	assert_int_equal(envelope_pack(&e, &b), 0);
	assert_int_equal(envelope_parse(&f, b.data, b.len), 0);
	assert_int_equal(f.time, e.time);
	assert_int_equal(f.length, 5000);
	assert_int_equal(f.crc, 0xdeadbeef);
	assert_int_equal(f.final, 60);
	assert_int_equal(f.forward, 20);
	assert_string_equal(f.sender, "s@far.test");
	assert_string_equal(f.client, "c [::1]");
	assert_string_equal(f.login, "");
	assert_string_equal(f.envid, "QQ314159");
	assert_int_equal(f.n_rcpt, 2);
	assert_string_equal(f.rcpt[0].orcpt, "rfc822;anna@example.test");
	assert_int_equal(f.rcpt[0].notify, 4);
	assert_string_equal(f.rcpt[1].address, "\"a b\"@example.test");
	envelope_clear(&f);
	buf_clear(&b);
}

/* Cut at every octet, and every octet changed: refused, or parsed whole. */
static void
test_damage(void **state)
{
	struct envelope e = sample(), f;
	struct buf b = BUF_INIT(0);
	size_t i;

	assert_int_equal(envelope_pack(&e, &b), 0);
	for (i = 0; i < b.len; i++)
		assert_int_equal(envelope_parse(&f, b.data, i), -1);
	buf_putc(&b, 0);
	assert_int_equal(envelope_parse(&f, b.data, b.len), -1);
	buf_truncate(&b, b.len - 1);
	for (i = 0; i < b.len; i++) {
		b.data[i] ^= 0x81;
		if (envelope_parse(&f, b.data, b.len) == 0)
			envelope_clear(&f);
		b.data[i] ^= 0x81;
	}
	buf_clear(&b);
}

static void
test_refused_texts(void **state)
{
	static const char *const bad[] = { "a\nb@x", "a\rb@x" };
	struct envelope e;
	struct buf b = BUF_INIT(0);
	char longest[ADDRESS_MAX + 2];
	size_t i;

	memset(longest, 'a', sizeof(longest));
	longest[sizeof(longest) - 1] = '\0';
	for (i = 0; i < 2; i++) {
		e = sample();
		e.sender = bad[i];
		assert_int_equal(envelope_pack(&e, &b), -1);
		assert_int_equal(b.len, 0);
		e = sample();
		e.envid = bad[i];
		assert_int_equal(envelope_pack(&e, &b), -1);
	}
	e = sample();
	e.sender = longest;
	assert_int_equal(envelope_pack(&e, &b), -1);
	e = sample();
	e.n_rcpt = 0;
	assert_int_equal(envelope_pack(&e, &b), -1);
	buf_clear(&b);
}

static void
put_rcpt(struct buf *b, const char *a, size_t len)
{
	buf_put_lv(b, a, len);
	buf_put_lv(b, "", 0);
	buf_put_u32(b, 0);
}

static void
test_recipients(void **state)
{
	struct buf b = BUF_INIT(0);
	struct envelope e;
	char *extra;
	int i;

	memset(&e, 0, sizeof(e));
	assert_int_equal(recipients_parse(&e, "", 0, 0, &extra), -1);
	put_rcpt(&b, "", 0);
	assert_int_equal(recipients_parse(&e, b.data, b.len, 0, &extra), -1);
	buf_reset(&b);
	put_rcpt(&b, "a\0b@x", 5);
	assert_int_equal(recipients_parse(&e, b.data, b.len, 0, &extra), -1);
	buf_reset(&b);
	for (i = 0; i < RECIPIENTS_MAX; i++)
		put_rcpt(&b, "a@x.test", 8);
	assert_int_equal(recipients_parse(&e, b.data, b.len, 100, &extra), 0);
	assert_int_equal(e.n_rcpt, RECIPIENTS_MAX);
	memset(extra, 'x', 100);
	assert_string_equal(e.rcpt[RECIPIENTS_MAX - 1].address, "a@x.test");
	envelope_clear(&e);
	put_rcpt(&b, "a@x.test", 8);
	assert_int_equal(recipients_parse(&e, b.data, b.len, 0, &extra), -1);
	buf_clear(&b);
}

static void
test_targets(void **state)
{
	struct target t[2] = {
		{ .address = "a@x", .way = "x", .kind = TARGET_REMOTE,
		    .rcpt = 1, .forwarded = 1 },
		{ .address = "b@y", .way = "y", .kind = TARGET_REMOTE },
	};
	struct targets ts = { .t = t, .n = 2 }, got;
	struct buf b = BUF_INIT(0);
	size_t i;

	assert_int_equal(targets_pack(&ts, &b), 0);
	assert_int_equal(targets_parse(&got, 2, b.data, b.len), 0);
	assert_int_equal(got.n, 2);
	assert_string_equal(got.t[0].address, "a@x");
	assert_string_equal(got.t[0].way, "x");
	assert_int_equal(got.t[0].rcpt, 1);
	assert_int_equal(got.t[0].forwarded, 1);
	assert_string_equal(got.t[1].way, "y");
	targets_clear(&got);
	/* An index past the recipients. */
	assert_int_equal(targets_parse(&got, 1, b.data, b.len), -1);
	for (i = 0; i < b.len; i++)
		assert_int_equal(targets_parse(&got, 2, b.data, i), -1);
	buf_clear(&b);
}

/* Owners of lists: as runs behind the targets, which older readers skip. */
static void
test_owners(void **state)
{
	struct target t[5] = {
		{ .address = "a@x", .way = "x", .kind = TARGET_REMOTE },
		{ .address = "b@x", .way = "x", .kind = TARGET_REMOTE,
		    .owner = "o@z" },
		{ .address = "c@x", .way = "x", .kind = TARGET_REMOTE,
		    .owner = (char[]){ "o@z" } },
		{ .address = "d@x", .way = "x", .kind = TARGET_REMOTE,
		    .owner = "p@z" },
		{ .address = "e@x", .way = "x", .kind = TARGET_REMOTE },
	};
	struct targets ts = { .t = t, .n = 5 }, got;
	struct buf b = BUF_INIT(0), plain = BUF_INIT(0);
	size_t i;

	assert_int_equal(targets_pack(&ts, &b), 0);
	assert_int_equal(targets_parse(&got, 1, b.data, b.len), 0);
	for (i = 0; i < 5; i++)
		if (t[i].owner == NULL)
			assert_null(got.t[i].owner);
		else
			assert_string_equal(got.t[i].owner, t[i].owner);
	targets_clear(&got);
	/* What every reader knows stands in front, as without them. */
	for (i = 0; i < 5; i++)
		t[i].owner = NULL;
	assert_int_equal(targets_pack(&ts, &plain), 0);
	assert_true(plain.len < b.len);
	assert_memory_equal(plain.data, b.data, plain.len);
	/* A run of two with o@z, then one with p@z; each 16 octets. */
	assert_int_equal(b.len, plain.len + 2 * 16);
	assert_memory_equal(b.data + plain.len, "\1\13\0\0\0"
	    "\1\0\0\0\2\0\0\0o@z\1\13\0\0\0\3\0\0\0\1\0\0\0p@z", 32);
	for (i = plain.len + 1; i < b.len; i++)
		if (i != plain.len + 16)
			assert_int_equal(targets_parse(&got, 1, b.data, i),
			    -1);
	/* Past the last target, by both ways; an owner with a line end. */
	b.data[plain.len + 9] = 5;
	assert_int_equal(targets_parse(&got, 1, b.data, b.len), -1);
	b.data[plain.len + 9] = 2;
	b.data[plain.len + 5] = 6;
	assert_int_equal(targets_parse(&got, 1, b.data, b.len), -1);
	b.data[plain.len + 5] = 1;
	b.data[plain.len + 14] = '\n';
	assert_int_equal(targets_parse(&got, 1, b.data, b.len), -1);
	t[0].owner = "o\r@z";
	buf_reset(&b);
	assert_int_equal(targets_pack(&ts, &b), -1);
	assert_int_equal(b.len, 0);
	buf_clear(&b);
	buf_clear(&plain);
}

static void
test_result(void **state)
{
	struct target t = { .address = "a@x" }, u = { .address = "a@x" };
	struct buf b = BUF_INIT(0);

	target_set(&t, TARGET_REFUSED, "5.1.1 no\r\nsuch", 14, "mx\x01", 3);
	assert_string_equal(t.words, "5.1.1 no  such");
	assert_string_equal(t.host, "mx ");
	assert_int_equal(t.unsaved, 1);
	assert_int_equal(target_pack_result(&t, &b), 0);
	assert_int_equal(target_parse_result(&u, b.data, b.len), 0);
	assert_int_equal(u.state, TARGET_REFUSED);
	assert_string_equal(u.words, t.words);
	assert_int_equal(u.unsaved, 0);
	assert_int_equal(target_parse_result(&u, b.data, b.len - 1), -1);
	b.data[1] = 9;
	assert_int_equal(target_parse_result(&u, b.data, b.len), -1);
	/* A new state with the words and the host that are there. */
	target_set(&u, TARGET_OPEN, u.words, 5, u.host, strlen(u.host));
	assert_string_equal(u.words, "5.1.1");
	assert_string_equal(u.host, "mx ");
	free(t.words);
	free(t.host);
	free(u.words);
	free(u.host);
	buf_clear(&b);
}

static unsigned puts_of_results;

void	__wrap_table_put(uint64_t id, enum record r, uint32_t index,
	    const void *p, size_t len);
void
__wrap_table_put(uint64_t id, enum record r, uint32_t index, const void *p,
    size_t len)
{
	puts_of_results += r == RECORD_RESULT;
}

/* A deferral that says what the last one said is no new record. */
static void
test_unchanged_result(void **state)
{
	static const struct {
		enum target_state state;
		const char *words, *host;
		int	 put;
	} rows[] = {
		{ TARGET_OPEN, "4.4.1 no", "mx", 1 },
		{ TARGET_OPEN, "4.4.1 no", "mx", 0 },
		{ TARGET_OPEN, "4.4.1 no.", "mx", 1 },
		{ TARGET_OPEN, "4.4.1 no.", "my", 1 },
		{ TARGET_OPEN, "4.4.1 no.", "my", 0 },
		{ TARGET_REFUSED, "4.4.1 no.", "my", 1 },
	};
	struct target t = { .address = "a@x" };
	struct entry e = { .id = 7 };
	struct message m = { .id = 7, .entry = &e, .targets_stored = 1,
		.targets = { .t = &t, .n = 1 } };
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		puts_of_results = 0;
		target_set(&t, rows[i].state, rows[i].words,
		    strlen(rows[i].words), rows[i].host,
		    strlen(rows[i].host));
		write_message(&m);
		t.unsaved = 0;
		if ((int)puts_of_results != rows[i].put)
			fail_msg("row %zu", i);
	}
	free(t.words);
	free(t.host);
}

static void
test_schedule(void **state)
{
	struct schedule s = { .next = 77, .attempts = 3,
		.flags = SCHEDULE_HELD, .words = (char[]){ "why" } }, got;
	struct buf b = BUF_INIT(0);
	size_t i;

	assert_int_equal(schedule_pack(&s, &b), 0);
	assert_int_equal(schedule_parse(&got, b.data, b.len), 0);
	assert_int_equal(got.next, 77);
	assert_int_equal(got.attempts, 3);
	assert_int_equal(got.flags, SCHEDULE_HELD);
	assert_string_equal(got.words, "why");
	free(got.words);
	for (i = 0; i < b.len; i++)
		assert_int_equal(schedule_parse(&got, b.data, i), -1);
	buf_clear(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_envelope), cmocka_unit_test(test_damage),
		cmocka_unit_test(test_refused_texts),
		cmocka_unit_test(test_recipients),
		cmocka_unit_test(test_targets),
		cmocka_unit_test(test_owners), cmocka_unit_test(test_result),
		cmocka_unit_test(test_unchanged_result),
		cmocka_unit_test(test_schedule),
	};

	return cmocka_run_group_tests_name("envelope", tests, NULL, NULL);
}
