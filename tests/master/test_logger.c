/*
 * The logger's file and lines: what is cut, what waits, what is said of lines
 * that were lost, how files follow one another.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#include "lib/base/fd.h"
#include "lib/base/log.h"
#include "master/logger.h"
#include "master/logger_conf.h"
#include "master/logger_file.h"
#include "master/logger_line.h"
#include "master/logger_syslog.h"

/* The log is open to the end, and what tells of a full one (tests/guard.c). */
extern const char *const guard_leaves[];
const char *const guard_leaves[] = { "/tmp/test-logger-", "pipe:", NULL };

static int exited;

void
server_exit(void)
{
	exited = 1;
}

/* A write of the log's file fails so. */
static int write_fails;
ssize_t	__real_write(int fd, const void *p, size_t n);
ssize_t	__wrap_write(int fd, const void *p, size_t n);

ssize_t
__wrap_write(int fd, const void *p, size_t n)
{
	if (write_fails == 0 || fd <= 2)
		return __real_write(fd, p, n);
	errno = write_fails;
	return -1;
}

static char dir[] = "/tmp/test-logger-XXXXXX";

/* What stands in the file of that name; NULL where it is not there. */
static const char *
text_of(const char *name)
{
	static char text[3 << 20];
	int fd = open(name, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd == -1)
		return NULL;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	text[n > 0 ? n : 0] = '\0';
	return text;
}

static void
put(const char *line)
{
	if (logger_line(logger_file_out(), 0, "smtpd", 7, line,
	    strlen(line)) == -1)
		logger_file_lost();
}

/* All of dir, in the order of names: "rohrpost.log rohrpost.log.1 ". */
static const char *
names(void)
{
	static char all[1000];
	struct dirent **list;
	int i, n = scandir(".", &list, NULL, alphasort);

	all[0] = '\0';
	for (i = 0; i < n; i++) {
		if (list[i]->d_name[0] != '.')
			snprintf(all + strlen(all), sizeof(all) - strlen(all),
			    "%s ", list[i]->d_name);
		free(list[i]);
	}
	free(list);
	return all;
}

static void
test_lines(void **state)
{
	static const struct {
		const char *in, *out;
		int	 priority;
	} t[] = {
		{ "i hello", "info hello", LOG_INFO },
		{ "w hello", "warn hello", LOG_WARNING },
		{ "f hello", "fatal hello", LOG_ERR },
		{ "p hello", "panic hello", LOG_CRIT },
		{ "d hello", "debug hello", LOG_DEBUG },
		{ "hello", "other hello", LOG_WARNING },
		{ "ihello", "other ihello", LOG_WARNING },
		{ "i", "other i", LOG_WARNING },
		{ "", "other ", LOG_WARNING },
		{ "i a\nw b\x1b[2J", "info a\\x0aw b\\x1b[2J", LOG_INFO },
	};
	struct buf b = BUF_INIT(0);
	char want[200];
	size_t i;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		buf_reset(&b);
		assert_int_equal(logger_line(&b, 1767323045006999, "smtpd", 7,
		    t[i].in, strlen(t[i].in)), t[i].priority);
		snprintf(want, sizeof(want), "2026-01-02T03:04:05.006Z "
		    "smtpd[7] %s\n", t[i].out);
		assert_string_equal(buf_str(&b), want);
	}
	buf_clear(&b);
}

/* A line is cut, not what is around it; one that does not fit is taken back. */
static void
test_bounds(void **state)
{
	static char text[LOG_LINE_MAX + 100];
	struct buf b = BUF_INIT(0), small = BUF_INIT(300);

	memset(text, 'x', sizeof(text) - 1);
	text[0] = 'i';
	text[1] = ' ';
	(void)logger_line(&b, 0, "smtpd", 7, text, sizeof(text) - 1);
	assert_int_equal(strspn(strchr(buf_str(&b), 'x'), "x"), LOG_LINE_MAX);
	assert_int_equal(b.data[b.len - 1], '\n');
	buf_clear(&b);
	assert_true(logger_line(&small, 0, "a", 1, "i short", 7) >= 0);
	assert_int_equal(logger_line(&small, 0, "a", 1, text, 200), -1);
	assert_string_equal(buf_str(&small), "1970-01-01T00:00:00.000Z a[1] "
	    "info short\n");
	buf_clear(&small);
}

static void
test_rotation(void **state)
{
	char line[40];
	int i;

	logger_conf.size = 4096;
	logger_conf.keep = 3;
	assert_int_equal(logger_file_open(), 0);
	for (i = 0; i < 6; i++) {
		snprintf(line, sizeof(line), "i turn %d", i);
		put(line);
		logger_file_flush();
		/* Until it is full. */
		while (strstr(text_of("rohrpost.log"), line + 2) != NULL) {
			put("i fill");
			logger_file_flush();
		}
	}
	assert_string_equal(names(), "rohrpost.log rohrpost.log.1 "
	    "rohrpost.log.2 rohrpost.log.3 ");
	/* The youngest is the first; the oldest went. */
	assert_non_null(strstr(text_of("rohrpost.log.1"), "turn 5\n"));
	assert_non_null(strstr(text_of("rohrpost.log.2"), "turn 4\n"));
	assert_non_null(strstr(text_of("rohrpost.log.3"), "turn 3\n"));
	assert_true(strlen(text_of("rohrpost.log.1")) >= 4096);
	assert_true(strlen(text_of("rohrpost.log.1")) < 4096 + 200);
	/* What stands in it at the start counts. */
	assert_int_equal(truncate("rohrpost.log", 4095), 0);
	assert_int_equal(logger_file_open(), 0);
	put("i the line behind the start");
	logger_file_flush();
	assert_string_equal(text_of("rohrpost.log"), "");
	logger_conf.size = 1 << 30;
}

/* Moved away, removed: the next lines are in a new file, at its place. */
static void
test_moved(void **state)
{
	struct stat st;

	put("i one");
	logger_file_flush();
	assert_int_equal(rename("rohrpost.log", "moved"), 0);
	logger_file_look();
	put("i two");
	logger_file_flush();
	assert_non_null(strstr(text_of("moved"), "one\n"));
	assert_null(strstr(text_of("moved"), "two\n"));
	assert_string_equal(strstr(text_of("rohrpost.log"), "info"),
	    "info two\n");
	assert_int_equal(stat("rohrpost.log", &st), 0);
	assert_int_equal(st.st_mode & 0777, 0640);
	assert_int_equal(unlink("rohrpost.log"), 0);
	logger_file_look();
	put("i three");
	logger_file_flush();
	assert_string_equal(strstr(text_of("rohrpost.log"), "info"),
	    "info three\n");
	/* Another file at its place, as who moves it may make one. */
	assert_int_equal(rename("rohrpost.log", "moved"), 0);
	close(open("rohrpost.log", O_WRONLY | O_CREAT | O_EXCL, 0640));
	logger_file_look();
	put("i other");
	logger_file_flush();
	assert_string_equal(strstr(text_of("rohrpost.log"), "info"),
	    "info other\n");
	/* It is left alone where it stands, and where none can be made. */
	logger_file_look();
	assert_int_equal(unlink("rohrpost.log"), 0);
	assert_int_equal(symlink("elsewhere", "rohrpost.log"), 0);
	logger_file_look();
	put("i four");
	logger_file_flush();
	assert_null(text_of("elsewhere"));
	assert_int_equal(unlink("rohrpost.log"), 0);
	logger_file_look();
	put("i five");
	logger_file_flush();
	assert_string_equal(strstr(text_of("rohrpost.log"), "info"),
	    "info five\n");
	unlink("moved");
}

/* Each file that another came for is closed. */
static void
test_moved_often(void **state)
{
	int i, next = dup(0);

	assert_int_not_equal(next, -1);
	close(next);
	for (i = 0; i < 3; i++) {
		assert_int_equal(unlink("rohrpost.log"), 0);
		logger_file_look();
		assert_int_equal(access("rohrpost.log", F_OK), 0);
		put("i there");
		logger_file_flush();
	}
	i = dup(0);
	assert_in_range(i, next - 1, next + 1);
	close(i);
}

/* What the disk refuses waits; what has no room is counted, and told. */
static void
test_full_disk(void **state)
{
	static char text[1000];
	unsigned long lost;
	const char *p;
	unsigned i;

	memset(text, 'y', sizeof(text) - 1);
	text[0] = 'i';
	text[1] = ' ';
	write_fails = ENOSPC;
	put("i waits");
	logger_file_flush();
	assert_null(strstr(text_of("rohrpost.log"), "waits"));
	write_fails = 0;
	logger_file_flush();
	assert_non_null(strstr(text_of("rohrpost.log"), "info waits\n"));
	write_fails = ENOSPC;
	for (i = 0; i < 1200; i++)
		put(text);
	logger_file_flush();
	write_fails = 0;
	logger_file_flush();
	logger_file_flush();
	p = strstr(text_of("rohrpost.log"), " lines were lost\n");
	assert_non_null(p);
	while (p[-1] >= '0' && p[-1] <= '9')
		p--;
	lost = strtoul(p, NULL, 10);
	for (i = 0, p = text_of("rohrpost.log"); (p = strstr(p, "info yyy")) !=
	    NULL; p++)
		i++;
	assert_int_equal(i + lost, 1200);
	assert_true(i > 900);
	/* Told once. */
	put("i after");
	logger_file_flush();
	p = strstr(text_of("rohrpost.log"), " lines were lost\n");
	assert_null(strstr(p + 1, " lines were lost\n"));
	assert_non_null(strstr(p, "info after\n"));
}

static struct ev_loop *loop;

/* A pipe of a program: its write end. */
static int
program(enum peer peer, uint32_t pid)
{
	struct wire w = { .peer = peer, .instance = pid };
	int fd[2];

	assert_int_equal(pipe2(fd, O_CLOEXEC | O_NONBLOCK), 0);
	w.fd = fd[0];
	logger_wired(loop, &w);
	return fd[1];
}

static void
say(int fd, const char *text)
{
	assert_int_equal(__real_write(fd, text, strlen(text)), strlen(text));
	ev_run(loop, EVRUN_NOWAIT);
	ev_run(loop, EVRUN_NOWAIT);
}

static void
has(const char *line, int want)
{
	if ((strstr(text_of("rohrpost.log"), line) != NULL) != want)
		fail_msg("%s%s", want ? "not there: " : "", line);
}

/* Pieces become lines; what is too long is cut once; the end is a line too. */
static void
test_pipes(void **state)
{
	static char text[3 * LOG_LINE_MAX];
	const char *p;
	int a, b, out, null;

	loop = ev_loop_new(EVFLAG_AUTO);
	/* It copies to descriptor 1, unless that is /dev/null. */
	out = dup(STDOUT_FILENO);
	null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	dup2(null, STDOUT_FILENO);
	logger_go(loop);
	dup2(out, STDOUT_FILENO);
	close(out);
	close(null);
	a = program(PEER_QUEUE, 11);
	b = program(PEER_STORE, 12);
	say(a, "i first\ni se");
	has("queue[11] info first\n", 1);
	has("info se", 0);
	say(b, "i of another\n");
	has("store[12] info of another\n", 1);
	say(a, "cond\ni third\n");
	has("queue[11] info second\n", 1);
	has("queue[11] info third\n", 1);
	memset(text, 'z', sizeof(text) - 1);
	text[0] = 'w';
	text[1] = ' ';
	say(a, text);
	say(a, "zzz of it\ni next\n");
	p = strstr(text_of("rohrpost.log"), "queue[11] warn z");
	assert_non_null(p);
	p = strchr(p, 'z');
	assert_true(strspn(p, "z") >= LOG_LINE_MAX - 20);
	assert_true(strspn(p, "z") <= LOG_LINE_MAX);
	p = strchr(p, '\n');
	assert_non_null(strstr(p, "queue[11] info next\n"));
	assert_null(strstr(p, "of it"));
	assert_null(strstr(p, "warn z"));
	say(a, "p last words");
	close(a);
	ev_run(loop, EVRUN_NOWAIT);
	ev_run(loop, EVRUN_NOWAIT);
	has("queue[11] panic last words\n", 1);
	/* At its own end it reads what is there still. */
	assert_int_equal(__real_write(b, "w at the end\n", 13), 13);
	logger_stop(loop);
	has("store[12] warn at the end\n", 1);
	assert_int_equal(exited, 1);
	close(b);
	ev_loop_destroy(loop);
}

/* A daemon at that path, one that reads when it is asked. */
static int
daemon_at(const char *path)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	unlink(path);
	snprintf(un.sun_path, sizeof(un.sun_path), "%s", path);
	assert_int_equal(bind(fd, (struct sockaddr *)&un, sizeof(un)), 0);
	return fd;
}

/* The next line that the daemon has; NULL: none. */
static const char *
taken(int fd)
{
	static char text[3000];
	ssize_t n = recv(fd, text, sizeof(text) - 1, 0);

	text[n > 0 ? n : 0] = '\0';
	return n > 0 ? text : NULL;
}

static char told[400];

static void
tell(const char *words)
{
	snprintf(told, sizeof(told), "%s", words);
}

/* What the tick says; "" where it is nothing. */
static const char *
tick(void)
{
	told[0] = '\0';
	logger_syslog_tick(tell);
	return told;
}

/* As syslog(3) writes it, in the time of here. */
static void
test_syslog_form(void **state)
{
	int fd = daemon_at("log");

	setenv("TZ", "XXX-2", 1);
	tzset();
	logger_syslog_path = "log";
	logger_syslog(LOG_INFO, 1767323045, "smtpd[7] info aXX", 15);
	assert_string_equal(taken(fd),
	    "<22>Jan  2 05:04:05 rohrpost: smtpd[7] info a");
	assert_null(taken(fd));
	assert_string_equal(tick(), "");
	logger_syslog_close();
	close(fd);
}

/* Nobody there; a daemon; another at its place: only the first loses lines. */
static void
test_syslog_restart(void **state)
{
	int fd;

	unlink("log");
	logger_syslog(LOG_WARNING, 0, "one", 3);
	logger_syslog(LOG_WARNING, 0, "two", 3);
	assert_string_equal(tick(), "log: No such file or directory: no line "
	    "is taken; they are counted");
	assert_string_equal(tick(), "");
	fd = daemon_at("log");
	assert_string_equal(tick(), "log: 2 lines were not taken (No such "
	    "file or directory)");
	logger_syslog(LOG_WARNING, 0, "three", 5);
	assert_non_null(strstr(taken(fd), ": three"));
	close(fd);
	fd = daemon_at("log");
	logger_syslog(LOG_WARNING, 0, "four", 4);
	assert_non_null(strstr(taken(fd), ": four"));
	assert_string_equal(tick(), "");
	logger_syslog_close();
	close(fd);
}

/* A daemon that does not read: no line waits, each is there or is counted. */
static void
test_syslog_full(void **state)
{
	enum { LINES = 20000 };		/* more than any max_dgram_qlen */
	int fd = daemon_at("log");
	unsigned have = 0, i;
	char want[100];

	for (i = 0; i < LINES; i++)
		logger_syslog(LOG_INFO, 0, "fill", 4);
	assert_string_equal(tick(), "log: Resource temporarily unavailable: no "
	    "line is taken; they are counted");
	assert_string_equal(tick(), "");
	while (taken(fd) != NULL)
		have++;
	assert_in_range(have, 1, LINES - 1);
	snprintf(want, sizeof(want), "log: %u lines were not taken (Resource "
	    "temporarily unavailable)", LINES - have);
	assert_string_equal(tick(), want);
	assert_string_equal(tick(), "");
	logger_syslog(LOG_INFO, 0, "after", 5);
	assert_non_null(strstr(taken(fd), ": after"));
	logger_syslog_close();
	close(fd);
}

static int
setup(void **state)
{
	logger_conf.size = 1 << 30;
	logger_conf.keep = 8;
	return mkdtemp(dir) == NULL || chdir(dir) == -1;
}

static int
teardown(void **state)
{
	char cmd[100];

	snprintf(cmd, sizeof(cmd), "rm -rf '%s'", dir);
	return chdir("/") == -1 || system(cmd) != 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_rotation),
		cmocka_unit_test(test_moved),
		cmocka_unit_test(test_moved_often),
		cmocka_unit_test(test_full_disk),
		cmocka_unit_test(test_pipes),
		cmocka_unit_test(test_syslog_form),
		cmocka_unit_test(test_syslog_restart),
		cmocka_unit_test(test_syslog_full),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
