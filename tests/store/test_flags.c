/*
 * The files flags of mailboxes, and the names of keywords in them: what is in
 * a file is there once, and nothing that changes is forgotten.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <cmocka.h>

#include "lib/base/buf.h"
#include "lib/base/clock.h"
#include "lib/base/crc32c.h"
#include "lib/base/fd.h"
#include "store/engine.h"
#include "store/index.h"
#include "store/shard.h"
#include "store/shard_files.h"
#include "tests/store/rig.h"

enum {
	SHOWN_MAX = 1 << 20,
	DOUBLINGS = 12,
	MANY = 1 << DOUBLINGS,	/* messages: more than one piece of a file */
	MINUTE = 60 * 1000,	/* a line of a file waits less */
	TRIES = 60000,		/* milliseconds: what never comes */
	STUCK = 20000,		/* that a fault keeps the syncer in its place */
};

/* Shared with the child. */
static struct shared {
	atomic_int ahead;	/* milliseconds of its clock */
	atomic_int fail;	/* the next write of a file fails */
	atomic_int hold;	/* 1: the next write waits; 2: it does */
	atomic_int hold_link;	/* the same of a message */
	atomic_int fail_get;	/* the next look for INBOX's keywords fails */
	atomic_int fail_range;	/* the next look at all messages fails */
	atomic_int ranges;	/* looks at all messages */
	atomic_int writes, modseqs, made, synced;
} *shared;

static struct rig rig;

int64_t	__real_clock_mono_ms(void);
int64_t	__wrap_clock_mono_ms(void);
int	__real_task_text_append(struct task *t, uint32_t mailbox,
	    const char *name, const char *head, const struct buf *text,
	    int *made_r);
int	__wrap_task_text_append(struct task *t, uint32_t mailbox,
	    const char *name, const char *head, const struct buf *text,
	    int *made_r);
void	__real_task_dir(struct task *t, uint32_t mailbox, int expunged);
void	__wrap_task_dir(struct task *t, uint32_t mailbox, int expunged);
enum body_result __real_task_link_put(struct task *t, uint32_t mailbox,
	    uint32_t uid, const char *file, uint64_t size, uint32_t crc);
enum body_result __wrap_task_link_put(struct task *t, uint32_t mailbox,
	    uint32_t uid, const char *file, uint64_t size, uint32_t crc);
uint64_t __real_shard_modseq(struct shard *s);
uint64_t __wrap_shard_modseq(struct shard *s);
enum engine_result __real_index_range(struct engine_db *db, uint32_t account,
	    uint32_t mailbox, uint32_t from, uint32_t to,
	    int (*each)(void *arg, const struct record *r), void *arg);
enum engine_result __wrap_index_range(struct engine_db *db, uint32_t account,
	    uint32_t mailbox, uint32_t from, uint32_t to,
	    int (*each)(void *arg, const struct record *r), void *arg);
enum engine_result __real_engine_get(struct engine_db *db,
	    enum engine_table t, const void *key, size_t klen,
	    struct buf *value_r);
enum engine_result __wrap_engine_get(struct engine_db *db,
	    enum engine_table t, const void *key, size_t klen,
	    struct buf *value_r);

int64_t
__wrap_clock_mono_ms(void)
{
	return __real_clock_mono_ms() + atomic_load(&shared->ahead);
}

/* Waits where it was asked to, until the test says go on (0). */
static void
hold_here(atomic_int *hold)
{
	int want = 1, i;

	if (!atomic_compare_exchange_strong(hold, &want, 2))
		return;
	for (i = 0; atomic_load(hold) == 2 && i < STUCK; i++)
		usleep(1000);
}

int
__wrap_task_text_append(struct task *t, uint32_t mailbox, const char *name,
    const char *head, const struct buf *text, int *made_r)
{
	int want = 1, r;

	hold_here(&shared->hold);
	if (atomic_compare_exchange_strong(&shared->fail, &want, 0)) {
		atomic_fetch_add(&shared->writes, 1);
		errno = EIO;
		return -1;
	}
	r = __real_task_text_append(t, mailbox, name, head, text, made_r);
	if (r == 0 && *made_r)
		atomic_store(&shared->made, (int)mailbox);
	atomic_fetch_add(&shared->writes, 1);
	return r;
}

/* Of the folder that a file was made in, before any other is. */
void
__wrap_task_dir(struct task *t, uint32_t mailbox, int expunged)
{
	int made = (int)mailbox;

	if (!expunged &&
	    atomic_compare_exchange_strong(&shared->made, &made, 0))
		atomic_fetch_add(&shared->synced, 1);
	__real_task_dir(t, mailbox, expunged);
}

enum body_result
__wrap_task_link_put(struct task *t, uint32_t mailbox, uint32_t uid,
    const char *file, uint64_t size, uint32_t crc)
{
	hold_here(&shared->hold_link);
	return __real_task_link_put(t, mailbox, uid, file, size, crc);
}

uint64_t
__wrap_shard_modseq(struct shard *s)
{
	atomic_fetch_add(&shared->modseqs, 1);
	return __real_shard_modseq(s);
}

/* The first account of the index is anna's. */
enum engine_result
__wrap_engine_get(struct engine_db *db, enum engine_table t, const void *key,
    size_t klen, struct buf *value_r)
{
	struct index_key k = index_key_u32(1, 'K', 1);
	int want = 1;

	if (klen == k.len && memcmp(key, k.k, klen) == 0 &&
	    atomic_compare_exchange_strong(&shared->fail_get, &want, 0))
		return ENGINE_LATER;
	return __real_engine_get(db, t, key, klen, value_r);
}

enum engine_result
__wrap_index_range(struct engine_db *db, uint32_t account, uint32_t mailbox,
    uint32_t from, uint32_t to,
    int (*each)(void *arg, const struct record *r), void *arg)
{
	int want = 1;

	atomic_fetch_add(&shared->ranges, 1);
	if (from == 1 && to == UINT32_MAX &&
	    atomic_compare_exchange_strong(&shared->fail_range, &want, 0))
		return ENGINE_LATER;
	return __real_index_range(db, account, mailbox, from, to, each, arg);
}

static int
setup(void **state)
{
	memset(shared, 0, sizeof(*shared));
	rig_init_memory(&rig);
	rig_start(&rig);
	return 0;
}

static int
teardown(void **state)
{
	rig_clear(&rig);
	return 0;
}

static void
wait_for(atomic_int *what, int least)
{
	int i;

	for (i = 0; atomic_load(what) < least; i++) {
		assert_true(i < TRIES);
		usleep(1000);
	}
}

static int
append(struct door *d, char **keywords)
{
	static const char text[] = "A: b\r\n\r\n";
	char name[DOOR_FILE_NAME + 1];
	uint32_t uid, validity;
	int fd;

	assert_int_equal(door_file(d, &fd, name), 0);
	assert_int_equal(fd_write_all(fd, text, sizeof(text) - 1), 0);
	close(fd);
	return door_append(d, 1, name, sizeof(text) - 1,
	    crc32c(0, text, sizeof(text) - 1), 8, 0, keywords, 0, NULL, 0,
	    &uid, &validity);
}

/* STORE of one message: 0, or -1. */
static int
mark(struct door *d, uint32_t uid, enum door_op op, uint32_t flags,
    char **keywords)
{
	struct door_record *rec;
	uint32_t *failed;
	size_t n, n_failed;
	int r = door_store(d, 1, &uid, 1, op, flags, keywords, UINT64_MAX,
	    &rec, &n, &failed, &n_failed);

	free(rec);
	free(failed);
	return r;
}

/* Stops the store, starts it and has the account read. */
static void
again(int killed)
{
	struct door_mailbox m;

	if (killed)
		rig_kill(&rig);
	else
		assert_int_equal(rig_stop(&rig), 0);
	rig_start(&rig);
	assert_int_equal(door_status(&rig.imap[0], 1, &m), 0);
}

/* The lines of INBOX's file after a stop in order: of each its first words. */
static void
show_file(struct buf *out)
{
	struct buf text = BUF_INIT(SHOWN_MAX);
	char *line, *rest, uid[12], flags[12], keywords[20];
	int fd;

	assert_int_equal(rig_stop(&rig), 0);
	fd = open(rig_path(&rig, "spool/mail/example.test/anna/1/flags"),
	    O_RDONLY);
	assert_true(fd != -1 && fd_slurp(fd, &text) == 0);
	close(fd);
	buf_putc(&text, '\0');
	buf_reset(out);
	for (line = strtok_r(text.data, "\n", &rest); line != NULL;
	    line = strtok_r(NULL, "\n", &rest))
		if (strncmp(line, "k ", 2) == 0)
			buf_printf(out, " %s", line + 2);
		else if (sscanf(line, "%11[0-9] %11s %19s", uid, flags,
		    keywords) == 3)
			buf_printf(out, " %s:%s:%s", uid, flags, keywords);
	buf_clear(&text);
	rig_start(&rig);
}

/* What is in the file is not written again, after a stop or a crash. */
static void
test_once(void **state)
{
	struct buf out = BUF_INIT(SHOWN_MAX);

	assert_int_equal(append(&rig.imap[0], NULL), 0);
	assert_int_equal(append(&rig.imap[0], NULL), 0);
	show_file(&out);
	assert_string_equal(buf_str(&out), " 1:-:0 2:-:0");
	again(0);
	show_file(&out);
	assert_string_equal(buf_str(&out), " 1:-:0 2:-:0");
	assert_int_equal(mark(&rig.imap[0], 1, DOOR_SET, FLAG_SEEN, NULL), 0);
	/* A message is durable, and the flags before it are with it. */
	assert_int_equal(append(&rig.imap[0], NULL), 0);
	again(1);
	show_file(&out);
	assert_string_equal(buf_str(&out), " 1:-:0 2:-:0 1:S:0 3:-:0");
	buf_clear(&out);
}

/* Its name is to outlive a power cut as its lines do. */
static void
test_new_file(void **state)
{
	struct buf out = BUF_INIT(SHOWN_MAX);

	assert_int_equal(append(&rig.imap[0], NULL), 0);
	show_file(&out);
	assert_int_equal(atomic_load(&shared->made), 0);
	assert_int_equal(atomic_load(&shared->synced), 1);
	buf_clear(&out);
}

/* The lines of a write that failed come with the next. */
static void
test_failed(void **state)
{
	struct buf out = BUF_INIT(SHOWN_MAX);

	assert_int_equal(append(&rig.imap[0], NULL), 0);
	atomic_store(&shared->fail, 1);
	atomic_fetch_add(&shared->ahead, MINUTE);
	wait_for(&shared->writes, 1);
	/* It is in the list again, with a new delay. */
	assert_int_equal(append(&rig.imap[0], NULL), 0);
	atomic_fetch_add(&shared->ahead, MINUTE);
	wait_for(&shared->writes, 2);
	show_file(&out);
	assert_string_equal(buf_str(&out), " 1:-:0 2:-:0");
	buf_clear(&out);
}

/* As many messages as two pieces hold. */
static void
fill(void)
{
	uint32_t uids[MANY], *from, *to, validity;
	size_t i, n, done;

	assert_int_equal(append(&rig.imap[0], NULL), 0);
	for (n = 1; n < MANY; n *= 2) {
		for (i = 0; i < n; i++)
			uids[i] = (uint32_t)i + 1;
		assert_int_equal(door_copy(&rig.imap[0], 1, 1, uids, n, 0,
		    &from, &to, &done, &validity), 0);
		assert_int_equal(done, n);
		free(from);
		free(to);
	}
}

/* Each message has one line, whatever piece it is in. */
static void
test_pieces(void **state)
{
	struct buf out = BUF_INIT(SHOWN_MAX), want = BUF_INIT(SHOWN_MAX);
	int i;

	fill();
	again(1);
	show_file(&out);
	for (i = 1; i <= MANY; i++)
		buf_printf(&want, " %d:-:0", i);
	assert_string_equal(buf_str(&out), buf_str(&want));
	buf_clear(&out);
	buf_clear(&want);
}

static void *
mark_first(void *arg)
{
	return mark(&rig.imap[1], 1, DOOR_SET, FLAG_SEEN, NULL) == 0 ? NULL :
	    arg;
}

/* What changes while pieces are written is behind when the last is there. */
static void
test_changed_meanwhile(void **state)
{
	struct buf out = BUF_INIT(SHOWN_MAX);
	pthread_t t;
	void *failed;
	char last[20];
	int n, modseqs;

	fill();
	n = atomic_load(&shared->writes);
	modseqs = atomic_load(&shared->modseqs);
	atomic_store(&shared->hold, 1);
	atomic_fetch_add(&shared->ahead, MINUTE);
	wait_for(&shared->hold, 2);
	assert_int_equal(pthread_create(&t, NULL, mark_first, &rig), 0);
	wait_for(&shared->modseqs, modseqs + 1);
	atomic_store(&shared->hold, 0);
	assert_int_equal(pthread_join(t, &failed), 0);
	assert_null(failed);
	wait_for(&shared->writes, n + 2);
	assert_int_equal(append(&rig.imap[0], NULL), 0);
	again(1);
	show_file(&out);
	assert_non_null(strstr(buf_str(&out), " 1:S:0"));
	snprintf(last, sizeof(last), " %d:-:0", MANY + 1);
	assert_non_null(strstr(buf_str(&out), last));
	buf_clear(&out);
}

/* All bits have a name; the first message carries those from number n on. */
static void
fill_keywords(unsigned n)
{
	static char name[KEYWORDS_MAX][12];
	char *words[KEYWORDS_MAX + 1] = { NULL };
	unsigned i;

	assert_int_equal(append(&rig.imap[0], NULL), 0);
	for (i = 0; i < KEYWORDS_MAX; i++) {
		snprintf(name[i], sizeof(name[i]), "k%u", i);
		words[i] = name[i];
	}
	assert_int_equal(mark(&rig.imap[0], 1, DOOR_ADD, 0, words), 0);
	words[n] = NULL;
	if (n > 0)
		assert_int_equal(mark(&rig.imap[0], 1, DOOR_REMOVE, 0, words),
		    0);
}

/* After a stop: the version of INBOX's file. */
static int
file_version(void)
{
	char head[20] = "";
	int fd, version = 0;

	fd = open(rig_path(&rig, "spool/mail/example.test/anna/1/flags"),
	    O_RDONLY);
	assert_int_equal(read(fd, head, sizeof(head) - 1), sizeof(head) - 1);
	close(fd);
	assert_int_equal(sscanf(head, "rohrpost-flags %d", &version), 1);
	return version;
}

/* A file of a mailbox that gets its 65th keyword is made anew: a store that
   knows no more of them is not to read it. */
static void
test_version(void **state)
{
	char name[] = "name", *words[] = { name, NULL };
	struct buf out = BUF_INIT(SHOWN_MAX);

	assert_int_equal(append(&rig.imap[0], words), 0);
	again(0);
	assert_int_equal(file_version(), 2);
	fill_keywords(0);
	show_file(&out);
	assert_int_equal(file_version(), 3);
	assert_non_null(strstr(buf_str(&out), " 0 name 1 k0"));
	assert_non_null(strstr(buf_str(&out), " 1023 k1022"));
	buf_clear(&out);
}

/* The names of the first n bits. */
static void
show_names(unsigned n, struct buf *out)
{
	struct buf names = BUF_INIT(SHOWN_MAX);
	struct cursor c;
	const char *p;
	size_t len;

	buf_reset(out);
	assert_int_equal(door_keywords(&rig.imap[0], 1, &names), 0);
	cursor_init(&c, names.data, names.len);
	for (; n > 0 && cursor_left(&c) > 0; n--) {
		p = cursor_lv(&c, &len, DOOR_KEYWORD_LEN);
		buf_putc(out, ' ');
		buf_append(out, p, len);
	}
	buf_clear(&names);
}

/* Two names that are new at once get a bit each, and the file knows the old
   ones no more. */
static void
test_new_names(void **state)
{
	char one[] = "one", two[] = "two", *words[] = { one, two, NULL };
	struct buf out = BUF_INIT(SHOWN_MAX);

	fill_keywords(2);
	show_file(&out);
	assert_non_null(strstr(buf_str(&out), " 0 k0"));
	assert_non_null(strstr(buf_str(&out), " 1:-:fffffffffffffffc"));
	assert_int_equal(append(&rig.imap[0], NULL), 0);
	assert_int_equal(mark(&rig.imap[0], 2, DOOR_ADD, 0, words), 0);
	show_names(3, &out);
	assert_string_equal(buf_str(&out), " one two k2");
	show_file(&out);
	assert_non_null(strstr(buf_str(&out), " 0 one 1 two 2 k2"));
	assert_non_null(strstr(buf_str(&out), " 2:-:3"));
	assert_null(strstr(buf_str(&out), "k0"));
	again(1);
	show_names(3, &out);
	assert_string_equal(buf_str(&out), " one two k2");
	buf_clear(&out);
}

static void *
append_k0(void *arg)
{
	char name[] = "k0", *words[] = { name, NULL };

	return append(&rig.imap[1], words) == 0 ? NULL : arg;
}

/* A bit is not given away under a message that comes with it. */
static void
test_held(void **state)
{
	char other[] = "other", *words[] = { other, NULL };
	struct buf out = BUF_INIT(SHOWN_MAX);
	pthread_t t;
	void *failed;

	fill_keywords(1);
	atomic_store(&shared->hold_link, 1);
	assert_int_equal(pthread_create(&t, NULL, append_k0, &rig), 0);
	wait_for(&shared->hold_link, 2);
	assert_int_equal(mark(&rig.imap[0], 1, DOOR_ADD, 0, words), 0);
	atomic_store(&shared->hold_link, 0);
	assert_int_equal(pthread_join(t, &failed), 0);
	assert_null(failed);
	show_names(1, &out);
	assert_string_equal(buf_str(&out), " k0");
	show_file(&out);
	assert_non_null(strstr(buf_str(&out), " 2:-:1"));
	buf_clear(&out);
}

/* An index that did not answer is asked again. */
static void
test_not_read(void **state)
{
	char name[] = "name", *words[] = { name, NULL };
	struct buf out = BUF_INIT(SHOWN_MAX);

	assert_int_equal(append(&rig.imap[0], words), 0);
	again(0);
	atomic_store(&shared->fail_get, 1);
	assert_int_equal(door_keywords(&rig.imap[0], 1, &out), -1);
	assert_int_equal(door_error(&rig.imap[0]), D_LATER);
	assert_int_equal(atomic_load(&shared->fail_get), 0);
	show_names(1, &out);
	assert_string_equal(buf_str(&out), " name");
	buf_clear(&out);
}

/* All that the message has goes, so the new names have room. */
static void
test_replaced(void **state)
{
	char one[] = "one", two[] = "two", *words[] = { one, two, NULL };
	char k63[] = "k63", *last[] = { k63, NULL };
	struct buf out = BUF_INIT(SHOWN_MAX);

	fill_keywords(0);
	assert_int_equal(append(&rig.imap[0], last), 0);
	assert_int_equal(mark(&rig.imap[0], 1, DOOR_SET, 0, words), 0);
	show_names(3, &out);
	assert_string_equal(buf_str(&out), " one two k2");
	show_file(&out);
	assert_non_null(strstr(buf_str(&out), " 1:-:3"));
	assert_non_null(strstr(buf_str(&out), " 2:-:8000000000000000"));
	again(1);
	show_names(3, &out);
	assert_string_equal(buf_str(&out), " one two k2");
	buf_clear(&out);
}

/* A bit that stays and has another name is a change. */
static void
test_replaced_same_bit(void **state)
{
	char one[] = "one", k0[] = "k0", *words[] = { one, NULL };
	char *first[] = { k0, NULL };
	struct buf out = BUF_INIT(SHOWN_MAX);
	struct door_mailbox m, now;

	fill_keywords(1);
	assert_int_equal(append(&rig.imap[0], first), 0);
	assert_int_equal(door_status(&rig.imap[0], 1, &m), 0);
	assert_int_equal(mark(&rig.imap[0], 2, DOOR_SET, 0, words), 0);
	assert_int_equal(door_status(&rig.imap[0], 1, &now), 0);
	assert_true(now.highestmodseq > m.highestmodseq);
	show_names(1, &out);
	assert_string_equal(buf_str(&out), " one");
	buf_clear(&out);
}

/* No label is dropped because the index did not answer. */
static void
test_room_not_told(void **state)
{
	char one[] = "one", *words[] = { one, NULL };
	struct buf out = BUF_INIT(SHOWN_MAX);

	fill_keywords(1);
	atomic_store(&shared->fail_range, 1);
	assert_int_equal(mark(&rig.imap[0], 1, DOOR_ADD, 0, words), -1);
	assert_int_equal(door_error(&rig.imap[0]), D_LATER);
	assert_int_equal(append(&rig.imap[0], NULL), 0);
	atomic_store(&shared->fail_range, 1);
	assert_int_equal(append(&rig.imap[0], words), -1);
	assert_int_equal(door_error(&rig.imap[0]), D_LATER);
	assert_int_equal(mark(&rig.imap[0], 1, DOOR_ADD, 0, words), 0);
	show_names(1, &out);
	assert_string_equal(buf_str(&out), " one");
	buf_clear(&out);
}

/* That there is no room is found once, until a bit may be free. */
static void
test_full_once(void **state)
{
	char one[] = "one", k0[] = "k0", *words[] = { one, NULL };
	char *first[] = { k0, NULL };
	struct buf out = BUF_INIT(SHOWN_MAX);
	int i, n;

	fill_keywords(0);
	assert_int_equal(mark(&rig.imap[0], 1, DOOR_ADD, 0, words), 0);
	n = atomic_load(&shared->ranges);
	for (i = 0; i < 3; i++) {
		assert_int_equal(mark(&rig.imap[0], 1, DOOR_ADD, 0, words), 0);
		assert_int_equal(append(&rig.imap[0], words), 0);
		assert_int_equal(mark(&rig.imap[0], 2, DOOR_SET, 0, words), 0);
	}
	assert_int_equal(atomic_load(&shared->ranges), n);
	assert_int_equal(mark(&rig.imap[0], 1, DOOR_REMOVE, 0, first), 0);
	assert_int_equal(append(&rig.imap[0], words), 0);
	show_names(2, &out);
	assert_string_equal(buf_str(&out), " one k1");
	buf_clear(&out);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_replaced), T(test_replaced_same_bit),
		T(test_room_not_told), T(test_full_once),
		T(test_once), T(test_new_file), T(test_failed),
		T(test_pieces), T(test_changed_meanwhile),
		T(test_new_names), T(test_held), T(test_not_read),
		T(test_version),
	};

	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
