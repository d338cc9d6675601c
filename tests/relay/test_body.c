/*
 * A large body on its way out: the host that refuses it in the middle, the one
 * that reads as slowly as it may, the one whose line has no end.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "lib/base/fd.h"
#include "relay/relay_client.h"
#include "relay/relay_hurry.h"
#include "relay/relay_transaction.h"

enum {
	SIZE = 8 << 20,
	LONG = 60000,		/* ms: nothing here ends by that */
	HUNG = 30,		/* s: a server still alive then ends badly */
};

static const struct client_times patient = {
	.connect = LONG, .greeting = LONG, .command = LONG, .data = LONG,
	.block = LONG, .dot = LONG, .quit = 100, .session = LONG,
	.rate = 8000,
};

static void
say(int fd, const char *p)
{
	if (send(fd, p, strlen(p), MSG_NOSIGNAL) == -1)
		_exit(2);
}

/* Reads so many octets; ends with status 2 where there are fewer. */
static void
take(int fd, size_t n)
{
	static char block[64 * 1024];
	ssize_t got;

	while (n > 0) {
		got = read(fd, block, n < sizeof(block) ? n : sizeof(block));
		if (got <= 0)
			_exit(2);
		n -= (size_t)got;
	}
}

/* 0 where the client goes before it has sent what a whole body has. */
static void
take_rest(int fd, size_t had, useconds_t pause)
{
	static char block[16 * 1024];
	ssize_t got;

	while ((got = read(fd, block, sizeof(block))) > 0) {
		had += (size_t)got;
		usleep(pause);
	}
	_exit(had < SIZE ? 0 : 1);
}

static void
until(int fd, const char *word)
{
	char line[1000];
	size_t n = 0;

	while (n < sizeof(line) - 1 && read(fd, line + n, 1) == 1)
		if (line[n++] == '\n') {
			if (strncmp(line, word, strlen(word)) == 0)
				return;
			n = 0;
		}
	_exit(2);
}

static void
greet(int fd)
{
	say(fd, "220 mx\r\n");
	until(fd, "EHLO");
	say(fd, "250-mx\r\n250 PIPELINING\r\n");
	until(fd, "DATA");
	say(fd, "250 ok\r\n250 ok\r\n354 go\r\n");
}

static void
refuse_and_read(int fd)
{
	greet(fd);
	take(fd, SIZE / 8);
	say(fd, "552 5.3.4 too big for me\r\n");
	take_rest(fd, SIZE / 8, 0);
}

static void
refuse_and_close(int fd)
{
	greet(fd);
	take(fd, SIZE / 8);
	say(fd, "552 5.3.4 too big for me\r\n");
	_exit(0);
}

static void
read_slowly(int fd)
{
	greet(fd);
	take_rest(fd, 0, 20000);
}

static void
line_without_end(int fd)
{
	char octets[8001];

	memset(octets, 'x', sizeof(octets) - 1);
	memcpy(octets, "220 ", 4);
	octets[sizeof(octets) - 1] = '\0';
	say(fd, octets);
	/* Only the client can end this well. */
	take_rest(fd, 0, 0);
}

static pid_t
start(void (*run)(int), int *fd_r)
{
	int fd[2];
	pid_t pid;

	assert_int_equal(fd_pair(fd), 0);
	assert_int_not_equal(pid = fork(), -1);
	if (pid == 0) {
		close(fd[0]);
		alarm(HUNG);
		run(fd[1]);
		_exit(2);
	}
	close(fd[1]);
	*fd_r = fd[0];
	return pid;
}

static int
body(void)
{
	static char line[1024];
	FILE *f = tmpfile();
	int i, fd;

	assert_non_null(f);
	memset(line, 'y', sizeof(line));
	memcpy(line + sizeof(line) - 2, "\r\n", 2);
	for (i = 0; i < SIZE / (int)sizeof(line); i++)
		assert_int_equal(fwrite(line, sizeof(line), 1, f), 1);
	assert_int_equal(fflush(f), 0);
	fd = dup(fileno(f));
	fclose(f);
	return fd;
}

/* Greets and sends; what has become of the recipient, and that it ended. */
static void
send_to(void (*run)(int), const struct client_times *times,
    struct relay_recipient *to)
{
	struct relay_message m = { .fd = body(), .length = SIZE,
		.sender = "a@us.test" };
	struct relay_client c;
	int fd, status;
	pid_t pid = start(run, &fd);

	client_init(&c, fd, "mx", times);
	if (client_greet(&c, "us.test") != RESULT_DELIVERED)
		recipient_set(to, RESULT_LATER, buf_str(&c.words));
	else if (transaction_run(&c, &m, to, 1) == RESULT_DELIVERED)
		fail_msg("delivered");
	assert_true(c.dead);
	client_clear(&c);
	close(m.fd);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void
test_refused_in_the_middle(void **state)
{
	struct relay_recipient to = {
		.address = (char *)(uintptr_t)"one@far.test" };

	send_to(refuse_and_read, &patient, &to);
	assert_int_equal(to.result, RESULT_NEVER);
	assert_string_equal(to.words, "5.3.4 mx said: 552 5.3.4 too big for "
	    "me");
	free(to.words);
}

static void
test_refused_and_closed(void **state)
{
	struct relay_recipient to = {
		.address = (char *)(uintptr_t)"one@far.test" };

	send_to(refuse_and_close, &patient, &to);
	assert_int_equal(to.result, RESULT_NEVER);
	assert_string_equal(to.words, "5.3.4 mx said: 552 5.3.4 too big for "
	    "me");
	free(to.words);
}

/* Each block renews the wait for one; the time for the whole ends it. */
static void
test_slow_reader(void **state)
{
	struct relay_recipient to = {
		.address = (char *)(uintptr_t)"one@far.test" };
	struct client_times times = patient;

	times.session = 700;
	times.rate = (uint64_t)SIZE * 1000;
	send_to(read_slowly, &times, &to);
	assert_int_equal(to.result, RESULT_LATER);
	assert_string_equal(to.words, "4.4.2 mx did not answer in time");
	free(to.words);
}

static void
test_line_without_end(void **state)
{
	struct relay_recipient to = {
		.address = (char *)(uintptr_t)"one@far.test" };

	send_to(line_without_end, &patient, &to);
	assert_int_equal(to.result, RESULT_LATER);
	assert_string_equal(to.words, "4.5.0 mx sent a line without end");
	free(to.words);
}

static int host, stopped;

/*
 * Asked after a silent second: the host says all that it ever says. Asked
 * before the next wait, which reads it; and for a second line, already there:
 * now there is a stop.
 */
static int
replies_then_stop(int hear)
{
	static int asked;

	if (++asked == 1) {
		say(host, "250-ok\r\n250 ok\r\n250 ok\r\n354 go\r\n");
		assert_int_equal(shutdown(host, SHUT_WR), 0);
	}
	stopped = asked > 2;
	return stopped;
}

/*
 * The wait is cut, the replies are there all the same, and the job goes on:
 * after the dot the host may have the message, and the job is not as it was.
 */
static void
test_stop_before_the_body(void **state)
{
	static const char text[] = "Subject: x\r\n\r\nbody\r\n";
	struct relay_recipient to = {
		.address = (char *)(uintptr_t)"one@far.test" };
	struct relay_message m = { .fd = -1, .data = text,
		.length = sizeof(text) - 1, .sender = "a@us.test" };
	struct relay_client c;
	char got[200];
	int fd[2];
	ssize_t n;

	assert_int_equal(fd_pair(fd), 0);
	host = fd[1];
	client_init(&c, fd[0], "mx", &patient);
	c.features = CLIENT_PIPELINING;
	hurry_begin(NULL, 1);
	hurry_stop_by(replies_then_stop);
	assert_int_equal(transaction_run(&c, &m, &to, 1), RESULT_NEVER);
	assert_true(stopped);
	assert_false(hurry_cut());
	hurry_stop_by(NULL);
	assert_int_equal(to.result, RESULT_LATER);
	client_clear(&c);
	n = read(host, got, sizeof(got));
	assert_true(n > 9);
	assert_memory_equal(got + n - 9, "body\r\n.\r\n", 9);
	close(host);
	free(to.words);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refused_in_the_middle),
		cmocka_unit_test(test_refused_and_closed),
		cmocka_unit_test(test_slow_reader),
		cmocka_unit_test(test_line_without_end),
		cmocka_unit_test(test_stop_before_the_body),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests_name("body", tests, NULL, NULL);
}
