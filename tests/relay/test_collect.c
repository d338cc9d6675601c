/*
 * collect, with queue and a worker played at its wires: what is wanted, in which
 * order things are written, whose word counts, and when it looks again.
 */
#include <cdb.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

#include "lib/base/clock.h"
#include "lib/base/fd.h"
#include "lib/mail/packed.h"
#include "lib/mail/proto.h"
#include "relay/collect.h"

int64_t	__real_clock_mono_ms(void);
int64_t	__wrap_clock_mono_ms(void);
int64_t	__wrap_clock_now(void);
void	__wrap_server_need(enum peer p, uint32_t count, uint32_t instance);
void	__wrap_server_retire_peer(enum peer p, uint32_t instance);
void	__wrap_server_exit(void);
int	__real_fd_write_all(int fd, const void *p, size_t len);
int	__wrap_fd_write_all(int fd, const void *p, size_t len);

enum { NOW = 1000000, WORKER = 7 };

static char dir[64];
static int dirfd_, full;
static int64_t mono = 1000000, wall = NOW;
static uint32_t needed, retired, exited;
static struct chan queue, worker;
static struct msg m;
static struct buf why = BUF_INIT(300);

int64_t
__wrap_clock_mono_ms(void)
{
	return mono;
}

int64_t
__wrap_clock_now(void)
{
	return wall;
}

void
__wrap_server_need(enum peer p, uint32_t count, uint32_t instance)
{
	assert_int_equal(p, PEER_FETCH);
	needed = count;
}

void
__wrap_server_retire_peer(enum peer p, uint32_t instance)
{
	assert_int_equal(p, PEER_FETCH);
	retired = instance;
}

void
__wrap_server_exit(void)
{
	exited = 1;
}

int
__wrap_fd_write_all(int fd, const void *p, size_t len)
{
	if (!full)
		return __real_fd_write_all(fd, p, len);
	errno = ENOSPC;
	return -1;
}

static void
turn(void)
{
	int i;

	/* Twice: what one turn writes another one answers. */
	for (i = 0; i < 2; i++)
		ev_run(collect.loop, EVRUN_NOWAIT);
}

static void
accounts(const struct collect_account *a, size_t n)
{
	struct buf b = BUF_INIT(0);
	struct cdb_make c;
	int fd = openat(dirfd_, "new.cdb", O_RDWR | O_CREAT | O_TRUNC, 0600);
	size_t i;

	for (i = 0; i < n; i++)
		assert_int_equal(collect_put(&b, &a[i]), 0);
	assert_int_equal(cdb_make_start(&c, fd), 0);
	assert_int_equal(cdb_make_add(&c, "a", 1, buf_str(&b),
	    (unsigned)b.len), 0);
	assert_int_equal(cdb_make_finish(&c), 0);
	close(fd);
	assert_int_equal(renameat(dirfd_, "new.cdb", dirfd_, "collect.cdb"),
	    0);
	buf_clear(&b);
	accounts_refresh();
}

/* What home is called in the journal. */
static char book[JOURNAL_ACCOUNT_MAX + 1];

static struct collect_account
home(void)
{
	struct collect_account a = { .kind = CL_POP3, .security = CL_TLS,
		.port = 995, .every = 30, .keep = COLLECT_KEEP_ALWAYS };

	strcpy(a.name, "home");
	strcpy(a.host, "pop.test");
	strcpy(a.login, "anna");
	strcpy(a.password, "secret");
	strcpy(a.owner, "anna@example.test");
	return a;
}

static void
wire(struct chan *c, int *ours)
{
	int fd[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK |
	    SOCK_CLOEXEC, 0, fd), 0);
	chan_init(c, fd[1]);
	*ours = fd[0];
}

static void
wire_queue(void)
{
	int fd;

	chan_clear(&queue);
	wire(&queue, &fd);
	queue_wired(fd);
}

static void
wire_worker(void)
{
	int fd;

	chan_clear(&worker);
	wire(&worker, &fd);
	run_wired(WORKER, fd);
}

static int
setup(void **state)
{
	char path[80];
	int newer;

	struct collect_account a = home();

	account_book(&a, book);
	strcpy(dir, "/tmp/collect.XXXXXX");
	assert_non_null(mkdtemp(dir));
	dirfd_ = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	full = 0;
	needed = retired = exited = 0;
	mono += 1000000;
	wall = NOW;
	collect.loop = ev_default_loop(0);
	collect.conf = (struct collect_conf){ .message_size = 1000,
		.workers = 3, .seconds = 60 };
	collect.journal = journal_open(dirfd_, &newer, &why);
	assert_non_null(collect.journal);
	snprintf(path, sizeof(path), "%s/collect.cdb", dir);
	collect.map = map_cdb_open(path, 1, &why);
	assert_non_null(collect.map);
	collect.generation = UINT32_MAX;
	collect.synced = collect.stopping = 0;
	turn_start(collect.loop);
	chan_init(&queue, -1);
	chan_init(&worker, -1);
	wire_queue();
	wire_worker();
	return 0;
}

static int
teardown(void **state)
{
	struct collect_account none;

	msg_done(&m);
	chan_clear(&worker);
	chan_clear(&queue);
	turn();
	accounts(&none, 0);
	assert_true(TAILQ_EMPTY(&collect.accounts));
	assert_true(TAILQ_EMPTY(&collect.runs));
	turn_stop();
	turn();
	assert_true(exited);
	ev_loop_destroy(collect.loop);
	journal_close(&collect.journal);
	map_free(&collect.map);
	unlinkat(dirfd_, "journal", 0);
	unlinkat(dirfd_, "collect.cdb", 0);
	close(dirfd_);
	return rmdir(dir);
}

/* The next message there must be, of that type; its fields are in m. */
static void
heard(struct chan *c, const struct msg_proto *p, enum peer from, unsigned type)
{
	int r;

	msg_done(&m);
	memset(&m, 0, sizeof(m));
	r = msg_recv(&m, p, from, c, 0, &why);
	assert_int_equal(r, 1);
	assert_int_equal(m.type, type);
}

#define QUEUE_HEARS(t)	heard(&queue, &proto_queue, PEER_COLLECT, t)
#define WORKER_HEARS(t)	heard(&worker, &proto_collect, PEER_COLLECT, t)

static void
silent(struct chan *c)
{
	struct msg n;

	assert_int_equal(msg_recv(&n, c == &queue ? &proto_queue :
	    &proto_collect, PEER_COLLECT, c, 0, &why), -1);
	assert_int_equal(errno, ETIMEDOUT);
}

static void
send_built(struct chan *c)
{
	assert_int_equal(msg_end(c), 0);
	assert_int_equal(chan_send(c, 0), 0);
	turn();
}

/* Queue's rows, keys "a,b": numbered from 1 on. */
static void
tell_rows(const char *account, const char *const *keys)
{
	struct buf b = BUF_INIT(0);
	uint32_t row = 1;

	QUEUE_HEARS(Q_ORIGINS);
	for (; *keys != NULL; keys++, row++)
		assert_int_equal(packed_put_origin(&b,
		    &(struct packed_origin){ .row = row, .id = row, .time = 5,
		    .length = 12, .account = account,
		    .account_len = strlen(account), .key = *keys,
		    .key_len = strlen(*keys), .message_id = "" }), 0);
	msg_begin(&queue, &proto_queue, Q_ORIGIN_ROWS, 0);
	msg_bytes(&queue, QF_ROWS, b.data, b.len);
	msg_u32(&queue, QF_LAST, 1);
	send_built(&queue);
	buf_clear(&b);
}

static void
no_rows(void)
{
	static const char *const none[] = { NULL };

	turn();
	tell_rows(book, none);
	silent(&queue);
}

/* A list of n messages, k1 and so on, of these octets each. */
static void
list(uint32_t n, uint64_t size)
{
	struct buf b = BUF_INIT(0);
	char key[20];
	uint32_t i;

	for (i = 1; i <= n; i++) {
		snprintf(key, sizeof(key), "k%u", (unsigned)i);
		assert_int_equal(cl_put_item(&b, &(struct cl_item){
		    .number = i, .size = size, .key = key,
		    .len = strlen(key) }), 0);
		if (i % CL_SLICE != 0 && i < n)
			continue;
		msg_begin(&worker, &proto_collect, CL_LIST, 0);
		msg_bytes(&worker, CLF_ITEMS, b.data, b.len);
		if (i == n)
			msg_u32(&worker, CLF_LAST, 1);
		send_built(&worker);
		if (i < n)
			WORKER_HEARS(CL_MORE);
		buf_reset(&b);
	}
	if (n == 0) {
		msg_begin(&worker, &proto_collect, CL_LIST, 0);
		msg_bytes(&worker, CLF_ITEMS, "", 0);
		msg_u32(&worker, CLF_LAST, 1);
		send_built(&worker);
	}
	buf_clear(&b);
}

/* The numbers of a field, "1 2 3 ". */
static void
assert_numbers(uint8_t tag, const char *want)
{
	struct cursor c;
	char got[400] = "";
	const char *p;
	size_t len;

	p = msg_get(&m, tag, &len);
	cursor_init(&c, p, len);
	while (cursor_left(&c) > 0 && strlen(got) < sizeof(got) - 20)
		snprintf(got + strlen(got), 20, "%u ",
		    (unsigned)cursor_u32(&c));
	assert_string_equal(got, want);
}

static void
begin_run(void)
{
	struct collect_account a = home();

	accounts(&a, 1);
	no_rows();
	WORKER_HEARS(CL_RUN);
}

static void
ask_file(uint32_t number, const char *file)
{
	msg_begin(&worker, &proto_collect, CL_FILE, number);
	send_built(&worker);
	QUEUE_HEARS(Q_FILE);
	msg_begin(&queue, &proto_queue, Q_FILE_IS, m.id);
	msg_text(&queue, QF_FILE, file);
	msg_fd(&queue, open("/dev/null", O_RDWR | O_CLOEXEC));
	send_built(&queue);
	WORKER_HEARS(CL_FILE_IS);
	assert_int_equal(m.id, number);
}

static void
submit(uint32_t number, const char *file, uint32_t final, uint64_t length)
{
	msg_begin(&worker, &proto_collect, CL_SUBMIT, number);
	msg_text(&worker, CLF_FILE, file);
	msg_u64(&worker, CLF_LENGTH, length);
	msg_u32(&worker, CLF_CRC, 9);
	msg_u32(&worker, CLF_FINAL, final);
	msg_u32(&worker, CLF_FORWARD, 0);
	msg_u32(&worker, CLF_FLAGS, 0);
	msg_text(&worker, CLF_MESSAGE_ID, "<1@far.test>");
	send_built(&worker);
}

#define FILE_A "000000000000000a"

static void
done(uint32_t frame, uint32_t row)
{
	msg_begin(&queue, &proto_queue, Q_DONE, frame);
	msg_u32(&queue, QF_ROW, row);
	send_built(&queue);
}

static void
end(enum cl_status s)
{
	msg_begin(&worker, &proto_collect, CL_END, 0);
	msg_u32(&worker, CLF_STATUS, s);
	msg_text(&worker, CLF_WORDS, "why");
	send_built(&worker);
}

static struct journal_entry *
known(const char *key)
{
	return journal_find(collect.journal, book, key, strlen(key), wall);
}

/* What the one before did not write down is written before anything runs. */
static void
test_rows(void **state)
{
	static const char *const keys[] = { "k1", "k2", NULL };
	struct collect_account a = home();

	accounts(&a, 1);
	turn();
	silent(&worker);
	assert_int_equal(needed, 0);
	tell_rows(book, keys);
	QUEUE_HEARS(Q_ORIGIN_DROP);
	assert_numbers(QF_ROWS, "1 2 ");
	assert_int_equal(known("k1")->what, JOURNAL_FETCHED);
	assert_int_equal(known("k1")->size, 12);
	WORKER_HEARS(CL_RUN);
	list(3, 10);
	WORKER_HEARS(CL_WANT);
	assert_numbers(CLF_NUMBERS, "3 ");
}

/* Under the same name another mailbox: its keys are others, though alike. */
static void
test_another_server(void **state)
{
	static const char *const rows[] = { "k1", "k2", NULL };
	struct collect_account a = home();
	char other[JOURNAL_ACCOUNT_MAX + 1];

	strcpy(a.host, "POP.test");
	account_book(&a, other);
	assert_string_equal(other, book);
	strcpy(a.host, "pop.test");
	a.keep = COLLECT_KEEP_NOTHING;
	accounts(&a, 1);
	turn();
	tell_rows(book, rows);
	QUEUE_HEARS(Q_ORIGIN_DROP);
	WORKER_HEARS(CL_RUN);
	list(3, 10);
	WORKER_HEARS(CL_WANT);
	assert_numbers(CLF_REMOVED, "1 2 ");
	ask_file(3, FILE_A);
	/* What is under way is of the one that it came from. */
	strcpy(a.login, "bert");
	accounts(&a, 1);
	account_book(&a, other);
	assert_string_not_equal(other, book);
	submit(3, FILE_A, 5, 20);
	QUEUE_HEARS(Q_SUBMIT);
	done(m.id, 9);
	assert_non_null(known("k3"));
	assert_int_equal(journal_count(collect.journal, other), 0);
}

/* The other one begins anew, and nothing is removed there. */
static void
test_begins_anew(void **state)
{
	static const char *const rows[] = { "k1", "k2", NULL };
	struct collect_account a = home();

	a.keep = COLLECT_KEEP_NOTHING;
	strcpy(a.host, "pop.example");
	accounts(&a, 1);
	turn();
	tell_rows(book, rows);
	QUEUE_HEARS(Q_ORIGIN_DROP);
	WORKER_HEARS(CL_RUN);
	list(2, 10);
	WORKER_HEARS(CL_WANT);
	assert_numbers(CLF_REMOVED, "");
	assert_numbers(CLF_NUMBERS, "1 2 ");
}

/* Queue, then the journal, then the row, then the worker. */
static void
test_order(void **state)
{
	char *sender;
	uint32_t frame;

	begin_run();
	list(1, 10);
	WORKER_HEARS(CL_WANT);
	assert_numbers(CLF_NUMBERS, "1 ");
	ask_file(1, FILE_A);
	submit(1, FILE_A, 5, 20);
	QUEUE_HEARS(Q_SUBMIT);
	frame = m.id;
	sender = msg_get_dup(&m, QF_SENDER);
	assert_string_equal(sender, "anna@example.test");
	free(sender);
	assert_int_equal(msg_get_u32(&m, QF_ORIGIN), Q_ORIGIN_COLLECTOR);
	silent(&worker);
	assert_null(known("k1"));
	/* A full disk: nobody hears, and the row stays. */
	full = 1;
	done(frame, 4);
	WORKER_HEARS(CL_LATER);
	silent(&queue);
	assert_null(known("k1"));
	full = 0;
	mono += 11000;
	turn();
	{
		static const char *const keys[] = { "k1", NULL };

		tell_rows(book, keys);
	}
	QUEUE_HEARS(Q_ORIGIN_DROP);
	assert_non_null(known("k1"));
	list(2, 10);
	WORKER_HEARS(CL_WANT);
	assert_numbers(CLF_NUMBERS, "2 ");
	ask_file(2, FILE_A);
	submit(2, FILE_A, 5, 20);
	QUEUE_HEARS(Q_SUBMIT);
	done(m.id, 9);
	assert_int_equal(known("k2")->size, 20);
	assert_int_equal(known("k2")->hash, journal_hash("<1@far.test>", 12));
	QUEUE_HEARS(Q_ORIGIN_DROP);
	assert_numbers(QF_ROWS, "9 ");
	WORKER_HEARS(CL_DONE);
	assert_int_equal(msg_get_u32(&m, CLF_REMOVE), 0);
}

/* The worker goes; what queue has is written down all the same. */
static void
test_worker_lost(void **state)
{
	begin_run();
	list(2, 10);
	WORKER_HEARS(CL_WANT);
	ask_file(1, FILE_A);
	submit(1, FILE_A, 0, 20);
	QUEUE_HEARS(Q_SUBMIT);
	{
		uint32_t frame = m.id;

		ask_file(2, "000000000000000b");
		chan_clear(&worker);
		turn();
		/* The file that it had is nobody's. */
		QUEUE_HEARS(Q_UNUSED);
		assert_int_equal(run_count(0), 0);
		done(frame, 4);
	}
	QUEUE_HEARS(Q_ORIGIN_DROP);
	assert_non_null(known("k1"));
	assert_null(known("k2"));
}

/* What a worker says of what it was not told. */
static void
test_lies(void **state)
{
	unsigned i;

	for (i = 0; i < 6; i++) {
		if (i > 0) {
			teardown(state);
			setup(state);
		}
		begin_run();
		list(1, 10);
		WORKER_HEARS(CL_WANT);
		if (i == 0) {		/* another message */
			msg_begin(&worker, &proto_collect, CL_FILE, 2);
			send_built(&worker);
		} else if (i == 1) {	/* without a file */
			submit(1, FILE_A, 0, 20);
		} else if (i == 2) {	/* another's file */
			ask_file(1, FILE_A);
			submit(1, "000000000000000b", 0, 20);
		} else if (i == 3) {	/* a head that is longer than it */
			ask_file(1, FILE_A);
			submit(1, FILE_A, 21, 20);
		} else if (i == 4) {	/* twice */
			ask_file(1, FILE_A);
			submit(1, FILE_A, 0, 20);
			submit(1, FILE_A, 0, 20);
		} else {		/* a key that is none */
			msg_begin(&worker, &proto_collect, CL_LIST, 0);
			msg_bytes(&worker, CLF_ITEMS, "xxxx", 4);
			send_built(&worker);
		}
		turn();
		assert_int_equal(retired, WORKER);
		assert_int_equal(run_count(0), 0);
		assert_int_equal(TAILQ_FIRST(&collect.accounts)->status,
		    CL_LOST);
		retired = 0;
	}
}

/* Queue goes: the worker hears it, and nothing is taken for done. */
static void
test_queue_lost(void **state)
{
	static const char *const keys[] = { "k1", NULL };

	begin_run();
	list(3, 10);
	WORKER_HEARS(CL_WANT);
	ask_file(1, FILE_A);
	submit(1, FILE_A, 0, 20);
	QUEUE_HEARS(Q_SUBMIT);
	ask_file(2, "000000000000000b");
	wire_queue();
	turn();
	WORKER_HEARS(CL_LATER);
	assert_int_equal(m.id, 1);
	WORKER_HEARS(CL_LATER);
	assert_int_equal(m.id, 2);
	assert_null(known("k1"));
	/* This has crossed it. */
	submit(2, "000000000000000b", 0, 20);
	assert_int_equal(run_count(1), 1);
	tell_rows(book, keys);
	QUEUE_HEARS(Q_ORIGIN_DROP);
	assert_non_null(known("k1"));
	end(CL_QUEUE);
	assert_int_equal(run_count(1), 0);
}

/* Too large: said once, left there; and what is gone is noted. */
static void
test_left_and_gone(void **state)
{
	begin_run();
	list(2, 1001);
	WORKER_HEARS(CL_WANT);
	assert_numbers(CLF_NUMBERS, "");
	assert_int_equal(known("k1")->what, JOURNAL_LEFT);
	assert_int_equal(TAILQ_FIRST(&collect.accounts)->left, 2);
	list(1, 1001);
	WORKER_HEARS(CL_WANT);
	assert_int_equal(TAILQ_FIRST(&collect.accounts)->left, 2);
	assert_true(known("k2")->gone);
	assert_false(known("k1")->gone);
	list(0, 0);
	WORKER_HEARS(CL_WANT);
	assert_int_equal(journal_count(collect.journal, book), 0);
	/* It was only not shown. */
	list(1, 1001);
	WORKER_HEARS(CL_WANT);
	assert_false(known("k1")->gone);
}

/* More than a run may have: the newest are first. */
/* A server has made up many: of few of them each list is a word. */
static void
test_many_large(void **state)
{
	begin_run();
	list(30, 1001);
	WORKER_HEARS(CL_WANT);
	assert_numbers(CLF_NUMBERS, "");
	assert_int_equal(journal_count(collect.journal, book), 20);
	list(30, 1001);
	WORKER_HEARS(CL_WANT);
	assert_int_equal(journal_count(collect.journal, book), 30);
}

/* A name that comes back after its message was removed is another message's. */
static void
test_name_again(void **state)
{
	static const char *const keys[] = { "k1", NULL };
	struct collect_account a = home();

	a.keep = COLLECT_KEEP_NOTHING;
	accounts(&a, 1);
	turn();
	tell_rows(book, keys);
	QUEUE_HEARS(Q_ORIGIN_DROP);
	WORKER_HEARS(CL_RUN);
	list(1, 10);
	WORKER_HEARS(CL_WANT);
	assert_numbers(CLF_NUMBERS, "");
	assert_numbers(CLF_REMOVED, "1 ");
	list(0, 0);
	WORKER_HEARS(CL_WANT);
	assert_true(known("k1")->gone);
	list(1, 10);
	WORKER_HEARS(CL_WANT);
	assert_numbers(CLF_NUMBERS, "1 ");
	assert_numbers(CLF_REMOVED, "");
	/* Its row is not the one of before. */
	wire_queue();
	turn();
	tell_rows(book, keys);
	QUEUE_HEARS(Q_ORIGIN_DROP);
	assert_false(known("k1")->gone);
}

static void
test_newest_first(void **state)
{
	uint32_t first;
	struct cursor c;
	const char *p;
	size_t len;

	begin_run();
	list(COLLECT_WANT + 500, 10);
	WORKER_HEARS(CL_WANT);
	p = msg_get(&m, CLF_NUMBERS, &len);
	assert_int_equal(len, COLLECT_WANT * 4);
	cursor_init(&c, p, len);
	first = cursor_u32(&c);
	assert_int_equal(first, COLLECT_WANT + 1);
	cursor_take(&c, (COLLECT_WANT / 2 - 2) * 4);
	assert_int_equal(cursor_u32(&c), COLLECT_WANT + 500);
	assert_int_equal(cursor_u32(&c), 1);
	/* The rest is due at once, where the run brought something. */
	TAILQ_FIRST(&collect.accounts)->fetched++;
	end(CL_OK);
	assert_true(TAILQ_FIRST(&collect.accounts)->due <= mono);
}

static void
idle(void)
{
	msg_begin(&worker, &proto_collect, CL_IDLE, 0);
	send_built(&worker);
}

/* What is there already is not waited for. */
static void
test_idle(void **state)
{
	begin_run();
	list(1, 1001);
	WORKER_HEARS(CL_WANT);
	idle();
	silent(&worker);
	/* It says so again and again. */
	mono += (COLLECT_IDLE - 1) * 1000;
	idle();
	silent(&worker);
	list(COLLECT_WANT + 1, 10);
	WORKER_HEARS(CL_WANT);
	idle();
	WORKER_HEARS(CL_STOP);
	end(CL_OK);
}

/* The second's watch. */
static void
tick(void)
{
	int64_t end = __real_clock_mono_ms() + 2500;

	while (!retired && __real_clock_mono_ms() < end)
		ev_run(collect.loop, EVRUN_ONCE);
}

/* A large message has its time on a slow line; one that is silent for longer is
   ended. */
static void
test_silence(void **state)
{
	collect.conf.message_size = 10000000;
	begin_run();
	list(1, 5000000);
	WORKER_HEARS(CL_WANT);
	ask_file(1, FILE_A);
	mono += (COLLECT_QUIET + 4999) * 1000;
	tick();
	assert_int_equal(retired, 0);
	mono += 2000;
	tick();
	assert_int_equal(retired, WORKER);
}

static void
leave(uint32_t number)
{
	msg_begin(&worker, &proto_collect, CL_LEFT, number);
	msg_u32(&worker, CLF_REASON, CL_UNREADABLE);
	msg_text(&worker, CLF_WORDS, "no");
	send_built(&worker);
	QUEUE_HEARS(Q_UNUSED);
	turn();
}

/* A server that hands out nothing at all, or nothing more, is in trouble: its
   messages are tried again. */
static void
test_unread(void **state)
{
	begin_run();
	list(3, 10);
	WORKER_HEARS(CL_WANT);
	ask_file(1, FILE_A);
	leave(1);
	assert_null(known("k1"));
	ask_file(2, FILE_A);
	submit(2, FILE_A, 5, 20);
	assert_int_equal(known("k1")->what, JOURNAL_LEFT);
	assert_int_equal(TAILQ_FIRST(&collect.accounts)->left, 1);
	QUEUE_HEARS(Q_SUBMIT);
	done(m.id, 9);
	QUEUE_HEARS(Q_ORIGIN_DROP);
	WORKER_HEARS(CL_DONE);
	ask_file(3, FILE_A);
	leave(3);
	list(3, 10);
	WORKER_HEARS(CL_WANT);
	assert_numbers(CLF_NUMBERS, "3 ");
	assert_int_equal(TAILQ_FIRST(&collect.accounts)->left, 1);
}

static void
keep_row(uint32_t keep, uint32_t days, int64_t confirmed, const char *removed)
{
	struct collect_account a = home();
	int stopping;

	a.keep = keep;
	a.days = days;
	a.confirmed = confirmed;
	stopping = TAILQ_FIRST(&collect.runs)->stopping;
	accounts(&a, 1);
	turn();
	/* The line was changed: the run is to end, once. */
	if (!stopping)
		WORKER_HEARS(CL_STOP);
	list(3, 10);
	WORKER_HEARS(CL_WANT);
	assert_numbers(CLF_REMOVED, removed);
}

/* What may be removed there. */
static void
test_keep(void **state)
{
	static const struct journal_line lines[] = {
		{ JOURNAL_FETCHED, NOW - 3 * 86400, 5, 0, book, "k1", 13, 2 },
		{ JOURNAL_FETCHED, NOW - 86400, 5, 0, book, "k2", 13, 2 },
		{ JOURNAL_LEFT, NOW - 9 * 86400, 5, 0, book, "k3", 13, 2 },
	};
	struct collect_account a = home();
	size_t i;

	for (i = 0; i < 3; i++)
		journal_add(collect.journal, &lines[i]);
	assert_int_equal(journal_sync(collect.journal, &why), 0);
	accounts(&a, 1);
	no_rows();
	WORKER_HEARS(CL_RUN);
	list(3, 10);
	WORKER_HEARS(CL_WANT);
	assert_numbers(CLF_REMOVED, "");
	keep_row(COLLECT_KEEP_ALWAYS, 0, NOW, "");
	keep_row(COLLECT_KEEP_DAYS, 2, 0, "1 ");
	keep_row(COLLECT_KEEP_DAYS, 3, 0, "");
	keep_row(COLLECT_KEEP_CONFIRMED, 0, NOW - 86400, "1 2 ");
	keep_row(COLLECT_KEEP_CONFIRMED, 0, NOW - 86401, "1 ");
	keep_row(COLLECT_KEEP_NOTHING, 0, 0, "1 2 ");
}

static unsigned brings;		/* messages, a run that wait_for ends */

/* Seconds until it is due. */
static int64_t
wait_for(enum cl_status s)
{
	struct account *a = TAILQ_FIRST(&collect.accounts);

	a->begun = mono;
	a->before = a->fetched + a->left;
	a->fetched += brings;
	account_done(a, s, "why", 0);
	return (a->due - mono) / 1000;
}

static void
test_when(void **state)
{
	struct collect_account c = home();
	int64_t first, last, i;

	accounts(&c, 1);
	assert_int_equal(wait_for(CL_OK), 30);
	first = wait_for(CL_LOST);
	assert_true(first >= 30 && first <= 36);
	for (i = 0; i < 20; i++)
		last = wait_for(CL_LOST);
	assert_true(last >= 900 && last <= 1080);
	assert_true(TAILQ_FIRST(&collect.accounts)->troubled == NOW);
	/* The right password of a wrong hour: no hammering. */
	assert_int_equal(wait_for(CL_OK), 30);
	assert_true(TAILQ_FIRST(&collect.accounts)->troubled == 0);
	first = wait_for(CL_REFUSED);
	assert_true(first >= 300 && first <= 360);
	for (i = 0; i < 20; i++)
		last = wait_for(CL_REFUSED);
	assert_true(last >= 3600 && last <= 4320);
	/* The server's own bound. */
	TAILQ_FIRST(&collect.accounts)->delay = 120;
	assert_int_equal(wait_for(CL_OK), 120);
	/* There is more: at once, where that is of any use. */
	assert_int_equal(wait_for(CL_LIMIT), 120);
	brings = 1;
	assert_int_equal(wait_for(CL_LIMIT), 120);
	TAILQ_FIRST(&collect.accounts)->delay = 0;
	assert_int_equal(wait_for(CL_LIMIT), 0);
	brings = 0;
	/* No failure, and nothing that is left to fetch, goes below it. */
	TAILQ_FIRST(&collect.accounts)->delay = 1200;
	brings = 1;
	assert_int_equal(wait_for(CL_LIMIT), 1200);
	brings = 0;
	for (i = 0; i < 20; i++)
		assert_true(wait_for(i % 2 ? CL_IN_USE : CL_REFUSED) >= 1200);
	assert_true(wait_for(CL_SYS_TEMP) >= 1200);
	assert_int_equal(wait_for(CL_OK), 1200);
	TAILQ_FIRST(&collect.accounts)->delay = 0;
	/* A line that was changed is tried at once. */
	strcpy(c.password, "right");
	wait_for(CL_REFUSED);
	accounts(&c, 1);
	assert_true(TAILQ_FIRST(&collect.accounts)->due <= mono);
}

static void
assert_interval(int64_t s, const char *whose)
{
	const char *got;

	assert_int_equal(account_interval(TAILQ_FIRST(&collect.accounts),
	    &got), s);
	assert_string_equal(got, whose);
}

/* Whose limit the interval is. */
static void
test_interval(void **state)
{
	struct collect_account c = home();

	accounts(&c, 1);
	assert_interval(30, "account");
	c.least = 900;
	accounts(&c, 1);
	assert_interval(900, "provider");
	assert_int_equal(wait_for(CL_OK), 900);
	brings = 1;
	assert_int_equal(wait_for(CL_LIMIT), 900);
	brings = 0;
	TAILQ_FIRST(&collect.accounts)->delay = 1000;
	assert_interval(1000, "server");
	c.every = 1000;
	accounts(&c, 1);
	assert_interval(1000, "account");
	wait_for(CL_LOST);
	assert_interval(1000, "back-off");
}

static void
test_overdue(void **state)
{
	struct collect_account c = home();
	struct account *a;

	collect.conf.alarm = 3600;
	accounts(&c, 1);
	a = TAILQ_FIRST(&collect.accounts);
	/* A new one has its time, too. */
	assert_false(account_overdue(a, mono));
	mono += 3630 * 1000;
	assert_false(account_overdue(a, mono));
	mono++;
	assert_true(account_overdue(a, mono));
	wait_for(CL_OK);
	assert_false(account_overdue(a, mono));
	mono += 3000 * 1000;
	wait_for(CL_LOST);
	assert_false(account_overdue(a, mono));
	mono += 631 * 1000;
	wait_for(CL_LOST);
	assert_true(account_overdue(a, mono));
	/* What there is more of comes: that is no trouble. */
	wait_for(CL_LIMIT);
	assert_false(account_overdue(a, mono));
}

/* Who waited for news for long, and is cut off, has his time from then on. */
static void
test_overdue_after_idle(void **state)
{
	struct collect_account c = home();
	struct run r = { .idle = 1 };
	struct account *a;

	collect.conf.alarm = 10;
	accounts(&c, 1);
	a = TAILQ_FIRST(&collect.accounts);
	wait_for(CL_OK);
	a->run = &r;
	mono += 540 * 1000;
	assert_false(account_overdue(a, mono));
	account_done(a, CL_LOST, "", 0);
	a->run = NULL;
	assert_false(account_overdue(a, mono));
	mono += 40 * 1000 + 1;
	assert_true(account_overdue(a, mono));
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_rows),
		T(test_order), T(test_another_server),
		T(test_begins_anew),
		T(test_worker_lost),
		T(test_lies),
		T(test_queue_lost),
		T(test_left_and_gone),
		T(test_many_large),
		T(test_name_again),
		T(test_newest_first),
		T(test_idle),
		T(test_silence),
		T(test_unread),
		T(test_keep),
		T(test_when),
		T(test_interval),
		T(test_overdue),
		T(test_overdue_after_idle),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
