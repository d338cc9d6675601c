/*
 * A mailbox on the door of a store that the test plays: what is asked of it,
 * and in which order, and what the client hears where it fails or goes away.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/fd.h"
#include "lib/mail/door_proto.h"
#include "pop3d/pop3d_session.h"

enum { MESSAGES = 50, INBOX = 7, VALIDITY = 99, HEADER = 300, STORES = 3 };

/* Message i, from 0: uid 10 (i + 1), and i lines of its body. */
static struct {
	struct chan chan[STORES];
	pthread_t thread[STORES];
	int	 n;			/* that there were */
	uint32_t inbox, validity;	/* as the next one says */
	unsigned messages, in_use;	/* ... so many locks are refused */
	uint32_t gone;			/* uid of a file that is not there */
	int	 short_files, dies;	/* ... at this request */
	int	 unmarked;		/* every message, but the first */
	enum door_error marking;	/* what it is answered */
	struct buf log;			/* of what was asked */
} store;
static struct pop3d_box box;
static struct pop3d_io io;
static struct pop3d_session session;

static void
text_of(struct buf *b, unsigned i)
{
	unsigned k;

	buf_reset(b);
	buf_printf(b, "Subject: %u\r\nX: %0*d\r\n\r\n", i,
	    HEADER - 19 - (i > 9), 0);
	assert_int_equal(b->len, HEADER);
	for (k = 0; k < i; k++)
		buf_printf(b, "line %u of %u\r\n", k, i);
	if (store.unmarked && i % 3 == 2)
		buf_printf(b, "%s", i % 2 == 0 ? "cut" : "cut\n");
}

static void
answer_list(struct chan *c, const struct msg *m)
{
	struct door_mailbox other = { .id = 3, .uidvalidity = 5,
		.name = (char *)"Archive" };
	struct door_mailbox inbox = { .id = store.inbox,
		.uidvalidity = store.validity, .name = (char *)"INBOX" };
	struct buf b = BUF_INIT(0);

	door_pack_mailbox(&b, &other);
	door_pack_mailbox(&b, &inbox);
	msg_begin(c, &proto_door, DM_MAILBOXES, m->id);
	msg_bytes(c, DF_MAILBOXES, b.data, b.len);
	buf_clear(&b);
}

static void
answer_records(struct chan *c, const struct msg *m)
{
	struct buf b = BUF_INIT(0), text = BUF_INIT(0);
	unsigned i;

	for (i = 0; i < store.messages; i++) {
		text_of(&text, i);
		door_pack_record(&b, &(struct door_record){
		    .uid = 10 * (i + 1), .modseq = 1, .size = text.len,
		    .flags = store.unmarked && i > 0 ? 0 : MARK_WHOLE,
		    .header_len = HEADER });
	}
	msg_begin(c, &proto_door, DM_RECORDS_ARE, m->id);
	msg_bytes(c, DF_RECORDS, buf_str(&b), b.len);
	msg_bytes(c, DF_UIDS, "", 0);
	msg_u64(c, DF_MODSEQ, 1);
	msg_u32(c, DF_ON, 1);
	msg_u32(c, DF_MORE, 0);
	buf_clear(&b);
	buf_clear(&text);
}

/* Notes the uids of a request; they are in uid_r. */
static size_t
log_uids(const struct msg *m, const char *what, uint32_t *uid_r)
{
	struct cursor c;
	const char *p;
	size_t len, n = 0;

	p = msg_get(m, DF_UIDS, &len);
	cursor_init(&c, p, len);
	buf_puts(&store.log, what);
	while (cursor_left(&c) > 0 && n < MESSAGES) {
		uid_r[n] = cursor_u32(&c);
		buf_printf(&store.log, "%c%u", n > 0 ? ',' : ' ', uid_r[n]);
		n++;
	}
	buf_puts(&store.log, ";");
	return n;
}

static void
answer_open(struct chan *c, const struct msg *m)
{
	uint32_t uid[MESSAGES];
	size_t i, n = log_uids(m, "open", uid);
	char found[DOOR_OPEN_MAX];
	struct buf b = BUF_INIT(0);
	int fd[DOOR_OPEN_MAX];

	for (i = 0; i < n; i++) {
		found[i] = uid[i] != store.gone;
		if (!found[i])
			continue;
		text_of(&b, uid[i] / 10 - 1);
		fd[i] = memfd_create("message", MFD_CLOEXEC);
		if (fd_write_all(fd[i], b.data, b.len -
		    (size_t)store.short_files) == -1)
			abort();
	}
	msg_begin(c, &proto_door, DM_FILES, m->id);
	msg_bytes(c, DF_FOUND, found, n);
	for (i = 0; i < n; i++)
		if (found[i])
			msg_fd(c, fd[i]);
	buf_clear(&b);
}

static void
answer_store(struct chan *c, const struct msg *m)
{
	uint32_t uid[MESSAGES];

	assert_int_equal(msg_get_u32(m, DF_OP), DOOR_MARK);
	(void)log_uids(m, msg_get_u32(m, DF_FLAGS) == MARK_CUT ? "cut" :
	    "whole", uid);
	if (store.marking != D_OK) {
		msg_begin(c, &proto_door, DM_FAILED, m->id);
		msg_u32(c, DF_ERROR, store.marking);
		return;
	}
	msg_begin(c, &proto_door, DM_RECORDS_ARE, m->id);
	msg_bytes(c, DF_RECORDS, "", 0);
	msg_bytes(c, DF_UIDS, "", 0);
	msg_u64(c, DF_MODSEQ, 1);
	msg_u32(c, DF_ON, 1);
}

static void
answer(struct chan *c, const struct msg *m)
{
	uint32_t uid[MESSAGES];
	size_t n;

	if (m->type == DM_POP_LOCK) {
		buf_puts(&store.log, "lock;");
		if (store.in_use > 0) {
			store.in_use--;
			msg_begin(c, &proto_door, DM_FAILED, m->id);
			msg_u32(c, DF_ERROR, D_IN_USE);
		} else
			msg_begin(c, &proto_door, DM_DONE, m->id);
	} else if (m->type == DM_LIST) {
		answer_list(c, m);
	} else if (m->type == DM_RECORDS) {
		answer_records(c, m);
	} else if (m->type == DM_OPEN) {
		answer_open(c, m);
	} else if (m->type == DM_STORE) {
		answer_store(c, m);
	} else {
		n = log_uids(m, msg_get_u32(m, DF_ON) ? "expunge any" :
		    "expunge", uid);
		msg_begin(c, &proto_door, DM_GONE, m->id);
		msg_bytes(c, DF_UIDS, msg_get(m, DF_UIDS, &n), n);
		msg_u64(c, DF_MODSEQ, 2);
	}
	if (msg_end(c) == -1)
		abort();
}

static void *
store_run(void *arg)
{
	struct chan *c = arg;
	struct buf why = BUF_INIT(200);
	struct msg m;
	int ends = 0;

	while (!ends && msg_recv(&m, &proto_door, PEER_POP3D, c, -1,
	    &why) == 1) {
		if (m.type == (unsigned)store.dies) {
			store.dies = 0;
			ends = 1;
		} else
			answer(c, &m);
		msg_done(&m);
		if (chan_flush(c) != 1)
			break;
	}
	chan_clear(c);
	buf_clear(&why);
	return NULL;
}

static int
door(void)
{
	int fd[2];

	if (store.n == STORES || fd_pair(fd) == -1)
		return -1;
	chan_init(&store.chan[store.n], fd[1]);
	if (pthread_create(&store.thread[store.n], NULL, store_run,
	    &store.chan[store.n]) != 0)
		return -1;
	store.n++;
	return fd[0];
}

static int
begin(void **state)
{
	memset(&store, 0, sizeof(store));
	buf_init(&store.log, 0);
	store.inbox = INBOX;
	store.validity = VALIDITY;
	store.messages = MESSAGES;
	pop3d_io_init(&io, -1, 0);
	session = (struct pop3d_session){ .io = &io, .box = &box };
	return 0;
}

static int
end(void **state)
{
	int i;

	pop3d_box_clear(&box);
	pop3d_io_clear(&io);
	for (i = 0; i < store.n; i++)
		pthread_join(store.thread[i], NULL);
	buf_clear(&store.log);
	return 0;
}

/* What was asked of store since the last time. */
static void
expect_asked(const char *want)
{
	assert_string_equal(buf_str(&store.log), want);
	buf_reset(&store.log);
}

static void
expect_said(const char *line, const char *want)
{
	pop3d_session_line(&session, line, strlen(line));
	assert_string_equal(buf_str(&io.out), want);
	buf_reset(&io.out);
}

/* RETR of message i, from 0, and TOP of it with so many lines. */
static void
expect_message(unsigned i, const char *asked)
{
	struct buf text = BUF_INIT(0), want = BUF_INIT(0);
	char line[40];

	text_of(&text, i);
	snprintf(line, sizeof(line), "RETR %u", i + 1);
	buf_set(&want, "+OK %zu octets\r\n%s.\r\n", text.len,
	    buf_str(&text));
	expect_said(line, want.data);
	expect_asked(asked);
	buf_clear(&text);
	buf_clear(&want);
}

static void
test_what_is_there(void **state)
{
	struct buf text = BUF_INIT(0);
	char line[40], want[80];
	uint64_t size = 0;
	unsigned i;

	assert_int_equal(pop3d_box_open(&box, door), 0);
	expect_asked("lock;");
	assert_int_equal(box.id, INBOX);
	for (i = 0; i < MESSAGES; i++) {
		text_of(&text, i);
		size += text.len;
		snprintf(line, sizeof(line), "LIST %u", i + 1);
		snprintf(want, sizeof(want), "+OK %u %zu\r\n", i + 1,
		    text.len);
		expect_said(line, want);
		snprintf(line, sizeof(line), "UIDL %u", i + 1);
		snprintf(want, sizeof(want), "+OK %u %d.%u\r\n", i + 1,
		    VALIDITY, 10 * (i + 1));
		expect_said(line, want);
	}
	snprintf(want, sizeof(want), "+OK %d %llu\r\n", MESSAGES,
	    (unsigned long long)size);
	expect_said("STAT", want);
	expect_said("LIST 51", "-ERR no such message\r\n");
	expect_said("DELE 51", "-ERR no such message\r\n");
	expect_said("LIST 0", "-ERR no such message\r\n");
	/* What is marked counts no more, until it is not. */
	expect_said("DELE 1", "+OK\r\n");
	expect_said("DELE 50", "+OK\r\n");
	text_of(&text, 49);
	snprintf(line, sizeof(line), "+OK 48 %llu\r\n",
	    (unsigned long long)(size - HEADER - text.len));
	expect_said("STAT", line);
	expect_said("LIST 50", "-ERR no such message\r\n");
	expect_said("RSET", "+OK\r\n");
	expect_said("STAT", want);
	expect_message(0, "open 10;");
	expect_said("QUIT", "+OK until next time\r\n");
	expect_asked("");
	buf_clear(&text);
}

/* A client that goes on and on is served ahead; one that jumps is not. */
static void
test_files_opened_ahead(void **state)
{
	static const struct {
		unsigned i;
		const char *asked;
	} row[] = {
		{ 0, "open 10;" }, { 1, "open 20,30;" }, { 2, "" },
		{ 3, "open 40,50,60,70;" }, { 4, "" }, { 5, "" }, { 6, "" },
		{ 2, "open 30;" }, { 3, "open 40,50;" }, { 4, "" },
		{ 4, "open 50;" }, { 3, "open 40;" },
		{ 45, "open 460;" }, { 46, "open 470,480;" }, { 47, "" },
		{ 48, "open 490,500;" }, { 49, "" }, { 49, "open 500;" },
	};
	size_t i;

	assert_int_equal(pop3d_box_open(&box, door), 0);
	expect_asked("lock;");
	for (i = 0; i < sizeof(row) / sizeof(row[0]); i++)
		expect_message(row[i].i, row[i].asked);
}

static void
test_top(void **state)
{
	struct buf text = BUF_INIT(0), want = BUF_INIT(0);
	char line[40];
	unsigned k;

	assert_int_equal(pop3d_box_open(&box, door), 0);
	for (k = 0; k < 5; k++) {
		text_of(&text, 3);
		buf_set(&want, "+OK %zu octets\r\n%.*s", text.len, HEADER,
		    text.data);
		if (k > 0)
			buf_puts(&want, "line 0 of 3\r\n");
		if (k > 1)
			buf_puts(&want, "line 1 of 3\r\n");
		if (k > 2)
			buf_puts(&want, "line 2 of 3\r\n");
		buf_puts(&want, ".\r\n");
		snprintf(line, sizeof(line), "TOP 4 %u", k);
		expect_said(line, want.data);
	}
	buf_clear(&text);
	buf_clear(&want);
}

/* Somebody else expunged it: it is gone as was wished. */
static void
test_message_that_is_gone(void **state)
{
	store.gone = 30;
	assert_int_equal(pop3d_box_open(&box, door), 0);
	expect_asked("lock;");
	expect_said("RETR 3", "-ERR that message is no longer there\r\n");
	expect_asked("open 30;");
	expect_message(3, "open 40,50;");
	assert_false(session.done);
	expect_said("DELE 3", "+OK\r\n");
	expect_said("DELE 2", "+OK\r\n");
	expect_said("DELE 50", "+OK\r\n");
	expect_said("QUIT", "+OK until next time\r\n");
	expect_asked("expunge any 20,30,500;");
	/* The lock is free before the client hears it. */
	assert_int_equal(box.door.chan.fd, -1);
	assert_true(session.done);
}

/* Behind "+OK" there is no way to say no. */
static void
test_file_that_is_short(void **state)
{
	store.short_files = 3;
	assert_int_equal(pop3d_box_open(&box, door), 0);
	pop3d_session_line(&session, "RETR 5", 6);
	assert_true(session.done);
	assert_null(strstr(buf_str(&io.out), "\r\n.\r\n"));
}

static void
test_lock(void **state)
{
	store.in_use = 4;
	assert_int_equal(pop3d_box_open(&box, door), 0);
	expect_asked("lock;lock;lock;lock;lock;");
	pop3d_box_clear(&box);
	store.in_use = 100;
	assert_int_equal(pop3d_box_open(&box, door), -1);
	expect_asked("lock;lock;lock;lock;lock;");
	assert_string_equal(box.words, "[IN-USE] another session has this "
	    "mailbox");
}

/* The session goes on with a new store, and the lock of it. */
static void
test_store_comes_back(void **state)
{
	assert_int_equal(pop3d_box_open(&box, door), 0);
	expect_message(0, "lock;open 10;");
	store.dies = DM_OPEN;
	expect_message(5, "lock;open 60;");
	expect_said("DELE 2", "+OK\r\n");
	store.dies = DM_EXPUNGE;
	expect_said("QUIT", "+OK until next time\r\n");
	expect_asked("lock;expunge any 20;");
	assert_int_equal(store.n, 3);
}

/*
 * Messages that an earlier version took: how they end is looked at, told to
 * store, and their size is that which is sent.
 */
static void
learn(enum door_error marking)
{
	struct buf text = BUF_INIT(0), want = BUF_INIT(0);
	uint64_t size = 0;
	char line[40];
	unsigned i;

	store.unmarked = 1;
	store.messages = 36;
	store.gone = 360;
	store.marking = marking;
	assert_int_equal(pop3d_box_open(&box, door), 0);
	buf_puts(&want, "lock;");
	for (i = 1; i < 36; i++)
		buf_printf(&want, "%s%u%s", i == 1 || i == 33 ? "open " : "",
		    10 * (i + 1), i == 32 || i == 35 ? ";" : ",");
	for (i = 1; i < 35; i++)
		if (i % 3 != 2)
			buf_printf(&want, "%s%u", i == 1 ? "whole " : ",",
			    10 * (i + 1));
	for (i = 2; i < 35; i += 3)
		buf_printf(&want, "%s%u", i == 2 ? ";cut " : ",",
		    10 * (i + 1));
	buf_puts(&want, ";");
	expect_asked(want.data);
	for (i = 0; i < 35; i++) {
		text_of(&text, i);
		if (i % 3 == 2)
			buf_puts(&text, "\r\n");
		buf_set(&want, "+OK %zu octets\r\n%s.\r\n", text.len,
		    text.data);
		snprintf(line, sizeof(line), "RETR %u", i + 1);
		expect_said(line, want.data);
		size += text.len;
	}
	text_of(&text, 35);
	buf_set(&want, "+OK 36 %llu\r\n",
	    (unsigned long long)(size + text.len));
	expect_said("STAT", want.data);
	buf_clear(&text);
	buf_clear(&want);
}

static void
test_endings_are_learnt(void **state)
{
	learn(D_OK);
}

/* A store that cannot keep it does not keep the client out. */
static void
test_endings_that_are_not_kept(void **state)
{
	learn(D_LATER);
}

/* Another INBOX than the one that was listed. */
static void
another(uint32_t inbox, uint32_t validity)
{
	static const char temp[] = "-ERR [SYS/TEMP] some messages may not be "
	    "removed\r\n";

	assert_int_equal(pop3d_box_open(&box, door), 0);
	expect_said("DELE 2", "+OK\r\n");
	store.inbox = inbox;
	store.validity = validity;
	store.dies = DM_EXPUNGE;
	expect_said("QUIT", temp);
	expect_asked("lock;lock;");
}

static void
test_another_inbox(void **state)
{
	another(INBOX + 1, VALIDITY);
}

static void
test_another_uidvalidity(void **state)
{
	another(INBOX, VALIDITY + 1);
}

static void
test_store_stays_away(void **state)
{
	static const char temp[] = "-ERR [SYS/TEMP] the mail store is not "
	    "there, try again later\r\n";

	store.n = STORES - 1;
	memset(store.thread, 0, sizeof(store.thread));
	assert_int_equal(pop3d_box_open(&box, door), 0);
	store.dies = DM_OPEN;
	expect_said("RETR 2", temp);
	expect_said("DELE 2", "+OK\r\n");
	expect_said("QUIT", "-ERR [SYS/TEMP] some messages may not be "
	    "removed\r\n");
	pthread_join(store.thread[STORES - 1], NULL);
	store.n = 0;
	pop3d_box_clear(&box);
	store.n = STORES;
	assert_int_equal(pop3d_box_open(&box, door), -1);
	assert_string_equal(box.words, "[SYS/TEMP] the mail store is not "
	    "there, try again later");
	store.n = 0;
}

static void
test_empty(void **state)
{
	store.messages = 0;
	assert_int_equal(pop3d_box_open(&box, door), 0);
	expect_said("STAT", "+OK 0 0\r\n");
	expect_said("LIST", "+OK 0 messages (0 octets)\r\n.\r\n");
	expect_said("RETR 1", "-ERR no such message\r\n");
	expect_said("QUIT", "+OK until next time\r\n");
	expect_asked("lock;");
}

/* Says what comes through the socket of a client that has said that. */
static void
converse(const char *said, struct buf *heard)
{
	char piece[1000];
	int pair[2];
	ssize_t n;

	assert_int_equal(fd_pair(pair), 0);
	assert_int_equal(write(pair[0], said, strlen(said)),
	    (ssize_t)strlen(said));
	assert_int_equal(shutdown(pair[0], SHUT_WR), 0);
	pop3d_io_clear(&io);
	pop3d_io_init(&io, pair[1], 5000);
	pop3d_session_run(&io, door, "anna@example.test", "192.0.2.1:1");
	pop3d_io_clear(&io);
	buf_reset(heard);
	while ((n = read(pair[0], piece, sizeof(piece))) > 0)
		buf_append(heard, piece, (size_t)n);
	close(pair[0]);
}

static void
test_session(void **state)
{
	struct buf heard = BUF_INIT(0);

	store.messages = 2;
	converse("DELE 1\r\nSTAT\r\nQUIT\r\nSTAT\r\n", &heard);
	assert_string_equal(buf_str(&heard), "+OK 2 messages (613 octets)\r\n"
	    "+OK\r\n+OK 1 313\r\n+OK until next time\r\n");
	expect_asked("lock;expunge any 10;");
	/* Who goes without QUIT leaves all as it is. */
	converse("DELE 1\r\n", &heard);
	expect_asked("lock;");
	store.in_use = 100;
	converse("STAT\r\n", &heard);
	assert_string_equal(buf_str(&heard), "-ERR [IN-USE] another session "
	    "has this mailbox\r\n");
	buf_clear(&heard);
}

#define T(f) cmocka_unit_test_setup_teardown(f, begin, end)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_what_is_there), T(test_files_opened_ahead), T(test_top),
		T(test_message_that_is_gone), T(test_file_that_is_short),
		T(test_lock), T(test_store_comes_back), T(test_another_inbox),
		T(test_another_uidvalidity), T(test_store_stays_away),
		T(test_empty), T(test_session), T(test_endings_are_learnt),
		T(test_endings_that_are_not_kept),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests_name("pop3d_box", tests, NULL, NULL);
}
