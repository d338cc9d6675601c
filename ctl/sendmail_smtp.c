#include "config.h"

#include <sys/socket.h>

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "ctl/sendmail_smtp.h"
#include "lib/base/fd.h"
#include "lib/mail/dsn.h"
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
	struct buf *refusals;	/* of struct sendmail */
	int	 pipelining, eightbit, size, dsn;
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

/* The connection ended, or what came over it is no SMTP. */
static int
broken(struct smtp *s)
{
	if (s->st.end != STREAM_OK)
		return SENDMAIL_GONE;
	return sendmail_fail(EX_TEMPFAIL, "the mail system broke off: %s",
	    stream_words(&s->st));
}

static void
note_extension(struct smtp *s, const char *word)
{
	s->pipelining |= strcmp(word, "PIPELINING") == 0;
	s->eightbit |= strcmp(word, "8BITMIME") == 0;
	s->dsn |= strcmp(word, "DSN") == 0;
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
	if (code == 421)
		return SENDMAIL_GONE;
	if (code >= 500 && s->refusals != NULL)
		buf_printf(s->refusals, "%s: %d %s\n", what, code,
		    buf_str(&s->words));
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
	if (s->dsn && sm->ret != 0)
		stream_printf(&s->st, " RET=%s", dsn_ret_word(sm->ret));
	if (s->dsn && sm->envid[0] != '\0')
		stream_printf(&s->st, " ENVID=%s", sm->envid);
	stream_puts(&s->st, "\r\n");
}

static void
write_rcpt(struct smtp *s, const struct sendmail *sm, const char *to)
{
	char words[DSN_NOTIFY_MAX];

	stream_printf(&s->st, "RCPT TO:<%s>", to);
	if (s->dsn && sm->notify != 0)
		stream_printf(&s->st, " NOTIFY=%s", dsn_notify_words(
		    sm->notify, words));
	stream_puts(&s->st, "\r\n");
}

/*
 * All recipients or none: what is refused is told to the caller, who still
 * has the message, and not to a sender by a bounce. Where there is nobody to
 * tell (refusals) those that are taken are enough.
 */
static int
envelope(struct smtp *s, const struct sendmail *sm, const struct buf *m)
{
	int code, status = 0;
	size_t i, taken = 0;

	write_mail(s, sm, m);
	for (i = 0; s->pipelining && i < sm->n_to; i++)
		write_rcpt(s, sm, sm->to[i]);
	code = reply(s);
	if (code != 250)
		return refused(s, code, EX_UNAVAILABLE, sm->sender);
	for (i = 0; i < sm->n_to; i++) {
		if (!s->pipelining)
			write_rcpt(s, sm, sm->to[i]);
		code = reply(s);
		if (code == 250 || code == 251) {
			taken++;
			continue;
		}
		code = refused(s, code, EX_NOUSER, sm->to[i]);
		if (status == 0 || code != EX_NOUSER)
			status = code;
		if (s->st.end != STREAM_OK || code == SENDMAIL_GONE)
			break;
	}
	return status == EX_NOUSER && s->refusals != NULL && taken > 0 ? 0 :
	    status;
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
	struct smtp s = { .words = BUF_INIT(64 * 1024),
		.refusals = sm->refusals };
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

/* One direction: what was read and could not be written yet. */
struct flow {
	int	 from, to;	/* from: -1 where it has ended */
	char	 data[PIPE_BUF];	/* a pipe that is ready takes as much */
	size_t	 at, n;
};

static void
flow_read(struct flow *f)
{
	ssize_t n = read(f->from, f->data, sizeof(f->data));

	if (n == -1 && (errno == EINTR || errno == EAGAIN))
		return;
	f->at = 0;
	f->n = n > 0 ? (size_t)n : 0;
	if (n <= 0)
		f->from = -1;
}

/* 0, or -1: nobody reads there any more. */
static int
flow_write(struct flow *f)
{
	ssize_t n = send(f->to, f->data + f->at, f->n,
	    MSG_DONTWAIT | MSG_NOSIGNAL);

	if (n == -1 && errno == ENOTSOCK)
		n = write(f->to, f->data + f->at, f->n);
	if (n == -1)
		return errno == EINTR || errno == EAGAIN ? 0 : -1;
	f->at += (size_t)n;
	f->n -= (size_t)n;
	return 0;
}

/*
 * The greeting, into the flow. 0: it is 421, and another connection may be
 * free soon.
 */
static int
flow_greeting(struct flow *f)
{
	ssize_t n;

	while (f->n < sizeof(f->data) &&
	    memchr(f->data, '\n', f->n) == NULL) {
		n = read(f->from, f->data + f->n, sizeof(f->data) - f->n);
		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		f->n += (size_t)n;
	}
	return f->n < 3 || memcmp(f->data, "421", 3) != 0;
}

/*
 * What can be read or written now, in either direction: a caller who writes
 * much before he reads must not stand still here.
 */
static int
flow_wait(const struct flow *in, const struct flow *out, struct pollfd p[3])
{
	p[0] = (struct pollfd){ .fd = in->n == 0 ? in->from : -1,
		.events = POLLIN };
	p[1] = (struct pollfd){ .fd = out->n > 0 ? out->to : -1,
		.events = POLLOUT };
	p[2] = (struct pollfd){ .fd = -1 };
	if (in->n > 0)
		p[2].events |= POLLOUT;
	if (out->n == 0)
		p[2].events |= POLLIN;
	if (p[2].events != 0)
		p[2].fd = in->to;
	return poll(p, 3, -1) == -1 && errno != EINTR ? -1 : 0;
}

int
sendmail_pass(int fd)
{
	struct flow in = { .from = STDIN_FILENO, .to = fd };
	struct flow out = { .from = fd, .to = STDOUT_FILENO };
	struct pollfd p[3];
	int talks = 1;

	if (!flow_greeting(&out)) {
		close(fd);
		return SENDMAIL_BUSY;
	}
	while (out.from != -1 || out.n > 0) {
		if (flow_wait(&in, &out, p) == -1)
			return EX_OSERR;
		if (p[1].revents != 0 && flow_write(&out) == -1)
			return EX_IOERR;
		if (p[2].revents != 0 && in.n > 0 && flow_write(&in) == -1) {
			in.n = 0;
			in.from = -1;
		}
		if ((p[2].revents & ~POLLOUT) != 0 && out.n == 0)
			flow_read(&out);
		if (p[0].revents != 0)
			flow_read(&in);
		if (in.from == -1 && in.n == 0 && talks) {
			(void)shutdown(fd, SHUT_WR);
			talks = 0;
		}
	}
	return EX_OK;
}
