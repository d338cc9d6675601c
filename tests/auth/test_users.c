/* The file of accounts: names, bounds, what is said of what is wrong there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <cmocka.h>

#include "auth/auth_users.h"
#include "lib/mail/credential.h"
#include "lib/mail/limits.h"
#include "lib/mail/proto.h"
#include "tests/auth/rig.h"

enum { MANY = 30 };

static char said[20000];

/* Opens the file; what is logged meanwhile is in said. */
static struct auth_users *
open_heard(void)
{
	int fd = memfd_create("said", 0), old = dup(STDERR_FILENO);
	struct auth_users *u;
	ssize_t n;

	assert_int_equal(dup2(fd, STDERR_FILENO), STDERR_FILENO);
	u = auth_users_open(path);
	assert_int_equal(dup2(old, STDERR_FILENO), STDERR_FILENO);
	n = pread(fd, said, sizeof(said) - 1, 0);
	said[n > 0 ? n : 0] = '\0';
	close(fd);
	close(old);
	return u;
}

static unsigned
lines_with(const char *words)
{
	const char *p = said;
	unsigned n = 0;

	for (; (p = strstr(p, words)) != NULL; n++)
		p++;
	return n;
}

/* The first ten are named, the others are counted. */
static void
test_faults(void **state)
{
	static char names[MANY][40];
	const char *rows[MANY + 1][2];
	struct auth_users *u;
	char words[60];
	int n, i;

	for (n = 9; n <= 12; n++) {
		for (i = 0; i < n; i++) {
			snprintf(names[i], sizeof(names[i]),
			    "user%d@example.test", i);
			rows[i][0] = names[i];
			rows[i][1] = "$argon2id$v=19$x";
		}
		rows[n][0] = rows[n][1] = NULL;
		write_passwd(rows);
		u = open_heard();
		assert_int_equal(lines_with("cannot log in: argon2"),
		    n < 10 ? n : 10);
		snprintf(words, sizeof(words), "%d more accounts have such "
		    "hashes", n - 10);
		assert_int_equal(lines_with("more accounts"), n > 10);
		assert_int_equal(lines_with(words), n > 10);
		auth_users_free(&u);
	}
}

/* A local part of an account has ACCOUNT_LOCAL_MAX octets. */
static void
test_names(void **state)
{
	static const char *const rows[][2] = {
		{ "anna@example.test", "$6$a$b" }, { "format", "1" },
		{ NULL, NULL }
	};
	struct buf name = BUF_INIT(ADDRESS_MAX), text = BUF_INIT(
	    CREDENTIAL_MAX);
	char given[ACCOUNT_LOCAL_MAX + 40], want[ACCOUNT_LOCAL_MAX + 40];
	struct auth_users *u;
	int i;

	write_passwd(rows);
	u = open_heard();
	assert_string_equal(said, "");
	for (i = ACCOUNT_LOCAL_MAX; i <= ACCOUNT_LOCAL_MAX + 1; i++) {
		memset(given, 'A', (size_t)i);
		given[i] = '\0';
		assert_int_equal(auth_users_name(u, given, &name),
		    i <= ACCOUNT_LOCAL_MAX ? 0 : -1);
		memset(want, 'a', (size_t)i);
		strcpy(want + i, "@example.test");
		assert_string_equal(buf_str(&name), i <= ACCOUNT_LOCAL_MAX ?
		    want : given);
		strcpy(given + i, "@EXAMPLE.test");
		assert_int_equal(auth_users_name(u, given, &name),
		    i <= ACCOUNT_LOCAL_MAX ? 0 : -1);
	}
	assert_int_equal(auth_users_name(u, "", &name), -1);
	assert_int_equal(auth_users_name(u, "@example.test", &name), -1);
	assert_int_equal(auth_users_name(u, "anna@", &name), -1);
	assert_int_equal(auth_users_name(u, "anna@b\xc3\xbc""cher.test",
	    &name), 0);
	assert_string_equal(buf_str(&name), "anna@xn--bcher-kva.test");
	assert_int_equal(auth_users_find(u, "anna@example.test", &text),
	    MAP_FOUND);
	assert_string_equal(buf_str(&text), "$6$a$b");
	/* The record of the format is no account. */
	assert_int_equal(auth_users_find(u, "format", &text), MAP_ABSENT);
	assert_int_equal(auth_users_find(u, "x@example.test", &text),
	    MAP_ABSENT);
	auth_users_free(&u);
	buf_clear(&name);
	buf_clear(&text);
}

/* A line that is longer than one may be lets nobody in. */
static void
test_long_line(void **state)
{
	static char line[CREDENTIAL_MAX + 2];
	const char *rows[][2] = { { "anna@example.test", line },
		{ NULL, NULL } };
	struct buf text = BUF_INIT(CREDENTIAL_MAX);
	struct auth_users *u;
	int len;

	for (len = CREDENTIAL_MAX; len <= CREDENTIAL_MAX + 1; len++) {
		memset(line, 'x', (size_t)len);
		memcpy(line, "crypt=", 6);
		write_passwd(rows);
		u = open_heard();
		assert_int_equal(auth_users_find(u, "anna@example.test",
		    &text), len <= CREDENTIAL_MAX ? MAP_FOUND : MAP_ABSENT);
		auth_users_free(&u);
	}
	buf_clear(&text);
}

static int
count(const char *account, const char *text, size_t len, void *arg)
{
	assert_non_null(strchr(account, '@'));
	assert_int_equal(len, 6);
	assert_memory_equal(text, "$6$a$b", 6);
	return ++*(int *)arg == 3 ? 77 : 0;
}

/* Every account, those with the longest name too, until it is enough. */
static void
test_walk(void **state)
{
	static char longest[ADDRESS_MAX + 1], longer[ADDRESS_MAX + 2];
	const char *rows[][2] = { { "anna@example.test", "$6$a$b" },
		{ longer, "$6$a$b" }, { "format", "1" },
		{ longest, "$6$a$b" }, { NULL, NULL }, { NULL, NULL } };
	struct auth_users *u;
	int n = 0;

	memset(longest, 'a', ADDRESS_MAX);
	memset(longer, 'a', ADDRESS_MAX + 1);
	longest[3] = longer[3] = '@';
	write_passwd(rows);
	u = open_heard();
	assert_int_equal(auth_users_walk(u, count, &n), 0);
	assert_int_equal(n, 2);
	auth_users_free(&u);
	rows[4][0] = "bert@example.test";
	rows[4][1] = "$6$a$b";
	write_passwd(rows);
	u = open_heard();
	n = 0;
	assert_int_equal(auth_users_walk(u, count, &n), 77);
	auth_users_free(&u);
	assert_int_equal(unlink(path), 0);
	u = open_heard();
	assert_int_equal(lines_with("no login can be checked until rohrpost "
	    "apply makes it"), 1);
	assert_int_equal(auth_users_walk(u, count, &n), -1);
	auth_users_free(&u);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_faults),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_long_line),
		cmocka_unit_test(test_walk),
	};

	return cmocka_run_group_tests(tests, rig_setup, rig_teardown);
}
