/*
 * What migrate knows of itself: the names that mailboxes get, and the file of
 * what was brought, which may end anywhere.
 */
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
#include "lib/base/mem.h"
#include "relay/migrate.h"

static const struct {
	const char *name;
	unsigned uses;
	const char *here;	/* NULL: no mailbox */
} names[] = {
	{ "INBOX", 0, "INBOX" },
	{ "Gesendete Objekte", ATTR_SENT, "Sent" },
	/* The server says it of another. */
	{ "Gesendet", 0, "Gesendet" },
	{ "sent", 0, "sent" },
	{ "SPAM", 0, "Bulk" },
	{ "Papierkorb", 0, "Trash" },
	{ "Projekt/Papierkorb", 0, "Projekt/Papierkorb" },
	/* Nothing here is for that. */
	{ "Archiv", ATTR_ARCHIVE, "Archiv" },
	{ "[x]", 0, NULL },
};

static void
test_map(void **state)
{
	static char sent[] = "Sent", bulk[] = "Bulk", trash[] = "Trash";
	const struct door_mailbox here[] = {
		{ .name = sent, .attrs = ATTR_SENT },
		{ .name = bulk, .attrs = ATTR_JUNK | ATTR_SUBSCRIBED },
		{ .name = trash, .attrs = ATTR_TRASH } };
	enum { N = sizeof(names) / sizeof(names[0]) };
	struct imap_mailbox v[N];
	struct imap_list l = { .v = v, .n = N };
	char **got;
	size_t i;

	memset(v, 0, sizeof(v));
	for (i = 0; i < N; i++) {
		v[i].name = mem_strdup(names[i].name);
		v[i].uses = names[i].uses;
		v[i].noselect = names[i].here == NULL;
	}
	got = migrate_map(&l, here, 3);
	for (i = 0; i < N; i++) {
		if (names[i].here == NULL)
			assert_null(got[i]);
		else
			assert_string_equal(got[i], names[i].here);
		free(got[i]);
		free(v[i].name);
	}
	free(got);
}

static int
file(const char *text, size_t len)
{
	FILE *f = tmpfile();
	int fd = fcntl(fileno(f), F_DUPFD_CLOEXEC, 0);

	fclose(f);
	assert_int_not_equal(fd, -1);
	assert_int_equal(fcntl(fd, F_SETFL, O_APPEND), 0);
	assert_int_equal(fd_write_all(fd, text, len), 0);
	return fd;
}

/* Uids of a mailbox here mean nothing in another one. */
static void
test_state_of_another_mailbox(void **state)
{
	struct state_message m = { .uid = 7, .here = 70 };
	int fd = file("", 0), i;
	struct state s;

	assert_int_equal(state_open(&s, fd, 0), 0);
	assert_int_equal(state_box_add(&s, "a", 99), 0);
	state_here(&s, 0, 3);
	state_add(&s, 0, &m);
	state_here(&s, 0, 3);
	assert_false(state_find(&s.box[0], 7)->gone);
	state_here(&s, 0, 4);
	m.uid = 8;
	m.here = 1;
	state_add(&s, 0, &m);
	/* And so it is read again. */
	for (i = 0; i < 2; i++) {
		assert_int_equal(s.box[0].here, 4);
		assert_int_equal(s.box[0].top, 1);
		assert_true(state_find(&s.box[0], 7)->gone);
		assert_false(state_find(&s.box[0], 8)->gone);
		assert_int_equal(state_sync(&s), 0);
		state_close(&s);
		assert_int_equal(state_open(&s, fd, 1), 0);
	}
	state_close(&s);
	close(fd);
}

/* A file of a later version is refused; a head that a kill tore is not. */
static void
test_state_of_another_version(void **state)
{
	static const struct {
		const char *text;
		int	 r;
	} rows[] = {
		{ "rohrpost-migrate 1\nB 0 9 a\n", 0 },
		{ "rohrpost-migrate 2\nB 0 9 a\n", -1 },
		{ "rohrpost-migrate 11\n", -1 },
		{ "rohrpost-migr\t\nB 0 9 a\n", 0 },
		{ "rohrpost-migrate \t\nB 0 9 a\n", 0 },
	};
	struct state s;
	size_t i;
	int fd;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		fd = file(rows[i].text, strlen(rows[i].text));
		assert_int_equal(state_open(&s, fd, 1), rows[i].r);
		state_close(&s);
		close(fd);
	}
}

/* What was written is read again. */
static void
test_state(void **state)
{
	struct state_message m = { .uid = 7, .here = 70, .flags = 1 }, *found;
	int fd = file("", 0), box;
	struct state s;

	assert_int_equal(state_open(&s, fd, 0), 0);
	assert_int_equal(state_box_find(&s, "a b"), -1);
	box = state_box_add(&s, "a b", 99);
	assert_int_equal(box, 0);
	m.keywords = state_keyword(&s, 0, "mine", 4);
	assert_int_equal(m.keywords, 1);
	assert_int_equal(state_keyword(&s, 0, "$x", 2), 2);
	assert_int_equal(state_keyword(&s, 0, "MINE", 4), 1);
	state_add(&s, 0, &m);
	/* Lower ones may come later. */
	m.uid = 3;
	m.here = 71;
	state_add(&s, 0, &m);
	state_flags(&s, 0, state_find(&s.box[0], 7), 5, 2);
	state_gone(&s, 0, state_find(&s.box[0], 3));
	state_whole(&s, 0, 1234567890123);
	assert_int_equal(state_sync(&s), 0);
	state_close(&s);

	assert_int_equal(state_open(&s, fd, 1), 0);
	assert_int_equal(state_box_find(&s, "a b"), 0);
	assert_int_equal(s.box[0].uidvalidity, 99);
	assert_int_equal(s.box[0].modseq, 1234567890123);
	assert_int_equal(s.box[0].top, 71);
	assert_int_equal(s.box[0].n, 2);
	found = state_find(&s.box[0], 7);
	assert_int_equal(found->here, 70);
	assert_int_equal(found->flags, 5);
	assert_int_equal(found->keywords, 2);
	assert_int_equal(found->gone, 0);
	assert_int_equal(state_find(&s.box[0], 3)->gone, 1);
	assert_null(state_find(&s.box[0], 4));
	assert_int_equal(state_keyword(&s, 0, "$x", 2), 2);
	/* A trial writes nothing. */
	state_add(&s, 0, &m);
	assert_int_equal(state_sync(&s), 0);
	state_close(&s);
	assert_int_equal(state_open(&s, fd, 1), 0);
	assert_int_equal(s.box[0].n, 2);
	state_close(&s);
	close(fd);
}

/* Whatever a kill leaves of it, what it says in whole lines counts, and the
   next line is whole. */
static void
test_torn(void **state)
{
	static const char text[] = "rohrpost-migrate 1\nB 0 5 INBOX\n"
	    "M 0 1 1 0 0\nM 0 2 2 1 0\nS 0 9\n";
	struct state s;
	size_t len, n;
	int fd;

	for (len = 0; len < sizeof(text) - 1; len++) {
		fd = file(text, len);
		assert_int_equal(state_open(&s, fd, 0), 0);
		n = s.n > 0 ? s.box[0].n : 0;
		assert_true(n <= 2 && s.n <= 1);
		if (s.n == 0)
			assert_int_equal(state_box_add(&s, "INBOX", 5), 0);
		state_add(&s, 0, &(struct state_message){ .uid = 50,
		    .here = 50 });
		assert_int_equal(state_sync(&s), 0);
		state_close(&s);
		assert_int_equal(state_open(&s, fd, 0), 0);
		assert_int_equal(s.n, 1);
		assert_int_equal(s.box[0].n, n + 1);
		assert_non_null(state_find(&s.box[0], 50));
		state_close(&s);
		close(fd);
	}
}

/* Lines that make no sense are passed over. */
static void
test_nonsense(void **state)
{
	static const char text[] = "rohrpost-migrate 1\nB 1 5 x\nB 0 5 \n"
	    "M 0 1 1 0 0\nB 0 5 INBOX\nM 7 1 1 0 0\nM 0 x 1 0 0\nM 0 1\n"
	    "W 0 5 k\nW 0 0 k\nF 0 9 1 1\nX 0 9\nS 3 1\nQ 1 2\n\n \n"
	    "M 0 99999999999999999999 1 0 0\nM 0 4 4 1 1\n";
	char *line = mem_alloc(200000);
	int fd = file(text, sizeof(text) - 1);
	struct state s;

	/* A line without end, and one more. */
	memset(line, 'M', 200000);
	assert_int_equal(fd_write_all(fd, line, 200000), 0);
	assert_int_equal(fd_write_all(fd, "\nM 0 5 5 0 0\n", 13), 0);
	free(line);
	assert_int_equal(state_open(&s, fd, 0), 0);
	assert_int_equal(s.n, 1);
	assert_int_equal(s.box[0].n, 2);
	assert_int_equal(s.box[0].n_keywords, 1);
	assert_non_null(state_find(&s.box[0], 4));
	assert_non_null(state_find(&s.box[0], 5));
	state_close(&s);
	close(fd);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_map),
		cmocka_unit_test(test_state),
		cmocka_unit_test(test_state_of_another_mailbox),
		cmocka_unit_test(test_state_of_another_version),
		cmocka_unit_test(test_torn),
		cmocka_unit_test(test_nonsense),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
