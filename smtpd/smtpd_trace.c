#include <string.h>

#include "lib/base/str.h"
#include "lib/mail/date.h"
#include "lib/mail/header.h"
#include "lib/mail/limits.h"
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
	buf_printf(out, "\tby %s (Rohrpost) with %s id %s",
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
}

/* True if the field names one of our recipients: it was here before. */
static int
is_loop(const struct smtp_session *s, const struct header_field *f)
{
	struct buf v = BUF_INIT(ADDRESS_MAX);
	struct cursor c;
	const char *p;
	size_t n;
	int r = 0;

	if (header_value(f, &v) == 0) {
		cursor_init(&c, s->env.local.data, s->env.local.len);
		while (!r && cursor_left(&c) > 0) {
			p = cursor_lv(&c, &n, ADDRESS_MAX);
			r = p != NULL && str_is(p, n, buf_str(&v));
		}
	}
	buf_clear(&v);
	return r;
}

enum body_fault
trace_judge(const struct smtp_session *s, const struct buf *message)
{
	const char *p = buf_str(message);
	unsigned fields = 0, hops = 0;
	struct header_field f;
	struct header h;

	header_init(&h, p, message->len);
	while (header_next(&h, &f)) {
		if (++fields > HEADER_COUNT_MAX)
			return BODY_HEADER;
		if (header_is(&f, "Received") && ++hops > HOPS_MAX)
			return BODY_HOPS;
		if (header_is(&f, "Delivered-To") && is_loop(s, &f))
			return BODY_LOOP;
	}
	/* The memory is full and the header has no end. */
	if (message->len >= BODY_MEMORY && h.p == p + message->len)
		return BODY_HEADER;
	return BODY_FINE;
}

/* RFC 6409 section 8: what a submission server may mend. */
void
trace_mend(const char *id, int64_t now, struct buf *message, struct buf *out)
{
	char date[DATE_TEXT], *to = message->data;
	const char *p = buf_str(message);
	struct header_counts c;
	struct header_field f;
	struct header h;
	size_t rest;

	header_count(p, message->len, &c);
	if (!c.has_date) {
		date_print_local(now, date);
		buf_printf(out, "Date: %s\r\n", date);
	}
	if (!c.has_message_id)
		buf_printf(out, "Message-ID: <%s@%s>\r\n", id,
		    smtpd.hostname);
	/* A message that begins with its text gets an end of header. */
	header_init(&h, p, message->len);
	if (header_next(&h, &f) && f.name_len == 0)
		buf_puts(out, "\r\n");
	if (!c.has_bcc)
		return;
	header_init(&h, message->data, message->len);
	while (header_next(&h, &f)) {
		if (header_is(&f, "Bcc") || header_is(&f, "Resent-Bcc"))
			continue;
		memmove(to, f.p, f.len);
		to += f.len;
	}
	/* The empty line and the body. */
	rest = message->len - c.len;
	if (c.complete) {
		memcpy(to, "\r\n", 2);
		to += 2;
	}
	memmove(to, message->data + c.len, rest);
	buf_truncate(message, (size_t)(to - message->data) + rest);
}
