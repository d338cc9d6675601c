/* What a filter says of a message: its mailbox, flags, keywords, body. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "lib/base/crc32c.h"
#include "lib/base/fd.h"
#include "lib/mail/proto.h"
#include "tests/store/rig.h"

#define ANNA "anna@example.test"
#define BERT "bert@example.test"

static struct rig rig;
static char words[RESULT_WORDS_MAX + 1];

int64_t	__wrap_age_cutoff(uint64_t keep);

/* The store has run as long as is needed for what came in 1970 to be old. */
int64_t
__wrap_age_cutoff(uint64_t keep)
{
	return 86400;
}

static int
setup(void **state)
{
	rig_init(&rig);
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

static enum result
wait_answer(void)
{
	struct door *d = &rig.deliver[0];
	struct pollfd p = { .fd = d->chan.fd, .events = POLLIN };
	enum result result = RESULT_NEVER;
	uint32_t id;
	int r;

	while ((r = rig_answer(d, &id, &result, words)) == 0)
		assert_int_equal(poll(&p, 1, 120000), 1);
	assert_int_equal(r, 1);
	return result;
}

static void
send_as(const char *id, const char *owner, const struct door_action *a)
{
	int fd = rig_open(&rig, id);
	struct door_delivery v = { .queue_id = id, .owner = owner,
		.header_len = 2, .date = 1700000000, .action = *a };
	struct stat st;

	assert_int_equal(fstat(fd, &st), 0);
	v.size = (uint64_t)st.st_size;
	assert_int_equal(rig_send_as(&rig.deliver[0], 3, &v, fd), 0);
}

static enum result
deliver(const char *id, const char *owner, const struct door_action *a)
{
	send_as(id, owner, a);
	return wait_answer();
}

/* A new message. */
static void
put(const char *text, const struct door_action *a)
{
	char id[17];

	rig_file(&rig, text, id);
	assert_int_equal(deliver(id, ANNA, a), RESULT_DELIVERED);
	assert_string_equal(words, "2.0.0 delivered");
}

/* How many messages with the text are in the mailbox, which must have n. */
static size_t
found(const char *name, const char *text, size_t n)
{
	uint32_t id = rig_mailbox(&rig, &rig.imap[0], name);
	size_t there, r;

	assert_int_not_equal(id, 0);
	r = rig_find(&rig, &rig.imap[0], id, text, &there);
	assert_int_equal(there, n);
	return r;
}

static void
repeat(const char *id, const struct door_action *a)
{
	assert_int_equal(deliver(id, ANNA, a), RESULT_DELIVERED);
	assert_string_equal(words, "2.0.0 delivered before");
}

static void
test_into_several(void **state)
{
	const struct door_action keep = { 0 }, archive = { "Archive" },
		trash = { .mailbox = "Trash" };
	char id[17];

	rig_file(&rig, "twice", id);
	assert_int_equal(deliver(id, ANNA, &archive), RESULT_DELIVERED);
	assert_int_equal(deliver(id, ANNA, &trash), RESULT_DELIVERED);
	assert_int_equal(deliver(id, ANNA, &keep), RESULT_DELIVERED);
	repeat(id, &archive);
	repeat(id, &trash);
	repeat(id, &keep);
	assert_int_equal(rig_stop(&rig), 0);
	rig_start(&rig);
	repeat(id, &keep);
	repeat(id, &archive);
	repeat(id, &trash);
	assert_int_equal(found("INBOX", "twice", 1), 1);
	assert_int_equal(found("Archive", "twice", 1), 1);
	assert_int_equal(found("Trash", "twice", 1), 1);
	assert_int_equal(found("Sent", "twice", 0), 0);
}

/* INBOX gets another id, and is INBOX still. */
static void
test_repeat_after_inbox_was_renamed(void **state)
{
	const struct door_action keep = { 0 }, old = { .mailbox = "Old" };
	char id[17];

	rig_file(&rig, "once", id);
	assert_int_equal(deliver(id, ANNA, &keep), RESULT_DELIVERED);
	assert_int_equal(door_rename(&rig.imap[0], "INBOX", "Old"), 0);
	repeat(id, &keep);
	assert_int_equal(found("INBOX", "once", 0), 0);
	/* Into the mailbox that was INBOX it was never delivered as such. */
	assert_int_equal(deliver(id, ANNA, &old), RESULT_DELIVERED);
	repeat(id, &old);
	assert_int_equal(found("Old", "once", 2), 2);
}

static void
test_special_use(void **state)
{
	const struct door_action junk = { .mailbox = "Nowhere",
		.attrs = ATTR_JUNK };
	const struct door_action both = { .attrs = ATTR_JUNK | ATTR_TRASH };
	const struct door_action flagged = { .mailbox = "Starred",
		.attrs = ATTR_FLAGGED, .make = 1 };
	struct door_mailbox *list;
	size_t i, n, seen = 0;

	assert_int_equal(door_rename(&rig.imap[0], "Junk", "Spam/x"), 0);
	put("spam", &junk);
	assert_int_equal(found("Spam/x", "spam", 1), 1);
	put("neither", &both);
	assert_int_equal(found("INBOX", "neither", 1), 1);
	put("star", &flagged);
	put("star", &flagged);
	assert_int_equal(found("Starred", "star", 2), 2);
	assert_int_equal(door_list(&rig.imap[0], &list, &n), 0);
	for (i = 0; i < n; i++)
		if (strcmp(list[i].name, "Starred") == 0) {
			assert_int_equal(list[i].attrs, ATTR_FLAGGED |
			    ATTR_SUBSCRIBED);
			seen++;
		}
	door_list_free(&list, n);
	assert_int_equal(seen, 1);
}

static void
test_made_if_asked(void **state)
{
	const struct door_action list = { .mailbox = "Lists/a/b", .make = 1 };
	const struct door_action upper = { .mailbox = "Lists/a", .make = 1 };
	char id[17];
	int i;

	/* All in one write: the first has it made, the others wait. */
	for (i = 0; i < 5; i++) {
		rig_file(&rig, "list", id);
		send_as(id, ANNA, &list);
	}
	for (i = 0; i < 5; i++)
		assert_int_equal(wait_answer(), RESULT_DELIVERED);
	assert_int_equal(found("Lists/a/b", "list", 5), 5);
	repeat(id, &list);
	/* A name that only has children becomes a mailbox. */
	put("upper", &upper);
	assert_int_equal(found("Lists/a", "upper", 1), 1);
}

/* Whatever the filter says, the message is kept. */
static void
test_else_it_is_inbox(void **state)
{
	static const struct door_action odd[] = {
		{ .mailbox = "Absent" },
		{ .mailbox = "absent/child" },
		{ .mailbox = "a//b", .make = 1 },
		{ .mailbox = "", .make = 1 },
		{ .mailbox = "..", .make = 1 },
		{ .mailbox = "\xff", .make = 1 },
		{ .make = 1 },
		{ .attrs = ATTR_FLAGGED, .make = 1 },
		{ .attrs = ATTR_NOSELECT | ATTR_SUBSCRIBED },
		{ .mailbox = "inBOX" },
		{ .mailbox = "Parent" },
	};
	struct door_mailbox m;
	size_t i, n = sizeof(odd) / sizeof(odd[0]);

	assert_int_equal(door_create(&rig.imap[0], "Parent/child", 0, &m), 0);
	for (i = 0; i < n; i++)
		put("kept", &odd[i]);
	assert_int_equal(found("INBOX", "kept", n), n);
	assert_int_equal(rig_mailbox(&rig, &rig.imap[0], "Absent"), 0);
}

static void
pack(struct buf *b, const char *word)
{
	buf_put_lv(b, word, strlen(word));
}

static struct door_record
last_record(const char *name)
{
	uint32_t id = rig_mailbox(&rig, &rig.imap[0], name), *gone;
	struct door_record *rec, r;
	size_t n, n_gone;
	uint64_t modseq;
	int complete;

	assert_int_equal(door_records(&rig.imap[0], id, 0, &rec, &n, &gone,
	    &n_gone, &modseq, &complete), 0);
	assert_true(n > 0);
	r = rec[n - 1];
	free(rec);
	free(gone);
	return r;
}

static void
test_flags_and_keywords(void **state)
{
	struct buf k = BUF_INIT(0), all = BUF_INIT(0), names = BUF_INIT(0);
	struct door_action a = { .flags = FLAG_SEEN | FLAG_FLAGGED | 1 << 20 };
	struct door_mailbox m;
	char word[20];
	int i;

	pack(&k, "$label1");
	pack(&k, "work");
	a.keywords = k.data;
	a.keywords_len = k.len;
	put("marked", &a);
	assert_int_equal(last_record("INBOX").flags, FLAG_SEEN | FLAG_FLAGGED);
	assert_int_equal(last_record("INBOX").keywords, 3);
	assert_int_equal(door_keywords(&rig.imap[0], 1, &names), 0);
	assert_int_equal(names.len, k.len);
	assert_memory_equal(names.data, k.data, k.len);
	assert_int_equal(door_status(&rig.imap[0], 1, &m), 0);
	assert_int_equal(m.unseen, 0);

	/* All bits taken: what is known is given, the other one is not. */
	for (i = 2; i < KEYWORDS_MAX; i++) {
		snprintf(word, sizeof(word), "k%d", i);
		pack(&all, word);
	}
	a.keywords = all.data;
	a.keywords_len = all.len;
	put("all", &a);
	buf_reset(&k);
	pack(&k, "work");
	pack(&k, "onemore");
	a.keywords = k.data;
	a.keywords_len = k.len;
	put("limit", &a);
	assert_int_equal(last_record("INBOX").keywords, 2);

	/* What is no keyword is none. */
	buf_reset(&k);
	pack(&k, "two words");
	a.keywords = k.data;
	a.keywords_len = k.len;
	put("bad", &a);
	assert_int_equal(last_record("INBOX").keywords, 0);
	a.keywords_len--;
	put("cut off", &a);
	assert_int_equal(found("INBOX", "cut off", 5), 1);
	buf_clear(&k);
	buf_clear(&all);
	buf_clear(&names);
}

/* A fresh file of deliver's door with that text. */
static void
changed_file(const char *text, char name[DOOR_FILE_NAME + 1])
{
	int fd;

	assert_int_equal(door_file(&rig.deliver[0], &fd, name), 0);
	assert_int_equal(fd_write_all(fd, text, strlen(text)), 0);
	assert_int_equal(fd_sync(fd), 0);
	close(fd);
}

static enum result
deliver_changed(const char *id, const char *file, const char *text,
    uint32_t crc)
{
	struct door_delivery v = { .queue_id = id, .owner = ANNA,
		.size = strlen(text), .header_len = 2, .file = file,
		.crc = crc };

	assert_int_equal(rig_send_as(&rig.deliver[0], 3, &v,
	    rig_open(&rig, id)), 0);
	return wait_answer();
}

static int
is_fresh(const char *name)
{
	char path[100];

	snprintf(path, sizeof(path), "spool/mail/.new/%s", name);
	return access(rig_path(&rig, path), F_OK) == 0;
}

/* A mailbox whose folder somebody took away is there again with its mail; and
   what was delivered is counted. */
static void
test_folder_that_is_missing(void **state)
{
	static const struct door_action sent = { .attrs = ATTR_SENT };
	struct buf rows = BUF_INIT(0);
	char cmd[200];

	snprintf(cmd, sizeof(cmd), "rm -r '%s/spool/mail/example.test/anna/%u'",
	    rig.dir, rig_mailbox(&rig, &rig.imap[0], "Sent"));
	assert_int_equal(system(cmd), 0);
	put("Subject: two\r\n\r\n", &sent);
	put("Subject: three\r\n\r\n", &sent);
	assert_int_equal(found("Sent", "Subject: two\r\n\r\n", 2), 1);
	assert_int_equal(rig_control(&rig, C_STATUS, NULL, &rows), 5);
	assert_non_null(strstr(buf_str(&rows), "delivered|2\n"));
	assert_non_null(strstr(buf_str(&rows), "disk_full|0\n"));
	buf_clear(&rows);
}

static char *bits[] = { (char *)"gone", NULL };

/* A message with that keyword, by each way; its uid in INBOX or Archive. */
static void
with_keyword(int way, uint32_t id)
{
	static const struct door_action in = { .mailbox = "Archive",
		.keywords = "\4\0\0\0gone", .keywords_len = 8 };
	static const char text[] = "A: b\r\n\r\n";
	struct door *d = &rig.imap[0];
	uint32_t uid, *from, *to, validity;
	char name[DOOR_FILE_NAME + 1];
	size_t n;
	int fd;

	if (way == 0) {
		put(text, &in);
		return;
	}
	assert_int_equal(door_file(d, &fd, name), 0);
	assert_int_equal(fd_write_all(fd, text, sizeof(text) - 1), 0);
	close(fd);
	assert_int_equal(door_append(d, way == 1 ? id : 1, name,
	    sizeof(text) - 1, crc32c(0, text, sizeof(text) - 1), 8, 0, bits, 0,
	    NULL, 0, &uid, &validity), 0);
	if (way == 1)
		return;
	assert_int_equal(door_copy(d, 1, id, &uid, 1, way == 2 ? 0 : DOOR_MOVE,
	    &from, &to, &n, &validity), 0);
	assert_int_equal(n, 1);
	free(from);
	free(to);
}

/* When they are expunged their keyword's bit serves another one. */
static void
test_keywords_of_what_has_gone(void **state)
{
	static const struct door_action in = { .mailbox = "Archive" };
	struct door *d = &rig.imap[0];
	char name[20], *words64[] = { name, NULL };
	uint32_t id = rig_mailbox(&rig, d, "Archive"), uid, *gone, *failed;
	struct door_record *rec;
	uint64_t modseq;
	size_t n, n_failed;
	int way;
	unsigned i;

	for (way = 0; way < 4; way++) {
		with_keyword(way, id);
		uid = 2 * (uint32_t)way + 1;
		assert_int_equal(door_expunge(d, id, &uid, 1, 1, &gone, &n,
		    &modseq), 0);
		assert_int_equal(n, 1);
		free(gone);
		put("A: plain\r\n\r\n", &in);
		uid++;
		for (i = 0; i < KEYWORDS_MAX; i++) {
			snprintf(name, sizeof(name), "w%dk%u", way, i);
			assert_int_equal(door_store(d, id, &uid, 1, DOOR_ADD,
			    0, words64, UINT64_MAX, &rec, &n, &failed,
			    &n_failed), 0);
			free(rec);
			free(failed);
		}
		assert_int_equal(door_expunge(d, id, &uid, 1, 1, &gone, &n,
		    &modseq), 0);
		free(gone);
	}
}

static void
test_changed_body(void **state)
{
	static const char text[] = "changed by a filter";
	uint32_t crc = crc32c(0, text, strlen(text));
	char id[17], name[DOOR_FILE_NAME + 1], other[DOOR_FILE_NAME + 1];
	int fd;

	rig_file(&rig, "as it came", id);
	changed_file(text, name);
	assert_int_equal(deliver_changed(id, name, text, crc + 1),
	    RESULT_LATER);
	assert_false(is_fresh(name));
	/* It was given up with the request. */
	assert_int_equal(deliver_changed(id, name, text, crc), RESULT_LATER);
	assert_string_equal(words, "4.3.0 no such file");
	/* One that another door was given. */
	assert_int_equal(door_file(&rig.imap[0], &fd, other), 0);
	close(fd);
	assert_int_equal(deliver_changed(id, other, text, crc), RESULT_LATER);
	changed_file("shorter", name);
	assert_int_equal(deliver_changed(id, name, text, crc), RESULT_LATER);
	changed_file(text, name);
	assert_true(is_fresh(name));
	assert_int_equal(deliver_changed(id, name, text, crc),
	    RESULT_DELIVERED);
	assert_int_equal(found("INBOX", text, 1), 1);
	assert_false(is_fresh(name));
	changed_file(text, name);
	assert_int_equal(deliver_changed(id, name, text, crc),
	    RESULT_DELIVERED);
	assert_string_equal(words, "2.0.0 delivered before");
	assert_false(is_fresh(name));
	assert_int_equal(found("INBOX", text, 1), 1);
	changed_file(text, name);
	assert_int_equal(door_file_back(&rig.deliver[0], name), 0);
	put("another", &(struct door_action){ 0 });
	assert_false(is_fresh(name));
}

static void
test_quota_counts_all_mailboxes(void **state)
{
	static const char *const into[] = { NULL, "Archive", "New" };
	struct door_action a = { .make = 1 };
	char id[17];
	size_t i;

	rig_file(&rig, "full", id);
	for (i = 0; i < 3; i++) {
		a.mailbox = into[i];
		assert_int_equal(deliver(id, BERT, &a), RESULT_DELIVERED);
	}
	a.mailbox = "Trash";
	assert_int_equal(deliver(id, BERT, &a), RESULT_LATER);
	assert_string_equal(words, "4.2.2 mailbox is full");
	a.mailbox = "New";
	assert_int_equal(deliver(id, BERT, &a), RESULT_DELIVERED);
	assert_string_equal(words, "2.0.0 delivered before");
}

/*
 * An id that no queue repeats any more is forgotten, and none that one may
 * repeat: ids are times.
 */
static void
test_old_ids_are_forgotten(void **state)
{
	const struct door_action a = { 0 };
	uint64_t now = rig.queue_id;
	char old[17], young[17];

	rig.queue_id = 1;
	rig_file(&rig, "old", old);
	assert_int_equal(deliver(old, ANNA, &a), RESULT_DELIVERED);
	repeat(old, &a);
	assert_int_equal(rig_stop(&rig), 0);
	rig_start(&rig);
	rig.queue_id = now;
	rig_file(&rig, "young", young);
	assert_int_equal(deliver(young, ANNA, &a), RESULT_DELIVERED);
	put("next", &a);
	put("last", &a);
	repeat(young, &a);
	assert_int_equal(found("INBOX", "young", 4), 1);
	assert_int_equal(deliver(old, ANNA, &a), RESULT_DELIVERED);
	assert_string_equal(words, "2.0.0 delivered");
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_into_several),
		T(test_repeat_after_inbox_was_renamed),
		T(test_special_use),
		T(test_made_if_asked),
		T(test_else_it_is_inbox),
		T(test_flags_and_keywords),
		T(test_keywords_of_what_has_gone),
		T(test_folder_that_is_missing),
		T(test_changed_body),
		T(test_quota_counts_all_mailboxes),
		T(test_old_ids_are_forgotten),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
