#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/fd.h"
#include "lib/base/msg.h"
#include "lib/mail/answer.h"
#include "lib/mail/queue_id.h"

static struct chan out, in;

static void
take(struct msg *m, unsigned type)
{
	struct buf why = BUF_INIT(0);

	assert_int_equal(chan_flush(&out), 1);
	assert_int_equal(msg_recv(m, &proto_ctl, PEER_QUEUE, &in, 1000,
	    &why), 1);
	assert_int_equal(m->type, type);
	assert_int_equal(m->id, 7);
}

#define LIST "packed"	/* its octets go as they are */

static void
same_value(struct cursor *c, enum c_value type, const char *text)
{
	const char *p;
	size_t len;

	assert_int_equal(cursor_u8(c), type);
	p = cursor_lv(c, &len, CTL_ROW_MAX);
	assert_non_null(p);
	assert_int_equal(len, strlen(text));
	assert_memory_equal(p, text, len);
}

static void
same_row(const struct msg *m)
{
	struct cursor c;
	const char *p;
	size_t len;

	p = msg_get(m, CF_VALUES, &len);
	cursor_init(&c, p, len);
	same_value(&c, C_TEXT, "a b");
	same_value(&c, C_NUMBER, "18446744073709551615");
	same_value(&c, C_BOOL, "true");
	same_value(&c, C_NULL, "");
	same_value(&c, C_TIME, "1795320871");
	same_value(&c, C_SPAN, "0");
	same_value(&c, C_TEXTS, LIST);
	assert_int_equal(cursor_left(&c), 0);
}

static void
make_row(struct answer *a)
{
	struct buf list = BUF_INIT(0);

	answer_text(a, "a b");
	answer_number(a, UINT64_MAX);
	answer_bool(a, 1);
	answer_text(a, NULL);
	answer_time(a, 1795320871);
	answer_span(a, 0);
	buf_set(&list, "%s", LIST);
	answer_texts(a, &list);
	buf_clear(&list);
	assert_int_equal(answer_row(a, "one two three four five six seven",
	    -1), 0);
}

static void
test_rows(void **state)
{
	static const char names[] = "\3\0\0\0one\3\0\0\0two\5\0\0\0three"
	    "\4\0\0\0four" "\4\0\0\0five" "\3\0\0\0six\5\0\0\0seven";
	struct answer a;
	const char *p;
	struct msg m;
	size_t len;
	int fds[2];

	assert_int_equal(fd_pair(fds), 0);
	chan_init(&out, fds[0]);
	chan_init(&in, fds[1]);
	answer_init(&a, &out);
	answer_begin(&a, 7);
	make_row(&a);
	make_row(&a);
	assert_int_equal(answer_end(&a, C_REFUSED, "no\nway"), 0);
	take(&m, C_ROW);
	p = msg_get(&m, CF_NAMES, &len);
	assert_int_equal(len, sizeof(names) - 1);
	assert_memory_equal(p, names, len);
	same_row(&m);
	msg_done(&m);
	take(&m, C_ROW);
	assert_false(msg_has(&m, CF_NAMES));
	same_row(&m);
	msg_done(&m);
	take(&m, C_END);
	assert_int_equal(msg_get_u32(&m, CF_STATUS), C_REFUSED);
	msg_done(&m);
	answer_clear(&a);
	chan_clear(&out);
	chan_clear(&in);
}

/* Each answer says its names anew, and has its own losses. */
static void
test_second_answer(void **state)
{
	static char wide[CTL_ROW_MAX + 1];
	struct answer a;
	struct msg m;
	int fds[2], i;

	assert_int_equal(fd_pair(fds), 0);
	chan_init(&out, fds[0]);
	chan_init(&in, fds[1]);
	answer_init(&a, &out);
	for (i = 0; i < 2; i++) {
		answer_begin(&a, 7);
		assert_int_equal(a.lost, 0);
		make_row(&a);
		take(&m, C_ROW);
		assert_true(msg_has(&m, CF_NAMES));
		msg_done(&m);
		/* A row that the table of the protocol does not allow. */
		memset(wide, 'x', sizeof(wide) - 1);
		a.values.max = 0;
		answer_text(&a, wide);
		assert_int_equal(answer_row(&a, "one", -1), -1);
		assert_int_equal(a.lost, 1);
	}
	answer_clear(&a);
	chan_clear(&out);
	chan_clear(&in);
}

static void
test_queue_id(void **state)
{
	static const struct {
		const char *text;
		int	 r;
		uint64_t id;
	} row[] = {
		{ "0000000000000000", 0, 0 },
		{ "0123456789abcdef", 0, 0x0123456789abcdef },
		{ "ffffffffffffffff", 0, UINT64_MAX },
		{ "", -1, 0 },
		{ "123456789abcdef", -1, 0 },
		{ "00123456789abcdef", -1, 0 },
		{ "0123456789ABCDEF", -1, 0 },
		{ "0123456789abcdeg", -1, 0 },
		{ "+123456789abcdef", -1, 0 },
		{ " 123456789abcdef", -1, 0 },
	};
	char text[QUEUE_ID_LEN + 1];
	uint64_t id;
	size_t i;

	for (i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		id = 0;
		assert_int_equal(queue_id_parse(row[i].text,
		    strlen(row[i].text), &id), row[i].r);
		assert_int_equal(queue_id_parse(row[i].text,
		    strlen(row[i].text), NULL), row[i].r);
		assert_true(id == row[i].id);
		if (row[i].r == -1)
			continue;
		queue_id_text(id, text);
		assert_string_equal(text, row[i].text);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_second_answer),
		cmocka_unit_test(test_queue_id),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
