/*
 * Rebuilds side by side: a short one does not wait for a long one, though both
 * are of one shard, and what the flags file tells of headers is not read again.
 */
#include "config.h"

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

#include "lib/mail/proto.h"
#include "store/body.h"
#include "store/shard_chores.h"
#include "tests/store/rig.h"

#define ANNA "anna@example.test"
#define BERT "bert@example.test"
#define TEXT "A: b\r\nC: d\r\n\r\nbody\r\n"

enum { MANY = 1500 };

/* Between the test and its store. */
static struct shared {
	atomic_int hold;		/* headers of anna's are not read */
	atomic_int held;		/* somebody waits for that */
	atomic_int headers, first;	/* read; of uid 1 */
	atomic_int posts;		/* of chores that go on */
	atomic_int aside;		/* files moved since the last of these */
	atomic_int most, all;		/* ... at most; and in all */
} *shared;

static struct rig rig;

int	__real_body_open(const char *user, uint32_t mailbox, uint32_t uid);
int	__wrap_body_open(const char *user, uint32_t mailbox, uint32_t uid);
void	__real_helper_post(enum helper h, struct chore *c);
void	__wrap_helper_post(enum helper h, struct chore *c);

enum body_result __real_body_aside(const char *user, uint32_t mailbox,
	    uint32_t uid);
enum body_result __wrap_body_aside(const char *user, uint32_t mailbox,
	    uint32_t uid);

enum body_result
__wrap_body_aside(const char *user, uint32_t mailbox, uint32_t uid)
{
	int n = atomic_fetch_add(&shared->aside, 1) + 1;

	if (n > atomic_load(&shared->most))
		atomic_store(&shared->most, n);
	atomic_fetch_add(&shared->all, 1);
	return __real_body_aside(user, mailbox, uid);
}

int
__wrap_body_open(const char *user, uint32_t mailbox, uint32_t uid)
{
	if (strcmp(user, "example.test/anna") == 0) {
		atomic_fetch_add(&shared->headers, 1);
		if (uid == 1)
			atomic_fetch_add(&shared->first, 1);
		while (atomic_load(&shared->hold)) {
			atomic_store(&shared->held, 1);
			usleep(1000);
		}
	}
	return __real_body_open(user, mailbox, uid);
}

void
__wrap_helper_post(enum helper h, struct chore *c)
{
	if (h == HELPER_DEMAND && c->done > 0) {
		atomic_fetch_add(&shared->posts, 1);
		atomic_store(&shared->aside, 0);
	}
	__real_helper_post(h, c);
}

static void
deliver(const char *who)
{
	char id[17];

	rig_file(&rig, TEXT, id);
	assert_int_equal(rig_deliver(&rig, id, who, NULL), RESULT_DELIVERED);
}

static size_t
count(struct door *d)
{
	struct door_mailbox m;

	assert_int_equal(door_status(d, 1, &m), 0);
	return m.messages;
}

static atomic_int annas;

static void *
anna_waits(void *arg)
{
	atomic_store(&annas, (int)count(&rig.imap[0]));
	return NULL;
}

static void
test_short_passes_long(void **state)
{
	pthread_t thread;
	char cmd[300];

	setenv("RIG_THREADS", "1", 1);
	rig_init(&rig);
	rig_start(&rig);
	deliver(ANNA);
	deliver(BERT);
	deliver(BERT);
	assert_int_equal(rig_stop(&rig), 0);
	snprintf(cmd, sizeof(cmd), "cd '%s/spool' && rm -rf index && "
	    "cd mail/example.test/anna/1 && for i in $(seq 2 %d); do "
	    "ln 1 $i || exit 1; done", rig.dir, MANY);
	assert_int_equal(system(cmd), 0);
	atomic_store(&shared->hold, 1);
	rig_start(&rig);
	assert_int_equal(pthread_create(&thread, NULL, anna_waits, NULL), 0);
	while (!atomic_load(&shared->held))
		usleep(1000);
	/* The long one is under way: the short one is served meanwhile. */
	assert_int_equal(count(&rig.imap[2]), 2);
	assert_int_equal(atomic_load(&annas), 0);
	atomic_store(&shared->hold, 0);
	pthread_join(thread, NULL);
	assert_int_equal(atomic_load(&annas), MANY);
	/* All headers but the one that the flags file knows, in slices. */
	assert_int_equal(atomic_load(&shared->headers), MANY - 1);
	assert_int_equal(atomic_load(&shared->first), 0);
	assert_true(atomic_load(&shared->posts) > MANY / 512);
	rig_clear(&rig);
	unsetenv("RIG_THREADS");
}

/* What a killed COPY left goes to expunged, a slice at a time, and none of it
   is a message. */
static void
test_copies_in_slices(void **state)
{
	struct buf out = BUF_INIT(1000);
	char cmd[300];

	memset(shared, 0, sizeof(*shared));
	rig_init(&rig);
	rig_start(&rig);
	deliver(ANNA);
	assert_int_equal(rig_stop(&rig), 0);
	/* The look behind a crash finds nothing, and is not repeated. */
	rig_start(&rig);
	assert_int_equal(count(&rig.imap[0]), 1);
	assert_int_equal(rig_stop(&rig), 0);
	atomic_store(&shared->all, 0);
	atomic_store(&shared->most, 0);
	snprintf(cmd, sizeof(cmd), "cd '%s/spool/mail/example.test/anna/1' && "
	    "for i in $(seq 2 %d); do ln 1 $i || exit 1; done", rig.dir,
	    MANY);
	assert_int_equal(system(cmd), 0);
	rig_start(&rig);
	assert_true(rig_control(&rig, C_REBUILD, ANNA, &out) >= 0);
	assert_int_equal(atomic_load(&shared->all), MANY - 1);
	assert_in_range(atomic_load(&shared->most), 1, 512);
	assert_int_equal(count(&rig.imap[0]), 1);
	deliver(ANNA);
	assert_int_equal(count(&rig.imap[0]), 2);
	assert_int_equal(rig_control(&rig, C_CHECK, ANNA, &out), 0);
	assert_int_equal(rig_stop(&rig), 0);
	rig_clear(&rig);
	buf_clear(&out);
}

/* The one of which least was done is first; who is as far waits behind. */

static struct ordered {
	struct chore chore;
	int	 number;
} chores[4];
static atomic_int go, ran[4], n_ran;

static void
wait_run(struct chore *c)
{
	while (!atomic_load(&go))
		usleep(1000);
}

static void
note_run(struct chore *c)
{
	atomic_store(&ran[atomic_load(&n_ran)],
	    ((struct ordered *)c)->number);
	atomic_fetch_add(&n_ran, 1);
}

static void
test_least_done_first(void **state)
{
	static const uint64_t done[] = { 500, 30, 0, 30 };
	static struct chore first = { .run = wait_run };
	int i;

	helper_start();
	helper_post(HELPER_KEEP, &first);
	for (i = 0; i < 4; i++) {
		chores[i].chore.run = note_run;
		chores[i].chore.done = done[i];
		chores[i].number = i;
		helper_post(HELPER_KEEP, &chores[i].chore);
	}
	atomic_store(&go, 1);
	while (atomic_load(&n_ran) < 4)
		usleep(1000);
	assert_int_equal(atomic_load(&ran[0]) * 1000 +
	    atomic_load(&ran[1]) * 100 + atomic_load(&ran[2]) * 10 +
	    atomic_load(&ran[3]), 2130);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_short_passes_long),
		cmocka_unit_test(test_copies_in_slices),
		cmocka_unit_test(test_least_done_first),
	};

	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
