/*
 * A loop reads its configuration again: the whole of it, or nothing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <cmocka.h>

#include "lib/base/fd.h"
#include "lib/mail/proto.h"
#include "lib/server/server_impl.h"

static struct {
	uint64_t number;
	int	 verbose;
} conf;
static int reloads, answer, given[SERVER_FILES];

static int
reload(void)
{
	int i;

	reloads++;
	for (i = 0; i < SERVER_FILES; i++)
		given[i] = server_file((enum server_file)i);
	return answer;
}

static const struct settings_key keys[] = {
	{ "number", SETTINGS_NUMBER, 0, "5", 1, 100, NULL, "any" },
	SETTINGS_END
};
static const struct server server = { .keys = keys, .conf = &conf,
	.verbose = &conf.verbose, .reload = reload };

static int
text_fd(const char *text)
{
	int fd = memfd_create("conf", MFD_CLOEXEC);

	assert_int_equal(fd_write_all(fd, text, strlen(text)), 0);
	return fd;
}

/* What master says: the file, and what of certificate and key there is. */
static int
told(const char *text, int more)
{
	struct chan c;
	struct msg m;
	int fd[2], i, r;

	assert_int_equal(fd_pair(fd), 0);
	chan_init(&c, fd[0]);
	chan_init(&server_state.master, fd[1]);
	server_state.s = &server;
	msg_begin(&c, &proto_wire, WIRE_RELOAD, 0);
	msg_fd(&c, text_fd(text));
	for (i = 0; i < more; i++)
		msg_fd(&c, text_fd("pem"));
	assert_int_equal(msg_end(&c), 0);
	assert_int_equal(chan_send(&c, 1000), 0);
	server_read();
	assert_int_equal(server_next(&m), 1);
	r = server_reload(&m);
	msg_done(&m);
	chan_clear(&c);
	chan_clear(&server_state.master);
	return r;
}

static void
test_values(void **state)
{
	reloads = answer = 0;
	assert_int_equal(told("number = 7\n", 0), 0);
	assert_int_equal(conf.number, 7);
	assert_int_equal(reloads, 1);
	/* What is not said any more is the default. */
	assert_int_equal(told("", 0), 0);
	assert_int_equal(conf.number, 5);
	assert_int_equal(reloads, 2);
}

static void
test_refused(void **state)
{
	static const char *const bad[] = { "number = many\n", "number = 101\n",
		"number = 8\nnumber = 9\n", "number = 8\nno key and value\n" };
	size_t i;

	answer = 0;
	assert_int_equal(told("number = 7\n", 0), 0);
	reloads = 0;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(told(bad[i], 0), -1);
		assert_int_equal(conf.number, 7);
	}
	assert_int_equal(reloads, 0);
	/* The program itself may say so. */
	answer = -1;
	assert_int_equal(told("number = 9\n", 0), -1);
	assert_int_equal(reloads, 1);
}

static void
test_files(void **state)
{
	int i;

	answer = 0;
	assert_int_equal(told("", 2), 0);
	for (i = 0; i < SERVER_FILES; i++) {
		assert_int_not_equal(given[i], -1);
		/* They are lent for the time of the call. */
		assert_int_equal(server_file((enum server_file)i), -1);
		assert_int_equal(fcntl(given[i], F_GETFD), -1);
	}
	assert_int_equal(told("", 0), 0);
	for (i = 0; i < SERVER_FILES; i++)
		assert_int_equal(given[i], -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
