/* A stop: what helpers do ends before the index is closed. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "lib/mail/proto.h"
#include "store/body.h"
#include "store/engine.h"
#include "store/shard_syncer.h"
#include "tests/store/rig.h"

#define ANNA "anna@example.test"

/* The doors of a store that the test itself ends. */
extern const char *const guard_leaves[];
const char *const guard_leaves[] = { "socket:", NULL };

/* Shared with the child. */
static struct {
	atomic_int hold;	/* who enumerates waits ... */
	atomic_int inside;	/* ... and is there */
	atomic_int ended;	/* the shards have */
	atomic_int too_early;	/* the index was closed under somebody */
} *seen;

static struct rig rig;

int	__real_body_list_next(struct body_list *l,
	    const struct body_entry **e_r);
int	__wrap_body_list_next(struct body_list *l,
	    const struct body_entry **e_r);
int
__wrap_body_list_next(struct body_list *l, const struct body_entry **e_r)
{
	int r;

	if (!atomic_load(&seen->hold))
		return __real_body_list_next(l, e_r);
	atomic_store(&seen->inside, 1);
	while (atomic_load(&seen->hold))
		usleep(1000);
	usleep(100000);		/* time for who does not wait */
	r = __real_body_list_next(l, e_r);
	atomic_store(&seen->inside, 0);
	return r;
}

void	__real_syncer_stop(void);
void	__wrap_syncer_stop(void);
void
__wrap_syncer_stop(void)
{
	__real_syncer_stop();
	atomic_store(&seen->ended, 1);
}

void	__real_engine_close(struct engine **e);
void	__wrap_engine_close(struct engine **e);
void
__wrap_engine_close(struct engine **e)
{
	if (atomic_load(&seen->inside))
		atomic_store(&seen->too_early, 1);
	__real_engine_close(e);
}

static void
wait_for(atomic_int *what)
{
	int i;

	for (i = 0; i < 60000 && !atomic_load(what); i++)
		usleep(1000);
	assert_true(atomic_load(what));
}

static void
ask_check(void)
{
	struct chan c;

	chan_init(&c, dup(rig.control));
	msg_begin(&c, &proto_ctl, C_CHECK, 9);
	assert_int_equal(msg_end(&c), 0);
	assert_int_equal(chan_send(&c, 10000), 0);
	chan_clear(&c);
}

static void
test_helpers_end_first(void **state)
{
	int status;
	char id[17];

	rig_init(&rig);
	rig_file(&rig, "first", id);
	rig_start(&rig);
	assert_int_equal(rig_deliver(&rig, id, ANNA, NULL), RESULT_DELIVERED);
	atomic_store(&seen->hold, 1);
	ask_check();
	wait_for(&seen->inside);
	close(rig.stop);
	rig.stop = -1;
	wait_for(&seen->ended);
	atomic_store(&seen->hold, 0);
	assert_int_equal(waitpid(rig.pid, &status, 0), rig.pid);
	rig.pid = 0;
	assert_int_equal(status, 0);
	assert_false(atomic_load(&seen->too_early));
	rig_clear(&rig);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_helpers_end_first),
	};

	seen = mmap(NULL, sizeof(*seen), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	return seen == MAP_FAILED ? 1 :
	    cmocka_run_group_tests_name("stop", tests, NULL, NULL);
}
