/*
 * Who counts as a crowd: places by their origin, the share of one origin when
 * all workers are busy, and the clients of a worker that come and go.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <cmocka.h>

#include "lib/base/fd.h"
#include "lib/server/crowd.h"
#include "lib/server/wire.h"
#include "lib/server/work_crowd.h"

static void
test_count(void **state)
{
	int fd = crowd_make();
	struct crowd *c = crowd_map(fd);
	unsigned all;

	assert_int_not_equal(fd, -1);
	assert_non_null(c);
	/* Nobody changes its size under another. */
	assert_int_equal(ftruncate(fd, 1), -1);
	assert_int_equal(ftruncate(fd, sizeof(*c) + 1), -1);
	assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), -1);
	close(fd);
	c->used = 4;
	crowd_set(c, 0, 7);
	crowd_set(c, 1, 8);
	crowd_set(c, 3, 7);
	crowd_set(c, 4, 7);		/* never given */
	assert_int_equal(crowd_count(c, 7, &all), 2);
	assert_int_equal(all, 3);
	crowd_set(c, 3, 0);
	assert_int_equal(crowd_count(c, 7, &all), 1);
	assert_int_equal(all, 2);
	/* A waiting time is the client's: it ends with it. */
	crowd_wait(c, 1, 1234);
	assert_int_equal(crowd_waits(c, 1), 1234);
	crowd_set(c, 1, 9);
	assert_int_equal(crowd_waits(c, 1), 0);
	/* What a program that was broken into writes there harms nobody. */
	c->used = UINT64_MAX;
	assert_int_equal(crowd_count(c, 7, &all), 2);
	assert_int_equal(all, 3);
	munmap(c, sizeof(*c));
}

static void
test_shares(void **state)
{
	static const struct { unsigned max, reserve, share; } t[] = {
		{ 1, 1, 1 }, { 9, 1, 1 }, { 10, 2, 1 }, { 20, 3, 2 },
		{ 100, 11, 6 }, { 1000, 101, 51 },
	};
	size_t i;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		assert_int_equal(crowd_reserve(t[i].max), t[i].reserve);
		assert_int_equal(crowd_share(t[i].max), t[i].share);
	}
}

/* WIRE_CROWD as master sends it. */
static void
give(int fd, unsigned place, unsigned most, unsigned max)
{
	struct buf why = BUF_INIT(200);
	struct chan a, b;
	struct msg m;
	int p[2];

	assert_int_equal(fd_pair(p), 0);
	chan_init(&a, p[0]);
	chan_init(&b, p[1]);
	msg_begin(&a, &proto_wire, WIRE_CROWD, 0);
	msg_u32(&a, WF_PLACE, place);
	msg_u32(&a, WF_MOST, most);
	msg_u32(&a, WF_MAX, max);
	msg_fd(&a, dup(fd));
	assert_int_equal(msg_end(&a), 0);
	assert_int_equal(chan_send(&a, 1000), 0);
	assert_int_equal(msg_recv(&m, &proto_wire, PEER_MASTER, &b, 1000,
	    &why), 1);
	work_crowd_given(&m);
	msg_done(&m);
	chan_clear(&a);
	chan_clear(&b);
	buf_clear(&why);
}

/* Sets places 10 to 10 + n - 1. */
static void
fill(struct crowd *c, unsigned n, uint64_t origin)
{
	unsigned i;

	for (i = 0; i < n; i++)
		crowd_set(c, 10 + i, origin);
	c->used = 10 + n;
}

static void
test_join(void **state)
{
	static const struct {
		unsigned most, max, there, others;
		int	 crowded;
	} t[] = {
		/* so many of one origin, itself among them */
		{ 5, 100, 4, 0, 0 }, { 5, 100, 5, 0, 1 }, { 5, 100, 6, 0, 1 },
		{ 1, 100, 0, 0, 0 }, { 1, 100, 1, 0, 1 },
		/* all are busy: no more than a share */
		{ 50, 20, 1, 18, 0 }, { 50, 20, 1, 19, 0 },
		{ 50, 20, 2, 17, 0 },
		{ 50, 20, 2, 18, 1 }, { 50, 20, 0, 50, 0 },
		/* no bound */
		{ 0, 20, 90, 90, 0 },
	};
	struct crowd *c;
	unsigned all;
	size_t i;
	int fd = crowd_make();

	/* Before master gave a table nobody is counted. */
	assert_int_equal(work_crowd_join(7), 0);
	work_crowd_leave();
	c = crowd_map(fd);
	assert_non_null(c);
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		give(fd, 3, t[i].most, t[i].max);
		fill(c, 200, 0);
		fill(c, t[i].there, 7);
		for (all = 0; all < t[i].others; all++)
			crowd_set(c, 10 + t[i].there + all, 100 + all);
		c->used = 10 + t[i].there + t[i].others;
		if (work_crowd_join(7) != t[i].crowded)
			fail_msg("row %zu", i);
		assert_int_equal(c->at[3], 7);
		work_crowd_wait(99);
		assert_int_equal(crowd_waits(c, 3), 99);
		work_crowd_leave();
		assert_int_equal(c->at[3], 0);
		assert_int_equal(crowd_waits(c, 3), 0);
	}
	/* A client without an origin takes no place. */
	assert_int_equal(work_crowd_join(0), 0);
	assert_int_equal(c->at[3], 0);
	munmap(c, sizeof(*c));
	close(fd);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_count),
		cmocka_unit_test(test_shares),
		cmocka_unit_test(test_join),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
