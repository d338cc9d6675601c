/* What is kept of expunged messages and deleted mailboxes is bounded. */
#include "config.h"

#include <dirent.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "lib/base/crc32c.h"
#include "lib/base/clock.h"
#include "lib/base/fd.h"
#include "lib/mail/user_path.h"
#include "store/account_expunged.h"
#include "store/body.h"
#include "store/shard.h"
#include "tests/store/rig.h"

enum {
	BOUND = 256 * 1024,	/* bert's quota */
	SIZE = 7000,
	ROUND = 8192,		/* what such a message counts */
	MANY = 100,
	TRIES = 600,		/* tenths of a second */
	KEPT = BOUND / ROUND + 8,
	BY_AGE = 1, BY_BOUND,
};

static struct rig rig;

/* Shared with the child: a sweep is asked for, and was done. With same, all
   that lies in a folder came at one moment. */
static struct {
	atomic_int asked, done, gone, same;
} *sweep;

int	__real_body_list_next(struct body_list *l,
	    const struct body_entry **e_r);
int	__wrap_body_list_next(struct body_list *l,
	    const struct body_entry **e_r);
int
__wrap_body_list_next(struct body_list *l, const struct body_entry **e_r)
{
	int i, n = __real_body_list_next(l, e_r);

	for (i = 0; i < n && atomic_load(&sweep->same); i++)
		((struct body_entry *)*e_r)[i].since_us = 1000000;
	return n;
}

static enum lookup
with_bound(const char *name, struct tables_user *u)
{
	memset(u, 0, sizeof(*u));
	u->quota_size = BOUND;
	return LOOKUP_FOUND;
}

static void *
sweep_run(void *arg)
{
	char path[BODY_PATH_MAX / 2];

	while (!atomic_load(&sweep->asked))
		usleep(1000);
	if (user_path("bert@example.test", path, sizeof(path)) != 0)
		return NULL;
	if (atomic_load(&sweep->asked) == BY_BOUND) {
		store.user = with_bound;
		(void)expunged_bound("bert@example.test", path);
	} else
		atomic_store(&sweep->gone, (int)expunged_old(
		    "bert@example.test", path, 1, clock_now() + 2));
	atomic_store(&sweep->done, 1);
	return NULL;
}

static void
sweep_begin(void)
{
	pthread_t t;

	if (pthread_create(&t, NULL, sweep_run, NULL) != 0)
		abort();
}

static int
begin(uint64_t quota)
{
	memset(sweep, 0, sizeof(*sweep));
	rig_init(&rig);
	rig.in_child = sweep_begin;
	rig.quota_size = quota;
	rig_start(&rig);
	return 0;
}

static int
setup(void **state)
{
	return begin(BOUND);
}

static int
setup_unbound(void **state)
{
	return begin(0);
}

static int
teardown(void **state)
{
	rig_clear(&rig);
	return 0;
}

static uint32_t
append(uint32_t mailbox)
{
	struct door *d = &rig.imap[2];
	char name[DOOR_FILE_NAME + 1], text[SIZE];
	uint32_t uid, validity;
	int fd;

	memset(text, 'x', sizeof(text));
	assert_int_equal(door_file(d, &fd, name), 0);
	assert_int_equal(fd_write_all(fd, text, sizeof(text)), 0);
	close(fd);
	assert_int_equal(door_append(d, mailbox, name, sizeof(text),
	    crc32c(0, text, sizeof(text)), 0, 0, NULL, 1700000000, NULL, 0,
	    &uid, &validity), 0);
	return uid;
}

static void
expunge(uint32_t mailbox, uint32_t uid)
{
	uint32_t *gone;
	uint64_t modseq;
	size_t n;

	assert_int_equal(door_expunge(&rig.imap[2], mailbox, &uid, 1, 1, &gone,
	    &n, &modseq), 0);
	assert_int_equal(n, 1);
	free(gone);
}

static const char *
berts(const char *name)
{
	char path[200];

	snprintf(path, sizeof(path), "spool/mail/example.test/bert/%s", name);
	return rig_path(&rig, path);
}

/* As many files as there are in a folder of his; 0 where it is not there. */
static unsigned
files(const char *name)
{
	DIR *d = opendir(berts(name));
	struct dirent *e;
	unsigned n = 0;

	while (d != NULL && (e = readdir(d)) != NULL)
		n += e->d_name[0] != '.';
	if (d != NULL)
		closedir(d);
	return n;
}

static int
is_there(const char *folder, uint32_t uid)
{
	char name[60];

	snprintf(name, sizeof(name), "%s/%u", folder, uid);
	return access(berts(name), F_OK) == 0;
}

static void
test_oldest_expunged_go(void **state)
{
	uint32_t uid = 0;
	int i;

	for (i = 0; i < MANY; i++) {
		uid = append(1);
		expunge(1, uid);
	}
	for (i = 0; files("1/expunged") > BOUND / ROUND; i++) {
		assert_true(i < TRIES);
		usleep(100000);
	}
	assert_false(is_there("1/expunged", 1));
	assert_false(is_there("1/expunged", 2));
	assert_true(is_there("1/expunged", uid));
	assert_true(is_there("1/expunged", uid - 1));
	/* No more than there is a reason for. */
	assert_true(files("1/expunged") >= BOUND / ROUND / 2);
}

static void
swept(void)
{
	int i;

	for (i = 0; !atomic_load(&sweep->done); i++) {
		assert_true(i < TRIES);
		usleep(100000);
	}
}

/*
 * Of those that came at one moment no more go than must, over mailboxes: an
 * eighth of the bound is free then.
 */
static void
test_no_more_go(void **state)
{
	int i;

	for (i = 0; i < KEPT; i++)
		expunge(1 + (i % 2) * 4, append(1 + (i % 2) * 4));
	assert_int_equal(files("1/expunged") + files("5/expunged"), KEPT);
	atomic_store(&sweep->same, 1);
	atomic_store(&sweep->asked, BY_BOUND);
	swept();
	assert_int_equal(files("1/expunged") + files("5/expunged"),
	    BOUND / ROUND * 7 / 8);
}

/*
 * A message whose expunge was cut short still has its record, so it is none of
 * those that are kept, however old it is.
 */
static void
test_half_expunged_stays(void **state)
{
	uint32_t uid = append(1), last = 0;
	char cmd[300];
	int i;

	expunge(1, append(1));
	snprintf(cmd, sizeof(cmd), "cd '%s' && mv 1/%u 1/expunged/", berts(""),
	    uid);
	assert_int_equal(system(cmd), 0);
	for (i = 0; i < MANY; i++)
		expunge(1, last = append(1));
	for (i = 0; files("1/expunged") > BOUND / ROUND + 1; i++) {
		assert_true(i < TRIES);
		usleep(100000);
	}
	assert_false(is_there("1/expunged", uid + 2));
	assert_true(is_there("1/expunged", last));
	assert_true(is_there("1/expunged", uid));
}

/* Nor does its age make it one. */
static void
test_half_expunged_is_not_old(void **state)
{
	uint32_t uid = append(1), other = append(1);
	char cmd[300];

	expunge(1, other);
	snprintf(cmd, sizeof(cmd), "cd '%s' && mv 1/%u 1/expunged/ && "
	    "cp 1/expunged/%u 1/expunged/%u.123", berts(""), uid, other,
	    uid);
	assert_int_equal(system(cmd), 0);
	atomic_store(&sweep->asked, BY_AGE);
	swept();
	assert_int_equal(atomic_load(&sweep->gone), 2);
	assert_int_equal(files("1/expunged"), 1);
	assert_true(is_there("1/expunged", uid));
}

static void
test_deleted_mailboxes_go(void **state)
{
	struct door *d = &rig.imap[2];
	struct door_mailbox m;
	char name[30];
	uint32_t first = 0;
	int i, k, n;

	for (i = 0; i < 8; i++) {
		assert_int_equal(door_create(d, "x", 0, &m), 0);
		if (first == 0)
			first = m.id;
		for (k = 0; k < 10; k++)
			(void)append(m.id);
		assert_int_equal(door_delete(d, m.id), 0);
	}
	for (i = 0, n = 8; n * 10 * ROUND > BOUND; i++) {
		assert_true(i < TRIES);
		for (n = 0, k = 0; k < 8; k++) {
			snprintf(name, sizeof(name), "%u",
			    first + (uint32_t)k);
			n += files(name) > 0;
		}
		usleep(100000);
	}
	assert_true(n > 0);
	assert_false(is_there("", first));
	assert_true(files(name) > 0);	/* the last one */
	/* INBOX and what else is in the list is not touched. */
	assert_true(is_there("", 1));
	assert_true(is_there("", 6));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_oldest_expunged_go,
		    setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_more_go,
		    setup_unbound, teardown),
		cmocka_unit_test_setup_teardown(test_half_expunged_stays,
		    setup, teardown),
		cmocka_unit_test_setup_teardown(test_half_expunged_is_not_old,
		    setup, teardown),
		cmocka_unit_test_setup_teardown(test_deleted_mailboxes_go,
		    setup, teardown),
	};

	sweep = mmap(NULL, sizeof(*sweep), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (sweep == MAP_FAILED)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
