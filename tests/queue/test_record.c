/*
 * The records of the table: those of the version before are read as they are
 * and written to the same octets, each field goes there and back, what a later
 * version adds is skipped.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "lib/mail/notes.h"
#include "lib/mail/proto.h"
#include "queue/queue_fields.h"
#include "queue/queue_record.h"
#include "queue/queue_target.h"
#include "tests/queue/old_records.h"

static struct recipient rcpt[] = {
	{ "anna@example.test", "rfc822;anna@example.test", 4 },
	{ "\"a b\"@example.test", "", 0 },
};

/* What old_envelope holds. */
static struct envelope
sample(void)
{
	struct envelope e;

	envelope_init(&e);
	e.time = 1700000000;
	e.length = 5000;
	e.crc = 0xdeadbeef;
	e.final = 60;
	e.forward = 20;
	e.flags = 1;
	e.origin = 2;
	e.sender = "s@far.test";
	e.client = "c [::1]";
	e.envid = "QQ314159";
	e.rcpt = rcpt;
	e.n_rcpt = 2;
	return e;
}

static void
assert_sample(const struct envelope *e)
{
	struct envelope s = sample();
	const struct envelope_field *f;

	for (f = envelope_fields; f->name != NULL; f++) {
		if (f->type == MSG_TEXT)
			assert_string_equal(field_text(f, e),
			    field_text(f, &s));
		else if (f->type == MSG_BYTES)
			assert_int_equal(field_bytes(f, e)->len, 0);
		else
			assert_int_equal(field_number(f, e),
			    field_number(f, &s));
	}
	assert_int_equal(e->n_rcpt, 2);
	assert_string_equal(e->rcpt[0].address, rcpt[0].address);
	assert_string_equal(e->rcpt[0].orcpt, rcpt[0].orcpt);
	assert_int_equal(e->rcpt[0].notify, 4);
	assert_string_equal(e->rcpt[1].address, rcpt[1].address);
}

static void
test_old_envelope(void **state)
{
	struct buf b = BUF_INIT(0);
	struct envelope e;

	assert_int_equal(envelope_parse(&e, old_envelope,
	    sizeof(old_envelope)), 0);
	assert_sample(&e);
	/* A plain message is as large as it was. */
	assert_int_equal(envelope_pack(&e, &b), 0);
	assert_int_equal(b.len, sizeof(old_envelope));
	assert_memory_equal(b.data, old_envelope, b.len);
	envelope_clear(&e);
	buf_clear(&b);
}

static void
test_old_others(void **state)
{
	struct target t = { .address = "a@x" };
	struct schedule s;
	struct targets ts;

	assert_int_equal(targets_parse(&ts, 2, old_targets,
	    sizeof(old_targets)), 0);
	assert_int_equal(ts.n, 2);
	assert_string_equal(ts.t[0].way, "x");
	assert_int_equal(ts.t[0].rcpt, 1);
	/* It went to the smarthost, and goes where route_key says now. */
	assert_string_equal(ts.t[1].address, "b@y");
	assert_string_equal(ts.t[1].way, "y");
	targets_clear(&ts);
	assert_int_equal(target_parse_result(&t, old_result,
	    sizeof(old_result)), 0);
	assert_int_equal(t.state, TARGET_REFUSED);
	assert_string_equal(t.words, "5.1.1 no");
	assert_string_equal(t.host, "mx");
	free(t.words);
	free(t.host);
	assert_int_equal(schedule_parse(&s, old_schedule,
	    sizeof(old_schedule)), 0);
	assert_int_equal(s.next, 77);
	assert_int_equal(s.flags, SCHEDULE_HELD);
	assert_string_equal(s.words, "why");
	free(s.words);
}

/* Sets a field that sample leaves absent. */
static void
give(const struct envelope_field *f, struct envelope *e)
{
	static struct buf notes;
	static char text[8];
	char *arena = text;

	buf_reset(&notes);
	assert_int_equal(notes_add(&notes, "spf", "pass"), 0);
	if (f->type == MSG_TEXT)
		assert_int_equal(field_set(f, e, "some", 4, &arena), 0);
	else if (f->type == MSG_BYTES)
		e->notes = (struct envelope_bytes){ notes.data, notes.len };
	else
		field_set_number(f, e, 2);
}

static void
assert_same(const struct envelope_field *f, const struct envelope *a,
    const struct envelope *b)
{
	assert_false(field_absent(f, b));
	if (f->type == MSG_TEXT) {
		assert_string_equal(field_text(f, a), field_text(f, b));
	} else if (f->type == MSG_BYTES) {
		assert_int_equal(field_bytes(f, a)->len, field_bytes(f,
		    b)->len);
		assert_memory_equal(field_bytes(f, a)->p, field_bytes(f, b)->p,
		    field_bytes(f, a)->len);
	} else {
		assert_int_equal(field_number(f, a), field_number(f, b));
	}
}

static void
test_each_field(void **state)
{
	const struct envelope_field *f, *g;
	struct buf b = BUF_INIT(0);
	struct envelope e, got;
	unsigned n = 0;

	for (f = envelope_fields; f->name != NULL; f++) {
		if (f->flags & FIELD_FIXED)
			continue;
		e = sample();
		give(f, &e);
		buf_reset(&b);
		assert_int_equal(envelope_pack(&e, &b), 0);
		assert_true(b.len > sizeof(old_envelope) + 5);
		assert_int_equal(envelope_parse(&got, b.data, b.len), 0);
		assert_same(f, &e, &got);
		for (g = envelope_fields; g->name != NULL; g++)
			if (g != f && !(g->flags & FIELD_FIXED))
				assert_true(field_absent(g, &got));
		envelope_clear(&got);
		n++;
	}
	assert_int_equal(n, 6);
	buf_clear(&b);
}

static void
test_all_fields(void **state)
{
	const struct envelope_field *f;
	struct buf b = BUF_INIT(0);
	struct envelope e = sample(), got;

	for (f = envelope_fields; f->name != NULL; f++)
		if (!(f->flags & FIELD_FIXED))
			give(f, &e);
	assert_int_equal(envelope_pack(&e, &b), 0);
	assert_int_equal(envelope_parse(&got, b.data, b.len), 0);
	for (f = envelope_fields; f->name != NULL; f++)
		if (!(f->flags & FIELD_FIXED))
			assert_same(f, &e, &got);
	envelope_clear(&got);
	buf_clear(&b);
}

/* Tags are of the format: none twice, none that another field had. */
static void
test_tags(void **state)
{
	static const struct {
		const char *name;
		uint8_t	 tag;
	} given[] = {
		{ "account", 1 }, { "uidl", 2 }, { "ret", 3 }, { "body", 4 },
		{ "notes", 5 }, { "message_id", 6 },
	};
	const struct envelope_field *f;
	size_t i;

	for (i = 0; i < sizeof(given) / sizeof(given[0]); i++) {
		assert_non_null(f = field_by_tag(given[i].tag));
		assert_string_equal(f->name, given[i].name);
	}
	for (f = envelope_fields; f->name != NULL; f++)
		assert_true((f->flags & FIELD_FIXED) ? f->tag == 0 :
		    field_by_tag(f->tag) == f);
}

static void
put_field(struct buf *b, uint8_t tag, const char *value, size_t len)
{
	buf_put_u8(b, tag);
	buf_put_lv(b, value, len);
}

/* Each kind of record with a field behind it that nobody knows. */
static void
test_unknown_fields(void **state)
{
	struct target t = { .address = "a@x" };
	struct buf b = BUF_INIT(0);
	struct envelope e;
	struct schedule s;
	struct targets ts;

	buf_append(&b, old_envelope, sizeof(old_envelope));
	put_field(&b, 200, "x\0\n", 3);
	put_field(&b, 1, "anna", 4);
	put_field(&b, 201, "", 0);
	assert_int_equal(envelope_parse(&e, b.data, b.len), 0);
	assert_string_equal(e.account, "anna");
	e.account = "";
	assert_sample(&e);
	envelope_clear(&e);
	buf_reset(&b);
	buf_append(&b, old_targets, sizeof(old_targets));
	put_field(&b, 200, "later", 5);
	assert_int_equal(targets_parse(&ts, 2, b.data, b.len), 0);
	assert_int_equal(ts.n, 2);
	targets_clear(&ts);
	buf_reset(&b);
	buf_append(&b, old_result, sizeof(old_result));
	put_field(&b, 200, "later", 5);
	assert_int_equal(target_parse_result(&t, b.data, b.len), 0);
	free(t.words);
	free(t.host);
	buf_reset(&b);
	buf_append(&b, old_schedule, sizeof(old_schedule));
	put_field(&b, 200, "later", 5);
	assert_int_equal(schedule_parse(&s, b.data, b.len), 0);
	free(s.words);
	buf_clear(&b);
}

/*
 * What is to be told of a result stands behind it, where who does not know it
 * passes over it; where nothing is, the record is as it was.
 */
static void
test_tell(void **state)
{
	struct target t = { .address = "a@x", .tell = TELL_WARNED }, got = t;
	struct buf b = BUF_INIT(0);
	uint8_t tell;

	assert_int_equal(target_parse_result(&t, old_result,
	    sizeof(old_result)), 0);
	assert_int_equal(t.tell, TELL_NOTHING);
	assert_int_equal(target_pack_result(&t, &b), 0);
	assert_int_equal(b.len, sizeof(old_result));
	assert_memory_equal(b.data, old_result, b.len);
	for (tell = TELL_SUCCESS; tell <= TELL_WARNED; tell++) {
		t.tell = tell;
		buf_reset(&b);
		assert_int_equal(target_pack_result(&t, &b), 0);
		assert_memory_equal(b.data, old_result, sizeof(old_result));
		assert_memory_equal(b.data + sizeof(old_result),
		    "\1\1\0\0\0", 5);
		assert_int_equal(b.len, sizeof(old_result) + 6);
		assert_int_equal(target_parse_result(&got, b.data, b.len), 0);
		assert_int_equal(got.tell, tell);
	}
	/* One of a later version. */
	b.data[b.len - 1] = TELL_WARNED + 1;
	assert_int_equal(target_parse_result(&got, b.data, b.len), 0);
	assert_int_equal(got.tell, TELL_NOTHING);
	buf_truncate(&b, b.len - 1);
	assert_int_equal(target_parse_result(&got, b.data, b.len), -1);
	free(got.words);
	free(got.host);
	free(t.words);
	free(t.host);
	buf_clear(&b);
}

static void
test_bad_rest(void **state)
{
	static const struct {
		const char *p;
		size_t	 len;
	} bad[] = {
		{ "\0\0\0\0\0", 5 },		/* no such tag */
		{ "\1", 1 },
		{ "\1\2\0\0\0a", 6 },		/* cut */
		{ "\3\3\0\0\0abc", 8 },		/* a number of 3 octets */
		{ "\1\1\0\0\0\n", 6 },		/* not a text */
		{ "\5\4\0\0\0abcd", 9 },		/* not notes */
		{ "\1\1\0\0\0a\1\1\0\0\0b", 12 },	/* twice */
	};
	char uidl[UIDL_MAX + 2];
	struct buf b = BUF_INIT(0);
	struct envelope e;
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		buf_reset(&b);
		buf_append(&b, old_envelope, sizeof(old_envelope));
		buf_append(&b, bad[i].p, bad[i].len);
		if (envelope_parse(&e, b.data, b.len) == 0)
			fail_msg("case %zu", i);
	}
	memset(uidl, 'u', sizeof(uidl));
	for (i = 0; i < 2; i++) {
		buf_reset(&b);
		buf_append(&b, old_envelope, sizeof(old_envelope));
		put_field(&b, 2, uidl, UIDL_MAX + i);
		assert_int_equal(envelope_parse(&e, b.data, b.len),
		    i == 0 ? 0 : -1);
		if (i == 0)
			envelope_clear(&e);
	}
	e = sample();
	uidl[sizeof(uidl) - 1] = '\0';
	e.uidl = uidl;
	buf_reset(&b);
	assert_int_equal(envelope_pack(&e, &b), -1);
	assert_int_equal(b.len, 0);
	buf_clear(&b);
}

/* Another version may mean anything. */
static void
test_version(void **state)
{
	struct target t = { .address = "a@x" };
	struct buf b = BUF_INIT(0);
	struct envelope e;
	struct schedule s;
	struct targets ts;

	buf_append(&b, old_envelope, sizeof(old_envelope));
	b.data[0] = RECORD_VERSION + 1;
	assert_int_equal(envelope_parse(&e, b.data, b.len), -1);
	buf_reset(&b);
	buf_append(&b, old_targets, sizeof(old_targets));
	b.data[0] = RECORD_VERSION + 1;
	assert_int_equal(targets_parse(&ts, 2, b.data, b.len), -1);
	buf_reset(&b);
	buf_append(&b, old_result, sizeof(old_result));
	b.data[0] = RECORD_VERSION + 1;
	assert_int_equal(target_parse_result(&t, b.data, b.len), -1);
	buf_reset(&b);
	buf_append(&b, old_schedule, sizeof(old_schedule));
	b.data[0] = RECORD_VERSION + 1;
	assert_int_equal(schedule_parse(&s, b.data, b.len), -1);
	buf_clear(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_old_envelope),
		cmocka_unit_test(test_old_others),
		cmocka_unit_test(test_each_field),
		cmocka_unit_test(test_all_fields), cmocka_unit_test(test_tags),
		cmocka_unit_test(test_unknown_fields),
		cmocka_unit_test(test_tell), cmocka_unit_test(test_bad_rest),
		cmocka_unit_test(test_version),
	};

	return cmocka_run_group_tests_name("record", tests, NULL, NULL);
}
