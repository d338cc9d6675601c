/* The journal of what was collected: what it knows again, whatever is cut. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "lib/base/buf.h"
#include "lib/base/fd.h"
#include "relay/collect_journal.h"

int	__real_fd_write_all(int fd, const void *p, size_t len);
int	__wrap_fd_write_all(int fd, const void *p, size_t len);

static char dir[64];
static int dirfd_, full;
static struct journal *j;
static struct buf why = BUF_INIT(300);

enum { NOW = 1000000 };

int
__wrap_fd_write_all(int fd, const void *p, size_t len)
{
	if (!full)
		return __real_fd_write_all(fd, p, len);
	/* Half of it still found room. */
	assert_int_equal(__real_fd_write_all(fd, p, len / 2), 0);
	errno = ENOSPC;
	return -1;
}

static int
setup(void **state)
{
	strcpy(dir, "/tmp/journal.XXXXXX");
	assert_non_null(mkdtemp(dir));
	dirfd_ = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(dirfd_ != -1);
	full = 0;
	j = NULL;
	return 0;
}

static int
teardown(void **state)
{
	journal_close(&j);
	unlinkat(dirfd_, "journal", 0);
	unlinkat(dirfd_, "journal.new", 0);
	close(dirfd_);
	return rmdir(dir);
}

static void
again(void)
{
	int newer;

	journal_close(&j);
	j = journal_open(dirfd_, &newer, &why);
	if (j == NULL)
		fail_msg("%s", buf_str(&why));
}

static void
put(const char *text)
{
	int fd = openat(dirfd_, "journal", O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_int_equal(fd_write_all(fd, text, strlen(text)), 0);
	close(fd);
}

static void
assert_file(const char *want)
{
	struct buf b = BUF_INIT(0);
	int fd = openat(dirfd_, "journal", O_RDONLY);

	assert_int_equal(fd_slurp(fd, &b), 0);
	close(fd);
	assert_string_equal(buf_str(&b), want);
	buf_clear(&b);
}

static void
add(enum journal_what what, const char *account, const char *key, int64_t t)
{
	journal_add(j, &(struct journal_line){ .what = what, .time = t,
	    .size = 12, .hash = 0xabc, .account = account,
	    .account_len = strlen(account), .key = key,
	    .key_len = strlen(key) });
}

static void
sync_now(void)
{
	if (journal_sync(j, &why) == -1)
		fail_msg("%s", buf_str(&why));
}

static struct journal_entry *
find(const char *account, const char *key, int64_t now)
{
	return journal_find(j, account, key, strlen(key), now);
}

static void
test_known(void **state)
{
	struct journal_entry *e;

	again();
	assert_file("rohrpost-collect 1\n");
	assert_null(find("home", "a", NOW));
	add(JOURNAL_FETCHED, "home", "a", NOW);
	add(JOURNAL_LEFT, "home", "b", NOW);
	assert_true(journal_pending(j));
	/* Not before it is durable. */
	assert_null(find("home", "a", NOW));
	sync_now();
	assert_false(journal_pending(j));
	assert_int_equal(journal_count(j, "home"), 2);
	again();
	e = find("home", "a", NOW);
	assert_non_null(e);
	assert_int_equal(e->what, JOURNAL_FETCHED);
	assert_int_equal(e->time, NOW);
	assert_int_equal(e->size, 12);
	assert_int_equal(e->hash, 0xabc);
	assert_int_equal(find("home", "b", NOW)->what, JOURNAL_LEFT);
	/* Nobody else's, and no part of it. */
	assert_null(find("hom", "a", NOW));
	assert_null(find("home2", "a", NOW));
	assert_null(find("home", "A", NOW));
	assert_null(journal_find(j, "home", "ab", 2, NOW));
	assert_file("rohrpost-collect 1\n+ 1000000 12 abc home a\n"
	    "! 1000000 12 abc home b\n");
}

static void
test_gone(void **state)
{
	again();
	add(JOURNAL_FETCHED, "home", "a", NOW);
	add(JOURNAL_GONE, "home", "a", NOW + 10);
	add(JOURNAL_GONE, "home", "never", NOW + 10);
	sync_now();
	assert_int_equal(journal_count(j, "home"), 0);
	/* A server that shows nothing for a while does not bring all again. */
	assert_non_null(find("home", "a", NOW + 10 + JOURNAL_GONE_KEEP));
	assert_null(find("home", "a", NOW + 11 + JOURNAL_GONE_KEEP));
	assert_null(find("home", "never", NOW));
	add(JOURNAL_FETCHED, "home", "a", NOW + 20);
	sync_now();
	again();
	assert_int_equal(journal_count(j, "home"), 1);
	assert_non_null(find("home", "a", NOW + 30 + JOURNAL_GONE_KEEP));
}

/* Cut at each octet: what is whole is known, and what follows is not torn. */
static void
test_torn(void **state)
{
	static const char text[] = "rohrpost-collect 1\n"
	    "+ 5 7 0 home first\n+ 6 8 ff home second\n";
	char cut[sizeof(text)];
	size_t n, one = strlen("rohrpost-collect 1\n+ 5 7 0 home first\n");

	for (n = 0; n < sizeof(text); n++) {
		memcpy(cut, text, n);
		cut[n] = '\0';
		put(cut);
		again();
		assert_int_equal(find("home", "first", NOW) != NULL, n >= one);
		assert_int_equal(find("home", "second", NOW) != NULL,
		    n + 1 == sizeof(text));
		add(JOURNAL_FETCHED, "home", "third", NOW);
		sync_now();
		again();
		assert_non_null(find("home", "third", NOW));
		assert_int_equal(find("home", "first", NOW) != NULL, n >= one);
		assert_int_equal(journal_senseless(j), 0);
	}
}

static void
test_senseless(void **state)
{
	char *text = malloc(200000);
	size_t n;

	n = (size_t)sprintf(text, "rohrpost-collect 1\n"
	    "+ 5 7 0 home first\nwhat is this?\n+ 5 7 0 home\n"
	    "+ x 7 0 home a\n+ 5 7 0 home a b\n+ -5 7 0 home a\n\n");
	memset(text + n, 'x', 150000);
	strcpy(text + n + 150000, "\n+ 5 7 0 home last\nyyy");
	put(text);
	again();
	assert_non_null(find("home", "first", NOW));
	assert_non_null(find("home", "last", NOW));
	assert_null(find("home", "a", NOW));
	assert_int_equal(journal_senseless(j), 6);
	/* A long line without an end is torn too. */
	memset(text + n, 'x', 150000);
	text[n + 150000] = '\0';
	put(text);
	again();
	add(JOURNAL_FETCHED, "home", "next", NOW);
	sync_now();
	again();
	assert_non_null(find("home", "next", NOW));
	free(text);
}

static void
refused(const char *text, int newer_wanted)
{
	int newer;

	put(text);
	assert_null(journal_open(dirfd_, &newer, &why));
	assert_int_equal(newer, newer_wanted);
	assert_file(text);
}

static void
test_other_versions(void **state)
{
	refused("rohrpost-collect 2\n+ 5 7 0 home first\n", 1);
	refused("rohrpost-collect 10\n", 1);
	refused("rohrpost-migrate 1\n", 0);
	refused("some other file, longer than the first line of a journal\n",
	    0);
	refused("some other file, longer than the first line of a journal", 0);
}

/* A full disk: nothing of it is known, nothing is left of it, and it works
   again. */
static void
test_full(void **state)
{
	again();
	add(JOURNAL_FETCHED, "home", "a", NOW);
	sync_now();
	full = 1;
	add(JOURNAL_FETCHED, "home", "b", NOW);
	assert_int_equal(journal_sync(j, &why), -1);
	assert_non_null(strstr(buf_str(&why), "No space left"));
	assert_int_equal(journal_compact(j, NOW, &why), -1);
	full = 0;
	assert_null(find("home", "b", NOW));
	assert_false(journal_pending(j));
	assert_file("rohrpost-collect 1\n+ 1000000 12 abc home a\n");
	assert_int_equal(faccessat(dirfd_, "journal.new", F_OK, 0), -1);
	add(JOURNAL_FETCHED, "home", "c", NOW);
	sync_now();
	again();
	assert_non_null(find("home", "a", NOW));
	assert_null(find("home", "b", NOW));
	assert_non_null(find("home", "c", NOW));
}

static void
count(struct journal_entry *e, void *arg)
{
	size_t *n = arg;

	++*n;
}

static void
test_compact(void **state)
{
	char key[20];
	struct stat before, after;
	size_t n = 0, i;

	again();
	for (i = 0; i < 2000; i++) {
		snprintf(key, sizeof(key), "k%zu", i);
		add(JOURNAL_FETCHED, i % 2 ? "home" : "work", key, NOW);
		if (i >= 100)
			add(JOURNAL_GONE, i % 2 ? "home" : "work", key,
			    NOW + (i >= 200 ? 0 : 100));
	}
	sync_now();
	assert_int_equal(fstatat(dirfd_, "journal", &before, 0), 0);
	assert_false(journal_stale(j, NOW));
	add(JOURNAL_FETCHED, "home", "more", NOW);
	for (i = 0; i < 200; i++)
		add(JOURNAL_FETCHED, "home", "more", NOW);
	sync_now();
	/* What is gone is of use, until it is over; it is counted once an
	   hour. */
	assert_false(journal_stale(j, NOW + 3600));
	assert_false(journal_stale(j, NOW + 7199));
	assert_true(journal_stale(j, NOW + 50 + JOURNAL_GONE_KEEP));
	assert_false(journal_stale(j, NOW + 50 + JOURNAL_GONE_KEEP));
	assert_int_equal(journal_compact(j, NOW + 50 + JOURNAL_GONE_KEEP,
	    &why), 0);
	assert_false(journal_stale(j, NOW + 2 * JOURNAL_GONE_KEEP));
	assert_int_equal(fstatat(dirfd_, "journal", &after, 0), 0);
	assert_true(after.st_size < before.st_size / 10);
	for (i = 0; i < 2; i++) {
		/* In memory, and read anew: the same. */
		assert_non_null(find("work", "k0", NOW + 60 +
		    JOURNAL_GONE_KEEP));
		assert_non_null(find("home", "k101", NOW + 60 +
		    JOURNAL_GONE_KEEP));
		assert_null(find("home", "k201", NOW));
		n = 0;
		journal_each(j, "home", count, &n);
		assert_int_equal(n, 51);
		assert_int_equal(journal_count(j, "home"), 51);
		assert_int_equal(journal_count(j, "work"), 50);
		add(JOURNAL_FETCHED, "home", "new", NOW);
		add(JOURNAL_GONE, "home", "new", NOW);
		sync_now();
		again();
	}
	/* Lines in whose place later ones stand. */
	for (i = 0; i < 1000; i++)
		add(JOURNAL_FETCHED, "home", "more", NOW);
	sync_now();
	assert_true(journal_stale(j, NOW));
}

static void
test_lines(void **state)
{
	static const char *const good[] = {
		"+ 0 0 0 a !", "+ 9223372036854775807 18446744073709551615 "
		"ffffffff home 1.2", "! 1 2 0 a b", "- 1 a b",
	};
	static const char *const bad[] = {
		"", "+", "+ ", "+ 1", "+ 1 2 3 a", "+ 1 2 3 a b c", "+ 1 2 g a b",
		"+ 1 2 123456789 a b", "+ 9223372036854775808 2 0 a b",
		"- 1 a", "- 1 a b c", "* 1 a b", "+ 1 2  0 a b", "+1 2 0 a b",
		"+ 1 2 0 a \tb", "+ 1 2 0 a b ", "- 1 a \303\244",
	};
	struct journal_line l;
	struct buf b = BUF_INIT(0);
	size_t i;

	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_int_equal(journal_parse(good[i], strlen(good[i]), &l),
		    0);
		buf_reset(&b);
		journal_write(&l, &b);
		buf_truncate(&b, b.len - 1);
		assert_string_equal(buf_str(&b), good[i]);
	}
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(journal_parse(bad[i], strlen(bad[i]), &l),
		    -1);
	buf_clear(&b);
	assert_int_equal(journal_hash("", 0), 0);
	assert_true(journal_hash("<a@b>", 5) != 0);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_known),
		T(test_gone),
		T(test_torn),
		T(test_senseless),
		T(test_other_versions),
		T(test_full),
		T(test_compact),
		cmocka_unit_test(test_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
