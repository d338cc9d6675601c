/*
 * The answer to SEARCH, octet for octet, and what "$" is after it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "imapd/imapd_result.h"
#include "imapd/imapd_session.h"

static struct imapd_view view;
static struct imapd_session session = { .tag = "a1", .view = &view };

static int
result_read(struct imapd_result *r, const char *options)
{
	struct imapd_args args = { 0 };
	char *copy = strdup(options);
	const char *why;
	int res;

	assert_int_equal(imapd_args_parse(&args, copy, strlen(copy), &why),
	    0);
	res = imapd_result_read(r, args.a);
	imapd_args_clear(&args);
	free(copy);
	return res;
}

static const char *
saved(void)
{
	static struct buf out = BUF_INIT(0);
	const struct imapd_set *set = &view.saved;
	size_t i;

	buf_reset(&out);
	for (i = 0; i < set->n; i++)
		buf_printf(&out, "%s%u:%u", i > 0 ? "," : "", set->r[i].lo,
		    set->r[i].hi);
	return buf_str(&out);
}

/* Number n has uid 10 n; the modseqs fall but for that of number 4. */
static void
hit(struct imapd_result *r, uint32_t n)
{
	struct door_record rec = { .uid = n * 10,
		.modseq = n == 4 ? 99 : 50 - n };

	imapd_result_hit(&session, r, n, &rec);
}

static const struct {
	const char *options;	/* NULL: no RETURN */
	int	 uid, modseq;
	const char *hits;	/* numbers of one digit */
	const char *want, *saved;
} rows[] = {
	{ NULL, 0, 0, "137", "* SEARCH 1 3 7\r\n", "7:7" },
	{ NULL, 1, 1, "14", "* SEARCH 10 40 (MODSEQ 99)\r\n", "7:7" },
	{ NULL, 0, 1, "", "* SEARCH\r\n", "7:7" },
	{ " ()", 0, 0, "1234689", "* ESEARCH (TAG \"a1\") ALL 1:4,6,8:9\r\n",
	    "7:7" },
	{ " (ALL)", 1, 0, "12", "* ESEARCH (TAG \"a1\") UID ALL 10,20\r\n",
	    "7:7" },
	{ " (min Max COUNT all)", 0, 0, "2345", "* ESEARCH (TAG \"a1\") "
	    "ALL 2:5 MIN 2 MAX 5 COUNT 4\r\n", "7:7" },
	/* "If the SEARCH results in no matches, the server MUST NOT include"
	   any but COUNT. */
	{ " (MIN MAX ALL COUNT)", 1, 1, "",
	    "* ESEARCH (TAG \"a1\") UID COUNT 0\r\n", "7:7" },
	{ " (MIN MAX ALL)", 0, 0, "", "* ESEARCH (TAG \"a1\")\r\n", "7:7" },
	{ " (MIN)", 0, 1, "245", "* ESEARCH (TAG \"a1\") MIN 2 MODSEQ 48\r\n",
	    "7:7" },
	{ " (MAX)", 0, 1, "245", "* ESEARCH (TAG \"a1\") MAX 5 MODSEQ 45\r\n",
	    "7:7" },
	{ " (MIN MAX)", 0, 1, "245", "* ESEARCH (TAG \"a1\") MIN 2 MAX 5 "
	    "MODSEQ 48\r\n", "7:7" },
	{ " (MIN COUNT)", 0, 1, "245", "* ESEARCH (TAG \"a1\") MIN 2 COUNT 3 "
	    "MODSEQ 99\r\n", "7:7" },
	{ " (SAVE)", 0, 0, "1245", "", "10:10,20:20,40:40,50:50" },
	{ " (SAVE)", 1, 0, "", "", "" },
	{ " (SAVE MIN)", 0, 0, "245", "* ESEARCH (TAG \"a1\") MIN 2\r\n",
	    "20:20" },
	{ " (SAVE MIN MAX)", 0, 0, "245",
	    "* ESEARCH (TAG \"a1\") MIN 2 MAX 5\r\n", "20:20,50:50" },
	{ " (SAVE MIN MAX)", 0, 0, "4",
	    "* ESEARCH (TAG \"a1\") MIN 4 MAX 4\r\n", "40:40" },
	{ " (SAVE MAX COUNT)", 0, 0, "25",
	    "* ESEARCH (TAG \"a1\") MAX 5 COUNT 2\r\n", "20:20,50:50" },
};

static void
test_answers(void **state)
{
	struct imapd_result r;
	const char *p;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		memset(&r, 0, sizeof(r));
		imapd_set_clear(&view.saved);
		assert_int_equal(imapd_set_parse(&view.saved, "7", 1, 9), 0);
		if (rows[i].options != NULL)
			assert_int_equal(result_read(&r, rows[i].options), 0);
		r.modseq = rows[i].modseq;
		session.uid = rows[i].uid;
		imapd_result_begin(&session, &r);
		for (p = rows[i].hits; *p != '\0'; p++)
			hit(&r, (uint32_t)(*p - '0'));
		imapd_result_end(&session, &r);
		imapd_result_clear(&r);
		assert_string_equal(buf_str(&session.out), rows[i].want);
		assert_string_equal(saved(), rows[i].saved);
		buf_reset(&session.out);
	}
}

static void
test_options(void **state)
{
	static const char *const bad[] = { " (X)", " MIN", " (MIN (MAX))",
		" (\"MIN\")" };
	struct imapd_result r = { 0 };
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(result_read(&r, bad[i]), -1);
}

/* "the search result variable" is empty after a NO, the line has its end. */
static void
test_failed(void **state)
{
	struct imapd_result r = { 0 };

	session.uid = 0;
	assert_int_equal(result_read(&r, " (SAVE ALL)"), 0);
	imapd_result_begin(&session, &r);
	hit(&r, 1);
	hit(&r, 3);
	imapd_result_failed(&session, &r);
	imapd_result_clear(&r);
	assert_string_equal(buf_str(&session.out),
	    "* ESEARCH (TAG \"a1\") ALL 1\r\n");
	assert_string_equal(saved(), "");
	buf_reset(&session.out);
}

/* What "$" stands for are messages, which may have gone, or have others before
   them by now. */
static void
test_dollar(void **state)
{
	uint32_t uids[] = { 10, 30, 40, 60 };
	struct imapd_view v = { .uids = uids, .n = 4 };
	struct imapd_set set;
	int uid;

	assert_int_equal(imapd_set_parse(&v.saved, "20:30,50:70", 11, 70), 0);
	for (uid = 0; uid < 2; uid++) {
		assert_int_equal(imapd_view_set(&v, "$", 1, uid, &set), 0);
		assert_int_equal(set.n, 2);
		assert_int_equal(set.r[0].lo, 2);
		assert_int_equal(set.r[0].hi, 2);
		assert_int_equal(set.r[1].lo, 4);
		imapd_set_clear(&set);
		assert_int_equal(imapd_view_set(&v, "$,1", 3, uid, &set), -1);
	}
	imapd_set_clear(&v.saved);
	assert_int_equal(imapd_view_set(&v, "$", 1, 0, &set), 0);
	assert_int_equal(set.n, 0);
	imapd_set_clear(&set);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_answers),
		cmocka_unit_test(test_options),
		cmocka_unit_test(test_failed),
		cmocka_unit_test(test_dollar),
	};
	int r = cmocka_run_group_tests(tests, NULL, NULL);

	imapd_set_clear(&view.saved);
	buf_clear(&session.out);
	return r;
}
