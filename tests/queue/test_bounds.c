/* A real queue process: its start, its stop, and what it bears. */
#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "lib/base/fd.h"
#include "lib/mail/limits.h"
#include "tests/queue/fixture.h"

static void
test_stop(void **state)
{
	struct rig_job j;
	char id[17];

	assert_int_equal(rig_send(&smtpd, id, "s@far.test", TO("a@one.test"),
	    TEXT), 0);
	chan_clear(&relay);
	rig_stop(&rig);
	assert_int_equal(rig_files(&rig, "body", 1), 1);
	rig_start(&rig);
	wire_all();
	take(&relay, &j);
	assert_string_equal(j.file, id);
	rig_job_clear(&j);
}

static void
test_nonsense(void **state)
{
	static const char bad[64] = { 1, 99 };
	struct chan c;
	char id[17];
	int i;

	for (i = 0; i < 3; i++) {
		rig_wire(&rig, i == 0 ? PEER_SMTPD : i == 1 ? PEER_DELIVER :
		    PEER_RELAY, &c);
		assert_int_equal(fd_write_all(c.fd, bad, sizeof(bad)), 0);
		assert_int_equal(chan_read(&c), 0);
		chan_clear(&c);
	}
	for (i = 0; i < 40; i++) {
		rig_control(&rig, &c);
		assert_int_equal(fd_write_all(c.fd, bad, sizeof(bad)), 0);
		chan_clear(&c);
	}
	assert_int_equal(rig_send(&smtpd, id, "s@far.test", TO("a@one.test"),
	    TEXT), 0);
}

/* A message without an octet is none; who submits some is not trusted. */
static void
test_empty_body(void **state)
{
	char id[17];
	int i, fd;

	for (i = 0; i < 4; i++) {
		assert_int_equal(rig_file(&smtpd, id, &fd), 0);
		close(fd);
		rig_submit(&smtpd, id, "s@far.test", TO("a@one.test"), "");
		assert_int_equal(rig_answer(&smtpd), Q_LATER);
	}
	assert_int_equal(rig_answer(&smtpd), 0);
	assert_states("");
	assert_int_not_equal(rig_retired(&rig, RIG_WAIT), 0);
}

/* The lines that delivery adds have a place in the message, in that order. */
static void
test_places(void **state)
{
	static const struct { uint32_t forward, final; int answer; } t[] = {
		{ 0, 0, Q_DONE }, { 2, 3, Q_DONE },
		{ sizeof(TEXT) - 1, sizeof(TEXT) - 1, Q_DONE },
		{ 3, 2, 0 }, { 2, sizeof(TEXT), 0 },
	};
	struct chan c;
	char id[17];
	size_t i;
	int fd;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		rig_wire(&rig, PEER_SMTPD, &c);
		assert_int_equal(rig_file(&c, id, &fd), 0);
		rig_write(fd, TEXT);
		rig_submit_at(&c, id, t[i].forward, t[i].final, TEXT);
		assert_int_equal(rig_answer(&c), t[i].answer);
		chan_clear(&c);
	}
}

/* A lease is broken, as by a backup that opens a body: nobody dies of it. */
static void
test_lease_broken(void **state)
{
	char id[17];

	assert_int_equal(rig_send(&smtpd, id, "s@far.test", TO("a@one.test"),
	    TEXT), 0);
	assert_int_equal(kill(rig.pid, SIGIO), 0);
	assert_int_equal(rig_send(&smtpd, id, "s@far.test", TO("a@one.test"),
	    TEXT), 0);
}

enum { MANY = 100000 };

enum { WORKERS = 100 };		/* more than there are files in stock */

/* Asks for a file: its name, or the words of the refusal. */
static int
ask_file(struct chan *c, char *words, size_t size)
{
	struct buf why = BUF_INIT(300);
	const char *p;
	struct msg m;
	size_t len;

	msg_begin(c, &proto_queue, Q_FILE, 7);
	assert_int_equal(msg_end(c), 0);
	assert_int_equal(chan_send(c, RIG_WAIT), 0);
	assert_int_equal(msg_recv(&m, &proto_queue, PEER_QUEUE, c, RIG_WAIT,
	    &why), 1);
	p = msg_get(&m, m.type == Q_FILE_IS ? QF_FILE : QF_WORDS, &len);
	snprintf(words, size, "%.*s", (int)len, p);
	msg_done(&m);
	buf_clear(&why);
	return m.type == Q_FILE_IS;
}

/* Takes the folder of the bodies away, with all names in it. */
static void
remove_folder(void)
{
	char path[200];
	struct dirent *d;
	DIR *dir;

	snprintf(path, sizeof(path), "%s/spool/queue/body", rig.dir);
	assert_non_null(dir = opendir(path));
	while ((d = readdir(dir)) != NULL)
		if (d->d_name[0] != '.')
			assert_int_equal(unlinkat(dirfd(dir), d->d_name, 0), 0);
	closedir(dir);
	assert_int_equal(rmdir(path), 0);
}

/* Where no file can be made: later, and not as if the disk were full. */
static void
test_no_files(void **state)
{
	char id[17], words[200] = "";
	struct chan c[WORKERS];
	int i, n, more = 1;

	assert_int_equal(rig_send(&smtpd, id, "s@far.test", TO("a@one.test"),
	    TEXT), 0);
	remove_folder();
	/* Each worker may have four of those that were made before. */
	for (n = 0; n < WORKERS && more; n++) {
		rig_wire(&rig, PEER_SMTPD, &c[n]);
		for (i = 0; i < 4 && more; i++)
			more = ask_file(&c[n], words, sizeof(words));
	}
	assert_string_equal(words, "4.3.0 the queue cannot make files");
	while (n > 0)
		chan_clear(&c[--n]);
	again();
	assert_int_equal(rig_send(&smtpd, id, "s@far.test", TO("a@one.test"),
	    TEXT), 0);
}

/* More than queue show has room for: it says so. */
static void
test_show_too_much(void **state)
{
	static char address[RECIPIENTS_MAX][40], out[64 * 1024];
	static const char *to[RECIPIENTS_MAX + 1];
	char id[17], words[900] = "4.2.0 ";
	struct rig_job j;
	uint32_t status;
	size_t i;

	memset(words + 6, 'x', sizeof(words) - 7);
	for (i = 0; i < RECIPIENTS_MAX; i++) {
		snprintf(address[i], sizeof(address[i]), "u%zu@remote.test", i);
		to[i] = address[i];
	}
	assert_int_equal(rig_send(&smtpd, id, "s@far.test", to, TEXT), 0);
	for (i = 0; i < RECIPIENTS_MAX; i += j.n) {
		take(&relay, &j);
		rig_result(&relay, &j, -1, RESULT_LATER, words, "mx");
		rig_job_clear(&j);
	}
	assert_status("1 0 0 1 ");
	/* Each recipient has six rows. */
	assert_in_range(ask(C_SHOW, id, 0, out, sizeof(out), &status), 100,
	    5 * RECIPIENTS_MAX);
	assert_int_equal(status, C_OK);
	assert_string_equal(out + strlen(out) - 6, " more ");
}

/* More than a channel holds: it is listed in pieces, whole. */
static void
test_list_in_pieces(void **state)
{
	char id[17], out[100], words[900] = "4.2.0 ";
	struct rig_job j;
	uint32_t status;
	size_t n = 0;

	memset(words + 6, 'x', sizeof(words) - 7);
	assert_int_equal(rig_send(&smtpd, id, "s@far.test",
	    TO("many0@example.test", "many1@example.test",
	    "many2@example.test", "many3@example.test", "many4@example.test",
	    "many5@example.test", "many6@example.test", "many7@example.test",
	    "many8@example.test"), TEXT), 0);
	while (n < 9 * RECIPIENTS_MAX) {
		take(&relay, &j);
		n += j.n;
		rig_result(&relay, &j, -1, RESULT_LATER, words, "mx");
		rig_job_clear(&j);
	}
	assert_int_equal(rig_send(&smtpd, id, "s@far.test", TO("a@one.test"),
	    TEXT), 0);
	assert_int_equal(ask(C_LIST, NULL, 1, out, sizeof(out), &status),
	    9 * RECIPIENTS_MAX + 1);
	assert_int_equal(status, C_OK);
	/* One of them alone ends with it. */
	assert_int_equal(ask(C_LIST, id, 5, out, sizeof(out), &status), 1);
	assert_string_equal(out, "a@one.test ");
	assert_int_equal(status, C_OK);
}

static void
test_start_with_many(void **state)
{
	const struct rig_fill many = { .n = MANY, .missing = MANY / 2,
		.time = 1, .next = (int64_t)1 << 40, .from = "s@far.test",
		.domain = "one.test" };
	char id[17], out[400];
	uint32_t status;

	rig_clear(&rig);
	rig_init(&rig, fixture_conf);
	rig_fill(&rig, &many);
	rig_start(&rig);
	wire_all();
	assert_int_equal(rig_send(&smtpd, id, "s@far.test",
	    TO("anna@example.test"), TEXT), 0);
	assert_int_equal(ask(C_LIST, NULL, 9, out, sizeof(out), &status),
	    MANY + 1);
	assert_int_equal(status, C_OK);
	/* The first sweep misses one. */
	assert_status("100001 1 0 99999 0 1 ");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_stop), T(test_nonsense), T(test_lease_broken),
		T(test_empty_body), T(test_places),
		T(test_no_files), T(test_show_too_much),
		T(test_list_in_pieces), T(test_start_with_many),
	};

	return cmocka_run_group_tests_name("queue-bounds", tests, NULL, NULL);
}
