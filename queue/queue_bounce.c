#include <inttypes.h>
#include <string.h>

#include "lib/base/str.h"
#include "lib/mail/date.h"
#include "lib/mail/mark.h"
#include "queue/queue_bounce.h"

enum {
	LINE = 900,		/* RFC 5322 2.1.1: 998 at most */
	FIELDS_LEFT = 4096,	/* room that every recipient's block needs */
};

/* RFC 5322 3.3, in UTC. */
static void
put_date(struct buf *out, int64_t when)
{
	char text[DATE_TEXT];

	date_print(when, 0, text);
	buf_puts(out, text);
}

/* Words on one line: seven bits, printable, at most max octets. */
static void
put_clean(struct buf *out, const char *s, size_t max)
{
	size_t i;

	for (i = 0; s[i] != '\0' && i < max; i++)
		buf_putc(out, s[i] >= ' ' && s[i] < 0x7f ? s[i] : '?');
}

static void
put_line(struct buf *out, const char *name, const char *value)
{
	buf_puts(out, name);
	put_clean(out, value, LINE - strlen(name));
	buf_puts(out, "\r\n");
}

/* "5.1.1" from the front of the words; without one a general failure. */
static void
put_status(struct buf *out, const char *words)
{
	const char *p = words;
	int dots = 0, digits = 0;

	for (; digits < 4 && ((*p >= '0' && *p <= '9') || (*p == '.' &&
	    digits > 0 && dots < 2)); p++) {
		dots += *p == '.';
		digits = *p == '.' ? 0 : digits + 1;
	}
	if (dots == 2 && digits > 0 && (*p == ' ' || *p == '\0') &&
	    (*words == '4' || *words == '5') && words[1] == '.')
		/* The action is failed: a status of class 4 would contradict,
		   but for 4.4.7, which RFC 3464 2.3.4 leaves as it is. */
		buf_printf(out, "Status: %.*s\r\n", (int)(p - words), words);
	else
		buf_puts(out, "Status: 5.0.0\r\n");
}

static const char *
words_of(const struct target *t)
{
	return t->words != NULL ? t->words : "5.0.0 delivery failed";
}

static const char *
skip_word(const char *p)
{
	p += strcspn(p, " ");
	return *p == ' ' ? p + 1 : p;
}

/*
 * The SMTP reply in the words of relay, "5.1.1 mx.test [192.0.2.1] said: 550
 * 5.1.1 no such user": its "550 ...", and where the host's name begins. NULL
 * where no host answered, or where the words are of something else.
 */
static const char *
reply_of(const struct target *t, const char **host_r)
{
	static const char said[] = "said: ";
	const char *p = skip_word(words_of(t));

	*host_r = p;
	if (t->kind != TARGET_REMOTE)
		return NULL;
	p = skip_word(p);
	if (*p == '[')
		p = skip_word(p);
	if (strncmp(p, said, sizeof(said) - 1) != 0)
		return NULL;
	p += sizeof(said) - 1;
	return strspn(p, "0123456789") == 3 ? p : NULL;
}

static void
put_head(const struct bounce *b, struct buf *out, uint32_t *forward_r,
    uint32_t *final_r)
{
	buf_puts(out, "Return-Path: <>\r\n");
	*forward_r = (uint32_t)out->len;
	put_line(out, "Delivered-To: ", b->env->sender);
	*final_r = (uint32_t)out->len;
	buf_printf(out, "Received: by %s " MARK_BY " id %s; ", b->hostname,
	    b->id);
	put_date(out, b->now);
	buf_puts(out, "\r\nDate: ");
	put_date(out, b->now);
	buf_printf(out, "\r\nFrom: Mail Delivery System <MAILER-DAEMON@%s>\r\n",
	    b->hostname);
	buf_puts(out, "To: <");
	put_clean(out, b->env->sender, ADDRESS_MAX);
	buf_puts(out, ">\r\nSubject: Undelivered mail returned to sender\r\n");
	buf_printf(out, "Message-ID: <%s@%s>\r\n", b->id, b->hostname);
	/* RFC 3834 5: nobody's machine shall answer this. */
	buf_puts(out, "Auto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\n"
	    "Content-Type: multipart/report; report-type=delivery-status;\r\n");
	buf_printf(out, "\tboundary=\"=_%s/%016" PRIx64 "\"\r\n\r\n"
	    "This is a report in MIME format.\r\n", b->id, b->boundary);
}

static void
put_boundary(const struct bounce *b, struct buf *out, const char *end)
{
	buf_printf(out, "\r\n--=_%s/%016" PRIx64 "%s\r\n", b->id, b->boundary,
	    end);
}

static void
put_people(const struct bounce *b, struct buf *out)
{
	const struct target *t;
	const char *from;
	size_t i, listed = 0, n = 0;

	put_boundary(b, out, "");
	buf_puts(out, "Content-Type: text/plain; charset=us-ascii\r\n\r\n");
	buf_printf(out, "This is the mail system at %s.\r\n\r\n"
	    "Your message could not be delivered to the recipients below, and "
	    "no\r\nfurther attempt will be made.\r\n", b->hostname);
	for (i = 0; i < b->targets->n; i++) {
		t = &b->targets->t[i];
		if (t->state != TARGET_REFUSED || ++n > BOUNCE_LISTED)
			continue;
		listed++;
		buf_puts(out, "\r\n<");
		put_clean(out, b->env->rcpt[t->rcpt].address, ADDRESS_MAX);
		buf_puts(out, ">\r\n    ");
		if (reply_of(t, &from) == NULL)
			from = words_of(t);
		put_clean(out, from, LINE / 2);
		buf_puts(out, "\r\n");
	}
	if (n > listed)
		buf_printf(out, "\r\nand %zu more; the second part of this "
		    "report lists all.\r\n", n - listed);
	buf_printf(out, "\r\nThe message is known here as %s.\r\n", b->about);
}

/*
 * RFC 3464 2.3.5, 2.3.6: the name of the host alone, and its own reply; what
 * no host said is not of type smtp.
 */
static void
put_diagnostic(const struct target *t, struct buf *out)
{
	const char *host, *reply = reply_of(t, &host);
	size_t len;

	if (reply == NULL)
		host = t->host;
	if (host != NULL) {
		len = strcspn(host, " ");
		buf_puts(out, "Remote-MTA: dns; ");
		put_clean(out, host, len < LINE / 2 ? len : LINE / 2);
		buf_puts(out, "\r\n");
	}
	if (reply != NULL)
		put_line(out, "Diagnostic-Code: smtp; ", reply);
	else
		put_line(out, "Diagnostic-Code: x-rohrpost; ", words_of(t));
}

/* RFC 3464 2.3: the fields of one recipient. */
static void
put_recipient(const struct bounce *b, const struct target *t, struct buf *out)
{
	const struct recipient *r = &b->env->rcpt[t->rcpt];

	buf_puts(out, "\r\n");
	if (r->orcpt[0] != '\0' && strchr(r->orcpt, ';') != NULL)
		put_line(out, "Original-Recipient: ", r->orcpt);
	put_line(out, "Final-Recipient: rfc822; ", t->kind == TARGET_REMOTE ?
	    t->address : r->address);
	buf_puts(out, "Action: failed\r\n");
	put_status(out, words_of(t));
	put_diagnostic(t, out);
}

static void
put_report(const struct bounce *b, struct buf *out)
{
	size_t i;

	put_boundary(b, out, "");
	buf_puts(out, "Content-Type: message/delivery-status\r\n\r\n");
	if (b->env->envid[0] != '\0')
		put_line(out, "Original-Envelope-Id: ", b->env->envid);
	put_line(out, "Reporting-MTA: dns; ", b->hostname);
	buf_puts(out, "Arrival-Date: ");
	put_date(out, (int64_t)b->env->time);
	buf_puts(out, "\r\n");
	for (i = 0; i < b->targets->n; i++)
		if (b->targets->t[i].state == TARGET_REFUSED &&
		    out->len < BOUNCE_MAX - BOUNCE_HEADER_MAX * 2 - FIELDS_LEFT)
			put_recipient(b, &b->targets->t[i], out);
}

/* The octets of the header block that are there, its empty line left out. */
static size_t
header_length(const struct bounce *b)
{
	const char *end = memmem(b->header, b->header_len, "\r\n\r\n", 4);
	size_t len = end != NULL ? (size_t)(end - b->header) + 2 :
	    b->header_len;

	if (len <= BOUNCE_HEADER_MAX)
		return len;
	/* Cut at the end of a line. */
	for (len = BOUNCE_HEADER_MAX; len > 0; len--)
		if (b->header[len - 1] == '\n')
			break;
	return len;
}

static void
put_original(const struct bounce *b, struct buf *out)
{
	size_t i, len = header_length(b), column = 0;
	char c;

	put_boundary(b, out, "");
	buf_puts(out, "Content-Type: text/rfc822-headers\r\n\r\n");
	for (i = 0; i < len; i++) {
		c = b->header[i];
		if (c == '\r' && i + 1 < len && b->header[i + 1] == '\n')
			continue;
		if (c == '\n') {
			buf_puts(out, "\r\n");
			column = 0;
			continue;
		}
		if (column++ >= LINE)
			continue;
		buf_putc(out, c == '\t' || (c >= ' ' && c < 0x7f) ? c : '?');
	}
	if (column > 0)
		buf_puts(out, "\r\n");
}

void
bounce_text(const struct bounce *b, struct buf *out, uint32_t *forward_r,
    uint32_t *final_r)
{
	put_head(b, out, forward_r, final_r);
	put_people(b, out);
	put_report(b, out);
	put_original(b, out);
	put_boundary(b, out, "--");
}
