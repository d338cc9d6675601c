/*
 * What purge removes, what it leaves, and when it refuses.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "ctl/commands.h"
#include "ctl/ctl_command.h"
#include "lib/base/fd.h"
#include "lib/base/tree.h"

/* Purge holds the locks to its end (tests/guard.c). */
extern const char *const guard_leaves[];
const char *const guard_leaves[] = { "/tmp/test_purge.", NULL };

static char dir[] = "/tmp/test_purge.XXXXXX";
static char conf[80], said[2000];
static int at = -1;

static const char *const made[] = { "conf/domains", "conf/users",
	"conf/passwd", "conf/passwd.old", "conf/aliases", "conf/aliases.new",
	"conf/rohrpost.conf.old", "conf/certificate.pem", "conf/key.pem",
	"conf/relay.password", "conf/.lock", "conf/.edit",
	"state/run/master.pid", "state/run/queue.lock", "state/run/store.lock",
	"state/jail/tables.cdb", "state/auth/passwd.cdb", "state/audit.log",
	"state/log/rohrpost.log" };
static const char mail[] = "state/spool/mail/x.test/anna/1/1";
static const char waits[] = "state/spool/queue/body/1";

static void
put(const char *name)
{
	char path[200];
	char *p;
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	for (p = path + strlen(dir) + 1; (p = strchr(p, '/')) != NULL; p++) {
		*p = '\0';
		mkdir(path, 0700);
		*p = '/';
	}
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	assert_int_not_equal(fd, -1);
	if (strcmp(name, "conf/rohrpost.conf") == 0)
		dprintf(fd, "state_dir = %s/state\n", dir);
	close(fd);
}

static int
there(const char *name)
{
	return faccessat(at, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static size_t
count_there(void)
{
	size_t i, n = 0;

	for (i = 0; i < sizeof(made) / sizeof(made[0]); i++)
		n += (size_t)there(made[i]);
	return n;
}

/* rohrpost -c conf purge option, what it says on both outputs into said. */
static int
run(const char *option)
{
	const char *argv[] = { "rohrpost", "-c", conf, "purge", option, NULL };
	int out = memfd_create("out", 0), in = open("/dev/null", O_RDONLY);
	int old[3], i, r;
	ssize_t n;

	fflush(stdout);
	for (i = 0; i < 3; i++)
		old[i] = dup(i);
	dup2(in, 0);
	dup2(out, 1);
	dup2(out, 2);
	r = ctl_main(ctl_commands, option == NULL ? 4 : 5,
	    (char **)(uintptr_t)argv);
	fflush(stdout);
	for (i = 0; i < 3; i++) {
		dup2(old[i], i);
		close(old[i]);
	}
	n = pread(out, said, sizeof(said) - 1, 0);
	said[n > 0 ? n : 0] = '\0';
	close(out);
	close(in);
	return r;
}

static int
setup(void **state)
{
	size_t i;

	strcpy(strrchr(dir, '.'), ".XXXXXX");
	if (mkdtemp(dir) == NULL)
		return -1;
	at = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	snprintf(conf, sizeof(conf), "%s/conf", dir);
	for (i = 0; i < sizeof(made) / sizeof(made[0]); i++)
		put(made[i]);
	put("conf/rohrpost.conf");
	put(mail);
	put(waits);
	return 0;
}

static int
teardown(void **state)
{
	close(at);
	return tree_remove(AT_FDCWD, dir);
}

static void
test_mail_stays(void **state)
{
	char place[100];

	assert_int_equal(run(NULL), CTL_DONE);
	assert_int_equal(count_there(), 0);
	assert_false(there("conf"));
	assert_true(there(mail));
	assert_true(there(waits));
	snprintf(place, sizeof(place), "kept in %s/state/spool;", dir);
	assert_non_null(strstr(said, place));
}

static void
test_mail_goes(void **state)
{
	assert_int_equal(run("--mail"), CTL_DONE);
	assert_string_equal(said, "");
	assert_false(there("conf"));
	assert_false(there("state"));
}

/* Nothing goes while one of them lives, be it without its master. */
static void
test_it_runs(void **state)
{
	static const char *const locks[] = { "state/run/master.pid",
		"state/run/queue.lock", "state/run/store.lock" };
	size_t i, n = count_there();
	int fd;

	for (i = 0; i < 3; i++) {
		fd = openat(at, locks[i], O_RDWR);
		assert_int_equal(flock(fd, LOCK_EX), 0);
		assert_int_equal(run("--mail"), CTL_REFUSED);
		assert_non_null(strstr(said, "the suite runs"));
		assert_int_equal(count_there(), n);
		assert_true(there(mail));
		close(fd);
	}
}

/* What is not ours stays, and the directories that hold it. */
static void
test_files_of_others(void **state)
{
	put("conf/acme.key");
	put("state/backup/1");
	assert_int_equal(run("--mail"), CTL_DONE);
	assert_int_equal(count_there(), 0);
	assert_true(there("conf/acme.key"));
	assert_true(there("state/backup/1"));
	assert_false(there("state/spool"));
}

/* A -c without a configuration means nobody's mail. */
static void
test_wrong_directory(void **state)
{
	assert_int_equal(unlinkat(at, "conf/rohrpost.conf", 0), 0);
	assert_int_equal(run("--mail"), CTL_REFUSED);
	assert_true(there(mail));
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_mail_stays), T(test_mail_goes), T(test_it_runs),
		T(test_files_of_others), T(test_wrong_directory),
	};

	return cmocka_run_group_tests_name("purge", tests, NULL, NULL);
}
