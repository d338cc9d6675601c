#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "ctl/ctl_conf.h"
#include "ctl/ctl_diff.h"

static void
expect(const char *from, const char *to, const char *diff)
{
	struct buf a = BUF_INIT(0), b = BUF_INIT(0), out = BUF_INIT(0);

	buf_puts(&a, from);
	buf_puts(&b, to);
	diff_unified("f", &a, &b, &out);
	assert_string_equal(buf_str(&out), diff);
	buf_clear(&a);
	buf_clear(&b);
	buf_clear(&out);
}

#define HEAD "--- f\n+++ f\n"

static void
test_rows(void **state)
{
	expect("", "", "");
	expect("a\nb\n", "a\nb\n", "");
	expect("", "a\n", HEAD "@@ -0,0 +1,1 @@\n+a\n");
	expect("a\n", "", HEAD "@@ -1,1 +0,0 @@\n-a\n");
	expect("a\nb\n", "a\nb", HEAD "@@ -1,2 +1,2 @@\n a\n-b\n+b\n"
	    "\\ No newline at end of file\n");
	/* Three lines around, no more. */
	expect("1\n2\n3\n4\n5\n6\n7\n8\n9\n", "1\n2\n3\n4\nx\n6\n7\n8\n9\n",
	    HEAD "@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+x\n 6\n 7\n 8\n");
	/* Six lines between are one hunk, seven are two. */
	expect("a\n1\n2\n3\n4\n5\n6\nb\n", "A\n1\n2\n3\n4\n5\n6\nB\n",
	    HEAD "@@ -1,8 +1,8 @@\n-a\n+A\n 1\n 2\n 3\n 4\n 5\n 6\n-b\n"
	    "+B\n");
	expect("a\n1\n2\n3\n4\n5\n6\n7\nb\n", "A\n1\n2\n3\n4\n5\n6\n7\nB\n",
	    HEAD "@@ -1,4 +1,4 @@\n-a\n+A\n 1\n 2\n 3\n"
	    "@@ -6,4 +6,4 @@\n 5\n 6\n 7\n-b\n+B\n");
	/* The lines that both have stay: the longest row of them. */
	expect("a\nx\nb\nc\n", "y\na\nb\nz\nc\n",
	    HEAD "@@ -1,4 +1,5 @@\n+y\n a\n-x\n b\n+z\n c\n");
}

/* Applies a diff: the new text from the old one. */
static void
apply(const struct buf *from, const char *diff, struct buf *to)
{
	const char *p = buf_str(from), *end;
	size_t line = 1, start, n;
	char sign;

	diff = strchr(strchr(diff, '\n') + 1, '\n') + 1;
	for (; *diff != '\0'; diff = end + 1) {
		end = strchr(diff, '\n');
		if (sscanf(diff, "@@ -%zu,%zu", &start, &n) == 2) {
			for (start += n == 0; line < start; line++) {
				buf_append(to, p, strcspn(p, "\n") + 1);
				p += strcspn(p, "\n") + 1;
			}
			continue;
		}
		sign = *diff++;
		if (sign != '+') {
			assert_memory_equal(p, diff, (size_t)(end - diff) + 1);
			p += end - diff + 1;
			line++;
		}
		if (sign != '-')
			buf_append(to, diff, (size_t)(end - diff) + 1);
	}
	buf_puts(to, p);
}

/* n lines of few kinds. */
static void
random_text(unsigned n, struct buf *b)
{
	while (n-- > 0)
		buf_printf(b, "%d\n", rand() % 5);
}

static void
test_any(void **state)
{
	struct buf a = BUF_INIT(0), b = BUF_INIT(0), diff = BUF_INIT(0),
	    got = BUF_INIT(0);
	int i;

	srand(1);
	for (i = 0; i < 3000; i++) {
		buf_reset(&a);
		buf_reset(&b);
		buf_reset(&diff);
		buf_reset(&got);
		random_text((unsigned)rand() % 40, &a);
		buf_puts(&b, buf_str(&a));
		buf_truncate(&b, b.len / 4 * 2);
		random_text((unsigned)rand() % 20, &b);
		diff_unified("f", &a, &b, &diff);
		assert_int_equal(diff.len == 0,
		    strcmp(buf_str(&a), buf_str(&b)) == 0);
		if (diff.len > 0) {
			apply(&a, buf_str(&diff), &got);
			assert_string_equal(buf_str(&got), buf_str(&b));
		}
	}
	buf_clear(&a);
	buf_clear(&b);
	buf_clear(&diff);
	buf_clear(&got);
}

/* Beyond DIFF_CELLS the old ones go and the new ones come. */
static void
test_large(void **state)
{
	struct buf a = BUF_INIT(0), b = BUF_INIT(0), diff = BUF_INIT(0);
	int i;

	for (i = 0; i < 3000; i++) {
		buf_printf(&a, "a%d\n", i);
		buf_printf(&b, "b%d\n", i);
	}
	diff_unified("f", &a, &b, &diff);
	assert_int_equal(strncmp(buf_str(&diff), HEAD
	    "@@ -1,3000 +1,3000 @@\n-a0\n-a1\n", 37), 0);
	assert_non_null(strstr(buf_str(&diff), "-a2999\n+b0\n"));
	buf_clear(&a);
	buf_clear(&b);
	buf_clear(&diff);
}

/* What the operator wrote stays as it is, where it says the same. */
static void
test_conf_lines(void **state)
{
	static const char text[] = "# mine\na=1\n\n b  =  2 \nc = 3\n";
	struct conf_file f;
	struct buf out = BUF_INIT(0);

	conf_read(&f, text, sizeof(text) - 1);
	conf_set(&f, "a", "1");
	conf_set(&f, "b", "2");
	conf_set(&f, "c", "4");
	conf_set(&f, "d", "");
	conf_del(&f, "e");
	conf_print(&f, &out);
	assert_string_equal(buf_str(&out),
	    "# mine\na=1\n\n b  =  2 \nc = 4\nd =\n");
	buf_reset(&out);
	conf_del(&f, "b");
	conf_del(&f, "d");
	conf_print(&f, &out);
	assert_string_equal(buf_str(&out), "# mine\na=1\n\nc = 4\n");
	assert_null(conf_get(&f, "b"));
	buf_clear(&out);
	conf_clear(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_any),
		cmocka_unit_test(test_large),
		cmocka_unit_test(test_conf_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
