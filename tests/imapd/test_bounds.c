/*
 * What a session may cost: news that nobody reads, long replies, long
 * commands that fail in the middle.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/imapd/rig.h"

#include "imapd/imapd_box.h"
#include "imapd/imapd_news.h"
#include "imapd/imapd_session.h"

enum {
	MANY = 20000,
	ROUNDS = 200,			/* of changes of all flags */
	PART = DOOR_CHANGE_MAX,		/* messages in one call of the door */
	ROOM = 16 << 20,		/* octets that imapd may grow by */
};

#ifdef __SANITIZE_ADDRESS__
/* It keeps what was freed. */
size_t	__sanitizer_get_current_allocated_bytes(void);

static size_t
memory(void)
{
	return __sanitizer_get_current_allocated_bytes();
}
#else
static size_t
memory(void)
{
	unsigned long all, resident;
	FILE *f = fopen("/proc/self/statm", "r");

	assert_non_null(f);
	assert_int_equal(fscanf(f, "%lu %lu", &all, &resident), 2);
	fclose(f);
	return resident * (size_t)sysconf(_SC_PAGESIZE);
}
#endif

/* In how many lines of what the client heard it stands. */
static size_t
count(const char *what)
{
	const char *p = buf_str(&got), *end = p + got.len, *eol;
	size_t n = 0;

	for (; p < end; p = eol) {
		eol = memchr(p, '\n', (size_t)(end - p));
		eol = eol != NULL ? eol + 1 : end;
		n += memmem(p, (size_t)(eol - p), what,
		    strlen(what)) != NULL;
	}
	return n;
}

/* Both have the mailbox selected. The first one then waits in IDLE. */
static void
two_clients(unsigned messages, int idle)
{
	store.messages = messages;
	rig_client(1);
	select_inbox();
	rig_client(0);
	select_inbox();
	if (idle) {
		say("b IDLE\r\n");
		expect("+ idling");
	}
}

/* The second client changes all flags, so many times. */
static void
flags_change(unsigned rounds)
{
	unsigned i;
	char line[80];

	rig_client(1);
	for (i = 0; i < rounds; i++) {
		snprintf(line, sizeof(line), "s%u STORE 1:* %cFLAGS.SILENT "
		    "(\\Flagged)\r\n", i, i % 2 == 0 ? '+' : '-');
		say(line);
		snprintf(line, sizeof(line), "s%u OK ", i);
		expect(line);
	}
	rig_client(0);
}

/*
 * It gets what its socket takes. What it reads in the end leaves it with the
 * flags as they are, of every message.
 */
static void
test_idle_that_reads_nothing(void **state)
{
	char want[60];
	size_t before;

	two_clients(MANY, 1);
	flags_change(2);
	before = memory();
	flags_change(ROUNDS + 1);
	assert_true(memory() < before + ROOM);
	buf_reset(&got);
	snprintf(want, sizeof(want), "* %d FETCH (FLAGS (\\Flagged))\r\n",
	    MANY);
	expect(want);
	buf_reset(&got);
	flags_change(1);
	snprintf(want, sizeof(want), "* %d FETCH (FLAGS (\\Flagged))\r\n",
	    MANY);
	more("DONE\r\n");
	expect("b OK ");
	assert_true(count("FETCH") < 2 * MANY);
}

/* A reply with much news before it is made as it is read, and is whole. */
static void
test_reply_with_much_news(void **state)
{
	size_t before;

	two_clients(10 * MANY, 0);
	rig_client(1);
	say("x STORE 1:* +FLAGS.SILENT (\\Flagged)\r\n");
	expect("x OK ");
	rig_client(0);
	buf_reset(&got);
	assert_int_equal(buf_reserve(&got, 16 << 20), 0);
	before = memory();
	say("n NOOP\r\nm NOOP\r\n");
	rig_client(1);
	say("y NOOP\r\n");
	expect("y OK ");
	rig_client(0);
	assert_true(memory() < before + ROOM / 4);
	expect("m OK ");
	assert_int_equal(count("FETCH (FLAGS (\\Flagged))"), 10 * MANY);
	assert_non_null(strstr(got.data, "n OK NOOP completed\r\nm OK "));
}

/* A message that is gone when its turn comes has no number any more. */
static void
test_reply_with_many_expunged(void **state)
{
	char *p;

	two_clients(5 * MANY, 0);
	rig_client(1);
	say("x STORE 1:* +FLAGS.SILENT (\\Deleted)\r\n");
	expect("x OK ");
	say("y EXPUNGE\r\n");
	expect("y OK ");
	assert_int_equal(count("EXPUNGE\r\n"), 5 * MANY);
	rig_client(0);
	say("n NOOP\r\n");
	expect("n OK ");
	assert_int_equal(count("* 1 EXPUNGE\r\n"), 5 * MANY);
	p = strstr(got.data, "n OK ");
	assert_null(strstr(p, "EXPUNGE"));
	say("o NOOP\r\n");
	expect("o OK ");
	assert_int_equal(count("*"), 0);
}

/* What comes and goes while a session hears of no EXPUNGE is not kept for it
   without end: new messages wait for the EXPUNGEs then. */
static void
test_new_behind_many_expunged(void **state)
{
	two_clients(MANY, 0);
	rig_client(1);
	say("x STORE 10:19 +FLAGS.SILENT (\\Deleted)\r\ny EXPUNGE\r\n");
	expect("y OK ");
	message_comes();
	say("z NOOP\r\n");
	expect("z OK ");
	rig_client(0);
	say("f FETCH 1 UID\r\n");
	expect("f OK ");
	assert_int_equal(count("* 20001 EXISTS\r\n"), 1);
	rig_client(1);
	say("x STORE 1:* +FLAGS.SILENT (\\Deleted)\r\ny EXPUNGE\r\n");
	expect("y OK ");
	message_comes();
	say("z NOOP\r\n");
	expect("z OK ");
	rig_client(0);
	say("f FETCH 1 UID\r\n");
	expect("f OK ");
	assert_int_equal(count("* 1 FETCH (UID 1)\r\n"), 1);
	assert_int_equal(count("EXISTS\r\n"), 0);
	say("n NOOP\r\n");
	expect("n OK ");
	assert_int_equal(count("EXPUNGE\r\n"), MANY + 1);
	assert_int_equal(count("* 1 EXISTS\r\n"), 1);
}

/* What went well before is told, and is so for others, too. */
static void
test_store_fails_in_the_middle(void **state)
{
	char want[80];

	two_clients(3 * PART, 0);
	store.failing = 1;
	store.parts = 2;
	say("s STORE 1:* +FLAGS (\\Flagged)\r\n");
	expect("s NO [UNAVAILABLE]");
	assert_int_equal(count("FETCH (FLAGS (\\Flagged))"), 2 * PART);
	snprintf(want, sizeof(want), "* %d FETCH", 2 * PART + 1);
	assert_null(strstr(got.data, want));
	rig_client(1);
	say("n NOOP\r\n");
	expect("n OK ");
	assert_int_equal(count("FETCH (FLAGS (\\Flagged))"), 2 * PART);
}

/* Those that had changed are named, of all parts. */
static void
test_modified_in_parts(void **state)
{
	char want[200];

	two_clients(2 * PART + 3, 0);
	store.since = PART;
	say("s STORE 1:* (UNCHANGEDSINCE 9) +FLAGS.SILENT (\\Flagged)\r\n");
	expect("s OK ");
	snprintf(want, sizeof(want), "s OK [MODIFIED 1:9,%d:%d,%d:%d] ", PART,
	    PART + 9, 2 * PART, 2 * PART + 3);
	assert_int_equal(count(want), 1);
	assert_int_equal(count("FETCH (MODSEQ ("), 2 * PART + 3 - 9 - 10 - 4);
}

/* A file that is shorter than it was: nothing of that message is said. */
static void
test_file_that_is_short(void **state)
{
	two_clients(3, 0);
	store.short_by = 1;
	say("f FETCH 1:3 (UID BODY.PEEK[] FLAGS)\r\n");
	expect("f NO [SERVERBUG] ");
	assert_int_equal(count("FETCH"), 0);
	store.short_by = 0;
	say("g FETCH 1:3 (UID BODY.PEEK[]<0.7>)\r\n");
	expect("g OK ");
	assert_int_equal(count("FETCH (UID "), 3);
}

static unsigned
descriptors(void)
{
	char path[40];
	unsigned i, n = 0;

	for (i = 0; i < 1000; i++) {
		snprintf(path, sizeof(path), "/proc/self/fd/%u", i);
		n += access(path, F_OK) == 0;
	}
	return n;
}

/* Files that were opened for a client that leaves are closed. */
static void
test_files_of_who_leaves(void **state)
{
	unsigned before, now = 0, i;

	two_clients(MANY, 0);
	before = descriptors();
	say("f FETCH 1:* BODY.PEEK[]\r\n");
	expect("* 1 FETCH");
	assert_int_equal(shutdown(client, SHUT_RDWR), 0);
	for (i = 0; i < 20000; i++) {
		if ((now = descriptors()) < before)
			break;
		usleep(1000);
	}
	/* The session's own went, too. */
	assert_true(now < before);
}

static void
test_expunge_fails_in_the_middle(void **state)
{
	two_clients(3 * PART, 0);
	say("s STORE 1:* +FLAGS.SILENT (\\Deleted)\r\n");
	expect("s OK ");
	store.failing = 1;
	store.parts = 1;
	say("x EXPUNGE\r\n");
	expect("x NO [UNAVAILABLE]");
	assert_int_equal(count("* 1 EXPUNGE\r\n"), PART);
	store.failing = 0;
	say("y EXPUNGE\r\n");
	expect("y OK ");
	assert_int_equal(count("* 1 EXPUNGE\r\n"), 2 * PART);
	/* Store looks once more whether they are flagged. */
	assert_int_equal(store.any, 0);
}

/* COPYUID of what was moved comes before its EXPUNGEs. */
static void
test_move_fails_in_the_middle(void **state)
{
	char want[80];

	two_clients(3 * PART, 0);
	store.failing = 1;
	store.parts = 2;
	say("m MOVE 1:* INBOX\r\n");
	expect("m NO [UNAVAILABLE]");
	snprintf(want, sizeof(want), "* OK [COPYUID %d 1:%d 1:%d] Moved\r\n"
	    "* 1 EXPUNGE\r\n", RIG_VALIDITY, 2 * PART, 2 * PART);
	if (strncmp(got.data, want, strlen(want)) != 0)
		fail_msg("%.200s", got.data);
	assert_int_equal(count("* 1 EXPUNGE\r\n"), 2 * PART);
	rig_client(1);
	say("n NOOP\r\n");
	expect("n OK ");
	assert_int_equal(count("* 1 EXPUNGE\r\n"), 2 * PART);
}

/* All or none, in one call, however many. */
static void
test_copy_is_one(void **state)
{
	char want[80];

	two_clients(3 * PART, 0);
	store.failing = 1;
	store.parts = 0;
	say("c COPY 1:* INBOX\r\n");
	expect("c NO [UNAVAILABLE]");
	store.parts = 1;
	say("d COPY 1:* INBOX\r\n");
	expect("d OK ");
	snprintf(want, sizeof(want), "d OK [COPYUID %d 1:%d 1:%d] COPY",
	    RIG_VALIDITY, 3 * PART, 3 * PART);
	assert_int_equal(count(want), 1);
}

/* One that is more than a request takes is all or none, too. */
static void
test_copy_of_more_is_undone(void **state)
{
	two_clients(DOOR_COPY_UIDS_MAX + 5, 0);
	store.failing = 1;
	store.parts = 1;
	say("c COPY 1:* INBOX\r\n");
	expect("c NO [UNAVAILABLE]");
	assert_int_equal(store.expunged, DOOR_COPY_UIDS_MAX);
	assert_int_equal(store.any, 1);
	assert_null(strstr(got.data, "COPYUID"));
}

/* The uids of what was made anew meanwhile are other messages. */
static void
test_undo_leaves_another_mailbox(void **state)
{
	two_clients(DOOR_COPY_UIDS_MAX + 5, 0);
	store.failing = 1;
	store.parts = 1;
	store.renewed = 1;
	say("c COPY 1:* INBOX\r\n");
	expect("c NO [UNAVAILABLE]");
	assert_int_equal(store.expunged, 0);
}

/* A long one keeps the other sessions of the user from nothing. */
static void
test_long_copy_is_not_waited_for(void **state)
{
	char want[80];

	two_clients(3 * PART, 0);
	store.hold = 1;
	say("c COPY 1:* INBOX\r\nn NOOP\r\n");
	rig_held();
	rig_client(1);
	say("s FETCH 1 UID\r\nt STORE 1 +FLAGS (\\Seen)\r\n");
	expect("t OK ");
	rig_client(0);
	buf_reset(&got);
	expect("n OK ");
	snprintf(want, sizeof(want), "c OK [COPYUID %d 1:%d 1:%d] COPY",
	    RIG_VALIDITY, 3 * PART, 3 * PART);
	assert_int_equal(count(want), 1);
}

/* Who says no more hears the answer all the same, however long it took. */
static void
test_long_copy_of_who_says_no_more(void **state)
{
	two_clients(3 * PART, 0);
	store.hold = 1;
	say("c COPY 1:* INBOX\r\nn NOOP\r\n");
	rig_held();
	assert_int_equal(shutdown(client, SHUT_WR), 0);
	usleep((IMAPD_LEFT_MS + 100) * 1000);
	rig_client(1);
	say("t STORE 1 +FLAGS (\\Seen)\r\n");
	expect("t OK ");
	rig_client(0);
	buf_reset(&got);
	expect("c OK [COPYUID");
	expect("n OK ");
}

/* Two of them: the second one waits for the first. */
static void
test_two_long_copies(void **state)
{
	two_clients(3 * PART, 0);
	store.hold = 1;
	say("c COPY 1:* INBOX\r\n");
	rig_held();
	rig_client(1);
	say("d COPY 1:* INBOX\r\n");
	rig_client(2);
	say("s SELECT INBOX\r\nt STORE 1 +FLAGS (\\Seen)\r\n");
	expect("t OK ");
	rig_client(0);
	buf_reset(&got);
	expect("c OK [COPYUID");
	rig_held();
	rig_client(2);
	say("u STORE 1 +FLAGS (\\Seen)\r\n");
	expect("u OK ");
	rig_client(1);
	buf_reset(&got);
	expect("d OK [COPYUID");
}

/* Whether it was done nobody knows: the client hears that store is away. */
static void
test_store_goes_in_a_long_copy(void **state)
{
	two_clients(3 * PART, 0);
	store.hold = 1;
	say("c COPY 1:* INBOX\r\n");
	rig_held();
	rig_store_ends();
	expect("c NO [UNAVAILABLE]");
	say("d COPY 1:* INBOX\r\n");
	expect("d NO [UNAVAILABLE]");
}

/* CLOSE ends with the mailbox, whatever became of it. */
static void
test_close_in_parts(void **state)
{
	two_clients(3 * PART, 0);
	say("s STORE 1:* +FLAGS.SILENT (\\Deleted)\r\n");
	expect("s OK ");
	say("c CLOSE\r\nd CHECK\r\n");
	expect("d BAD No mailbox is selected");
	assert_non_null(strstr(got.data, "c OK CLOSE completed\r\n"));
	assert_int_equal(count("EXPUNGE"), 0);
	rig_client(1);
	say("n NOOP\r\n");
	expect("n OK ");
	assert_int_equal(count("* 1 EXPUNGE\r\n"), 3 * PART);
}

/* Where \Seen cannot be stored, what is there is read all the same. */
static void
test_body_where_seen_is_refused(void **state)
{
	two_clients(1, 0);
	store.failing = 1;
	store.parts = 0;
	say("f FETCH 1 BODY[]\r\n");
	expect("f OK ");
	assert_non_null(strstr(got.data, "* 1 FETCH (BODY[] {100}\r\n"
	    "Subject: x\r\n\r\n0"));
	store.failing = 0;
	say("g FETCH 1 (BODY[HEADER] FLAGS)\r\n");
	expect("g OK ");
	assert_non_null(strstr(got.data, "FLAGS (\\Seen)"));
}

static void
test_refused_delete_leaves_it_selected(void **state)
{
	store.name = "box";
	store.messages = 1;
	say("a SELECT box\r\n");
	expect("a OK ");
	say("d DELETE box\r\n");
	expect("d NO ");
	say("f FETCH 1 UID\r\n");
	expect("f OK ");
	assert_non_null(strstr(got.data, "* 1 FETCH (UID 1)\r\n"));
}

/* Store could not say what is new in a mailbox that is watched. */
static void
test_failed_refresh_is_tried_again(void **state)
{
	two_clients(1, 0);
	store.deaf = 1;
	message_comes();
	say("n NOOP\r\n");
	expect("n OK ");
	more("m NOOP\r\n");
	expect("m OK ");
	assert_int_equal(store.deaf, 0);
	assert_int_equal(count("* 2 EXISTS\r\n"), 1);
}

/* While the records of a large mailbox are read another session has its turn. */
static void
test_select_in_pieces(void **state)
{
	enum { PIECES = 4 };

	store.messages = PIECES * DOOR_RECORDS_MAX;
	store.tell = 2;
	select_inbox();
	assert_int_equal(store.asked, PIECES);
	assert_int_equal(store.told, 2);
	rig_client(1);
	expect("o OK ");
	/* Whose box it is now is asked for no record. */
	say("s SELECT INBOX\r\n");
	expect("s OK ");
	assert_int_equal(count("* 44000 EXISTS\r\n"), 1);
	assert_int_equal(store.asked, PIECES);
}

/* Nor do the others wait while the octets of what is deleted are counted. */
static void
test_deleted_in_pieces(void **state)
{
	static const char *const lines[] = {
		"d STATUS INBOX (DELETED-STORAGE)\r\n",
		"d LIST \"\" INBOX RETURN (STATUS (DELETED-STORAGE))\r\n",
	};
	enum { PIECES = 4 };
	size_t i;

	store.messages = PIECES * DOOR_RECORDS_MAX;
	store.deleted = 1;
	for (i = 0; i < 2; i++) {
		store.asked = 0;
		store.tell = 2;
		say(lines[i]);
		expect("d OK ");
		assert_int_equal(count("(DELETED-STORAGE 100)\r\n"), 1);
		assert_int_equal(store.asked, PIECES);
		assert_int_equal(store.told, 2);
		rig_client(1);
		buf_reset(&got);
		expect("o OK ");
		rig_client(0);
	}
}

/* Who selects it meanwhile reads the pieces that are missing, and no other. */
static void
test_select_in_pieces_is_shared(void **state)
{
	enum { PIECES = 4 };

	store.messages = PIECES * DOOR_RECORDS_MAX;
	store.tell = 2;
	store.line = "o SELECT INBOX\r\n";
	select_inbox();
	assert_int_equal(count("* 44000 EXISTS\r\n"), 1);
	rig_client(1);
	buf_reset(&got);
	expect("o OK ");
	assert_int_equal(count("* 44000 EXISTS\r\n"), 1);
	assert_int_equal(store.asked, PIECES);
}

/* What was read stays where who began it leaves. */
static void
test_select_in_pieces_of_who_leaves(void **state)
{
	enum { PIECES = 4 };

	store.messages = PIECES * DOOR_RECORDS_MAX;
	store.tell = 2;
	store.line = "o SELECT INBOX\r\n";
	store.leaves = 1;
	say("a SELECT INBOX\r\n");
	rig_client(1);
	expect("o OK ");
	assert_int_equal(count("* 44000 EXISTS\r\n"), 1);
	assert_int_equal(store.asked, PIECES);
}

/* Where it changes meanwhile what is new comes behind. */
static void
test_select_in_pieces_of_what_changes(void **state)
{
	store.messages = 2 * DOOR_RECORDS_MAX;
	store.more = 2;
	select_inbox();
	assert_int_equal(store.asked, 4);
	assert_int_equal(count("* 22002 EXISTS\r\n"), 1);
}

/* A mailbox that has not changed is selected again without a word to store. */
static void
test_select_again_asks_nobody(void **state)
{
	unsigned selected;

	store.messages = 1;
	select_inbox();
	selected = store.selected;
	say("n SELECT INBOX\r\n");
	expect("n OK ");
	assert_int_equal(count("* 1 EXISTS\r\n"), 1);
	assert_int_equal(store.selected, selected);
	message_comes();
	say("m SELECT INBOX\r\n");
	expect("m OK ");
	assert_int_equal(count("* 2 EXISTS\r\n"), 1);
	assert_int_equal(store.selected, selected + 1);
}

/* Of a message that came and went UIDNEXT alone is left to tell. */
static void
test_select_again_after_uids_that_went(void **state)
{
	store.messages = 1;
	select_inbox();
	assert_int_equal(count("[UIDNEXT 2]"), 1);
	store.skipped = 10;
	mailbox_changes();
	say("n NOOP\r\n");
	expect("n OK ");
	select_inbox();
	assert_int_equal(count("[UIDNEXT 12]"), 1);
	store.skipped = 20;
	message_comes();
	say("n NOOP\r\n");
	expect("n OK ");
	assert_int_equal(count("* 2 EXISTS\r\n"), 1);
	select_inbox();
	assert_int_equal(count("[UIDNEXT 23]"), 1);
}

/* Store may tell of the copies of a long COPY behind its answer. */
static void
test_select_again_after_copy(void **state)
{
	unsigned selected;

	store.messages = 3;
	select_inbox();
	say("c COPY 1:* INBOX\r\n");
	expect("c OK [COPYUID");
	store.messages += 3;
	selected = store.selected;
	select_inbox();
	assert_int_equal(store.selected, selected + 1);
	assert_int_equal(count("* 6 EXISTS\r\n"), 1);
	select_inbox();
	assert_int_equal(store.selected, selected + 1);
}

/* ... and so of an APPEND whose answer comes behind that of a long COPY. */
static void
test_select_again_after_append(void **state)
{
	store.messages = 3;
	select_inbox();
	say("p APPEND INBOX {12+}\r\nSubject: x\r\n\r\n");
	expect("p OK [APPENDUID 3 4]");
	select_inbox();
	assert_int_equal(count("* 4 EXISTS\r\n"), 1);
}

/* What comes in IDLE is recent by the answer that tells of it. */
static void
test_idle_takes_what_is_recent(void **state)
{
	unsigned selected;

	store.messages = 1;
	select_inbox();
	say("i IDLE\r\n");
	expect("+ ");
	selected = store.selected;
	store.recent = 2;
	message_comes();
	expect("* 1 RECENT\r\n");
	assert_int_equal(count("* 2 EXISTS\r\n"), 1);
	assert_int_equal(store.selected, selected);
	store.recent = 0;
	more("DONE\r\n");
	expect("i OK ");
	/* Once: the next one is not, for store does not say so. */
	message_comes();
	say("n NOOP\r\n");
	expect("n OK ");
	assert_int_equal(count("* 3 EXISTS\r\n"), 1);
	assert_int_equal(count("* 1 RECENT\r\n"), 1);
	assert_int_equal(store.selected, selected + 1);
}

/* What is recent to a session that ends before it is told is to the next. */
static void
test_recent_outlives_who_was_not_told(void **state)
{
	/* More news than the socket of the first takes. */
	two_clients(IMAPD_BOX_REST - 1, 1);
	flags_change(3);
	rig_client(1);
	say("u UNSELECT\r\n");
	expect("u OK ");
	store.recent = IMAPD_BOX_REST;
	message_comes();
	rig_client(2);
	say("n NOOP\r\n");
	expect("n OK ");
	store.recent = 0;
	rig_client_ends(0);
	say("x EXAMINE INBOX\r\n");
	expect("x OK ");
	assert_int_equal(count("* 1 RECENT\r\n"), 1);
	select_inbox();
	assert_int_equal(count("* 10000 EXISTS\r\n"), 1);
	assert_int_equal(count("* 1 RECENT\r\n"), 1);
	select_inbox();
	assert_int_equal(count("* 0 RECENT\r\n"), 1);
}

/*
 * Uids of messages that are gone do not stay in the list: else it would be
 * sorted with each one that comes. (16,000 flags of a mailbox that was emptied
 * and filled again took seconds.)
 */
static void
test_news_are_packed(void **state)
{
	enum { OLD = 16000, NEW = 1000 };
	static struct door_record rec[OLD];
	struct imapd_news w = { 0 };
	uint32_t i;

	for (i = 0; i < OLD; i++)
		rec[i].uid = i + 1;
	for (i = 0; i < OLD; i++)
		imapd_news_dirty(&w, rec, OLD, i + 1);
	assert_int_equal(w.n_dirty, OLD);
	for (i = 0; i < NEW; i++)
		rec[i].uid = OLD + 1 + i;
	imapd_news_dirty(&w, rec, NEW, OLD + 1);
	assert_int_equal(w.n_dirty, 1);
	for (i = 0; i < 10 * NEW; i++)
		imapd_news_dirty(&w, rec, NEW, OLD + 1 + i % NEW);
	assert_true(w.n_dirty <= 2 * NEW + IMAPD_NEWS_SLACK);
	imapd_news_pack(&w, rec, NEW);
	assert_int_equal(w.n_dirty, NEW);
	w.n_told = NEW - 1;
	imapd_news_dirty(&w, rec, NEW, OLD + 1);
	imapd_news_pack(&w, rec, NEW);
	assert_int_equal(w.n_dirty, 2);
	assert_int_equal(w.dirty[0], OLD + 1);
	assert_int_equal(w.dirty[1], OLD + NEW);
	imapd_news_clear(&w);
	assert_false(imapd_news_any(&w));
}

#define RIG(test)	cmocka_unit_test_setup_teardown(test, rig_begin, \
	    rig_end)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		RIG(test_idle_that_reads_nothing),
		RIG(test_reply_with_much_news),
		RIG(test_reply_with_many_expunged),
		RIG(test_new_behind_many_expunged),
		RIG(test_store_fails_in_the_middle),
		RIG(test_modified_in_parts),
		RIG(test_file_that_is_short),
		RIG(test_files_of_who_leaves),
		RIG(test_expunge_fails_in_the_middle),
		RIG(test_move_fails_in_the_middle),
		RIG(test_copy_is_one),
		RIG(test_copy_of_more_is_undone),
		RIG(test_undo_leaves_another_mailbox),
		RIG(test_long_copy_is_not_waited_for),
		RIG(test_long_copy_of_who_says_no_more),
		RIG(test_two_long_copies),
		RIG(test_store_goes_in_a_long_copy),
		RIG(test_close_in_parts),
		RIG(test_body_where_seen_is_refused),
		RIG(test_refused_delete_leaves_it_selected),
		RIG(test_failed_refresh_is_tried_again),
		RIG(test_select_in_pieces), RIG(test_deleted_in_pieces),
		RIG(test_select_in_pieces_is_shared),
		RIG(test_select_in_pieces_of_who_leaves),
		RIG(test_select_in_pieces_of_what_changes),
		RIG(test_select_again_asks_nobody),
		RIG(test_select_again_after_uids_that_went),
		RIG(test_select_again_after_copy),
		RIG(test_select_again_after_append),
		RIG(test_idle_takes_what_is_recent),
		RIG(test_recent_outlives_who_was_not_told),
		cmocka_unit_test(test_news_are_packed),
	};

	rig_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
