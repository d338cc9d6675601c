/* Accounts in memory are bounded, and those used last stay. After a crash those
   that are to be loaded come few at a time. */
#include "config.h"

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

#include "store/account.h"
#include "tests/store/rig.h"

enum {
	BOUND = 20,
	USERS = 40,
	AT_A_TIME = 10,
	TRIES = 6000,		/* hundredths of a second */
};

/* Between the test and its store. */
static struct shared {
	atomic_int live, freed;
	char	 first[40];		/* of those freed */
	atomic_int used_freed;		/* the one in constant use was */
	atomic_int turn, most;		/* made in a turn of the shard's loop */
	atomic_int missed;		/* all users are full, and not judged */
} *shared;

static struct rig rig;

struct account *__real_account_new(struct shard *s, const char *name,
    const char *path, unsigned db);
struct account *__wrap_account_new(struct shard *s, const char *name,
    const char *path, unsigned db);
void	__real_account_free(struct account *a);
void	__wrap_account_free(struct account *a);

struct account *
__wrap_account_new(struct shard *s, const char *name, const char *path,
    unsigned db)
{
	int turn = atomic_fetch_add(&shared->turn, 1) + 1;

	atomic_fetch_add(&shared->live, 1);
	if (turn > atomic_load(&shared->most))
		atomic_store(&shared->most, turn);
	return __real_account_new(s, name, path, db);
}

void	__real_shard_settle(struct shard *s);
void	__wrap_shard_settle(struct shard *s);

/* The end of a turn. */
void
__wrap_shard_settle(struct shard *s)
{
	atomic_store(&shared->turn, 0);
	__real_shard_settle(s);
}

void
__wrap_account_free(struct account *a)
{
	if (strcmp(a->name, "u0@example.test") == 0)
		atomic_store(&shared->used_freed, 1);
	if (atomic_fetch_add(&shared->freed, 1) == 0)
		snprintf(shared->first, sizeof(shared->first), "%s", a->name);
	atomic_fetch_sub(&shared->live, 1);
	__real_account_free(a);
}

int	__wrap_quota_missed(void);
int
__wrap_quota_missed(void)
{
	return atomic_exchange(&shared->missed, 0);
}

void	__wrap_full_each(void (*each)(void *arg, const char *name), void *arg);
void
__wrap_full_each(void (*each)(void *arg, const char *name), void *arg)
{
	char name[40];
	int i;

	for (i = 0; i < USERS; i++) {
		snprintf(name, sizeof(name), "u%d@example.test", i);
		each(arg, name);
	}
}

static void
bound(void)
{
	store.accounts_max = BOUND;
}

static void
deliver(int user)
{
	char id[17], name[40];

	snprintf(name, sizeof(name), "u%d@example.test", user);
	rig_file(&rig, "A: b\r\n\r\nbody\r\n", id);
	assert_int_equal(rig_deliver(&rig, id, name, NULL), RESULT_DELIVERED);
}

static void
test_bounded(void **state)
{
	struct door_mailbox m;
	int i, k;

	setenv("RIG_THREADS", "1", 1);
	rig_init(&rig);
	rig.in_child = bound;
	rig_start(&rig);
	for (i = 1; i < USERS; i++) {
		deliver(i);
		deliver(0);
		/* Their flags files are behind, and written for it. */
		for (k = 0; atomic_load(&shared->live) > BOUND; k++) {
			assert_true(k < TRIES);
			usleep(10000);
		}
	}
	assert_true(atomic_load(&shared->freed) >= USERS - BOUND);
	assert_string_equal(shared->first, "u1@example.test");
	assert_false(atomic_load(&shared->used_freed));
	/* One that has left comes back with all it had. */
	deliver(1);
	/* Those that have doors stay. */
	for (i = 0; i < RIG_IMAP; i++)
		assert_int_equal(door_status(&rig.imap[i], 1, &m), 0);
	assert_int_equal(rig_stop(&rig), 0);
	rig_clear(&rig);
	unsetenv("RIG_THREADS");
}

/* The flags files of all are behind when it is killed. */
static void
test_loaded_in_slices(void **state)
{
	int i;

	setenv("RIG_THREADS", "1", 1);
	rig_init(&rig);
	rig_start(&rig);
	for (i = 0; i < USERS; i++)
		deliver(i);
	rig_kill(&rig);
	memset(shared, 0, sizeof(*shared));
	rig_start(&rig);
	for (i = 0; i < TRIES && atomic_load(&shared->live) < USERS; i++)
		usleep(10000);
	assert_in_range(atomic_load(&shared->live), USERS, USERS + 2);
	assert_in_range(atomic_load(&shared->most), 1, AT_A_TIME);
	assert_int_equal(rig_stop(&rig), 0);
	rig_clear(&rig);
	unsetenv("RIG_THREADS");
}

/* Those that are full and could not be judged. */
static void
test_missed_in_slices(void **state)
{
	int i;

	setenv("RIG_THREADS", "1", 1);
	rig_init(&rig);
	memset(shared, 0, sizeof(*shared));
	rig_start(&rig);
	atomic_store(&shared->missed, 1);
	for (i = 0; i < TRIES && atomic_load(&shared->live) < USERS; i++)
		usleep(10000);
	assert_in_range(atomic_load(&shared->live), USERS, USERS + 2);
	assert_in_range(atomic_load(&shared->most), 1, AT_A_TIME);
	assert_int_equal(rig_stop(&rig), 0);
	rig_clear(&rig);
	unsetenv("RIG_THREADS");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bounded),
		cmocka_unit_test(test_loaded_in_slices),
		cmocka_unit_test(test_missed_in_slices),
	};

	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
