/*
 * MAIL and RCPT: who may send, and to whom.
 */
#include <string.h>

#include "lib/base/log.h"
#include "lib/base/str.h"
#include "lib/link/submit.h"
#include "smtpd/smtpd_command.h"
#include "smtpd/smtpd_local.h"
#include "smtpd/smtpd_params.h"

static const struct smtp_refusal later = { 451, "4.3.0",
	"the tables cannot be read, try again later" };

/*
 * Takes "FROM:<path>" (or TO:) apart. A blank behind the colon is against RFC
 * 5321 3.3 but common. Answers the refusal; *rest_r is behind the path.
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

/* May this client use that sender? */
static struct smtp_refusal
judge_sender(struct smtp_session *s, const struct address *a)
{
	static const struct smtp_refusal fine = { 0, NULL, NULL },
	    foreign = { 553, "5.7.1", "that sender is not yours" },
	    bare = { 501, "5.1.7", "a sender needs a domain" };

	if (a->len == 0)
		return fine;
	if (a->at == a->len)
		return bare;
	if (s->service == SERVICE_LOCAL)
		return smtpd_local_owns(s, a->text) ? fine : foreign;
	if (s->login[0] == '\0')
		return fine;
	switch (tables_owns(smtpd.tables, s->login, a->text)) {
	case LOOKUP_FOUND:
		return fine;
	case LOOKUP_ABSENT:
		return foreign;
	default:
		return later;
	}
}

void
cmd_mail(struct smtp_session *s, const struct smtp_args *args)
{
	struct smtp_params params;
	struct smtp_refusal r;
	struct address a;
	const char *rest;
	size_t len;

	r = take_path(args, "FROM:", &a, &rest, &len);
	if (r.code == 0)
		r = smtp_params_parse(rest, len, 0, smtpd_takes_login(s),
		    smtpd.conf.message_size, &params);
	if (r.code == 0) {
		/* One look for the whole transaction. */
		tables_refresh(smtpd.tables);
		r = judge_sender(s, &a);
	}
	if (r.code != 0) {
		if (r.code == 553)
			log_info("client %s%s%s: sender <%s> refused",
			    s->remote, s->login[0] ? " login " : "",
			    s->login, a.text);
		smtp_refuse(s, &r);
		return;
	}
	smtp_reset(s);
	memcpy(s->env.sender, a.text, a.len + 1);
	s->env.size = params.size;
	s->state = SMTP_MAIL;
	/* By DATA the file will be here: no time is lost in waiting. */
	submit_ask();
	smtp_reply(s, 250, "2.1.0", "sender ok");
}

/* True if the packed list (of QF_RECIPIENTS) holds the address already. */
static int
has_recipient(const struct buf *list, const char *text, size_t len)
{
	struct cursor c;
	const char *p;
	size_t n;

	cursor_init(&c, list->data, list->len);
	while (cursor_left(&c) > 0) {
		p = cursor_lv(&c, &n, ADDRESS_MAX);
		if (n == len && p != NULL && memcmp(p, text, n) == 0)
			return 1;
		(void)cursor_lv(&c, &n, ADDRESS_MAX);
		(void)cursor_u32(&c);
	}
	return 0;
}

/* RFC 1870 6.2: what its quota could never hold need not come at all. */
static struct smtp_refusal
judge_size(const char *name, uint64_t size)
{
	static const struct smtp_refusal fine = { 0, NULL, NULL },
	    never = { 552, "5.2.3", "larger than the mailbox may be" };
	struct tables_user u;

	if (size == 0)
		return fine;
	if (tables_user(smtpd.tables, name, &u) != LOOKUP_FOUND)
		return later;
	return u.quota_size != 0 && size > u.quota_size ? never : fine;
}

static struct smtp_refusal
judge_account(const char *name, uint64_t size)
{
	static const struct smtp_refusal
	    full = { 452, "4.2.2", "the mailbox is full" };

	switch (tables_full(smtpd.tables, name)) {
	case LOOKUP_ABSENT:
		return judge_size(name, size);
	case LOOKUP_FOUND:
		return full;
	default:
		return later;
	}
}

/* Is there such a mailbox, and may this client send to it? */
static struct smtp_refusal
judge_recipient(struct smtp_session *s, const struct address *a, int *local_r)
{
	static const struct smtp_refusal fine = { 0, NULL, NULL },
	    absent = { 550, "5.1.1", "no such mailbox" },
	    denied = { 550, "5.7.1", "relaying denied" },
	    literal = { 550, "5.1.2", "no mail to an address literal" };
	static struct buf name = BUF_INIT(ADDRESS_MAX);
	static struct buf list = BUF_INIT(0);

	*local_r = 1;
	switch (tables_address(smtpd.tables, a->text, &name, &list)) {
	case TABLES_USER:
		return judge_account(buf_str(&name), s->env.size);
	case TABLES_ALIAS:
		return fine;
	case TABLES_ABSENT:
		return absent;
	case TABLES_REMOTE:
		*local_r = 0;
		/* The only door to relaying: no address range opens it. */
		if (!smtpd_is_ours(s))
			return denied;
		return a->literal ? literal : fine;
	default:
		return later;
	}
}

static void
add_recipient(struct smtp_envelope *e, const struct address *a, int local)
{
	const struct submit_recipient r = { .address = a->text,
		.len = a->len };

	if (e->n++ == 0)
		memcpy(e->first, a->text, a->len + 1);
	/* Bounded by their number. */
	(void)submit_add(&e->recipients, &r);
	if (local)
		buf_put_lv(&e->local, a->text, a->len);
}

void
cmd_rcpt(struct smtp_session *s, const struct smtp_args *args)
{
	static const struct smtp_refusal
	    many = { 452, "4.5.3", "too many recipients" },
	    null = { 501, "5.1.3", "nobody there" };
	struct smtp_params params;
	struct smtp_refusal r;
	struct address a;
	const char *rest;
	size_t len;
	int local = 0, known = 0;

	r = take_path(args, "TO:", &a, &rest, &len);
	if (r.code == 0 && a.len == 0)
		r = null;
	if (r.code == 0)
		r = smtp_params_parse(rest, len, 1, 0, 0, &params);
	if (r.code == 0)
		known = has_recipient(&s->env.recipients, a.text, a.len);
	if (r.code == 0 && !known)
		r = s->env.n >= RECIPIENTS_MAX ? many :
		    judge_recipient(s, &a, &local);
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
	if (!known)
		add_recipient(&s->env, &a, local);
	s->state = SMTP_RCPT;
	smtp_reply(s, 250, "2.1.5", "recipient ok");
}
