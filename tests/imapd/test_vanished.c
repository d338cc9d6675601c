/*
 * What VANISHED tells, held against a table of uids: random mailboxes, sets and
 * pairs; the bounds of a line and of a piece.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"

#include "imapd/imapd_resync.h"
#include "imapd/imapd_vanished.h"

enum { UIDS = 300 };

/* The process around the sessions is not there. */
void	server_sessions(unsigned n);
void	server_session_ended(uint32_t id);
void	server_exit(void);

void
server_sessions(unsigned n)
{
}

void
server_session_ended(uint32_t id)
{
}

void
server_exit(void)
{
}

/* Marks the uids of all lines; each stands there once, rising in its line. */
static size_t
marks(const char *p, const char *head, unsigned char *told, size_t max)
{
	unsigned long lo, hi, before;
	size_t lines = 0;
	char *end;

	while (*p != '\0') {
		assert_memory_equal(p, head, strlen(head));
		for (p += strlen(head), before = 0; *p != '\r'; p = end) {
			if (before > 0)
				assert_int_equal(*p++, ',');
			lo = hi = strtoul(p, &end, 10);
			if (*end == ':')
				hi = strtoul(end + 1, &end, 10);
			assert_true(lo > before && hi >= lo && hi < max);
			for (before = hi; lo <= hi; lo++)
				assert_int_equal(told[lo]++, 0);
		}
		assert_memory_equal(p, "\r\n", 2);
		p += 2;
		lines++;
	}
	return lines;
}

/* All that vanished tells, in how many pieces. */
static unsigned
tell(struct imapd_session *s, struct imapd_vanished *v)
{
	unsigned pieces = 0;
	size_t before;
	int r;

	v->asked = 1;
	do {
		before = s->out.len;
		r = imapd_vanished_more(s, v);
		assert_true(s->out.len - before <= 64 * 1024);
		pieces++;
	} while (r == 0);
	assert_int_equal(r, 1);
	assert_int_equal(imapd_vanished_more(s, v), 1);
	return pieces;
}

static void
test_gaps_and_log(void **state)
{
	unsigned char there[UIDS], told[UIDS];
	struct imapd_box box = { .uidnext = UIDS, .modseq = 9 };
	struct imapd_view view = { .box = &box };
	struct imapd_session s = { .view = &view };
	struct imapd_vanished v;
	struct imapd_set set;
	uint32_t uids[UIDS], uid, floor;
	char text[100];
	int round, log, any;

	view.uids = uids;
	srand(1);
	for (round = 0; round < 2000; round++) {
		log = round & 1;
		for (uid = 1, view.n = 0; uid < UIDS; uid++)
			if ((there[uid] = rand() % (1 + round % 7) == 0))
				uids[view.n++] = uid;
		snprintf(text, sizeof(text), "%d:%d,%d,%d:%d",
		    1 + rand() % 100, 1 + rand() % 400, 1 + rand() % 400,
		    1 + rand() % 400, 1 + rand() % 400);
		assert_int_equal(imapd_set_parse(&set, text, strlen(text), 0),
		    0);
		floor = rand() % 3 == 0 ? (uint32_t)(rand() % UIDS) : 0;
		imapd_vanished_begin(&v, &set, 1, floor);
		if (log) {	/* all of which store tells is gone, or not yet */
			v.complete = 1;
			v.gone = mem_alloc(UIDS * sizeof(*v.gone));
			for (uid = 1; uid < UIDS; uid++)
				v.gone[v.n_gone++] = uid;
		}
		tell(&s, &v);
		memset(told, 0, sizeof(told));
		marks(buf_str(&s.out), "* VANISHED (EARLIER) ", told, UIDS);
		for (any = 0, uid = 1; uid < UIDS; uid++) {
			assert_int_equal(told[uid], !there[uid] &&
			    uid > floor && imapd_set_has(&set, uid));
			any |= told[uid];
		}
		assert_int_equal(s.out.len > 0, any);
		imapd_vanished_clear(&v);
		imapd_set_clear(&set);
		buf_reset(&s.out);
	}
	buf_clear(&s.out);
}

/* Every second message of many: in pieces, in lines of some 8,000 octets. */
static void
test_bounds(void **state)
{
	enum { MANY = 300000 };
	static const struct imapd_range all = { 1, UINT32_MAX };
	struct imapd_set set = { .r = (struct imapd_range *)&all, .n = 1 };
	struct imapd_box box = { .uidnext = 2 * MANY + 1, .modseq = 9 };
	struct imapd_view view = { .box = &box, .n = MANY };
	struct imapd_session s = { .view = &view };
	unsigned char *told = mem_zalloc(2 * MANY + 1, 1);
	struct imapd_vanished v;
	size_t i, lines;
	const char *p, *nl;

	view.uids = mem_alloc(MANY * sizeof(*view.uids));
	for (i = 0; i < MANY; i++)
		view.uids[i] = (uint32_t)i * 2 + 2;
	imapd_vanished_begin(&v, &set, 1, 0);
	assert_true(tell(&s, &v) >= 70);
	lines = marks(buf_str(&s.out), "* VANISHED (EARLIER) ", told,
	    2 * MANY + 1);
	assert_true(lines > 200);
	for (p = s.out.data; *p != '\0'; p = nl + 2) {
		nl = strstr(p, "\r\n");
		assert_true(nl - p < 8192);
	}
	for (i = 1; i <= 2 * MANY; i++)
		assert_int_equal(told[i], i % 2);
	imapd_vanished_clear(&v);
	buf_clear(&s.out);
	free(view.uids);
	free(told);
}

static void
test_line(void **state)
{
	struct buf out = BUF_INIT(0);
	struct imapd_vanished_line l = { .out = &out };

	imapd_vanished_end(&l);
	assert_int_equal(out.len, 0);
	imapd_vanished_put(&l, 1, 1);
	imapd_vanished_put(&l, 2, 5);
	imapd_vanished_put(&l, 7, 7);
	imapd_vanished_end(&l);
	assert_string_equal(out.data, "* VANISHED 1:5,7\r\n");
	buf_clear(&out);
}

/* The pairs of a client that knew more: the highest that still fits. */
static void
test_pairs(void **state)
{
	struct imapd_box box = { .uidnext = UIDS };
	struct imapd_view view = { .box = &box };
	struct imapd_resync r = { 0 };
	uint32_t uids[UIDS], old[UIDS], n_old, i, k, want;
	char a[UIDS * 5], b[UIDS * 5];
	int round;

	view.uids = uids;
	srand(2);
	for (round = 0; round < 2000; round++) {
		for (i = 1, n_old = 0; i < UIDS; i++)
			if (rand() % 3 > 0)
				old[n_old++] = i;
		k = (uint32_t)rand() % n_old;
		for (i = 0, view.n = 0; i < n_old; i++)
			if (i < k || rand() % 4 > 0)
				uids[view.n++] = old[i];
		a[0] = b[0] = '\0';
		for (i = 0, want = 0; i < n_old; i++) {
			if (rand() % 3 == 0)
				continue;
			sprintf(a + strlen(a), "%s%u", *a ? "," : "", i + 1);
			sprintf(b + strlen(b), "%s%u", *b ? "," : "", old[i]);
			if (i < view.n && uids[i] == old[i])
				want = old[i];
		}
		assert_int_equal(imapd_set_parse(&r.seqs, a, strlen(a), 0), 0);
		assert_int_equal(imapd_set_parse(&r.pairs, b, strlen(b), 0),
		    0);
		assert_int_equal(imapd_resync_floor(&r, &view), want);
		imapd_resync_clear(&r);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_line),
		cmocka_unit_test(test_gaps_and_log),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_pairs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
