/*
 * MAIL and RCPT: who may send, and to whom.
 */
#include <stdio.h>
#include <string.h>

#include "lib/base/log.h"
#include "lib/base/str.h"
#include "lib/link/submit.h"
#include "smtpd/smtpd_check.h"
#include "smtpd/smtpd_command.h"
#include "smtpd/smtpd_ext.h"

/*
 * Takes "FROM:<path>" (or TO:) apart. Blanks after the colon are against RFC
 * 5321 3.3 but common, and so is a path without brackets. Returns the refusal; *rest_r is what follows the path.
 */
static struct smtp_refusal
take_path(const struct smtp_args *a, const char *word, struct address *addr,
    const char **rest_r, size_t *rest_len_r)
{
	const char *sender = "5.1.7", *rcpt = "5.1.3";
	struct smtp_refusal r = { 501, *word == 'F' ? sender : rcpt, NULL };
	const char *p = a->text, *end = p + a->len;
	size_t n = strlen(word), used;
	enum address_result got;

	if (a->len < n || str_ncasecmp(p, word, n) != 0) {
		r.status = "5.5.4";
		r.words = *word == 'F' ? "syntax: MAIL FROM:<address>" :
		    "syntax: RCPT TO:<address>";
		return r;
	}
	for (p += n; p < end && *p == ' ';)
		p++;
	got = address_path(addr, p, (size_t)(end - p), &used);
	if (got == ADDRESS_UTF8 || (got == ADDRESS_OK && addr->was_utf8))
		return (struct smtp_refusal){ 553, "5.6.7",
		    "SMTPUTF8 was not offered" };
	*rest_r = p + used;
	*rest_len_r = (size_t)(end - p) - used;
	if (got == ADDRESS_OK)
		r.code = 0;
	r.words = address_words(got);
	return r;
}

void
cmd_mail(struct smtp_session *s, const struct smtp_args *args)
{
	struct smtp_params params;
	struct smtp_refusal r;
	struct address a;
	struct smtp_case c = { .address = &a };
	const char *rest;
	size_t len;

	r = take_path(args, "FROM:", &a, &rest, &len);
	if (r.code == 0)
		r = smtp_ext_params(s, 0, rest, len, &params);
	if (r.code == 0) {
		/* One look at them per transaction. */
		tables_refresh(smtpd.tables);
		r = smtp_check(s, STAGE_MAIL, &c);
	}
	if (r.code != 0) {
		if (r.code == 553)
			log_info("client %s%s%s: sender <%s> refused",
			    s->remote, s->login[0] ? " login " : "",
			    s->login, a.text);
		smtp_refuse(s, &r);
		return;
	}
	memcpy(s->env.sender, a.text, a.len + 1);
	s->env.size = params.size;
	s->env.options = params.options;
	s->state = SMTP_MAIL;
	/* By DATA the file will be here: no time is lost in waiting. */
	submit_ask();
	smtp_reply(s, 250, "2.1.0", "sender ok");
}

/* True if the packed list (of QF_RECIPIENTS) holds the address already. */
static int
has_recipient(const struct buf *list, const char *text, size_t len)
{
	struct packed_recipient r;
	struct cursor c;

	cursor_init(&c, list->data, list->len);
	while (packed_recipient(&c, &r) == 1)
		if (r.len == len && memcmp(r.address, text, len) == 0)
			return 1;
	return 0;
}

static void
add_recipient(struct smtp_envelope *e, const struct address *a, int local,
    struct packed_recipient *r)
{
	r->address = a->text;
	r->len = a->len;
	if (e->n++ == 0)
		memcpy(e->first, a->text, a->len + 1);
	/* Bounded by their number. */
	(void)packed_put_recipient(&e->recipients, r);
	if (local)
		buf_put_lv(&e->local, a->text, a->len);
}

/* The postmaster of the recipient's domain instead of the recipient. */
static void
take_postmaster(struct address *a)
{
	char text[sizeof("postmaster") + ADDRESS_MAX];

	snprintf(text, sizeof(text), "postmaster%s", a->text + a->at);
	if (address_parse(a, text, strlen(text)) != ADDRESS_OK)
		log_warn("%s: no address", text);
}

void
cmd_rcpt(struct smtp_session *s, const struct smtp_args *args)
{
	static const struct smtp_refusal
	    many = { 452, "4.5.3", "too many recipients" },
	    null = { 501, "5.1.3", "a recipient needs an address" };
	struct smtp_params params;
	struct smtp_refusal r;
	struct address a;
	struct smtp_case c = { .address = &a };
	const char *rest;
	size_t len;
	int known = 0;

	r = take_path(args, "TO:", &a, &rest, &len);
	if (r.code == 0 && a.len == 0)
		r = null;
	if (r.code == 0)
		r = smtp_ext_params(s, 1, rest, len, &params);
	if (r.code == 0)
		known = has_recipient(&s->env.recipients, a.text, a.len);
	if (r.code == 0 && !known)
		r = s->env.n >= RECIPIENTS_MAX ? many :
		    smtp_check(s, STAGE_RCPT, &c);
	if (r.code != 0) {
		if (r.code == 550)
			log_info("client %s: <%s> to <%s> refused: %s %s",
			    s->remote, s->env.sender, a.text, r.status,
			    r.words);
		smtp_refuse(s, &r);
		/* RFC 5321 4.5.3.1.10: it may well go on to DATA with those
		   that were taken. */
		if (strcmp(r.status, many.status) == 0 &&
		    s->env.over++ < RECIPIENTS_MAX)
			s->junk--;
		return;
	}
	if (c.postmaster_r) {
		take_postmaster(&a);
		known = has_recipient(&s->env.recipients, a.text, a.len);
	}
	if (!known)
		add_recipient(&s->env, &a, c.local_r, &params.recipient);
	s->state = SMTP_RCPT;
	smtp_reply(s, 250, "2.1.5", "recipient ok");
}
