#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "ctl/pickup.h"
#include "ctl/pickup_report.h"
#include "lib/base/fd.h"
#include "lib/base/log.h"
#include "lib/mail/proto.h"

static char dir[] = "/tmp/test_pickup.XXXXXX";
static char *to[] = { "anna@x.test", "none@x.test" };
static const struct drop letter = { .sender = "root@x.test",
	.caller = "caller@x.test", .to = to, .n_to = 2,
	.message = "A: b\r\n\r\nx\r\n", .len = 11 };

#define HELLO	"220 x\r\n250 x\r\n"
#define OK	"250 ok\r\n"
#define TAKEN	"354 go\r\n250 taken\r\n"

static int
listener(void)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(a.sun_path, sizeof(a.sun_path), "%s/run/submit", dir);
	unlink(a.sun_path);
	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(listen(fd, 10), 0);
	return fd;
}

/*
 * Says its part to each that comes, at once, and keeps what it hears. Who has
 * no part closes at once.
 */
static void
serve(int fd, const char *const *scripts, int out)
{
	char chunk[4096];
	ssize_t n;
	int client;

	for (; *scripts != NULL; scripts++) {
		client = accept(fd, NULL, NULL);
		if (**scripts == '\0') {
			close(client);
			continue;
		}
		if (fd_write_all(client, *scripts, strlen(*scripts)) == -1)
			_exit(1);
		while ((n = read(client, chunk, sizeof(chunk))) > 0)
			if (fd_write_all(out, chunk, (size_t)n) == -1)
				_exit(1);
		close(client);
	}
	_exit(0);
}

static int
file_of(const struct buf *b)
{
	int fd = memfd_create("drop", MFD_CLOEXEC);

	assert_int_equal(fd_write_all(fd, b->data, b->len), 0);
	return fd;
}

/* pickup_send of that file, to servers with these parts. */
static enum drop_status
run(int file, const char *const *scripts, struct buf *heard)
{
	static const struct pickup p = { .state_dir = dir,
		.hostname = "mx.x.test", .message_size = 10000 };
	int fd = listener(), out[2], status;
	enum drop_status r;
	pid_t pid;

	assert_int_equal(pipe(out), 0);
	pid = fork();
	if (pid == 0) {
		close(out[0]);
		serve(fd, scripts, out[1]);
	}
	close(fd);
	close(out[1]);
	r = pickup_send(&p, file, "0.0");
	buf_reset(heard);
	if (heard->max == 0)
		assert_int_equal(fd_slurp(out[0], heard), 0);
	close(out[0]);
	waitpid(pid, &status, 0);
	assert_int_equal(status, 0);
	close(file);
	return r;
}

/* What is asked of the server, in turn; and what becomes of the file. */
static void
test_answers(void **state)
{
	static const struct {
		const char *scripts[4];
		enum drop_status r;
		const char *told;	/* to whom a report goes; NULL: none */
	} t[] = {
		{ { HELLO OK OK OK TAKEN }, DROP_SENT, NULL },
		{ { HELLO OK OK "550 5.1.1 none\r\n" TAKEN, HELLO OK OK TAKEN },
		    DROP_SENT, "root@x.test" },
		{ { HELLO OK "550 no\r\n550 no\r\n", HELLO OK OK TAKEN },
		    DROP_SENT, "root@x.test" },
		{ { HELLO "550 not yours\r\n", HELLO OK OK TAKEN }, DROP_SENT,
		    "caller@x.test" },
		{ { HELLO OK OK OK "354 go\r\n552 big\r\n", HELLO OK OK TAKEN },
		    DROP_SENT, "caller@x.test" },
		{ { HELLO "550 not yours\r\n", HELLO OK "550 no\r\n" },
		    DROP_BROKEN, "caller@x.test" },
		{ { HELLO "550 not yours\r\n", HELLO OK "451 no\r\n" },
		    DROP_LATER, "caller@x.test" },
		{ { HELLO OK OK "451 later\r\n" }, DROP_LATER, NULL },
		{ { HELLO OK "550 no\r\n451 later\r\n" }, DROP_LATER, NULL },
		{ { "421 full\r\n" }, DROP_LATER, NULL },
		{ { "" }, DROP_LATER, NULL },
		/* What somebody has is not sent once more. */
		{ { HELLO OK OK "550 5.1.1 none\r\n" TAKEN,
		    HELLO OK "451 no\r\n" }, DROP_BROKEN, "root@x.test" },
		{ { HELLO OK OK "550 5.1.1 none\r\n" TAKEN, "421 full\r\n",
		    HELLO OK OK TAKEN }, DROP_SENT, "root@x.test" },
	};
	struct buf b = BUF_INIT(0), heard = BUF_INIT(0);
	char want[100];
	size_t i;

	assert_int_equal(drop_pack(&letter, &b), 0);
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		if (run(file_of(&b), t[i].scripts, &heard) != t[i].r)
			fail_msg("row %zu", i);
		if (t[i].r != DROP_LATER || i != 10)
			assert_non_null(strstr(buf_str(&heard), i == 9 ? "" :
			    "MAIL FROM:<root@x.test>"));
		if (t[i].told == NULL) {
			assert_null(strstr(buf_str(&heard), "FROM:<>"));
			continue;
		}
		snprintf(want, sizeof(want), "MAIL FROM:<>\r\nRCPT TO:<%s>",
		    t[i].told);
		if (strstr(buf_str(&heard), want) == NULL)
			fail_msg("row %zu: %s", i, buf_str(&heard));
	}
	buf_clear(&b);
	buf_clear(&heard);
}

/* Nobody is there: it stays; and a file that is not whole is not sent. */
static void
test_files(void **state)
{
	static const struct pickup p = { .state_dir = dir,
		.hostname = "mx.x.test", .message_size = 10 };
	struct buf b = BUF_INIT(0);
	int fd;

	unlink("run/submit");
	assert_int_equal(drop_pack(&letter, &b), 0);
	fd = file_of(&b);
	assert_int_equal(pickup_send(&p, fd, "0.0"), DROP_LATER);
	close(fd);
	b.data[b.len - 1] ^= 1;
	fd = file_of(&b);
	assert_int_equal(pickup_send(&p, fd, "0.0"), DROP_BROKEN);
	/* Of what one could be too much is not even read. */
	assert_int_equal(ftruncate(fd, 2 * DROP_ENVELOPE_MAX + 21), 0);
	assert_int_equal(pickup_send(&p, fd, "0.0"), DROP_BROKEN);
	assert_int_equal(ftruncate(fd, 3), 0);
	assert_int_equal(pickup_send(&p, fd, "0.0"), DROP_PARTIAL);
	close(fd);
	buf_clear(&b);
}

/* A report of all of a message that is nearly as large as one may be would be
   too large: it has the header. */
static void
test_large_report(void **state)
{
	static const char text[] = "Subject: large\r\n\r\n";
	struct buf message = BUF_INIT(0), out = BUF_INIT(0);
	struct buf why = BUF_INIT(0);
	struct drop d = letter;
	size_t i, most;

	buf_puts(&message, text);
	for (i = 0; i < 20000; i++)
		buf_puts(&message, i % 50 == 49 ? "\r\n" : "x");
	buf_puts(&why, "550 5.7.1 no\n");
	d.message = message.data;
	d.len = message.len;
	for (most = message.len; most < message.len + 10000; most += 500) {
		buf_reset(&out);
		pickup_report(&d, &why, "mx.x.test", "a@x.test", 1, most,
		    &out);
		assert_true(out.len <= most);
		assert_int_equal(strstr(buf_str(&out), "message/rfc822") !=
		    NULL, most >= message.len + 4500);
		assert_int_equal(strstr(buf_str(&out), "text/rfc822-headers")
		    != NULL, most < message.len + 4500);
		assert_non_null(strstr(buf_str(&out), "\r\n\r\nSubject: large"));
	}
	buf_clear(&message);
	buf_clear(&out);
	buf_clear(&why);
}

/* The report tells what was refused, and brings the message back. */
static void
test_report(void **state)
{
	static const char *const scripts[] = {
		HELLO OK OK "550 5.1.1 none\x1b\xe4\r\n" TAKEN,
		HELLO OK OK TAKEN, NULL };
	struct buf b = BUF_INIT(0), heard = BUF_INIT(0);

	assert_int_equal(drop_pack(&letter, &b), 0);
	assert_int_equal(run(file_of(&b), scripts, &heard), DROP_SENT);
	assert_non_null(strstr(buf_str(&heard), "\r\n"
	    "    none@x.test: 550 5.1.1 none??\r\n"));
	assert_non_null(strstr(buf_str(&heard),
	    "Auto-Submitted: auto-replied\r\n"));
	assert_non_null(strstr(buf_str(&heard), "Content-Type: message/rfc822"
	    "\r\nContent-Transfer-Encoding: 7bit\r\n\r\nA: b\r\n\r\nx\r\n"));
	buf_clear(&b);
	buf_clear(&heard);
}

/* What the sender asked of reports goes on, and holds for this one. */
static void
test_options(void **state)
{
	static const char *const scripts[] = {
		"220 x\r\n250-x\r\n250 DSN\r\n" OK OK "550 5.1.1 no\r\n"
		TAKEN, HELLO OK OK TAKEN, NULL };
	static const char *const one[] = { HELLO OK "550 no\r\n550 no\r\n",
		NULL };
	struct buf b = BUF_INIT(0), heard = BUF_INIT(0);
	struct drop d = letter;

	d.notify = Q_NOTIFY_FAILURE;
	d.ret = Q_RET_HDRS;
	d.envid = "a+20b";
	assert_int_equal(drop_pack(&d, &b), 0);
	assert_int_equal(run(file_of(&b), scripts, &heard), DROP_SENT);
	assert_non_null(strstr(buf_str(&heard),
	    "MAIL FROM:<root@x.test> RET=HDRS ENVID=a+20b\r\n"
	    "RCPT TO:<anna@x.test> NOTIFY=FAILURE\r\n"));
	assert_non_null(strstr(buf_str(&heard), "Content-Type: "
	    "text/rfc822-headers\r\nContent-Transfer-Encoding: 7bit\r\n\r\n"
	    "A: b\r\n\r\n\r\n--rohrpost-"));
	buf_reset(&b);
	d.notify = Q_NOTIFY_NEVER;
	assert_int_equal(drop_pack(&d, &b), 0);
	assert_int_equal(run(file_of(&b), one, &heard), DROP_SENT);
	assert_null(strstr(buf_str(&heard), "FROM:<>"));
	buf_clear(&b);
	buf_clear(&heard);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_answers),
		cmocka_unit_test(test_files),
		cmocka_unit_test(test_large_report),
		cmocka_unit_test(test_report),
		cmocka_unit_test(test_options),
	};
	char path[100];
	int r;

	log_init("pickup", 1);
	if (mkdtemp(dir) == NULL)
		return 1;
	snprintf(path, sizeof(path), "%s/run", dir);
	mkdir(path, 0755);
	r = cmocka_run_group_tests(tests, NULL, NULL);
	snprintf(path, sizeof(path), "%s/run/submit", dir);
	unlink(path);
	snprintf(path, sizeof(path), "%s/run", dir);
	rmdir(path);
	rmdir(dir);
	return r;
}
