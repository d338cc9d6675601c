/*
 * Events of an account: there and back, what a later writer adds, what is
 * broken; and what the one who follows asks of the store.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "lib/base/fd.h"
#include "lib/mail/door_proto.h"
#include "lib/mail/follow.h"

static const struct follow_item items[] = {
	{ 1, 2, 3, 4, 5, 6 },
	{ UINT32_MAX, 0, FLAG_SEEN, 0, UINT64_MAX, 1ull << 63 },
};

static void
pack(struct buf *b, unsigned type, size_t n)
{
	struct buf list = BUF_INIT(0);
	struct follow_event e = { .type = type, .mailbox = 7, .to = 8,
		.attrs = 9, .name = "a/b", .name_len = 3, .n = n };
	size_t i;

	for (i = 0; i < n; i++)
		follow_pack_item(&list, &items[i % 2]);
	e.items = list.data;
	buf_reset(b);
	follow_pack(b, &e);
	buf_clear(&list);
}

static void
assert_item(const struct follow_item *a, const struct follow_item *b)
{
	assert_int_equal(a->uid, b->uid);
	assert_int_equal(a->to_uid, b->to_uid);
	assert_int_equal(a->flags, b->flags);
	assert_int_equal(a->old_flags, b->old_flags);
	assert_true(a->keywords == b->keywords);
	assert_true(a->old_keywords == b->old_keywords);
}

static void
test_events(void **state)
{
	struct buf b = BUF_INIT(0);
	struct follow_event e;
	struct follow_item it;
	unsigned type;
	size_t i, len;

	for (type = FOLLOW_ADDED; type <= FOLLOW_DELETED; type++) {
		pack(&b, type, 2);
		assert_int_equal(follow_unpack(b.data, b.len, &e), 0);
		assert_int_equal(e.type, type);
		assert_int_equal(e.mailbox, 7);
		assert_int_equal(e.to, 8);
		if (type <= FOLLOW_MOVED) {
			assert_int_equal(e.n, 2);
			for (i = 0; i < 2; i++) {
				follow_item(&e, i, &it);
				assert_item(&it, &items[i]);
			}
			assert_null(e.name);
		} else {
			assert_int_equal(e.n, 0);
			assert_int_equal(e.attrs, 9);
			assert_int_equal(e.name_len, 3);
			assert_memory_equal(e.name, "a/b", 3);
		}
		/* Cut off anywhere it is broken, but between two items. */
		for (len = 0; len < b.len; len++)
			assert_int_equal(follow_unpack(b.data, len, &e),
			    type <= FOLLOW_MOVED && len >= 10 &&
			    (len - 10) % FOLLOW_ITEM == 0 ? 0 : -1);
	}
	/* Octets behind a name, and types that are not known, are passed. */
	pack(&b, FOLLOW_MADE, 0);
	buf_puts(&b, "more");
	assert_int_equal(follow_unpack(b.data, b.len, &e), 0);
	assert_int_equal(e.name_len, 3);
	for (type = 0; type < 256; type += FOLLOW_DELETED + 1) {
		b.data[0] = (char)type;
		assert_int_equal(follow_unpack(b.data, 9, &e), 0);
		assert_null(e.name);
		assert_int_equal(e.n, 0);
	}
	buf_clear(&b);
}

/* Items of a later version are longer, and never shorter. */
static void
test_items(void **state)
{
	struct buf b = BUF_INIT(0), wide = BUF_INIT(0);
	struct follow_event e;
	struct follow_item it;
	int i;

	pack(&b, FOLLOW_FLAGS, 2);
	buf_append(&wide, b.data, 9);
	buf_put_u8(&wide, FOLLOW_ITEM + 3);
	for (i = 0; i < 2; i++) {
		buf_append(&wide, b.data + 10 + i * FOLLOW_ITEM, FOLLOW_ITEM);
		buf_puts(&wide, "new");
	}
	assert_int_equal(follow_unpack(wide.data, wide.len, &e), 0);
	assert_int_equal(e.n, 2);
	for (i = 0; i < 2; i++) {
		follow_item(&e, (size_t)i, &it);
		assert_item(&it, &items[i]);
	}
	wide.data[9] = FOLLOW_ITEM - 1;
	assert_int_equal(follow_unpack(wide.data, 10 + FOLLOW_ITEM - 1, &e),
	    -1);
	pack(&b, FOLLOW_ADDED, FOLLOW_ITEMS_MAX);
	assert_int_equal(follow_unpack(b.data, b.len, &e), 0);
	assert_int_equal(e.n, FOLLOW_ITEMS_MAX);
	pack(&b, FOLLOW_ADDED, FOLLOW_ITEMS_MAX + 1);
	assert_int_equal(follow_unpack(b.data, b.len, &e), -1);
	buf_clear(&b);
	buf_clear(&wide);
}

static struct door d;
static struct chan store;

static void
begin(void)
{
	int s[2];

	assert_int_equal(fd_pair(s), 0);
	fd_nonblock(s[1], 1);
	door_init(&d, PEER_FOLLOW, s[0]);
	chan_init(&store, s[1]);
}

static void
end(void)
{
	door_clear(&d);
	chan_clear(&store);
}

static void
put_event(struct buf *packed, uint64_t token, unsigned type)
{
	struct buf b = BUF_INIT(0);

	pack(&b, type, 1);
	buf_put_u64(packed, token);
	buf_put_lv(packed, b.data, b.len);
	buf_clear(&b);
}

static void
answer(uint32_t id, const struct buf *packed, int on, int more)
{
	msg_begin(&store, &proto_door, DM_FOLLOWED, id);
	msg_bytes(&store, DF_RECORDS, packed->data, packed->len);
	msg_u64(&store, DF_MODSEQ, 99);
	msg_u32(&store, DF_ON, on);
	if (more)
		msg_u32(&store, DF_MORE, 1);
	assert_int_equal(msg_end(&store), 0);
	assert_int_equal(chan_flush(&store), 1);
}

static void
test_ask(void **state)
{
	struct buf packed = BUF_INIT(0), why = BUF_INIT(200);
	struct follow_answer a;
	struct follow_event e;
	struct cursor c;
	struct msg m;
	char *owner;

	begin();
	d.owner = "anna@example.test";
	put_event(&packed, 11, FOLLOW_ADDED);
	put_event(&packed, 12, FOLLOW_MADE);
	answer(1, &packed, 1, 1);
	assert_int_equal(follow_ask(&d, 7, 10, &a), 0);
	assert_int_equal(chan_read(&store), 1);
	assert_int_equal(msg_next(&m, &proto_door, PEER_FOLLOW, &store, &why),
	    1);
	assert_int_equal(m.type, DM_FOLLOW);
	assert_int_equal(msg_get_u32(&m, DF_MAILBOX), 7);
	assert_int_equal(msg_get_u64(&m, DF_MODSEQ), 10);
	owner = msg_get_dup(&m, DF_OWNER);
	assert_string_equal(owner, d.owner);
	free(owner);
	msg_done(&m);
	assert_int_equal(a.token, 99);
	assert_false(a.anew);
	assert_true(a.more);
	cursor_init(&c, a.packed.data, a.packed.len);
	assert_int_equal(follow_next(&c, &e), 1);
	assert_int_equal(e.token, 11);
	assert_int_equal(e.type, FOLLOW_ADDED);
	assert_int_equal(follow_next(&c, &e), 1);
	assert_int_equal(e.token, 12);
	assert_int_equal(e.type, FOLLOW_MADE);
	assert_int_equal(follow_next(&c, &e), 0);
	/* Half an event is none. */
	cursor_init(&c, a.packed.data, a.packed.len - 1);
	assert_int_equal(follow_next(&c, &e), 1);
	assert_int_equal(follow_next(&c, &e), -1);
	follow_answer_clear(&a);
	buf_reset(&packed);
	answer(2, &packed, 0, 0);
	assert_int_equal(follow_ask(&d, 7, 10, &a), 0);
	assert_true(a.anew);
	assert_false(a.more);
	assert_int_equal(a.packed.len, 0);
	follow_answer_clear(&a);
	end();
	buf_clear(&packed);
	buf_clear(&why);
}

static void
news(const char *owner)
{
	msg_begin(&store, &proto_door, DM_EVENT, 0);
	msg_bytes(&store, DF_UIDS, "", 0);
	msg_u32(&store, DF_ON, 0);
	msg_text(&store, DF_OWNER, owner);
	assert_int_equal(msg_end(&store), 0);
	assert_int_equal(chan_flush(&store), 1);
}

/* Each once, in order; what came with an answer too. */
static void
test_news(void **state)
{
	struct buf owner = BUF_INIT(0), none = BUF_INIT(0);
	struct follow_answer a;

	begin();
	assert_int_equal(follow_news(&d, &owner), 0);
	news("anna@example.test");
	news("bert@example.test");
	assert_int_equal(follow_news(&d, &owner), 1);
	assert_string_equal(buf_str(&owner), "anna@example.test");
	assert_int_equal(follow_news(&d, &owner), 1);
	assert_string_equal(buf_str(&owner), "bert@example.test");
	assert_int_equal(follow_news(&d, &owner), 0);
	news("carl@example.test");
	answer(1, &none, 1, 0);
	d.owner = "anna@example.test";
	assert_int_equal(follow_ask(&d, 0, 10, &a), 0);
	follow_answer_clear(&a);
	assert_int_equal(follow_news(&d, &owner), 1);
	assert_string_equal(buf_str(&owner), "carl@example.test");
	assert_int_equal(follow_news(&d, &owner), 0);
	chan_clear(&store);
	assert_int_equal(follow_news(&d, &owner), -1);
	assert_int_equal(door_error(&d), D_LOST);
	end();
	buf_clear(&owner);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_events),
		cmocka_unit_test(test_items),
		cmocka_unit_test(test_ask),
		cmocka_unit_test(test_news),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
