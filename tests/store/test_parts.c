/* engine.h, body paths, the text files: each by itself. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "lib/mail/user_path.h"
#include "store/body.h"
#include "store/file_flags.h"
#include "store/index.h"
#include "store/file_mailboxes.h"
#include "store/account.h"
#include "store/shard_impl.h"

static char dir[64];
static struct engine *e;

static int
setup(void **state)
{
	struct buf why = BUF_INIT(300);
	int fresh, clean;

	strcpy(dir, "/tmp/test-engine-XXXXXX");
	if (mkdtemp(dir) == NULL ||
	    (e = engine_open(dir, 8 << 20, &fresh, &clean, &why)) == NULL)
		return -1;
	assert_true(fresh);
	return 0;
}

static int
teardown(void **state)
{
	char cmd[200];

	engine_close(&e);
	snprintf(cmd, sizeof(cmd), "rm -rf '%s' '%s'.bad-*", dir, dir);
	return system(cmd);
}

/* The account of a key is its first four octets. */
static uint32_t
group(const char *k)
{
	return (uint32_t)(unsigned char)k[0] << 24 |
	    (uint32_t)(unsigned char)k[1] << 16 |
	    (uint32_t)(unsigned char)k[2] << 8 | (unsigned char)k[3];
}

static void
put(struct engine_db *db, const char *k, const char *v)
{
	struct engine_batch b = { .account = group(k) };

	engine_put(&b, ENGINE_CORE, k, strlen(k), v, strlen(v));
	assert_int_equal(engine_commit_one(db, &b), ENGINE_DONE);
	engine_batch_clear(&b);
}

static const char *
get(struct engine_db *db, const char *k)
{
	static struct buf v;

	buf_reset(&v);
	return engine_get(db, ENGINE_CORE, k, strlen(k), &v) == ENGINE_DONE ?
	    buf_str(&v) : NULL;
}

static int
join(void *arg, const void *key, size_t klen, const void *value, size_t vlen)
{
	struct buf *out = arg;

	buf_append(out, key, klen);
	buf_putc(out, '=');
	buf_append(out, value, vlen);
	buf_putc(out, ' ');
	return 0;
}

/* Stops before it has taken that row. */
static int
join_to_stop(void *arg, const void *key, size_t klen, const void *value,
    size_t vlen)
{
	if (vlen == 4 && memcmp(value, "stop", 4) == 0)
		return 5;
	return join(arg, key, klen, value, vlen);
}

static void
test_engine(void **state)
{
	struct engine_db *db = engine_db(e, 3);
	struct buf out = BUF_INIT(0);

	put(db, "key.b", "2");
	put(db, "key.a", "1");
	put(db, "key.e", "5");
	assert_string_equal(get(db, "key.a"), "1");
	assert_null(get(db, "key.c"));
	assert_null(get(engine_db(e, 4), "key.a"));
	assert_int_equal(engine_last(db, ENGINE_CORE, "key.a", 5, "key.d", 5,
	    &out), ENGINE_DONE);
	assert_string_equal(buf_str(&out), "key.b");
	buf_reset(&out);
	assert_int_equal(engine_last(db, ENGINE_CORE, "key.f", 5, "key.z", 5,
	    &out), ENGINE_ABSENT);
	assert_int_equal(engine_last(db, ENGINE_CORE, "key.a", 5, "key.z", 5,
	    &out), ENGINE_DONE);
	assert_string_equal(buf_str(&out), "key.e");
	buf_clear(&out);
}

static void
test_scan(void **state)
{
	struct engine_db *db = engine_db(e, 3);
	struct buf out = BUF_INIT(0);
	struct engine_scan s;

	put(db, "key.b", "2");
	put(db, "key.a", "1");
	put(db, "key.d", "stop");
	put(db, "key.e", "5");
	engine_scan_init(&s, ENGINE_CORE, "key.a", 5, "key.d", 5);
	assert_int_equal(engine_scan(db, &s, join, &out), ENGINE_DONE);
	assert_string_equal(buf_str(&out), "key.a=1 key.b=2 ");
	assert_int_equal(engine_scan(db, &s, join, &out), ENGINE_DONE);
	buf_reset(&out);
	/* where it was stopped it goes on */
	engine_scan_init(&s, ENGINE_CORE, "key.b", 5, "key.z", 5);
	assert_int_equal(engine_scan(db, &s, join_to_stop, &out), ENGINE_MORE);
	assert_string_equal(buf_str(&out), "key.b=2 ");
	put(db, "key.c", "3");
	put(db, "key.d", "4");
	assert_int_equal(engine_scan(db, &s, join_to_stop, &out), ENGINE_DONE);
	assert_string_equal(buf_str(&out), "key.b=2 key.d=4 key.e=5 ");
	buf_reset(&out);
	/* a bounded one, with a row that comes while it waits */
	engine_scan_init(&s, ENGINE_CORE, "key.a", 5, "key.z", 5);
	s.max = 2;
	assert_int_equal(engine_scan(db, &s, join, &out), ENGINE_MORE);
	put(db, "key.b.", "new");
	assert_int_equal(engine_scan(db, &s, join, &out), ENGINE_MORE);
	assert_int_equal(engine_scan(db, &s, join, &out), ENGINE_DONE);
	assert_string_equal(buf_str(&out), "key.a=1 key.b=2 key.b.=new "
	    "key.c=3 key.d=4 key.e=5 ");
	buf_clear(&out);
}

static int
lengths(void *arg, const void *key, size_t klen, const void *value,
    size_t vlen)
{
	buf_printf(arg, "%zu ", vlen);
	return 0;
}

/* Rows larger than what is read at once, among small ones. */
static void
test_scan_large(void **state)
{
	static const unsigned size[] = { 10, 20000, 30, 300000, 50, 17000 };
	struct engine_batch b = { .account = group("key.") };
	char key[] = "key.0", *large = calloc(1, 300000);
	struct engine_db *db = engine_db(e, 3);
	struct buf out = BUF_INIT(0);
	struct engine_scan s;
	unsigned i;

	for (i = 0; i < sizeof(size) / sizeof(size[0]); i++) {
		key[4] = (char)('0' + i);
		engine_put(&b, ENGINE_CORE, key, 5, large, size[i]);
	}
	assert_int_equal(engine_commit_one(db, &b), ENGINE_DONE);
	engine_scan_init(&s, ENGINE_CORE, "key.", 4, "key/", 4);
	assert_int_equal(engine_scan(db, &s, lengths, &out), ENGINE_DONE);
	assert_string_equal(buf_str(&out), "10 20000 30 300000 50 17000 ");
	engine_batch_clear(&b);
	buf_clear(&out);
	free(large);
}

/* Each batch of one commit is judged by itself. */
static void
test_commit(void **state)
{
	struct engine_db *db = engine_db(e, 3);
	struct engine_batch b[3] = { { .account = group("one.") },
		{ .account = group("two.") }, { .account = group("tri.") } };
	struct engine_batch *const list[3] = { &b[0], &b[1], &b[2] };
	uint64_t token;
	int i;

	put(db, "one.a", "1");
	put(db, "two.a", "1");
	engine_expect(&b[0], "one.a", 5, "1", 1);
	engine_expect(&b[0], "one.b", 5, NULL, 0);
	engine_put(&b[0], ENGINE_CORE, "one.a", 5, "2", 1);
	engine_del(&b[0], ENGINE_CORE, "one.nix", 7);
	engine_put(&b[1], ENGINE_CORE, "two.b", 5, "2", 1);
	engine_expect(&b[1], "two.a", 5, "9", 1);
	engine_put(&b[2], ENGINE_CORE, "tri.a", 5, "3", 1);
	token = engine_commit(db, list, 3);
	assert_int_equal(b[0].result, ENGINE_DONE);
	assert_int_equal(b[1].result, ENGINE_FALSE);
	assert_int_equal(b[2].result, ENGINE_DONE);
	assert_string_equal(get(db, "one.a"), "2");
	assert_null(get(db, "two.b"));
	assert_string_equal(get(db, "tri.a"), "3");
	assert_int_equal(token, engine_token(e));
	assert_int_equal(engine_durable(e, token), ENGINE_DONE);
	/* they are empty now, conditions too */
	engine_put(&b[1], ENGINE_CORE, "two.b", 5, "2", 1);
	assert_int_equal(engine_commit_one(db, &b[1]), ENGINE_DONE);
	for (i = 0; i < 3; i++)
		engine_batch_clear(&b[i]);
}

/* A batch that was begun under another owner is not committed. */
static void
test_owner(void **state)
{
	struct engine_batch old = { .account = group("one."), .epoch = 7 };
	struct engine_batch now = { .account = group("one."), .epoch = 8 };
	struct engine_db *db = engine_db(e, 3);
	struct buf why = BUF_INIT(300);
	int fresh, clean;
	uint64_t epoch;

	assert_int_equal(engine_own(e, 7), ENGINE_DONE);
	engine_put(&old, ENGINE_CORE, "one.a", 5, "7", 1);
	assert_int_equal(engine_own(e, 8), ENGINE_DONE);
	assert_int_equal(engine_commit_one(db, &old), ENGINE_LOST);
	assert_null(get(db, "one.a"));
	engine_put(&now, ENGINE_CORE, "one.a", 5, "8", 1);
	assert_int_equal(engine_commit_one(db, &now), ENGINE_DONE);
	assert_int_equal(engine_own(e, 7), ENGINE_LOST);
	engine_put(&now, ENGINE_CORE, "one.a", 5, "9", 1);
	assert_int_equal(engine_commit_one(db, &now), ENGINE_DONE);
	/* also for the next process */
	engine_close(&e);
	e = engine_open(dir, 8 << 20, &fresh, &clean, &why);
	assert_non_null(e);
	assert_int_equal(engine_owner(e, &epoch), ENGINE_DONE);
	assert_int_equal(epoch, 8);
	assert_int_equal(engine_own(e, 7), ENGINE_LOST);
	assert_int_equal(engine_own(e, 8), ENGINE_DONE);
	engine_batch_clear(&old);
	engine_batch_clear(&now);
	buf_clear(&why);
}

static void
touch(void *arg)
{
	++*(int *)arg;
}

static void
test_watch(void **state)
{
	struct engine_db *db = engine_db(e, 0);
	struct engine_watch *w, *w2;
	int n = 0, n2 = 0;

	w = engine_watch(db, "12345678", touch, &n);
	w2 = engine_watch(db, "12345679", touch, &n2);
	put(db, "12345678a", "1");
	put(db, "12345677a", "1");
	assert_int_equal(n, 1);
	assert_int_equal(n2, 0);
	engine_unwatch(&w);
	put(db, "12345678a", "1");
	put(db, "12345679", "1");
	assert_int_equal(n, 1);
	assert_int_equal(n2, 1);
	engine_unwatch(&w2);
}

static int
count_record(void *arg, const struct record *r)
{
	unsigned *n = arg;

	assert_int_equal(r->d.size, 1000u + r->d.uid);
	assert_int_equal(r->d.keywords, r->d.uid % 2 ? 0 : 9);
	assert_int_equal(r->id[3], r->d.uid % 3 ? 7 : 0);
	assert_int_equal(r->more_len, r->d.uid % 5 ? 0 : 4);
	assert_true(r->more_len == 0 || memcmp(r->more, "\7\2ab", 4) == 0);
	++*n;
	return 0;
}

static void
test_index(void **state)
{
	enum { N = 20000 };
	struct engine_db *db = engine_db(e, 1);
	struct engine_batch b = { 0 };
	enum engine_result got;
	struct record r = { .d = { .flags = FLAG_SEEN, .modseq = 1 },
		.more = (const unsigned char *)"\7\2ab" };
	struct index_row row = { .uidnext = 7, .modseq = 8, .gone_size = 9,
		.order_floor = 6, .more_len = 3, .more = "new" };
	uint32_t uids[3] = { 3, 900, 50000 }, near[100], i, number, other;
	struct buf v = BUF_INIT(0);
	struct index_key k;
	unsigned n = 0;

	assert_int_equal(index_number(db, "x@y", &number), ENGINE_ABSENT);
	assert_int_equal(index_number_make(db, 0, "x@y", &number),
	    ENGINE_DONE);
	assert_int_equal(index_number_make(db, 0, "z@y", &other),
	    ENGINE_DONE);
	assert_int_not_equal(number, other);
	assert_int_equal(index_number_make(db, 0, "x@y", &i), ENGINE_DONE);
	assert_int_equal(i, number);
	b.account = number;
	for (r.d.uid = 1; r.d.uid <= N; r.d.uid++) {
		r.d.size = 1000 + r.d.uid;
		r.d.keywords = r.d.uid % 2 ? 0 : 9;
		r.id[3] = r.d.uid % 3 ? 7 : 0;
		r.more_len = r.d.uid % 5 ? 0 : 4;
		index_put_record(&b, 5, &r);
	}
	index_put_row(&b, 5, &row);
	assert_int_equal(engine_commit_one(db, &b), ENGINE_DONE);
	got = index_records(db, number, 5, uids, 3, count_record, &n);
	assert_int_equal(got, ENGINE_DONE);
	assert_int_equal(n, 2);
	for (n = i = 0; i < 100; i++)
		near[i] = 101 + i * 2;
	got = index_records(db, number, 5, near, 100, count_record, &n);
	assert_int_equal(got, ENGINE_DONE);
	assert_int_equal(n, 100);
	n = 0;
	got = index_range(db, number, 5, 1, UINT32_MAX, count_record, &n);
	assert_int_equal(got, ENGINE_DONE);
	assert_int_equal(n, N);
	n = 0;
	got = index_range(db, number, 5, 10, 19, count_record, &n);
	assert_int_equal(got, ENGINE_DONE);
	assert_int_equal(n, 10);
	k = index_key_u32(number, 'M', 5);
	assert_int_equal(engine_get(db, ENGINE_CORE, k.k, k.len, &v),
	    ENGINE_DONE);
	memset(&row, 0, sizeof(row));
	assert_int_equal(index_get_row(v.data, v.len, &row), 0);
	assert_int_equal(row.uidnext, 7);
	assert_int_equal(row.modseq, 8);
	assert_int_equal(row.gone_size, 9);
	assert_int_equal(row.order_floor, 6);
	assert_int_equal(row.more_len, 3);
	assert_memory_equal(row.more, "new", 3);
	got = index_delete_account(db, &b);
	assert_int_equal(got, ENGINE_DONE);
	n = 0;
	got = index_range(db, number, 5, 1, UINT32_MAX, count_record, &n);
	assert_int_equal(got, ENGINE_DONE);
	assert_int_equal(n, 0);
	assert_int_equal(index_number(db, "z@y", &i), ENGINE_DONE);
	engine_batch_clear(&b);
	buf_clear(&v);
}

/* What a kill leaves, and what a broken file does. */
static void
test_reopen(void **state)
{
	struct buf why = BUF_INIT(300);
	int fresh, clean;

	assert_int_equal(engine_own(e, 0), ENGINE_DONE);
	put(engine_db(e, 2), "kept", "yes");
	engine_close(&e);
	e = engine_open(dir, 8 << 20, &fresh, &clean, &why);
	assert_non_null(e);
	assert_true(clean && !fresh);
	assert_string_equal(get(engine_db(e, 2), "kept"), "yes");
#ifndef ENGINE_MEM
	/* one owner */
	assert_null(engine_open(dir, 8 << 20, &fresh, &clean, &why));
	char path[100];
	int fd;

	engine_close(&e);
	snprintf(path, sizeof(path), "%s/core.02", dir);
	fd = open(path, O_WRONLY);
	assert_int_equal(pwrite(fd, "garbage garbage", 15, 0), 15);
	close(fd);
	e = engine_open(dir, 8 << 20, &fresh, &clean, &why);
	assert_non_null(e);
	assert_true(fresh);
	assert_null(get(engine_db(e, 2), "kept"));
#endif
	buf_clear(&why);
}

static int
reopen_clean(void)
{
	struct buf why = BUF_INIT(300);
	int fresh, clean;

	engine_close(&e);
	e = engine_open(dir, 8 << 20, &fresh, &clean, &why);
	assert_non_null(e);
	buf_clear(&why);
	return clean;
}

/*
 * Who only looks, and goes, does not say that all is in order: what the owner
 * before it left to be looked after is still told to the next.
 */
static void
test_end_in_order(void **state)
{
	char mark[100];

	snprintf(mark, sizeof(mark), "%s/clean", dir);
	assert_int_equal(engine_own(e, 1), ENGINE_DONE);
	assert_true(reopen_clean());
	assert_true(reopen_clean());
	/* as a kill leaves it */
	engine_close(&e);
	assert_int_equal(unlink(mark), 0);
	assert_false(reopen_clean());
	assert_false(reopen_clean());
	assert_int_equal(engine_own(e, 2), ENGINE_DONE);
	assert_true(reopen_clean());
}

/* A piece that is not committed is not taken for the rest of the range. */
static void
test_delete_fails(void **state)
{
	struct engine_batch b = { .account = 7 };
	struct index_key k, from = index_group(7, 1), to = index_group(7, 2);
	struct engine_db *db = engine_db(e, 4);
	uint32_t i;

	for (i = 1; i <= 9000; i++) {
		k = index_message(7, 1, i);
		engine_put(&b, ENGINE_CORE, k.k, k.len, "", 0);
	}
	assert_int_equal(engine_commit_one(db, &b), ENGINE_DONE);
	b.epoch = 1;	/* another's */
	assert_int_equal(index_delete(db, &b, ENGINE_CORE, &from, &to),
	    ENGINE_LOST);
	b.epoch = 0;
	assert_int_equal(index_delete(db, &b, ENGINE_CORE, &from, &to),
	    ENGINE_DONE);
	engine_batch_clear(&b);
}

static void
test_path(void **state)
{
	static const struct {
		const char *name, *path;
	} t[] = {
		{ "anna@example.test", "example.test/anna" },
		{ "a/b@example.test", "example.test/a%2Fb" },
		{ "..@example.test", "example.test/%2E." },
		{ "a%b@x.test", "x.test/a%25b" },
		{ "A@x.test", "x.test/%41" },
		{ "a@b@x.test", "x.test/a%40b" },
		{ "anna", NULL }, { "@x", NULL }, { "a@", NULL },
	};
	char path[700], name[400];
	size_t i;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		if (t[i].path == NULL) {
			assert_int_equal(user_path(t[i].name, path,
			    sizeof(path)), -1);
			continue;
		}
		assert_int_equal(user_path(t[i].name, path,
		    sizeof(path)), 0);
		assert_string_equal(path, t[i].path);
		assert_int_equal(user_path_name(path, name, sizeof(name)), 0);
		assert_string_equal(name, t[i].name);
	}
}

static void
test_mailboxes(void **state)
{
	static const char old[] = "rohrpost-mailboxes 1\nnext 9 1700000001\n"
	    "mailbox 1 1700000000 - INBOX\n"
	    "mailbox 3 1700000001 sent,subscribed A b/\303\244\n"
	    "subscribed gone away\n";
	static const char good[] = "rohrpost-mailboxes 2\n"
	    "account 000102030405060708090a0b0c0d0e0f\nnext 9 1700000001\n"
	    "mailbox 1 1700000000 id=ff000000000000000000000000000001 INBOX\n"
	    "mailbox 3 1700000001 sent,subscribed,later=1,blue A b/\303\244\n"
	    "subscribed gone away\nrights 3 lrs for bert\n";
	static const char *const bad[] = { "", "rohrpost-mailboxes 3\n",
		"rohrpost-mailboxes 2\n", "rohrpost-mailboxes \n",
		"rohrpost-mailboxes 2\nnext 3 1\nmailbox 1 1 id=0 INBOX\n",
		"rohrpost-mailboxes 2\nnext 3 1\naccount 12\n",
		"rohrpost-mailboxes 1\n",
		"rohrpost-mailboxes 1\nnext 1 1\nmailbox 1 1 - INBOX\n",
		"rohrpost-mailboxes 1\nnext 3 1\nmailbox 1 1 - a//b\n",
		"rohrpost-mailboxes 1\nnext 3 1\nmailbox 1 1 - INBOX",
		("rohrpost-mailboxes 1\nnext 3 1\nmailbox 2 1 - x\n"
		    "mailbox 1 1 - y\n"),
		"rohrpost-mailboxes 1\nnext 3 1\nmailbox 1 1 - \377\n" };
	struct buf why = BUF_INIT(300), out = BUF_INIT(0);
	struct boxes b;
	size_t i;

	assert_int_equal(boxes_parse(&b, good, sizeof(good) - 1, &why), 0);
	assert_int_equal(b.n, 2);
	assert_int_equal(b.box[1].attrs, ATTR_SENT | ATTR_SUBSCRIBED);
	assert_int_equal(b.oid[15], 15);
	assert_int_equal(b.box[0].oid[0], 255);
	assert_true(boxes_no_id(b.box[1].oid));
	/* what is not known is written as it was */
	boxes_format(&b, &out);
	assert_string_equal(buf_str(&out), good);
	boxes_clear(&b);
	assert_int_equal(boxes_parse(&b, old, sizeof(old) - 1, &why), 0);
	assert_int_equal(b.n, 2);
	assert_int_equal(b.n_subscribed, 1);
	assert_true(boxes_no_id(b.oid));
	boxes_clear(&b);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(boxes_parse(&b, bad[i], strlen(bad[i]),
		    &why), -1);
		assert_true(why.len > 0);
		boxes_clear(&b);
	}
	buf_clear(&why);
	buf_clear(&out);
}

/* Rows as version 1 packed them, octet by octet. */
static void
test_version_1(void **state)
{
	static const unsigned char row_1[] = "\1" "\11\0\0\0" "\3\0\0\0"
	    "\2\0\0\0" "\1\0\0\0" "\0\0\0\0" "\11\0\0\0"
	    "\0\20\0\0\0\0\0\0" "\5\0\0\0\1\0\0\0"
	    "\4\0\0\0\1\0\0\0" "\2\0\0\0\1\0\0\0" "\3\0\0\0" "\7\0\0";
	static const unsigned char message_1[] = "\203"
	    "\5\0\0\0\1\0\0\0" "\0\361\123\145\0\0\0\0"
	    "\0\20\0\0\0\0\0\0" "\0\1\0\0" "\1\361\123\145"
	    "\11\0\0\0\0\0\0";
	struct index_key k = index_message(1, 2, 77);
	struct index_row row;
	struct record r;

	assert_int_equal(index_get_row(row_1, sizeof(row_1), &row), 0);
	assert_int_equal(row.uidnext, 9);
	assert_int_equal(row.messages, 3);
	assert_int_equal(row.unseen, 2);
	assert_int_equal(row.deleted, 1);
	assert_int_equal(row.size, 4096);
	assert_true(row.modseq == 0x100000005);
	assert_true(row.flags_modseq == 0x100000004);
	assert_true(row.gone_floor == 0x100000002);
	assert_int_equal(row.flags_lines, 7);
	assert_int_equal(row.gone_size, 3 * INDEX_GONE_ROW);
	/* it has no rows in the order of modseqs yet */
	assert_true(row.order_floor == row.modseq);
	assert_int_equal(index_get_row(row_1, sizeof(row_1) - 1, &row), -1);
	assert_int_equal(index_get_row("\4", 1, &row), -1);
	assert_int_equal(index_get_record(k.k, k.len, message_1,
	    sizeof(message_1), &r), 0);
	assert_int_equal(r.d.uid, 77);
	assert_int_equal(r.d.flags, FLAG_SEEN | FLAG_ANSWERED);
	assert_true(r.d.modseq == 0x100000005);
	assert_int_equal(r.d.date, 1700000000);
	assert_int_equal(r.d.size, 4096);
	assert_int_equal(r.d.header_len, 256);
	assert_int_equal(r.d.save_date, 1700000001);
	assert_int_equal(r.d.keywords, 9);
	assert_false(index_has_id(&r));
	assert_int_equal(r.more_len, 0);
}

/* An index of a later version is not for this one, and stays as it is. */
static void
test_later_version(void **state)
{
	struct index_key k = index_account_key(0, 'v');
	struct engine_batch b = { .account = 0 };
	struct buf v = BUF_INIT(0), why = BUF_INIT(300);

	assert_int_equal(index_version_ok(e, &why), 0);
	assert_int_equal(index_version_put(e, 0), ENGINE_DONE);
	assert_int_equal(index_version_ok(e, &why), 0);
	buf_put_u32(&v, INDEX_VERSION + 1);
	engine_put(&b, ENGINE_CORE, k.k, k.len, v.data, v.len);
	assert_int_equal(engine_commit_one(engine_db(e, 0), &b), ENGINE_DONE);
	assert_int_equal(index_version_ok(e, &why), -2);
	assert_non_null(strstr(buf_str(&why), "version 4"));
	engine_batch_clear(&b);
	buf_clear(&v);
	buf_clear(&why);
}

struct seen {
	struct record last;
	unsigned char more[RECORD_MORE];
	unsigned records, keywords;
	uint32_t next;
};

static void
seen_record(void *arg, const struct record *r)
{
	struct seen *s = arg;

	s->last = *r;
	memcpy(s->more, r->more, r->more_len);
	s->records++;
}

static void
seen_keyword(void *arg, unsigned bit, const char *name)
{
	struct seen *s = arg;

	s->keywords++;
}

static void
seen_next(void *arg, uint32_t uidnext)
{
	struct seen *s = arg;

	s->next = uidnext;
}

static void
test_flags(void **state)
{
	static const char text[] = "rohrpost-flags 1\nk 0 Red\nn 8\n"
	    "7 SF a 1700000000 1700000005\nnonsense\n7 X 0 1 1\n"
	    "8 - 0 -5 0\n9 S 0 1 ";
	struct seen s = { .records = 0 };
	struct flags_reader r = { seen_record, seen_keyword, seen_next, &s };

	assert_int_equal(flags_parse(text, sizeof(text) - 1, &r), 3);
	assert_int_equal(s.records, 2);
	assert_int_equal(s.keywords, 1);
	assert_int_equal(s.next, 8);
	assert_int_equal(s.last.d.uid, 8);
	assert_int_equal(s.last.d.date, -5);
	assert_false(index_has_id(&s.last));
}

/* Keywords beyond the first 64, with and without what is not known. */
static void
test_wide(void **state)
{
	static const char text[] = "rohrpost-flags 3\nk 1023 Last\nk 1024 no\n"
	    "7 S 1 1 2 000102030405060708090a0b0c0d0e0f 6b02770207017a h=5\n";
	static const char bad[] =
	    "8 S 0 1 2 000102030405060708090a0b0c0d0e0f 6b020000\n";
	unsigned char rest[RECORD_REST], space[KEYWORD_PACKED];
	unsigned char more[RECORD_MORE] = "\7\1z";
	struct seen s = { .records = 0 };
	struct flags_reader r = { seen_record, seen_keyword, seen_next, &s };
	struct keyword_set set;
	struct record d = { .d.uid = 3 }, back = { .d.uid = 3 };
	struct buf out = BUF_INIT(0);

	assert_int_equal(flags_parse(text, sizeof(text) - 1, &r), 1);
	assert_int_equal(s.keywords, 1);
	assert_int_equal(s.last.d.uid, 7);
	assert_int_equal(s.last.d.flags, FLAG_SEEN | MARK_WIDE);
	assert_int_equal(s.last.wide_len, 2);
	assert_int_equal(s.last.more_len, 3);
	assert_memory_equal(s.more, more, 3);
	/* what is broken is none */
	assert_int_equal(flags_parse(bad, sizeof(bad) - 1, &r), 0);
	assert_int_equal(s.last.d.uid, 8);
	assert_int_equal(s.last.wide_len, 0);
	assert_int_equal(s.last.d.flags, FLAG_SEEN);
	/* as much of both as there may be */
	memset(&set, 0xff, sizeof(set));
	record_set_keywords(&d, &set, space);
	d.more = more;
	d.more_len = RECORD_MORE;
	record_set_fetched(&d, 1234567890);
	flags_line(&out, &d);
	assert_int_equal(flags_parse(out.data, out.len, &r), 0);
	assert_int_equal(s.last.wide_len, KEYWORD_PACKED);
	assert_int_equal(s.last.more_len, RECORD_MORE);
	assert_int_equal(s.last.fetched, 1234567890);
	assert_true(s.last.d.flags & MARK_FETCHED);
	assert_int_equal(record_put_rest(&d, rest), RECORD_REST);
	assert_int_equal(record_take_rest(&back, rest, RECORD_REST), 0);
	record_keywords(&back, &set);
	assert_int_equal(set.word[0], 0);
	set.word[0] = UINT64_MAX;
	assert_true(keyword_set_is_full(&set));
	assert_int_equal(record_take_rest(&back, more, RECORD_MORE), 0);
	assert_int_equal(back.wide_len, 0);
	assert_int_equal(record_take_rest(&back, rest + 1, RECORD_REST - 1),
	    -1);
	/* nothing behind the keywords, and they are whole or none */
	d.more_len = 0;
	record_set_fetched(&d, 0);
	assert_int_equal(d.d.flags & MARK_FETCHED, 0);
	assert_int_equal(record_put_rest(&d, rest), 2 + KEYWORD_PACKED);
	assert_int_equal(record_take_rest(&back, rest, 2 + KEYWORD_PACKED),
	    0);
	assert_int_equal(back.wide_len, KEYWORD_PACKED);
	assert_int_equal(back.more_len, 0);
	assert_int_equal(record_take_rest(&back, rest, 1 + KEYWORD_PACKED),
	    1 + KEYWORD_PACKED > RECORD_MORE ? -1 : 0);
	assert_int_equal(back.wide_len, 0);
	buf_clear(&out);
}

/* Ids, fields that are not known, and words behind them. */
static void
test_flags_2(void **state)
{
	static const char text[] = FLAGS_HEAD
	    "7 S 0 1 2 000102030405060708090a0b0c0d0e0f 0702ab new=words\n";
	static const char bad[] = FLAGS_HEAD "7 S 0 1 2 0001\n"
	    "7 S 0 1 2 000102030405060708090a0b0c0d0e0g\n"
	    "7 S 0 1 2 000102030405060708090a0b0c0d0e0f 07b\n";
	struct seen s = { .records = 0 };
	struct flags_reader r = { seen_record, seen_keyword, seen_next, &s };
	struct record d = { .d = { .uid = 12, .flags = FLAG_ALL | MARK_CUT,
		.keywords = UINT64_MAX, .date = -3, .save_date = 9,
		.header_len = 4711 },
		.id = { 1, 2, 255 }, .more = (const unsigned char *)"\7\1x",
		.more_len = 3 };
	struct buf out = BUF_INIT(0);

	assert_int_equal(flags_parse(text, sizeof(text) - 1, &r), 0);
	assert_int_equal(s.last.id[15], 15);
	assert_int_equal(s.last.more_len, 3);
	assert_memory_equal(s.more, "\7\2\253", 3);
	assert_int_equal(flags_parse(bad, sizeof(bad) - 1, &r), 3);
	flags_line(&out, &d);
	assert_string_equal(buf_str(&out), "12 SAFTD ffffffffffffffff -3 9 "
	    "0102ff00000000000000000000000000 070178 h=4711 "
	    "e=2\n");
	assert_int_equal(flags_parse(out.data, out.len, &r), 0);
	assert_memory_equal(&s.last.d, &d.d, sizeof(d.d));
	assert_memory_equal(s.last.id, d.id, sizeof(d.id));
	assert_memory_equal(s.more, "\7\1x", 3);
	d.more_len = 0;
	buf_reset(&out);
	flags_line(&out, &d);
	assert_non_null(strstr(buf_str(&out), "0000  h=4711 e=2\n"));
	assert_int_equal(flags_parse(out.data, out.len, &r), 0);
	assert_int_equal(s.last.more_len, 0);
	assert_int_equal(s.last.d.header_len, 4711);
	/* A mark that makes no sense is none; the length may be missing. */
	buf_set(&out, "7 S 0 1 2 000102030405060708090a0b0c0d0e0f  e=3\n");
	assert_int_equal(flags_parse(out.data, out.len, &r), 0);
	assert_int_equal(s.last.d.flags, FLAG_SEEN);
	d.d.header_len = 0;
	d.d.flags = MARK_WHOLE;
	buf_reset(&out);
	flags_line(&out, &d);
	assert_non_null(strstr(buf_str(&out), "0000  e=1\n"));
	assert_int_equal(flags_parse(out.data, out.len, &r), 0);
	assert_int_equal(s.last.d.flags, MARK_WHOLE);
	assert_false(flags_newer(text, sizeof(text) - 1));
	assert_true(flags_newer("rohrpost-flags 4\n1", 18));
	buf_clear(&out);
}

/*
 * The mailboxes whose flags file is behind: in order, and one that is written
 * leaves from anywhere at once.
 */
static void
test_dirty_list(void **state)
{
	enum { N = 100000 };
	struct mailbox *m = calloc(N, sizeof(*m)), *p;
	struct shard *s = calloc(1, sizeof(*s));
	struct account a = { .shard = s };
	int i;

	assert_non_null(m);
	for (i = 0; i < N; i++) {
		m[i].account = &a;
		shard_flags(&m[i]);
	}
	shard_flags(&m[0]);	/* it has its place */
	for (i = N - 1; i >= 0; i -= 2)
		shard_unflags(&m[i]);
	shard_unflags(&m[N - 1]);
	shard_flags(&m[1]);
	for (p = shard_dirty(s), i = 0; p != &m[1]; p = p->next_dirty, i += 2)
		assert_ptr_equal(p, &m[i]);
	assert_int_equal(i, N);
	assert_null(p->next_dirty);
	while ((p = shard_dirty(s)) != NULL)
		shard_unflags(p);
	free(m);
	free(s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_engine, setup, teardown),
		cmocka_unit_test_setup_teardown(test_scan, setup, teardown),
		cmocka_unit_test_setup_teardown(test_scan_large, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_commit, setup, teardown),
		cmocka_unit_test_setup_teardown(test_owner, setup, teardown),
		cmocka_unit_test_setup_teardown(test_watch, setup, teardown),
		cmocka_unit_test_setup_teardown(test_index, setup, teardown),
		cmocka_unit_test_setup_teardown(test_reopen, setup, teardown),
		cmocka_unit_test_setup_teardown(test_end_in_order, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_delete_fails, setup,
		    teardown),
		cmocka_unit_test(test_path), cmocka_unit_test(test_mailboxes),
		cmocka_unit_test(test_flags), cmocka_unit_test(test_wide),
		cmocka_unit_test(test_flags_2),
		cmocka_unit_test(test_version_1),
		cmocka_unit_test(test_dirty_list),
		cmocka_unit_test_setup_teardown(test_later_version, setup,
		    teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
