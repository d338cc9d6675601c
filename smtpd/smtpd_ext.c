#include <inttypes.h>
#include <string.h>

#include "lib/base/str.h"
#include "lib/mail/dsn.h"
#include "lib/mail/proto.h"
#include "smtpd/smtpd_ext.h"

/* Parameters of one command: more than all rows know. */
enum { SEEN_MAX = 16 };

static const struct smtp_refusal fine = { 0, NULL, NULL },
    bad = { 501, "5.5.4", "bad parameter" },
    unknown = { 555, "5.5.4", "parameter not supported" },
    too_big = { 552, "5.3.4", "the message is too big" };

static int
offers_tls(const struct smtp_session *s)
{
	return smtpd.tls != NULL && s->tls[0] == '\0' &&
	    s->service != SERVICE_LOCAL;
}

static int
offers_auth(const struct smtp_session *s)
{
	return smtpd_takes_login(s) && s->tls[0] != '\0';
}

static void
size_arguments(struct buf *out)
{
	buf_printf(out, "%" PRIu64, smtpd.conf.message_size);
}

static void
auth_arguments(struct buf *out)
{
	buf_puts(out, "PLAIN LOGIN");
}

/* RFC 1870 section 6.1: 1*20DIGIT */
static struct smtp_refusal
param_size(const struct smtp_param *p, struct smtp_params *to)
{
	if (p->value == NULL || str_number(p->value, p->value_len,
	    UINT64_MAX, &to->size) == -1)
		return bad;
	return to->size > smtpd.conf.message_size ? too_big : fine;
}

/*
 * RFC 6152: what is in the message counts for us; what was said goes with the
 * envelope.
 */
static struct smtp_refusal
param_body(const struct smtp_param *p, struct smtp_params *to)
{
	if (p->value == NULL)
		return bad;
	if (str_is(p->value, p->value_len, "7BIT"))
		to->options.body = Q_BODY_7BIT;
	else if (str_is(p->value, p->value_len, "8BITMIME"))
		to->options.body = Q_BODY_8BITMIME;
	else
		return bad;
	return fine;
}

/*
 * RFC 4954 section 5: AUTH=<xtext mailbox or "<>">. It is checked and, coming
 * from an untrusted client, not believed.
 */
static struct smtp_refusal
param_auth(const struct smtp_param *p, struct smtp_params *to)
{
	return p->value != NULL && xtext_is(p->value, p->value_len) ? fine :
	    bad;
}

/* RFC 3461 4.3 */
static struct smtp_refusal
param_ret(const struct smtp_param *p, struct smtp_params *to)
{
	return p->value != NULL && dsn_ret(p->value, p->value_len,
	    &to->options.ret) == 0 ? fine : bad;
}

/* 4.4: it stays as it was given, for a report and for the next host. */
static struct smtp_refusal
param_envid(const struct smtp_param *p, struct smtp_params *to)
{
	if (p->value == NULL || !dsn_envid_is(p->value, p->value_len))
		return bad;
	memcpy(to->options.envid, p->value, p->value_len);
	to->options.envid[p->value_len] = '\0';
	return fine;
}

/* 4.1 */
static struct smtp_refusal
param_notify(const struct smtp_param *p, struct smtp_params *to)
{
	return p->value != NULL && dsn_notify(p->value, p->value_len,
	    &to->recipient.notify) == 0 ? fine : bad;
}

/* 4.2 */
static struct smtp_refusal
param_orcpt(const struct smtp_param *p, struct smtp_params *to)
{
	if (p->value == NULL || !dsn_orcpt_is(p->value, p->value_len))
		return bad;
	to->recipient.orcpt = p->value;
	to->recipient.orcpt_len = p->value_len;
	return fine;
}

const struct smtp_ext smtp_exts[] = {
	{ .keyword = "PIPELINING" },
	{ .keyword = "SIZE", .arguments = size_arguments,
	    .mail = { { "SIZE", param_size } } },
	{ .keyword = "8BITMIME", .mail = { { "BODY", param_body } } },
	{ .keyword = "STARTTLS", .offered = offers_tls, .verb = "STARTTLS" },
	{ .keyword = "AUTH", .offered = offers_auth,
	    .arguments = auth_arguments, .taken = 1, .verb = "AUTH",
	    .mail = { { "AUTH", param_auth } } },
	{ .keyword = "DSN",
	    .mail = { { "RET", param_ret }, { "ENVID", param_envid } },
	    .rcpt = { { "NOTIFY", param_notify }, { "ORCPT", param_orcpt } } },
	{ .keyword = "ENHANCEDSTATUSCODES" },
	{ .keyword = NULL }
};

static int
is_offered(const struct smtp_ext *e, const struct smtp_session *s)
{
	return e->offered == NULL || e->offered(s);
}

/* The next row that is offered, or the end. */
static const struct smtp_ext *
next_offered(const struct smtp_ext *e, const struct smtp_session *s)
{
	while (e->keyword != NULL && !is_offered(e, s))
		e++;
	return e;
}

void
smtp_ext_hello(struct smtp_session *s)
{
	const struct smtp_ext *e = next_offered(smtp_exts, s), *next;
	struct buf line = BUF_INIT(500);

	for (; e->keyword != NULL; e = next) {
		next = next_offered(e + 1, s);
		buf_reset(&line);
		buf_puts(&line, e->keyword);
		if (e->arguments != NULL) {
			buf_putc(&line, ' ');
			e->arguments(&line);
		}
		stream_printf(&s->io, "250%c%s\r\n",
		    next->keyword != NULL ? '-' : ' ', buf_str(&line));
	}
	buf_clear(&line);
}

void
smtp_ext_verbs(const struct smtp_session *s, struct buf *out)
{
	const struct smtp_ext *e;

	for (e = smtp_exts; e->keyword != NULL; e++)
		if (e->verb != NULL && is_offered(e, s))
			buf_printf(out, " %s", e->verb);
}

/* The next word, taken apart: its length, 0 at the end. */
static size_t
take_param(const char *p, size_t len, struct smtp_param *r)
{
	const char *eq;
	size_t n = 0;

	while (n < len && p[n] != ' ' && p[n] != '\t')
		n++;
	eq = memchr(p, '=', n);
	r->key = p;
	r->key_len = eq != NULL ? (size_t)(eq - p) : n;
	r->value = eq != NULL ? eq + 1 : NULL;
	r->value_len = eq != NULL ? n - r->key_len - 1 : 0;
	return n;
}

/* The row of that name, among those that are taken; NULL: none. */
static const struct smtp_param_row *
find_param(const struct smtp_session *s, int rcpt, const struct smtp_param *p)
{
	const struct smtp_param_row *row;
	const struct smtp_ext *e;
	unsigned i;

	for (e = smtp_exts; e->keyword != NULL; e++) {
		row = rcpt ? e->rcpt : e->mail;
		for (i = 0; i < EXT_PARAMS_MAX && row[i].name != NULL; i++)
			if (str_is(p->key, p->key_len, row[i].name))
				return e->taken || is_offered(e, s) ?
				    &row[i] : NULL;
	}
	return NULL;
}

struct smtp_refusal
smtp_ext_params(const struct smtp_session *s, int rcpt, const char *p,
    size_t len, struct smtp_params *p_r)
{
	const struct smtp_param_row *row, *seen[SEEN_MAX];
	struct smtp_refusal r;
	struct smtp_param one;
	unsigned n_seen = 0, i;
	size_t n;

	memset(p_r, 0, sizeof(*p_r));
	/* What follows ">" at once is not a parameter. */
	if (len > 0 && *p != ' ' && *p != '\t')
		return bad;
	for (;; p += n, len -= n) {
		for (; len > 0 && (*p == ' ' || *p == '\t'); len--)
			p++;
		if ((n = take_param(p, len, &one)) == 0)
			return fine;
		if ((row = find_param(s, rcpt, &one)) == NULL)
			return unknown;
		for (i = 0; i < n_seen && seen[i] != row;)
			i++;
		if (i < n_seen || n_seen == SEEN_MAX)
			return bad;
		seen[n_seen++] = row;
		r = row->parse(&one, p_r);
		if (r.code != 0)
			return r;
	}
}
