#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "lib/base/fd.h"
#include "tests/relay/script.h"

static char tag[20] = "*";

static void
say_all(int fd, const char *p, size_t len)
{
	if (fd_write_all(fd, p, len) == -1)
		_exit(0);	/* the client has gone */
}

static void
say(int fd, const char *p)
{
	const char *mark;

	for (; (mark = strchr(p, '%')) != NULL; p = mark + 1) {
		say_all(fd, p, (size_t)(mark - p));
		say_all(fd, tag, strlen(tag));
	}
	say_all(fd, p, strlen(p));
}

static void
expect(FILE *f, const char *begin)
{
	char line[8192];

	if (fgets(line, sizeof(line), f) == NULL)
		_exit(1);
	sscanf(line, "%19s", tag);
	if (strstr(line, begin) == NULL) {
		fprintf(stderr, "script wants %s, has %s", begin, line);
		_exit(2);
	}
}

static void
trickle(int fd, const char *arg)
{
	char *text;
	long ms = strtol(arg, &text, 10);
	size_t i;

	for (i = 1;; i = text[i + 1] != '\0' ? i + 1 : 1) {
		say_all(fd, text + i, 1);
		usleep((useconds_t)ms * 1000);
	}
}

static void
step(FILE *f, int fd, const char *s)
{
	char octet, *rest;
	long n;

	switch (*s) {
	case '<':
		expect(f, s + 1);
		break;
	case '>':
		say(fd, s + 1);
		say(fd, "\r\n");
		break;
	case '=':
		say(fd, s + 1);
		break;
	case '~':
		for (n = strtol(s + 1, &rest, 10); n > 0; n--)
			say(fd, rest + 1);
		break;
	case '@':
		trickle(fd, s + 1);
		break;
	case '!':
		_exit(0);
	default:
		while (read(fd, &octet, 1) == 1)
			continue;
	}
}

static void
serve(int fd, const char *const *script)
{
	FILE *f = fdopen(fd, "r");
	char octet;

	signal(SIGPIPE, SIG_IGN);
	for (; *script != NULL; script++)
		step(f, fd, *script);
	/* A last word of the client, or the end. */
	while (read(fd, &octet, 1) == 1)
		continue;
	_exit(0);
}

pid_t
script_start(const char *const *script, int *fd_r)
{
	int fd[2];
	pid_t pid;

	assert_int_equal(fd_pair(fd), 0);
	pid = fork();
	assert_int_not_equal(pid, -1);
	if (pid == 0) {
		close(fd[0]);
		alarm(60);
		serve(fd[1], script);
	}
	close(fd[1]);
	*fd_r = fd[0];
	return pid;
}

void
script_finish(pid_t pid, const char *name)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (status != 0)
		fail_msg("%s: the script was not followed", name);
}
