#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "lib/base/clock.h"
#include "lib/link/submit.h"
#include "lib/mail/limits.h"
#include "lib/mail/notes.h"
#include "lib/mail/proto.h"
#include "tests/link/peer.h"

static enum {
	GOOD,		/* DONE brings the next file */
	BARE,		/* DONE brings none */
	FULL,		/* no file: 4.3.1 */
	LATER,
	NEVER,
	DIES,		/* at the envelope */
	SILENT,		/* dies at the question for a file */
	STRAY,		/* first answers what was not asked */
	ODD,		/* answers an envelope with a file */
} mode;
static unsigned n_files, n_asked;
static int file_fd = -1;	/* what was given last, ours to look at */

/* What the last envelope was. */
static struct {
	char	*sender, *recipients, *client, *login, *account, *uidl,
		*envid, *notes, *file, *message_id;
	size_t	 recipients_len, notes_len;
	uint64_t length, time;
	uint32_t crc, final, forward, flags, origin, ret, body, present;
} got;

static int64_t shift;
int64_t	__real_clock_now(void);
int64_t	__wrap_clock_now(void);

int64_t
__wrap_clock_now(void)
{
	return __real_clock_now() + shift;
}

static void
give(struct chan *c, unsigned type, uint32_t id)
{
	char name[QUEUE_ID_LEN + 1];

	if (file_fd != -1)
		close(file_fd);
	file_fd = memfd_create("message", MFD_CLOEXEC);
	snprintf(name, sizeof(name), "%016x", ++n_files);
	msg_begin(c, &proto_queue, type, id);
	msg_text(c, QF_FILE, name);
	msg_fd(c, dup(file_fd));
}

static char *
take(const struct msg *m, uint8_t tag, size_t *len_r)
{
	const char *p = msg_get(m, tag, len_r);
	char *copy = calloc(1, *len_r + 1);

	if (*len_r > 0)
		memcpy(copy, p, *len_r);
	return copy;
}

static void
forget(void)
{
	free(got.sender);
	free(got.recipients);
	free(got.client);
	free(got.login);
	free(got.account);
	free(got.uidl);
	free(got.envid);
	free(got.notes);
	free(got.file);
	free(got.message_id);
	memset(&got, 0, sizeof(got));
}

static void
keep(const struct msg *m)
{
	size_t n;

	forget();
	got.file = take(m, QF_FILE, &n);
	got.sender = take(m, QF_SENDER, &n);
	got.recipients = take(m, QF_RECIPIENTS, &got.recipients_len);
	got.client = take(m, QF_CLIENT, &n);
	got.login = take(m, QF_LOGIN, &n);
	got.account = take(m, QF_ACCOUNT, &n);
	got.uidl = take(m, QF_UIDL, &n);
	got.envid = take(m, QF_ENVID, &n);
	got.message_id = take(m, QF_MESSAGE_ID, &n);
	got.notes = take(m, QF_NOTES, &got.notes_len);
	got.length = msg_get_u64(m, QF_LENGTH);
	got.time = msg_get_u64(m, QF_TIME);
	got.crc = msg_get_u32(m, QF_CRC);
	got.final = msg_get_u32(m, QF_FINAL);
	got.forward = msg_get_u32(m, QF_FORWARD);
	got.flags = msg_get_u32(m, QF_FLAGS);
	got.origin = msg_get_u32(m, QF_ORIGIN);
	got.ret = msg_get_u32(m, QF_RET);
	got.body = msg_get_u32(m, QF_BODY);
	got.present = m->present;
}

static int
on_queue(struct chan *c, struct msg *m)
{
	if (m->type == Q_FILE) {
		n_asked++;
		if (mode == SILENT)
			return -1;
		if (mode == STRAY) {
			give(c, Q_FILE_IS, m->id + 1);
			assert_int_equal(msg_end(c), 0);
		}
		if (mode != FULL) {
			give(c, Q_FILE_IS, m->id);
			return msg_end(c);
		}
		msg_begin(c, &proto_queue, Q_LATER, m->id);
		msg_text(c, QF_WORDS, "4.3.1 the disk is full");
		return msg_end(c);
	}
	keep(m);
	if (mode == DIES)
		return -1;
	if (mode == STRAY) {
		msg_begin(c, &proto_queue, Q_NEVER, m->id + 1);
		msg_text(c, QF_WORDS, "5.7.1 no");
		assert_int_equal(msg_end(c), 0);
	}
	if (mode == GOOD || mode == STRAY || mode == ODD) {
		give(c, mode == ODD ? Q_FILE_IS : Q_DONE, m->id);
	} else {
		msg_begin(c, &proto_queue, mode == LATER ? Q_LATER :
		    mode == NEVER ? Q_NEVER : Q_DONE, m->id);
		if (mode != BARE)
			msg_text(c, QF_WORDS, mode == LATER ? "4.3.0 tired" :
			    "5.7.1 no");
	}
	return msg_end(c);
}

static void
begin(unsigned m)
{
	mode = m;
	n_asked = 0;
	peer_begin(&proto_queue, on_queue);
}

/* The channel is lost, and with it the file, as the skeleton tells it. */
static void
end(void)
{
	peer_end();
	submit_input(PEER_QUEUE, NULL);
	assert_int_equal(peer_retired(), 0);
}

static const struct submit_written written = { .length = 5, .crc = 0x1234,
	.final = 3, .forward = 2, .flags = Q_8BIT };

static enum submit_result
submit(struct buf *words)
{
	const struct packed_recipient one = { .address = "bert@example.test",
		.len = 17 };
	struct buf list = BUF_INIT(0);
	const struct submit_envelope e = { .sender = "anna@example.test",
		.recipients = &list, .client = "us [192.0.2.1]", .origin = 7 };
	enum submit_result r;
	const char *id;
	int fd;

	assert_int_equal(packed_put_recipient(&list, &one), 0);
	fd = submit_file(&id, words);
	assert_int_not_equal(fd, -1);
	assert_int_equal(write(fd, "hello", 5), 5);
	assert_int_equal(submit_close(), 0);
	r = submit_send(&e, &written, words);
	buf_clear(&list);
	return r;
}

static void
test_plain(void **state)
{
	struct buf words = BUF_INIT(0);
	char name[QUEUE_ID_LEN + 1];

	begin(GOOD);
	submit_ask();
	submit_ask();
	assert_int_equal(submit(&words), SUBMIT_DONE);
	/* It was asked for once, whoever asked how often. */
	assert_int_equal(n_asked, 1);
	snprintf(name, sizeof(name), "%016x", n_files - 1);
	assert_string_equal(got.file, name);
	assert_string_equal(got.sender, "anna@example.test");
	assert_string_equal(got.client, "us [192.0.2.1]");
	assert_true(got.length == 5 && got.crc == 0x1234 && got.final == 3 &&
	    got.forward == 2 && got.flags == Q_8BIT && got.origin == 7);
	assert_true(got.time + 60 > (uint64_t)clock_now());
	/* What was not given is not there. */
	assert_int_equal(got.present & (1u << QF_LOGIN | 1u << QF_ACCOUNT |
	    1u << QF_UIDL | 1u << QF_ENVID | 1u << QF_RET | 1u << QF_BODY |
	    1u << QF_NOTES), 0);
	/* DONE brought the next file. */
	assert_int_equal(submit(&words), SUBMIT_DONE);
	assert_int_equal(n_asked, 1);
	end();
	begin(BARE);
	assert_int_equal(submit(&words), SUBMIT_DONE);
	assert_int_equal(submit(&words), SUBMIT_DONE);
	assert_int_equal(n_asked, 2);
	end();
	buf_clear(&words);
}

static void
test_options(void **state)
{
	const struct packed_recipient r[] = {
		{ .address = "a@x.test", .len = 8,
		    .orcpt = "rfc822;A@x.test", .orcpt_len = 15,
		    .notify = Q_NOTIFY_NEVER },
		{ .address = "b@x.test", .len = 8 },
	};
	const struct submit_options options = { .envid = "QQ+2B",
		.ret = Q_RET_HDRS, .body = Q_BODY_8BITMIME,
		.flags = Q_SMTPUTF8 | Q_REQUIRETLS };
	struct buf list = BUF_INIT(0), notes = BUF_INIT(0), words = BUF_INIT(0);
	const struct submit_envelope e = { .sender = "", .recipients = &list,
		.client = "c", .login = "anna", .origin = Q_ORIGIN_COLLECTOR,
		.account = "anna@provider.test", .uidl = "u1",
		.message_id = "<1@x.test>",
		.options = &options, .notes = &notes };
	struct cursor c;
	const char *id, *p;
	size_t n;

	assert_int_equal(notes_add(&notes, "spf", "pass"), 0);
	assert_int_equal(packed_put_recipient(&list, &r[0]), 0);
	list.max = list.len + 15;
	assert_int_equal(packed_put_recipient(&list, &r[1]), -1);
	list.max = 0;
	assert_int_equal(packed_put_recipient(&list, &r[1]), 0);
	begin(GOOD);
	assert_int_not_equal(submit_file(&id, &words), -1);
	assert_int_equal(submit_close(), 0);
	assert_int_equal(submit_send(&e, &written, &words), SUBMIT_DONE);
	assert_string_equal(got.sender, "");
	assert_string_equal(got.login, "anna");
	assert_string_equal(got.account, "anna@provider.test");
	assert_string_equal(got.uidl, "u1");
	assert_string_equal(got.message_id, "<1@x.test>");
	assert_string_equal(got.envid, "QQ+2B");
	assert_int_equal(got.flags, Q_8BIT | Q_SMTPUTF8 | Q_REQUIRETLS);
	assert_true(got.ret == Q_RET_HDRS && got.body == Q_BODY_8BITMIME &&
	    got.origin == Q_ORIGIN_COLLECTOR);
	assert_int_equal(got.notes_len, notes.len);
	assert_memory_equal(got.notes, notes.data, notes.len);
	cursor_init(&c, got.recipients, got.recipients_len);
	p = cursor_lv(&c, &n, ADDRESS_MAX);
	assert_true(n == 8 && memcmp(p, "a@x.test", 8) == 0);
	p = cursor_lv(&c, &n, ORCPT_MAX);
	assert_true(n == 15 && memcmp(p, "rfc822;A@x.test", 15) == 0);
	assert_int_equal(cursor_u32(&c), Q_NOTIFY_NEVER);
	p = cursor_lv(&c, &n, ADDRESS_MAX);
	assert_true(n == 8 && memcmp(p, "b@x.test", 8) == 0);
	(void)cursor_lv(&c, &n, ORCPT_MAX);
	assert_int_equal(n, 0);
	assert_int_equal(cursor_u32(&c), 0);
	assert_true(!c.bad && cursor_left(&c) == 0);
	end();
	buf_clear(&words);
	buf_clear(&notes);
	buf_clear(&list);
}

static void
test_refused(void **state)
{
	struct buf words = BUF_INIT(0);
	const char *id;

	begin(LATER);
	assert_int_equal(submit(&words), SUBMIT_LATER);
	assert_string_equal(buf_str(&words), "4.3.0 tired");
	end();
	begin(NEVER);
	assert_int_equal(submit(&words), SUBMIT_NEVER);
	assert_string_equal(buf_str(&words), "5.7.1 no");
	end();
	begin(FULL);
	assert_int_equal(submit_file(&id, &words), -1);
	assert_string_equal(buf_str(&words), "4.3.1 the disk is full");
	assert_int_equal(n_asked, 1);
	end();
	buf_clear(&words);
}

static void
test_lost(void **state)
{
	struct buf words = BUF_INIT(0);
	const char *id;

	begin(DIES);
	assert_int_equal(submit(&words), SUBMIT_LATER);
	assert_string_equal(buf_str(&words), "4.3.0 the queue went away");
	assert_int_equal(peer_chan()->fd, -1);
	end();
	begin(SILENT);
	assert_int_equal(submit_file(&id, &words), -1);
	assert_string_equal(buf_str(&words), "4.3.0 the queue is away");
	end();
	/* Another queue would not know the file: it went with the channel. */
	begin(GOOD);
	assert_int_not_equal(submit_file(&id, &words), -1);
	peer_end();
	submit_input(PEER_QUEUE, NULL);
	assert_int_equal(submit_file(&id, &words), -1);
	end();
	buf_clear(&words);
}

/* An answer counts for its question alone; one that makes no sense: later. */
static void
test_strange_answers(void **state)
{
	struct buf words = BUF_INIT(0);
	char name[QUEUE_ID_LEN + 1];
	const char *id;

	begin(STRAY);
	assert_int_not_equal(submit_file(&id, &words), -1);
	snprintf(name, sizeof(name), "%016x", n_files);
	assert_string_equal(id, name);
	assert_int_equal(submit(&words), SUBMIT_DONE);
	end();
	begin(ODD);
	assert_int_equal(submit(&words), SUBMIT_LATER);
	end();
	buf_clear(&words);
}

/* The end of the channel is that of the file that came by it. */
static void
test_file_goes_with_the_channel(void **state)
{
	struct buf words = BUF_INIT(0);
	const char *id;
	int fd;

	begin(GOOD);
	fd = submit_file(&id, &words);
	assert_int_not_equal(fcntl(fd, F_GETFD), -1);
	shutdown(peer_chan()->fd, SHUT_RD);
	submit_input(PEER_QUEUE, peer_chan());
	assert_int_equal(fcntl(fd, F_GETFD), -1);
	assert_int_equal(peer_chan()->fd, -1);
	end();
	buf_clear(&words);
}

static void
test_abandoned(void **state)
{
	struct buf words = BUF_INIT(0);
	const char *id;
	struct stat st;
	int fd;

	begin(GOOD);
	fd = submit_file(&id, &words);
	assert_int_equal(write(fd, "hello", 5), 5);
	submit_abandon(0);
	assert_int_equal(peer_retired(), 0);
	assert_int_equal(fstat(file_fd, &st), 0);
	assert_int_equal(st.st_size, 0);
	/* The same file, from its start. */
	assert_int_equal(submit_file(&id, &words), fd);
	assert_int_equal(lseek(fd, 0, SEEK_CUR), 0);
	assert_int_equal(n_asked, 1);
	/* One that cannot be trusted is not written again. */
	assert_int_equal(write(fd, "hello", 5), 5);
	submit_abandon(1);
	assert_int_equal(peer_retired(), 1);
	assert_int_equal(fstat(file_fd, &st), 0);
	assert_int_equal(st.st_size, 0);
	assert_int_not_equal(submit_file(&id, &words), -1);
	assert_int_equal(n_asked, 2);
	end();
	buf_clear(&words);
}

static void
test_idle(void **state)
{
	struct buf words = BUF_INIT(0);
	const char *id;

	begin(GOOD);
	submit_idle();
	assert_int_not_equal(submit_file(&id, &words), -1);
	submit_idle();
	assert_int_equal(peer_retired(), 0);
	shift = 13 * 3600;
	submit_idle();
	assert_int_equal(peer_retired(), 1);
	shift = 0;
	end();
	buf_clear(&words);
}

/* A file that was asked for may come while nobody waits for it. */
static void
test_input(void **state)
{
	struct buf words = BUF_INIT(0);
	const char *id;

	begin(GOOD);
	submit_ask();
	while (n_files == 0 || file_fd == -1)
		usleep(1000);
	submit_input(PEER_AUTH, NULL);
	submit_input(PEER_QUEUE, peer_chan());
	assert_int_not_equal(submit_file(&id, &words), -1);
	assert_int_equal(n_asked, 1);
	end();
	buf_clear(&words);
}

static int
tear_down(void **state)
{
	forget();
	if (file_fd != -1)
		close(file_fd);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plain),
		cmocka_unit_test(test_options),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_lost),
		cmocka_unit_test(test_strange_answers),
		cmocka_unit_test(test_file_goes_with_the_channel),
		cmocka_unit_test(test_abandoned),
		cmocka_unit_test(test_idle),
		cmocka_unit_test(test_input),
	};

	return cmocka_run_group_tests(tests, NULL, tear_down);
}
