/*
 * A real queue process of one test, with a worker of each kind at its wires.
 */
#ifndef TESTS_QUEUE_FIXTURE_H
#define TESTS_QUEUE_FIXTURE_H

#include "tests/queue/rig.h"

#define TO(...) (const char *const []){ __VA_ARGS__, NULL }
#define TEXT "Subject: test\r\nX-Header: \303\244\r\n\r\nbody\r\n"

extern struct rig rig;
extern struct chan smtpd, deliver, relay;
/* Lines of the configuration; teardown empties it. */
extern const char *fixture_conf;

int	setup(void **state);
int	setup_quick(void **state);	/* retries after a second */
int	setup_smart(void **state);	/* with a smarthost */
int	teardown(void **state);
void	wire_all(void);
/* Kills queue, starts it again, wires it. */
void	again(void);
/* The same, with the clock of the new one ahead by that; NULL: right. */
void	again_at(const char *seconds);
void	nap(int ms);

/* No body is left. They go a little after the record: waits for it. */
void	assert_empty(void);
/* Waits until that column of all targets is these, a blank behind each. */
void	assert_column(unsigned column, const char *want);
/* The same for the column of their states. */
void	assert_states(const char *want);
/* Waits until what the operator is told of the queue begins with these. */
void	assert_status(const char *want);
/* No job comes for a while. */
void	assert_idle(struct chan *c);
/* The job that must come; the caller's to clear. */
void	take(struct chan *c, struct rig_job *j);
/*
 * Asks by the control socket and reads all rows; their number. The values of
 * column are in out, each with a blank behind.
 */
extern char fixture_said[300];	/* the words at its end */
unsigned ask(unsigned command, const char *id, unsigned column, char *out,
	    size_t size, uint32_t *status_r);

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
#define TQ(f) cmocka_unit_test_setup_teardown(f, setup_quick, teardown)

#endif
