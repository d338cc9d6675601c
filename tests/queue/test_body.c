/* The bodies: what is left to the mail that comes in. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "queue/queue.h"
#include "queue/queue_body.h"

static char dir[] = "/tmp/test_body.XXXXXX";
static int stocked;

static void
on_stock(void)
{
	stocked++;
}

static int
setup(void **state)
{
	struct buf why = BUF_INIT(200);

	assert_non_null(mkdtemp(dir));
	queue.loop = ev_default_loop(0);
	queue.files = lane_new(queue.loop, "files");
	assert_int_equal(body_start(dir, 0, on_stock, &why), 0);
	return 0;
}

static int
teardown(void **state)
{
	char cmd[100];

	lane_free(&queue.files);
	body_stop();
	snprintf(cmd, sizeof(cmd), "rm -rf %s", dir);
	return system(cmd);
}

static void
wait_for_stock(void)
{
	int before = stocked;

	while (stocked == before)
		ev_run(queue.loop, EVRUN_ONCE);
}

static unsigned
take(int (*from)(uint64_t *, int *))
{
	unsigned n = 0;
	uint64_t id;
	int fd;

	for (; from(&id, &fd) == 0; n++)
		close(fd);
	return n;
}

/* What can wait leaves the reserve, and has more made. */
static void
test_reserve(void **state)
{
	wait_for_stock();
	assert_int_equal(take(body_take_spare), BODY_BATCH - BODY_RESERVE);
	assert_int_equal(take(body_take), BODY_RESERVE);
	assert_int_equal(take(body_take_spare), 0);
	wait_for_stock();
	assert_int_equal(take(body_take_spare), BODY_BATCH - BODY_RESERVE);
	wait_for_stock();
	assert_int_equal(take(body_take_spare), BODY_BATCH);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reserve),
	};

	return cmocka_run_group_tests_name("body", tests, setup, teardown);
}
