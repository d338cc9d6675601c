/*
 * Sessions of imapd: the rows of the commands in each state, news that come
 * where they are missed easily, a stop.
 */
#include <stdio.h>
#include <string.h>

#include "tests/imapd/rig.h"

#include "lib/mail/imap_capability.h"

#include "imapd/imapd_commands.h"

/* Each look at what is new brings the news of one more. */
static void
arrivals(enum arrival how, unsigned more)
{
	char want[40];

	store.how = how;
	store.more = more;
	say("b IDLE\r\n");
	expect("+ idling");
	message_comes();
	snprintf(want, sizeof(want), "* %u EXISTS\r\n", more + 1);
	expect(want);
	say("DONE\r\n");
	expect("b OK ");
}

static void
test_news_before_an_answer(void **state)
{
	select_inbox();
	arrivals(BEFORE_ANSWER, 3);
}

static void
test_news_behind_an_answer(void **state)
{
	select_inbox();
	arrivals(BEHIND_ANSWER, 3);
}

/* More of it than is looked at before anything else. */
static void
test_news_without_end(void **state)
{
	select_inbox();
	arrivals(BEHIND_ANSWER, 100);
}

/* And who asks for something else meanwhile is not behind all of it. */
static void
test_others_between_news(void **state)
{
	enum { NEWS = 200 };

	select_inbox();
	store.tell = store.asked + 2;
	arrivals(BEHIND_ANSWER, NEWS);
	rig_client(1);
	expect("o OK ");
	assert_in_range(store.told, store.tell, store.tell + NEWS / 4);
}

/* A client that reads gets the rest of its answer, and then the BYE. */
static void
test_stop_within_a_command(void **state)
{
	enum { MESSAGES = 200000 };
	static const char end_of_it[] = "b OK FETCH completed\r\n"
	    "* BYE The server stops\r\n";
	char last[60];
	size_t n;

	store.messages = MESSAGES;
	select_inbox();
	say("b FETCH 1:* (UID FLAGS RFC822.SIZE INTERNALDATE MODSEQ)\r\n");
	expect("* 1 FETCH");
	rig_stop();
	expect(NULL);
	n = sizeof(end_of_it) - 1;
	assert_true(got.len > n);
	assert_string_equal(got.data + got.len - n, end_of_it);
	snprintf(last, sizeof(last), "* %d FETCH", MESSAGES);
	assert_non_null(strstr(got.data, last));
}

/* Another mailbox stands at its place: nothing of the one before is taken. */
static void
test_selected_anew(void **state)
{
	store.messages = 2;
	select_inbox();
	assert_non_null(strstr(got.data, "[UIDVALIDITY 3]"));
	say("b UNSELECT\r\n");
	expect("b OK ");
	store.renewed = 1;
	message_comes();
	select_inbox();
	assert_non_null(strstr(got.data, "[UIDVALIDITY 4]"));
	assert_non_null(strstr(got.data, "* 3 EXISTS\r\n"));
	say("c FETCH 1:3 UID\r\n");
	expect("* 3 FETCH (UID 3)\r\nc OK ");
}

/* The records of the mailbox that was selected last are there, and good until
   store says that it changed. */
static void
test_selected_again(void **state)
{
	unsigned asked;

	store.messages = 3;
	select_inbox();
	asked = store.asked;
	assert_true(asked > 0);
	say("b UNSELECT\r\n");
	expect("b OK ");
	select_inbox();
	assert_non_null(strstr(got.data, "* 3 EXISTS\r\n"));
	assert_int_equal(store.asked, asked);
	say("c UNSELECT\r\n");
	expect("c OK ");
	message_comes();
	select_inbox();
	assert_non_null(strstr(got.data, "* 4 EXISTS\r\n"));
	say("d FETCH 1:4 UID\r\n");
	expect("* 4 FETCH (UID 4)\r\nd OK ");
	assert_true(store.asked > asked);
}

/* Clients take the first line after IDLE for its continuation, or break. */
static void
test_idle_continues_first(void **state)
{
	store.messages = 1;
	select_inbox();
	/* The event is taken in by the IDLE: nobody else has told of it. */
	store.messages++;
	rig_client(1);
	say("o SELECT INBOX\r\n");
	expect("o OK ");
	say("o STORE 1 FLAGS \\Seen\r\n");
	expect("o OK ");
	rig_client(0);
	say("b IDLE\r\n");
	expect("* 1 FETCH");
	expect("* 2 EXISTS\r\n");
	assert_memory_equal(got.data, "+ idling\r\n", 10);
	assert_null(strstr(got.data + 10, "+ idling"));
	say("DONE\r\n");
	expect("b OK ");
}

/* A value of no message is one all the same: clients begin with it. */
static void
test_changed_since_nothing(void **state)
{
	store.messages = 2;
	select_inbox();
	say("b UID FETCH 1:* (FLAGS) (CHANGEDSINCE 0)\r\n");
	expect("b OK ");
	assert_non_null(strstr(got.data, "* 1 FETCH (UID 1 FLAGS () "
	    "MODSEQ (1))\r\n* 2 FETCH (UID 2 FLAGS () MODSEQ (2))\r\n"));
	say("c FETCH 1:* (FLAGS) (CHANGEDSINCE 1)\r\n");
	expect("c OK ");
	assert_null(strstr(got.data, "* 1 FETCH"));
	assert_non_null(strstr(got.data, "* 2 FETCH (FLAGS () MODSEQ (2))"));
}

/* One session expunges all: the other reads on until it is told. */
static void
test_expunged_by_another(void **state)
{
	store.messages = 3;
	select_inbox();
	rig_client(1);
	select_inbox();
	say("o STORE 1:* FLAGS.SILENT (\\Deleted)\r\n");
	expect("o OK ");
	say("p EXPUNGE\r\n");
	expect("* 1 EXPUNGE\r\n* 1 EXPUNGE\r\n* 1 EXPUNGE\r\np OK ");
	rig_client(0);
	say("b FETCH 1:3 (UID FLAGS RFC822.SIZE BODY.PEEK[]<0.9>)\r\n");
	expect("* 3 FETCH (UID 3 FLAGS (\\Deleted) RFC822.SIZE 100 BODY[]<0> "
	    "{9}\r\nSubject: )\r\nb OK ");
	assert_non_null(strstr(got.data, "* 1 FETCH (UID 1 "));
	assert_null(strstr(got.data, "EXPUNGE"));
	say("c UID FETCH 2 (FLAGS)\r\n");
	expect("* 2 FETCH (UID 2 FLAGS (\\Deleted))\r\n"
	    "* 1 EXPUNGE\r\n* 1 EXPUNGE\r\n* 1 EXPUNGE\r\nc OK ");
	say("d UID FETCH 1:* (FLAGS)\r\n");
	expect("d OK ");
	assert_null(strstr(got.data, "* "));
}

/* Its file is away before store tells that it is gone: it is passed over. */
static void
test_gone_under_a_fetch(void **state)
{
	store.messages = 3;
	select_inbox();
	store.lost = store.gone = 2;
	say("b UID FETCH 1:* (BODY.PEEK[]<0.7>)\r\n");
	expect("b OK ");
	assert_non_null(strstr(got.data, "* 1 FETCH (UID 1 BODY[]<0> {7}\r\n"
	    "Subject)\r\n* 3 FETCH (UID 3 BODY[]<0> {7}\r\nSubject)\r\n"
	    "* 2 EXPUNGE\r\n"));
	store.lost = store.gone = 3;
	say("c FETCH 1:2 (FLAGS BODY.PEEK[]<0.7>)\r\n");
	expect("c NO [EXPUNGEISSUED] ");
	assert_non_null(strstr(got.data, "* 1 FETCH"));
	assert_null(strstr(got.data, "* 2 FETCH"));
	/* One that store still has is damaged. */
	store.lost = 1;
	say("d UID FETCH 1 (BODY.PEEK[])\r\n");
	expect("d NO [SERVERBUG] ");
}

enum { NOTHING, SELECTED, READONLY, STATES };

/* Says a command, and returns its tagged reply. */
static const char *
ask(const char *command)
{
	char line[300];

	snprintf(line, sizeof(line), "t %s\r\n", command);
	say(line);
	if (strcmp(command, "IDLE") == 0) {
		expect("+ idling");
		more("DONE\r\n");
	}
	more("u NOOP\r\n");
	expect("u OK ");
	if (strncmp(got.data, "t ", 2) == 0)
		return got.data + 2;
	assert_non_null(strstr(got.data, "\r\nt "));
	return strstr(got.data, "\r\nt ") + 4;
}

static const char *
ask_row(const struct imapd_command *c, size_t n, const char *before)
{
	char line[300];
	size_t len;

	len = (size_t)snprintf(line, sizeof(line), "%s%s", before, c->name);
	for (; n > 0 && len + 2 < sizeof(line); n--) {
		strcpy(line + len, " x");
		len += 2;
	}
	return ask(line);
}

static void
assert_starts(const char *reply, const char *want)
{
	if (strncmp(reply, want, strlen(want)) != 0)
		fail_msg("\"%s\" in \"%.300s\"", want, got.data);
}

static void
enter(int state)
{
	if (state == SELECTED)
		assert_starts(ask("SELECT INBOX"), "OK [READ-WRITE]");
	else if (state == READONLY)
		assert_starts(ask("EXAMINE INBOX"), "OK [READ-ONLY]");
	else
		ask("UNSELECT");
}

/* What runs says something else than what judges it. */
static void
check_runs(const struct imapd_command *c)
{
	static const char *const judged[] = { "BAD No mailbox is selected",
		"BAD Not with a selected mailbox", "BAD Unknown command",
		"NO [CANNOT] The mailbox is open read-only" };
	const char *reply = ask_row(c, c->min_args, "");
	size_t i;

	for (i = 0; i < sizeof(judged) / sizeof(judged[0]); i++)
		if (strncmp(reply, judged[i], strlen(judged[i])) == 0)
			fail_msg("%s: %.100s", c->name, reply);
}

static void
check_row(const struct imapd_command *c, int state)
{
	int selected = state != NOTHING;
	char wrong[100];

	enter(state);
	if (!(c->flags & IMAPD_UID))
		assert_starts(ask_row(c, c->min_args, "UID "),
		    "BAD Unknown command");
	if (!(c->states & (selected ? IMAPD_SELECTED : IMAPD_AUTH))) {
		assert_starts(ask_row(c, c->min_args, ""), selected ?
		    "BAD Not with a selected mailbox" :
		    "BAD No mailbox is selected");
		return;
	}
	if (state == READONLY && (c->flags & IMAPD_WRITES)) {
		assert_starts(ask_row(c, c->min_args, ""),
		    "NO [CANNOT] The mailbox is open read-only");
		return;
	}
	snprintf(wrong, sizeof(wrong), "BAD %s: wrong number", c->name);
	if (c->min_args > 0)
		assert_starts(ask_row(c, c->min_args - 1, ""), wrong);
	if (c->max_args <= 100)
		assert_starts(ask_row(c, c->max_args + 1, ""), wrong);
	if (strcmp(c->name, "LOGOUT") != 0)
		check_runs(c);
}

/* Every row in every state: the engine alone judges what may run. */
static void
test_rows_and_states(void **state)
{
	const struct imapd_command *const *table, *c;
	int i, rows = 0;

	for (table = imapd_commands; *table != NULL; table++)
		for (c = *table; c->name != NULL; c++, rows++)
			for (i = 0; i < STATES; i++)
				check_row(c, i);
	assert_true(rows > 25);
}

static int
has_word(const char *text, const char *p, size_t len)
{
	size_t n;

	for (; *text != '\0'; text += n + strspn(text + n, " ")) {
		n = strcspn(text, " ");
		if (n == len && memcmp(text, p, n) == 0)
			return 1;
	}
	return 0;
}

/* A SELECT whose QRESYNC store does not answer leaves nothing selected. */
static void
test_resync_refused(void **state)
{
	store.messages = 5;
	say("a ENABLE QRESYNC\r\n");
	expect("a OK ");
	say("b SELECT INBOX (QRESYNC (3 1))\r\n");
	expect("b NO ");
	say("c FETCH 1 FLAGS\r\n");
	expect("c BAD No mailbox is selected");
}

/* login says what the rows say, and no more. */
static void
test_capability(void **state)
{
	static const char all[] = IMAP_CAPABILITY;
	static const char before[] = IMAP_CAPABILITY_LOGIN;
	const struct imapd_command *const *table, *c;
	size_t len = sizeof(before) - 1, n;
	const char *p;

	for (table = imapd_commands; *table != NULL; table++)
		for (c = *table; c->name != NULL; c++)
			for (p = c->capability; p != NULL && *p != '\0';
			    p += n + strspn(p + n, " ")) {
				n = strcspn(p, " ");
				assert_true(has_word(all, p, n));
				len += 1 + n;
			}
	assert_int_equal(len, strlen(all));
	assert_true(has_word(all, "IDLE", 4));
}

/* The records cannot be had, at once or in the middle: there is an answer,
   nothing is selected, and the next try begins anew. */
static void
test_select_fails(void **state)
{
	store.messages = DOOR_RECORDS_MAX + 10;
	store.deaf = 1;
	say("a SELECT INBOX\r\n");
	expect("a NO [UNAVAILABLE]");
	assert_null(strstr(buf_str(&got), "EXISTS"));
	say("b CHECK\r\n");
	expect("b BAD No mailbox is selected\r\n");
	say("c SELECT INBOX\r\n");
	expect("c OK [READ-WRITE] SELECT completed\r\n");
	assert_non_null(strstr(buf_str(&got), "EXISTS\r\n"));
	store.deaf = 1;
	say("d EXAMINE INBOX\r\n");
	expect("d NO [UNAVAILABLE]");
	say("e EXAMINE INBOX\r\n");
	expect("e OK [READ-ONLY] EXAMINE completed\r\n");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_news_before_an_answer,
		    rig_begin, rig_end),
		cmocka_unit_test_setup_teardown(test_news_behind_an_answer,
		    rig_begin, rig_end),
		cmocka_unit_test_setup_teardown(test_selected_anew, rig_begin,
		    rig_end),
		cmocka_unit_test_setup_teardown(test_others_between_news,
		    rig_begin, rig_end),
		cmocka_unit_test_setup_teardown(test_news_without_end, rig_begin,
		    rig_end),
		cmocka_unit_test_setup_teardown(test_idle_continues_first,
		    rig_begin, rig_end),
		cmocka_unit_test_setup_teardown(test_changed_since_nothing,
		    rig_begin, rig_end),
		cmocka_unit_test_setup_teardown(test_expunged_by_another,
		    rig_begin, rig_end),
		cmocka_unit_test_setup_teardown(test_gone_under_a_fetch,
		    rig_begin, rig_end),
		cmocka_unit_test_setup_teardown(test_rows_and_states, rig_begin,
		    rig_end),
		cmocka_unit_test_setup_teardown(test_selected_again,
		    rig_begin, rig_end),
		cmocka_unit_test_setup_teardown(test_resync_refused,
		    rig_begin, rig_end),
		cmocka_unit_test_setup_teardown(test_select_fails, rig_begin,
		    rig_end),
		cmocka_unit_test(test_capability),
		/* The last one: a loop stops once. */
		cmocka_unit_test_setup_teardown(test_stop_within_a_command,
		    rig_begin, rig_end),
	};

	rig_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
