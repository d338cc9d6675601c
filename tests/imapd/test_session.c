/*
 * Sessions of imapd under the real loop, between a client and a stand-in for
 * store, which has one mailbox and says events where they are missed easily.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <ev.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "lib/base/fd.h"
#include "lib/mail/door_proto.h"
#include "lib/mail/imap_capability.h"

#include "imapd/imapd_commands.h"
#include "imapd/imapd_door.h"
#include "imapd/imapd_loop.h"
#include "imapd/imapd_session.h"

enum { MAILBOX = 7, VALIDITY = 3 };

/* A message that comes while the changes are asked for. */
enum arrival { BEFORE_ANSWER, BEHIND_ANSWER };

static struct {
	pthread_t thread;
	struct chan chan;
	atomic_uint messages;
	atomic_uint more;	/* so many answers bring one more message */
	_Atomic enum arrival how;
} store;

/* The loop has a thread of its own, which the client does not wake. */
static struct {
	pthread_t thread;
	struct ev_loop *loop;
	ev_async wake;
	atomic_int stop;
	unsigned sessions;
} imapd;

static int client;
static struct buf got;

/* The process around the sessions is not there. */
void
server_sessions(unsigned n)
{
	imapd.sessions = n;
}

void
server_exit(void)
{
}

static void
put_event(struct chan *c)
{
	static const char id[4] = { MAILBOX };

	msg_begin(c, &proto_door, DM_EVENT, 0);
	msg_bytes(c, DF_UIDS, id, sizeof(id));
	msg_u32(c, DF_ON, 0);
	assert_int_equal(msg_end(c), 0);
}

static void
answer_mailbox(struct chan *c, uint32_t id, unsigned type)
{
	struct door_mailbox m = { .id = MAILBOX, .uidvalidity = VALIDITY,
		.uidnext = store.messages + 1, .messages = store.messages,
		.highestmodseq = store.messages, .name = (char *)"INBOX" };
	struct buf b = BUF_INIT(0);

	if (type == DM_MAILBOX)
		m.name = NULL;
	door_pack_mailbox(&b, &m);
	msg_begin(c, &proto_door, type, id);
	msg_bytes(c, DF_MAILBOXES, b.data, b.len);
	assert_int_equal(msg_end(c), 0);
	buf_clear(&b);
}

/* Message number n has uid n and modseq n. */
static void
answer_records(struct chan *c, const struct msg *m)
{
	uint32_t n = store.messages, uid = msg_get_u32(m, DF_UID), i;
	uint64_t since = msg_get_u64(m, DF_MODSEQ);
	struct buf b = BUF_INIT(0);
	int more = store.more > 0;

	if (uid <= since)
		uid = (uint32_t)since + 1;
	for (i = uid; i <= n && i - uid < DOOR_RECORDS_MAX; i++)
		door_pack_record(&b, &(struct door_record){ .uid = i,
		    .modseq = i, .size = 100 });
	if (more) {
		store.more--;
		store.messages++;
	}
	if (more && store.how == BEFORE_ANSWER)
		put_event(c);
	msg_begin(c, &proto_door, DM_RECORDS_ARE, m->id);
	msg_bytes(c, DF_RECORDS, buf_str(&b), b.len);
	msg_bytes(c, DF_UIDS, "", 0);
	msg_u64(c, DF_MODSEQ, n);
	msg_u32(c, DF_ON, 1);
	msg_u32(c, DF_MORE, i <= n);
	assert_int_equal(msg_end(c), 0);
	if (more && store.how == BEHIND_ANSWER)
		put_event(c);
	buf_clear(&b);
}

static void *
store_run(void *arg)
{
	struct chan *c = &store.chan;
	struct buf why = BUF_INIT(200);
	struct msg m;

	while (msg_recv(&m, &proto_door, PEER_IMAPD, c, -1, &why) == 1) {
		if (m.type == DM_LIST)
			answer_mailbox(c, m.id, DM_MAILBOXES);
		else if (m.type == DM_SELECT)
			answer_mailbox(c, m.id, DM_MAILBOX);
		else if (m.type == DM_RECORDS)
			answer_records(c, &m);
		else if (m.type == DM_UNSELECT) {
			msg_begin(c, &proto_door, DM_DONE, m.id);
			assert_int_equal(msg_end(c), 0);
		} else {
			msg_begin(c, &proto_door, DM_FAILED, m.id);
			msg_u32(c, DF_ERROR, D_REFUSED);
			assert_int_equal(msg_end(c), 0);
		}
		msg_done(&m);
		assert_int_equal(chan_flush(c), 1);
	}
	buf_clear(&why);
	return NULL;
}

/* Store says by itself that a message has come. */
static void
message_comes(void)
{
	struct chan c;

	chan_init(&c, dup(store.chan.fd));
	store.messages++;
	put_event(&c);
	assert_int_equal(chan_flush(&c), 1);
	chan_clear(&c);
}

static void
on_wake(struct ev_loop *l, ev_async *w, int events)
{
	if (imapd.stop)
		imapd_loop_stop(l);
	else
		ev_break(l, EVBREAK_ONE);
}

static void *
imapd_run(void *arg)
{
	ev_run(imapd.loop, 0);
	return NULL;
}

static int
imapd_begin(int door, int fd)
{
	struct session from = { .fd = fd, .remote = "192.0.2.1:1" };
	struct wire store_wire = { .peer = PEER_STORE, .fd = door };

	imapd_loop_wired(imapd.loop, &store_wire);
	ev_async_init(&imapd.wake, on_wake);
	ev_async_start(imapd.loop, &imapd.wake);
	imapd_loop_session(imapd.loop, &from);
	return pthread_create(&imapd.thread, NULL, imapd_run, NULL);
}

static void
imapd_end(void)
{
	struct wire none = { .peer = PEER_STORE, .fd = -1 };

	imapd.stop = 0;
	ev_async_send(imapd.loop, &imapd.wake);
	pthread_join(imapd.thread, NULL);
	while (imapd.sessions > 0)
		ev_run(imapd.loop, EVRUN_ONCE);
	ev_async_stop(imapd.loop, &imapd.wake);
	imapd_loop_wired(imapd.loop, &none);
}

static int
begin(void **state)
{
	struct timeval tv = { .tv_sec = 20 };
	int door[2], pair[2];

	store.messages = store.more = 0;
	if (fd_pair(door) == -1 || fd_pair(pair) == -1)
		return -1;
	chan_init(&store.chan, door[1]);
	if (pthread_create(&store.thread, NULL, store_run, NULL) != 0)
		return -1;
	client = pair[1];
	fd_nonblock(pair[0], 1);
	fd_nonblock(client, 0);
	setsockopt(client, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	return imapd_begin(door[0], pair[0]);
}

static int
end(void **state)
{
	close(client);
	imapd_end();
	pthread_join(store.thread, NULL);
	chan_clear(&store.chan);
	buf_clear(&got);
	return 0;
}

/* Reads until want is there; NULL: up to the end. */
static void
expect(const char *want)
{
	ssize_t n;

	for (;;) {
		if (want != NULL && strstr(buf_str(&got), want) != NULL)
			return;
		assert_int_equal(buf_reserve(&got, 65536), 0);
		n = read(client, got.data + got.len, 65536);
		if (n == 0 && want == NULL)
			return;
		if (n <= 0)
			fail_msg("no \"%s\" in \"%.1000s\"", want != NULL ?
			    want : "(end)", buf_str(&got));
		got.len += (size_t)n;
		got.data[got.len] = '\0';
	}
}

static void
say(const char *s)
{
	buf_reset(&got);
	assert_int_equal(write(client, s, strlen(s)), (ssize_t)strlen(s));
}

static void
select_inbox(void)
{
	say("a SELECT INBOX\r\n");
	expect("a OK ");
}

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
	imapd.stop = 1;
	ev_async_send(imapd.loop, &imapd.wake);
	expect(NULL);
	n = sizeof(end_of_it) - 1;
	assert_true(got.len > n);
	assert_string_equal(got.data + got.len - n, end_of_it);
	snprintf(last, sizeof(last), "* %d FETCH", MESSAGES);
	assert_non_null(strstr(got.data, last));
}

enum { NOTHING, SELECTED, READONLY, STATES };

static void
more(const char *s)
{
	assert_int_equal(write(client, s, strlen(s)), (ssize_t)strlen(s));
}

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

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_news_before_an_answer,
		    begin, end),
		cmocka_unit_test_setup_teardown(test_news_behind_an_answer,
		    begin, end),
		cmocka_unit_test_setup_teardown(test_news_without_end, begin,
		    end),
		cmocka_unit_test_setup_teardown(test_rows_and_states, begin,
		    end),
		cmocka_unit_test(test_capability),
		/* The last one: a loop stops once. */
		cmocka_unit_test_setup_teardown(test_stop_within_a_command,
		    begin, end),
	};

	imapd.loop = ev_default_loop(0);
	door_init(&imapd_door, PEER_IMAPD, -1);
	imapd_conf.message_size = 1 << 20;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
