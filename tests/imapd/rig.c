#include <ev.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "tests/imapd/rig.h"

#include "lib/base/fd.h"

#include "imapd/imapd_door.h"
#include "imapd/imapd_loop.h"
#include "imapd/imapd_session.h"

struct rig_store store;
/* Of a copy that was not answered yet. */
static struct buf held;
static uint32_t held_id;

/* The loop has a thread of its own, which the client does not wake. */
static struct {
	pthread_t thread;
	struct ev_loop *loop;
	ev_async wake;
	atomic_int stop;
	void	(*_Atomic call)(struct ev_loop *);
	atomic_uint sessions;
} imapd;

int client;
struct buf got;
static int clients[RIG_CLIENTS];

/* The process around the sessions is not there. */
void
server_sessions(unsigned n)
{
	imapd.sessions = n;
}

void
server_session_ended(uint32_t id)
{
}

void
server_exit(void)
{
}

static void
put_event(struct chan *c)
{
	static const char id[4] = { RIG_MAILBOX };

	msg_begin(c, &proto_door, DM_EVENT, 0);
	msg_bytes(c, DF_UIDS, id, sizeof(id));
	msg_u32(c, DF_ON, 0);
	assert_int_equal(msg_end(c), 0);
}

static void
answer_mailbox(struct chan *c, uint32_t id, unsigned type)
{
	struct door_mailbox m = { .id = RIG_MAILBOX,
		.uidvalidity = RIG_VALIDITY + store.renewed,
		.uidnext = store.messages + store.skipped + 1,
		.messages = store.messages, .deleted = store.deleted,
		.highestmodseq = store.messages, .name = (char *)store.name };
	struct buf b = BUF_INIT(0);

	if (type == DM_MAILBOX)
		m.name = NULL;
	door_pack_mailbox(&b, &m);
	msg_begin(c, &proto_door, type, id);
	msg_bytes(c, DF_MAILBOXES, b.data, b.len);
	assert_int_equal(msg_end(c), 0);
	buf_clear(&b);
}

static void
other_asks(void)
{
	const char *line = store.line != NULL ? store.line :
	    "o STATUS INBOX (MESSAGES)\r\n";

	assert_int_equal(write(clients[1], line, strlen(line)),
	    (ssize_t)strlen(line));
	if (store.leaves)
		shutdown(clients[0], SHUT_RDWR);
}

/* Message number n has uid n and modseq n. */
static void
answer_records(struct chan *c, const struct msg *m)
{
	uint32_t n = store.messages, uid = msg_get_u32(m, DF_UID), i;
	uint64_t since = msg_get_u64(m, DF_MODSEQ);
	struct buf b = BUF_INIT(0);
	int more = store.more > 0;

	if (++store.asked == store.tell)
		other_asks();
	if (uid <= since)
		uid = (uint32_t)since + 1;
	for (i = uid; i <= n && i - uid < DOOR_RECORDS_MAX; i++)
		door_pack_record(&b, &(struct door_record){ .uid = i,
		    .modseq = i, .size = 100, .flags =
		    store.deleted && i == n ? FLAG_DELETED : 0 });
	if (more) {
		store.more--;
		store.messages++;
	}
	if (more && store.how == BEFORE_ANSWER)
		put_event(c);
	msg_begin(c, &proto_door, DM_RECORDS_ARE, m->id);
	msg_bytes(c, DF_RECORDS, buf_str(&b), b.len);
	buf_reset(&b);
	if (store.gone > 0)
		buf_put_u32(&b, store.gone);
	msg_bytes(c, DF_UIDS, buf_str(&b), b.len);
	msg_u64(c, DF_MODSEQ, n);
	msg_u32(c, DF_ON, 1);
	msg_u32(c, DF_MORE, i <= n);
	if (msg_get_u32(m, DF_ON) && store.recent > 0)
		msg_u32(c, DF_UID, store.recent);
	assert_int_equal(msg_end(c), 0);
	if (more && store.how == BEHIND_ANSWER)
		put_event(c);
	buf_clear(&b);
}

static void
answer_failed(struct chan *c, const struct msg *m, enum door_error e)
{
	msg_begin(c, &proto_door, DM_FAILED, m->id);
	msg_u32(c, DF_ERROR, e);
	assert_int_equal(msg_end(c), 0);
}

/* Every message is the same. */
static void
answer_open(struct chan *c, const struct msg *m)
{
	char text[101], found[DOOR_OPEN_MAX];
	struct cursor uids;
	const char *p;
	size_t len, i;
	int fd;

	snprintf(text, sizeof(text), "Subject: x\r\n\r\n%086d", 1);
	memset(found, 1, sizeof(found));
	p = msg_get(m, DF_UIDS, &len);
	cursor_init(&uids, p, len);
	for (i = 0; i < len / 4; i++)
		found[i] = cursor_u32(&uids) != store.lost;
	msg_begin(c, &proto_door, DM_FILES, m->id);
	msg_bytes(c, DF_FOUND, found, len / 4);
	for (i = 0; i < len / 4; i++) {
		if (!found[i])
			continue;
		fd = memfd_create("message", 0);
		assert_int_equal(write(fd, text, 100 - store.short_by),
		    100 - store.short_by);
		msg_fd(c, fd);
	}
	assert_int_equal(msg_end(c), 0);
}

static void
answer_file(struct chan *c, uint32_t id)
{
	msg_begin(c, &proto_door, DM_FILE_IS, id);
	msg_text(c, DF_NAME, "file");
	msg_fd(c, memfd_create("file", 0));
	assert_int_equal(msg_end(c), 0);
}

/* Of which no event tells. */
static void
answer_append(struct chan *c, uint32_t id)
{
	msg_begin(c, &proto_door, DM_APPENDED, id);
	msg_u32(c, DF_UID, ++store.messages);
	msg_u32(c, DF_UIDVALIDITY, RIG_VALIDITY);
	assert_int_equal(msg_end(c), 0);
}

/* The copies have the uids of their sources. */
static void
answer_copied(struct chan *c, uint32_t id, const char *uids, size_t len)
{
	msg_begin(c, &proto_door, DM_COPIED, id);
	msg_bytes(c, DF_UIDS, uids, len);
	msg_bytes(c, DF_TO_UIDS, uids, len);
	msg_u32(c, DF_UIDVALIDITY, RIG_VALIDITY);
	assert_int_equal(msg_end(c), 0);
}

static int
has_changed(const struct msg *m, uint32_t uid)
{
	return store.since > 0 && uid % store.since < 10 &&
	    msg_get_u64(m, DF_MODSEQ) != UINT64_MAX;
}

/* Messages that are named get the flags, unless they have changed. */
static void
answer_store(struct chan *c, const struct msg *m, const char *p, size_t len)
{
	struct buf b = BUF_INIT(0), failed = BUF_INIT(0);
	struct cursor uids;
	uint32_t uid;

	cursor_init(&uids, p, len);
	while (cursor_left(&uids) > 0) {
		uid = cursor_u32(&uids);
		if (has_changed(m, uid)) {
			buf_put_u32(&failed, uid);
			continue;
		}
		door_pack_record(&b, &(struct door_record){ .uid = uid,
		    .size = 100, .flags = msg_get_u32(m, DF_OP) ==
		    DOOR_REMOVE ? 0 : msg_get_u32(m, DF_FLAGS),
		    .modseq = ++store.modseq });
	}
	msg_begin(c, &proto_door, DM_RECORDS_ARE, m->id);
	msg_bytes(c, DF_RECORDS, buf_str(&b), b.len);
	msg_bytes(c, DF_UIDS, buf_str(&failed), failed.len);
	msg_u32(c, DF_ON, 1);
	msg_u32(c, DF_MORE, 0);
	buf_clear(&b);
	buf_clear(&failed);
}

/* All messages that are named get the flags, or go, or are copied. */
static void
answer_part(struct chan *c, const struct msg *m)
{
	const char *p;
	size_t len;

	if (store.failing && store.parts-- == 0) {
		answer_failed(c, m, D_LATER);
		return;
	}
	p = msg_get(m, DF_UIDS, &len);
	if (m->type == DM_COPY && store.hold) {
		store.hold = 2;
		held_id = m->id;
		buf_append(&held, p, len);
		return;
	}
	if (m->type == DM_COPY) {
		answer_copied(c, m->id, p, len);
		return;
	}
	if (m->type == DM_STORE) {
		answer_store(c, m, p, len);
	} else {
		store.any = msg_get_u32(m, DF_ON);
		store.expunged += (unsigned)len / 4;
		msg_begin(c, &proto_door, DM_GONE, m->id);
		msg_bytes(c, DF_UIDS, p, len);
	}
	msg_u64(c, DF_MODSEQ, store.modseq);
	assert_int_equal(msg_end(c), 0);
	if (held.len > 0)
		answer_copied(c, held_id, held.data, held.len);
	if (held.len > 0)
		store.hold = 1;
	buf_clear(&held);
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
		else if (m.type == DM_SELECT) {
			store.selected++;
			answer_mailbox(c, m.id, DM_MAILBOX);
		} else if (m.type == DM_STATUS) {
			if (store.tell > 0)
				store.told = store.asked;
			answer_mailbox(c, m.id, DM_MAILBOX);
		} else if (m.type == DM_FILE_BACK) {
			store.back++;
		} else if (m.type == DM_RECORDS && store.deaf > 0) {
			store.deaf--;
			answer_failed(c, &m, D_LATER);
		} else if (m.type == DM_RECORDS)
			answer_records(c, &m);
		else if (m.type == DM_OPEN)
			answer_open(c, &m);
		else if (m.type == DM_FILE)
			answer_file(c, m.id);
		else if (m.type == DM_APPEND)
			answer_append(c, m.id);
		else if (m.type == DM_STORE || m.type == DM_EXPUNGE ||
		    m.type == DM_COPY)
			answer_part(c, &m);
		else if (m.type == DM_UNSELECT) {
			msg_begin(c, &proto_door, DM_DONE, m.id);
			assert_int_equal(msg_end(c), 0);
		} else
			answer_failed(c, &m, D_REFUSED);
		msg_done(&m);
		assert_int_equal(chan_flush(c), 1);
	}
	buf_clear(&why);
	return NULL;
}

void
mailbox_changes(void)
{
	struct chan c;

	chan_init(&c, dup(store.chan.fd));
	put_event(&c);
	assert_int_equal(chan_flush(&c), 1);
	chan_clear(&c);
}

void
message_comes(void)
{
	store.messages++;
	mailbox_changes();
}

static void
on_wake(struct ev_loop *l, ev_async *w, int events)
{
	if (imapd.call != NULL) {
		imapd.call(l);
		imapd.call = NULL;
	} else if (imapd.stop)
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
session_begin(int i)
{
	struct session from = { .remote = "192.0.2.1:1" };
	struct timeval tv = { .tv_sec = 120 };
	int pair[2], small = 64 * 1024;

	if (fd_pair(pair) == -1)
		return -1;
	from.fd = pair[0];
	clients[i] = pair[1];
	fd_nonblock(pair[0], 1);
	fd_nonblock(pair[1], 0);
	setsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
	setsockopt(pair[1], SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	imapd_loop_session(imapd.loop, &from);
	return 0;
}

static int
imapd_begin(int door)
{
	struct wire store_wire = { .peer = PEER_STORE, .fd = door };
	int i;

	imapd_loop_wired(imapd.loop, &store_wire);
	ev_async_init(&imapd.wake, on_wake);
	ev_async_start(imapd.loop, &imapd.wake);
	for (i = 0; i < RIG_CLIENTS; i++)
		if (session_begin(i) == -1)
			return -1;
	rig_client(0);
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

int
rig_begin(void **state)
{
	int door[2];

	store.messages = store.more = store.skipped = store.deleted = 0;
	store.renewed = 0;
	store.failing = store.deaf = store.hold = store.recent = 0;
	store.any = store.expunged = store.since = store.short_by = 0;
	store.lost = store.gone = store.back = 0;
	store.asked = store.tell = store.told = store.leaves = 0;
	store.line = NULL;
	store.name = "INBOX";
	store.modseq = 1u << 20;
	if (fd_pair(door) == -1)
		return -1;
	chan_init(&store.chan, door[1]);
	if (pthread_create(&store.thread, NULL, store_run, NULL) != 0)
		return -1;
	return imapd_begin(door[0]);
}

int
rig_end(void **state)
{
	int i;

	for (i = 0; i < RIG_CLIENTS; i++)
		close(clients[i]);
	imapd_end();
	pthread_join(store.thread, NULL);
	chan_clear(&store.chan);
	buf_clear(&got);
	buf_clear(&held);
	return 0;
}

void
rig_init(void)
{
	signal(SIGPIPE, SIG_IGN);
	imapd.loop = ev_default_loop(0);
	door_init(&imapd_door, PEER_IMAPD, -1);
	imapd_conf.message_size = 1 << 20;
}

void
rig_client(int i)
{
	client = clients[i];
}

void
rig_client_ends(int i)
{
	unsigned left = imapd.sessions - 1;

	shutdown(clients[i], SHUT_RDWR);
	for (i = 0; i < 20000 && imapd.sessions != left; i++)
		usleep(1000);
	assert_int_equal(imapd.sessions, left);
}

void
rig_held(void)
{
	int i;

	for (i = 0; i < 20000 && store.hold != 2; i++)
		usleep(1000);
	assert_int_equal(store.hold, 2);
}

void
rig_store_ends(void)
{
	shutdown(store.chan.fd, SHUT_RDWR);
}

static int next_door;

static void
wire_next(struct ev_loop *l)
{
	struct wire w = { .peer = PEER_STORE, .fd = next_door };

	imapd_loop_wired(l, &w);
}

void
rig_store_again(void)
{
	int door[2];

	assert_int_equal(pthread_join(store.thread, NULL), 0);
	chan_clear(&store.chan);
	assert_int_equal(fd_pair(door), 0);
	chan_init(&store.chan, door[1]);
	assert_int_equal(pthread_create(&store.thread, NULL, store_run, NULL),
	    0);
	next_door = door[0];
	rig_call(wire_next);
}

void
rig_call(void (*fn)(struct ev_loop *l))
{
	int i;

	imapd.call = fn;
	ev_async_send(imapd.loop, &imapd.wake);
	for (i = 0; i < 20000 && imapd.call != NULL; i++)
		usleep(1000);
	assert_null(imapd.call);
}

void
rig_stop(void)
{
	imapd.stop = 1;
	ev_async_send(imapd.loop, &imapd.wake);
}

void
expect(const char *want)
{
	size_t len = want != NULL ? strlen(want) : 0, from = 0;
	ssize_t n;

	for (;;) {
		if (want != NULL && got.len > from && memmem(got.data + from,
		    got.len - from, want, len) != NULL)
			return;
		from = got.len > len ? got.len - len : 0;
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

void
say(const char *s)
{
	buf_reset(&got);
	assert_int_equal(write(client, s, strlen(s)), (ssize_t)strlen(s));
}

void
more(const char *s)
{
	assert_int_equal(write(client, s, strlen(s)), (ssize_t)strlen(s));
}

void
select_inbox(void)
{
	say("a SELECT INBOX\r\n");
	expect("a OK ");
}
