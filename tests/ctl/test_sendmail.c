#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <fcntl.h>
#include <unistd.h>
#include <cmocka.h>

#include "ctl/sendmail_drop.h"
#include "ctl/sendmail_message.h"
#include "ctl/sendmail_options.h"
#include "ctl/sendmail_smtp.h"
#include "lib/mail/proto.h"
#include "lib/base/fd.h"
#include "lib/mail/drop.h"

static void
fill(struct sendmail *s)
{
	memset(s, 0, sizeof(*s));
	strcpy(s->origin, "example.test");
	strcpy(s->sender, "anna@example.test");
	s->hostname = "mail.example.test";
	s->message_size = 100000;
}

static void
clear(struct sendmail *s)
{
	while (s->n_to > 0)
		free(s->to[--s->n_to]);
	free(s->to);
}

#define FROM "From: <anna@example.test>\r\n"

static void
test_prepare(void **state)
{
	static const struct {
		const char *in, *want;
		int	 t, i;
		const char *name, *to;
	} rows[] = {
		{ "Subject: x\nFrom: a@b\n\nhello\n",
		    "Subject: x\r\nFrom: a@b\r\n\r\nhello\r\n" },
		{ "Subject: x\r\n\r\nhello\r\n",
		    FROM "Subject: x\r\n\r\nhello\r\n" },
		{ "hello\nworld\n", FROM "\r\nhello\r\nworld\r\n" },
		{ "hello", FROM "\r\nhello\r\n" },
		{ "", FROM "\r\n" },
		{ "A: b\n\na\rb\r\rc\n", FROM "A: b\r\n\r\na\r\nb\r\n\r\nc"
		    "\r\n" },
		{ "A: b\n\nx\n.\ny\n", FROM "A: b\r\n\r\nx\r\n" },
		{ "A: b\n\nx\n.\ny\n", FROM "A: b\r\n\r\nx\r\n.\r\ny\r\n", 0,
		    1 },
		/* what stands behind a line that is no field is the body */
		{ "no field\nFrom: a@b\n", FROM "\r\nno field\r\n"
		    "From: a@b\r\n" },
		{ "From anna Mon\nA: b\n\nx\n", FROM "A: b\r\n\r\nx\r\n" },
		{ ">From root Mon Nov  2\nFrom a Mon\nA: b\n\n>From x\n",
		    FROM "A: b\r\n\r\n>From x\r\n" },
		{ "From a Mon", FROM "\r\n" },
		{ "A: b\n\n..x\n.y\n", FROM "A: b\r\n\r\n..x\r\n.y\r\n" },
		{ "To: b@x.test, C <c@x.test>,\n d@x.test\nBcc: e@x.test\n"
		    "Cc: g: f@x.test, b@x.test;\n\nx\n",
		    FROM "To: b@x.test, C <c@x.test>,\r\n d@x.test\r\n"
		    "Cc: g: f@x.test, b@x.test;\r\n\r\nx\r\n", 1, 0, NULL,
		    "b@x.test c@x.test d@x.test e@x.test f@x.test" },
		{ "To: root, b@x.test\n\nx\n",
		    FROM "To: root, b@x.test\r\n\r\nx\r\n", 1, 0, NULL,
		    "root@example.test b@x.test" },
		{ "To: \"Doe, John\" <b@x.test>, root\nCc: Bert <bert>\n"
		    "Cc: anna (a comment)\nCc: Team: c, \"D, E\" <d>;\n\n",
		    FROM "To: \"Doe, John\" <b@x.test>, root\r\n"
		    "Cc: Bert <bert>\r\nCc: anna (a comment)\r\n"
		    "Cc: Team: c, \"D, E\" <d>;\r\n\r\n", 1, 0, NULL,
		    "b@x.test root@example.test bert@example.test "
		    "anna@example.test c@example.test d@example.test" },
		{ "To:\nCc: undisclosed-recipients:;\n\n",
		    FROM "To:\r\nCc: undisclosed-recipients:;\r\n\r\n", 1 },
		/* who resends means none of those that it went to before */
		{ "To: a@x.test, b@@x.test\nResent-Bcc: e@x.test\n"
		    "Bcc: f@x.test\nResent-To: c@x.test\n"
		    "Resent-Cc: d@x.test\n\nx\n",
		    FROM "To: a@x.test, b@@x.test\r\nResent-To: c@x.test\r\n"
		    "Resent-Cc: d@x.test\r\n\r\nx\r\n", 1, 0, NULL,
		    "e@x.test c@x.test d@x.test" },
		{ "To: a@x.test\nResent-Bcc: e@x.test\n\nx\n",
		    FROM "To: a@x.test\r\n\r\nx\r\n", 1, 0, NULL, "e@x.test" },
		{ "To: a@x.test\n\nResent-To: c@x.test\n",
		    FROM "To: a@x.test\r\n\r\nResent-To: c@x.test\r\n", 1, 0,
		    NULL, "a@x.test" },
		{ "To: a@x.test\nResent-From: c@x.test\n\n",
		    FROM "To: a@x.test\r\nResent-From: c@x.test\r\n\r\n", 1, 0,
		    NULL, "a@x.test" },
		{ "Resent-Bcc: b@x.test\n\nx\n",
		    FROM "Resent-Bcc: b@x.test\r\n\r\nx\r\n" },
		{ "Bcc: b@x.test\n\nx\n", FROM "Bcc: b@x.test\r\n\r\nx\r\n" },
		{ "A: b\n\nx\n", "From: \"A \\\"q\\\" B\" "
		    "<anna@example.test>\r\nA: b\r\n\r\nx\r\n", 0, 0,
		    "A \"q\" B" },
	};
	struct buf out = BUF_INIT(0), why = BUF_INIT(0), to = BUF_INIT(0);
	struct sendmail s;
	size_t i, k;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		fill(&s);
		s.from_header = rows[i].t;
		s.dot_is_text = rows[i].i;
		s.full_name = rows[i].name;
		buf_reset(&out);
		if (sendmail_prepare(&s, rows[i].in, strlen(rows[i].in),
		    &out, &why) == -1)
			fail_msg("row %zu: %s", i, buf_str(&why));
		assert_string_equal(buf_str(&out), rows[i].want);
		buf_reset(&to);
		for (k = 0; k < s.n_to; k++)
			buf_printf(&to, "%s%s", k > 0 ? " " : "", s.to[k]);
		assert_string_equal(buf_str(&to), rows[i].to == NULL ? "" :
		    rows[i].to);
		clear(&s);
	}
	buf_clear(&out);
	buf_clear(&why);
	buf_clear(&to);
}

/* One that is bad, and nothing goes to anybody. */
static void
test_refused(void **state)
{
	static const struct {
		const char *to, *why;
	} rows[] = {
		{ "a@x.test, b@@x.test", "b@@x.test: bad domain name" },
		{ "b@-, a@x.test", "b@-: bad domain name" },
		{ "a@x.test, b@", "b@: bad domain name" },
		{ "a@x.test, @x.test", "@x.test: bad address syntax" },
		{ "a@x.test, b c", "b c: bad address syntax" },
		{ "a@x.test b@x.test", "a@x.test b@x.test: bad domain name" },
		{ "\xc3\xa4@x.test",
		    "\xc3\xa4@x.test: the local part needs SMTPUTF8" },
		{ "a@x.test, \x1b[1m", "\\x1b[1m: bad address syntax" },
		{ "Anna <>", "\"\": bad address list (" },
		{ "Anna <a@x.test, b@x.test", "a@x.test,b@x.test: bad addr" },
		{ "<a@x.test> <b@x.test>", "a@x.test <b@x.test>: bad addr" },
		{ "a@x.test (b, c@x.test", "a@x.test: bad address list (" },
		{ "Team: a@x.test", "a@x.test: bad address list (" },
	};
	struct buf out = BUF_INIT(0), why = BUF_INIT(0), in = BUF_INIT(0);
	struct sendmail s;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		fill(&s);
		s.from_header = 1;
		buf_set(&in, "To: %s\n\nx\n", rows[i].to);
		buf_reset(&out);
		buf_reset(&why);
		assert_int_equal(sendmail_prepare(&s, in.data, in.len, &out,
		    &why), -1);
		if (strncmp(buf_str(&why), rows[i].why,
		    strlen(rows[i].why)) != 0)
			fail_msg("%s: said %s", rows[i].to, buf_str(&why));
		assert_int_equal(sendmail_add(&s, rows[i].to,
		    strlen(rows[i].to), &why), -1);
		clear(&s);
	}
	buf_clear(&out);
	buf_clear(&why);
	buf_clear(&in);
}

/* An argument is a list, too; one that names nobody is a mistake. */
static void
test_arguments(void **state)
{
	static const char *const nobody[] = { "", " ", ",", "(anna)", "a:;" };
	struct buf why = BUF_INIT(0);
	struct sendmail s;
	size_t i;

	fill(&s);
	assert_int_equal(sendmail_add(&s, "a@x.test,b@x.test, root", 23,
	    &why), 0);
	assert_int_equal(sendmail_add(&s, "<c@x.test>", 10, &why), 0);
	assert_int_equal(s.n_to, 4);
	assert_string_equal(s.to[1], "b@x.test");
	assert_string_equal(s.to[2], "root@example.test");
	assert_string_equal(s.to[3], "c@x.test");
	for (i = 0; i < sizeof(nobody) / sizeof(nobody[0]); i++) {
		assert_int_equal(sendmail_add(&s, nobody[i],
		    strlen(nobody[i]), &why), -1);
		assert_non_null(strstr(buf_str(&why), "no address is there"));
	}
	clear(&s);
	buf_clear(&why);
}

static void
test_bounds(void **state)
{
	struct buf out = BUF_INIT(0), why = BUF_INIT(0);
	struct sendmail s;
	char name[60];
	int i;

	fill(&s);
	s.message_size = 10;
	assert_int_equal(sendmail_prepare(&s, "A: b\n\nlonger\n", 13, &out,
	    &why), -1);
	for (i = 0; i < RECIPIENTS_MAX; i++) {
		snprintf(name, sizeof(name), "u%d@x.test", i);
		assert_int_equal(sendmail_add(&s, name, strlen(name), &why),
		    0);
	}
	assert_int_equal(sendmail_add(&s, "u1@x.test", 9, &why), 0);
	assert_int_equal(sendmail_add(&s, "more@x.test", 11, &why), -1);
	assert_int_equal(sendmail_add(&s, "a b", 3, &why), -1);
	assert_int_equal(sendmail_add(&s, "a@b\nRCPT", 8, &why), -1);
	clear(&s);
	buf_clear(&out);
	buf_clear(&why);
}

/*
 * The other end is a child that says its part at once and keeps what it
 * hears.
 */
static int
converse(const char *script, const struct sendmail *s,
    const struct buf *message, struct buf *heard)
{
	int fd[2], out[2], status, r;
	char chunk[4096];
	ssize_t n;
	pid_t pid;

	assert_int_equal(fd_pair(fd), 0);
	assert_int_equal(pipe(out), 0);
	pid = fork();
	if (pid == 0) {
		close(fd[0]);
		close(out[0]);
		if (fd_write_all(fd[1], script, strlen(script)) == -1)
			_exit(1);
		while ((n = read(fd[1], chunk, sizeof(chunk))) > 0) {
			if (fd_write_all(out[1], chunk, (size_t)n) == -1)
				_exit(1);
		}
		_exit(0);
	}
	close(fd[1]);
	close(out[1]);
	r = sendmail_send(s, fd[0], message);
	buf_reset(heard);
	assert_int_equal(fd_slurp(out[0], heard), 0);
	close(out[0]);
	waitpid(pid, &status, 0);
	return r;
}

static void
test_smtp(void **state)
{
	static const struct {
		const char *script;
		int	 r;
	} rows[] = {
		{ "220 x\r\n250-x\r\n250-SIZE 100\r\n250 PIPELINING\r\n"
		    "250 ok\r\n250 ok\r\n354 go\r\n250 taken\r\n221 bye\r\n",
		    EX_OK },
		{ "220 x\r\n250 x\r\n250 ok\r\n250 ok\r\n354 go\r\n"
		    "250 taken\r\n", EX_OK },
		{ "421 full\r\n", SENDMAIL_BUSY },
		{ "554 no\r\n", EX_TEMPFAIL },
		{ "220 x\r\n250 x\r\n451 later\r\n", EX_TEMPFAIL },
		{ "220 x\r\n250 x\r\n550 not yours\r\n", EX_UNAVAILABLE },
		{ "220 x\r\n250 x\r\n250 ok\r\n550 nobody\r\n", EX_NOUSER },
		{ "220 x\r\n250 x\r\n250 ok\r\n452 full\r\n", EX_TEMPFAIL },
		{ "220 x\r\n250 x\r\n250 ok\r\n250 ok\r\n452 full\r\n",
		    EX_TEMPFAIL },
		{ "220 x\r\n250 x\r\n250 ok\r\n250 ok\r\n354 go\r\n"
		    "554 spam\r\n", EX_UNAVAILABLE },
		{ "220 x\r\n250 x\r\n250 ok\r\n250 ok\r\n354 go\r\n"
		    "451 disk\r\n", EX_TEMPFAIL },
		{ "HTTP/1.1 400\r\n", EX_TEMPFAIL },
		{ "220 x\r\n250 x\r\n421 stop\r\n", SENDMAIL_GONE },
		{ "220 x\r\n250 x\r\n250 ok\r\n421 stop\r\n",
		    SENDMAIL_GONE },
	};
	struct buf m = BUF_INIT(0), heard = BUF_INIT(0), why = BUF_INIT(0);
	struct sendmail s;
	size_t i;
	int r;

	fill(&s);
	assert_int_equal(sendmail_add(&s, "b@x.test", 8, &why), 0);
	buf_puts(&m, "A: b\r\n\r\n.dot\r\n..\r\n.\r\n\xc3\xa4\r\n");
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		r = converse(rows[i].script, &s, &m, &heard);
		if (r != rows[i].r)
			fail_msg("row %zu: %d", i, r);
		if (i == 0)
			assert_string_equal(buf_str(&heard),
			    "EHLO mail.example.test\r\n"
			    "MAIL FROM:<anna@example.test> SIZE=25\r\n"
			    "RCPT TO:<b@x.test>\r\nDATA\r\n"
			    "A: b\r\n\r\n..dot\r\n...\r\n..\r\n\xc3\xa4\r\n"
			    ".\r\nQUIT\r\n");
	}
	clear(&s);
	buf_clear(&m);
	buf_clear(&heard);
	buf_clear(&why);
}

/* A reply has a hundred lines; what goes on is no reply. */
static void
test_smtp_lines(void **state)
{
	struct buf m = BUF_INIT(0), heard = BUF_INIT(0), why = BUF_INIT(0);
	struct buf script = BUF_INIT(0);
	struct sendmail s;
	int more, i;

	fill(&s);
	assert_int_equal(sendmail_add(&s, "b@x.test", 8, &why), 0);
	buf_puts(&m, "A: b\r\n\r\nx\r\n");
	for (more = 0; more < 2; more++) {
		buf_reset(&script);
		buf_puts(&script, "220 x\r\n");
		for (i = 0; i < 99 + more; i++)
			buf_puts(&script, "250-X\r\n");
		buf_puts(&script, "250 x\r\n250 ok\r\n250 ok\r\n354 go\r\n"
		    "250 taken\r\n");
		assert_int_equal(converse(buf_str(&script), &s, &m, &heard),
		    more ? EX_TEMPFAIL : EX_OK);
	}
	clear(&s);
	buf_clear(&script);
	buf_clear(&m);
	buf_clear(&heard);
	buf_clear(&why);
}

/*
 * Of pickup: the recipients that are taken are sent to, the others are told by
 * a line each; later goes before never, for all is tried again then.
 */
static void
test_refusals(void **state)
{
	static const struct {
		const char *script;
		int	 r, data;
		const char *told;
	} rows[] = {
		{ "220 x\r\n250 x\r\n250 ok\r\n550 nobody\r\n250 ok\r\n"
		    "354 go\r\n250 taken\r\n", EX_OK, 1,
		    "b@x.test: 550 nobody\n" },
		{ "220 x\r\n250 x\r\n250 ok\r\n250 ok\r\n250 ok\r\n"
		    "354 go\r\n250 taken\r\n", EX_OK, 1, "" },
		{ "220 x\r\n250 x\r\n250 ok\r\n550 nobody\r\n551 no\r\n",
		    EX_NOUSER, 0, "b@x.test: 550 nobody\nc@x.test: 551 no\n" },
		{ "220 x\r\n250 x\r\n250 ok\r\n550 nobody\r\n452 full\r\n",
		    EX_TEMPFAIL, 0, NULL },
		{ "220 x\r\n250 x\r\n250 ok\r\n452 full\r\n550 nobody\r\n",
		    EX_TEMPFAIL, 0, NULL },
		{ "220 x\r\n250 x\r\n550 not yours\r\n", EX_UNAVAILABLE, 0,
		    "anna@example.test: 550 not yours\n" },
		{ "220 x\r\n250 x\r\n250 ok\r\n550 nobody\r\n250 ok\r\n"
		    "354 go\r\n552 big\r\n", EX_UNAVAILABLE, 1,
		    "b@x.test: 550 nobody\nmessage: 552 big\n" },
	};
	struct buf m = BUF_INIT(0), heard = BUF_INIT(0), why = BUF_INIT(0);
	struct buf told = BUF_INIT(0);
	struct sendmail s;
	size_t i;

	fill(&s);
	s.refusals = &told;
	assert_int_equal(sendmail_add(&s, "b@x.test, c@x.test", 18, &why), 0);
	buf_puts(&m, "A: b\r\n\r\nx\r\n");
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		buf_reset(&told);
		if (converse(rows[i].script, &s, &m, &heard) != rows[i].r)
			fail_msg("row %zu", i);
		assert_int_equal(strstr(buf_str(&heard), "DATA") != NULL,
		    rows[i].data);
		if (rows[i].told != NULL)
			assert_string_equal(buf_str(&told), rows[i].told);
	}
	clear(&s);
	buf_clear(&m);
	buf_clear(&heard);
	buf_clear(&why);
	buf_clear(&told);
}

/* A state directory with a drop directory. */
static void
make_state(char dir[])
{
	char path[100];

	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/spool", dir);
	assert_int_equal(mkdir(path, 0755), 0);
	snprintf(path, sizeof(path), "%s/spool/drop", dir);
	assert_int_equal(mkdir(path, 01733), 0);
}

static void
name_of(const char *dir, unsigned slot, char out[200])
{
	char name[DROP_NAME_MAX];

	drop_name(name, geteuid(), slot);
	snprintf(out, 200, "%s/" DROP_FOLDER "/%s", dir, name);
}

static void
remove_state(const char *dir)
{
	char command[200];

	snprintf(command, sizeof(command), "rm -r %s", dir);
	assert_int_equal(system(command), 0);
}

/* What was left reads back; a Date says when it was. */
static void
test_drop(void **state)
{
	char dir[] = "/tmp/test_sendmail.XXXXXX", path[200];
	struct buf m = BUF_INIT(0), why = BUF_INIT(0), file = BUF_INIT(0);
	struct sendmail s;
	struct drop d;
	struct stat st;
	int fd;

	make_state(dir);
	fill(&s);
	s.state_dir = dir;
	strcpy(s.caller, "root@example.test");
	assert_int_equal(sendmail_add(&s, "b@x.test, c@x.test", 18, &why), 0);
	buf_puts(&m, "A: b\r\n\r\n.\r\nx\r\n");
	assert_int_equal(sendmail_drop(&s, &m, &why), 0);
	name_of(dir, 0, path);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode, S_IFREG | 0600);
	fd = open(path, O_RDONLY);
	assert_int_equal(fd_slurp(fd, &file), 0);
	close(fd);
	assert_int_equal(drop_unpack(file.data, file.len, &d), DROP_WHOLE);
	assert_string_equal(d.sender, "anna@example.test");
	assert_string_equal(d.caller, "root@example.test");
	assert_int_equal(d.n_to, 2);
	assert_string_equal(d.to[1], "c@x.test");
	assert_int_equal(strncmp(d.message, "Date: ", 6), 0);
	assert_string_equal(strchr(d.message, '\n') + 1, buf_str(&m));
	free(d.to);
	clear(&s);
	remove_state(dir);
	buf_clear(&m);
	buf_clear(&why);
	buf_clear(&file);
}

/* A share in files, one in octets; what others put in our names is no hurdle. */
static void
test_drop_share(void **state)
{
	char dir[] = "/tmp/test_sendmail.XXXXXX", path[200], name[200];
	struct buf m = BUF_INIT(0), why = BUF_INIT(0);
	struct sendmail s;
	struct stat st;
	unsigned i;

	make_state(dir);
	fill(&s);
	s.state_dir = dir;
	assert_int_equal(sendmail_add(&s, "b@x.test", 8, &why), 0);
	buf_puts(&m, "A: b\r\n\r\nx\r\n");
	for (i = 0; i < DROP_FILES; i++)
		assert_int_equal(sendmail_drop(&s, &m, &why), 0);
	assert_int_equal(sendmail_drop(&s, &m, &why), -1);
	assert_non_null(strstr(buf_str(&why), "100 messages of yours"));
	/* A fifo in our name: it was not us, and there is another name. */
	name_of(dir, 7, path);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkfifo(path, 0666), 0);
	assert_int_equal(sendmail_drop(&s, &m, &why), 0);
	/* Octets: a sparse file is as large as it says. */
	for (i = 0; i < DROP_FILES; i++) {
		name_of(dir, i, path);
		assert_int_equal(unlink(path), 0);
	}
	assert_int_equal(close(creat(path, 0600)), 0);
	assert_int_equal(truncate(path, DROP_SIZES * (long)s.message_size +
	    DROP_ENVELOPE_MAX - 1), 0);
	assert_int_equal(sendmail_drop(&s, &m, &why), -1);
	assert_non_null(strstr(buf_str(&why), "leave no room"));
	name_of(dir, 0, name);
	assert_int_equal(access(name, F_OK), -1);
	/* One that fills it to the last octet has room, one more has none. */
	assert_int_equal(truncate(path, 0), 0);
	assert_int_equal(sendmail_drop(&s, &m, &why), 0);
	assert_int_equal(stat(name, &st), 0);
	for (i = 0; i < 2; i++) {
		assert_int_equal(unlink(name), 0);
		assert_int_equal(truncate(path, DROP_SIZES *
		    (long)s.message_size + DROP_ENVELOPE_MAX - st.st_size +
		    (long)(1 - i)), 0);
		assert_int_equal(sendmail_drop(&s, &m, &why), i == 0 ? -1 : 0);
		if (i == 0)
			assert_int_equal(close(creat(name, 0600)), 0);
	}
	clear(&s);
	remove_state(dir);
	buf_clear(&m);
	buf_clear(&why);
}

/* On a full disk nothing is left, and the caller hears it. */
static void
test_drop_no_room(void **state)
{
	char dir[] = "/tmp/test_sendmail.XXXXXX", path[200];
	struct rlimit old, r;
	struct buf m = BUF_INIT(0), why = BUF_INIT(0);
	struct sendmail s;

	make_state(dir);
	fill(&s);
	s.state_dir = dir;
	assert_int_equal(sendmail_add(&s, "b@x.test", 8, &why), 0);
	while (m.len < 8192)
		buf_puts(&m, "A: b\r\n");
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	r = old;
	r.rlim_cur = 4096;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &r), 0);
	assert_int_equal(sendmail_drop(&s, &m, &why), -1);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	assert_non_null(strstr(buf_str(&why), "File too large"));
	name_of(dir, 0, path);
	assert_int_equal(access(path, F_OK), -1);
	remove_state(dir);
	assert_int_equal(sendmail_drop(&s, &m, &why), -1);
	assert_non_null(strstr(buf_str(&why), "No such file"));
	clear(&s);
	buf_clear(&m);
	buf_clear(&why);
}

/*
 * -bs with a caller who says all at once, and a server that answers much
 * before it reads on: neither waits for the other. The child is the program.
 */
static void
test_pass(void **state)
{
	enum { MUCH = 4 << 20 };
	static char chunk[65536];
	struct buf heard = BUF_INIT(0);
	int server[2], in[2], out[2], status;
	size_t n = 0;
	pid_t pid, caller, answers;

	assert_int_equal(fd_pair(server), 0);
	assert_int_equal(pipe(in) | pipe(out), 0);
	if ((pid = fork()) == 0) {
		dup2(in[0], 0);
		dup2(out[1], 1);
		close(in[1]);
		close(server[1]);
		_exit(sendmail_pass(server[0]));
	}
	close(server[0]);
	close(in[0]);
	close(out[1]);
	if ((caller = fork()) == 0) {
		while (n < MUCH && fd_write_all(in[1], chunk,
		    sizeof(chunk)) == 0)
			n += sizeof(chunk);
		_exit(n < MUCH);
	}
	close(in[1]);
	if ((answers = fork()) == 0) {
		assert_int_equal(fd_write_all(server[1], "220 x\r\n", 7), 0);
		while (n < MUCH && fd_write_all(server[1], chunk,
		    sizeof(chunk)) == 0)
			n += sizeof(chunk);
		assert_int_equal(fd_slurp(server[1], &heard), 0);
		_exit(n < MUCH || heard.len != MUCH);
	}
	close(server[1]);
	assert_int_equal(fd_slurp(out[0], &heard), 0);
	assert_int_equal(heard.len, MUCH + 7);
	close(out[0]);
	waitpid(pid, &status, 0);
	assert_int_equal(status, 0);
	waitpid(caller, &status, 0);
	assert_int_equal(status, 0);
	waitpid(answers, &status, 0);
	assert_int_equal(status, 0);
	buf_clear(&heard);
}

/* No connection is free now: nothing of that one is shown. */
static void
test_pass_busy(void **state)
{
	int server[2];

	assert_int_equal(fd_pair(server), 0);
	assert_int_equal(fd_write_all(server[1], "421 4.3.2 x\r\n", 13), 0);
	assert_int_equal(sendmail_pass(server[0]), SENDMAIL_BUSY);
	close(server[1]);
}

/* No NUL is in mail: a blank is, in fields and lines alike. */
static void
test_nul(void **state)
{
	static const char in[] = "To: b@x.test\nA:\0b\n\na\0b\0\n\0";
	struct buf out = BUF_INIT(0), why = BUF_INIT(0);
	struct sendmail s;

	fill(&s);
	s.from_header = 1;
	assert_int_equal(sendmail_prepare(&s, in, sizeof(in) - 1, &out, &why),
	    0);
	assert_int_equal(out.len, strlen(buf_str(&out)));
	assert_string_equal(buf_str(&out), FROM "To: b@x.test\r\nA: b\r\n\r\n"
	    "a b \r\n \r\n");
	assert_int_equal(s.n_to, 1);
	clear(&s);
	buf_clear(&out);
	buf_clear(&why);
}

/* -f as callers write it: what counts is the address, or that there is none. */
static void
test_sender(void **state)
{
	static const struct {
		const char *in, *want;	/* NULL: refused */
	} rows[] = {
		{ "anna@example.test", "anna@example.test" },
		{ "anna", "anna" }, { "x", "x" },
		{ " anna@example.test ", "anna@example.test" },
		{ "Shop <anna@example.test>", "anna@example.test" },
		{ "\"Shop, The\" <anna@example.test>", "anna@example.test" },
		{ "anna@example.test (The Shop)", "anna@example.test" },
		{ "< anna@example.test >", "anna@example.test" },
		{ "Shop <anna>", "anna" },
		{ "\"a b\"@example.test", "\"a b\"@example.test" },
		{ "", "" }, { " ", "" }, { "<>", "" }, { "< >", "" },
		{ " <> ", "" }, { "MAILER-DAEMON <>", "" },
		{ "a@x.test, b@x.test", NULL }, { ",", NULL },
		{ "Shop <a@x.test", NULL }, { "(comment)", NULL },
		{ "<a@x.test> <b@x.test>", NULL },
	};
	struct buf out = BUF_INIT(0), why = BUF_INIT(0);
	size_t i;
	int r;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		buf_reset(&why);
		r = sendmail_sender(rows[i].in, strlen(rows[i].in), &out,
		    &why);
		if (r != (rows[i].want == NULL ? -1 : 0) ||
		    (r == -1) != (why.len > 0) ||
		    (r == 0 && strcmp(buf_str(&out), rows[i].want) != 0))
			fail_msg("%s: %d %s %s", rows[i].in, r, buf_str(&out),
			    buf_str(&why));
	}
	buf_clear(&out);
	buf_clear(&why);
}

enum { WORDS = 8 };

/* What the options make of argv, which ends with one recipient. */
static int
parse(const char *const *words, struct sendmail_options *o, struct buf *why)
{
	char *argv[WORDS + 1];
	int n;

	for (n = 0; n < WORDS && words[n] != NULL; n++)
		argv[n] = (char *)words[n];
	argv[n] = NULL;
	buf_reset(why);
	return sendmail_options(n, argv, o, why);
}

/*
 * Each option that changes nothing, as callers of Sendmail, Postfix and Exim
 * write it: the recipient stays the recipient.
 */
static void
test_options_silent(void **state)
{
	static const char *const rows[][3] = {
		{ "-Ac" }, { "-Am" }, { "-A", "c" }, { "-B8BITMIME" },
		{ "-B", "7BIT" }, { "-bm" }, { "-b", "m" }, { "-c" },
		{ "-D", "/dev/null" }, { "-d" }, { "-d0.1" }, { "-E", "x" },
		{ "-em" }, { "-ep" }, { "-eq" }, { "-ew" }, { "-ee" },
		{ "-e", "m" }, { "-G" }, { "-h", "3" }, { "-h3" }, { "-J", "x" },
		{ "-L", "cron" }, { "-Lcron" }, { "-Mrlocal" }, { "-M", "r" },
		{ "-m" }, { "-Nnever" }, { "-N", "failure,delay" }, { "-n" },
		{ "-O", "DeliveryMode=b" }, { "-ODeliveryMode=b" }, { "-om" },
		{ "-odb" }, { "-odi" }, { "-odq" }, { "-oem" }, { "-oeq" },
		{ "-o", "em" }, { "-oA/etc/aliases" }, { "-os" }, { "-o7" },
		{ "-pESMTP:host" }, { "-p", "ESMTP" }, { "-q30m" }, { "-q1h" },
		{ "-qp1m" }, { "-R", "hdrs" }, { "-Rfull" }, { "-s" }, { "-T" },
		{ "-U" }, { "-V", "id" }, { "-Vid" }, { "-v" }, { "-vv" },
		{ "-X", "/dev/null" }, { "-x" }, { "-nvm" }, { "--" },
	};
	struct sendmail_options o;
	struct buf why = BUF_INIT(0);
	const char *words[5] = { "/usr/sbin/sendmail" };
	int i, n;

	for (i = 0; i < (int)(sizeof(rows) / sizeof(rows[0])); i++) {
		n = rows[i][1] == NULL ? 1 : 2;
		words[1] = rows[i][0];
		words[2] = n == 2 ? rows[i][1] : "anna";
		words[3] = n == 2 ? "anna" : NULL;
		if (parse(words, &o, &why) == -1 || o.first != n + 1)
			fail_msg("%s: first %d, %s", words[1], o.first,
			    buf_str(&why));
		assert_int_equal(o.mode, SENDMAIL_MESSAGE);
		assert_false(o.dot_is_text || o.from_header);
		assert_true(o.dir == NULL && o.sender == NULL &&
		    o.full_name == NULL && o.id == NULL);
	}
	buf_clear(&why);
}

static int
text_is(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static void
test_options(void **state)
{
	static const struct {
		const char *words[WORDS];
		struct sendmail_options want;
	} rows[] = {
		{ { "sendmail", "-t", "-i" },
		    { .from_header = 1, .dot_is_text = 1, .first = 3 } },
		{ { "sendmail", "-ti" },
		    { .from_header = 1, .dot_is_text = 1, .first = 2 } },
		{ { "sendmail", "-oi", "a" },
		    { .dot_is_text = 1, .first = 2 } },
		{ { "sendmail", "-o", "i", "a" },
		    { .dot_is_text = 1, .first = 3 } },
		{ { "sendmail", "-oiTrue", "a" },
		    { .dot_is_text = 1, .first = 2 } },
		{ { "sendmail", "-oi", "-oiF", "a" }, { .first = 3 } },
		{ { "sendmail", "-OIgnoreDots", "a" },
		    { .dot_is_text = 1, .first = 2 } },
		{ { "sendmail", "-O", "ignoredots=true", "a" },
		    { .dot_is_text = 1, .first = 3 } },
		{ { "sendmail", "-i", "-OIgnoreDots=False", "a" },
		    { .first = 3 } },
		{ { "sendmail", "-f", "x@y", "a" },
		    { .sender = "x@y", .first = 3 } },
		{ { "sendmail", "-fx@y", "a" },
		    { .sender = "x@y", .first = 2 } },
		{ { "sendmail", "-r", "x", "a" },
		    { .sender = "x", .first = 3 } },
		{ { "sendmail", "-f", "", "a" }, { .sender = "", .first = 3 } },
		{ { "sendmail", "-FCronDaemon", "-i", "-odi", "-oem", "-oi",
		    "-t" }, { .full_name = "CronDaemon", .dot_is_text = 1,
		    .from_header = 1, .first = 7 } },
		{ { "sendmail", "-F", "A B", "-C", "/d", "a" },
		    { .full_name = "A B", .dir = "/d", .first = 5 } },
		{ { "sendmail", "-bs" }, { .mode = SENDMAIL_SMTP, .first = 2 } },
		{ { "sendmail", "-bp" }, { .mode = SENDMAIL_QUEUE,
		    .first = 2 } },
		{ { "/usr/bin/mailq", "-v" }, { .mode = SENDMAIL_QUEUE,
		    .first = 2 } },
		{ { "mailq" }, { .mode = SENDMAIL_QUEUE, .first = 1 } },
		{ { "sendmail", "-bi" }, { .mode = SENDMAIL_ALIASES,
		    .first = 2 } },
		{ { "sendmail", "-I" }, { .mode = SENDMAIL_ALIASES,
		    .first = 2 } },
		{ { "/usr/bin/newaliases" }, { .mode = SENDMAIL_ALIASES,
		    .first = 1 } },
		{ { "sendmail", "-q" }, { .mode = SENDMAIL_FLUSH,
		    .first = 2 } },
		{ { "sendmail", "-qf" }, { .mode = SENDMAIL_FLUSH,
		    .first = 2 } },
		{ { "sendmail", "-qIabc" }, { .mode = SENDMAIL_FLUSH,
		    .id = "abc", .first = 2 } },
		{ { "sendmail", "-N", "never", "-Rfull", "-Vid", "a" },
		    { .notify = Q_NOTIFY_NEVER, .ret = Q_RET_FULL,
		    .envid = "id", .first = 5 } },
		{ { "sendmail", "-Nfailure,DELAY", "-R", "HDRS", "a" },
		    { .notify = Q_NOTIFY_FAILURE | Q_NOTIFY_DELAY,
		    .ret = Q_RET_HDRS, .first = 4 } },
		/* options end where the recipients begin */
		{ { "sendmail", "a", "-t" }, { .first = 1 } },
		{ { "sendmail", "-i", "--", "-t" },
		    { .dot_is_text = 1, .first = 3 } },
	};
	struct buf why = BUF_INIT(0);
	struct sendmail_options o;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (parse(rows[i].words, &o, &why) == -1)
			fail_msg("row %zu: %s", i, buf_str(&why));
		if (o.mode != rows[i].want.mode ||
		    o.first != rows[i].want.first ||
		    o.from_header != rows[i].want.from_header ||
		    o.dot_is_text != rows[i].want.dot_is_text ||
		    !text_is(o.dir, rows[i].want.dir) ||
		    !text_is(o.sender, rows[i].want.sender) ||
		    !text_is(o.full_name, rows[i].want.full_name) ||
		    !text_is(o.id, rows[i].want.id) ||
		    o.notify != rows[i].want.notify ||
		    o.ret != rows[i].want.ret ||
		    !text_is(o.envid, rows[i].want.envid))
			fail_msg("row %zu: first %d", i, o.first);
	}
	buf_clear(&why);
}

static void
test_options_refused(void **state)
{
	static const struct {
		const char *words[WORDS], *why;
	} rows[] = {
		{ { "sendmail", "-bd" }, "-bd: the server is started by" },
		{ { "sendmail", "-bD" }, "-bD: the server is started by" },
		{ { "sendmail", "-bd", "-q30m" }, "-bd: the server is" },
		{ { "sendmail", "-bh" }, "-bh: no state" },
		{ { "sendmail", "-bH" }, "-bH: no state" },
		{ { "sendmail", "-bt" }, "-bt: there are no rules" },
		{ { "sendmail", "-bv", "a" }, "-bv: no address is verified" },
		{ { "sendmail", "-b", "P" }, "-bP: " },
		{ { "sendmail", "-bz" }, "-b: one of -bm" },
		{ { "sendmail", "-bmx" }, "-b: one of -bm" },
		{ { "sendmail", "-qRfar.test" }, "-q: one of" },
		{ { "sendmail", "-qI" }, "-q: one of" },
		{ { "sendmail", "-bp", "a" }, "a: recipients are for" },
		{ { "mailq", "a" }, "a: recipients are for" },
		{ { "sendmail", "-Z", "a" }, "-Z: no such option" },
		{ { "sendmail", "-f" }, "-f needs a text" },
		{ { "sendmail", "-Nsometimes", "a" }, "-N: never, or a list" },
		{ { "sendmail", "-N", "never,delay", "a" }, "-N: never, or" },
		{ { "sendmail", "-N", "", "a" }, "-N: never, or a list" },
		{ { "sendmail", "-Rbody", "a" }, "-R: full or hdrs" },
		{ { "sendmail", "-i", "-h" }, "-h needs a text" },
	};
	struct buf why = BUF_INIT(0);
	struct sendmail_options o;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(parse(rows[i].words, &o, &why), -1);
		if (strncmp(buf_str(&why), rows[i].why,
		    strlen(rows[i].why)) != 0)
			fail_msg("row %zu: %s", i, buf_str(&why));
	}
	buf_clear(&why);
}

/* What -N, -R and -V ask for, where the server knows of it, and else not. */
static void
test_dsn(void **state)
{
	static const char *const scripts[] = {
		"220 x\r\n250-x\r\n250-DSN\r\n250 PIPELINING\r\n250 ok\r\n"
		"250 ok\r\n354 go\r\n250 taken\r\n",
		"220 x\r\n250-x\r\n250 DSN\r\n250 ok\r\n250 ok\r\n354 go\r\n"
		"250 taken\r\n",
		"220 x\r\n250 x\r\n250 ok\r\n250 ok\r\n354 go\r\n"
		"250 taken\r\n",
	};
	struct buf m = BUF_INIT(0), heard = BUF_INIT(0), why = BUF_INIT(0);
	struct sendmail s;
	size_t i;

	fill(&s);
	assert_int_equal(sendmail_add(&s, "b@x.test", 8, &why), 0);
	s.notify = Q_NOTIFY_SUCCESS | Q_NOTIFY_FAILURE;
	s.ret = Q_RET_FULL;
	strcpy(s.envid, "id+20x");
	buf_puts(&m, "A: b\r\n\r\nx\r\n");
	for (i = 0; i < 3; i++) {
		assert_int_equal(converse(scripts[i], &s, &m, &heard), EX_OK);
		assert_int_equal(strstr(buf_str(&heard),
		    " RET=FULL ENVID=id+20x\r\n") != NULL, i < 2);
		assert_int_equal(strstr(buf_str(&heard), "RCPT TO:<b@x.test> "
		    "NOTIFY=SUCCESS,FAILURE\r\n") != NULL, i < 2);
		assert_int_equal(strstr(buf_str(&heard),
		    "RCPT TO:<b@x.test>\r\n") != NULL, i == 2);
	}
	clear(&s);
	buf_clear(&m);
	buf_clear(&heard);
	buf_clear(&why);
}

#define OPEN	"220 x\r\n250-x\r\n250 PIPELINING\r\n250 ok\r\n"
#define SERIAL	"220 x\r\n250 x\r\n250 ok\r\n"

/* One is refused, and nobody gets it; one "later" makes all of it later. */
static void
test_two_recipients(void **state)
{
	static const struct {
		const char *script;
		int	 r;
	} rows[] = {
		{ OPEN "250 ok\r\n251 ok\r\n354 go\r\n250 taken\r\n", EX_OK },
		{ OPEN "550 nobody\r\n452 full\r\n", EX_TEMPFAIL },
		{ OPEN "452 full\r\n550 nobody\r\n", EX_TEMPFAIL },
		{ OPEN "250 ok\r\n550 nobody\r\n", EX_NOUSER },
		{ OPEN "500 what\r\n250 ok\r\n", EX_NOUSER },
		{ OPEN "499 what\r\n250 ok\r\n", EX_TEMPFAIL },
		{ SERIAL "550 nobody\r\n452 full\r\n", EX_TEMPFAIL },
		{ SERIAL "550 nobody\r\n250 ok\r\n", EX_NOUSER },
		{ "220 x\r\n554 no\r\n", EX_TEMPFAIL },
		{ OPEN "250 ok\r\n250 ok\r\n554 no\r\n", EX_UNAVAILABLE },
	};
	struct buf m = BUF_INIT(0), heard = BUF_INIT(0), why = BUF_INIT(0);
	struct sendmail s;
	size_t i;
	int r;

	fill(&s);
	assert_int_equal(sendmail_add(&s, "b@x.test, c@x.test", 18, &why), 0);
	buf_puts(&m, "A: b\r\n\r\nx\r\n");
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		r = converse(rows[i].script, &s, &m, &heard);
		if (r != rows[i].r)
			fail_msg("row %zu: %d", i, r);
		if (r != EX_OK)
			assert_null(strstr(buf_str(&heard), "A: b"));
	}
	clear(&s);
	buf_clear(&m);
	buf_clear(&heard);
	buf_clear(&why);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_prepare),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_arguments),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_smtp),
		cmocka_unit_test(test_smtp_lines),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_drop),
		cmocka_unit_test(test_drop_share),
		cmocka_unit_test(test_drop_no_room),
		cmocka_unit_test(test_pass),
		cmocka_unit_test(test_pass_busy),
		cmocka_unit_test(test_nul),
		cmocka_unit_test(test_sender),
		cmocka_unit_test(test_options_silent),
		cmocka_unit_test(test_options),
		cmocka_unit_test(test_options_refused),
		cmocka_unit_test(test_dsn),
		cmocka_unit_test(test_two_recipients),
	};

	return cmocka_run_group_tests_name("sendmail", tests, NULL, NULL);
}
