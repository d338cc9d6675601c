/*
 * Sessions of a user word for word: imapd's under its loop, before a real store.
 * Each file tests/transcript/imap-*.txt begins with an empty account of anna:
 *
 *	C: text		the first client says a line; 1: and 2: the others do
 *	D: text		a line more by who spoke last, of a literal or of IDLE
 *	W: number	nothing is said; that one hears next
 *	S: text		the next line that this one hears
 *
 * In what is heard a mod-sequence stands as m and its lower half, in what is
 * said as {m and that}; a UIDVALIDITY as V, the last that was told as {V}; the
 * last EMAILID as {E}. A part may stand as "...". Files of that name are about
 * bert, who has a quota.
 *
 * TRANSCRIPT_RECORD=FILE reads the lines of a client there and prints all.
 */
#include "config.h"

#include <dirent.h>
#include <ev.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "lib/base/buf.h"
#include "lib/base/fd.h"
#include "lib/base/log.h"
#include "tests/store/rig.h"

#include "imapd/imapd_door.h"
#include "imapd/imapd_loop.h"
#include "imapd/imapd_search_scan.h"
#include "imapd/imapd_session.h"

enum {
	CLIENTS = 3, SECONDS = 60, LINE_MAX_LEN = 70000, FILES = 100,
	QUOTA_SIZE = 100 * 1024, QUOTA_COUNT = 3,
};

static struct rig rig;
static struct {
	int fd;
	struct buf in;
	size_t at;
} clients[CLIENTS];
static int speaks;
static pid_t pid;
static uint64_t modseqs;		/* the upper half of them */
static uint32_t validity;
static char emailid[40];		/* the last that was told */
static const char *file;
static unsigned line_number;
static char names[FILES][100];

/* The process around the sessions. */
static unsigned left;

void
server_sessions(unsigned n)
{
	left = n;
}

void
server_session_ended(uint32_t id)
{
	if (left <= 1)
		ev_break(ev_default_loop(0), EVBREAK_ALL);
}

void
server_exit(void)
{
}

static void
imapd(int door, const int *fds)
{
	struct wire w = { .peer = PEER_STORE, .fd = door };
	struct session s = { .remote = "192.0.2.1:1" };
	struct ev_loop *l = ev_default_loop(0);
	struct buf why = BUF_INIT(200);
	int i;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGPIPE, SIG_IGN);
	log_init("imapd", 1);
	door_init(&imapd_door, PEER_IMAPD, -1);
	imapd_conf.message_size = 1 << 20;
	imapd_conf.idle_timeout = 1860;
	imapd_conf.keepalive = 120;
	if (imapd_search_init("", &why) == -1)
		log_fatal("%s", buf_str(&why));
	imapd_loop_wired(l, &w);
	for (i = 0; i < CLIENTS; i++) {
		s.fd = fds[i];
		s.id = (uint32_t)i + 1;
		fd_nonblock(fds[i], 1);
		imapd_loop_session(l, &s);
	}
	ev_run(l, 0);
	exit(0);
}

static void
begin(void)
{
	struct timeval tv = { .tv_sec = SECONDS };
	const struct buf empty = BUF_INIT(1 << 20);
	int theirs[CLIENTS], pair[2], i;

	rig_init(&rig);
	rig.quota_size = QUOTA_SIZE;
	rig.quota_count = QUOTA_COUNT;
	rig_start(&rig);
	for (i = 0; i < CLIENTS; i++) {
		assert_int_equal(fd_pair(pair), 0);
		clients[i].fd = pair[0];
		clients[i].in = empty;
		clients[i].at = 0;
		theirs[i] = pair[1];
		fd_nonblock(pair[0], 0);
		setsockopt(pair[0], SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	}
	fflush(NULL);
	if ((pid = fork()) == 0) {
		for (i = 0; i < CLIENTS; i++)
			close(clients[i].fd);
		imapd(rig.imap[strstr(file, "quota") != NULL ? 2 : 0].chan.fd,
		    theirs);
	}
	assert_int_not_equal(pid, -1);
	for (i = 0; i < CLIENTS; i++)
		close(theirs[i]);
	speaks = 0;
	modseqs = 0;
	validity = 0;
}

static void
end(void)
{
	int i, status;

	for (i = 0; i < CLIENTS; i++) {
		close(clients[i].fd);
		buf_clear(&clients[i].in);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(rig_stop(&rig), 0);
	rig_clear(&rig);
}

/* The next line as it came, without its end; 0 where there comes none. */
static int
hear(char line[LINE_MAX_LEN])
{
	struct buf *b = &clients[speaks].in;
	size_t *at = &clients[speaks].at, len;
	const char *p;
	ssize_t n;

	while (b->len == 0 || (p = memchr(b->data + *at, '\n',
	    b->len - *at)) == NULL) {
		assert_int_equal(buf_reserve(b, 65536), 0);
		n = read(clients[speaks].fd, b->data + b->len, 65536);
		if (n <= 0)
			return 0;
		b->len += (size_t)n;
	}
	len = (size_t)(p - b->data) - *at;
	assert_true(len < LINE_MAX_LEN);
	memcpy(line, b->data + *at, len);
	line[len] = '\0';
	if (len > 0 && line[len - 1] == '\r')
		line[len - 1] = '\0';
	*at += len + 1;
	if (*at == b->len) {
		buf_reset(b);
		*at = 0;
	}
	return 1;
}

/* With m and V for numbers that are of one run. */
static void
show(const char *line, char out[LINE_MAX_LEN])
{
	const char *p = strstr(line, "EMAILID (");
	unsigned long long v;
	char *end, *o = out;

	if (p != NULL)
		sscanf(p, "EMAILID (%39[^)]", emailid);
	p = line;
	while (*p != '\0') {
		if (*p < '0' || *p > '9' || (p > line && ((p[-1] >= '0' &&
		    p[-1] <= '9') || (p[-1] | 32) >= 'a'))) {
			*o++ = *p++;
			continue;
		}
		v = strtoull(p, &end, 10);
		if (end - p > 11 && v > UINT32_MAX) {
			modseqs = v >> 32 << 32;
			o += sprintf(o, "m%u", (unsigned)v);
		} else if (end - p == 10 && v > 1000000000 && *p != '0') {
			if (p - line > 12 &&
			    strncmp(p - 12, "UIDVALIDITY ", 12) == 0)
				validity = (uint32_t)v;
			*o++ = 'V';
		} else {
			memcpy(o, p, (size_t)(end - p));
			o += end - p;
		}
		p = end;
	}
	*o = '\0';
}

static void
say(const char *line)
{
	struct buf b = BUF_INIT(0);
	const char *p;

	for (p = line; *p != '\0'; p++) {
		if (p[0] == '{' && p[1] == 'm') {
			buf_printf(&b, "%llu", (unsigned long long)(modseqs +
			    strtoul(p + 2, NULL, 10)));
			p = strchr(p, '}');
		} else if (strncmp(p, "{V}", 3) == 0) {
			buf_printf(&b, "%u", validity);
			p += 2;
		} else if (strncmp(p, "{E}", 3) == 0) {
			buf_puts(&b, emailid);
			p += 2;
		} else
			buf_putc(&b, *p);
	}
	buf_puts(&b, "\r\n");
	assert_int_equal(fd_write_all(clients[speaks].fd, b.data, b.len), 0);
	buf_clear(&b);
}

static int
like(const char *want, const char *is)
{
	const char *dots = strstr(want, "...");
	size_t n;

	if (dots == NULL)
		return strcmp(want, is) == 0;
	n = (size_t)(dots - want);
	if (strncmp(want, is, n) != 0)
		return 0;
	for (is += n; ; is++) {
		if (like(dots + 3, is))
			return 1;
		if (*is == '\0')
			return 0;
	}
}

static void
heard(const char *want)
{
	static char line[LINE_MAX_LEN], is[LINE_MAX_LEN];

	if (!hear(line))
		fail_msg("%s:%u: nothing comes", file, line_number);
	show(line, is);
	if (!like(want, is))
		fail_msg("%s:%u: heard \"%s\"", file, line_number, is);
}

static void
one_line(char *line)
{
	line[strcspn(line, "\n")] = '\0';
	if (line[0] == '#' || line[0] == '\0')
		return;
	if (line[1] != ':' || (line[2] != ' ' && line[2] != '\0'))
		fail_msg("%s:%u: no such line", file, line_number);
	if (line[0] == 'C')
		speaks = 0;
	else if (line[0] == '1' || line[0] == '2')
		speaks = line[0] - '0';
	else if (line[0] == 'W')
		speaks = line[3] - '0';
	if (line[0] == 'W')
		assert_true(speaks >= 0 && speaks < CLIENTS);
	else if (line[0] == 'S')
		heard(line[2] == '\0' ? "" : line + 3);
	else
		say(line[2] == '\0' ? "" : line + 3);
}

static void
test_file(void **state)
{
	static char line[LINE_MAX_LEN];
	char path[400];
	FILE *f;

	file = *state;
	line_number = 0;
	snprintf(path, sizeof(path), "%s/%s", TRANSCRIPTS, file);
	f = fopen(path, "r");
	assert_non_null(f);
	begin();
	while (fgets(line, sizeof(line), f) != NULL) {
		line_number++;
		one_line(line);
	}
	fclose(f);
	end();
}

/* Is a mailbox of that name told? */
static int
is_listed(const char *name)
{
	static char line[LINE_MAX_LEN];
	char ask[100];
	int n = 0;

	speaks = 0;
	snprintf(ask, sizeof(ask), "a LIST \"\" %s", name);
	say(ask);
	while (hear(line) && strncmp(line, "a OK ", 5) != 0)
		n++;
	return n;
}

/* A mailbox that another door makes, when imapd knows the list already. */
static void
test_list_of_another(void **state)
{
	struct door_mailbox m;
	int i;

	file = "another";
	begin();
	assert_int_equal(is_listed("new"), 0);
	assert_int_equal(door_create(&rig.imap[1], "new", 0, &m), 0);
	for (i = 0; i < 3000 && !is_listed("new"); i++)
		usleep(10000);
	assert_int_equal(is_listed("new"), 1);
	assert_int_equal(door_delete(&rig.imap[1], m.id), 0);
	for (i = 0; i < 3000 && is_listed("new"); i++)
		usleep(10000);
	assert_int_equal(is_listed("new"), 0);
	end();
}

/* What comes up to the answer. */
static void
record_answer(const char *tag)
{
	static char line[LINE_MAX_LEN], is[LINE_MAX_LEN];
	size_t n = strlen(tag);

	while (hear(line)) {
		show(line, is);
		printf("S: %s\n", is);
		if (line[0] == '+' || (strncmp(line, tag, n) == 0 &&
		    line[n] == ' '))
			break;
	}
}

static int
record(const char *path)
{
	static char line[LINE_MAX_LEN];
	static char tag[CLIENTS][20];
	FILE *f = fopen(path, "r");
	int literal = -1;	/* octets of it that are to come */
	const char *p;

	file = path;
	begin();
	while (fgets(line, sizeof(line), f) != NULL) {
		if (line[0] == 'S')
			continue;
		fputs(line, stdout);
		one_line(line);
		if (line[0] == '#' || line[0] == '\0')
			continue;
		if (line[0] == 'W') {
			record_answer("*");
			continue;
		}
		if (line[0] == 'D')
			literal -= (int)strlen(line) - 3 + 2;
		else
			sscanf(line + 3, "%19s", tag[speaks]);
		p = strrchr(line, '{');
		if (p != NULL && line[strlen(line) - 1] == '}' &&
		    sscanf(p, "{%d+}", &literal) == 1)
			continue;
		if (literal < 0)
			record_answer(tag[speaks]);
	}
	fclose(f);
	end();
	return 0;
}

int
main(void)
{
	struct CMUnitTest tests[FILES];
	const char *path = getenv("TRANSCRIPT_RECORD");
	DIR *d = opendir(TRANSCRIPTS);
	struct dirent *e;
	size_t n = 0;

	setenv("RIG_THREADS", "1", 1);
	signal(SIGPIPE, SIG_IGN);
	if (path != NULL)
		return record(path);
	while (d != NULL && n < FILES - 1 && (e = readdir(d)) != NULL)
		if (strncmp(e->d_name, "imap-", 5) == 0) {
			snprintf(names[n], sizeof(names[n]), "%.99s",
			    e->d_name);
			tests[n] = (struct CMUnitTest){ names[n], test_file,
			    NULL, NULL, names[n] };
			n++;
		}
	if (d == NULL || n == 0)
		return 1;
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(
	    test_list_of_another);
	closedir(d);
	return _cmocka_run_group_tests("transcript", tests, n, NULL, NULL);
}
