#include <string.h>

#include "lib/mail/date.h"
#include "lib/mail/mark.h"
#include "smtpd/smtpd_check.h"
#include "smtpd/smtpd_trace.h"

/* RFC 3848: the keywords of the "with" clause. */
static const char *
protocol(const struct smtp_session *s)
{
	static const char *const names[2][2] = {
		{ "ESMTP", "ESMTPA" }, { "ESMTPS", "ESMTPSA" }
	};

	if (!s->esmtp)
		return "SMTP";
	return names[s->tls[0] != '\0'][s->service != SERVICE_LOCAL &&
	    s->login[0] != '\0'];
}

/* RFC 5321 4.4: Time-stamp-line. */
static void
print_received(const struct smtp_session *s, const char *id, int64_t now,
    struct buf *out)
{
	char date[DATE_TEXT];

	if (s->service == SERVICE_LOCAL)
		buf_printf(out, "Received: from %s (local user %s)\r\n",
		    smtpd.hostname, s->login);
	else
		buf_printf(out, "Received: from %s ([%s%s])\r\n", s->helo,
		    strchr(s->ip, ':') != NULL ? "IPv6:" : "", s->ip);
	buf_printf(out, "\tby %s " MARK_BY " with %s id %s",
	    smtpd.hostname, protocol(s), id);
	if (s->tls[0] != '\0')
		buf_printf(out, "\r\n\t(%s)", s->tls);
	date_print_local(now, date);
	if (s->env.n == 1)
		buf_printf(out, "\r\n\tfor <%s>; %s\r\n", s->env.first,
		    date);
	else
		buf_printf(out, ";\r\n\t%s\r\n", date);
}

void
trace_print(const struct smtp_session *s, const char *id, int64_t now,
    struct buf *out, struct submit_written *w)
{
	(void)!buf_reserve(out, 2000);
	buf_printf(out, "Return-Path: <%s>\r\n", s->env.sender);
	w->forward = (uint32_t)out->len;
	if (s->env.n == 1)
		buf_printf(out, "Delivered-To: %s\r\n", s->env.first);
	w->final = (uint32_t)out->len;
	print_received(s, id, now, out);
	smtp_check_fields(s, out);
}

/* Takes the fields of that block out; returns its new length. */
static size_t
drop_bcc(char *p, size_t len, int complete)
{
	struct header_field f;
	struct header h;
	char *to = p;

	header_init(&h, p, len);
	while (header_next(&h, &f)) {
		if (header_is(&f, "Bcc") || header_is(&f, "Resent-Bcc"))
			continue;
		memmove(to, f.p, f.len);
		to += f.len;
	}
	/* The empty line. */
	if (complete) {
		memcpy(to, "\r\n", 2);
		to += 2;
	}
	return (size_t)(to - p);
}

/* "<local@domain>", or what else of it stands before a blank. */
void
trace_message_id(const struct header_counts *c, const char *id, int mended,
    char out[MESSAGE_ID_MAX + 1])
{
	const char *p = c->message_id.value, *end, *lt;
	size_t n = 0;

	*out = '\0';
	if (!c->has_message_id && mended)
		snprintf(out, MESSAGE_ID_MAX + 1, "<%s@%.200s>", id,
		    smtpd.hostname);
	if (!c->has_message_id)
		return;
	end = p + c->message_id.value_len;
	while (p < end && strchr(" \t\r\n", *p) != NULL)
		p++;
	if ((lt = memchr(p, '<', (size_t)(end - p))) != NULL)
		p = lt;
	while (p < end && n < MESSAGE_ID_MAX && *p > ' ' && *p < 0x7f) {
		out[n++] = *p;
		if (*p++ == '>')
			break;
	}
	out[n] = '\0';
}

/* RFC 6409 section 8: what a submission server may mend. */
void
trace_mend(const char *id, int64_t now, struct header_counts *c,
    struct buf *message, struct buf *out)
{
	char date[DATE_TEXT];
	struct header_field f;
	struct header h;
	size_t len;
	int text;

	/* What looks like fields after a line of text will be text. */
	header_init(&h, buf_str(message), message->len);
	text = header_next(&h, &f) && f.name_len == 0;
	if (text || !c->has_date) {
		date_print_local(now, date);
		buf_printf(out, "Date: %s\r\n", date);
	}
	if (text || !c->has_message_id)
		buf_printf(out, "Message-ID: <%s@%s>\r\n", id,
		    smtpd.hostname);
	if (text)
		buf_puts(out, "\r\n");
	if (c->has_bcc) {
		len = drop_bcc(message->data, c->len, c->complete);
		memmove(message->data + len, message->data + c->len,
		    message->len - c->len);
		buf_truncate(message, message->len - (c->len - len));
		c->len = len;
	}
	if (text)
		c->len = 0;
}
