/* Look-ups in cdb files that are replaced, missing or broken. */
#include <sys/resource.h>
#include <sys/stat.h>

#include <cdb.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "lib/base/fd.h"
#include "lib/base/log.h"
#include "lib/map/map.h"

static char dir[64], path[100], fresh[100];

static int
setup(void **state)
{
	log_init("test_cdb", 0);
	strcpy(dir, "/tmp/cdb.XXXXXX");
	if (mkdtemp(dir) == NULL)
		return 1;
	snprintf(path, sizeof(path), "%s/a.cdb", dir);
	snprintf(fresh, sizeof(fresh), "%s/fresh", dir);
	return 0;
}

static int
teardown(void **state)
{
	unlink(path);
	unlink(fresh);
	return rmdir(dir);
}

/* Puts a file with the pairs, which end with NULL, in place. */
static void
make(const char *const *pairs)
{
	struct cdb_make m;
	int fd = open(fresh, O_RDWR | O_CREAT | O_TRUNC, 0600);

	assert_int_equal(cdb_make_start(&m, fd), 0);
	for (; *pairs != NULL; pairs += 2)
		assert_int_equal(cdb_make_add(&m, pairs[0],
		    (unsigned)strlen(pairs[0]), pairs[1],
		    (unsigned)strlen(pairs[1])), 0);
	assert_int_equal(cdb_make_finish(&m), 0);
	close(fd);
	assert_int_equal(rename(fresh, path), 0);
}

static void
make_broken(const char *text, size_t len)
{
	int fd = open(fresh, O_RDWR | O_CREAT | O_TRUNC, 0600);

	assert_int_equal(write(fd, text, len), len);
	close(fd);
	assert_int_equal(rename(fresh, path), 0);
}

#define MAKE(...) make((const char *const []){ __VA_ARGS__, NULL })

static void
assert_value(struct map *m, const char *key, const char *want)
{
	const char *value;
	size_t len;

	assert_int_equal(map_find(m, key, strlen(key), &value, &len),
	    want == NULL ? MAP_ABSENT : MAP_FOUND);
	if (want != NULL) {
		assert_int_equal(len, strlen(want));
		assert_memory_equal(value, want, len);
	}
}

/* It may be in a file that could not be opened. */
static void
assert_put_off(struct map *m, const char *key)
{
	const char *value;
	size_t len;

	assert_int_equal(map_find(m, key, strlen(key), &value, &len),
	    MAP_ERROR);
}

static struct map *
map_open(int missing_ok)
{
	struct buf why = BUF_INIT(300);
	struct map *m = map_cdb_open(path, missing_ok, &why);

	if (m == NULL)
		fail_msg("%s", buf_str(&why));
	buf_clear(&why);
	return m;
}

static void
test_find(void **state)
{
	struct map *m;

	MAKE("a", "1", "b", "", "a", "2", "", "none");
	m = map_open(0);
	assert_value(m, "a", "1");
	assert_value(m, "b", "");
	assert_value(m, "", "none");
	assert_value(m, "c", NULL);
	assert_value(m, "aa", NULL);
	map_free(&m);
	assert_null(m);
	map_free(&m);
}

static void
test_replaced(void **state)
{
	unsigned before;
	struct map *m;

	MAKE("a", "1");
	m = map_open(0);
	before = map_generation(m);
	assert_int_equal(map_refresh(m), 0);
	assert_int_equal(map_generation(m), before);
	MAKE("a", "2", "b", "3");
	assert_value(m, "a", "1");	/* until it is asked to look */
	assert_int_equal(map_refresh(m), 0);
	assert_true(map_generation(m) > before);
	assert_value(m, "a", "2");
	assert_value(m, "b", "3");
	/* What is gone or broken does not push out what is good. */
	unlink(path);
	assert_int_equal(map_refresh(m), -1);
	assert_value(m, "a", "2");
	assert_put_off(m, "c");
	make_broken("short", 5);
	assert_int_equal(map_refresh(m), -1);
	assert_int_equal(map_refresh(m), -1);
	assert_value(m, "a", "2");
	assert_put_off(m, "c");
	MAKE("a", "4");
	assert_int_equal(map_refresh(m), 0);
	assert_value(m, "a", "4");
	assert_value(m, "c", NULL);
	map_free(&m);
}

/* Leaves no descriptor to open a file with; 0 gives them back. */
static void
no_descriptors(int none)
{
	static struct rlimit before;
	struct rlimit now;
	int fd;

	if (!none) {
		assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
		return;
	}
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	fd = dup(0);
	close(fd);
	now = before;
	now.rlim_cur = (rlim_t)fd;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &now), 0);
}

/*
 * While a new file cannot be opened what the old one has is found, the rest is
 * put off; the same file is tried again.
 */
static void
test_no_descriptors(void **state)
{
	struct map *m;

	MAKE("a", "1");
	m = map_open(0);
	MAKE("a", "2", "b", "3");
	no_descriptors(1);
	assert_int_equal(map_refresh(m), -1);
	assert_int_equal(map_refresh(m), -1);
	assert_value(m, "a", "1");
	assert_put_off(m, "b");
	no_descriptors(0);
	assert_int_equal(map_refresh(m), 0);
	assert_value(m, "a", "2");
	assert_value(m, "b", "3");
	assert_value(m, "c", NULL);
	map_free(&m);
	unlink(path);
	m = map_open(1);
	MAKE("a", "1");
	no_descriptors(1);
	assert_int_equal(map_refresh(m), -1);
	assert_put_off(m, "a");
	no_descriptors(0);
	assert_int_equal(map_refresh(m), 0);
	assert_value(m, "a", "1");
	map_free(&m);
}

/* Descriptor 2 goes to a file meanwhile: how many lines came? */
static int
lines_of(struct map *m, int times)
{
	struct buf text = BUF_INIT(0);
	int old = dup(2), n = 0;
	FILE *f = tmpfile();
	size_t i;

	dup2(fileno(f), 2);
	no_descriptors(1);
	while (times-- > 0)
		assert_int_equal(map_refresh(m), -1);
	no_descriptors(0);
	dup2(old, 2);
	close(old);
	lseek(fileno(f), 0, SEEK_SET);
	assert_int_equal(fd_slurp(fileno(f), &text), 0);
	fclose(f);
	for (i = 0; i < text.len; i++)
		n += text.data[i] == '\n';
	buf_clear(&text);
	return n;
}

static void
test_told_once(void **state)
{
	struct map *m;

	MAKE("a", "1");
	m = map_open(0);
	MAKE("a", "2");
	assert_int_equal(lines_of(m, 10), 1);
	assert_int_equal(lines_of(m, 10), 0);
	assert_int_equal(map_refresh(m), 0);
	MAKE("a", "3");
	assert_int_equal(lines_of(m, 10), 1);
	map_free(&m);
}

static void
test_missing(void **state)
{
	struct buf why = BUF_INIT(300);
	unsigned before;
	struct map *m;

	assert_null(map_cdb_open(path, 0, &why));
	assert_non_null(strstr(buf_str(&why), "a.cdb: No such file"));
	m = map_open(1);
	assert_value(m, "a", NULL);
	assert_int_equal(map_refresh(m), 0);
	MAKE("a", "1");
	assert_int_equal(map_refresh(m), 0);
	assert_value(m, "a", "1");
	before = map_generation(m);
	unlink(path);
	assert_int_equal(map_refresh(m), 0);
	assert_value(m, "a", NULL);
	/* That it went is news, once. */
	assert_true(map_generation(m) > before);
	before = map_generation(m);
	assert_int_equal(map_refresh(m), 0);
	assert_int_equal(map_generation(m), before);
	map_free(&m);
	make_broken("short", 5);
	assert_null(map_cdb_open(path, 0, &why));
	assert_non_null(strstr(buf_str(&why), "a.cdb: not a cdb file"));
	m = map_open(1);
	assert_value(m, "a", NULL);
	map_free(&m);
	unlink(path);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_null(map_cdb_open(path, 1, &why));
	assert_int_equal(rmdir(path), 0);
	buf_clear(&why);
}

static int
collect(const char *key, size_t klen, const char *value, size_t vlen,
    void *arg)
{
	struct buf *out = arg;

	buf_printf(out, "%.*s=%.*s ", (int)klen, key, (int)vlen, value);
	return klen == 4 ? 7 : 0;
}

static void
test_walk(void **state)
{
	struct buf out = BUF_INIT(0);
	struct map *m;

	MAKE("b", "1", "a", "2", "b", "3");
	m = map_open(0);
	assert_int_equal(map_walk(m, collect, &out), 0);
	assert_string_equal(buf_str(&out), "b=1 a=2 b=3 ");
	MAKE("a", "1", "stop", "2", "c", "3");
	assert_int_equal(map_refresh(m), 0);
	buf_reset(&out);
	assert_int_equal(map_walk(m, collect, &out), 7);
	assert_string_equal(buf_str(&out), "a=1 stop=2 ");
	map_free(&m);
	buf_clear(&out);
}

/* Pointers that lead outside of the file are an error, not an answer. */
static void
test_wild(void **state)
{
	char wild[2048 + 8];
	const char *value;
	struct map *m;
	size_t len;

	memset(wild, 0xff, sizeof(wild));
	make_broken(wild, sizeof(wild));
	m = map_open(1);
	assert_int_not_equal(map_find(m, "a", 1, &value, &len), MAP_FOUND);
	assert_int_not_equal(map_walk(m, collect, NULL), 7);
	map_free(&m);
}

/* Some pairs, and the file of them. */
static const char *const pairs[] = { "anna", "1", "bert", "22", "carl", "",
	"dora", "a longer value than the others", "f", "x", NULL };

static size_t
read_file(char *text, size_t size)
{
	int fd;
	ssize_t n;

	make(pairs);
	fd = open(path, O_RDONLY);
	n = read(fd, text, size);
	close(fd);
	assert_true(n > 2048 && (size_t)n < size);
	return (size_t)n;
}

/* J10: a file that was cut anywhere never says of a key that it is absent. */
static void
test_cut(void **state)
{
	struct buf why = BUF_INIT(300);
	char text[4096];
	const char *value;
	size_t size = read_file(text, sizeof(text)), n, i, len;
	struct map *m;
	int r;

	for (n = 0; n < size; n++) {
		make_broken(text, n);
		if ((m = map_cdb_open(path, 0, &why)) == NULL)
			continue;
		for (i = 0; pairs[i] != NULL; i += 2) {
			r = (int)map_find(m, pairs[i], strlen(pairs[i]),
			    &value, &len);
			if (r == MAP_ABSENT)
				fail_msg("cut at %zu: no %s", n, pairs[i]);
			if (r == MAP_FOUND) {
				assert_int_equal(len, strlen(pairs[i + 1]));
				assert_memory_equal(value, pairs[i + 1], len);
			}
		}
		map_free(&m);
	}
	buf_clear(&why);
}

/* J10: whatever bits are turned, nothing is read outside of the file. */
static void
test_flipped(void **state)
{
	struct buf why = BUF_INIT(300);
	char text[4096];
	const char *value;
	size_t size = read_file(text, sizeof(text)), i, k, len;
	struct map *m;
	unsigned n, sum = 0;

	srand(10);
	for (n = 0; n < 2000; n++) {
		i = (size_t)rand() % size;
		text[i] ^= (char)(1 << rand() % 8);
		make_broken(text, size);
		m = map_cdb_open(path, 1, &why);
		for (k = 0; m != NULL && pairs[k] != NULL; k += 2)
			if (map_find(m, pairs[k], strlen(pairs[k]), &value,
			    &len) == MAP_FOUND)
				for (; len > 0; len--)
					sum += (unsigned char)*value++;
		if (m != NULL)
			(void)map_walk(m, collect, &why);
		buf_reset(&why);
		map_free(&m);
	}
	assert_int_not_equal(sum, 0);
	buf_clear(&why);
}

/* Two pairs of letters that lead the hash from h to one place. */
static unsigned
collide(unsigned h, char out[2][2])
{
	unsigned a, b, c, d;

	for (a = 'a'; a <= 'z'; a++)
		for (b = '!'; b <= '~'; b++)
			for (c = a + 1; c <= 'z'; c++) {
				d = (((h * 33) ^ a) * 33 ^ b) ^
				    (((h * 33) ^ c) * 33);
				if (d < '!' || d > '~')
					continue;
				out[0][0] = (char)a;
				out[0][1] = (char)b;
				out[1][0] = (char)c;
				out[1][1] = (char)d;
				return (((h * 33) ^ a) * 33) ^ b;
			}
	fail_msg("no collision");
	return 0;
}

/* J10: keys of one hash are told apart. */
static void
test_collisions(void **state)
{
	enum { BLOCKS = 8, N = 1 << BLOCKS };
	static char block[BLOCKS][2][2], key[N][2 * BLOCKS + 1],
	    number[N][8];
	const char *many[2 * N + 1];
	unsigned h = 5381, i, k;
	struct map *m;

	for (k = 0; k < BLOCKS; k++)
		h = collide(h, block[k]);
	for (i = 0; i < N; i++) {
		for (k = 0; k < BLOCKS; k++)
			memcpy(key[i] + 2 * k, block[k][i >> k & 1], 2);
		assert_int_equal(cdb_hash(key[i], 2 * BLOCKS), h);
		snprintf(number[i], sizeof(number[i]), "%u", i);
		many[2 * i] = key[i];
		many[2 * i + 1] = number[i];
	}
	many[2 * N] = NULL;
	make(many);
	m = map_open(0);
	for (i = 0; i < N; i++)
		assert_value(m, key[i], number[i]);
	key[0][2 * BLOCKS - 1] = '\0';
	assert_value(m, key[0], NULL);
	map_free(&m);
}

/* Versions in octets that are no NUL. */
enum { OLD = 0x01010101, NOW = 0x02020202 };
#define F_OLD "f", "\1\1\1\1"
#define F_NOW "f", "\2\2\2\2"
#define F_NEWER "f", "\3\3\3\3"

static struct map *
map_open_format(int missing_ok, uint32_t oldest)
{
	struct buf why = BUF_INIT(300);
	struct map *m;

	m = map_cdb_open_format(path, missing_ok, oldest, NOW, &why);
	if (m == NULL)
		assert_non_null(strstr(buf_str(&why),
		    "a.cdb: of a format that this version does not know"));
	buf_clear(&why);
	return m;
}

static void
test_format_opened(void **state)
{
	static const struct {
		const char *key, *value;
		uint32_t oldest;
		int	 good;
	} rows[] = {
		{ F_NOW, OLD, 1 }, { F_OLD, OLD, 1 }, { F_OLD, NOW, 0 },
		{ F_NEWER, OLD, 0 }, { "f", "\1\1", OLD, 0 },
		{ "f", "", 0, 0 }, { "x", "", 0, 1 }, { "x", "", OLD, 0 },
	};
	struct map *m;
	size_t i;
	int ok;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		MAKE(rows[i].key, rows[i].value);
		for (ok = 0; ok < 2; ok++) {
			m = map_open_format(ok, rows[i].oldest);
			if ((m != NULL) != rows[i].good)
				fail_msg("row %zu", i);
			map_free(&m);
		}
	}
}

/* A newer program's file: what is not in the one before is put off. */
static void
test_format_replaced(void **state)
{
	struct map *m;

	MAKE(F_OLD, "a", "1");
	m = map_open_format(1, OLD);
	MAKE(F_NEWER, "a", "2", "b", "2");
	assert_int_equal(lines_of(m, 10), 1);
	assert_value(m, "a", "1");
	assert_put_off(m, "b");
	assert_int_equal(lines_of(m, 10), 0);
	assert_put_off(m, "b");
	MAKE(F_NOW, "a", "3");
	assert_int_equal(map_refresh(m), 0);
	assert_value(m, "a", "3");
	assert_value(m, "b", NULL);
	/* Nor is it a missing one, where none stood before. */
	unlink(path);
	assert_int_equal(map_refresh(m), 0);
	assert_value(m, "b", NULL);
	MAKE(F_NEWER, "b", "4");
	assert_int_equal(lines_of(m, 10), 1);
	assert_put_off(m, "b");
	assert_int_equal(lines_of(m, 10), 0);
	assert_put_off(m, "b");
	map_free(&m);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_find), T(test_replaced), T(test_no_descriptors),
		T(test_told_once), T(test_missing), T(test_walk),
		T(test_wild), T(test_cut), T(test_flipped), T(test_collisions),
		T(test_format_opened), T(test_format_replaced),
	};

	return cmocka_run_group_tests_name("cdb", tests, NULL, NULL);
}
