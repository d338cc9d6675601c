/*
 * DKIM: what logins and local programs send is signed for the domain of its
 * From where they may use that address, else for that of the envelope's sender,
 * by each active key of that domain. What has none, and what strangers send,
 * goes as it is. Where signer does not answer it is later: a domain that has a
 * key is not sent for without it.
 */
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "lib/base/str.h"
#include "lib/link/sign.h"
#include "lib/mail/header.h"
#include "smtpd/smtpd_check.h"
#include "smtpd/smtpd_local.h"

static const struct smtp_verdict fine = { .outcome = VERDICT_PASS },
    unread = { .outcome = VERDICT_LATER, .refusal = { .words =
	"the tables cannot be read, try again later" } },
    unsigned_yet = { .outcome = VERDICT_LATER, .refusal = { .words =
	"the message cannot be signed now, try again later" } };

/* The message that is under way; of a worker's one client. */
static struct {
	int	 on;
	struct address who;	/* its domain signs */
	struct tables_key key[TABLES_KEYS_MAX];
	unsigned n;
	int64_t	 time;
	struct dkim_message message;
	struct buf value[TABLES_KEYS_MAX];
	struct smtp_verdict note[TABLES_KEYS_MAX];
} signing;

static int
first_entry(const struct address_entry *e, void *arg)
{
	return e->bad || address_parse(arg, e->text, e->len) != ADDRESS_OK ?
	    -1 : 1;
}

/* The first address of From. 0: none that could have a key. */
static int
from_of(const struct smtp_case *c, struct address *a)
{
	struct header_field f;

	return header_find(c->text, c->len, "From", &f) &&
	    address_list(f.value, f.value_len, first_entry, a) == 1 &&
	    a->at < a->len && !a->literal;
}

static enum lookup
owns(const struct smtp_session *s, const struct address *a)
{
	if (s->service != SERVICE_LOCAL)
		return tables_owns(smtpd.tables, s->login, a->text);
	return smtpd_local_owns(s, a->text) ? LOOKUP_FOUND : LOOKUP_ABSENT;
}

/* As whom it is signed. ABSENT: as nobody. */
static enum lookup
choose(const struct smtp_session *s, const struct smtp_case *c)
{
	struct address *a = &signing.who;
	enum lookup r = from_of(c, a) ? owns(s, a) : LOOKUP_ABSENT;

	/* The sender was judged at MAIL. */
	if (r == LOOKUP_ABSENT && s->env.sender[0] != '\0' &&
	    address_parse(a, s->env.sender, strlen(s->env.sender)) ==
	    ADDRESS_OK && a->at < a->len && !a->literal)
		r = LOOKUP_FOUND;
	if (r != LOOKUP_FOUND)
		return r;
	return tables_keys(smtpd.tables, a->text + a->at + 1, signing.key,
	    &signing.n);
}

static struct dkim_name
name_of(unsigned i)
{
	return (struct dkim_name){
		.domain = signing.who.text + signing.who.at + 1,
		.selector = signing.key[i].selector,
		.algorithm = signing.key[i].algorithm,
		.time = signing.time };
}

static void
put_value(unsigned i, const void *signature, size_t len)
{
	struct dkim_name n = name_of(i);

	signing.value[i].max = DKIM_VALUE_MAX;
	buf_reset(&signing.value[i]);
	dkim_value(&signing.message, &n, signature, len, &signing.value[i]);
}

/* Octets that the fields will have in the head. */
static size_t
room(void)
{
	static const unsigned char nothing[DKIM_SIGNATURE_MAX];
	size_t sum = 0;
	unsigned i;

	for (i = 0; i < signing.n; i++) {
		put_value(i, nothing, signing.key[i].size);
		sum += sizeof(DKIM_FIELD ": \r\n") - 1 + signing.value[i].len;
	}
	return sum;
}

static void
stop(void)
{
	if (signing.on)
		dkim_message_clear(&signing.message);
	signing.on = 0;
}

struct smtp_verdict
check_sign_header(struct smtp_session *s, struct smtp_case *c)
{
	stop();
	if (!smtpd_is_ours(s))
		return fine;
	switch (choose(s, c)) {
	case LOOKUP_FOUND:
		break;
	case LOOKUP_ABSENT:
		return fine;
	default:
		return unread;
	}
	signing.on = 1;
	signing.time = clock_now();
	dkim_message_init(&signing.message, DKIM_RELAXED, DKIM_RELAXED);
	if (dkim_message_header(&signing.message, c->added, c->text,
	    c->len) == -1) {
		log_warn("client %s: too many fields to be signed", s->remote);
		stop();
		return fine;
	}
	c->room_r += room();
	return fine;
}

struct smtp_verdict
check_sign_body(struct smtp_session *s, struct smtp_case *c)
{
	if (signing.on)
		dkim_message_body(&signing.message, c->text, c->len);
	return fine;
}

/* The field of that key, as a note. 0, or -1: it cannot be had now. */
static int
sign_one(const struct smtp_session *s, unsigned i)
{
	struct dkim_name n = name_of(i);
	unsigned char hash[DKIM_HASH];
	const struct sign_question q = { .address = signing.who.text,
		.selector = n.selector, .hash = hash,
		.client = s->service == SERVICE_LOCAL ? s->io.fd : -1 };
	struct signature signature;

	dkim_hash(&signing.message, &n, hash);
	if (sign_ask(&q, &signature) != SIGN_DONE)
		return -1;
	put_value(i, signature.octets, signature.len);
	signing.note[i] = (struct smtp_verdict){ .outcome = VERDICT_NOTE,
		.field = DKIM_FIELD, .value = buf_str(&signing.value[i]),
		.more = i + 1 < signing.n ? &signing.note[i + 1] : NULL };
	return 0;
}

struct smtp_verdict
check_sign_end(struct smtp_session *s, struct smtp_case *c)
{
	struct smtp_verdict v = fine;
	unsigned i;

	if (!signing.on)
		return fine;
	dkim_message_end(&signing.message);
	for (i = 0; i < signing.n && v.outcome == VERDICT_PASS; i++)
		if (sign_one(s, i) == -1)
			v = unsigned_yet;
	stop();
	return v.outcome == VERDICT_PASS ? signing.note[0] : v;
}
