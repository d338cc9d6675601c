/* What auth keeps of logins, in its file and out of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <cdb.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "auth/auth_learned.h"
#include "lib/base/fd.h"
#include "lib/base/log.h"

#define ANNA "anna@example.test"
#define HASH_A "$6$ab$a"
#define HASH_B "$6$ab$b"

enum { RECORD = 128 };

static char dir[] = "/tmp/test_learned.XXXXXX", path[64], passwd[64];

static struct scram_keys
some_keys(unsigned char c)
{
	struct scram_keys k = { .iterations = SCRAM_ITERATIONS,
		.salt_len = SCRAM_SALT };

	memset(k.salt, c, SCRAM_SALT);
	memset(k.stored, c + 1, SCRAM_KEY);
	memset(k.server, c + 2, SCRAM_KEY);
	return k;
}

static off_t
file_size(void)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	return st.st_size;
}

static struct auth_learned *
open_again(struct auth_learned *l)
{
	auth_learned_free(&l);
	return auth_learned_open(path);
}

static void
test_kept(void **state)
{
	struct scram_keys a = some_keys(1), b = some_keys(7), k;
	struct auth_learned *l = auth_learned_open(path);
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(auth_learned_keys(l, ANNA, HASH_A, &k), 0);
	auth_learned_put_keys(l, ANNA, HASH_A, &a);
	auth_learned_put_keys(l, "bert@example.test", HASH_A, &b);
	auth_learned_used(l, ANNA, HASH_B, 1000000);
	l = open_again(l);
	assert_int_equal(auth_learned_keys(l, ANNA, HASH_A, &k), 1);
	assert_memory_equal(&k, &a, sizeof(k));
	assert_int_equal(auth_learned_keys(l, "bert@example.test", HASH_A,
	    &k), 1);
	assert_memory_equal(&k, &b, sizeof(k));
	/* Another hash, another account: nothing. */
	assert_int_equal(auth_learned_keys(l, ANNA, HASH_B, NULL), 0);
	assert_int_equal(auth_learned_keys(l, "carl@example.test", HASH_A,
	    NULL), 0);
	assert_int_equal(auth_learned_last(l, ANNA, HASH_B), 1000000);
	assert_int_equal(auth_learned_last(l, ANNA, HASH_A), 0);
	/* Uses are noted once a day; a clock that was wrong is followed. */
	auth_learned_used(l, ANNA, HASH_B, 1000000 + AUTH_USED_EVERY - 1);
	assert_int_equal(auth_learned_last(l, ANNA, HASH_B), 1000000);
	auth_learned_used(l, ANNA, HASH_B, 1000000 + AUTH_USED_EVERY);
	auth_learned_used(l, ANNA, HASH_A, 5);
	auth_learned_used(l, ANNA, HASH_A, 4);
	l = open_again(l);
	assert_int_equal(auth_learned_last(l, ANNA, HASH_B), 1000000 +
	    AUTH_USED_EVERY);
	assert_int_equal(auth_learned_last(l, ANNA, HASH_A), 4);
	assert_int_equal(auth_learned_keys(l, ANNA, HASH_A, NULL), 1);
	assert_int_equal(file_size(), 4 * RECORD);
	auth_learned_free(&l);
	auth_learned_free(&l);
}

static void
change(off_t at, const void *p, size_t len)
{
	int fd = open(path, O_WRONLY);

	assert_int_equal(pwrite(fd, p, len, at), len);
	close(fd);
}

static void
test_damaged(void **state)
{
	struct scram_keys a = some_keys(1);
	struct auth_learned *l = auth_learned_open(path);

	auth_learned_put_keys(l, ANNA, HASH_A, &a);
	auth_learned_put_keys(l, ANNA, HASH_B, &a);
	/* A record that is damaged, and one that was cut off. */
	change(RECORD + 60, "x", 1);
	change(3 * RECORD, "abc", 3);
	l = open_again(l);
	assert_int_equal(auth_learned_keys(l, ANNA, HASH_A, NULL), 0);
	assert_int_equal(auth_learned_keys(l, ANNA, HASH_B, NULL), 1);
	assert_int_equal(file_size(), 2 * RECORD);
	auth_learned_put_keys(l, ANNA, HASH_A, &a);
	l = open_again(l);
	assert_int_equal(auth_learned_keys(l, ANNA, HASH_A, NULL), 1);
	assert_int_equal(auth_learned_keys(l, ANNA, HASH_B, NULL), 1);
	/* After a power cut a record may be zeros: it is skipped. */
	assert_int_equal(truncate(path, 5 * RECORD), 0);
	l = open_again(l);
	assert_int_equal(auth_learned_keys(l, ANNA, HASH_A, NULL), 1);
	assert_int_equal(auth_learned_keys(l, ANNA, HASH_B, NULL), 1);
	assert_int_equal(file_size(), 3 * RECORD);
	/* No such file at all: it is begun anew. */
	change(0, "x", 1);
	l = open_again(l);
	assert_int_equal(auth_learned_keys(l, ANNA, HASH_B, NULL), 0);
	assert_int_equal(file_size(), RECORD);
	auth_learned_free(&l);
}

/* A newer program's file stays as it is; logins go on without. */
static void
test_newer(void **state)
{
	struct scram_keys a = some_keys(1);
	struct auth_learned *l = auth_learned_open(path);

	auth_learned_put_keys(l, ANNA, HASH_A, &a);
	change(8, "\2", 1);
	l = open_again(l);
	assert_int_equal(auth_learned_keys(l, ANNA, HASH_A, NULL), 0);
	auth_learned_put_keys(l, ANNA, HASH_B, &a);
	auth_learned_used(l, ANNA, HASH_B, 5);
	assert_int_equal(auth_learned_keys(l, ANNA, HASH_B, NULL), 1);
	change(8, "\1", 1);
	l = open_again(l);
	assert_int_equal(auth_learned_keys(l, ANNA, HASH_A, NULL), 1);
	assert_int_equal(auth_learned_keys(l, ANNA, HASH_B, NULL), 0);
	auth_learned_free(&l);
	l = auth_learned_open("/nonexistent/learned");
	auth_learned_put_keys(l, ANNA, HASH_A, &a);
	assert_int_equal(auth_learned_keys(l, ANNA, HASH_A, NULL), 1);
	auth_learned_free(&l);
}

static void
write_passwd(const char *account, const char *text)
{
	int fd = open(passwd, O_RDWR | O_CREAT | O_TRUNC, 0600);
	struct cdb_make m;

	assert_int_equal(cdb_make_start(&m, fd), 0);
	assert_int_equal(cdb_make_add(&m, account, (unsigned)strlen(account),
	    text, (unsigned)strlen(text)), 0);
	assert_int_equal(cdb_make_finish(&m), 0);
	close(fd);
}

static void
test_sweep(void **state)
{
	static const char hash[] =
	    "$y$j75$abcdefgh$bctRiWkyq10PPGtOKBJgs9BCnbhQ/GleDpkmafdQZBA";
	static const char app[] = "$6$rounds=1000$abcdefgh$4tsbYStC11TtytTYX0S"
	    "O77NyfFyOvnqR8YJL24bGnevpJ5KfJmeO4.vsiRv8rQtwFU4S2jGF31IBVB7EGXp"
	    "A31";
	struct scram_keys a = some_keys(1);
	struct auth_learned *l = auth_learned_open(path);
	struct auth_users *u;
	char text[400];

	auth_learned_put_keys(l, ANNA, HASH_A, &a);
	auth_learned_put_keys(l, ANNA, hash, &a);
	auth_learned_used(l, ANNA, app, 7);
	auth_learned_put_keys(l, "bert@example.test", hash, &a);
	/* Nothing is known of who is there: nothing is forgotten. */
	unlink(passwd);
	u = auth_users_open(passwd);
	auth_learned_sweep(l, u);
	assert_int_equal(file_size(), 5 * RECORD);
	auth_users_free(&u);
	snprintf(text, sizeof(text), "crypt=%s:app=a,imap,1,%s", hash, app);
	write_passwd(ANNA, text);
	u = auth_users_open(passwd);
	auth_learned_sweep(l, u);
	assert_int_equal(file_size(), 3 * RECORD);
	l = open_again(l);
	assert_int_equal(auth_learned_keys(l, ANNA, hash, NULL), 1);
	assert_int_equal(auth_learned_last(l, ANNA, app), 7);
	assert_int_equal(auth_learned_keys(l, ANNA, HASH_A, NULL), 0);
	assert_int_equal(auth_learned_keys(l, "bert@example.test", hash,
	    NULL), 0);
	auth_users_free(&u);
	auth_learned_free(&l);
}

static int
fresh(void **state)
{
	unlink(path);
	return 0;
}

static int
setup(void **state)
{
	log_init("test_learned", 0);
	if (mkdtemp(dir) == NULL)
		return -1;
	snprintf(path, sizeof(path), "%s/learned", dir);
	snprintf(passwd, sizeof(passwd), "%s/passwd.cdb", dir);
	return 0;
}

static int
teardown(void **state)
{
	unlink(path);
	unlink(passwd);
	return rmdir(dir);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_kept, fresh),
		cmocka_unit_test_setup(test_damaged, fresh),
		cmocka_unit_test_setup(test_newer, fresh),
		cmocka_unit_test_setup(test_sweep, fresh),
	};

	return cmocka_run_group_tests_name("learned", tests, setup, teardown);
}
