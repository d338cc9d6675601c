/*
 * Commands that carry no mail: HELO, EHLO, RSET, NOOP, QUIT, VRFY, HELP,
 * STARTTLS, and those that are answered only to be refused.
 */
#include <string.h>

#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/net/tls.h"
#include "smtpd/smtpd_check.h"
#include "smtpd/smtpd_command.h"
#include "smtpd/smtpd_ext.h"

/* What could not stand in a Received field becomes "-". */
static void
take_helo(struct smtp_session *s, const struct smtp_args *a)
{
	size_t i;

	str_copy(s->helo, sizeof(s->helo), a->text);
	for (i = 0; s->helo[i] != '\0'; i++) {
		if (!check_helo_octet(s->helo[i]))
			s->helo[i] = '-';
	}
}

static int
greet(struct smtp_session *s, const struct smtp_args *a, int esmtp)
{
	struct smtp_case c = { .text = a->text, .len = a->len };
	struct smtp_refusal r = smtp_check(s, STAGE_HELO, &c);

	if (r.code != 0) {
		smtp_refuse(s, &r);
		return -1;
	}
	take_helo(s, a);
	s->state = SMTP_HELLO;
	smtp_reset(s);
	s->esmtp = esmtp;
	return 0;
}

void
cmd_helo(struct smtp_session *s, const struct smtp_args *a)
{
	if (greet(s, a, 0) == 0)
		smtp_reply(s, 250, "", "%s", smtpd.hostname);
}

void
cmd_ehlo(struct smtp_session *s, const struct smtp_args *a)
{
	if (greet(s, a, 1) == -1)
		return;
	stream_printf(&s->io, "250-%s\r\n", smtpd.hostname);
	smtp_ext_hello(s);
}

void
cmd_rset(struct smtp_session *s, const struct smtp_args *a)
{
	smtp_reset(s);
	smtp_reply(s, 250, "2.0.0", "reset");
}

void
cmd_noop(struct smtp_session *s, const struct smtp_args *a)
{
	smtp_reply(s, 250, "2.0.0", "ok");
}

void
cmd_quit(struct smtp_session *s, const struct smtp_args *a)
{
	smtp_reply(s, 221, "2.0.0", "%s closes the connection",
	    smtpd.hostname);
	s->closing = 1;
}

/* RFC 5321 7.3: nothing is disclosed; RCPT tells. */
void
cmd_vrfy(struct smtp_session *s, const struct smtp_args *a)
{
	smtp_reply(s, 252, "2.5.2", "send mail and see");
}

void
cmd_help(struct smtp_session *s, const struct smtp_args *a)
{
	struct buf verbs = BUF_INIT(500);

	smtp_ext_verbs(s, &verbs);
	stream_printf(&s->io, "214-2.0.0 HELO EHLO MAIL RCPT DATA RSET NOOP "
	    "QUIT VRFY HELP%s\r\n", buf_str(&verbs));
	buf_clear(&verbs);
	smtp_reply(s, 214, "2.0.0", "RFC 5321 says what they do");
}

void
cmd_absent(struct smtp_session *s, const struct smtp_args *a)
{
	smtp_reply(s, 502, "5.5.1", "not available here");
}

void
cmd_bdat(struct smtp_session *s, const struct smtp_args *a)
{
	smtp_reply(s, 502, "5.5.1", "CHUNKING was not offered, bye");
	s->closing = s->linger = 1;
}

void
cmd_foreign(struct smtp_session *s, const struct smtp_args *a)
{
	log_info("client %s speaks another protocol", s->remote);
	smtp_reply(s, 554, "5.5.1", "this is a mail server, bye");
	s->closing = s->linger = 1;
}

/*
 * RFC 3207 section 4.2: all that was learned before TLS is forgotten. Whatever
 * follows STARTTLS in the same segment may be another's: refused.
 */
void
cmd_starttls(struct smtp_session *s, const struct smtp_args *a)
{
	struct buf why = BUF_INIT(500);

	if (s->service == SERVICE_LOCAL || smtpd.tls == NULL) {
		smtp_reply(s, 502, "5.5.1", "no TLS here");
		return;
	}
	if (s->tls[0] != '\0') {
		smtp_reply(s, 503, "5.5.1", "TLS is there already");
		return;
	}
	if (stream_has_input(&s->io)) {
		smtp_reply(s, 554, "5.5.1", "nothing may follow STARTTLS, "
		    "bye");
		s->closing = s->linger = 1;
		return;
	}
	smtp_reply(s, 220, "2.0.0", "go ahead");
	stream_deadline(&s->io, TLS_TIME * 1000);
	if (stream_tls_accept(&s->io, smtpd.tls, &why) == -1) {
		log_info("client %s: %s", s->remote, buf_str(&why));
		s->closing = 1;
	} else {
		tls_describe(s->io.ssl, s->tls, sizeof(s->tls));
		s->state = SMTP_START;
		smtp_reset(s);
		smtp_notes_reset(&s->notes[SCOPE_HELO]);
		mem_wipe(s->helo, sizeof(s->helo));
		s->esmtp = 0;
	}
	buf_clear(&why);
}
