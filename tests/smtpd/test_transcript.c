/*
 * Plays the transcripts of tests/transcript against the real session code.
 *
 * Lines of a transcript:
 *   # ...          a comment
 *   ! service S    smtp, submission, submissions, local (uid 0), local-user,
 *                (local-stranger has no name)
 *   ! queue M      good, full, away, later, dies, never, odd-later, odd-never
 *   ! tls          the client's handshake; must succeed
 *   ! half         the client closes its direction
 *   ! shutdown     the client ends TLS in order and goes on in the clear
 *   ! repeat N X   sends X (with CRLF) N times
 *   ! end          the server must have closed the connection
 *   ! messages N   queue was given so many messages so far
 *   ! master W     master says W: "stop", "yield", "kick", or a word of no concern
 *   ! fsize N      no file may grow over N octets (0: no bound)
 *   ! normalize L  bare LF of clients in these networks ends a line
 *   ! junk N       sends N octets "x" without a line end
 *   C: text        sends the text and CRLF; \r \n \0 \t \\ \xHH are octets,
 *                  and a final \c leaves CRLF out
 *   S: text        the next line from the server; a final * stands for
 *                  anything, ? for one character
 *   M: text        the next line of the last message on disk, likewise;
 *                  "M: $" is its end
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <dirent.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

#include "lib/base/fd.h"
#include "lib/base/str.h"
#include "lib/net/stream.h"
#include "tests/smtpd/fake.h"

struct play {
	const char *name;
	unsigned line;
	struct stream io;
	int	 connected;
	enum service service;
	long	 uid;
	enum fake_mode mode;
	size_t	 read;		/* of the last message */
};

static void
wrong(struct play *p, const char *words, const char *got)
{
	fail_msg("%s:%u: %s%s%s", p->name, p->line, words,
	    got != NULL ? ": " : "", got != NULL ? got : "");
}

static void
play_connect(struct play *p)
{
	if (p->connected)
		return;
	p->connected = 1;
	stream_init(&p->io, fake_client(p->service, p->uid));
	stream_deadline(&p->io, 20000);
	if (p->service == SERVICE_SUBMISSIONS &&
	    stream_tls_connect(&p->io, fake_client_tls(), "mx.example.test",
	    NULL) == -1)
		wrong(p, "no TLS", NULL);
}

static int
hex(char c)
{
	return c <= '9' ? c - '0' : str_lower(c) - 'a' + 10;
}

static void
play_send(struct play *p, const char *t)
{
	static const char from[] = "rn0t\\", to[] = "\r\n\0\t\\";
	const char *f;
	char c;

	play_connect(p);
	for (; *t != '\0'; t++) {
		c = *t;
		if (c == '\\' && t[1] == 'c')
			return;
		if (c == '\\' && t[1] == 'x') {
			c = (char)(hex(t[2]) * 16 + hex(t[3]));
			t += 3;
		} else if (c == '\\' && (f = strchr(from, t[1])) != NULL) {
			c = to[f - from];
			t++;
		}
		stream_write(&p->io, &c, 1);
	}
	stream_puts(&p->io, "\r\n");
}

static int
matches(const char *want, const char *got)
{
	size_t n = strlen(want), i;
	int open = n > 0 && want[n - 1] == '*';

	n -= (size_t)open;
	for (i = 0; i < n; i++)
		if (got[i] == '\0' || (want[i] != '?' && want[i] != got[i]))
			return 0;
	return open || got[n] == '\0';
}

static void
play_expect(struct play *p, const char *want)
{
	size_t len;
	char *line;

	play_connect(p);
	if (stream_line(&p->io, 2000, &line, &len) != STREAM_OK)
		wrong(p, "no line", stream_words(&p->io));
	if (!matches(want, line))
		wrong(p, want, line);
}

static void
play_message(struct play *p, const char *want)
{
	const struct fake_message *m;
	char line[3000];
	const char *from, *lf;
	size_t n;

	m = fake_messages(&n);
	if (n == 0)
		wrong(p, "no message", NULL);
	m += n - 1;
	if (!m->crc_ok)
		wrong(p, "length or checksum", NULL);
	from = m->data + p->read;
	lf = memchr(from, '\n', m->len - p->read);
	if (lf == NULL) {
		if (strcmp(want, "$") != 0)
			wrong(p, "end of message", NULL);
		return;
	}
	p->read += (size_t)(lf + 1 - from);
	snprintf(line, sizeof(line), "%.*s", (int)(lf - from - 1), from);
	if (lf == from || lf[-1] != '\r' || !matches(want, line))
		wrong(p, want, line);
}

static enum fake_mode
queue_mode(const char *t)
{
	static const char *const names[] = { "good", "full", "away", "later",
		"dies", "never", "odd-later", "odd-never" };
	enum { N = sizeof(names) / sizeof(names[0]) };
	unsigned i;

	for (i = 0; i < N && strcmp(t, names[i]) != 0;)
		i++;
	assert_in_range(i, 0, N - 1);
	return (enum fake_mode)i;
}

static void
play_service(struct play *p, const char *t)
{
	p->uid = -1;
	if (strncmp(t, "local", 5) == 0) {
		p->service = SERVICE_LOCAL;
		p->uid = strcmp(t, "local") == 0 ? 0 :
		    strcmp(t, "local-user") == 0 ? 64000 : 64001;
	} else
		p->service = strcmp(t, "smtp") == 0 ? SERVICE_SMTP :
		    strcmp(t, "submission") == 0 ? SERVICE_SUBMISSION :
		    SERVICE_SUBMISSIONS;
}

static void
play_repeat(struct play *p, char *t)
{
	long n = strtol(t, &t, 10);

	while (n-- > 0)
		play_send(p, t + 1);
}

static void
play_end(struct play *p)
{
	size_t len;
	char *line;
	enum stream_status r;

	r = stream_line(&p->io, 2000, &line, &len);
	if (r == STREAM_OK)
		wrong(p, "a line, no end", line);
	if (r == STREAM_TIMEOUT)
		wrong(p, "still open", NULL);
}

static void
play_junk(struct play *p, const char *t)
{
	long n = strtol(t, NULL, 10);

	for (; n > 0; n--)
		stream_write(&p->io, "x", 1);
}

/* Messages may be a moment late where the client does not wait. */
static void
play_messages(struct play *p, const char *t)
{
	size_t n;

	fake_messages(&n);
	if (n != strtoul(t, NULL, 10))
		wrong(p, "number of messages", t);
}

static void
play_fsize(const char *t)
{
	struct rlimit r = { RLIM_INFINITY, RLIM_INFINITY };

	if (strcmp(t, "0") != 0)
		r.rlim_cur = strtoul(t, NULL, 10);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &r), 0);
}

static void
play_normalize(struct play *p, const char *t)
{
	struct buf why = BUF_INIT(0);

	if (nets_parse(&smtpd.normalize, t, &why) == -1)
		wrong(p, "networks", buf_str(&why));
	buf_clear(&why);
}

static void
play_direct(struct play *p, char *t)
{
	struct buf why = BUF_INIT(0);

	if (strncmp(t, "service ", 8) == 0)
		play_service(p, t + 8);
	else if (strncmp(t, "queue ", 6) == 0)
		fake_worker(queue_mode(t + 6));
	else if (strncmp(t, "repeat ", 7) == 0)
		play_repeat(p, t + 7);
	else if (strncmp(t, "junk ", 5) == 0)
		play_junk(p, t + 5);
	else if (strncmp(t, "master ", 7) == 0)
		fake_master(t + 7);
	else if (strncmp(t, "normalize ", 10) == 0)
		play_normalize(p, t + 10);
	else if (strncmp(t, "fsize ", 6) == 0)
		play_fsize(t + 6);
	else if (strncmp(t, "messages ", 9) == 0)
		play_messages(p, t + 9);
	else if (strcmp(t, "end") == 0)
		play_end(p);
	else if (strcmp(t, "tls") == 0) {
		if (stream_tls_connect(&p->io, fake_client_tls(),
		    "mx.example.test", &why) == -1)
			wrong(p, "no TLS", buf_str(&why));
	} else if (strcmp(t, "half") == 0) {
		stream_flush(&p->io);
		shutdown(p->io.fd, SHUT_WR);
	} else if (strcmp(t, "shutdown") == 0) {
		stream_flush(&p->io);
		SSL_shutdown(p->io.ssl);
		SSL_free(p->io.ssl);
		p->io.ssl = NULL;
	} else
		wrong(p, "no such word", t);
	buf_clear(&why);
}

static void
play_line(struct play *p, char *t)
{
	if (*t == '\0' || *t == '#')
		return;
	if (t[1] == '\0' || (t[2] != ' ' && t[2] != '\0' && *t != '!'))
		wrong(p, "what is this", t);
	switch (*t) {
	case '!':
		play_direct(p, t + 2);
		break;
	case 'C':
		play_send(p, t[2] != '\0' ? t + 3 : "");
		break;
	case 'S':
		play_expect(p, t + 3);
		p->read = 0;
		break;
	case 'M':
		play_message(p, t[2] != '\0' ? t + 3 : "");
		break;
	default:
		wrong(p, "what is this", t);
	}
}

static void
play_file(const char *dir, const char *name)
{
	struct play p = { .name = name, .service = SERVICE_SMTP, .uid = -1 };
	char path[1000], line[4000];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "r");
	assert_non_null(f);
	fake_worker(FAKE_GOOD);
	while (fgets(line, sizeof(line), f) != NULL) {
		p.line++;
		line[strcspn(line, "\n")] = '\0';
		play_line(&p, line);
	}
	fclose(f);
	assert_true(p.connected);
	stream_close(&p.io);
	fake_join();
	smtpd.normalize.n = 0;
}

static void
test_transcripts(void **state)
{
	const char *dir = getenv("TRANSCRIPTS");
	struct dirent **list;
	int i, n;

	if (dir == NULL)
		dir = TRANSCRIPTS;
	n = scandir(dir, &list, NULL, alphasort);
	assert_true(n > 10);
	for (i = 0; i < n; i++) {
		if (fnmatch("smtp-*.txt", list[i]->d_name, 0) == 0)
			play_file(dir, list[i]->d_name);
		free(list[i]);
	}
	free(list);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_transcripts),
	};
	int r;

	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	fake_begin();
	r = cmocka_run_group_tests(tests, NULL, NULL);
	fake_end();
	return r;
}
