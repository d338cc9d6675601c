#include "config.h"

#include <sys/socket.h>

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "ctl/sendmail_smtp.h"
#include "lib/base/fd.h"
#include "lib/net/stream.h"

enum {
	REPLY_LINE_MAX = 2000,
	REPLY_LINES_MAX = 100,
	REPLY_MS = 300 * 1000,		/* RFC 5321 4.5.3.2 */
	DATA_END_MS = 600 * 1000,
};

struct smtp {
	struct stream st;
	struct buf words;	/* the last reply's text, for people */
	int	 pipelining, eightbit, size;
};

int
sendmail_fail(int status, const char *fmt, ...)
{
	va_list ap;

	fputs("sendmail: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	return status;
}

static int
broken(struct smtp *s)
{
	return sendmail_fail(EX_TEMPFAIL, "the mail system broke off: %s",
	    stream_words(&s->st));
}

static void
note_extension(struct smtp *s, const char *word)
{
	s->pipelining |= strcmp(word, "PIPELINING") == 0;
	s->eightbit |= strcmp(word, "8BITMIME") == 0;
	s->size |= strcmp(word, "SIZE") == 0 || strncmp(word, "SIZE ", 5) == 0;
}

/* One reply: its code, -1 where the connection or the protocol broke. */
static int
reply(struct smtp *s)
{
	char *line;
	size_t len;
	int n, code = -1;

	buf_reset(&s->words);
	for (n = 0; n < REPLY_LINES_MAX; n++) {
		if (stream_line(&s->st, REPLY_LINE_MAX, &line, &len) !=
		    STREAM_OK)
			return -1;
		if (len < 3 || line[0] < '2' || line[0] > '5' ||
		    line[1] < '0' || line[1] > '9' || line[2] < '0' ||
		    line[2] > '9')
			return -1;
		code = (line[0] - '0') * 100 + (line[1] - '0') * 10 +
		    line[2] - '0';
		if (len > 4) {
			note_extension(s, line + 4);
			buf_printf(&s->words, "%s%s", n > 0 ? " " : "",
			    line + 4);
		}
		if (len == 3 || line[3] == ' ')
			return code;
	}
	return -1;
}

/* What a reply of refusal means to the caller. */
static int
refused(struct smtp *s, int code, int permanent, const char *what)
{
	if (code == -1)
		return broken(s);
	return sendmail_fail(code >= 500 ? permanent : EX_TEMPFAIL,
	    "%s: %d %s", what, code, buf_str(&s->words));
}

static int
greet(struct smtp *s, const char *name)
{
	int code = reply(s);

	if (code == 421)
		return SENDMAIL_BUSY;
	if (code != 220)
		return refused(s, code, EX_TEMPFAIL, "greeting");
	stream_printf(&s->st, "EHLO %s\r\n", name);
	code = reply(s);
	return code == 250 ? 0 : refused(s, code, EX_TEMPFAIL, "EHLO");
}

static int
has_8bit(const struct buf *m)
{
	size_t i;

	for (i = 0; i < m->len; i++) {
		if ((unsigned char)m->data[i] > 0x7f)
			return 1;
	}
	return 0;
}

static void
write_mail(struct smtp *s, const struct sendmail *sm, const struct buf *m)
{
	stream_printf(&s->st, "MAIL FROM:<%s>", sm->sender);
	if (s->size)
		stream_printf(&s->st, " SIZE=%zu", m->len);
	if (s->eightbit && has_8bit(m))
		stream_puts(&s->st, " BODY=8BITMIME");
	stream_puts(&s->st, "\r\n");
}

/*
 * All recipients or none: what is refused is told to the caller, who still
 * has the message, and not to a sender by a bounce.
 */
static int
envelope(struct smtp *s, const struct sendmail *sm, const struct buf *m)
{
	int code, status = 0;
	size_t i;

	write_mail(s, sm, m);
	for (i = 0; s->pipelining && i < sm->n_to; i++)
		stream_printf(&s->st, "RCPT TO:<%s>\r\n", sm->to[i]);
	code = reply(s);
	if (code != 250)
		return refused(s, code, EX_UNAVAILABLE, sm->sender);
	for (i = 0; i < sm->n_to; i++) {
		if (!s->pipelining)
			stream_printf(&s->st, "RCPT TO:<%s>\r\n", sm->to[i]);
		code = reply(s);
		if (code == 250 || code == 251)
			continue;
		code = refused(s, code, EX_NOUSER, sm->to[i]);
		if (status == 0 || code == EX_TEMPFAIL)
			status = code;
		if (s->st.end != STREAM_OK)
			break;
	}
	return status;
}

/* RFC 5321 4.5.2: a dot at the start of a line is doubled. */
static void
write_body(struct smtp *s, const struct buf *m)
{
	const char *p = m->data, *end = p + m->len, *eol;

	while (p < end) {
		eol = memmem(p, (size_t)(end - p), "\r\n", 2);
		eol = eol == NULL ? end : eol + 2;
		if (*p == '.')
			stream_puts(&s->st, ".");
		stream_write(&s->st, p, (size_t)(eol - p));
		p = eol;
	}
	stream_puts(&s->st, ".\r\n");
}

static int
data(struct smtp *s, const struct buf *m)
{
	int code;

	stream_puts(&s->st, "DATA\r\n");
	code = reply(s);
	if (code != 354)
		return refused(s, code, EX_UNAVAILABLE, "DATA");
	stream_deadline(&s->st, DATA_END_MS);
	write_body(s, m);
	code = reply(s);
	return code == 250 ? 0 : refused(s, code, EX_UNAVAILABLE, "message");
}

int
sendmail_send(const struct sendmail *sm, int fd, const struct buf *m)
{
	struct smtp s = { .words = BUF_INIT(64 * 1024) };
	int r;

	stream_init(&s.st, fd);
	stream_deadline(&s.st, REPLY_MS);
	r = greet(&s, sm->hostname);
	if (r == 0)
		r = envelope(&s, sm, m);
	if (r == 0)
		r = data(&s, m);
	if (s.st.end == STREAM_OK) {
		stream_puts(&s.st, "QUIT\r\n");
		(void)stream_flush(&s.st);
	}
	stream_close(&s.st);
	buf_clear(&s.words);
	return r;
}

/* Copies once from one descriptor to the other; 0 at the end. */
static int
copy(int from, int to)
{
	char chunk[16384];
	ssize_t n;

	n = read(from, chunk, sizeof(chunk));
	if (n == -1 && errno == EINTR)
		return 1;
	return n > 0 && fd_write_all(to, chunk, (size_t)n) == 0;
}

int
sendmail_pass(int fd)
{
	struct pollfd p[2] = {
		{ .fd = fd, .events = POLLIN },
		{ .fd = STDIN_FILENO, .events = POLLIN },
	};

	for (;;) {
		if (poll(p, 2, -1) == -1 && errno != EINTR)
			return EX_OSERR;
		if (p[0].revents != 0 && !copy(fd, STDOUT_FILENO))
			return EX_OK;
		if (p[1].revents != 0 && !copy(STDIN_FILENO, fd)) {
			(void)shutdown(fd, SHUT_WR);
			p[1].fd = -1;
			p[1].revents = 0;
		}
	}
}
