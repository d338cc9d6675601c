/*
 * What goes by its age: messages of the mailboxes that the operator names, and
 * what POP3 deleted and is kept for a while.
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
#include <unistd.h>
#include <cmocka.h>

#include "lib/base/clock.h"
#include "lib/mail/proto.h"
#include "store/age.h"
#include "store/ctl_walk.h"
#include "tests/store/rig.h"

#define ANNA	"anna@example.test"

enum { TRIES = 30000, DAY = 86400, MANY = 5 };

/* Shared with the child. */
static struct {
	atomic_int asked, done;		/* sweeps */
	atomic_uint ran;		/* everything came so long ago */
} *sh;

static struct rig rig;
static const struct tables_user *granted;	/* to anna; NULL: nothing */
static ev_timer *timer;

uint32_t __wrap_age_second(uint64_t keep);
uint32_t
__wrap_age_second(uint64_t keep)
{
	return keep <= atomic_load(&sh->ran) ?
	    (uint32_t)clock_now() + 100 : 0;
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

/* The last of what a sweep does for a user. */
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

	timer = NULL;
	sweep_start(ev_default_loop(0));
	atomic_store(&sh->asked, 0);
	if (timer == NULL || pthread_create(&t, NULL, sweep_run, NULL) != 0)
		abort();
}

/* One that is at its very end still refuses the next. */
static void
sweep(unsigned ran)
{
	int i, n = atomic_load(&sh->done);

	atomic_store(&sh->ran, ran);
	for (i = 0; i < TRIES && atomic_load(&sh->done) == n; i++) {
		if (i % 100 == 0)
			atomic_fetch_add(&sh->asked, 1);
		usleep(2000);
	}
	assert_true(atomic_load(&sh->done) > n);
}

static uint32_t
there(uint32_t id)
{
	struct door_mailbox m;

	assert_int_equal(door_status(&rig.imap[0], id, &m), 0);
	return m.messages;
}

/* How many of them a session of POP3 would show. */
static size_t
shown(struct door *d)
{
	struct door_record *rec = NULL;
	uint32_t *gone = NULL;
	size_t i, n, n_gone, hidden = 0;
	uint64_t modseq;
	int complete;

	assert_int_equal(door_records(d, 1, 0, &rec, &n, &gone, &n_gone,
	    &modseq, &complete), 0);
	for (i = 0; i < n; i++)
		hidden += (rec[i].flags & MARK_FETCHED) != 0;
	free(rec);
	free(gone);
	return n - hidden;
}

static size_t
pop_delete(uint32_t first, size_t n)
{
	uint32_t uid[MANY], *gone;
	uint64_t modseq;
	size_t i, n_gone;

	for (i = 0; i < n; i++)
		uid[i] = first + (uint32_t)i;
	assert_int_equal(door_expunge(&rig.pop[0], 1, uid, n, 1, &gone,
	    &n_gone, &modseq), 0);
	free(gone);
	return n_gone;
}

/* The first message of the INBOX, there. */
static uint32_t
copied(const char *name, uint32_t attrs)
{
	uint32_t uid = 1, *from, *to, validity, id;
	struct door_mailbox m;
	size_t n;

	if ((id = rig_mailbox(&rig, &rig.imap[0], name)) == 0) {
		assert_int_equal(door_create(&rig.imap[0], name, attrs, &m),
		    0);
		id = m.id;
	}
	assert_int_equal(door_copy(&rig.imap[0], 1, id, &uid, 1, 0, &from,
	    &to, &n, &validity), 0);
	free(from);
	free(to);
	return id;
}

static void
begin(uint64_t pop3_keep, const char *expire)
{
	char id[17];
	int i;

	memset(sh, 0, sizeof(*sh));
	rig_init(&rig);
	rig.in_child = sweeper;
	rig.pop3_keep = pop3_keep;
	rig.expire = expire;
	rig.granted = granted;
	rig_start(&rig);
	for (i = 0; i < MANY; i++) {
		rig_file(&rig, "Subject: a\n\nbody\n", id);
		assert_int_equal(rig_deliver(&rig, id, ANNA, NULL),
		    RESULT_DELIVERED);
	}
}

static int
teardown(void **state)
{
	assert_int_equal(rig_stop(&rig), 0);
	rig_clear(&rig);
	return 0;
}

static void
test_by_folder(void **state)
{
	uint32_t trash, low, list, other;

	begin(0, "Trash:30d,Lists/%:90d");
	trash = copied("Trash", 0);
	low = copied("Lists/a", 0);
	list = copied("Bin", ATTR_TRASH);
	other = copied("Archive", 0);
	sweep(30 * DAY - 1);
	assert_int_equal(there(trash) + there(list), 2);
	sweep(30 * DAY);
	assert_int_equal(there(trash) + there(list), 0);
	assert_int_equal(there(low), 1);
	sweep(90 * DAY);
	assert_int_equal(there(low), 0);
	assert_int_equal(there(other), 1);
	assert_int_equal(there(1), MANY);
}

/* What goes can still be got back for a while, and is gone after a kill. */
static void
test_expunged(void **state)
{
	char path[100];
	uint32_t id;

	begin(0, "Trash:30d");
	id = copied("Trash", 0);
	sweep(30 * DAY);
	rig_kill(&rig);
	snprintf(path, sizeof(path), "spool/mail/example.test/anna/%u/expunged"
	    "/1", id);
	assert_int_equal(access(rig_path(&rig, path), F_OK), 0);
	rig_start(&rig);
	assert_int_equal(there(id), 0);
}

static void
test_kept(void **state)
{
	struct door_record *rec = NULL;
	uint32_t *gone, uid = 2;
	uint64_t modseq;
	size_t n, n_gone;
	uint32_t *failed;

	begin(2 * DAY, "");
	assert_int_equal(pop_delete(1, 3), 3);
	assert_int_equal(shown(&rig.pop[0]), MANY - 3);
	assert_int_equal(there(1), MANY);
	/* A change of flags does not bring it back, nor does a start. */
	assert_int_equal(door_store(&rig.imap[0], 1, &uid, 1, DOOR_SET,
	    FLAG_SEEN, NULL, UINT64_MAX, &rec, &n, &failed, &n_gone), 0);
	free(rec);
	free(failed);
	assert_int_equal(shown(&rig.pop[0]), MANY - 3);
	rig_kill(&rig);
	rig_start(&rig);
	assert_int_equal(shown(&rig.pop[0]), MANY - 3);
	sweep(2 * DAY - 1);
	assert_int_equal(there(1), MANY);
	sweep(2 * DAY);
	assert_int_equal(there(1), MANY - 3);
	assert_int_equal(shown(&rig.pop[0]), MANY - 3);
	/* IMAP's own is gone at once. */
	uid = 4;
	assert_int_equal(door_expunge(&rig.imap[0], 1, &uid, 1, 1, &gone,
	    &n_gone, &modseq), 0);
	free(gone);
	assert_int_equal(there(1), MANY - 4);
}

/* What the tables grant an account is nearer than the settings. */
static void
test_granted(void **state)
{
	static const struct tables_user own = { .pop3_keep = DAY,
		.expire_trash = 5 * DAY, .expire_junk = 0 };
	uint32_t trash, junk;

	granted = &own;
	begin(0, "Trash:30d,Junk:30d");
	granted = NULL;
	trash = copied("Trash", 0);
	junk = copied("Junk", 0);
	assert_int_equal(pop_delete(1, 2), 2);
	assert_int_equal(there(1), MANY);
	sweep(5 * DAY);
	assert_int_equal(there(1), MANY - 2);
	assert_int_equal(there(trash), 0);
	sweep(1000 * DAY);
	assert_int_equal(there(junk), 1);
}

/* A copy is a new message. */
static void
test_copy_is_shown(void **state)
{
	uint32_t uid = 1, *from, *to, validity;
	size_t n;

	begin(2 * DAY, "");
	assert_int_equal(pop_delete(1, 1), 1);
	assert_int_equal(door_copy(&rig.imap[0], 1, 1, &uid, 1, 0, &from, &to,
	    &n, &validity), 0);
	free(from);
	free(to);
	assert_int_equal(there(1), MANY + 1);
	assert_int_equal(shown(&rig.pop[0]), MANY);
}

/* Without the setting what was kept goes with the next sweep. */
static void
test_no_more(void **state)
{
	begin(2 * DAY, "");
	assert_int_equal(pop_delete(1, 2), 2);
	assert_int_equal(rig_stop(&rig), 0);
	rig.pop3_keep = 0;
	rig_start(&rig);
	assert_int_equal(there(1), MANY);
	sweep(0);
	assert_int_equal(there(1), MANY - 2);
	assert_int_equal(pop_delete(3, 1), 1);
	assert_int_equal(there(1), MANY - 3);
}

/* An index that is made anew from the files still knows. */
static void
test_rebuilt(void **state)
{
	struct buf out = BUF_INIT(2000);

	begin(2 * DAY, "");
	assert_int_equal(pop_delete(1, 2), 2);
	assert_int_equal(rig_stop(&rig), 0);
	rig_start(&rig);
	assert_int_not_equal(rig_control(&rig, C_REBUILD, ANNA, &out), -1);
	buf_clear(&out);
	assert_int_equal(shown(&rig.imap[1]), MANY - 2);
	sweep(2 * DAY);
	assert_int_equal(there(1), MANY - 2);
}

#define T(f) cmocka_unit_test_teardown(f, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_by_folder), T(test_expunged), T(test_kept),
		T(test_granted), T(test_copy_is_shown), T(test_no_more), T(test_rebuilt),
	};

	sh = mmap(NULL, sizeof(*sh), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	return sh == MAP_FAILED ? 1 :
	    cmocka_run_group_tests_name("expire", tests, NULL, NULL);
}
