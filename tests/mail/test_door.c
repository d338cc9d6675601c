/*
 * What the messages of the door say: a reader passes over what a later writer
 * adds to a list, and a request names whose mailbox it is about.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

#include "lib/base/buf.h"
#include "lib/base/fd.h"
#include "lib/mail/door_proto.h"

static const struct door_record records[] = {
	{ .uid = 1, .flags = FLAG_SEEN, .keywords = 1ull << 63, .modseq = 7,
	  .date = -5, .size = 1ull << 40, .header_len = 300,
	  .save_date = 1700000000 },
	{ .uid = UINT32_MAX, .modseq = UINT64_MAX, .size = 1 },
};

/* Puts the records with extra octets behind each; cut where extra < 0. */
static void
pack_wider(struct buf *b, int extra)
{
	size_t size = (size_t)(DOOR_RECORD_SIZE + extra), i;
	struct buf one = BUF_INIT(0);

	buf_put_u32(b, (uint32_t)size);
	for (i = 0; i < 2; i++) {
		buf_reset(&one);
		door_pack_record(&one, &records[i]);
		buf_append(&one, "sixteen octets..", 16);
		buf_append(b, one.data + 4, size);
	}
	buf_clear(&one);
}

static void
test_records(void **state)
{
	struct buf b = BUF_INIT(0);
	struct door_packed l;
	struct door_record r;
	size_t i;

	assert_int_equal(door_unpack_records(&l, NULL, 0), 0);
	assert_int_equal(l.n, 0);
	for (i = 0; i < 2; i++)
		assert_int_equal(door_pack_record(&b, &records[i]), 0);
	assert_int_equal(b.len, 4 + 2 * DOOR_RECORD_SIZE);
	assert_int_equal(door_unpack_records(&l, b.data, b.len), 0);
	assert_int_equal(l.n, 2);
	for (i = 0; i < 2; i++) {
		door_unpack_record(&l, i, &r);
		assert_memory_equal(&r, &records[i], sizeof(r));
	}
	buf_clear(&b);
}

static void
test_records_of_another_size(void **state)
{
	struct buf b = BUF_INIT(0);
	struct door_packed l;
	struct door_record r, want = records[0];

	pack_wider(&b, 16);
	assert_int_equal(door_unpack_records(&l, b.data, b.len), 0);
	assert_int_equal(l.n, 2);
	door_unpack_record(&l, 1, &r);
	assert_memory_equal(&r, &records[1], sizeof(r));
	buf_reset(&b);
	pack_wider(&b, -4);
	assert_int_equal(door_unpack_records(&l, b.data, b.len), 0);
	assert_int_equal(l.n, 2);
	door_unpack_record(&l, 0, &r);
	want.save_date = 0;
	assert_memory_equal(&r, &want, sizeof(r));
	buf_clear(&b);
}

static void
test_broken_records(void **state)
{
	struct buf b = BUF_INIT(0);
	struct door_packed l;
	size_t i;

	door_pack_record(&b, &records[0]);
	for (i = 1; i < b.len; i++)
		if (i != 4)
			assert_int_equal(door_unpack_records(&l, b.data, i),
			    -1);
	memset(b.data, 0, 4);
	assert_int_equal(door_unpack_records(&l, b.data, b.len), -1);
	memset(b.data, 0xff, 4);
	assert_int_equal(door_unpack_records(&l, b.data, b.len), -1);
	buf_clear(&b);
}

static const struct door_mailbox boxes[] = {
	{ .id = 1, .uidvalidity = 2, .uidnext = 3, .attrs = ATTR_JUNK,
	  .messages = 4, .unseen = 5, .deleted = 6, .recent = 7,
	  .size = 1ull << 40, .highestmodseq = UINT64_MAX,
	  .name = (char *)"INBOX", .oid = { 1, 2, 254, 255 } },
	{ .id = 8, .name = (char *)"a/b" },
};

static void
check_mailbox(struct cursor *c, const struct door_mailbox *want)
{
	struct door_mailbox m;
	const char *name;
	size_t len;

	assert_int_equal(door_unpack_mailbox(c, &m, &name, &len), 0);
	assert_int_equal(len, strlen(want->name));
	assert_memory_equal(name, want->name, len);
	m.name = want->name;
	assert_memory_equal(&m, want, sizeof(m));
}

static void
test_mailboxes(void **state)
{
	struct buf b = BUF_INIT(0), one = BUF_INIT(0);
	struct door_mailbox m;
	struct cursor c;
	const char *name;
	size_t i, len;

	/* The first one as a later store may write it. */
	door_pack_mailbox(&one, &boxes[0]);
	buf_put_u32(&b, (uint32_t)one.len - 4 + 16);
	buf_append(&b, one.data + 4, one.len - 4);
	buf_append(&b, "sixteen octets..", 16);
	door_pack_mailbox(&b, &boxes[1]);
	cursor_init(&c, b.data, b.len);
	check_mailbox(&c, &boxes[0]);
	check_mailbox(&c, &boxes[1]);
	assert_int_equal(cursor_left(&c), 0);
	for (i = 1; i < one.len; i++) {
		cursor_init(&c, one.data, i);
		assert_int_equal(door_unpack_mailbox(&c, &m, &name, &len), -1);
	}
	/* As a store wrote it that told no id. */
	one.data[0] -= DOOR_ID;
	cursor_init(&c, one.data, one.len - DOOR_ID);
	assert_int_equal(door_unpack_mailbox(&c, &m, &name, &len), 0);
	for (i = 0; i < DOOR_ID; i++)
		assert_int_equal(m.oid[i], 0);
	/* A length that cuts the name off. */
	one.data[0]--;
	cursor_init(&c, one.data, one.len);
	assert_int_equal(door_unpack_mailbox(&c, &m, &name, &len), -1);
	buf_clear(&b);
	buf_clear(&one);
}

/* What store has got: the next request, and its owner or "". */
static void
expect_request(struct chan *c, unsigned type, const char *owner,
    const char *to_owner)
{
	struct buf why = BUF_INIT(200);
	struct msg m;
	const char *p;
	size_t len;

	assert_int_equal(msg_recv(&m, &proto_door, PEER_IMAPD, c, 1000, &why),
	    1);
	assert_int_equal(m.type, type);
	p = msg_get(&m, DF_OWNER, &len);
	assert_int_equal(len, strlen(owner));
	assert_memory_equal(p != NULL ? p : "", owner, len);
	p = msg_get(&m, DF_TO_NAME, &len);
	assert_int_equal(len, strlen(to_owner));
	assert_memory_equal(p != NULL ? p : "", to_owner, len);
	msg_done(&m);
}

/* The end of a door whose store says nothing: each call fails. */
static void
ask_nobody(struct door *d, struct chan *c)
{
	int s[2];

	assert_int_equal(fd_pair(s), 0);
	fd_nonblock(s[1], 0);
	shutdown(s[1], SHUT_WR);
	door_set(d, s[0]);
	chan_clear(c);
	chan_init(c, s[1]);
}

static void
test_owner(void **state)
{
	uint32_t uid = 1, *from, *to, validity;
	struct door_mailbox m;
	struct door d;
	struct chan c;
	uint64_t q[4];
	size_t n;

	door_init(&d, PEER_IMAPD, -1);
	chan_init(&c, -1);
	ask_nobody(&d, &c);
	assert_int_equal(door_status(&d, 1, &m), -1);
	expect_request(&c, DM_STATUS, "", "");
	d.owner = "bert@example.test";
	ask_nobody(&d, &c);
	assert_int_equal(door_status(&d, 1, &m), -1);
	expect_request(&c, DM_STATUS, "bert@example.test", "");
	/* The door's user has a quota, whoever else is meant. */
	ask_nobody(&d, &c);
	assert_int_equal(door_quota(&d, &q[0], &q[1], &q[2], &q[3]), -1);
	expect_request(&c, DM_QUOTA, "", "");
	d.to_owner = "carl@example.test";
	ask_nobody(&d, &c);
	assert_int_equal(door_copy(&d, 1, 2, &uid, 1, 0, &from, &to, &n,
	    &validity), -1);
	expect_request(&c, DM_COPY, "bert@example.test", "carl@example.test");
	chan_clear(&c);
	door_clear(&d);
}

/* A store that has answered before it is asked, and reads what it gets. */
struct ready {
	struct chan c;
	pthread_t thread;
	unsigned types[4];
	size_t	 n;			/* requests */
	uint32_t uids[2];		/* of the last one: the first two */
	size_t	 n_uids;		/* and how many */
};

static void *
ready_run(void *arg)
{
	struct ready *r = arg;
	struct buf why = BUF_INIT(200);
	struct cursor k;
	const char *p;
	struct msg m;
	size_t len;

	while (r->n < 4 && msg_recv(&m, &proto_door, PEER_IMAPD, &r->c, 20000,
	    &why) == 1) {
		r->types[r->n++] = m.type;
		p = msg_get(&m, DF_UIDS, &len);
		cursor_init(&k, p, len);
		r->uids[0] = cursor_u32(&k);
		r->uids[1] = cursor_u32(&k);
		r->n_uids = len / 4;
		msg_done(&m);
	}
	buf_clear(&why);
	return NULL;
}

static void
ready_begin(struct ready *r, struct door *d)
{
	int s[2];

	memset(r, 0, sizeof(*r));
	assert_int_equal(fd_pair(s), 0);
	fd_nonblock(s[1], 0);
	door_init(d, PEER_IMAPD, s[0]);
	chan_init(&r->c, s[1]);
}

static void
ready_asks(struct ready *r)
{
	assert_int_equal(chan_send(&r->c, 1000), 0);
	assert_int_equal(pthread_create(&r->thread, NULL, ready_run, r), 0);
}

static void
ready_end(struct ready *r, struct door *d)
{
	door_clear(d);
	assert_int_equal(pthread_join(r->thread, NULL), 0);
	chan_clear(&r->c);
}

static void
answer_uids(struct ready *r, unsigned type, uint32_t id, uint32_t first)
{
	struct buf b = BUF_INIT(0);

	buf_put_u32(&b, first);
	buf_put_u32(&b, first + 1);
	msg_begin(&r->c, &proto_door, type, id);
	msg_bytes(&r->c, DF_UIDS, b.data, b.len);
	if (type == DM_COPIED) {
		buf_reset(&b);
		buf_put_u32(&b, first + 100);
		buf_put_u32(&b, first + 101);
		msg_bytes(&r->c, DF_TO_UIDS, b.data, b.len);
		msg_u32(&r->c, DF_UIDVALIDITY, 9);
	} else
		msg_u64(&r->c, DF_MODSEQ, 77);
	assert_int_equal(msg_end(&r->c), 0);
	buf_clear(&b);
}

static void
answer_failed(struct ready *r, uint32_t id)
{
	msg_begin(&r->c, &proto_door, DM_FAILED, id);
	msg_u32(&r->c, DF_ERROR, D_QUOTA);
	msg_text(&r->c, DF_WORDS, "full");
	assert_int_equal(msg_end(&r->c), 0);
}

static uint32_t *
many(size_t n)
{
	uint32_t *uids = calloc(n, sizeof(*uids));
	size_t i;

	assert_non_null(uids);
	for (i = 0; i < n; i++)
		uids[i] = (uint32_t)i + 1;
	return uids;
}

/* A later part fails: what the first did is told. */
static void
test_store_in_parts(void **state)
{
	uint32_t *uids = many(DOOR_CHANGE_MAX + 1), *failed;
	struct buf b = BUF_INIT(0);
	struct door_record *rec;
	struct ready r;
	struct door d;
	size_t n, n_failed;

	ready_begin(&r, &d);
	assert_int_equal(door_pack_record(&b, &records[0]), 0);
	msg_begin(&r.c, &proto_door, DM_RECORDS_ARE, 1);
	msg_bytes(&r.c, DF_RECORDS, b.data, b.len);
	msg_bytes(&r.c, DF_UIDS, "\0\0\0\5", 4);
	msg_u64(&r.c, DF_MODSEQ, 7);
	msg_u32(&r.c, DF_ON, 1);
	assert_int_equal(msg_end(&r.c), 0);
	answer_failed(&r, 2);
	ready_asks(&r);
	assert_int_equal(door_store(&d, 1, uids, DOOR_CHANGE_MAX + 1, DOOR_ADD,
	    FLAG_SEEN, NULL, UINT64_MAX, &rec, &n, &failed, &n_failed), -1);
	assert_int_equal(door_error(&d), D_QUOTA);
	assert_int_equal(n, 1);
	assert_int_equal(rec[0].modseq, 7);
	assert_int_equal(n_failed, 1);
	ready_end(&r, &d);
	assert_int_equal(r.n, 2);
	assert_int_equal(r.types[1], DM_STORE);
	free(rec);
	free(failed);
	free(uids);
	buf_clear(&b);
}

static void
test_expunge_in_parts(void **state)
{
	uint32_t *uids = many(DOOR_CHANGE_MAX + 1), *gone;
	struct ready r;
	struct door d;
	uint64_t modseq;
	size_t n;

	ready_begin(&r, &d);
	answer_uids(&r, DM_GONE, 1, 5);
	answer_failed(&r, 2);
	ready_asks(&r);
	assert_int_equal(door_expunge(&d, 1, uids, DOOR_CHANGE_MAX + 1, 1,
	    &gone, &n, &modseq), -1);
	assert_int_equal(door_error(&d), D_QUOTA);
	assert_int_equal(n, 2);
	assert_int_equal(gone[1], 6);
	assert_int_equal(modseq, 77);
	ready_end(&r, &d);
	free(gone);
	free(uids);
}

/* Of a MOVE the first part stays; a COPY is all or none. */
static void
copy_in_parts(int how, size_t part)
{
	uint32_t *uids = many(part + 1), *from, *to, validity;
	int move = how & DOOR_MOVE;
	struct ready r;
	struct door d;
	size_t n;

	ready_begin(&r, &d);
	answer_uids(&r, DM_COPIED, 1, 5);
	answer_failed(&r, 2);
	answer_uids(&r, DM_GONE, 3, 105);
	ready_asks(&r);
	assert_int_equal(door_copy(&d, 1, 2, uids, part + 1, how, &from, &to,
	    &n, &validity), -1);
	assert_int_equal(door_error(&d), D_QUOTA);
	assert_string_equal(door_words(&d), "full");
	assert_int_equal(n, move ? 2 : 0);
	ready_end(&r, &d);
	assert_int_equal(r.n, move ? 2 : 3);
	assert_int_equal(r.types[1], DM_COPY);
	if (move) {
		assert_int_equal(from[1], 6);
		assert_int_equal(to[1], 106);
		assert_int_equal(validity, 9);
	} else {
		assert_int_equal(r.types[2], DM_EXPUNGE);
		assert_int_equal(r.uids[0], 105);
		assert_int_equal(r.uids[1], 106);
	}
	free(from);
	free(to);
	free(uids);
}

static void
test_move_in_parts(void **state)
{
	copy_in_parts(DOOR_MOVE, DOOR_CHANGE_MAX);
}

static void
test_copy_in_parts(void **state)
{
	copy_in_parts(0, DOOR_COPY_UIDS_MAX);
}

static void
answer_done(struct ready *r, uint32_t id)
{
	msg_begin(&r->c, &proto_door, DM_DONE, id);
	assert_int_equal(msg_end(&r->c), 0);
}

/* The answer that counts is the one to the question that was asked. */
static void
test_other_answers(void **state)
{
	struct ready r;
	struct door d;

	ready_begin(&r, &d);
	answer_failed(&r, 7);
	answer_done(&r, 1);
	answer_done(&r, 1);
	answer_failed(&r, 2);
	ready_asks(&r);
	assert_int_equal(door_unselect(&d, 1), 0);
	assert_int_equal(door_unselect(&d, 1), -1);
	assert_int_equal(door_error(&d), D_QUOTA);
	ready_end(&r, &d);
}

static void
answer_event(struct ready *r, uint32_t mailbox)
{
	struct buf b = BUF_INIT(0);

	buf_put_u32(&b, mailbox);
	msg_begin(&r->c, &proto_door, DM_EVENT, 0);
	msg_bytes(&r->c, DF_UIDS, b.data, b.len);
	msg_u32(&r->c, DF_ON, 1);
	assert_int_equal(msg_end(&r->c), 0);
	buf_clear(&b);
}

/* Names of those with news are kept until they are asked for, within reason. */
static void
test_news_nobody_asks_for(void **state)
{
	enum { EACH = 200, AT_ONCE = 100 };
	const uint32_t *list;
	char name[EACH + 1];
	struct ready r;
	struct door d;
	int i, got = 0, changed;
	size_t n, sent = 0;

	memset(name, 'x', EACH);
	name[EACH] = '\0';
	ready_begin(&r, &d);
	while (got != -1 && sent < 2 * (size_t)DOOR_NEWS_MAX) {
		for (i = 0; i < AT_ONCE; i++, sent += EACH + 4) {
			msg_begin(&r.c, &proto_door, DM_EVENT, 0);
			msg_bytes(&r.c, DF_UIDS, "", 0);
			msg_u32(&r.c, DF_ON, 0);
			msg_text(&r.c, DF_OWNER, name);
			assert_int_equal(msg_end(&r.c), 0);
		}
		assert_int_equal(chan_send(&r.c, 1000), 0);
		for (i = 0; i < 4 && got != -1; i++)
			got = door_events(&d, &list, &n, &changed);
		assert_true(d.news.len <= DOOR_NEWS_MAX);
	}
	assert_int_equal(got, -1);
	assert_int_equal(door_error(&d), D_LOST);
	assert_true(sent > DOOR_NEWS_MAX);
	chan_clear(&r.c);
	door_clear(&d);
}

/* That it went away is known before anything is asked of it. */
static void
test_end_between_commands(void **state)
{
	const uint32_t *events;
	struct ready r;
	struct door d;
	int listed;
	size_t n;

	ready_begin(&r, &d);
	assert_int_equal(door_events(&d, &events, &n, &listed), 0);
	chan_clear(&r.c);
	assert_int_equal(door_events(&d, &events, &n, &listed), -1);
	assert_int_equal(door_error(&d), D_LOST);
	door_clear(&d);
}

/* What a store said that went away is none of the next one's. */
static void
test_another_store(void **state)
{
	uint32_t uid = 1, id, *from, *to, validity;
	const uint32_t *events;
	struct ready r;
	struct door d;
	unsigned times;
	int s[2], listed;
	size_t n;

	ready_begin(&r, &d);
	answer_event(&r, 4);
	answer_done(&r, 1);
	ready_asks(&r);
	assert_int_equal(door_unselect(&d, 1), 0);
	assert_true(door_pending(&d));
	assert_int_equal(door_copy_begin(&d, 1, 2, &uid, 1, 0, &id), 0);
	assert_false(door_answered(&d));
	times = d.times;
	assert_int_equal(fd_pair(s), 0);
	door_set(&d, s[0]);
	assert_int_not_equal(d.times, times);
	assert_false(door_pending(&d));
	assert_int_equal(door_events(&d, &events, &n, &listed), 0);
	assert_int_equal(n, 0);
	assert_false(listed);
	assert_true(door_answered(&d));
	assert_int_equal(door_copy_end(&d, id, &from, &to, &n, &validity), -1);
	assert_int_equal(door_error(&d), D_LOST);
	assert_false(door_busy(&d));
	ready_end(&r, &d);
	close(s[1]);
}

static void
answer_records(struct ready *r, uint32_t id, unsigned i, uint32_t more)
{
	struct buf b = BUF_INIT(0);

	door_pack_record(&b, &records[i]);
	msg_begin(&r->c, &proto_door, DM_RECORDS_ARE, id);
	msg_bytes(&r->c, DF_RECORDS, b.data, b.len);
	buf_reset(&b);
	buf_put_u32(&b, 40 + i);
	msg_bytes(&r->c, DF_UIDS, b.data, b.len);
	msg_u64(&r->c, DF_MODSEQ, 50 + i);
	msg_u32(&r->c, DF_ON, i == 0);
	msg_u32(&r->c, DF_UID, 60 + i);
	msg_u32(&r->c, DF_MORE, more);
	assert_int_equal(msg_end(&r->c), 0);
	buf_clear(&b);
}

/* The state is that of the first piece: what changed since is told again. */
static void
test_records_in_pieces(void **state)
{
	struct door_record *rec;
	uint32_t *gone, recent;
	uint64_t modseq;
	struct ready r;
	struct door d;
	size_t n, n_gone;
	int complete;

	ready_begin(&r, &d);
	answer_records(&r, 1, 0, 1);
	answer_records(&r, 2, 1, 0);
	ready_asks(&r);
	assert_int_equal(door_changes(&d, 1, 5, 1, &rec, &n, &gone, &n_gone,
	    &modseq, &complete, &recent), 0);
	ready_end(&r, &d);
	assert_int_equal(r.n, 2);
	assert_int_equal(n, 2);
	assert_memory_equal(rec, records, sizeof(records));
	assert_int_equal(n_gone, 1);
	assert_int_equal(gone[0], 40);
	assert_int_equal(modseq, 50);
	assert_true(complete);
	assert_int_equal(recent, 60);
	free(rec);
	free(gone);
}

static void
answer_mailboxes(struct ready *r, uint32_t id, unsigned i, uint32_t more)
{
	struct buf b = BUF_INIT(0);

	door_pack_mailbox(&b, &boxes[i]);
	msg_begin(&r->c, &proto_door, DM_MAILBOXES, id);
	msg_bytes(&r->c, DF_MAILBOXES, b.data, b.len);
	msg_u32(&r->c, DF_MORE, more);
	assert_int_equal(msg_end(&r->c), 0);
	buf_clear(&b);
}

/* Each piece is asked for behind the last name; one of nothing is the end. */
static void
test_list_in_pieces(void **state)
{
	struct door_mailbox *list;
	struct ready r;
	struct door d;
	size_t n;

	ready_begin(&r, &d);
	answer_mailboxes(&r, 1, 0, 1);
	answer_mailboxes(&r, 2, 1, 0);
	ready_asks(&r);
	assert_int_equal(door_list(&d, &list, &n), 0);
	ready_end(&r, &d);
	assert_int_equal(r.n, 2);
	assert_int_equal(n, 2);
	assert_string_equal(list[0].name, boxes[0].name);
	assert_string_equal(list[1].name, boxes[1].name);
	door_list_free(&list, n);
}

/* A descriptor belongs to the message that was found. */
static void
test_open_some(void **state)
{
	static const char found[] = { 0, 1, 0, 1 };
	uint32_t uids[] = { 1, 2, 3, 4, 5 };
	struct ready r;
	struct door d;
	int p[2], fd[5], i;
	char c;

	assert_int_equal(pipe(p), 0);
	ready_begin(&r, &d);
	msg_begin(&r.c, &proto_door, DM_FILES, 1);
	msg_bytes(&r.c, DF_FOUND, found, sizeof(found));
	msg_fd(&r.c, p[0]);
	msg_fd(&r.c, p[1]);
	assert_int_equal(msg_end(&r.c), 0);
	ready_asks(&r);
	assert_int_equal(door_open(&d, 1, uids, 5, fd), 0);
	for (i = 0; i < 5; i += 2)
		assert_int_equal(fd[i], -1);
	assert_int_equal(write(fd[3], "x", 1), 1);
	assert_int_equal(read(fd[1], &c, 1), 1);
	close(fd[1]);
	close(fd[3]);
	ready_end(&r, &d);
}

/* What is recent for a session begins at the uid that the answer names. */
static void
test_recent(void **state)
{
	struct buf b = BUF_INIT(0);
	struct door_mailbox m;
	struct ready r;
	struct door d;
	uint32_t recent;

	ready_begin(&r, &d);
	door_pack_mailbox(&b, &boxes[0]);
	msg_begin(&r.c, &proto_door, DM_MAILBOX, 1);
	msg_bytes(&r.c, DF_MAILBOXES, b.data, b.len);
	msg_u32(&r.c, DF_UID, 60);
	assert_int_equal(msg_end(&r.c), 0);
	ready_asks(&r);
	assert_int_equal(door_select(&d, 1, 1, &m, &recent), 0);
	assert_int_equal(recent, 60);
	assert_int_equal(m.uidnext, boxes[0].uidnext);
	ready_end(&r, &d);
	buf_clear(&b);
}

/* Of more messages than a request holds the first are asked for. */
static void
test_cache_of_many(void **state)
{
	struct buf packed = BUF_INIT(DOOR_PACKED_MAX);
	uint32_t *uids = many(DOOR_RECORDS_MAX + 1);
	struct ready r;
	struct door d;
	size_t n;

	ready_begin(&r, &d);
	msg_begin(&r.c, &proto_door, DM_CACHE, 1);
	msg_bytes(&r.c, DF_CACHE, "record", 6);
	msg_u64(&r.c, DF_COUNT, DOOR_RECORDS_MAX);
	assert_int_equal(msg_end(&r.c), 0);
	ready_asks(&r);
	assert_int_equal(door_cache_get(&d, 1, uids, DOOR_RECORDS_MAX + 1,
	    &packed, &n), 0);
	assert_int_equal(n, DOOR_RECORDS_MAX);
	assert_string_equal(buf_str(&packed), "record");
	ready_end(&r, &d);
	assert_int_equal(r.n_uids, DOOR_RECORDS_MAX);
	buf_clear(&packed);
	free(uids);
}

/* One copy at a time goes on beside other calls. */
static void
test_two_copies(void **state)
{
	uint32_t uid = 1, id, other;
	struct ready r;
	struct door d;

	ready_begin(&r, &d);
	ready_asks(&r);
	assert_int_equal(door_copy_begin(&d, 1, 2, &uid, 1, 0, &id), 0);
	assert_int_equal(door_copy_begin(&d, 1, 3, &uid, 1, 0, &other), -1);
	assert_int_equal(door_error(&d), D_REFUSED);
	assert_true(door_busy(&d));
	assert_false(door_answered(&d));
	ready_end(&r, &d);
	assert_int_equal(r.n, 1);
}

/* The mark of a message, in whatever pieces it is seen. */
static void
test_tail(void **state)
{
	static const struct {
		const char *text;
		uint32_t mark;
	} row[] = {
		{ "", MARK_WHOLE }, { "\r\n", MARK_WHOLE },
		{ "a\r\n", MARK_WHOLE }, { "\n\r\n", MARK_WHOLE },
		{ "\n", MARK_CUT }, { "\r", MARK_CUT }, { "a", MARK_CUT },
		{ "a\n", MARK_CUT }, { "a\r", MARK_CUT }, { "\n\r", MARK_CUT },
		{ "\n\n", MARK_CUT }, { "\r\nab", MARK_CUT },
		{ "\r\r", MARK_CUT },
	};
	size_t i, at, step, len, n;

	for (i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		len = strlen(row[i].text);
		for (step = 1; step <= len + 1; step++) {
			struct door_tail t = { .n = 0 };

			for (at = 0; at < len; at += n) {
				n = len - at < step ? len - at : step;
				door_tail_add(&t, row[i].text + at, n);
				door_tail_add(&t, "", 0);
			}
			assert_int_equal(door_tail_mark(&t), row[i].mark);
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_records),
		cmocka_unit_test(test_records_of_another_size),
		cmocka_unit_test(test_broken_records),
		cmocka_unit_test(test_mailboxes),
		cmocka_unit_test(test_owner),
		cmocka_unit_test(test_store_in_parts),
		cmocka_unit_test(test_expunge_in_parts),
		cmocka_unit_test(test_move_in_parts),
		cmocka_unit_test(test_copy_in_parts),
		cmocka_unit_test(test_other_answers),
		cmocka_unit_test(test_news_nobody_asks_for),
		cmocka_unit_test(test_end_between_commands),
		cmocka_unit_test(test_another_store),
		cmocka_unit_test(test_records_in_pieces),
		cmocka_unit_test(test_list_in_pieces),
		cmocka_unit_test(test_open_some),
		cmocka_unit_test(test_recent),
		cmocka_unit_test(test_cache_of_many),
		cmocka_unit_test(test_two_copies),
		cmocka_unit_test(test_tail),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
