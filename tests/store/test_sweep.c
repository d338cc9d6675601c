/*
 * The sweep of each hour: what was expunged or deleted goes when it is old
 * enough, and nothing else does.
 */
#include "config.h"

#include <ev.h>
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

#include "lib/base/clock.h"
#include "lib/mail/proto.h"
#include "store/age.h"
#include "store/ctl_walk.h"
#include "tests/store/rig.h"

#define ANNA	"anna@example.test"
#define HOME	"spool/mail/example.test/anna"

enum { TRIES = 30000, KEEP = 3600, HOUR = 3600, UNKNOWN = 999 };

/* Shared with the child. */
static struct {
	atomic_int asked, done;		/* sweeps */
	atomic_int ahead;		/* the cut is so many seconds from now */
	atomic_uint keep;		/* what was asked of it */
	atomic_int forgot;		/* the index, up to so far ahead */
} *sh;

static struct rig rig;
static ev_timer *timer;

int64_t	__real_age_cutoff(uint64_t keep);
int64_t	__wrap_age_cutoff(uint64_t keep);
int64_t
__wrap_age_cutoff(uint64_t keep)
{
	atomic_store(&sh->keep, (unsigned)keep);
	return clock_now() + atomic_load(&sh->ahead);
}

/* The hour is over when the test says so. */
void	__real_ev_timer_start(struct ev_loop *loop, ev_timer *w);
void	__wrap_ev_timer_start(struct ev_loop *loop, ev_timer *w);
void
__wrap_ev_timer_start(struct ev_loop *loop, ev_timer *w)
{
	if (timer == NULL)
		timer = w;
	else
		__real_ev_timer_start(loop, w);
}

/* The last of what a sweep does for the only user. */
uint64_t __real_expunged_bound(const char *name, const char *path);
uint64_t __wrap_expunged_bound(const char *name, const char *path);
uint64_t
__wrap_expunged_bound(const char *name, const char *path)
{
	uint64_t n = __real_expunged_bound(name, path);

	if (strcmp(name, ANNA) == 0)
		atomic_fetch_add(&sh->done, 1);
	return n;
}

void	__real_expunged_forget(const char *name, int64_t before);
void	__wrap_expunged_forget(const char *name, int64_t before);
void
__wrap_expunged_forget(const char *name, int64_t before)
{
	int64_t ahead = before - clock_now();

	/* A second may end between two looks at the clock. */
	if (ahead == atomic_load(&sh->ahead) - 1)
		ahead++;
	atomic_store(&sh->forgot, (int)ahead);
	__real_expunged_forget(name, before);
}

static void *
sweep_run(void *arg)
{
	int n;

	for (n = 0;; n++) {
		while (atomic_load(&sh->asked) == n)
			usleep(1000);
		ev_cb(timer)(ev_default_loop(0), timer, EV_TIMER);
	}
	return NULL;
}

static void
sweeper(void)
{
	pthread_t t;

	sweep_start(ev_default_loop(0));
	if (timer == NULL || timer->repeat != HOUR ||
	    pthread_create(&t, NULL, sweep_run, NULL) != 0)
		abort();
}

static void
sweep(int ahead)
{
	int i, n = atomic_load(&sh->done);

	atomic_store(&sh->ahead, ahead);
	/* One that is at its very end still refuses the next. */
	for (i = 0; i < TRIES && atomic_load(&sh->done) == n; i++) {
		if (i % 100 == 0)
			atomic_fetch_add(&sh->asked, 1);
		usleep(2000);
	}
	assert_true(atomic_load(&sh->done) > n);
	assert_int_equal(atomic_load(&sh->keep), KEEP);
}

static void
deliver(void)
{
	char id[17];

	rig_file(&rig, "Subject: a\n\nbody\n", id);
	assert_int_equal(rig_deliver(&rig, id, ANNA, NULL), RESULT_DELIVERED);
}

static void
expunge(uint32_t uid)
{
	uint32_t *gone;
	uint64_t modseq;
	size_t n;

	assert_int_equal(door_expunge(&rig.imap[0], 1, &uid, 1, 1, &gone, &n,
	    &modseq), 0);
	assert_int_equal(n, 1);
	free(gone);
}

static int
is_there(const char *name)
{
	char path[200];

	snprintf(path, sizeof(path), HOME "/%s", name);
	return access(rig_path(&rig, path), F_OK) == 0;
}

/* A mailbox with one message, which is deleted. */
static uint32_t
deleted(const char *name)
{
	uint32_t uid = 1, *from, *to, validity;
	struct door_mailbox m;
	size_t n;

	assert_int_equal(door_create(&rig.imap[0], name, 0, &m), 0);
	assert_int_equal(door_copy(&rig.imap[0], 1, m.id, &uid, 1, 0, &from,
	    &to, &n, &validity), 0);
	free(from);
	free(to);
	assert_int_equal(door_delete(&rig.imap[0], m.id), 0);
	return m.id;
}

static int
setup(void **state)
{
	memset(sh, 0, sizeof(*sh));
	rig_init(&rig);
	rig.in_child = sweeper;
	rig_start(&rig);
	deliver();
	deliver();
	return 0;
}

static int
teardown(void **state)
{
	assert_int_equal(rig_stop(&rig), 0);
	rig_clear(&rig);
	return 0;
}

static void
test_young_stays(void **state)
{
	char folder[20];
	uint32_t id = deleted("x");

	snprintf(folder, sizeof(folder), "%u/1", id);
	expunge(2);
	sweep(-100);
	assert_true(is_there("1/1"));
	assert_true(is_there("1/expunged/2"));
	assert_true(is_there(folder));
}

static void
test_old_goes(void **state)
{
	char folder[20];
	uint32_t id = deleted("x");
	size_t n;

	snprintf(folder, sizeof(folder), "%u", id);
	expunge(2);
	/* One that is not in a list yet is no mailbox that was deleted. */
	assert_int_equal(mkdir(rig_path(&rig, HOME "/999"), 0700), 0);
	sweep(100);
	assert_true(is_there("1/1"));
	assert_false(is_there("1/expunged/2"));
	assert_false(is_there(folder));
	assert_true(is_there("999"));
	assert_true(is_there("5"));
	assert_int_equal(rig_find(&rig, &rig.imap[0], 1,
	    "Subject: a\n\nbody\n", &n), 1);
	assert_int_equal(n, 1);
}

/* The list cannot be read: nothing is known to be deleted. */
static void
test_list_is_broken(void **state)
{
	char folder[20], cmd[300];
	uint32_t id = deleted("x");

	snprintf(folder, sizeof(folder), "%u/1", id);
	expunge(2);
	snprintf(cmd, sizeof(cmd), "cd '%s' && mv mailboxes m && "
	    "head -c 20 m >mailboxes", rig_path(&rig, HOME));
	assert_int_equal(system(cmd), 0);
	sweep(100);
	assert_true(is_there(folder));
	assert_true(is_there("1/expunged/2"));
	snprintf(cmd, sizeof(cmd), "cd '%s' && mv m mailboxes",
	    rig_path(&rig, HOME));
	assert_int_equal(system(cmd), 0);
	sweep(100);
	assert_false(is_there(folder));
	assert_false(is_there("1/expunged/2"));
}

/* What the index keeps of them is as old. */
static void
test_index_forgets(void **state)
{
	sweep(-100);
	assert_int_equal(atomic_load(&sh->forgot), -100);
	sweep(100);
	assert_int_equal(atomic_load(&sh->forgot), 100);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_young_stays), T(test_old_goes), T(test_list_is_broken),
		T(test_index_forgets),
	};

	sh = mmap(NULL, sizeof(*sh), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	return sh == MAP_FAILED ? 1 :
	    cmocka_run_group_tests_name("sweep", tests, NULL, NULL);
}
