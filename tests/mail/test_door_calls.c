/*
 * Each call of the door: what the store is asked, field by field, and what the
 * caller gets of its answer.
 */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "lib/base/buf.h"
#include "lib/base/fd.h"
#include "lib/mail/door_proto.h"

static struct door d;
static struct chan store;

/* A door whose store reads nothing by itself. */
static void
begin(void)
{
	int s[2];

	assert_int_equal(fd_pair(s), 0);
	fd_nonblock(s[1], 1);
	door_init(&d, PEER_IMAPD, s[0]);
	chan_init(&store, s[1]);
}

static void
end(void)
{
	door_clear(&d);
	chan_clear(&store);
}

static void
answer(unsigned type, uint32_t id)
{
	msg_begin(&store, &proto_door, type, id);
}

static void
sent(void)
{
	assert_int_equal(msg_end(&store), 0);
	assert_int_equal(chan_flush(&store), 1);
}

static void
put_bytes(struct buf *b, const struct msg *m, const struct msg_field *f)
{
	struct cursor c;
	const char *p;
	size_t len;
	char sep = '=';

	p = msg_get(m, f->tag, &len);
	if (f->tag != DF_UIDS) {
		buf_putc(b, sep);
		for (; len > 0; len--, p++)
			buf_printf(b, *p >= ' ' ? "%c" : "%02x",
			    (unsigned char)*p);
		return;
	}
	for (cursor_init(&c, p, len); cursor_left(&c) > 0; sep = ',')
		buf_printf(b, "%c%" PRIu32, sep, cursor_u32(&c));
}

/* The name of the message, its number, and its fields as the table has them. */
static void
put_request(struct buf *b, const struct msg *m)
{
	const struct msg_field *f;

	buf_printf(b, "%s%s", b->len > 0 ? "; " : "", m->desc->name);
	for (f = m->desc->fields; f != NULL && f->name != NULL; f++) {
		if (!msg_has(m, f->tag))
			continue;
		buf_printf(b, " %s", f->name);
		if (f->type == MSG_U32)
			buf_printf(b, "=%" PRIu32, msg_get_u32(m, f->tag));
		else if (f->type == MSG_U64)
			buf_printf(b, "=%" PRIu64, msg_get_u64(m, f->tag));
		else
			put_bytes(b, m, f);
	}
}

/* All that was asked since. */
static void
asked(const char *want)
{
	struct buf b = BUF_INIT(0), why = BUF_INIT(200);
	struct msg m;

	while (chan_read(&store) == 1)
		;
	while (msg_next(&m, &proto_door, PEER_IMAPD, &store, &why) == 1) {
		put_request(&b, &m);
		msg_done(&m);
	}
	assert_string_equal(buf_str(&why), "");
	assert_string_equal(buf_str(&b), want);
	buf_clear(&b);
	buf_clear(&why);
}

static char *keywords[] = { "a", "bc", NULL };
static const uint32_t uids[] = { 3, 5 };
static struct door_record *rec;
static struct door_mailbox box, *boxes;
static uint32_t *one, *two, number, other;
static uint64_t large, more[3];
static struct buf names;
static size_t n, n2;
static int fds[2], flag;

static int
do_list(void)
{
	return door_list(&d, &boxes, &n);
}

static int
do_create(void)
{
	return door_create(&d, "a/b", ATTR_SENT, &box);
}

static int
do_delete(void)
{
	return door_delete(&d, 7);
}

static int
do_rename(void)
{
	return door_rename(&d, "a", "b");
}

static int
do_subscribe(void)
{
	return door_subscribe(&d, "a", 2);
}

static int
do_unsubscribe(void)
{
	return door_subscribe(&d, "a", 0);
}

static int
do_subscribed(void)
{
	return door_subscribed(&d, &names);
}

static int
do_status(void)
{
	return door_status(&d, 7, &box);
}

static int
do_select(void)
{
	return door_select(&d, 7, 1, &box, &number);
}

static int
do_examine(void)
{
	return door_select(&d, 7, 0, &box, &number);
}

static int
do_unselect(void)
{
	return door_unselect(&d, 7);
}

static int
do_keywords(void)
{
	return door_keywords(&d, 7, &names);
}

static int
do_records(void)
{
	return door_records(&d, 7, 8, &rec, &n, &one, &n2, &large, &flag);
}

static int
do_records_from(void)
{
	return door_records_from(&d, 7, 9, &rec, &n, &large, &flag);
}

static int
do_changes(void)
{
	return door_changes(&d, 7, 8, 1, &rec, &n, &one, &n2, &large, &flag,
	    &number);
}

static int
do_look(void)
{
	return door_changes(&d, 7, 8, 0, &rec, &n, &one, &n2, &large, &flag,
	    &number);
}

static int
do_vanished(void)
{
	return door_vanished(&d, 7, 8, &one, &n, &flag);
}

static int
do_store(void)
{
	return door_store(&d, 7, uids, 2, DOOR_REMOVE, FLAG_SEEN, keywords, 77,
	    &rec, &n, &one, &n2);
}

static int
do_expunge(void)
{
	return door_expunge(&d, 7, uids, 2, 1, &one, &n, &large);
}

static int
do_copy(void)
{
	return door_copy(&d, 7, 8, uids, 2, 0, &one, &two, &n, &number);
}

static int
do_move(void)
{
	return door_copy(&d, 7, 8, uids, 2, DOOR_MOVE, &one, &two, &n,
	    &number);
}

static int
do_open(void)
{
	return door_open(&d, 7, uids, 2, fds);
}

static int
do_cache_get(void)
{
	return door_cache_get(&d, 7, uids, 2, &names, &n);
}

static int
do_ids(void)
{
	return door_ids(&d, 7, uids, 2, &names);
}

static int
do_file(void)
{
	char name[DOOR_FILE_NAME + 1];

	return door_file(&d, fds, name);
}

static int
do_append(void)
{
	return door_append(&d, 7, "f1", 1000, 99, 40, FLAG_SEEN, keywords,
	    1234, "cached", 6, &number, &other);
}

static int
do_quota(void)
{
	return door_quota(&d, &large, &more[0], &more[1], &more[2]);
}

/* The store refuses: the caller hears why, and gets nothing. */
static void
test_requests(void **state)
{
	static const struct {
		int (*run)(void);
		const char *asked;
	} rows[] = {
		{ do_list, "LIST name=" },
		{ do_create, "CREATE name=a/b attrs=2" },
		{ do_delete, "DELETE mailbox=7" },
		{ do_rename, "RENAME name=a to name=b" },
		{ do_subscribe, "SUBSCRIBE name=a on=1" },
		{ do_unsubscribe, "SUBSCRIBE name=a on=0" },
		{ do_subscribed, "SUBSCRIBED" },
		{ do_status, "STATUS mailbox=7" },
		{ do_select, "SELECT mailbox=7 on=1" },
		{ do_examine, "SELECT mailbox=7 on=0" },
		{ do_unselect, "UNSELECT mailbox=7" },
		{ do_keywords, "KEYWORDS mailbox=7" },
		{ do_records, "RECORDS mailbox=7 modseq=8 uid=1" },
		{ do_records_from, "RECORDS mailbox=7 modseq=0 uid=9" },
		{ do_changes, "RECORDS mailbox=7 modseq=8 uid=1 take "
		  "recent=1" },
		{ do_look, "RECORDS mailbox=7 modseq=8 uid=1" },
		{ do_vanished, "VANISHED mailbox=7 modseq=8" },
		{ do_store, "STORE mailbox=7 uids=3,5 op=2 flags=1 "
		  "keywords=01000000a02000000bc modseq=77" },
		{ do_expunge, "EXPUNGE mailbox=7 uids=3,5 on=1" },
		{ do_copy, "COPY mailbox=7 to=8 uids=3,5 on=0" },
		{ do_move, "COPY mailbox=7 to=8 uids=3,5 on=1" },
		{ do_open, "OPEN mailbox=7 uids=3,5" },
		{ do_cache_get, "CACHE_GET mailbox=7 uids=3,5" },
		{ do_ids, "IDS mailbox=7 uids=3,5" },
		{ do_file, "FILE" },
		{ do_append, "APPEND mailbox=7 file=f1 size=1000 crc=99 "
		  "header=40 flags=1 keywords=01000000a02000000bc date=1234 "
		  "cache=cached" },
		{ do_quota, "QUOTA" },
	};
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		begin();
		answer(DM_FAILED, 1);
		msg_u32(&store, DF_ERROR, D_QUOTA);
		msg_text(&store, DF_WORDS, "full");
		sent();
		rec = NULL;
		one = two = NULL;
		n = n2 = 0;
		if (rows[i].run() != -1)
			fail_msg("%s", rows[i].asked);
		assert_int_equal(door_error(&d), D_QUOTA);
		assert_string_equal(door_words(&d), "full");
		asked(rows[i].asked);
		assert_int_equal(n, 0);
		assert_int_equal(n2, 0);
		free(rec);
		free(one);
		free(two);
		/* The door goes on. */
		answer(DM_DONE, 2);
		sent();
		assert_int_equal(do_delete(), 0);
		end();
	}
	buf_clear(&names);
}

/* An answer of another kind is none: the store is not believed any more. */
static void
test_wrong_answer(void **state)
{
	begin();
	answer(DM_DONE, 1);
	sent();
	assert_int_equal(do_quota(), -1);
	assert_int_equal(door_error(&d), D_LOST);
	assert_string_equal(door_words(&d), "the store gave the wrong answer");
	assert_int_equal(d.chan.fd, -1);
	assert_int_equal(do_quota(), -1);
	assert_int_equal(door_error(&d), D_LOST);
	end();
}

static void
test_quota(void **state)
{
	begin();
	answer(DM_QUOTA_IS, 1);
	msg_u64(&store, DF_SIZE, 1);
	msg_u64(&store, DF_SIZE_MAX, 2);
	msg_u64(&store, DF_COUNT, 3);
	msg_u64(&store, DF_COUNT_MAX, 4);
	sent();
	assert_int_equal(do_quota(), 0);
	assert_int_equal(large, 1);
	assert_int_equal(more[0], 2);
	assert_int_equal(more[1], 3);
	assert_int_equal(more[2], 4);
	end();
}

static void
test_octets(void **state)
{
	static const struct {
		int (*run)(void);
		unsigned type;
		uint8_t tag;
	} rows[] = {
		{ do_subscribed, DM_NAMES, DF_NAMES },
		{ do_keywords, DM_NAMES, DF_NAMES },
		{ do_ids, DM_IDS_ARE, DF_RECORDS },
	};
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		begin();
		answer(rows[i].type, 1);
		msg_bytes(&store, rows[i].tag, "octets", 6);
		sent();
		/* And none: what was there before goes. */
		answer(rows[i].type, 2);
		msg_bytes(&store, rows[i].tag, "", 0);
		sent();
		buf_set(&names, "before");
		assert_int_equal(rows[i].run(), 0);
		assert_string_equal(buf_str(&names), "octets");
		assert_int_equal(rows[i].run(), 0);
		assert_int_equal(names.len, 0);
		end();
	}
	buf_clear(&names);
}

static void
answer_appended(uint32_t id, const char *next, int fd)
{
	answer(DM_APPENDED, id);
	msg_u32(&store, DF_UID, 11);
	msg_u32(&store, DF_UIDVALIDITY, 12);
	if (next != NULL) {
		msg_text(&store, DF_NAME, next);
		msg_fd(&store, fd);
	}
	sent();
}

#define APPEND "APPEND mailbox=7 file=f1 size=1000 crc=99 header=40 flags=1 " \
	"keywords=01000000a02000000bc date=1234 cache=cached"

/* From the second APPEND on the file for the next one comes with the answer. */
static void
test_files(void **state)
{
	char name[DOOR_FILE_NAME + 1], c;
	int p[2], fd = -1;

	assert_int_equal(pipe(p), 0);
	begin();
	answer_appended(1, NULL, -1);
	assert_int_equal(do_append(), 0);
	assert_int_equal(number, 11);
	assert_int_equal(other, 12);
	asked(APPEND);
	answer_appended(2, "f2", p[1]);
	assert_int_equal(do_append(), 0);
	asked(APPEND " next=1");
	/* One is enough. */
	answer_appended(3, NULL, -1);
	assert_int_equal(do_append(), 0);
	asked(APPEND);
	assert_int_equal(door_file(&d, &fd, name), 0);
	asked("");
	assert_string_equal(name, "f2");
	assert_int_equal(write(fd, "x", 1), 1);
	assert_int_equal(read(p[0], &c, 1), 1);
	close(fd);
	/* That was the only one: now it is asked for. */
	answer(DM_FILE_IS, 4);
	msg_text(&store, DF_NAME, "f3");
	msg_fd(&store, dup(p[0]));
	sent();
	assert_int_equal(door_file(&d, &fd, name), 0);
	asked("FILE");
	assert_string_equal(name, "f3");
	close(fd);
	close(p[0]);
	/* Nothing is waited for. */
	assert_int_equal(door_file_back(&d, "f3"), 0);
	asked("FILE_BACK file=f3");
	assert_int_equal(door_file_back(&d, "a name of more than 31 octets..."),
	    -1);
	assert_int_equal(door_error(&d), D_REFUSED);
	assert_string_equal(door_words(&d), "the name is too long");
	door_set(&d, -1);
	assert_int_equal(door_file_back(&d, "f3"), -1);
	assert_int_equal(door_error(&d), D_LOST);
	end();
}

static void
test_cache_put(void **state)
{
	static char big[DOOR_CACHE_MAX + 1];

	begin();
	assert_int_equal(door_cache_put(&d, 7, 3, "cached", 6), 0);
	asked("CACHE_PUT mailbox=7 uid=3 cache=cached");
	assert_int_equal(door_cache_put(&d, 7, 3, big, sizeof(big)), -1);
	assert_int_equal(door_error(&d), D_REFUSED);
	assert_string_equal(door_words(&d), "the record is too long");
	door_set(&d, -1);
	assert_int_equal(door_cache_put(&d, 7, 3, "cached", 6), -1);
	assert_int_equal(door_error(&d), D_LOST);
	assert_string_equal(door_words(&d), "no store");
	end();
}

/* Begun and not waited for: one at a time, each ended by its number. */
static void
test_begun(void **state)
{
	const struct door_appended list[] = {
		{ "f1", 10, 1, 5, FLAG_SEEN, keywords, 100 },
		{ "f2", 20, 2, 6, 0, NULL, 200 },
	};
	uint32_t id, none;

	begin();
	assert_false(door_busy(&d));
	assert_int_equal(door_append_begin(&d, 7, list, 2, &id), 0);
	asked("APPEND mailbox=7 file=f1 size=10 crc=1 header=5 flags=1 "
	    "keywords=01000000a02000000bc date=100 number=1 more=1; "
	    "APPEND mailbox=7 file=f2 size=20 crc=2 header=6 flags=0 "
	    "date=200 number=2 more=0");
	assert_true(door_busy(&d));
	assert_false(door_answered(&d));
	assert_int_equal(door_rename_begin(&d, "a", "b", &none), -1);
	assert_int_equal(door_error(&d), D_REFUSED);
	asked("");
	answer_appended(id, NULL, -1);
	answer(DM_DONE, id + 1);
	sent();
	assert_int_equal(do_delete(), 0);
	asked("DELETE mailbox=7");
	assert_true(door_answered(&d));
	/* Of another number there is none. */
	assert_int_equal(door_append_end(&d, id + 1, &number, &other), -1);
	assert_string_equal(door_words(&d), "there is no such call");
	number = other = 0;
	assert_int_equal(door_append_end(&d, id, &number, &other), 0);
	assert_int_equal(number, 11);
	assert_int_equal(other, 12);
	assert_false(door_busy(&d));
	assert_int_equal(door_append_end(&d, id, &number, &other), -1);
	/* Refused, with the words. */
	assert_int_equal(door_rename_begin(&d, "a", "b", &id), 0);
	asked("RENAME name=a to name=b");
	answer(DM_FAILED, id);
	msg_u32(&store, DF_ERROR, D_EXISTS);
	msg_text(&store, DF_WORDS, "it is there");
	sent();
	answer(DM_DONE, id + 1);
	sent();
	assert_int_equal(do_delete(), 0);
	assert_true(door_answered(&d));
	assert_int_equal(door_rename_end(&d, id), -1);
	assert_int_equal(door_error(&d), D_EXISTS);
	assert_string_equal(door_words(&d), "it is there");
	/* Ended before its answer, it is forgotten. */
	assert_int_equal(door_rename_begin(&d, "a", "b", &id), 0);
	assert_int_equal(door_rename_end(&d, id), -1);
	assert_int_equal(door_error(&d), D_LATER);
	assert_string_equal(door_words(&d), "the call was not waited for");
	assert_false(door_busy(&d));
	end();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_requests),
		cmocka_unit_test(test_wrong_answer),
		cmocka_unit_test(test_quota),
		cmocka_unit_test(test_octets),
		cmocka_unit_test(test_files),
		cmocka_unit_test(test_cache_put),
		cmocka_unit_test(test_begun),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
