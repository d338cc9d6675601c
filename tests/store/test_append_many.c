/* APPEND of several messages: all of them are there, or none. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <dirent.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "lib/base/crc32c.h"
#include "lib/base/fd.h"
#include "lib/base/mem.h"
#include "lib/mail/door_proto.h"
#include "lib/mail/proto.h"
#include "store/account_keywords.h"
#include "tests/store/rig.h"

enum { MANY = 300, KILLS = 12 };

static struct rig rig;

/* Shared with the store: while slow is 1 the keywords of a message take as long
   as a slice of them may; how many were looked for. */
static struct names {
	atomic_int slow;
	atomic_uint calls;
} *names;

enum door_error __real_mailbox_bits(struct mailbox *m, const char *p,
    size_t len, int make, struct keyword_swap *swap, struct keyword_set *bits);
enum door_error __wrap_mailbox_bits(struct mailbox *m, const char *p,
    size_t len, int make, struct keyword_swap *swap, struct keyword_set *bits);

enum door_error
__wrap_mailbox_bits(struct mailbox *m, const char *p, size_t len, int make,
    struct keyword_swap *swap, struct keyword_set *bits)
{
	if (names->slow) {
		usleep(6000);
		names->calls++;
	}
	return __real_mailbox_bits(m, p, len, make, swap, bits);
}

static int
setup(void **state)
{
	rig_init_memory(&rig);
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

struct batch {
	struct door_appended m[DOOR_APPENDS_MAX];
	char	 name[DOOR_APPENDS_MAX][DOOR_FILE_NAME + 1];
	char	 text[DOOR_APPENDS_MAX][40];
};

/* Files of n messages, written and closed. */
static struct batch *
write_all(struct door *d, size_t n, int keywords)
{
	static char *words[][3] = {
		{ "one", NULL }, { "two", "one", NULL }, { NULL },
	};
	struct batch *b = mem_zalloc(1, sizeof(*b));
	size_t i, len;
	int fd;

	for (i = 0; i < n; i++) {
		len = (size_t)snprintf(b->text[i], sizeof(b->text[i]),
		    "Subject: %zu\r\n\r\nx\r\n", i);
		assert_int_equal(door_file(d, &fd, b->name[i]), 0);
		assert_int_equal(fd_write_all(fd, b->text[i], len), 0);
		close(fd);
		b->m[i] = (struct door_appended){ b->name[i], len,
		    crc32c(0, b->text[i], len), (uint32_t)len - 3,
		    (i % 2 ? FLAG_SEEN : 0) | MARK_WHOLE, keywords ? words[i % 3] : NULL, (int64_t)i };
	}
	return b;
}

/* Waits for the answer. 0, or -1. */
static int
end(struct door *d, uint32_t id, uint32_t *uid_r)
{
	const uint32_t *list;
	uint32_t validity;
	int listed;
	size_t n;

	while (!door_answered(d)) {
		if (d->chan.fd != -1)
			(void)poll(&(struct pollfd){ .fd = d->chan.fd,
			    .events = POLLIN }, 1, 100);
		if (door_events(d, &list, &n, &listed) == -1)
			break;
	}
	return door_append_end(d, id, uid_r, &validity);
}

static int
append(struct door *d, struct batch *b, size_t n, uint32_t *uid_r)
{
	uint32_t id;

	assert_int_equal(door_append_begin(d, 1, b->m, n, &id), 0);
	return end(d, id, uid_r);
}

/* No file of a message is left in mail/.new: those that are ready are empty. */
static void
nothing_new(void)
{
	char path[400];
	struct dirent *e;
	struct stat st;
	int i, left = 1;
	DIR *dir;

	for (i = 0; left > 0 && i < 2000; i++) {
		left = 0;
		snprintf(path, sizeof(path), "%s",
		    rig_path(&rig, "spool/mail/.new"));
		assert_non_null(dir = opendir(path));
		while ((e = readdir(dir)) != NULL)
			left += e->d_name[0] != '.' && fstatat(dirfd(dir),
			    e->d_name, &st, 0) == 0 && st.st_size > 0;
		closedir(dir);
		if (left > 0)
			usleep(10000);
	}
	assert_int_equal(left, 0);
}

static size_t
messages(struct door *d)
{
	struct door_mailbox m;

	assert_int_equal(door_status(d, 1, &m), 0);
	return m.messages;
}

static void
test_all(void **state)
{
	struct door *d = &rig.imap[0];
	struct batch *b = write_all(d, MANY, 1);
	struct door_record *rec;
	uint32_t uid, *gone;
	uint64_t modseq;
	size_t n, n_gone, i;
	int complete, fd;
	char text[40];

	assert_int_equal(append(d, b, MANY, &uid), 0);
	assert_int_equal(uid, 1);
	assert_int_equal(door_records(d, 1, 0, &rec, &n, &gone, &n_gone,
	    &modseq, &complete), 0);
	assert_int_equal(n, MANY);
	for (i = 0; i < n; i++) {
		assert_int_equal(rec[i].uid, uid + i);
		assert_int_equal(rec[i].date, i);
		assert_int_equal(rec[i].flags, (i % 2 ? FLAG_SEEN : 0) |
		    MARK_WHOLE);
		assert_true(rec[i].keywords == (i % 3 == 0 ? 1 :
		    i % 3 == 1 ? 3 : 0));
		assert_true(i == 0 || rec[i].modseq > rec[i - 1].modseq);
		assert_int_equal(door_open(d, 1, &rec[i].uid, 1, &fd), 0);
		memset(text, 0, sizeof(text));
		assert_int_equal(read(fd, text, sizeof(text)), b->m[i].size);
		assert_string_equal(text, b->text[i]);
		close(fd);
	}
	assert_true(modseq >= rec[n - 1].modseq);
	nothing_new();
	free(rec);
	free(gone);
	free(b);
}

/* One that is not what was said, in any place; and one in the wrong order. */
static void
test_none(void **state)
{
	struct door *d = &rig.imap[0];
	uint32_t uid, id, validity;
	struct batch *b;
	size_t i;

	for (i = 0; i < 3; i++) {
		b = write_all(d, 200, 1);
		b->m[i * 99].crc++;
		assert_int_equal(append(d, b, 200, &uid), -1);
		assert_int_equal(door_error(d), D_REFUSED);
		free(b);
		b = write_all(d, 3, 1);
		b->m[i].file = i > 0 ? b->name[0] : "nothing";
		assert_int_equal(append(d, b, 3, &uid), -1);
		assert_int_equal(door_error(d), D_REFUSED);
		b->m[i].file = b->name[i];
		assert_int_equal(door_file_back(d, b->name[i]), 0);
		free(b);
	}
	b = write_all(d, 4, 1);
	assert_int_equal(door_append_begin(d, 99, b->m, 4, &id), 0);
	assert_int_equal(end(d, id, &uid), -1);
	assert_int_equal(door_error(d), D_ABSENT);
	free(b);
	/* A single one has nothing to do with it. */
	b = write_all(d, 1, 1);
	assert_int_equal(messages(d), 0);
	assert_int_equal(door_append(d, 1, b->name[0], b->m[0].size,
	    b->m[0].crc, 10, 0, NULL, 0, NULL, 0, &uid, &validity), 0);
	assert_int_equal(messages(d), 1);
	nothing_new();
	free(b);
}

/* Says the i-th of them; more follow. */
static void
say(struct door *d, const struct batch *b, size_t i, uint64_t number, int more)
{
	msg_begin(&d->chan, &proto_door, DM_APPEND, ++d->next_id);
	msg_u32(&d->chan, DF_MAILBOX, 1);
	msg_text(&d->chan, DF_NAME, b->m[i].file);
	msg_u64(&d->chan, DF_SIZE, b->m[i].size);
	msg_u32(&d->chan, DF_CRC, b->m[i].crc);
	msg_u32(&d->chan, DF_HEADER, b->m[i].header_len);
	msg_u32(&d->chan, DF_FLAGS, 0);
	msg_u64(&d->chan, DF_DATE, 5);
	msg_u64(&d->chan, DF_COUNT, number);
	msg_u32(&d->chan, DF_MORE, (uint32_t)more);
	assert_int_equal(msg_end(&d->chan), 0);
	assert_int_equal(chan_flush(&d->chan), 1);
}

static void
test_a_part_is_missing(void **state)
{
	struct door *d = &rig.imap[0];
	struct batch *b = write_all(d, 9, 1);
	struct msg m;

	say(d, b, 0, 1, 1);
	say(d, b, 1, 3, 1);
	say(d, b, 2, 4, 0);
	while (chan_read(&d->chan) == 1 && msg_next(&m, &proto_door,
	    PEER_STORE, &d->chan, NULL) == 0)
		;
	assert_int_equal(m.type, DM_FAILED);
	assert_int_equal(m.id, d->next_id);
	msg_done(&m);
	/* Those of one that was not ended go with the next one's first. */
	say(d, b, 3, 1, 1);
	say(d, b, 4, 1, 1);
	say(d, b, 5, 2, 0);
	while (chan_read(&d->chan) == 1 && msg_next(&m, &proto_door,
	    PEER_STORE, &d->chan, NULL) == 0)
		;
	assert_int_equal(m.type, DM_APPENDED);
	msg_done(&m);
	assert_int_equal(messages(d), 2);
	/* Or with the door. */
	say(d, b, 6, 1, 1);
	say(d, b, 7, 2, 1);
	door_set(d, -1);
	door_set(&rig.imap[1], dup(rig.imap[1].chan.fd));
	nothing_new();
	assert_int_equal(messages(&rig.imap[1]), 2);
	free(b);
}

/* While it is under way others are answered, and see nothing of it. */
static void
test_no_part_is_seen(void **state)
{
	struct door *d = &rig.imap[0], *other = &rig.imap[1];
	const uint32_t *list;
	struct batch *b;
	uint32_t uid, id;
	size_t n, round, seen, between = 0, whole = 0;
	int listed;

	for (round = 0; round < 20 && between == 0; round++) {
		b = write_all(d, DOOR_APPENDS_MAX, 1);
		assert_int_equal(door_append_begin(d, 1, b->m,
		    DOOR_APPENDS_MAX, &id), 0);
		while (!door_answered(d)) {
			seen = messages(other);
			assert_true(seen == whole ||
			    seen == whole + DOOR_APPENDS_MAX);
			between += seen == whole;
			assert_true(door_events(d, &list, &n, &listed) >= 0);
		}
		assert_int_equal(end(d, id, &uid), 0);
		whole += DOOR_APPENDS_MAX;
		assert_int_equal(messages(other), whole);
		free(b);
	}
	assert_true(between > 0);
}

/* Where keywords take their time others are answered between them. */
static void
test_keywords_go_in_slices(void **state)
{
	enum { SOME = 40 };
	struct door *d = &rig.imap[0], *other = &rig.imap[1];
	const uint32_t *list;
	struct batch *b;
	uint32_t uid, id;
	size_t n, round, whole = 0, between = 0;
	unsigned before;
	int listed;

	for (round = 0; round < 20 && between == 0; round++) {
		b = write_all(d, SOME, 1);
		names->calls = 0;
		names->slow = 1;
		assert_int_equal(door_append_begin(d, 1, b->m, SOME, &id), 0);
		while (!door_answered(d)) {
			before = names->calls;
			(void)messages(other);
			between += before > 0 && names->calls < SOME;
			assert_true(door_events(d, &list, &n, &listed) >= 0);
		}
		names->slow = 0;
		assert_int_equal(end(d, id, &uid), 0);
		assert_int_equal(names->calls, SOME);
		whole += SOME;
		assert_int_equal(messages(other), whole);
		free(b);
	}
	assert_true(between > 0);
}

/* Killed at any time: all that was answered, and else all or none. */
static void
test_killed(void **state)
{
	struct buf out = BUF_INIT(10000);
	struct batch *b;
	uint32_t uid, id;
	size_t i, was, is;
	int r;

	for (i = 0; i < KILLS; i++) {
		was = messages(&rig.imap[0]);
		b = write_all(&rig.imap[0], MANY, 0);
		assert_int_equal(door_append_begin(&rig.imap[0], 1, b->m,
		    MANY, &id), 0);
		usleep((useconds_t)(i * i * 250));
		rig_kill(&rig);
		r = end(&rig.imap[0], id, &uid);
		rig_start(&rig);
		is = messages(&rig.imap[0]);
		if (r == 0)
			assert_int_equal(is, was + MANY);
		else
			assert_true(is == was || is == was + MANY);
		if (rig_control(&rig, C_CHECK, "anna@example.test",
		    &out) != 0)
			fail_msg("%s", buf_str(&out));
		nothing_new();
		free(b);
	}
	buf_clear(&out);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_all), T(test_none), T(test_a_part_is_missing),
		T(test_no_part_is_seen), T(test_keywords_go_in_slices),
		T(test_killed),
	};

	names = mmap(NULL, sizeof(*names), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (names == MAP_FAILED)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
