#include <inttypes.h>
#include <string.h>

#include "lib/base/str.h"
#include "lib/mail/date.h"
#include "lib/mail/dsn.h"
#include "lib/mail/mark.h"
#include "lib/mail/proto.h"
#include "lib/mail/reply_kind.h"
#include "queue/queue_action.h"
#include "queue/queue_bounce.h"

static const char eight_bit[] = "Content-Transfer-Encoding: 8bit\r\n";

enum {
	LINE = 900,		/* RFC 5322 2.1.1: 998 at most */
	/* What is before and behind the fields, and the last recipient's. */
	REPORT_MAX = BOUNCE_MAX - BOUNCE_HEADER_MAX * 4,
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

/* What is told of t to the one who is written to. */
static enum action
action_told(const struct bounce *b, const struct target *t)
{
	return target_tells(b->env, t, b->to) ? action_of(t) : ACTION_NONE;
}

static int
says(const struct bounce *b, enum action a)
{
	size_t i;

	for (i = 0; i < b->targets->n; i++)
		if (action_told(b, &b->targets->t[i]) == a)
			return 1;
	return 0;
}

static int
is_to_sender(const struct bounce *b)
{
	return strcmp(b->to, b->env->sender) == 0;
}

/* The address by which that one knows t. */
static const char *
known_as(const struct bounce *b, const struct target *t)
{
	return t->owner != NULL ? t->address : b->env->rcpt[t->rcpt].address;
}

/*
 * "5.1.1" from the front of the words, where it fits the action; without one
 * X.0.0. 4.4.7 for a failure (RFC 3463 3.5) is as it should be.
 */
static void
put_status(struct buf *out, const char *words, char class)
{
	const char *p = words;
	int dots = 0, digits = 0;

	for (; digits < 4 && ((*p >= '0' && *p <= '9') || (*p == '.' &&
	    digits > 0 && dots < 2)); p++) {
		dots += *p == '.';
		digits = *p == '.' ? 0 : digits + 1;
	}
	if (dots == 2 && digits > 0 && (*p == ' ' || *p == '\0') &&
	    (*words == class || (class == '5' && *words == '4')) &&
	    words[1] == '.')
		buf_printf(out, "Status: %.*s\r\n", (int)(p - words), words);
	else
		buf_printf(out, "Status: %c.0.0\r\n", class);
}

static const char *
words_of(const struct target *t)
{
	return t->words != NULL ? t->words : t->state == TARGET_REFUSED ?
	    "5.0.0 delivery failed" : "";
}

/* NULL too where the words are of something else. */
static const char *
reply_of(const struct target *t, const char **host_r)
{
	const char *p = reply_said(words_of(t), host_r);

	return t->kind == TARGET_REMOTE ? p : NULL;
}

/* What he can do who is told of the reply. */
static const char *const advice[] = {
	[REPLY_NONE] = NULL, [REPLY_TEMPORARY] = NULL,
	[REPLY_POLICY] = "That host does not take this message as it is.",
	[REPLY_REPUTATION] = "That host does not trust the server that sent "
	    "it; the address may be right.",
	[REPLY_ADDRESS] = "Please check the address: it is not known there, or "
	    "takes no mail.",
};

static void
put_advice(const struct target *t, struct buf *out)
{
	const char *text = advice[reply_kind(words_of(t))];

	if (t->state == TARGET_REFUSED && text != NULL)
		buf_printf(out, "    %s\r\n", text);
}

/* RFC 2045 6.4: of a multipart the encoding says what is in it. */
static int
is_eight(const struct bounce *b)
{
	return bounce_is_whole(b) && (b->env->flags & Q_8BIT);
}

static const char *
subject_of(const struct bounce *b)
{
	return says(b, ACTION_FAILED) ? is_to_sender(b) ?
	    "Undelivered mail returned to sender" :
	    "Undelivered mail of a mailing list" :
	    says(b, ACTION_DELAYED) ? "Delayed mail is still being tried" :
	    "Successful mail delivery report";
}

static void
put_head(const struct bounce *b, struct buf *out, uint32_t *forward_r,
    uint32_t *final_r)
{
	buf_puts(out, "Return-Path: <>\r\n");
	*forward_r = (uint32_t)out->len;
	put_line(out, "Delivered-To: ", b->to);
	*final_r = (uint32_t)out->len;
	buf_printf(out, "Received: by %s " MARK_BY " id %s; ", b->hostname,
	    b->id);
	put_date(out, b->now);
	buf_puts(out, "\r\nDate: ");
	put_date(out, b->now);
	buf_printf(out, "\r\nFrom: Mail Delivery System <MAILER-DAEMON@%s>\r\n",
	    b->hostname);
	buf_puts(out, "To: <");
	put_clean(out, b->to, ADDRESS_MAX);
	buf_printf(out, ">\r\nSubject: %s\r\n", subject_of(b));
	buf_printf(out, "Message-ID: <%s@%s>\r\n", b->id, b->hostname);
	/* RFC 3834 5: nobody's machine shall answer this. */
	buf_puts(out, "Auto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\n");
	if (is_eight(b))
		buf_puts(out, eight_bit);
	buf_puts(out,
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

/* Which of his lists it is that the address stands in. */
static void
put_list(const struct bounce *b, const struct target *t, struct buf *out)
{
	buf_puts(out, "    in the list <");
	put_clean(out, b->env->rcpt[t->rcpt].address, ADDRESS_MAX);
	buf_puts(out, ">\r\n");
}

/* Those of one action, in the text for people. */
static void
put_people_of(const struct bounce *b, enum action a, size_t *n, struct buf *out)
{
	const struct target *t;
	const char *from, *reply;
	size_t i;

	buf_puts(out, "\r\n");
	buf_puts(out, actions[a].people);
	for (i = 0; i < b->targets->n; i++) {
		t = &b->targets->t[i];
		if (action_told(b, t) != a || ++*n > BOUNCE_LISTED)
			continue;
		buf_puts(out, "\r\n<");
		put_clean(out, known_as(b, t), ADDRESS_MAX);
		buf_puts(out, ">\r\n");
		if (t->owner != NULL)
			put_list(b, t, out);
		reply = reply_of(t, &from);
		if (reply == NULL)
			from = words_of(t);
		if (*from == '\0')
			continue;
		buf_puts(out, "    ");
		put_clean(out, from, LINE / 2);
		buf_puts(out, "\r\n");
		if (reply != NULL)
			put_advice(t, out);
	}
}

/* left: of how many the second part has nothing. */
static void
put_people(const struct bounce *b, size_t left, struct buf *out)
{
	enum action a;
	size_t n = 0;

	put_boundary(b, out, "");
	buf_puts(out, "Content-Type: text/plain; charset=us-ascii\r\n\r\n");
	buf_printf(out, "This is the mail system at %s.\r\n", b->hostname);
	if (!is_to_sender(b))
		buf_puts(out, "\r\nYou own a mailing list here that sent on "
		    "the message of which this tells.\r\n");
	for (a = 0; a < ACTIONS; a++)
		if (says(b, a))
			put_people_of(b, a, &n, out);
	if (n > BOUNCE_LISTED && left == 0)
		buf_printf(out, "\r\nand %zu more; the second part of this "
		    "report lists all.\r\n", n - BOUNCE_LISTED);
	else if (n > BOUNCE_LISTED)
		buf_printf(out, "\r\nand %zu more; the second part of this "
		    "report lists %zu of all %zu.\r\n", n - BOUNCE_LISTED,
		    n - left, n);
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

/* RFC 3461 6.3: what was given, decoded, or nothing. */
static void
put_original_recipient(const struct recipient *r, struct buf *out)
{
	struct buf text = BUF_INIT(ORCPT_MAX);

	dsn_orcpt_show(r->orcpt, strlen(r->orcpt), &text);
	if (text.len > 0)
		put_line(out, "Original-Recipient: ", buf_str(&text));
	buf_clear(&text);
}

/* RFC 3464 2.3: the fields of one recipient. */
static void
put_recipient(const struct bounce *b, const struct target *t, struct buf *out)
{
	const struct recipient *r = &b->env->rcpt[t->rcpt];
	enum action a = action_of(t);

	buf_puts(out, "\r\n");
	if (t->owner == NULL)
		put_original_recipient(r, out);
	put_line(out, "Final-Recipient: rfc822; ", t->kind == TARGET_REMOTE ?
	    t->address : known_as(b, t));
	put_line(out, "Action: ", actions[a].name);
	put_status(out, words_of(t), actions[a].class);
	if (t->kind == TARGET_REMOTE || actions[a].class != '2')
		put_diagnostic(t, out);
	if (a != ACTION_DELAYED)
		return;
	buf_puts(out, "Will-Retry-Until: ");
	put_date(out, b->until);
	buf_puts(out, "\r\n");
}

/* RFC 3461 6.3 (c): the id as it was before it became xtext. */
static void
put_envelope_id(const struct bounce *b, struct buf *out)
{
	struct buf text = BUF_INIT(ENVID_MAX);

	if (is_to_sender(b) &&
	    dsn_envid_is(b->env->envid, strlen(b->env->envid))) {
		xtext_decode(b->env->envid, strlen(b->env->envid), &text);
		put_line(out, "Original-Envelope-Id: ", buf_str(&text));
	}
	buf_clear(&text);
}

/* Of how many there was no room. */
static size_t
put_report(const struct bounce *b, struct buf *out)
{
	size_t i, left = 0;

	put_boundary(b, out, "");
	buf_puts(out, "Content-Type: message/delivery-status\r\n\r\n");
	put_envelope_id(b, out);
	put_line(out, "Reporting-MTA: dns; ", b->hostname);
	buf_puts(out, "Arrival-Date: ");
	put_date(out, (int64_t)b->env->time);
	buf_puts(out, "\r\n");
	for (i = 0; i < b->targets->n; i++) {
		if (action_told(b, &b->targets->t[i]) == ACTION_NONE)
			continue;
		if (out->len < REPORT_MAX)
			put_recipient(b, &b->targets->t[i], out);
		else
			left++;
	}
	return left;
}

/* The octets of the header block that are there, its empty line left out. */
static size_t
header_length(const char *p, size_t n)
{
	const char *end = memmem(p, n, "\r\n\r\n", 4);
	size_t len = end != NULL ? (size_t)(end - p) + 2 : n;

	if (len <= BOUNCE_HEADER_MAX)
		return len;
	/* Cut at the end of a line. */
	for (len = BOUNCE_HEADER_MAX; len > 0; len--)
		if (p[len - 1] == '\n')
			break;
	return len;
}

void
bounce_header(const struct bounce *b, const char *p, size_t len,
    struct buf *out)
{
	size_t i, column = 0;
	char c;

	len = header_length(p, len);
	put_boundary(b, out, "");
	buf_puts(out, "Content-Type: text/rfc822-headers\r\n\r\n");
	for (i = 0; i < len; i++) {
		c = p[i];
		if (c == '\r' && i + 1 < len && p[i + 1] == '\n')
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
	put_boundary(b, out, "--");
}

void
bounce_whole(const struct bounce *b, const char *p, size_t len,
    struct buf *out)
{
	put_boundary(b, out, "");
	buf_puts(out, "Content-Type: message/rfc822\r\n");
	if (is_eight(b))
		buf_puts(out, eight_bit);
	buf_puts(out, "\r\n");
	buf_append(out, p, len);
	put_boundary(b, out, "--");
}

/*
 * RFC 3461 4.3: RET "applies only to DSNs that indicate delivery failure for
 * at least one recipient"; of others "only the headers" are returned.
 */
int
bounce_is_whole(const struct bounce *b)
{
	return b->env->ret == Q_RET_FULL && is_to_sender(b) && says(b, ACTION_FAILED) &&
	    b->env->length - b->env->final <= BOUNCE_WHOLE_MAX;
}

void
bounce_text(const struct bounce *b, struct buf *out, uint32_t *forward_r,
    uint32_t *final_r)
{
	struct buf report = BUF_INIT(BOUNCE_MAX);
	size_t left = put_report(b, &report);

	put_head(b, out, forward_r, final_r);
	put_people(b, left, out);
	buf_append(out, report.data, report.len);
	buf_clear(&report);
}
