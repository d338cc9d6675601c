/* What the index holds of messages, looked at while nobody has it open. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "lib/base/clock.h"
#include "lib/mail/follow.h"
#include "lib/mail/proto.h"
#include "lib/mail/uids.h"
#include "store/index.h"
#include "tests/store/rig.h"

#define ANNA "anna@example.test"

enum {
	TRASH = 5, MANY = 300, OLD = 100 * 86400,
	LARGE = 32768, LOG = 1 << 20,	/* octets of a row, of the whole log */
};

static struct rig rig;
static struct engine *e;
static struct engine_db *db;
static uint32_t account;
static struct engine_batch batch;

static int
setup(void **state)
{
	rig_init(&rig);
	rig_start(&rig);
	return 0;
}

static int
teardown(void **state)
{
	rig_clear(&rig);
	return 0;
}

/* The store ends, and anna's rows can be read and written. */
static void
open_index(void)
{
	struct buf why = BUF_INIT(300);
	int fresh, clean;
	unsigned i;

	assert_int_equal(rig_stop(&rig), 0);
	e = engine_open(rig_path(&rig, "spool/index"), 8 << 20, &fresh,
	    &clean, &why);
	assert_non_null(e);
	memset(&batch, 0, sizeof(batch));
	assert_int_equal(engine_owner(e, &batch.epoch), ENGINE_DONE);
	assert_int_equal(engine_own(e, batch.epoch), ENGINE_DONE);
	for (i = 0; i < ENGINE_DBS; i++) {
		db = engine_db(e, i);
		if (index_number(db, ANNA, &account) == ENGINE_DONE)
			break;
	}
	assert_true(i < ENGINE_DBS);
	batch.account = account;
	buf_clear(&why);
}

static void
close_index(void)
{
	if (batch.n > 0)
		assert_int_equal(engine_commit_one(db, &batch), ENGINE_DONE);
	engine_batch_clear(&batch);
	engine_close(&e);
	rig_start(&rig);
}

static void
deliver(unsigned n)
{
	char id[17];

	while (n-- > 0) {
		rig_file(&rig, "text", id);
		assert_int_equal(rig_deliver(&rig, id, ANNA, NULL),
		    RESULT_DELIVERED);
	}
}

static void
copy(uint32_t uid, int how)
{
	uint32_t *from, *to, validity;
	size_t n;

	assert_int_equal(door_copy(&rig.imap[0], 1, TRASH, &uid, 1, how, &from,
	    &to, &n, &validity), 0);
	assert_int_equal(n, 1);
	free(from);
	free(to);
}

static void
flag(uint32_t first, uint32_t n)
{
	uint32_t *uids = calloc(n, sizeof(*uids)), *failed, i;
	struct door_record *rec;
	size_t n_rec, n_failed;

	for (i = 0; i < n; i++)
		uids[i] = first + i;
	assert_int_equal(door_store(&rig.imap[0], 1, uids, n, DOOR_ADD,
	    FLAG_FLAGGED, NULL, UINT64_MAX, &rec, &n_rec, &failed, &n_failed),
	    0);
	assert_int_equal(n_rec, n);
	free(uids);
	free(rec);
	free(failed);
}

static void
expunge(uint32_t uid)
{
	uint64_t modseq;
	uint32_t *gone;
	size_t n;

	assert_int_equal(door_expunge(&rig.imap[0], 1, &uid, 1, 1, &gone, &n,
	    &modseq), 0);
	assert_int_equal(n, 1);
	free(gone);
}

/* What was expunged, asked for alone. */
static void
vanished(uint64_t since, const uint32_t *gone, size_t n, int complete)
{
	uint32_t *alone;
	size_t n_alone;
	int whole;

	assert_int_equal(door_vanished(&rig.imap[0], 1, since, &alone,
	    &n_alone, &whole), 0);
	assert_int_equal(whole, complete && since > 0);
	assert_int_equal(n_alone, n);
	if (n > 0)
		assert_memory_equal(alone, gone, n * sizeof(*gone));
	free(alone);
}

/* How many changed since, the sum of their uids, and what was expunged. */
static uint64_t
changed(uint64_t since, size_t *n_r, uint32_t *sum_r, size_t *gone_r,
    int *complete_r)
{
	struct door_record *rec;
	uint64_t modseq;
	uint32_t *gone;
	size_t i;

	assert_int_equal(door_records(&rig.imap[0], 1, since, &rec, n_r, &gone,
	    gone_r, &modseq, complete_r), 0);
	for (*sum_r = 0, i = 0; i < *n_r; i++) {
		*sum_r += rec[i].uid;
		assert_true(i == 0 || rec[i].uid > rec[i - 1].uid);
	}
	vanished(since, gone, uids_sort(gone, *gone_r), *complete_r);
	free(rec);
	free(gone);
	return modseq;
}

static int
take(void *arg, const struct record *r)
{
	*(struct record *)arg = *r;
	return 0;
}

static void
record(uint32_t mailbox, uint32_t uid, struct record *r)
{
	memset(r, 0, sizeof(*r));
	assert_int_equal(index_records(db, account, mailbox, &uid, 1, take, r),
	    ENGINE_DONE);
	assert_int_equal(r->d.uid, uid);
}

/* The mark of a message; 0: it has none. */
static uint32_t
mark_of(uint32_t mailbox, uint32_t uid, uint64_t *modseq_r)
{
	struct door_record *rec = NULL;
	uint64_t modseq;
	uint32_t mark;
	size_t n = 0;
	int more;

	assert_int_equal(door_records_from(&rig.imap[0], mailbox, uid, &rec,
	    &n, &modseq, &more), 0);
	assert_true(n > 0);
	assert_int_equal(rec[0].uid, uid);
	mark = rec[0].flags & MARK_ALL;
	assert_true(rec[0].size < 1000);
	*modseq_r = rec[0].modseq;
	free(rec);
	return mark;
}

static void
change(enum door_op op, uint32_t flags, uint32_t first, uint32_t n)
{
	uint32_t uids[10], *failed, i;
	struct door_record *rec;
	size_t n_rec, n_failed;

	for (i = 0; i < n; i++)
		uids[i] = first + i;
	assert_int_equal(door_store(&rig.imap[0], 1, uids, n, op, flags, NULL,
	    UINT64_MAX, &rec, &n_rec, &failed, &n_failed), 0);
	assert_int_equal(n_rec, op == DOOR_MARK ? 0 : n);
	free(rec);
	free(failed);
}

/* One as imapd puts it: with flags and the mark. */
static void
append(uint32_t flags)
{
	char name[DOOR_FILE_NAME + 1];
	uint32_t uid, validity;
	int fd;

	assert_int_equal(door_file(&rig.imap[0], &fd, name), 0);
	close(fd);
	assert_int_equal(door_append(&rig.imap[0], 1, name, 0, 0, 0, flags,
	    NULL, 1700000000, NULL, 0, &uid, &validity), 0);
}

/*
 * How a message ends is noted once, and nobody is told of it; it stays through
 * changes of flags, COPY, MOVE, starts, and where the index is made anew.
 */
static void
test_marks(void **state)
{
	struct buf out = BUF_INIT(10000);
	uint64_t was, now;
	int again;

	deliver(3);
	append(FLAG_SEEN | MARK_WHOLE);
	append(MARK_ALL);
	assert_int_equal(mark_of(1, 5, &now), 0);
	assert_int_equal(mark_of(1, 1, &was), 0);
	assert_int_equal(mark_of(1, 4, &now), MARK_WHOLE);
	change(DOOR_MARK, MARK_CUT, 1, 2);
	assert_int_equal(mark_of(1, 1, &now), MARK_CUT);
	assert_true(now == was);
	change(DOOR_MARK, MARK_WHOLE, 1, 3);
	change(DOOR_MARK, FLAG_SEEN, 1, 3);
	change(DOOR_SET, FLAG_SEEN | MARK_CUT, 3, 1);
	change(DOOR_REMOVE, FLAG_SEEN | MARK_CUT, 1, 1);
	copy(1, 0);
	copy(2, DOOR_MOVE);
	for (again = 0; again < 3; again++) {
		assert_int_equal(mark_of(1, 1, &now), MARK_CUT);
		/* a rebuild by order looks at the files */
		assert_int_equal(mark_of(1, 3, &now), again == 2 ? MARK_CUT :
		    MARK_WHOLE);
		assert_int_equal(mark_of(1, 4, &now), MARK_WHOLE);
		assert_int_equal(mark_of(TRASH, 1, &now), MARK_CUT);
		assert_int_equal(mark_of(TRASH, 2, &now), MARK_CUT);
		if (again == 0) {
			assert_int_equal(rig_stop(&rig), 0);
			assert_int_equal(rename(rig_path(&rig, "spool/index"),
			    rig_path(&rig, "one")), 0);
			rig_start(&rig);
		} else {
			assert_true(rig_control(&rig, C_REBUILD, ANNA,
			    &out) > 0);
			assert_int_equal(rig_control(&rig, C_CHECK, ANNA,
			    &out), 0);
		}
	}
	buf_clear(&out);
}

/* COPY and MOVE keep the id, and so does a rebuild from the files. */
static void
test_ids(void **state)
{
	struct record one, two, copied, moved;
	int again;

	deliver(2);
	copy(1, 0);
	copy(2, DOOR_MOVE);
	for (again = 0; again < 2; again++) {
		open_index();
		record(1, 1, &one);
		assert_true(index_has_id(&one));
		record(TRASH, 1, &copied);
		assert_memory_equal(one.id, copied.id, RECORD_ID);
		record(TRASH, 2, &moved);
		assert_memory_not_equal(one.id, moved.id, RECORD_ID);
		if (again)
			assert_memory_equal(moved.id, two.id, RECORD_ID);
		two = moved;
		close_index();
		assert_int_equal(rig_stop(&rig), 0);
		assert_int_equal(rename(rig_path(&rig, "spool/index"),
		    rig_path(&rig, again ? "two" : "one")), 0);
		rig_start(&rig);
		assert_int_equal(rig_mailbox(&rig, &rig.imap[0], "Trash"),
		    TRASH);
	}
}

static int
count(void *arg, const void *key, size_t klen, const void *value, size_t vlen)
{
	++*(unsigned *)arg;
	return 0;
}

static unsigned
rows(char kind)
{
	struct engine_scan s;
	unsigned n = 0;

	index_scan_kind(&s, account, kind);
	assert_int_equal(engine_scan(db, &s, count, &n), ENGINE_DONE);
	return n;
}

static unsigned
ordered(void)
{
	struct index_key from = index_order(account, 1, 0, 0);
	struct index_key to = index_order(account, 1, UINT64_MAX, UINT32_MAX);
	struct engine_scan s;
	unsigned n = 0;

	index_scan(&s, ENGINE_CORE, &from, &to);
	assert_int_equal(engine_scan(db, &s, count, &n), ENGINE_DONE);
	return n;
}

static int
take_expunged(void *arg, const void *key, size_t klen, const void *value,
    size_t vlen)
{
	return index_get_record(key, klen, value, vlen, arg);
}

/* An expunged message leaves its row until that is swept. */
static void
test_expunged(void **state)
{
	uint32_t now = (uint32_t)clock_now();
	struct engine_scan s;
	struct record r;

	deliver(3);
	flag(2, 1);
	expunge(2);
	expunge(3);
	open_index();
	assert_int_equal(rows('X'), 2);
	assert_int_equal(ordered(), 0);
	index_scan_kind(&s, account, 'X');
	s.max = 1;
	assert_int_equal(engine_scan(db, &s, take_expunged, &r), ENGINE_MORE);
	assert_int_equal(r.d.uid, 2);
	assert_int_equal(r.d.flags, FLAG_FLAGGED);
	assert_int_equal(r.d.size, 4);
	assert_true(index_has_id(&r));
	assert_int_equal(index_sweep(db, &batch, now, 10), ENGINE_DONE);
	assert_int_equal(rows('X'), 2);
	assert_int_equal(index_sweep(db, &batch, now + 60, 1), ENGINE_MORE);
	assert_int_equal(rows('X'), 1);
	assert_int_equal(index_sweep(db, &batch, now + 60, 10), ENGINE_DONE);
	assert_int_equal(rows('X'), 0);
	close_index();
}

static uint64_t
follow(uint64_t since, unsigned *events_r, int *anew_r)
{
	struct follow_answer a;
	struct follow_event ev;
	struct cursor c;

	rig.follow[0].owner = ANNA;
	assert_int_equal(follow_ask(&rig.follow[0], 0, since, &a), 0);
	cursor_init(&c, a.packed.data, a.packed.len);
	for (*events_r = 0; follow_next(&c, &ev) == 1; ++*events_r)
		;
	*anew_r = a.anew;
	since = a.token;
	follow_answer_clear(&a);
	return since;
}

/* A log that begins anew keeps nothing of the one before it. */
static void
test_followed_anew(void **state)
{
	char *large = calloc(1, LARGE);
	struct index_key k;
	unsigned i, n;
	uint64_t token;
	int anew;

	(void)follow(0, &n, &anew);
	assert_true(anew);
	deliver(2);
	open_index();
	assert_int_equal(rows('F'), 2);
	/* as much as a log may hold, and of another list */
	for (i = 1; i <= LOG / LARGE; i++) {
		k = index_key_u64(account, 'F', i);
		engine_put(&batch, ENGINE_CORE, k.k, k.len, large, LARGE);
	}
	k = index_account_key(account, 'f');
	memset(large, 0, 17);
	large[0] = 1;
	large[10] = LOG >> 16;
	engine_put(&batch, ENGINE_CORE, k.k, k.len, large, 17);
	close_index();
	token = follow(1, &n, &anew);
	assert_true(anew);
	deliver(5);
	(void)follow(token, &n, &anew);
	assert_false(anew);
	assert_int_equal(n, 5);
	open_index();
	assert_int_equal(rows('F'), 5);
	close_index();
	free(large);
}

static void
has_more(uint32_t mailbox, uint32_t uid)
{
	struct record r;
	struct index_key k = index_message(account, mailbox, uid);
	struct buf v = BUF_INIT(0);

	assert_int_equal(engine_get(db, ENGINE_CORE, k.k, k.len, &v),
	    ENGINE_DONE);
	assert_int_equal(index_get_record(k.k, k.len, v.data, v.len, &r), 0);
	assert_int_equal(r.more_len, 5);
	assert_memory_equal(r.more, "\x21\3new", 5);
	buf_clear(&v);
}

/* Fields that a later one wrote go along with their message. */
static void
test_more(void **state)
{
	struct engine_scan s;
	struct record r;

	deliver(1);
	open_index();
	record(1, 1, &r);
	r.more = (const unsigned char *)"\x21\3new";
	r.more_len = 5;
	index_put_record(&batch, 1, &r);
	close_index();
	copy(1, 0);
	copy(1, DOOR_MOVE);
	deliver(1);
	open_index();
	has_more(TRASH, 1);
	has_more(TRASH, 2);
	record(1, 2, &r);
	r.more = (const unsigned char *)"\x21\3new";
	r.more_len = 5;
	index_put_record(&batch, 1, &r);
	close_index();
	expunge(2);
	open_index();
	index_scan_kind(&s, account, 'X');
	assert_int_equal(engine_scan(db, &s, take_expunged, &r), ENGINE_DONE);
	assert_int_equal(r.more_len, 5);
	close_index();
}

/* The note of a MOVE of message 1 that a crash cut between its commits. */
static void
put_moved(uint32_t from, uint32_t to)
{
	struct index_key k = index_key_u64(account, 'V', UINT64_MAX / 2);
	struct buf v = BUF_INIT(0);

	buf_put_u32(&v, from);
	buf_put_u32(&v, to);
	buf_put_u32(&v, 1);
	engine_put(&batch, ENGINE_CORE, k.k, k.len, v.data, v.len);
	buf_clear(&v);
}

/*
 * A mailbox that is in no list (its file was brought back from an earlier day)
 * has not got what was moved there: it stays where it was, also where the index
 * is made anew.
 */
static void
test_moved_to_nowhere(void **state)
{
	struct index_key k;
	size_t n;
	int again;

	deliver(1);
	for (again = 0; again < 2; again++) {
		open_index();
		put_moved(1, 99);
		k = index_account_key(account, 'C');
		if (again)
			engine_del(&batch, ENGINE_CORE, k.k, k.len);
		close_index();
		assert_int_equal(rig_find(&rig, &rig.imap[0], 1, "text", &n),
		    1);
		open_index();
		assert_int_equal(rows('V'), 0);
		assert_int_equal(rows('R'), 0);
		close_index();
		assert_int_equal(rig_find(&rig, &rig.imap[0], 1, "text", &n),
		    1);
	}
}

/* A few changes among many messages, and many changes. */
static void
test_changed(void **state)
{
	uint64_t since, all;
	size_t n, gone;
	uint32_t sum;
	int complete;

	deliver(MANY);
	since = changed(0, &n, &sum, &gone, &complete);
	assert_int_equal(n, MANY);
	(void)changed(since, &n, &sum, &gone, &complete);
	assert_int_equal(n, 0);
	flag(200, 1);
	flag(7, 2);
	flag(9, 1);
	expunge(9);
	all = changed(since, &n, &sum, &gone, &complete);
	assert_true(complete);
	assert_int_equal(n, 3);
	assert_int_equal(sum, 200 + 7 + 8);
	assert_int_equal(gone, 1);
	flag(10, 180);
	(void)changed(since, &n, &sum, &gone, &complete);
	assert_int_equal(n, 183);
	(void)changed(all, &n, &sum, &gone, &complete);
	assert_int_equal(n, 180);
	assert_int_equal(gone, 0);
	/* what was changed has one row, that of its last change */
	open_index();
	assert_int_equal(ordered(), 183);
	close_index();
	(void)changed(since, &n, &sum, &gone, &complete);
	assert_int_equal(n, 183);
	/* new ones, of which one was changed; and a copy */
	all = changed(since, &n, &sum, &gone, &complete);
	deliver(3);
	flag(MANY + 2, 1);
	(void)changed(all, &n, &sum, &gone, &complete);
	assert_int_equal(n, 3);
	assert_int_equal(sum, 3 * (MANY + 2));
	deliver(70);
	(void)changed(all, &n, &sum, &gone, &complete);
	assert_int_equal(n, 73);
	open_index();
	close_index();
	(void)changed(all, &n, &sum, &gone, &complete);
	assert_int_equal(n, 73);
	/* the newest are gone again */
	for (n = 72; n > 1; n--)
		expunge(MANY + (uint32_t)n + 1);
	(void)changed(all, &n, &sum, &gone, &complete);
	assert_int_equal(n, 2);
	assert_int_equal(sum, 2 * MANY + 3);
	assert_int_equal(gone, 71);
}

/* As if store had run that long before it starts again. */
static void
ran_before(long seconds)
{
	FILE *f = fopen(rig_path(&rig, "spool/mail/.clock"), "w");

	assert_non_null(f);
	fprintf(f, "%ld 0\n%ld\n", (long)clock_now() - seconds, seconds);
	assert_int_equal(fclose(f), 0);
}

/* What is long past is forgotten with the next expunge, and the floor says
   so. */
static void
test_gone_is_bounded(void **state)
{
	struct index_key k;
	uint64_t since, later;
	size_t n, gone;
	uint32_t sum;
	int complete;
	struct buf v = BUF_INIT(0);
	struct index_row row;

	deliver(4);
	since = changed(0, &n, &sum, &gone, &complete);
	expunge(1);
	later = changed(since, &n, &sum, &gone, &complete);
	assert_int_equal(gone, 1);
	open_index();
	k = index_gone(account, 1, later);
	assert_int_equal(engine_get(db, ENGINE_CORE, k.k, k.len, &v),
	    ENGINE_DONE);
	/* What the log takes is counted, for its bound in octets. */
	buf_reset(&v);
	k = index_key_u32(account, 'M', 1);
	assert_int_equal(engine_get(db, ENGINE_CORE, k.k, k.len, &v),
	    ENGINE_DONE);
	assert_int_equal(index_get_row(v.data, v.len, &row), 0);
	assert_int_equal(row.gone_size, 9 + INDEX_GONE_ROW);
	k = index_gone(account, 1, later);
	buf_reset(&v);
	buf_put_u8(&v, 2);
	buf_put_u32(&v, (uint32_t)clock_now() - OLD);
	buf_put_u32(&v, 1);
	engine_put(&batch, ENGINE_CORE, k.k, k.len, v.data, v.len);
	ran_before(2 * OLD);
	close_index();
	expunge(2);
	(void)changed(since, &n, &sum, &gone, &complete);
	assert_false(complete);
	(void)changed(later, &n, &sum, &gone, &complete);
	assert_true(complete);
	assert_int_equal(gone, 1);
	buf_clear(&v);
}

/* A row as version 1 had it, in place of that of this one. */
static int
to_version_1(void *arg, const void *key, size_t klen, const void *value,
    size_t vlen)
{
	const unsigned char *k = key;
	unsigned char v[200];

	assert_true(vlen < sizeof(v));
	memcpy(v, value, vlen);
	if (k[8] == 'M') {
		v[0] = 1;
		vlen = 65;
	} else if (k[8] == 'm') {
		v[0] &= 0x9f;
		v[24] = 0;	/* the mark in the size */
		vlen = v[0] & 0x80 ? 41 : 33;
	} else if (k[8] == 'x') {
		vlen -= 5;
		memmove(v, v + 5, vlen);
	}
	if (k[8] == 'o' || k[8] == 'X')
		engine_del(&batch, ENGINE_CORE, key, klen);
	else
		engine_put(&batch, ENGINE_CORE, key, klen, v, vlen);
	return 0;
}

/* As if the version before this one had left index and mail. */
static void
downgrade(void)
{
	struct index_key from = index_group(account, 0);
	struct index_key to = index_group(account + 1, 0);
	struct engine_scan s;
	char cmd[500];

	index_scan(&s, ENGINE_CORE, &from, &to);
	assert_int_equal(engine_scan(db, &s, to_version_1, NULL), ENGINE_DONE);
	snprintf(cmd, sizeof(cmd), "cd '%s/spool/mail' && rm .format && cd "
	    "example.test/anna && sed -i -E '1s/2/1/; /^account/d; "
	    "s/,?id=[0-9a-f]+//; s/^(mailbox [0-9]+ [0-9]+)  /\\1 - /' "
	    "mailboxes && sed -i -E '1s/2/1/; "
	    "s/^([0-9]+( [^ ]+){4}) .*/\\1/' */flags", rig.dir);
	assert_int_equal(system(cmd), 0);
}

static void
test_version_1(void **state)
{
	struct door_mailbox before, after;
	struct record old, now;
	struct buf out = BUF_INIT(10000), ids = BUF_INIT(0);
	uint64_t since, modseq;
	size_t n, gone;
	uint32_t sum, untouched = 3;
	int complete;

	deliver(10);
	flag(4, 1);
	since = changed(0, &n, &sum, &gone, &complete);
	flag(5, 1);
	expunge(6);
	modseq = changed(0, &n, &sum, &gone, &complete);
	assert_int_equal(door_status(&rig.imap[0], 1, &before), 0);
	open_index();
	downgrade();
	close_index();
	assert_int_equal(door_status(&rig.imap[0], 1, &after), 0);
	/* Its list of mailboxes had no ids. */
	memcpy(after.oid, before.oid, sizeof(after.oid));
	assert_memory_equal(&before, &after, sizeof(before));
	(void)changed(since, &n, &sum, &gone, &complete);
	assert_true(complete);
	assert_int_equal(n, 1);
	assert_int_equal(sum, 5);
	assert_int_equal(gone, 1);
	/* who has no id yet is told with the one that it will have */
	assert_int_equal(door_ids(&rig.imap[0], 1, &untouched, 1, &ids), 0);
	assert_int_equal(ids.len, 4 + RECORD_ID);
	/* it goes on in this version */
	flag(1, 1);
	copy(2, 0);
	assert_true(changed(modseq, &n, &sum, &gone, &complete) > modseq);
	assert_int_equal(n, 1);
	assert_int_equal(sum, 1);
	open_index();
	record(1, 1, &old);
	assert_true(index_has_id(&old));
	record(TRASH, 1, &now);
	assert_true(index_has_id(&now));
	close_index();
	if (rig_control(&rig, C_CHECK, ANNA, &out) != 0)
		fail_msg("%s", buf_str(&out));
	/* the ids stay also where the index is made anew */
	(void)rig_control(&rig, C_REBUILD, ANNA, &out);
	open_index();
	record(TRASH, 1, &old);
	assert_memory_equal(old.id, now.id, RECORD_ID);
	record(1, 2, &old);
	assert_memory_equal(old.id, now.id, RECORD_ID);
	record(1, untouched, &old);
	assert_memory_equal(old.id, ids.data + 4, RECORD_ID);
	close_index();
	buf_clear(&out);
	buf_clear(&ids);
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

/* Ends the store some time later; who waits for it sees the pid go. */
static void
kill_later(unsigned us)
{
	if (fork() != 0)
		return;
	usleep(us);
	kill(rig.pid, SIGKILL);
	_exit(0);
}

static unsigned
work(unsigned n)
{
	char id[17];
	unsigned done = 0, i;

	for (i = 0; i < n; i++) {
		rig_file(&rig, "text", id);
		if (rig_deliver(&rig, id, ANNA, NULL) != RESULT_DELIVERED)
			break;
		done++;
	}
	return done;
}

/* Rows of version 1 that change are killed at any time, again and again. */
static void
test_version_1_killed(void **state)
{
	struct buf out = BUF_INIT(10000);
	unsigned i, sure = 20;
	size_t n, gone;
	uint32_t sum;
	int complete;

	deliver(sure);
	for (i = 0; i < 12; i++) {
		open_index();
		downgrade();
		close_index();
		kill_later(i * 9000);
		sure += work(1000);
		rig_kill(&rig);
		(void)waitpid(-1, NULL, 0);
		rig_start(&rig);
		(void)changed(0, &n, &sum, &gone, &complete);
		assert_true(n == sure || n == sure + 1);
		sure = (unsigned)n;
		flag(1 + i, 2);
		if (rig_control(&rig, C_CHECK, NULL, &out) != 0)
			fail_msg("%s", buf_str(&out));
	}
	buf_clear(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_ids), TEST(test_marks), TEST(test_expunged), TEST(test_changed),
		TEST(test_more), TEST(test_moved_to_nowhere), TEST(test_followed_anew),
		TEST(test_gone_is_bounded), TEST(test_version_1),
		TEST(test_version_1_killed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
