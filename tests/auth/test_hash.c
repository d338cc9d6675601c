#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "auth/auth_hash.h"

static const char password[] = "kaffee kanne";

/* Made by other programs: Python's crypt and hashlib. */
static const struct {
	const char *stored;
	size_t	 cost;
} good[] = {
	{ "$6$rounds=1000$abcdefgh$4tsbYStC11TtytTYX0SO77NyfFyOvnqR8YJL24bG"
	  "nevpJ5KfJmeO4.vsiRv8rQtwFU4S2jGF31IBVB7EGXpA31", 15 },
	{ "$6$abcdefgh$HrZFai3B8TZDNuytsLeLURyfz/FLEJ/o.4zYgNQtyFnYiaO4NWBDm"
	  "DrLK3Udtxw0uQ2KY7NUMc0JCQnWRrxm5/", 3 },
	{ "$2b$04$abcdefghijklmnopqrstuuCZalfOR3Ap0UW3V45hfV43x7O7pk4mW", 7 },
	{ "$y$j75$abcdefgh$bctRiWkyq10PPGtOKBJgs9BCnbhQ/GleDpkmafdQZBA", 7 },
	{ "{CRYPT}$y$j75$abcdefgh$bctRiWkyq10PPGtOKBJgs9BCnbhQ/"
	  "GleDpkmafdQZBA", 14 },
	{ "{SSHA512}0khQh+G7VtBfMSI1X+3LzASkooSksfRBdFO5wPFQ6UotCsxjb58i/O33"
	  "AAeC7nhhXRv9LYBe+dqNubb8SdYUfHNhbHRzYWx0", 9 },
};

static const char *const bad[] = {
	"", "*", "!", "x", "*0", "{PLAIN}kaffee kanne", "{SSHA512}", "{CRYPT}",
	"{SSHA512}AAAA", "{SSHA512}not base64!", "{ARGON2ID}$argon2id$v=19$x",
	"$argon2id$v=19$m=65536,t=3,p=4$c2FsdHNhbHQ$aGFzaA", "$nosuch$a$b",
	"kaffee kanne",
};

static void
test_good(void **state)
{
	char cut[CREDENTIAL_HASH_MAX];
	size_t i;

	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_null(auth_hash_fault(good[i].stored));
		assert_int_equal(auth_hash_check(good[i].stored, password),
		    AUTH_MATCH);
		assert_int_equal(auth_hash_check(good[i].stored,
		    "kaffee kann"), AUTH_MISMATCH);
		assert_int_equal(auth_hash_check(good[i].stored, ""),
		    AUTH_MISMATCH);
		assert_int_equal(auth_hash_cost(good[i].stored),
		    good[i].cost);
		/* A text that was cut matches nothing. */
		strcpy(cut, good[i].stored);
		cut[strlen(cut) - 4] = '\0';
		assert_int_not_equal(auth_hash_check(cut, password),
		    AUTH_MATCH);
	}
}

static void
test_bad(void **state)
{
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(auth_hash_check(bad[i], password),
		    AUTH_BROKEN);
		assert_int_equal(auth_hash_check(bad[i], bad[i]),
		    AUTH_BROKEN);
		assert_non_null(auth_hash_fault(bad[i]));
		assert_true(auth_hash_cost(bad[i]) <= strlen(bad[i]));
	}
	assert_non_null(strstr(auth_hash_fault(bad[10]), "argon2"));
	assert_non_null(strstr(auth_hash_fault(bad[11]), "argon2"));
}

/* {SSHA512} has a salt; the longest hash is one, and one octet more none. */
static void
test_bounds(void **state)
{
	char text[CREDENTIAL_HASH_MAX + 2];
	int i;

	/* 64 octets, then 65. */
	strcpy(text, "{SSHA512}");
	memset(text + 9, 'A', 88);
	strcpy(text + 9 + 85, "A==");
	assert_non_null(auth_hash_fault(text));
	strcpy(text + 9 + 85, "AA=");
	assert_null(auth_hash_fault(text));
	strcpy(text, "$6$rounds=1000$abcdefgh$");
	for (i = (int)strlen(text); i < CREDENTIAL_HASH_MAX; i++)
		text[i] = 'x';
	text[i] = '\0';
	assert_null(auth_hash_fault(text));
	strcpy(text + i, "x");
	assert_string_equal(auth_hash_fault(text), "the hash is too long");
}

static void
test_random(void **state)
{
	struct buf a = BUF_INIT(CREDENTIAL_HASH_MAX),
	    b = BUF_INIT(CREDENTIAL_HASH_MAX);

	assert_int_equal(auth_hash_random(&a), 0);
	assert_int_equal(auth_hash_random(&b), 0);
	assert_memory_equal(a.data, "$y$", 3);
	assert_string_not_equal(buf_str(&a), buf_str(&b));
	assert_int_equal(auth_hash_check(buf_str(&a), ""), AUTH_MISMATCH);
	buf_clear(&a);
	buf_clear(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
