/*
 * The command table: every row can be named, asks for its arguments, prints
 * its help, and the edits of tables change what they should.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "ctl/commands.h"
#include "ctl/ctl_command.h"
#include "lib/base/fd.h"
#include "tests/ctl/hash6.h"

/* {SSHA512} of "a" with the salt "b". */
#define SSHA512 "LUCKBxfsGIFYJ4p5bGiQRDYdxv3eKNbwSXO4CJbhgjl1zb8S62" \
	"P54FkTKO4jXYDptb8apqRPRhf/PK9kAOsXLWI="
#define KEY "WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY="

enum { WORDS = 16 };

static char dir[] = "/tmp/rp-test-command-XXXXXX";
static int saved_out, saved_err, quiet;

/* Runs "rohrpost -c dir ..." with both outputs sent away. */
static int
run(const char *words, const char *const *more)
{
	char text[300], *argv[WORDS + 4], *p, *save = NULL;
	int argc = 0, r;

	argv[argc++] = (char *)"rohrpost";
	argv[argc++] = (char *)"-c";
	argv[argc++] = dir;
	snprintf(text, sizeof(text), "%s", words);
	for (p = strtok_r(text, " ", &save); p != NULL && argc < WORDS;
	    p = strtok_r(NULL, " ", &save))
		argv[argc++] = p;
	while (more != NULL && *more != NULL && argc < WORDS + 3)
		argv[argc++] = (char *)(uintptr_t)*more++;
	argv[argc] = NULL;
	fflush(stdout);
	dup2(quiet, 1);
	dup2(quiet, 2);
	r = ctl_main(ctl_commands, argc, argv);
	fflush(stdout);
	dup2(saved_out, 1);
	dup2(saved_err, 2);
	return r;
}

static void
test_rows(void **state)
{
	static const char *const help[] = { "--help", NULL };
	static const char *const bad[] = { "--frobnicate", NULL };
	const struct ctl_command *c;
	const struct option_row *o;
	char many[400];
	int i;

	for (c = ctl_commands; c->name != NULL; c++) {
		if (run(c->name, help) != CTL_DONE)
			fail_msg("%s --help", c->name);
		if (run(c->name, bad) != CTL_USAGE)
			fail_msg("%s --frobnicate", c->name);
		if (c->min_args > 0 && run(c->name, NULL) != CTL_USAGE)
			fail_msg("%s without arguments", c->name);
		if (c->max_args < 10) {
			snprintf(many, sizeof(many), "%s", c->name);
			for (i = 0; i <= c->max_args; i++)
				strcat(many, " x");
			if (run(many, NULL) != CTL_USAGE)
				fail_msg("%s", many);
		}
		for (o = c->options; o != NULL && o->name != NULL; o++) {
			assert_in_range(o->slot, 0, CTL_OPTIONS - 1);
			if (o->value == NULL)
				continue;
			snprintf(many, sizeof(many), "%s %s", c->name,
			    o->name);
			if (run(many, NULL) != CTL_USAGE)
				fail_msg("%s", many);
		}
	}
}

static void
test_usage(void **state)
{
	static const struct {
		const char *words;
		int	 r;
	} rows[] = {
		{ "", CTL_USAGE }, { "--help", CTL_DONE },
		{ "--version", CTL_DONE }, { "-x", CTL_USAGE },
		{ "frobnicate", CTL_USAGE }, { "queue", CTL_USAGE },
		{ "queue frobnicate", CTL_USAGE },
		{ "queue --help", CTL_DONE }, { "domain add", CTL_USAGE },
		{ "start --json", CTL_USAGE },
		{ "completion bash", CTL_DONE },
		{ "completion tcsh", CTL_REFUSED },
		{ "queue show 12", CTL_REFUSED },
		{ "queue retry 0123456789abcdeg", CTL_REFUSED },
	};
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (run(rows[i].words, NULL) != rows[i].r)
			fail_msg("%s", rows[i].words);
	}
}

static void
read_file(const char *name, struct buf *b)
{
	char path[200];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, O_RDONLY);
	assert_int_not_equal(fd, -1);
	buf_reset(b);
	assert_int_equal(fd_slurp(fd, b), 0);
	close(fd);
}

static void
test_edits(void **state)
{
	static const char *const hash[] = { "--hash", HASH6, NULL };
	static const char *const argon[] = { "--hash",
		"$argon2id$v=19$m=65536,t=3,p=4$c2FsdA$aGFzaA", NULL };
	static const char *const space[] = { "a b@example.test", "--hash",
		HASH6, NULL };
	static const struct {
		const char *words;
		const char *const *more;
		int	 r;
	} rows[] = {
		{ "domain add example.test", NULL, CTL_DONE },
		{ "domain add Example.Test", NULL, CTL_REFUSED },
		{ "domain add nicht..gut.test", NULL, CTL_REFUSED },
		{ "domain add example.com --alias example.test", NULL,
		    CTL_DONE },
		{ "user add anna@example.test", hash, CTL_DONE },
		{ "user add anna@example.test", hash, CTL_REFUSED },
		{ "user add anna@unknown.test", hash, CTL_REFUSED },
		{ "user add bert@example.test --quota 2X", hash,
		    CTL_REFUSED },
		{ "user add bert@example.test --quota 2G,100", hash,
		    CTL_DONE },
		{ "user add carl@example.test", argon, CTL_REFUSED },
		{ "user add", space, CTL_REFUSED },
		{ "user set bert@example.test --disabled", NULL, CTL_DONE },
		{ "user set nobody@example.test --disabled", NULL,
		    CTL_REFUSED },
		{ "user passwd bert@example.test", hash, CTL_DONE },
		{ "alias add sales@example.test anna@example.test "
		    "x@far.test", NULL, CTL_DONE },
		{ "alias add lost@example.test nobody@example.test", NULL,
		    CTL_REFUSED },
		{ "alias add @example.test bert@example.test", NULL,
		    CTL_DONE },
		{ "user del anna@example.test", NULL, CTL_DONE },
		{ "user del anna@example.test", NULL, CTL_REFUSED },
		{ "domain del example.test", NULL, CTL_REFUSED },
		{ "apply", NULL, CTL_DONE },
		{ "user list --json", NULL, CTL_DONE },
		{ "alias list", NULL, CTL_DONE },
		{ "domain list", NULL, CTL_DONE },
		{ "hash check", NULL, CTL_DONE },
		{ "hash check $argon2id$x", NULL, CTL_REFUSED },
		{ "queue list", NULL, CTL_LATER },
		{ "status", NULL, CTL_REFUSED },
		{ "stop", NULL, CTL_REFUSED },
		{ "trace x@y.test", NULL, CTL_REFUSED },
	};
	struct buf b = BUF_INIT(0);
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (run(rows[i].words, rows[i].more) != rows[i].r)
			fail_msg("%s", rows[i].words);
	}
	/* What was refused changed nothing; what was done kept the rest. */
	read_file("users", &b);
	assert_string_equal(buf_str(&b), "# people\n"
	    "bert@example.test quota=2147483648,100 disabled\n");
	read_file("domains", &b);
	assert_string_equal(buf_str(&b), "example.test\n"
	    "example.com = alias example.test\n");
	read_file("aliases", &b);
	assert_string_equal(buf_str(&b), "# ways\n"
	    "sales@example.test = anna@example.test, x@far.test\n"
	    "@example.test = bert@example.test\n");
	read_file("passwd", &b);
	assert_string_equal(buf_str(&b), "bert@example.test:crypt=" HASH6
	    "\n");
	buf_clear(&b);
}

static void	write_file(const char *, const char *);

/* A new password changes what belongs to the old one, and nothing else. */
static void
test_passwd(void **state)
{
	static const char *const hash[] = { "--hash", HASH6, NULL };
	static const char others[] = ":app=phone,imap+pop3,1700000000," HASH6
	    ":totp=a=b,c:app=mac,*,0," HASH6;
	struct buf b = BUF_INIT(0);
	char text[2000];

	snprintf(text, sizeof(text), "# secrets\nbert@example.test:%s%s"
	    ":scram-sha-256=250000,c2FsdHNhbHQ=," KEY "," KEY "\n",
	    "{SSHA512}" SSHA512, others);
	write_file("passwd", text);
	assert_int_equal(run("apply", NULL), CTL_DONE);
	assert_int_equal(run("user passwd bert@example.test", hash), CTL_DONE);
	read_file("passwd", &b);
	snprintf(text, sizeof(text), "# secrets\nbert@example.test:crypt="
	    HASH6 "%s\n", others);
	assert_string_equal(buf_str(&b), text);
	assert_int_equal(run("user list", NULL), CTL_DONE);
	assert_int_equal(run("hash check --json", NULL), CTL_DONE);
	buf_clear(&b);
}

static void
test_app(void **state)
{
	static const char *const spaces[] = { "my old phone", "--protocols",
		"imap", NULL };
	static const struct {
		const char *words;
		const char *const *more;
		int	 r;
	} rows[] = {
		{ "app add bert@example.test", spaces, CTL_DONE },
		{ "app add bert@example.test", spaces, CTL_REFUSED },
		{ "app add bert@example.test mac", NULL, CTL_DONE },
		{ "app add bert@example.test a,b", NULL, CTL_REFUSED },
		{ "app add bert@example.test a:b", NULL, CTL_REFUSED },
		{ "app add bert@example.test tab --protocols imap,pop3", NULL,
		    CTL_REFUSED },
		{ "app add bert@example.test tab --protocols imap+", NULL,
		    CTL_REFUSED },
		{ "app add bert@example.test tab --protocols imaps", NULL,
		    CTL_REFUSED },
		{ "app add bert@example.test tab --protocols *", NULL,
		    CTL_DONE },
		{ "app add nobody@example.test x", NULL, CTL_REFUSED },
		{ "app del bert@example.test phone", NULL, CTL_REFUSED },
		{ "app del nobody@example.test phone", NULL, CTL_REFUSED },
		{ "app list", NULL, CTL_DONE },
		{ "app list --json bert@example.test", NULL, CTL_DONE },
		{ "app list nobody@example.test", NULL, CTL_REFUSED },
		{ "app del bert@example.test mac", NULL, CTL_DONE },
		{ "app del bert@example.test mac", NULL, CTL_REFUSED },
	};
	struct buf b = BUF_INIT(0);
	size_t i;

	write_file("passwd", "bert@example.test:" HASH6 ":totp=a\n");
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (run(rows[i].words, rows[i].more) != rows[i].r)
			fail_msg("%s", rows[i].words);
	}
	read_file("passwd", &b);
	assert_non_null(strstr(buf_str(&b), "bert@example.test:" HASH6
	    ":totp=a:app=my old phone,imap,"));
	assert_null(strstr(buf_str(&b), "app=mac"));
	/* The last field of a line goes with the line. */
	write_file("passwd", "bert@example.test:app=x,*,0," HASH6 "\n");
	assert_int_equal(run("app del bert@example.test x", NULL), CTL_DONE);
	read_file("passwd", &b);
	assert_string_equal(buf_str(&b), "");
	assert_int_equal(run("app add bert@example.test y", NULL), CTL_DONE);
	read_file("passwd", &b);
	assert_int_equal(strncmp(buf_str(&b), "bert@example.test:app=y,imap+"
	    "pop3+submission,", 45), 0);
	buf_clear(&b);
}

/* A bounce names the message that it is about; both are followed. */
static void
test_trace(void **state)
{
	static const char one[] =
	    "2026-11-22T03:00:00.123Z smtpd[11] info 0123456789abcdef: "
	    "from=<anna@example.test> to=<bob@x.test>\n"
	    "2026-11-22T03:00:00.124Z queue[12] info fedcba9876543210: "
	    "bounce of 0123456789abcdef\n";
	static const char two[] =
	    "2026-11-22T03:00:02.124Z deliver[13] info fedcba9876543210: "
	    "delivered \x1b[2J\n"
	    "2026-11-22T03:00:03.124Z queue[12] info 1111111111111111: "
	    "anna@example.test.org and xanna@example.test\n"
	    "no line of ours 0123456789abcdef0\n";
	static const struct {
		const char *words;
		int	 r;
		size_t	 lines;
	} rows[] = {
		{ "trace anna@example.test", CTL_DONE, 4 },
		{ "trace ANNA@example.test", CTL_DONE, 4 },
		{ "trace 0123456789abcdef", CTL_DONE, 4 },
		{ "trace xanna@example.test", CTL_DONE, 2 },
		{ "trace na@example.test", CTL_REFUSED, 0 },
		{ "trace 123456789abcdef0", CTL_REFUSED, 0 },
	};
	struct buf b = BUF_INIT(0);
	size_t i, k, n;
	int null = quiet;

	write_file("s/log/rohrpost.log.1", one);
	write_file("s/log/rohrpost.log", two);
	write_file("s/log/other", one);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		quiet = memfd_create("out", 0);
		if (run(rows[i].words, NULL) != rows[i].r)
			fail_msg("%s", rows[i].words);
		buf_reset(&b);
		assert_int_equal(fd_slurp(quiet, &b), 0);
		close(quiet);
		for (k = n = 0; k < b.len; k++)
			n += b.data[k] == '\n';
		/* What was refused said so in a line. */
		if (n != (rows[i].r == CTL_DONE ? rows[i].lines : 1))
			fail_msg("%s: %s", rows[i].words, buf_str(&b));
		assert_null(memchr(buf_str(&b), 0x1b, b.len));
	}
	quiet = null;
	buf_clear(&b);
}

static void
set_changed(const char *name, int64_t sec, long nsec)
{
	struct timespec t[2] = { { .tv_sec = sec, .tv_nsec = nsec } };
	char path[200];

	t[1] = t[0];
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	assert_int_equal(utimensat(AT_FDCWD, path, t, 0), 0);
}

/* The files are read as they were written, whatever they are called. */
static void
test_trace_order(void **state)
{
	static const struct {
		int64_t	 sec[2];
		long	 nsec[2];
		int	 first;		/* which comes first */
	} rows[] = {
		{ { 1000, 2000 }, { 9, 1 }, 0 },
		{ { 2000, 1000 }, { 1, 9 }, 1 },
		{ { 1000, 1000 }, { 1, 9 }, 0 },
		{ { 1000, 1000 }, { 9, 1 }, 1 },
	};
	static const char line[] = "2026-11-22T03:00:0%d.000Z queue[12] info "
	    "0123456789abcdef: word%d\n";
	struct buf b = BUF_INIT(0), text = BUF_INIT(0);
	const char *at[2], *const names[] = { "s/log/rohrpost.log.1",
	    "s/log/rohrpost.log" };
	size_t i;
	int k, null = quiet;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		for (k = 0; k < 2; k++) {
			buf_reset(&text);
			buf_printf(&text, line, k, k);
			write_file(names[k], buf_str(&text));
			set_changed(names[k], rows[i].sec[k], rows[i].nsec[k]);
		}
		quiet = memfd_create("out", 0);
		assert_int_equal(run("trace 0123456789abcdef", NULL),
		    CTL_DONE);
		buf_reset(&b);
		assert_int_equal(fd_slurp(quiet, &b), 0);
		close(quiet);
		at[0] = strstr(buf_str(&b), "word0");
		at[1] = strstr(buf_str(&b), "word1");
		assert_non_null(at[0]);
		assert_non_null(at[1]);
		assert_int_equal(at[1] < at[0], rows[i].first);
	}
	quiet = null;
	buf_clear(&b);
	buf_clear(&text);
}

static void
write_file(const char *name, const char *text)
{
	char path[200];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static int
setup(void **state)
{
	static const char *const subs[] = { "s", "s/jail", "s/auth", "s/run",
		"s/log" };
	char text[200];
	size_t i;

	saved_out = dup(1);
	saved_err = dup(2);
	quiet = open("/dev/null", O_WRONLY);
	if (mkdtemp(dir) == NULL)
		return -1;
	for (i = 0; i < sizeof(subs) / sizeof(subs[0]); i++) {
		snprintf(text, sizeof(text), "%s/%s", dir, subs[i]);
		if (mkdir(text, 0700) == -1)
			return -1;
	}
	snprintf(text, sizeof(text), "state_dir = %s/s\n", dir);
	write_file("rohrpost.conf", text);
	write_file("users", "# people\n");
	write_file("aliases", "# ways\n");
	return 0;
}

static int
teardown(void **state)
{
	static const char *const names[] = { "s/jail/tables.cdb",
		"s/jail/dkim.cdb", "s/auth/passwd.cdb", "s/log/rohrpost.log.1",
		"s/log/rohrpost.log", "s/log/other", "rohrpost.conf", "users",
		"aliases", "domains", "passwd", ".lock", "s/audit.log",
		"s/jail/collect.cdb", "s/jail",
		"s/auth", "s/run",
		"s/log", "s", "" };
	char path[200];
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
		if (remove(path) == -1)
			return -1;
	}
	close(saved_out);
	close(saved_err);
	close(quiet);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_usage),
		cmocka_unit_test(test_edits),
		cmocka_unit_test(test_passwd),
		cmocka_unit_test(test_app),
		cmocka_unit_test(test_trace),
		cmocka_unit_test(test_trace_order),
	};

	return cmocka_run_group_tests_name("command", tests, setup, teardown);
}
