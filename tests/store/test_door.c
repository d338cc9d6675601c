/* Whole round trips: a door, the real threads, the files behind them. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "lib/base/crc32c.h"
#include "lib/base/fd.h"
#include "lib/mail/door_proto.h"
#include "lib/mail/proto.h"
#include "tests/store/rig.h"

#define ANNA "anna@example.test"
#define BERT "bert@example.test"

static struct rig rig;

static int
setup(void **state)
{
	rig_init(&rig);
	rig.quota_size = 100;
	rig.quota_count = 3;
	rig_start(&rig);
	return 0;
}

static int
teardown(void **state)
{
	int status = rig_stop(&rig);

	rig_clear(&rig);
	return status == 0 ? 0 : -1;
}

static void
read_back(struct door *d, uint32_t id, uint32_t uid, const char *want)
{
	struct buf b = BUF_INIT(10000);
	int fd;

	assert_int_equal(door_open(d, id, &uid, 1, &fd), 0);
	if (want == NULL) {
		assert_int_equal(fd, -1);
		return;
	}
	assert_int_not_equal(fd, -1);
	assert_int_equal(fd_slurp(fd, &b), 0);
	assert_string_equal(buf_str(&b), want);
	close(fd);
	buf_clear(&b);
}

static void
put(const char *owner, const char *text)
{
	char id[17];

	rig_file(&rig, text, id);
	assert_int_equal(rig_deliver(&rig, id, owner, NULL),
	    RESULT_DELIVERED);
}

static size_t
count(struct door *d, uint32_t id)
{
	struct door_record *rec;
	uint32_t *gone;
	uint64_t modseq;
	size_t n, n_gone;
	int complete;

	assert_int_equal(door_records(d, id, 0, &rec, &n, &gone, &n_gone,
	    &modseq, &complete), 0);
	free(rec);
	free(gone);
	return n;
}

static void
test_first_use(void **state)
{
	static const char *const names[] = { "INBOX", "Archive", "Drafts",
		"Junk", "Sent", "Trash" };
	struct door_mailbox *list;
	size_t i, n;

	assert_int_equal(door_list(&rig.imap[0], &list, &n), 0);
	assert_int_equal(n, 6);
	for (i = 0; i < n; i++) {
		assert_string_equal(list[i].name, names[i]);
		assert_true(list[i].attrs & ATTR_SUBSCRIBED);
		assert_int_equal(list[i].uidnext, 1);
		assert_int_equal(list[i].messages, 0);
		assert_true(list[i].uidvalidity != 0);
	}
	door_list_free(&list, n);
}

static void
test_deliver(void **state)
{
	struct door_mailbox m;
	char id[17], words[RESULT_WORDS_MAX + 1];
	struct stat a;
	uint32_t inbox, recent;

	rig_file(&rig, "A: b\r\n\r\nhello\r\n", id);
	assert_int_equal(rig_deliver(&rig, id, ANNA, words),
	    RESULT_DELIVERED);
	assert_int_equal(rig_deliver(&rig, id, ANNA, words),
	    RESULT_DELIVERED);
	assert_string_equal(words, "2.0.0 delivered before");
	inbox = rig_mailbox(&rig, &rig.imap[0], "INBOX");
	assert_int_equal(door_status(&rig.imap[0], inbox, &m), 0);
	assert_int_equal(m.messages, 1);
	assert_int_equal(m.unseen, 1);
	assert_int_equal(m.recent, 1);
	assert_int_equal(m.uidnext, 2);
	assert_int_equal(m.size, 15);
	read_back(&rig.imap[0], inbox, 1, "A: b\r\n\r\nhello\r\n");
	read_back(&rig.imap[0], inbox, 2, NULL);
	assert_int_equal(stat(rig_path(&rig, "spool/mail/example.test/anna/1/"
	    "1"), &a), 0);
	assert_int_equal(a.st_nlink, 2);
	/* recent belongs to the first writer */
	assert_int_equal(door_select(&rig.imap[0], inbox, 1, &m, &recent), 0);
	assert_int_equal(m.recent, 1);
	assert_int_equal(recent, 1);
	assert_int_equal(door_select(&rig.imap[1], inbox, 1, &m, &recent), 0);
	assert_int_equal(m.recent, 0);
}

static void
test_deliver_refused(void **state)
{
	char id[17], other[17], words[RESULT_WORDS_MAX + 1];
	struct door *d = &rig.deliver[1];
	enum result result;
	uint32_t n;
	int fd, r;

	rig_file(&rig, "x", id);
	assert_int_equal(rig_deliver(&rig, id, "nobody@example.test", words),
	    RESULT_NEVER);
	assert_int_equal(rig_deliver(&rig, id, "../../etc", words),
	    RESULT_NEVER);
	/* another file than the one named */
	rig_file(&rig, "y", other);
	fd = rig_open(&rig, other);
	assert_int_equal(rig_send(d, 3, id, ANNA, fd, 1, 1), 0);
	while ((r = rig_answer(d, &n, &result, words)) == 0)
		usleep(1000);
	assert_int_equal(r, 1);
	assert_int_equal(result, RESULT_LATER);
	/* a size that is not so */
	fd = rig_open(&rig, id);
	assert_int_equal(rig_send(d, 4, id, ANNA, fd, 2, 1), 0);
	while ((r = rig_answer(d, &n, &result, words)) == 0)
		usleep(1000);
	assert_int_equal(result, RESULT_LATER);
	assert_int_equal(count(&rig.imap[0], 1), 0);
}

static void
test_quota(void **state)
{
	char id[17], words[RESULT_WORDS_MAX + 1];
	uint64_t size, size_max, n, n_max;
	int i;

	for (i = 0; i < 3; i++)
		put(BERT, "0123456789");
	rig_file(&rig, "0123456789", id);
	assert_int_equal(rig_deliver(&rig, id, BERT, words), RESULT_LATER);
	assert_string_equal(words, "4.2.2 mailbox is full");
	assert_int_equal(door_quota(&rig.imap[2], &size, &size_max, &n,
	    &n_max), 0);
	assert_int_equal(size, 30);
	assert_int_equal(size_max, 100);
	assert_int_equal(n, 3);
	assert_int_equal(n_max, 3);
	for (i = 0; i < 200 && access(rig_path(&rig, "jail/state/full.cdb"),
	    F_OK) == -1; i++)
		usleep(10000);
	assert_int_equal(access(rig_path(&rig, "jail/state/full.cdb"), F_OK),
	    0);
}

/*
 * The message that passes the bound is taken, by delivery alone. One that no
 * waiting makes fit is refused for good.
 */
static void
test_quota_bound(void **state)
{
	char id[17], words[RESULT_WORDS_MAX + 1], big[102];

	memset(big, 'x', 101);
	big[101] = '\0';
	rig_file(&rig, big, id);
	assert_int_equal(rig_deliver(&rig, id, BERT, words), RESULT_NEVER);
	assert_memory_equal(words, "5.2.3 ", 6);
	big[60] = '\0';
	put(BERT, big);
	put(BERT, big);
	rig_file(&rig, "x", id);
	assert_int_equal(rig_deliver(&rig, id, BERT, words), RESULT_LATER);
	assert_string_equal(words, "4.2.2 mailbox is full");
}

/* All of the room can be used, to the octet and to the message. */
static void
test_quota_exact(void **state)
{
	char id[17], words[RESULT_WORDS_MAX + 1], text[101];
	uint32_t uid = 1, *from, *to, validity, trash;
	struct door *d = &rig.imap[2];
	size_t n;

	memset(text, 'x', sizeof(text));
	text[50] = '\0';
	put(BERT, text);
	trash = rig_mailbox(&rig, d, "Trash");
	assert_int_equal(door_copy(d, 1, trash, &uid, 1, 0, &from, &to, &n,
	    &validity), 0);
	assert_int_equal(n, 1);
	free(from);
	free(to);
	/* 100 of 100 octets, 2 of 3 messages. */
	assert_int_equal(door_copy(d, 1, trash, &uid, 1, 0, &from, &to, &n,
	    &validity), -1);
	assert_int_equal(door_error(d), D_QUOTA);
	rig_file(&rig, "x", id);
	assert_int_equal(rig_deliver(&rig, id, BERT, words), RESULT_LATER);
	assert_string_equal(words, "4.2.2 mailbox is full");
}

/* Three of three by copies; a message as large as the quota fits. */
static void
test_quota_whole(void **state)
{
	char id[17], words[RESULT_WORDS_MAX + 1], text[101];
	uint32_t uid = 1, *from, *to, validity, trash;
	struct door *d = &rig.imap[2];
	size_t n;
	int i;

	put(BERT, "x");
	trash = rig_mailbox(&rig, d, "Trash");
	for (i = 0; i < 2; i++) {
		assert_int_equal(door_copy(d, 1, trash, &uid, 1, 0, &from, &to,
		    &n, &validity), 0);
		free(from);
		free(to);
	}
	assert_int_equal(door_copy(d, 1, trash, &uid, 1, 0, &from, &to, &n,
	    &validity), -1);
	assert_int_equal(door_error(d), D_QUOTA);
	memset(text, 'x', sizeof(text));
	text[100] = '\0';
	/* It is full now, but that is no matter of the size. */
	rig_file(&rig, text, id);
	assert_int_equal(rig_deliver(&rig, id, BERT, words), RESULT_LATER);
	assert_string_equal(words, "4.2.2 mailbox is full");
}

static void
test_flags(void **state)
{
	struct door *d = &rig.imap[0];
	char *words[] = { "$Forwarded", "later", NULL };
	char *bad[] = { "a b", NULL };
	struct door_record *rec;
	uint32_t uids[] = { 1, 2, 9 }, *failed;
	struct door_mailbox m;
	uint64_t modseq;
	size_t n, n_failed;
	struct buf names = BUF_INIT(1000);

	put(ANNA, "one");
	put(ANNA, "two");
	assert_int_equal(door_store(d, 1, uids, 3, DOOR_ADD, FLAG_SEEN, words,
	    UINT64_MAX, &rec, &n, &failed, &n_failed), 0);
	assert_int_equal(n, 2);
	assert_int_equal(n_failed, 0);
	assert_int_equal(rec[0].uid, 1);
	assert_int_equal(rec[0].flags, FLAG_SEEN);
	assert_int_equal(rec[1].keywords, 3);
	modseq = rec[0].modseq;
	free(rec);
	free(failed);
	assert_int_equal(door_status(d, 1, &m), 0);
	assert_int_equal(m.unseen, 0);
	assert_int_equal(m.highestmodseq, modseq);
	assert_int_equal(door_keywords(d, 1, &names), 0);
	assert_int_equal(names.len, 4 + 10 + 4 + 5);
	buf_clear(&names);
	/* no change: modseq stays */
	assert_int_equal(door_store(d, 1, uids, 1, DOOR_ADD, FLAG_SEEN, NULL,
	    UINT64_MAX, &rec, &n, &failed, &n_failed), 0);
	assert_int_equal(rec[0].modseq, modseq);
	free(rec);
	free(failed);
	/* UNCHANGEDSINCE */
	assert_int_equal(door_store(d, 1, uids, 2, DOOR_SET, FLAG_DELETED,
	    NULL, modseq - 1, &rec, &n, &failed, &n_failed), 0);
	assert_int_equal(n, 0);
	assert_int_equal(n_failed, 2);
	free(rec);
	free(failed);
	assert_int_equal(door_store(d, 1, uids, 2, DOOR_SET, 0, bad,
	    UINT64_MAX, &rec, &n, &failed, &n_failed), -1);
	assert_int_equal(door_error(d), D_REFUSED);
}

static void
test_expunge(void **state)
{
	struct door *d = &rig.imap[0];
	uint32_t uids[] = { 1, 2, 3 }, *failed, *gone;
	struct door_record *rec;
	uint64_t before, modseq;
	size_t n, n_failed, n_gone;
	struct door_mailbox m;
	int complete;

	put(ANNA, "one");
	put(ANNA, "two");
	put(ANNA, "three");
	assert_int_equal(door_status(d, 1, &m), 0);
	before = m.highestmodseq;
	assert_int_equal(door_store(d, 1, uids, 2, DOOR_ADD, FLAG_DELETED,
	    NULL, UINT64_MAX, &rec, &n, &failed, &n_failed), 0);
	free(rec);
	free(failed);
	assert_int_equal(door_expunge(d, 1, uids, 3, 0, &gone, &n_gone,
	    &modseq), 0);
	assert_int_equal(n_gone, 2);
	assert_int_equal(gone[1], 2);
	free(gone);
	assert_int_equal(door_status(d, 1, &m), 0);
	assert_int_equal(m.messages, 1);
	assert_int_equal(m.deleted, 0);
	assert_int_equal(m.highestmodseq, modseq);
	assert_int_equal(m.uidnext, 4);
	/* It can be read as long as it is kept. */
	read_back(d, 1, 1, "one");
	assert_int_equal(access(rig_path(&rig, "spool/mail/example.test/anna/1"
	    "/expunged/1"), F_OK), 0);
	/* what changed since */
	assert_int_equal(door_records(d, 1, before, &rec, &n, &gone, &n_gone,
	    &modseq, &complete), 0);
	assert_true(complete);
	assert_int_equal(n, 0);
	assert_int_equal(n_gone, 2);
	free(rec);
	free(gone);
	assert_int_equal(door_records(d, 1, 1, &rec, &n, &gone, &n_gone,
	    &modseq, &complete), 0);
	assert_false(complete);
	free(rec);
	free(gone);
}

static void
test_copy_move(void **state)
{
	struct door *d = &rig.imap[0];
	uint32_t uids[] = { 1, 2, 7 }, *from, *to, validity, trash, sent;
	struct door_mailbox m;
	struct door_record *rec;
	uint32_t *failed;
	char *word[] = { "Red", NULL };
	size_t n, n_failed;

	put(ANNA, "one");
	put(ANNA, "two");
	trash = rig_mailbox(&rig, d, "Trash");
	sent = rig_mailbox(&rig, d, "Sent");
	assert_int_equal(door_store(d, 1, uids, 1, DOOR_ADD, FLAG_FLAGGED,
	    word, UINT64_MAX, &rec, &n, &failed, &n_failed), 0);
	free(rec);
	free(failed);
	assert_int_equal(door_copy(d, 1, sent, uids, 3, 0, &from, &to, &n,
	    &validity), 0);
	assert_int_equal(n, 2);
	assert_int_equal(from[1], 2);
	assert_int_equal(to[1], 2);
	free(from);
	free(to);
	assert_int_equal(door_copy(d, 1, trash, uids, 1, 1, &from, &to, &n,
	    &validity), 0);
	assert_int_equal(n, 1);
	free(from);
	free(to);
	assert_int_equal(door_status(d, trash, &m), 0);
	assert_int_equal(m.messages, 1);
	assert_int_equal(m.uidvalidity, validity);
	assert_int_equal(door_status(d, 1, &m), 0);
	assert_int_equal(m.messages, 1);
	read_back(d, trash, 1, "one");
	read_back(d, sent, 2, "two");
	assert_int_equal(door_store(d, trash, uids, 1, DOOR_ADD, FLAG_SEEN,
	    NULL, UINT64_MAX, &rec, &n, &failed, &n_failed), 0);
	assert_int_equal(rec[0].flags, FLAG_FLAGGED | FLAG_SEEN);
	assert_int_equal(rec[0].keywords, 1);
	free(rec);
	free(failed);
	assert_int_equal(door_copy(d, 1, 99, uids, 1, 1, &from, &to, &n,
	    &validity), -1);
	assert_int_equal(door_error(d), D_ABSENT);
}

static void
copy_gone(struct door *d, int how)
{
	uint32_t uids[] = { 1, 2 }, *from, *to, validity;
	uint32_t sent = rig_mailbox(&rig, d, "Sent");
	struct door_mailbox m;
	size_t n;

	assert_int_equal(door_copy(d, 1, sent, uids, 2, how | DOOR_WHOLE,
	    &from, &to, &n, &validity), -1);
	assert_int_equal(door_error(d), D_GONE);
	assert_int_equal(door_status(d, sent, &m), 0);
	assert_int_equal(m.messages, 0);
	assert_int_equal(door_status(d, 1, &m), 0);
	assert_int_equal(m.messages, 1);
}

/* DOOR_WHOLE: one is gone, so none is copied. */
static void
test_copy_whole(void **state)
{
	struct door *d = &rig.imap[0];
	uint32_t uid = 2, *gone;
	uint64_t modseq;
	size_t n;

	put(ANNA, "one");
	put(ANNA, "two");
	assert_int_equal(door_expunge(&rig.imap[1], 1, &uid, 1, 1, &gone, &n,
	    &modseq), 0);
	free(gone);
	copy_gone(d, 0);
	copy_gone(d, DOOR_MOVE);
}

/* STORE of one keyword, "k" and its number: how many records changed. */
static int
keyword(struct door *d, uint32_t id, uint32_t uid, enum door_op op,
    unsigned number, uint64_t unless)
{
	char name[20], *words[] = { name, NULL };
	struct door_record *rec = NULL;
	uint32_t *failed = NULL;
	size_t n = 0, n_failed;
	int r;

	snprintf(name, sizeof(name), "k%u", number);
	r = door_store(d, id, &uid, 1, op, 0, words, unless, &rec, &n,
	    &failed, &n_failed);
	free(rec);
	free(failed);
	return r == -1 ? -1 : (int)n;
}

/* A keyword that no message gets takes no bit; one that none has gives it. */
static void
test_keywords_again(void **state)
{
	struct door *d = &rig.imap[0];
	struct buf names = BUF_INIT(10000);
	unsigned i;

	put(ANNA, "one");
	put(ANNA, "two");
	for (i = 0; i < 70; i++) {
		assert_int_equal(keyword(d, 1, 1, DOOR_ADD, i, 0), 0);
		assert_int_equal(keyword(d, 1, 9, DOOR_ADD, i, UINT64_MAX), 0);
	}
	assert_int_equal(door_keywords(d, 1, &names), 0);
	assert_int_equal(names.len, 0);
	assert_int_equal(keyword(d, 1, 2, DOOR_SET, 1000, UINT64_MAX), 1);
	for (i = 0; i < 200; i++)
		assert_int_equal(keyword(d, 1, 1, DOOR_SET, i, UINT64_MAX), 1);
	assert_int_equal(door_keywords(d, 1, &names), 0);
	buf_put_u8(&names, 0);
	assert_memory_equal(buf_str(&names) + 4, "k1000", 5);
	buf_clear(&names);
}

static void
append_full(struct door *d, uint32_t id)
{
	static const char text[] = "A: b\r\n\r\n";
	char name[DOOR_FILE_NAME + 1], *words[] = { "another", NULL };
	uint32_t uid, validity;
	int fd;

	assert_int_equal(door_file(d, &fd, name), 0);
	assert_int_equal(fd_write_all(fd, text, sizeof(text) - 1), 0);
	close(fd);
	assert_int_equal(door_append(d, id, name, sizeof(text) - 1,
	    crc32c(0, text, sizeof(text) - 1), 8, 0, words, 0, NULL, 0, &uid,
	    &validity), 0);
}

/* The record of the message with that number. */
static struct door_record
record_of(struct door *d, uint32_t id, size_t i)
{
	struct door_record *rec, r;
	uint32_t *gone;
	size_t n, n_gone;
	uint64_t modseq;
	int complete;

	assert_int_equal(door_records(d, id, 0, &rec, &n, &gone, &n_gone,
	    &modseq, &complete), 0);
	assert_true(i < n);
	r = rec[i];
	free(rec);
	free(gone);
	return r;
}

/* Nothing fails for a keyword that has no room: the message goes without it, and
   with those that have. */
static void
test_keywords_full(void **state)
{
	struct door *d = &rig.imap[0];
	uint32_t sent = rig_mailbox(&rig, d, "Sent"), uid = 1, *from, *to;
	uint32_t validity;
	struct door_mailbox m;
	unsigned i;
	size_t n;

	put(ANNA, "one");
	assert_int_equal(door_copy(d, 1, sent, &uid, 1, 0, &from, &to, &n,
	    &validity), 0);
	free(from);
	free(to);
	for (i = 0; i < KEYWORDS_MAX; i++)
		assert_int_equal(keyword(d, sent, 1, DOOR_ADD, i, UINT64_MAX),
		    1);
	assert_int_equal(keyword(d, sent, 1, DOOR_ADD, i, UINT64_MAX), 1);
	assert_int_equal(keyword(d, 1, 1, DOOR_ADD, 5000, UINT64_MAX), 1);
	assert_int_equal(keyword(d, 1, 1, DOOR_ADD, 3, UINT64_MAX), 1);
	for (i = 0; i < 2; i++) {
		assert_int_equal(door_copy(d, 1, sent, &uid, 1,
		    i == 0 ? 0 : DOOR_MOVE, &from, &to, &n, &validity), 0);
		free(from);
		free(to);
	}
	append_full(d, sent);
	assert_int_equal(door_status(d, sent, &m), 0);
	assert_int_equal(m.messages, 4);
	assert_int_equal(door_status(d, 1, &m), 0);
	assert_int_equal(m.messages, 0);
	assert_true(record_of(d, sent, 0).keywords == UINT64_MAX);
	assert_true(record_of(d, sent, 1).keywords == 1 << 3);
	assert_true(record_of(d, sent, 2).keywords == 1 << 3);
	assert_true(record_of(d, sent, 3).keywords == 0);
	/* What has room goes before what has none. */
	assert_int_equal(keyword(d, sent, 1, DOOR_REMOVE, 5, UINT64_MAX), 1);
	append_full(d, sent);
	assert_true(record_of(d, sent, 4).keywords == 1 << 5);
}

static void
test_append(void **state)
{
	static const char text[] = "Subject: x\r\n\r\nbody";
	struct door *d = &rig.imap[0];
	uint32_t uid, validity, crc = crc32c(0, text, sizeof(text) - 1);
	struct buf packed = BUF_INIT(1000);
	char name[32];
	size_t done;
	int fd;

	assert_int_equal(door_file(d, &fd, name), 0);
	assert_int_equal(fd_write_all(fd, text, sizeof(text) - 1), 0);
	/* still open for writing: not taken */
	assert_int_equal(door_append(d, 1, name, sizeof(text) - 1, crc, 14, 0,
	    NULL, 5, "c", 1, &uid, &validity), -1);
	assert_int_equal(door_error(d), D_REFUSED);
	close(fd);
	/* and it is used up */
	assert_int_equal(door_append(d, 1, name, sizeof(text) - 1, crc, 14, 0,
	    NULL, 5, "c", 1, &uid, &validity), -1);
	assert_int_equal(door_file(d, &fd, name), 0);
	assert_int_equal(fd_write_all(fd, text, sizeof(text) - 1), 0);
	close(fd);
	assert_int_equal(door_append(d, 1, name, sizeof(text) - 1, crc, 14,
	    FLAG_SEEN, NULL, 5, "c", 1, &uid, &validity), 0);
	read_back(d, 1, uid, text);
	assert_int_equal(door_cache_get(d, 1, &uid, 1, &packed, &done), 0);
	assert_int_equal(done, 1);
	assert_int_equal(packed.len, 9);
	assert_int_equal(door_cache_put(d, 1, uid, "longer", 6), 0);
	assert_int_equal(door_cache_get(d, 1, &uid, 1, &packed, &done), 0);
	assert_int_equal(packed.len, 14);
	buf_clear(&packed);
	/* wrong checksum */
	assert_int_equal(door_file(d, &fd, name), 0);
	assert_int_equal(fd_write_all(fd, text, sizeof(text) - 1), 0);
	close(fd);
	assert_int_equal(door_append(d, 1, name, sizeof(text) - 1, crc + 1,
	    14, 0, NULL, 5, NULL, 0, &uid, &validity), -1);
	assert_int_equal(count(d, 1), 1);
}

static void
append_next(struct door *d, char name[DOOR_FILE_NAME + 1])
{
	static const char text[] = "Subject: x\r\n\r\nbody";
	uint32_t uid, validity;
	int fd;

	assert_int_equal(door_file(d, &fd, name), 0);
	assert_int_equal(fd_write_all(fd, text, sizeof(text) - 1), 0);
	close(fd);
	assert_int_equal(door_append(d, 1, name, sizeof(text) - 1,
	    crc32c(0, text, sizeof(text) - 1), 14, 0, NULL, 5, NULL, 0, &uid,
	    &validity), 0);
	read_back(d, 1, uid, text);
}

/*
 * Who appends again and again has the next file with the answer, and does not
 * ask; what is not used of it goes with the door.
 */
static void
test_append_next(void **state)
{
	char name[DOOR_FILE_NAME + 1], next[DOOR_FILE_NAME + 1], path[100];
	struct door *d = &rig.imap[1];
	uint32_t asked;
	int i;

	append_next(d, name);
	assert_string_equal(d->spare_name, "");
	append_next(d, name);
	for (i = 0; i < 3; i++) {
		memcpy(next, d->spare_name, sizeof(next));
		assert_string_not_equal(next, "");
		asked = d->next_id;
		append_next(d, name);
		assert_string_equal(name, next);
		/* the append, and the look at it */
		assert_int_equal(d->next_id, asked + 2);
	}
	snprintf(path, sizeof(path), "spool/mail/.new/%s", d->spare_name);
	assert_int_equal(access(rig_path(&rig, path), F_OK), 0);
	door_set(d, -1);
	assert_string_equal(d->spare_name, "");
	for (i = 0; i < 2000 && access(rig_path(&rig, path), F_OK) == 0; i++)
		usleep(10000);
	assert_int_equal(access(rig_path(&rig, path), F_OK), -1);
}

/* What is recent is that of who takes it with the changes; others only look. */
static void
test_changes_take(void **state)
{
	struct door *by[3] = { &rig.pop[0], &rig.imap[0], &rig.imap[1] };
	const uint32_t recent[3] = { 0, 1, 0 }, left[3] = { 2, 0, 0 };
	struct door_record *rec;
	struct door_mailbox m;
	uint32_t *gone, low;
	size_t n, n_gone;
	uint64_t modseq;
	int i, complete;

	put(ANNA, "one");
	put(ANNA, "two");
	assert_int_equal(door_changes(&rig.imap[0], 1, 0, 0, &rec, &n, &gone,
	    &n_gone, &modseq, &complete, &low), 0);
	assert_int_equal(low, 0);
	free(rec);
	free(gone);
	for (i = 0; i < 3; i++) {
		assert_int_equal(door_changes(by[i], 1, 0, 1, &rec, &n, &gone,
		    &n_gone, &modseq, &complete, &low), 0);
		assert_int_equal(n, 2);
		if (i > 0)
			assert_int_equal(low, recent[i]);
		assert_int_equal(door_status(&rig.imap[0], 1, &m), 0);
		assert_int_equal(m.recent, left[i]);
		free(rec);
		free(gone);
	}
}

/* What an APPEND names is used up, also where there is no such mailbox. */
static void
test_append_refused(void **state)
{
	static const char fresh[] = "spool/mail/.new/";
	struct door *d = &rig.imap[0];
	char name[DOOR_FILE_NAME + 1], path[100];
	uint32_t uid, validity;
	int fd, i;

	for (i = 0; i < DOOR_FILES_MAX + 1; i++) {
		assert_int_equal(door_file(d, &fd, name), 0);
		assert_int_equal(fd_write_all(fd, "text", 4), 0);
		close(fd);
		snprintf(path, sizeof(path), "%s%s", fresh, name);
		assert_int_equal(access(rig_path(&rig, path), F_OK), 0);
		assert_int_equal(door_append(d, 99, name, 4, 0, 4, 0, NULL, 0,
		    NULL, 0, &uid, &validity), -1);
		assert_int_equal(door_error(d), D_ABSENT);
		assert_int_equal(access(rig_path(&rig, path), F_OK), -1);
	}
}

/* So too while the mailboxes make no sense; and so a file that is not used. */
static void
test_append_broken(void **state)
{
	static const char *const list =
	    "spool/mail/example.test/anna/mailboxes";
	struct door *d = &rig.imap[0];
	char name[2][DOOR_FILE_NAME + 1], path[100];
	struct buf out = BUF_INIT(1000);
	uint32_t uid, validity;
	int fd, i;

	for (i = 0; i < 2; i++) {
		assert_int_equal(door_file(d, &fd, name[i]), 0);
		close(fd);
	}
	assert_int_equal(truncate(rig_path(&rig, list), 0), 0);
	(void)rig_control(&rig, C_REBUILD, ANNA, &out);
	assert_int_equal(door_append(d, 1, name[0], 0, 0, 0, 0, NULL, 0, NULL,
	    0, &uid, &validity), -1);
	assert_int_equal(door_error(d), D_LATER);
	assert_int_equal(door_file_back(d, name[1]), 0);
	/* the answer to the next is behind it */
	assert_int_equal(door_append(d, 1, name[1], 0, 0, 0, 0, NULL, 0, NULL,
	    0, &uid, &validity), -1);
	for (i = 0; i < 2; i++) {
		snprintf(path, sizeof(path), "spool/mail/.new/%s", name[i]);
		assert_int_equal(access(rig_path(&rig, path), F_OK), -1);
	}
	buf_clear(&out);
}

static void
test_mailboxes(void **state)
{
	struct door *d = &rig.imap[0];
	struct door_mailbox m, old;
	struct buf names = BUF_INIT(1000);
	uint32_t a;

	assert_int_equal(door_create(d, "a/b/c", 0, &m), 0);
	a = rig_mailbox(&rig, d, "a");
	assert_int_not_equal(a, 0);
	assert_int_equal(door_create(d, "a/b/c", 0, &old), -1);
	assert_int_equal(door_error(d), D_EXISTS);
	assert_int_equal(door_create(d, "inbox", 0, &old), -1);
	assert_int_equal(door_error(d), D_EXISTS);
	assert_int_equal(door_create(d, "a//b", 0, &old), -1);
	assert_int_equal(door_error(d), D_REFUSED);
	assert_int_equal(door_create(d, "../x", 0, &old), -1);
	assert_int_equal(door_error(d), D_REFUSED);
	assert_int_equal(door_rename(d, "a/b", "z"), 0);
	assert_int_equal(rig_mailbox(&rig, d, "z/c"), m.id);
	assert_int_equal(rig_mailbox(&rig, d, "a"), 0);
	assert_int_equal(door_rename(d, "z", "z/z"), -1);
	assert_int_equal(door_rename(d, "nix", "y"), -1);
	assert_int_equal(door_error(d), D_ABSENT);
	/* an old name comes back with a greater UIDVALIDITY */
	old = m;
	assert_int_equal(door_delete(d, m.id), 0);
	assert_int_equal(rig_mailbox(&rig, d, "z"), 0);
	assert_int_equal(door_create(d, "z/c", 0, &m), 0);
	assert_true(m.id > old.id);
	assert_true(m.uidvalidity > old.uidvalidity);
	assert_int_equal(door_delete(d, 1), -1);
	assert_int_equal(door_error(d), D_REFUSED);
	assert_int_equal(door_subscribe(d, "not/there", 1), 0);
	assert_int_equal(door_subscribed(d, &names), 0);
	assert_int_equal(names.len, 13);
	assert_int_equal(door_subscribe(d, "not/there", 0), 0);
	assert_int_equal(door_subscribed(d, &names), 0);
	assert_int_equal(names.len, 0);
	/* INBOX renamed: its messages go, INBOX stays and is empty */
	put(ANNA, "one");
	assert_int_equal(door_rename(d, "INBOX", "old"), 0);
	read_back(d, rig_mailbox(&rig, d, "old"), 1, "one");
	assert_int_equal(count(d, rig_mailbox(&rig, d, "INBOX")), 0);
	put(ANNA, "two");
	assert_int_equal(rig_mailbox(&rig, d, "INBOX"), 1);
	read_back(d, 1, 2, "two");
	buf_clear(&names);
}

static int
wait_event(struct door *d, uint32_t id)
{
	const uint32_t *list;
	size_t n, i;
	int changed, tries;

	for (tries = 0; tries < 100; tries++) {
		assert_int_not_equal(door_events(d, &list, &n, &changed), -1);
		for (i = 0; i < n; i++)
			if (list[i] == id)
				return 1;
		if (id == 0 && changed)
			return 1;
		usleep(10000);
	}
	return 0;
}

static void
test_events(void **state)
{
	struct door_mailbox m;
	struct door_record *rec;
	uint32_t uid = 1, recent, *failed;
	size_t n, n_failed;

	assert_int_equal(door_select(&rig.imap[1], 1, 0, &m, &recent), 0);
	put(ANNA, "one");
	assert_true(wait_event(&rig.imap[1], 1));
	assert_int_equal(door_status(&rig.imap[1], 1, &m), 0);
	assert_int_equal(m.messages, 1);
	assert_int_equal(door_store(&rig.imap[0], 1, &uid, 1, DOOR_ADD,
	    FLAG_SEEN, NULL, UINT64_MAX, &rec, &n, &failed, &n_failed), 0);
	free(rec);
	free(failed);
	assert_true(wait_event(&rig.imap[1], 1));
	assert_int_equal(door_create(&rig.imap[0], "new", 0, &m), 0);
	assert_true(wait_event(&rig.imap[1], 0));
	assert_int_equal(door_unselect(&rig.imap[1], 1), 0);
}

/* The list of mailboxes cannot be replaced: who has that one selected is told
   of it as before. */
static void
test_refused_delete(void **state)
{
	const char *way = rig_path(&rig,
	    "spool/mail/example.test/anna/mailboxes.new");
	uint32_t uid = 1, recent, *from, *to, validity, box;
	struct door_mailbox m;
	size_t n;

	put(ANNA, "one");
	assert_int_equal(door_create(&rig.imap[0], "box", 0, &m), 0);
	box = m.id;
	assert_int_equal(door_select(&rig.imap[1], box, 0, &m, &recent), 0);
	assert_int_equal(mkdir(way, 0700), 0);
	assert_int_equal(door_delete(&rig.imap[1], box), -1);
	assert_int_equal(door_error(&rig.imap[1]), D_LATER);
	assert_int_equal(rmdir(way), 0);
	assert_int_equal(door_copy(&rig.imap[0], 1, box, &uid, 1, 0, &from,
	    &to, &n, &validity), 0);
	free(from);
	free(to);
	assert_true(wait_event(&rig.imap[1], box));
	assert_int_equal(door_status(&rig.imap[1], box, &m), 0);
	assert_int_equal(m.messages, 1);
	assert_int_equal(door_delete(&rig.imap[1], box), 0);
	assert_int_equal(rig_mailbox(&rig, &rig.imap[0], "box"), 0);
}

static void
test_pop_lock(void **state)
{
	assert_int_equal(door_pop_lock(&rig.pop[0]), 0);
	assert_int_equal(door_pop_lock(&rig.pop[0]), 0);
	assert_int_equal(door_pop_lock(&rig.pop[1]), -1);
	assert_int_equal(door_error(&rig.pop[1]), D_IN_USE);
	door_clear(&rig.pop[0]);
	usleep(50000);
	assert_int_equal(door_pop_lock(&rig.pop[1]), 0);
}

/* A peer that breaks a rule loses its own door only. */
static void
test_bad_peer(void **state)
{
	struct door *d = &rig.imap[0];
	struct door_mailbox m;

	assert_int_equal(write(d->chan.fd, "nonsense of some octets", 23), 23);
	assert_int_equal(door_status(d, 1, &m), -1);
	assert_int_equal(door_error(d), D_LOST);
	assert_int_equal(door_status(&rig.imap[1], 1, &m), 0);
	/* an imapd may not deliver */
	msg_begin(&rig.imap[2].chan, &proto_door, DM_POP_LOCK, 5);
	assert_int_equal(msg_end(&rig.imap[2].chan), 0);
	assert_int_equal(chan_send(&rig.imap[2].chan, 1000), 0);
	assert_int_equal(door_status(&rig.imap[2], 1, &m), -1);
	assert_int_equal(door_error(&rig.imap[2]), D_LOST);
}

/* A session that asks for descriptors and takes none of them. */
static void
test_deaf_peer(void **state)
{
	const char uid[4] = { 1, 0, 0, 0 };
	struct chan *c = &rig.imap[0].chan;
	struct door_mailbox m;
	int i;

	put(ANNA, "one");
	assert_int_equal(door_status(&rig.imap[0], 1, &m), 0);
	for (i = 0; i < 50000; i++) {
		msg_begin(c, &proto_door, DM_OPEN, (uint32_t)i + 1);
		msg_u32(c, DF_MAILBOX, 1);
		msg_bytes(c, DF_UIDS, uid, sizeof(uid));
		assert_int_equal(msg_end(c), 0);
		if (chan_send(c, 10000) == -1)
			break;
	}
	assert_true(i < 50000);
	assert_true(errno == EPIPE || errno == ECONNRESET);
	assert_int_equal(door_status(&rig.imap[1], 1, &m), 0);
	assert_int_equal(m.messages, 1);
}

/* Numbers of deliver's that no file proves: mended, not believed. */
static void
test_wild_numbers(void **state)
{
	struct door *d = &rig.deliver[0];
	struct pollfd p = { .fd = d->chan.fd, .events = POLLIN };
	struct door_delivery v = { .owner = ANNA, .size = 4,
		.header_len = UINT32_MAX, .date = INT64_MAX };
	char words[RESULT_WORDS_MAX + 1], id[17];
	struct door_record *rec;
	enum result result = RESULT_LATER;
	uint32_t *gone, number;
	size_t n, n_gone;
	uint64_t modseq;
	int complete, r;

	rig_file(&rig, "wild", id);
	v.queue_id = id;
	assert_int_equal(door_put_deliver(&d->chan, 1, &v, rig_open(&rig, id)),
	    0);
	assert_int_equal(chan_send(&d->chan, 10000), 0);
	while ((r = rig_answer(d, &number, &result, words)) == 0)
		assert_int_equal(poll(&p, 1, 120000), 1);
	assert_int_equal(r, 1);
	assert_int_equal(result, RESULT_DELIVERED);
	assert_int_equal(door_records(&rig.imap[0], 1, 0, &rec, &n, &gone,
	    &n_gone, &modseq, &complete), 0);
	assert_int_equal(n, 1);
	assert_int_equal(rec[0].header_len, 4);
	assert_true(rec[0].date < 253402300800);
	free(rec);
	free(gone);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_first_use), T(test_deliver), T(test_deliver_refused),
		T(test_quota), T(test_quota_bound), T(test_quota_exact),
		T(test_quota_whole), T(test_flags),
		T(test_expunge), T(test_copy_move), T(test_copy_whole),
		T(test_keywords_again), T(test_keywords_full),
		T(test_append), T(test_append_next), T(test_changes_take),
		T(test_append_refused),
		T(test_append_broken), T(test_mailboxes),
		T(test_events), T(test_refused_delete), T(test_pop_lock), T(test_bad_peer),
		T(test_deaf_peer), T(test_wild_numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
