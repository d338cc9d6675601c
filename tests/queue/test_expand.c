#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "lib/mail/proto.h"
#include "lib/mail/result.h"
#include "queue/queue_action.h"
#include "queue/queue_expand.h"
#include "tests/queue/rig.h"

static struct rig rig;
static struct tables *tables;

static int
setup(void **state)
{
	struct buf why = BUF_INIT(300);
	char path[200];

	rig_init(&rig, "");
	snprintf(path, sizeof(path), "%s/jail/tables.cdb", rig.dir);
	tables = tables_open(path, &why);
	buf_clear(&why);
	return tables == NULL;
}

static int
teardown(void **state)
{
	tables_free(&tables);
	rig_clear(&rig);
	return 0;
}

/* Recipients, separated by blanks; what comes of them: "kind:address>way", and
   "[owner]" of the list that leads there. */
static const struct row {
	const char *to, *want;
} rows[] = {
	{ "anna@example.test", "L:anna@example.test>anna@example.test" },
	{ "Anna+x@Example.Test", "L:Anna+x@Example.Test>anna@example.test" },
	/* One copy per mailbox, whatever it is called. */
	{ "anna@example.test anna@example.test ANNA@alias.test "
	    "anna+t@alias.test",
	    "L:anna@example.test>anna@example.test" },
	{ "a@x.test", "R:a@x.test>x.test" },
	{ "a@X.Test a@x.test", "R:a@X.Test>x.test" },
	/* The local part of an address elsewhere is left alone. */
	{ "a@x.test A@x.test", "R:a@x.test>x.test R:A@x.test>x.test" },
	{ "sales@example.test",
	    "L:anna@example.test>anna@example.test "
	    "L:bert@example.test>bert@example.test "
	    "R*:far@remote.test>remote.test" },
	{ "far@remote.test sales@example.test",
	    "R:far@remote.test>remote.test "
	    "L:anna@example.test>anna@example.test "
	    "L:bert@example.test>bert@example.test" },
	{ "anna@example.test sales@example.test bert@example.test",
	    "L:anna@example.test>anna@example.test "
	    "L:bert@example.test>bert@example.test "
	    "R*:far@remote.test>remote.test" },
	{ "nobody@example.test",
	    "F:nobody@example.test>5.1.1 no such mailbox" },
	{ "dead@example.test",
	    "F*:nobody@example.test>5.1.1 no such mailbox" },
	/* Loops: alone they fail, with a way out they do not. */
	{ "self@example.test", "F:self@example.test>5.4.6 the alias leads "
	    "back to itself" },
	{ "selfplus@example.test", "L:anna@example.test>anna@example.test" },
	{ "ping@example.test", "F:ping@example.test>5.4.6 the alias leads "
	    "back to itself" },
	{ "ping@example.test anna@example.test", "F:ping@example.test>5.4.6 "
	    "the alias leads back to itself "
	    "L:anna@example.test>anna@example.test" },
	/* What only leads back to where the way out was: in any order. */
	{ "aa@example.test bb@example.test",
	    "L:bert@example.test>bert@example.test" },
	{ "bb@example.test aa@example.test",
	    "L:bert@example.test>bert@example.test" },
	{ "ra@example.test rd@example.test rc@example.test rb@example.test "
	    "re@example.test", "L:anna@example.test>anna@example.test" },
	{ "re@example.test rb@example.test ra@example.test",
	    "L:anna@example.test>anna@example.test" },
	{ "aa@example.test nc@example.test na@example.test",
	    "L:bert@example.test>bert@example.test "
	    "F:nc@example.test>5.4.6 the alias leads back to itself "
	    "F:na@example.test>5.4.6 the alias leads back to itself" },
	{ "na@example.test nb@example.test nc@example.test",
	    "F:na@example.test>5.4.6 the alias leads back to itself "
	    "F:nb@example.test>5.4.6 the alias leads back to itself "
	    "F:nc@example.test>5.4.6 the alias leads back to itself" },
	/* Lists: the innermost one's owner, of several ways the first. */
	{ "team@example.test",
	    "L:anna@example.test>anna@example.test[u1@example.test] "
	    "R*:m@remote.test>remote.test[u1@example.test] "
	    "R*:i@remote.test>remote.test[u2@example.test] "
	    "L:bert@example.test>bert@example.test[u2@example.test]" },
	{ "inner@example.test team@example.test",
	    "R*:i@remote.test>remote.test[u2@example.test] "
	    "R*:m@remote.test>remote.test[u2@example.test] "
	    "L:bert@example.test>bert@example.test[u2@example.test] "
	    "L:anna@example.test>anna@example.test[u1@example.test]" },
	/* Whom the sender named himself gets it from him. */
	{ "team@example.test bert@example.test m@remote.test",
	    "L:bert@example.test>bert@example.test "
	    "R:m@remote.test>remote.test "
	    "L:anna@example.test>anna@example.test[u1@example.test] "
	    "R*:i@remote.test>remote.test[u2@example.test]" },
	{ "via@example.test",
	    "R*:i@remote.test>remote.test[u2@example.test] "
	    "R*:m@remote.test>remote.test[u2@example.test] "
	    "L:bert@example.test>bert@example.test[u2@example.test] "
	    "L:anna@example.test>anna@example.test[u1@example.test]" },
	{ "owned@example.test owned@alias.test",
	    "L:u3@example.test>u3@example.test[u3@example.test] "
	    "F*:nobody@example.test>5.1.1 no such mailbox[u3@example.test]" },
	/* That it leads nowhere is the sender's to hear. */
	{ "round@example.test", "F:round@example.test>5.4.6 the alias leads "
	    "back to itself" },
	/* Chains: as deep as allowed, and deeper. */
	{ "c21@example.test", "L:anna@example.test>anna@example.test" },
	{ "c5@example.test", "F*:c26@example.test>5.4.6 too many aliases in a "
	    "row" },
};

static size_t
split(char *text, struct recipient *r)
{
	size_t n = 0;
	char *p;

	for (p = strtok(text, " "); p != NULL; p = strtok(NULL, " "))
		r[n++] = (struct recipient){ .address = p, .orcpt = "" };
	return n;
}

static void
print(const struct targets *ts, struct buf *out)
{
	size_t i;

	for (i = 0; i < ts->n; i++) {
		buf_printf(out, "%s%c%s:%s>%s", i == 0 ? "" : " ",
		    "LRF"[ts->t[i].kind], ts->t[i].kind != TARGET_LOCAL &&
		    ts->t[i].forwarded ? "*" : "", ts->t[i].address,
		    ts->t[i].way);
		if (ts->t[i].owner != NULL)
			buf_printf(out, "[%s]", ts->t[i].owner);
	}
}

static void
test_rows(void **state)
{
	struct buf got = BUF_INIT(0);
	struct recipient r[20];
	struct targets ts;
	struct envelope e;
	char text[400];
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		strcpy(text, rows[i].to);
		memset(&e, 0, sizeof(e));
		e.sender = "eve@x.test";
		e.rcpt = r;
		e.n_rcpt = split(text, r);
		assert_int_equal(expand(tables, &e, &ts), 0);
		buf_reset(&got);
		print(&ts, &got);
		assert_string_equal(buf_str(&got), rows[i].want);
		targets_clear(&ts);
	}
	buf_clear(&got);
}

/*
 * Where success is to be told, an alias of several stands behind them, done
 * from the beginning; so does what leads only where another one did.
 */
static void
test_success(void **state)
{
	static const char want[] = "L:anna@example.test>anna@example.test "
	    "L:bert@example.test>bert@example.test "
	    "R*:far@remote.test>remote.test L:sales@example.test> "
	    "L:postmaster@example.test> "
	    "F:nobody@example.test>5.1.1 no such mailbox";
	char text[] = "sales@example.test postmaster@example.test "
	    "nobody@example.test";
	struct buf got = BUF_INIT(0);
	struct recipient r[20];
	struct envelope e;
	struct targets ts;
	size_t i;

	memset(&e, 0, sizeof(e));
	e.sender = "eve@x.test";
	e.rcpt = r;
	e.n_rcpt = split(text, r);
	for (i = 0; i < e.n_rcpt; i++)
		r[i].notify = Q_NOTIFY_SUCCESS;
	assert_int_equal(expand(tables, &e, &ts), 0);
	print(&ts, &got);
	assert_string_equal(buf_str(&got), want);
	for (i = 0; i < ts.n; i++) {
		assert_int_equal(ts.t[i].state, i == 3 || i == 4 ?
		    TARGET_DONE : TARGET_OPEN);
		assert_int_equal(target_owed(&ts.t[i]), i == 3 || i == 4);
		assert_int_equal(target_is_alias(&ts.t[i]), i == 3 || i == 4);
		assert_int_equal(ts.t[i].unsaved, i == 3 || i == 4);
	}
	targets_clear(&ts);
	/* Not to a null sender, nor where it was not asked. */
	e.sender = "";
	e.n_rcpt = 1;
	assert_int_equal(expand(tables, &e, &ts), 0);
	assert_int_equal(ts.n, 3);
	targets_clear(&ts);
	e.sender = "eve@x.test";
	r[0].notify = Q_NOTIFY_FAILURE | Q_NOTIFY_DELAY;
	assert_int_equal(expand(tables, &e, &ts), 0);
	assert_int_equal(ts.n, 3);
	targets_clear(&ts);
	buf_clear(&got);
}

/*
 * Of several that lead to one mailbox the first counts, but those whose
 * failure is to be told come before all others: no failure stays untold.
 */
static void
test_whose(void **state)
{
	static const struct {
		uint32_t notify[2];
		unsigned of;
	} row[] = {
		{ { 0, 0 }, 0 },
		{ { Q_NOTIFY_NEVER, 0 }, 1 },
		{ { Q_NOTIFY_NEVER, Q_NOTIFY_FAILURE }, 1 },
		{ { Q_NOTIFY_SUCCESS, Q_NOTIFY_FAILURE | Q_NOTIFY_DELAY }, 1 },
		{ { Q_NOTIFY_FAILURE, 0 }, 0 },
		{ { Q_NOTIFY_DELAY, Q_NOTIFY_NEVER }, 0 },
		{ { 0, Q_NOTIFY_FAILURE }, 0 },
	};
	struct recipient r[2];
	struct envelope e;
	struct targets ts;
	size_t i;
	char text[] = "anna@example.test anna@alias.test";

	memset(&e, 0, sizeof(e));
	e.sender = "eve@x.test";
	e.rcpt = r;
	e.n_rcpt = split(text, r);
	for (i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		r[0].notify = row[i].notify[0];
		r[1].notify = row[i].notify[1];
		assert_int_equal(expand(tables, &e, &ts), 0);
		assert_int_equal(ts.t[0].state, TARGET_OPEN);
		assert_int_equal(ts.t[0].rcpt, row[i].of);
		assert_string_equal(ts.t[0].address, r[row[i].of].address);
		assert_int_equal(ts.n, 1 + (i == 3));
		targets_clear(&ts);
	}
}

/*
 * Success of a list is that it took the message, whatever becomes of what it
 * sends on; and a null sender stays one, which no owner takes the place of.
 */
static void
test_list_success(void **state)
{
	static const struct {
		const char *to, *marker;
		size_t	 n;
		int	 delivered;
	} row[] = {
		{ "team@example.test", "team@example.test", 5, 1 },
		{ "via@example.test", "via@example.test", 5, 1 },
		{ "both@example.test", "both@example.test", 6, 0 },
		{ "bert@example.test both@example.test",
		  "both@example.test", 6, 0 },
	};
	struct recipient r[20];
	struct targets ts;
	struct envelope e;
	char text[400];
	size_t i, k;

	for (i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		strcpy(text, row[i].to);
		memset(&e, 0, sizeof(e));
		e.sender = "eve@x.test";
		e.rcpt = r;
		e.n_rcpt = split(text, r);
		for (k = 0; k < e.n_rcpt; k++)
			r[k].notify = Q_NOTIFY_SUCCESS;
		assert_int_equal(expand(tables, &e, &ts), 0);
		assert_int_equal(ts.n, row[i].n);
		k = ts.n - 1;
		assert_true(target_is_alias(&ts.t[k]));
		assert_string_equal(ts.t[k].address, row[i].marker);
		assert_null(ts.t[k].owner);
		assert_int_equal(action_of(&ts.t[k]), row[i].delivered ?
		    ACTION_DELIVERED : ACTION_EXPANDED);
		targets_clear(&ts);
		e.sender = "";
		assert_int_equal(expand(tables, &e, &ts), 0);
		for (k = 0; k < ts.n; k++)
			assert_null(ts.t[k].owner);
		targets_clear(&ts);
	}
}

/* A member of a list sends it on: it is the list's still, or another's. */
static void
test_list_redirect(void **state)
{
	struct buf got = BUF_INIT(0);
	struct recipient r[20];
	struct targets ts;
	struct envelope e;
	char text[] = "team@example.test";

	memset(&e, 0, sizeof(e));
	e.sender = "eve@x.test";
	e.rcpt = r;
	e.n_rcpt = split(text, r);
	assert_int_equal(expand(tables, &e, &ts), 0);
	assert_int_equal(expand_redirect(tables, &e, &ts, 0, "u9@example.test"),
	    EXPAND_ADDED);
	assert_int_equal(expand_redirect(tables, &e, &ts, 3,
	    "owned@example.test"), EXPAND_ADDED);
	print(&ts, &got);
	assert_string_equal(buf_str(&got),
	    "L:anna@example.test>anna@example.test[u1@example.test] "
	    "R*:m@remote.test>remote.test[u1@example.test] "
	    "R*:i@remote.test>remote.test[u2@example.test] "
	    "L:bert@example.test>bert@example.test[u2@example.test] "
	    "L:u9@example.test>u9@example.test[u1@example.test] "
	    "L:u3@example.test>u3@example.test[u3@example.test] "
	    "F*:nobody@example.test>5.1.1 no such mailbox[u3@example.test]");
	targets_clear(&ts);
	/* What has no sender gets none. */
	e.sender = "";
	assert_int_equal(expand(tables, &e, &ts), 0);
	assert_int_equal(expand_redirect(tables, &e, &ts, 0,
	    "owned@example.test"), EXPAND_ADDED);
	buf_reset(&got);
	print(&ts, &got);
	assert_null(strchr(buf_str(&got), '['));
	targets_clear(&ts);
	buf_clear(&got);
}

/* A report to a name without a mailbox is for postmaster, once. */
static void
test_unsent(void **state)
{
	char text[] = "nobody@example.test cron@alias.test "
	    "anna@example.test none@remote.test";
	struct buf got = BUF_INIT(0);
	struct recipient r[20];
	struct targets ts;
	struct envelope e;

	memset(&e, 0, sizeof(e));
	e.sender = "";
	e.rcpt = r;
	e.n_rcpt = split(text, r);
	assert_int_equal(expand(tables, &e, &ts), 0);
	print(&ts, &got);
	assert_string_equal(buf_str(&got),
	    "L:bert@example.test>bert@example.test "
	    "L:anna@example.test>anna@example.test "
	    "R:none@remote.test>remote.test");
	targets_clear(&ts);
	buf_clear(&got);
}

/* What a script sends on becomes targets behind those there are. */
static void
test_redirect(void **state)
{
	char text[] = "anna@example.test bert@example.test";
	struct buf got = BUF_INIT(0);
	struct recipient r[20];
	struct targets ts;
	struct envelope e;

	memset(&e, 0, sizeof(e));
	e.sender = "eve@x.test";
	e.rcpt = r;
	e.n_rcpt = split(text, r);
	assert_int_equal(expand(tables, &e, &ts), 0);
	assert_int_equal(expand_redirect(tables, &e, &ts, 0, "sales@example.test"),
	    EXPAND_ADDED);
	assert_int_equal(expand_redirect(tables, &e, &ts, 1, "x@far.test"),
	    EXPAND_ADDED);
	/* There already; and those of bert's are bert's. */
	assert_int_equal(expand_redirect(tables, &e, &ts, 0, "x@FAR.test"),
	    EXPAND_ADDED);
	assert_int_equal(expand_redirect(tables, &e, &ts, 0, "nobody@example.test"),
	    EXPAND_ADDED);
	print(&ts, &got);
	assert_string_equal(buf_str(&got),
	    "L:anna@example.test>anna@example.test "
	    "L:bert@example.test>bert@example.test "
	    "R*:far@remote.test>remote.test R*:x@far.test>far.test "
	    "F*:nobody@example.test>5.1.1 no such mailbox");
	assert_int_equal(ts.t[2].rcpt, 0);
	assert_int_equal(ts.t[3].rcpt, 1);
	assert_int_equal(ts.t[3].forwarded, FORWARDED_SCRIPT);
	assert_int_equal(ts.t[4].state, TARGET_OPEN);
	/* To himself; to one who has only sent it on; to one who has it. */
	assert_int_equal(expand_redirect(tables, &e, &ts, 0, "anna@example.test"),
	    EXPAND_LOOPS);
	assert_int_equal(expand_redirect(tables, &e, &ts, 0, "bert+x@alias.test"),
	    EXPAND_ADDED);
	target_set(&ts.t[1], TARGET_DONE, RESULT_REDIRECTED,
	    strlen(RESULT_REDIRECTED), NULL, 0);
	target_set(&ts.t[3], TARGET_DONE, RESULT_REDIRECTED,
	    strlen(RESULT_REDIRECTED), NULL, 0);
	assert_int_equal(expand_redirect(tables, &e, &ts, 0, "bert@example.test"),
	    EXPAND_LOOPS);
	target_set(&ts.t[1], TARGET_DONE, "2.0.0 delivered", 15, NULL, 0);
	assert_int_equal(expand_redirect(tables, &e, &ts, 0, "bert@example.test"),
	    EXPAND_ADDED);
	assert_int_equal(ts.n, 5);
	targets_clear(&ts);
	buf_clear(&got);
}

/* Sends number i on, whose result says so. */
static enum expand_result
sends_on(const struct envelope *e, struct targets *ts, size_t i,
    const char *address)
{
	enum expand_result r = expand_redirect(tables, e, ts, i, address);

	if (r == EXPAND_ADDED)
		target_set(&ts->t[i], TARGET_DONE, RESULT_REDIRECTED,
		    strlen(RESULT_REDIRECTED), NULL, 0);
	return r;
}

/* Who only sent it on has brought it to somebody, or else it is a circle. */
static void
test_redirect_circle(void **state)
{
	static const struct {
		const char *to;
		struct { size_t i; const char *address; } step[4];
		enum expand_result last;
	} row[] = {
		/* bert's goes elsewhere before anna's comes to him. */
		{ "anna@example.test bert@example.test", {
		    { 1, "x@far.test" }, { 0, "bert@example.test" } },
		    EXPAND_ADDED },
		{ "anna@example.test bert@example.test", {
		    { 1, "anna@example.test" }, { 0, "bert@example.test" } },
		    EXPAND_LOOPS },
		{ "anna@example.test", {
		    { 0, "bert@example.test" }, { 1, "anna@example.test" } },
		    EXPAND_LOOPS },
		/* Of two that send it back the last one has it. */
		{ "anna@example.test", {
		    { 0, "bert@example.test" }, { 0, "u3@example.test" },
		    { 2, "anna@example.test" }, { 1, "anna@example.test" } },
		    EXPAND_LOOPS },
		{ "anna@example.test", {
		    { 0, "bert@example.test" }, { 0, "u3@example.test" },
		    { 2, "anna@example.test" }, { 1, "u3@example.test" } },
		    EXPAND_LOOPS },
		/* What others of the alias got is not theirs. */
		{ "sales@example.test", {
		    { 2, "x@far.test" }, { 0, "bert@example.test" },
		    { 1, "anna@example.test" } }, EXPAND_LOOPS },
	};
	struct recipient r[20];
	struct envelope e;
	struct targets ts;
	char text[200];
	size_t i, k;

	memset(&e, 0, sizeof(e));
	e.sender = "eve@x.test";
	e.rcpt = r;
	for (i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		strcpy(text, row[i].to);
		e.n_rcpt = split(text, r);
		assert_int_equal(expand(tables, &e, &ts), 0);
		for (k = 0; k < 4 && row[i].step[k].address != NULL; k++)
			assert_int_equal(sends_on(&e, &ts, row[i].step[k].i,
			    row[i].step[k].address), k == 3 ||
			    row[i].step[k + 1].address == NULL ? row[i].last :
			    EXPAND_ADDED);
		targets_clear(&ts);
	}
}

/* Eleven lists are more than a message may reach; nobody is left out. */
static void
test_too_many(void **state)
{
	char text[400] = "many0@example.test";
	struct recipient r[20];
	struct targets ts;
	struct envelope e;
	size_t i, n;

	for (i = 1; i < 11; i++) {
		n = strlen(text);
		snprintf(text + n, sizeof(text) - n, " many%zu@example.test",
		    i);
	}
	n = strlen(text);
	snprintf(text + n, sizeof(text) - n,
	    " anna@example.test nobody@example.test ping@example.test");
	memset(&e, 0, sizeof(e));
	e.sender = "eve@x.test";
	e.rcpt = r;
	e.n_rcpt = split(text, r);
	assert_int_equal(e.n_rcpt, 14);
	assert_int_equal(expand(tables, &e, &ts), 0);
	n = ts.n;
	assert_int_equal(n, TARGETS_MAX - 14 + 4 + 1);
	assert_int_equal(ts.t[n - 1].kind, TARGET_FAILED);
	assert_string_equal(ts.t[n - 1].address, "ping@example.test");
	assert_string_equal(ts.t[n - 2].address, "nobody@example.test");
	assert_int_equal(ts.t[n - 3].kind, TARGET_LOCAL);
	assert_string_equal(ts.t[n - 3].address, "anna@example.test");
	for (i = 4; i <= 5; i++)
		assert_int_equal(ts.t[n - i].kind, TARGET_FAILED);
	assert_string_equal(ts.t[n - 4].way,
	    "5.4.6 expands to too many addresses");
	assert_string_equal(ts.t[n - 4].address, "many10@example.test");
	assert_int_equal(ts.t[n - 6].kind, TARGET_REMOTE);
	targets_clear(&ts);
	/* Room for all that is told, too. */
	for (i = 0; i < e.n_rcpt; i++)
		r[i].notify = Q_NOTIFY_SUCCESS;
	assert_int_equal(expand(tables, &e, &ts), 0);
	assert_true(ts.n <= TARGETS_MAX && ts.n > TARGETS_MAX - 30);
	targets_clear(&ts);
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_rows),
		cmocka_unit_test(test_unsent), cmocka_unit_test(test_redirect),
		cmocka_unit_test(test_redirect_circle),
		cmocka_unit_test(test_list_success),
		cmocka_unit_test(test_list_redirect), cmocka_unit_test(test_success),
		cmocka_unit_test(test_whose),
		cmocka_unit_test(test_too_many) };

	return cmocka_run_group_tests_name("expand", tests, setup, teardown);
}
