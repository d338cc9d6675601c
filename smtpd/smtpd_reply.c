#include <stdarg.h>
#include <string.h>

#include "lib/base/log.h"
#include "lib/base/str.h"
#include "smtpd/smtpd_reply.h"

int
smtpd_takes_login(const struct smtp_session *s)
{
	return s->service == SERVICE_SUBMISSION ||
	    s->service == SERVICE_SUBMISSIONS;
}

int
smtpd_is_ours(const struct smtp_session *s)
{
	return s->service == SERVICE_LOCAL || s->login[0] != '\0';
}

void
smtp_reply(struct smtp_session *s, int code, const char *status,
    const char *fmt, ...)
{
	const char head[4] = { (char)('0' + code / 100),
		(char)('0' + code / 10 % 10), (char)('0' + code % 10), ' ' };
	va_list ap;

	stream_write(&s->io, head, sizeof(head));
	if (*status != '\0') {
		stream_puts(&s->io, status);
		stream_write(&s->io, " ", 1);
	}
	va_start(ap, fmt);
	stream_vprintf(&s->io, fmt, ap);
	va_end(ap);
	stream_write(&s->io, "\r\n", 2);
	if (code >= 500)
		s->errors++;
	else if (code >= 400)
		s->junk++;
}

void
smtp_refuse(struct smtp_session *s, const struct smtp_refusal *r)
{
	smtp_reply(s, r->code, r->status, "%s", r->words);
}

void
smtp_notes_reset(struct smtp_notes *n)
{
	buf_reset(&n->fields);
	buf_reset(&n->packed);
}

void
smtp_reset(struct smtp_session *s)
{
	if (s->state != SMTP_START)
		s->state = SMTP_HELLO;
	s->env.sender[0] = s->env.first[0] = '\0';
	s->env.n = s->env.over = 0;
	s->env.size = 0;
	memset(&s->env.options, 0, sizeof(s->env.options));
	buf_reset(&s->env.recipients);
	buf_reset(&s->env.local);
	smtp_notes_reset(&s->notes[SCOPE_TRANSACTION]);
}

void
smtp_end(struct smtp_session *s, int code, const char *status,
    const char *words)
{
	smtp_reply(s, code, status, "%s", words);
	s->closing = s->linger = 1;
}

int
smtp_in_transaction(const struct smtp_session *s)
{
	return (s->state & (SMTP_MAIL | SMTP_RCPT)) != 0;
}

void
smtp_kicked(struct smtp_session *s)
{
	log_info("client %s: the login of %s has ended", s->remote, s->login);
	smtp_end(s, 421, "4.7.0", "your login has ended, log in again");
}

/*
 * Master spoke. 0, or -1 where it wants us, or this client, to go, and the
 * client was told.
 */
static int
hear(struct smtp_session *s)
{
	int stop = server_ending(1);

	if (server_kicked()) {
		smtp_kicked(s);
		return -1;
	}
	if (!stop) {
		if (!server_yielding())
			return 0;
		log_info("client %s: silent while all connections are in use",
		    s->remote);
		smtp_end(s, 421, "4.3.2", "all connections are in use, and "
		    "nothing came on yours");
		return -1;
	}
	if (smtp_in_transaction(s)) {
		stream_deadline(&s->io, SMTP_STOP_MS);
		return 0;
	}
	smtp_end(s, 421, "4.3.2", "the server stops, come again");
	return -1;
}

enum stream_status
smtp_wait(struct smtp_session *s, size_t max, char **line_r, size_t *len_r)
{
	enum stream_status r;

	stream_wake(&s->io, server_master_fd());
	server_waiting(s->progress);
	do {
		r = line_r == NULL ? stream_fill(&s->io) :
		    stream_line(&s->io, max, line_r, len_r);
	} while (r == STREAM_WOKEN && hear(s) == 0);
	server_waiting(0);
	stream_wake(&s->io, -1);
	return r;
}

/* RFC 5321 3.8: whoever is closed hears why, if he can hear. */
void
smtp_silent(struct smtp_session *s)
{
	s->closing = 1;
	if (!stream_revive(&s->io, SMTP_LINGER_MS))
		return;
	if (server_ending(0)) {
		smtp_end(s, 421, "4.3.2", "the server stops, come again");
		return;
	}
	log_info("client %s: nothing came in time", s->remote);
	smtp_end(s, 421, "4.4.2", "nothing came in time, bye");
}

int
smtp_read(struct smtp_session *s, size_t max, char **line_r, size_t *len_r)
{
	enum stream_status r = smtp_wait(s, max, line_r, len_r);

	if (r == STREAM_BARE && s->normalize)
		r = STREAM_OK;
	switch (r) {
	case STREAM_OK:
		if (str_is_text(*line_r, *len_r))
			return 0;
		smtp_reply(s, 500, "5.5.2", "NUL or bare CR in the line");
		return -1;
	case STREAM_BARE:
		smtp_reply(s, 500, "5.5.2", "the line ends in a bare LF");
		return -1;
	case STREAM_LONG:
		smtp_reply(s, 500, "5.5.2", "line too long");
		return -1;
	case STREAM_WOKEN:
		return -1;
	default:
		smtp_silent(s);
		return -1;
	}
}

void
smtp_refused_data(struct smtp_session *s)
{
	if (!stream_readable(&s->io))
		return;
	log_info("client %s: did not wait for 354", s->remote);
	s->closing = s->linger = 1;
}
