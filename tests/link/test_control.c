#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <cmocka.h>

#include "lib/base/fd.h"
#include "lib/base/mem.h"
#include "lib/link/control.h"

enum { ROWS = 10000, MANY = CONTROL_MAX + 1 };

struct client {
	struct control_client c;
	char	*held;
	unsigned row;
	pthread_t thread;
};

static struct ev_loop *loop;
static struct control control;
static struct sockaddr_un name;
static struct chan far[MANY];
static struct client *later;	/* whose command is not answered yet */
static unsigned freed, slices, most_waiting;

static void
row(struct client *c)
{
	char text[101];

	memset(text, 'x', 100);
	text[100] = '\0';
	answer_number(&c->c.answer, c->row++);
	answer_text(&c->c.answer, text);
	answer_row(&c->c.answer, "number text", -1);
}

static void *
in_thread(void *arg)
{
	struct client *c = arg;

	while (c->row < ROWS) {
		row(c);
		if (control_chan(&c->c)->out.len > CONTROL_HIGH / 8 &&
		    chan_send(control_chan(&c->c), 5000) == -1)
			return NULL;
	}
	(void)!chan_send(control_chan(&c->c), 5000);
	return NULL;
}

static void
on_command(struct control_client *cc, struct msg *m)
{
	struct client *c = (struct client *)cc;

	free(c->held);
	c->held = msg_get_dup(m, CF_USER);
	c->row = 0;
	if (m->type == C_LIST) {
		control_slices(cc);
	} else if (m->type == C_CHECK) {
		control_lend(cc);
		assert_int_equal(pthread_create(&c->thread, NULL, in_thread,
		    c), 0);
		later = c;
	} else if (m->type == C_RELOAD) {
		later = c;
	} else if (m->type == C_SHOW) {
		while (!cc->answer.lost)
			row(c);
		control_end(cc, C_OK, "");
	} else {
		control_end(cc, C_OK, c->held);
	}
}

static void
on_slice(struct control_client *cc)
{
	struct client *c = (struct client *)cc;
	unsigned i;

	slices++;
	for (i = 0; i < 100 && c->row < ROWS; i++)
		row(c);
	if (control_chan(cc)->out.len > most_waiting)
		most_waiting = (unsigned)control_chan(cc)->out.len;
	if (c->row == ROWS)
		control_end(cc, C_OK, "all");
}

static void
on_clear(struct control_client *cc)
{
	freed++;
	free(((struct client *)cc)->held);
}

static const struct control_kind kind = {
	.size = sizeof(struct client),
	.command = on_command,
	.slice = on_slice,
	.clear = on_clear,
};

static int
setup(void **state)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	socklen_t len = sizeof(name.sun_family);
	unsigned i;

	for (i = 0; i < MANY; i++)
		chan_init(&far[i], -1);
	/* An address without a file. */
	memset(&name, 0, sizeof(name));
	name.sun_family = AF_UNIX;
	if (fd == -1 || bind(fd, (struct sockaddr *)&name, len) == -1 ||
	    listen(fd, MANY) == -1)
		return -1;
	loop = ev_loop_new(EVFLAG_AUTO);
	control_init(&control, loop, &kind);
	control_listen(&control, fd);
	freed = slices = most_waiting = 0;
	later = NULL;
	return 0;
}

static void
run(void)
{
	int i;

	for (i = 0; i < 20; i++)
		ev_run(loop, EVRUN_NOWAIT);
}

static int
teardown(void **state)
{
	unsigned i, n = control.n + freed;

	for (i = 0; i < MANY; i++)
		chan_clear(&far[i]);
	run();
	control_close(&control);
	control_close(&control);
	ev_loop_destroy(loop);
	return control.n == 0 && freed == n ? 0 : -1;
}

static void
dial(struct chan *c)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_un a;
	socklen_t len = sizeof(a);

	assert_int_equal(getsockname(control.accepting.fd,
	    (struct sockaddr *)&a, &len), 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&a, len), 0);
	chan_init(c, fd);
}

static void
command(struct chan *c, unsigned type, uint32_t id, const char *user)
{
	msg_begin(c, &proto_ctl, type, id);
	msg_text(c, CF_USER, user);
	assert_int_equal(msg_end(c), 0);
	assert_int_equal(chan_send(c, 1000), 0);
	run();
}

/* Takes the next frame while the loop runs on: its type, or 0 at the end. */
static unsigned
hear(struct chan *c, struct msg *m)
{
	struct buf why = BUF_INIT(200);
	int i, n, r = 0;

	fd_nonblock(c->fd, 1);
	for (i = 0; i < 1000; i++) {
		r = msg_next(m, &proto_ctl, PEER_QUEUE, c, &why);
		if (r != 0 || (n = chan_read(c)) == 0)
			break;
		ev_run(loop, EVRUN_NOWAIT);
		if (n == -1)
			usleep(1000);	/* a thread may be at work */
	}
	fd_nonblock(c->fd, 0);
	buf_clear(&why);
	assert_int_not_equal(r, -1);
	if (r == 0)
		return 0;
	msg_done(m);
	return m->type;
}

static void
assert_end(struct chan *c, uint32_t id, enum c_status status,
    const char *words)
{
	struct msg m;
	char *s;

	assert_int_equal(hear(c, &m), C_END);
	assert_int_equal(m.id, id);
	assert_int_equal(msg_get_u32(&m, CF_STATUS), status);
	s = msg_get_dup(&m, CF_WORDS);
	assert_string_equal(s, words);
	free(s);
}

/* All rows, in order, the names in the first. */
static void
assert_rows(struct chan *c, uint32_t id)
{
	struct cursor v;
	char text[12];
	const char *p;
	struct msg m;
	unsigned i;
	size_t len;

	for (i = 0; i < ROWS; i++) {
		assert_int_equal(hear(c, &m), C_ROW);
		assert_int_equal(m.id, id);
		assert_int_equal(msg_has(&m, CF_NAMES), i == 0);
		p = msg_get(&m, CF_VALUES, &len);
		cursor_init(&v, p, len);
		assert_int_equal(cursor_u8(&v), C_NUMBER);
		p = cursor_lv(&v, &len, 20);
		snprintf(text, sizeof(text), "%u", i);
		assert_int_equal(len, strlen(text));
		assert_memory_equal(p, text, len);
	}
}

static void
test_commands(void **state)
{
	dial(&far[0]);
	command(&far[0], C_STATUS, 5, "one");
	command(&far[0], C_STATUS, 6, "two");
	assert_end(&far[0], 5, C_OK, "one");
	assert_end(&far[0], 6, C_OK, "two");
	chan_clear(&far[0]);
	run();
	assert_int_equal(freed, 1);
}

static void
test_slices(void **state)
{
	dial(&far[0]);
	command(&far[0], C_LIST, 7, "");
	/* Nobody reads: what waits stays below its bound, and a slice. */
	run();
	assert_true(slices < ROWS / 100);
	assert_true(most_waiting < CONTROL_HIGH + 100 * 200);
	assert_rows(&far[0], 7);
	assert_end(&far[0], 7, C_OK, "all");
	assert_int_equal(slices, ROWS / 100);
	run();
	assert_int_equal(slices, ROWS / 100);
}

/* The answer that is under way keeps its id. */
static void
test_one_at_a_time(void **state)
{
	dial(&far[0]);
	command(&far[0], C_RELOAD, 8, "");
	command(&far[0], C_STATUS, 9, "");
	assert_end(&far[0], 9, C_BUSY, "one command at a time");
	control_end(&later->c, C_OK, "done");
	assert_end(&far[0], 8, C_OK, "done");
	command(&far[0], C_STATUS, 10, "again");
	assert_end(&far[0], 10, C_OK, "again");
}

static void
test_gone_in_slices(void **state)
{
	dial(&far[0]);
	command(&far[0], C_LIST, 1, "");
	chan_clear(&far[0]);
	run();
	assert_int_equal(freed, 1);
	assert_true(slices < ROWS / 100);
}

static void
test_gone_before_the_answer(void **state)
{
	dial(&far[0]);
	command(&far[0], C_RELOAD, 1, "");
	chan_clear(&far[0]);
	run();
	assert_int_equal(freed, 0);
	control_end(&later->c, C_OK, "");
	assert_int_equal(freed, 1);
}

static void
join(void)
{
	assert_int_equal(pthread_join(later->thread, NULL), 0);
	control_end(&later->c, C_OK, "joined");
}

/* What comes meanwhile waits for the end. */
static void
test_lent(void **state)
{
	dial(&far[0]);
	command(&far[0], C_CHECK, 2, "");
	command(&far[0], C_STATUS, 3, "behind");
	assert_rows(&far[0], 2);
	join();
	assert_end(&far[0], 2, C_OK, "joined");
	assert_end(&far[0], 3, C_OK, "behind");
}

static void
test_gone_while_lent(void **state)
{
	dial(&far[0]);
	command(&far[0], C_CHECK, 2, "");
	chan_clear(&far[0]);
	run();
	assert_int_equal(freed, 0);
	join();
	run();
	assert_int_equal(freed, 1);
}

/* An answer that is not whole has no end. */
static void
test_lost_row(void **state)
{
	struct msg m;
	unsigned type;

	dial(&far[0]);
	command(&far[0], C_SHOW, 2, "");
	while ((type = hear(&far[0], &m)) == C_ROW)
		;
	assert_int_equal(type, 0);
	assert_int_equal(freed, 1);
}

static void
test_bad_frame(void **state)
{
	dial(&far[0]);
	assert_int_equal(write(far[0].fd, "GET / HTTP/1.0\n", 15), 15);
	run();
	assert_int_equal(freed, 1);
}

static void
test_more_than_the_bound(void **state)
{
	unsigned i;

	for (i = 0; i < MANY; i++)
		dial(&far[i]);
	run();
	assert_int_equal(control.n, CONTROL_MAX);
	command(&far[MANY - 1], C_STATUS, 2, "waited");
	chan_clear(&far[0]);
	run();
	assert_int_equal(control.n, CONTROL_MAX);
	assert_end(&far[MANY - 1], 2, C_OK, "waited");
}

/* Who is neither root nor of our uid hears nothing. */
static void
test_another_uid(void **state)
{
	struct msg m;

	if (geteuid() != 0) {
		print_message("needs root: another uid\n");
		skip();
	}
	assert_int_equal(seteuid(65534), 0);
	dial(&far[0]);
	assert_int_equal(seteuid(0), 0);
	run();
	assert_int_equal(control.n, 0);
	assert_int_equal(hear(&far[0], &m), 0);
	dial(&far[1]);
	command(&far[1], C_STATUS, 7, "root");
	assert_end(&far[1], 7, C_OK, "root");
}

static void
test_listener_closed(void **state)
{
	int fd[2];

	dial(&far[0]);
	run();
	control_close(&control);
	command(&far[0], C_STATUS, 2, "still");
	assert_end(&far[0], 2, C_OK, "still");
	chan_clear(&far[0]);
	run();
	assert_int_equal(freed, 1);
	/* Another one in its place; what is no listener is closed. */
	assert_int_equal(fd_pair(fd), 0);
	control_listen(&control, fd[0]);
	chan_init(&far[1], fd[1]);
	assert_int_equal(write(fd[1], "x", 1), 1);
	run();
	assert_false(control.listening);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_commands),
		T(test_slices),
		T(test_one_at_a_time),
		T(test_gone_in_slices),
		T(test_gone_before_the_answer),
		T(test_lent),
		T(test_gone_while_lent),
		T(test_lost_row),
		T(test_bad_frame),
		T(test_more_than_the_bound),
		T(test_another_uid),
		T(test_listener_closed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
