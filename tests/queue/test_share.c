/* A real queue process: how it shares relay's workers out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "queue/queue_dispatch.h"
#include "tests/queue/fixture.h"

enum { MORE = 4 };
static struct chan more[MORE];	/* besides relay */

static int
setup_workers(void **state, const char *conf)
{
	int i;

	fixture_conf = conf;
	setup(state);
	for (i = 0; i < MORE; i++)
		rig_wire(&rig, PEER_RELAY, &more[i]);
	return 0;
}

static int
setup_eight(void **state)
{
	return setup_workers(state, "relay_workers = 8\n");
}

static int
setup_four(void **state)
{
	return setup_workers(state, "relay_workers = 4\n");
}

static int
setup_one(void **state)
{
	fixture_conf = "relay_workers = 1\n";
	return setup(state);
}

static int
clear(void **state)
{
	int i;

	for (i = 0; i < MORE; i++)
		chan_clear(&more[i]);
	return teardown(state);
}

static void
post(const char *from, const char *to)
{
	char id[17];

	assert_int_equal(rig_send(&smtpd, id, from, TO(to), TEXT), 0);
}

/* The next job of any of the five, and whose it is; NULL: none comes. */
static struct chan *
look(struct rig_job *j, int rounds)
{
	struct chan *c;
	int i;

	for (; rounds > 0; rounds--)
		for (i = 0; i <= MORE; i++) {
			c = i == MORE ? &relay : &more[i];
			while (c->fd != -1 && rig_job(c, j, 5) == 1) {
				if (j->type == J_RELAY)
					return c;
				rig_job_clear(j);
			}
			rig_job_clear(j);
		}
	return NULL;
}

/* The job that must come. */
static struct chan *
any(struct rig_job *j)
{
	struct chan *c = look(j, 1000);

	assert_non_null(c);
	return c;
}

/* The worker that gets a job for that place. */
static struct chan *
sent(const char *dest, struct rig_job *j)
{
	struct chan *c = any(j);

	assert_string_equal(j->dest, dest);
	rig_job_clear(j);
	return c;
}

static void
assert_none(void)
{
	struct rig_job j;

	assert_null(look(&j, 20));
}

static void
done(struct chan *c, const struct rig_job *j)
{
	rig_result(c, j, -1, RESULT_DELIVERED, "2.0.0 ok", "mx [192.0.2.1]");
}

/* One session until a message got through, then relay_per_destination. */
static void
test_unknown_has_one(void **state)
{
	struct rig_job j;
	struct chan *c;
	int i;

	for (i = 0; i < 6; i++)
		post("s@far.test", "a@one.test");
	c = sent("one.test", &j);
	assert_none();
	done(c, &j);
	for (i = 0; i < 4; i++)
		(void)sent("one.test", &j);
	assert_none();
}

/* Two hosts that say nothing, and each has more: the third is served. */
static void
test_silent_hosts(void **state)
{
	struct rig_job j;
	struct chan third;
	int i;

	rig_wire(&rig, PEER_RELAY, &more[0]);
	for (i = 0; i < 4; i++) {
		post("s@far.test", "a@mute.test");
		post("s@far.test", "a@dumb.test");
	}
	for (i = 0; i < 2; i++) {
		(void)any(&j);
		rig_job_clear(&j);
	}
	assert_none();
	post("s@far.test", "a@well.test");
	/* One more is asked for; here it is. */
	assert_int_equal(rig_needed(&rig, RIG_WAIT), 3);
	rig_wire(&rig, PEER_RELAY, &third);
	take(&third, &j);
	assert_string_equal(j.dest, "well.test");
	rig_job_clear(&j);
	chan_clear(&third);
}

/* What a stranger makes us tell silent hosts takes an eighth. */
static void
test_bounces_have_a_share(void **state)
{
	struct rig_job first, j;
	char to[20] = "x@a.mute.test";
	struct chan *c;
	int i;

	for (i = 0; i < 8; i++) {
		to[2] = (char)('a' + i);
		post("", to);
	}
	c = any(&first);
	rig_job_clear(&first);
	assert_none();
	post("anna@example.test", "a@one.test");
	post("anna@example.test", "a@two.test");
	for (i = 0; i < 2; i++) {
		(void)any(&j);
		assert_string_equal(j.sender, "anna@example.test");
		rig_job_clear(&j);
	}
	done(c, &first);
	(void)any(&j);
	assert_string_equal(j.sender, "");
	rig_job_clear(&j);
}

static void
test_bounces_come_last(void **state)
{
	struct rig_job j;
	int i;

	post("s@far.test", "a@one.test");
	take(&relay, &j);
	rig_job_clear(&j);
	post("", "a@bounce.test");
	post("", "a@two.test");
	post("s@far.test", "a@two.test");
	post("s@far.test", "a@three.test");
	done(&relay, &j);
	(void)sent("two.test", &j);
	assert_string_equal(j.sender, "s@far.test");
	done(&relay, &j);
	(void)sent("three.test", &j);
	for (i = 0; i < 2; i++) {
		done(&relay, &j);
		(void)any(&j);
		assert_string_equal(j.sender, "");
		rig_job_clear(&j);
	}
}

/* Other mail that has always more does not keep a bounce out. */
static void
test_bounces_have_a_turn(void **state)
{
	struct rig_job j = { .n = 0 };
	int i;

	post("s@far.test", "a@one.test");
	(void)sent("one.test", &j);
	post("", "a@bounce.test");
	post("", "b@bounce.test");
	for (i = 0; i < 2 * BOUNCE_AFTER + 2; i++)
		post("s@far.test", i % 2 == 0 ? "a@one.test" : "a@two.test");
	done(&relay, &j);
	for (i = 0; i < 2 * (BOUNCE_AFTER + 1); i++) {
		(void)any(&j);
		assert_string_equal(j.sender, i % (BOUNCE_AFTER + 1) ==
		    BOUNCE_AFTER ? "" : "s@far.test");
		rig_job_clear(&j);
		done(&relay, &j);
	}
}

/* A known place that has always more does not keep a new one out. */
static void
test_one_worker_for_all(void **state)
{
	struct rig_job j = { .n = 0 };
	int i;

	post("s@far.test", "a@one.test");
	done(sent("one.test", &j), &j);
	for (i = 0; i < 4; i++)
		post("s@far.test", "a@one.test");
	post("s@far.test", "a@new.test");
	done(sent("one.test", &j), &j);
	done(sent("new.test", &j), &j);
	done(sent("one.test", &j), &j);
}

/* The one worker is told that others wait, once for each job. */
static void
test_hurry(void **state)
{
	struct rig_job j, word;

	post("s@far.test", "a@one.test");
	take(&relay, &j);
	rig_job_clear(&j);
	assert_idle(&relay);
	post("s@far.test", "a@two.test");
	post("s@far.test", "a@three.test");
	take(&relay, &word);
	assert_int_equal(word.type, J_HURRY);
	assert_int_equal(word.id, j.id);
	rig_job_clear(&word);
	assert_idle(&relay);
	done(&relay, &j);
	take(&relay, &j);
	assert_int_equal(j.type, J_RELAY);
	rig_job_clear(&j);
	take(&relay, &word);
	assert_int_equal(word.type, J_HURRY);
	assert_int_equal(word.id, j.id);
	rig_job_clear(&word);
}

/* Hosts of which nothing is known have half, the others what they need. */
static void
test_unknown_has_half(void **state)
{
	struct rig_job j;
	int i;

	post("s@far.test", "a@known.test");
	done(sent("known.test", &j), &j);
	post("s@far.test", "a@mute.test");
	post("s@far.test", "a@dumb.test");
	post("s@far.test", "a@dead.test");
	for (i = 0; i < 2; i++) {
		(void)any(&j);
		rig_job_clear(&j);
	}
	assert_none();
	post("s@far.test", "a@known.test");
	(void)sent("known.test", &j);
}

/* Three that have more than one worker can take: none is passed over. */
static void
test_each_has_its_turn(void **state)
{
	static const char *const to[] = { "a@one.test", "a@two.test",
		"a@three.test" };
	unsigned had[3] = { 0, 0, 0 };
	struct rig_job j = { .n = 0 };
	struct chan *c;
	int i, k;

	/* The first three make them known. */
	for (i = 0; i < 3; i++) {
		post("s@far.test", to[i]);
		done(sent(to[i] + 2, &j), &j);
	}
	for (i = 0; i < 18; i++)
		post("s@far.test", to[i % 3]);
	for (i = 0; i < 9; i++) {
		c = any(&j);
		for (k = 0; k < 3; k++)
			had[k] += strcmp(j.dest, to[k] + 2) == 0;
		rig_job_clear(&j);
		done(c, &j);
	}
	for (k = 0; k < 3; k++)
		assert_int_equal(had[k], 3);
}

#define S(f, s) cmocka_unit_test_setup_teardown(f, s, clear)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		S(test_unknown_has_one, setup_eight),
		S(test_silent_hosts, setup),
		S(test_bounces_have_a_share, setup_eight),
		S(test_bounces_come_last, setup_one),
		S(test_bounces_have_a_turn, setup_one),
		S(test_each_has_its_turn, setup),
		S(test_one_worker_for_all, setup_one),
		S(test_hurry, setup_one),
		S(test_unknown_has_half, setup_four),
	};
	int i;

	for (i = 0; i < MORE; i++)
		chan_init(&more[i], -1);
	return cmocka_run_group_tests_name("queue-share", tests, NULL, NULL);
}
