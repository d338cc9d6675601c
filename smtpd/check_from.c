/*
 * sender_header = owned: what a login sends says that it is from the login. The
 * rule for an address is that for the envelope's sender (tables_owns). From,
 * and Sender where it stands (RFC 5322 3.6.2), name nobody else; what two
 * programs may read differently names who knows whom. Without a From nobody is
 * named.
 *
 * A message that is sent on by hand keeps its author (RFC 5322 3.6.6): where the
 * first Resent-From is the login's, From and Sender may be of a domain that is
 * not ours. For our own it would be a way around the rule, and so it would for
 * those that DMARC takes for it: one below ours, or above the sender's (RFC 7489
 * 3.1).
 */
#include <stdio.h>
#include <string.h>

#include "lib/base/str.h"
#include "lib/mail/header.h"
#include "smtpd/smtpd_author.h"
#include "smtpd/smtpd_check.h"

static const struct smtp_verdict fine = { .outcome = VERDICT_PASS },
    unread = { .outcome = VERDICT_LATER, .refusal = { .words =
	"the tables cannot be read, try again later" } };

/* What a refusal says; of a worker's one client. */
static char said[RESULT_WORDS_MAX];

/* The three fields that count, and how often each was there. */
enum { FROM, SENDER, RESENT, FIELDS };
static const char *const names[FIELDS] = { "From", "Sender", "Resent-From" };

struct look {
	const struct smtp_session *s;
	struct header_field field[FIELDS];
	unsigned n[FIELDS];
	int	 far;		/* other people's addresses may stand there */
	unsigned addresses;
	char	 foreign[ADDRESS_MAX + 1];	/* whose it is not */
};

enum { IS_FOREIGN = 1, IS_UNKNOWN };	/* of an address, by author_list */

static struct smtp_verdict
refusal(void)
{
	return (struct smtp_verdict)SMTP_REFUSE(550, "5.7.1", said);
}

static struct smtp_verdict
refuse_odd(const char *name)
{
	snprintf(said, sizeof(said), "%s can be read in more than one way, "
	    "which sender_header = owned forbids: one field, names in quotes",
	    name);
	return refusal();
}

static struct smtp_verdict
refuse_foreign(const struct look *l, const char *name)
{
	snprintf(said, sizeof(said), "%s: %s is not an address of %s, and "
	    "sender_header is owned", name, l->foreign, l->s->login);
	return refusal();
}

/* An address as it was given, for people. */
static int
foreign(struct look *l, const char *p, size_t len)
{
	size_t i;

	if (len > sizeof(l->foreign) - 1)
		len = sizeof(l->foreign) - 1;
	for (i = 0; i < len; i++)
		l->foreign[i] = p[i] > ' ' && p[i] < 0x7f ? p[i] : '?';
	l->foreign[len] = '\0';
	return IS_FOREIGN;
}

/* Is the domain above the one that vouches for the message? */
static int
is_above(const struct smtp_session *s, const char *domain)
{
	const char *p = strrchr(s->env.sender, '@');

	/* For the null sender the name of the host does. */
	for (p = p != NULL ? p + 1 : smtpd.hostname; p != NULL;
	    p = strchr(p, '.')) {
		p += *p == '.';
		if (str_casecmp(p, domain) == 0)
			return 1;
	}
	return 0;
}

/* Is it ours, or might DMARC take it for ours? */
static enum lookup
is_near(const struct look *l, const char *domain)
{
	enum lookup r = LOOKUP_ABSENT;
	const char *p;

	if (is_above(l->s, domain))
		return LOOKUP_FOUND;
	for (p = domain; r == LOOKUP_ABSENT && p != NULL; p = strchr(p, '.')) {
		p += *p == '.';
		r = tables_domain(smtpd.tables, p, NULL);
	}
	return r;
}

static int
look_at(const char *p, size_t len, void *arg)
{
	struct look *l = arg;
	struct address a;

	l->addresses++;
	if (address_parse(&a, p, len) != ADDRESS_OK || a.at == a.len)
		return foreign(l, p, len);
	switch (tables_owns(smtpd.tables, l->s->login, a.text)) {
	case LOOKUP_FOUND:
		return 0;
	case LOOKUP_ABSENT:
		break;
	default:
		return IS_UNKNOWN;
	}
	if (!l->far)
		return foreign(l, p, len);
	switch (is_near(l, a.text + a.at + 1)) {
	case LOOKUP_FOUND:
		return foreign(l, p, len);
	case LOOKUP_ABSENT:
		return 0;
	default:
		return IS_UNKNOWN;
	}
}

static struct smtp_verdict
judge(struct look *l, unsigned i)
{
	const struct header_field *f = &l->field[i];

	l->addresses = 0;
	switch (author_list(f->value, f->value_len, look_at, l)) {
	case AUTHORS_READ:
		return l->addresses > 0 ? fine : refuse_odd(names[i]);
	case IS_FOREIGN:
		return refuse_foreign(l, names[i]);
	case IS_UNKNOWN:
		return unread;
	default:
		return refuse_odd(names[i]);
	}
}

/*
 * A line that is no field to us, but may be one to others: "<blank>From:" at the
 * top, a control octet in the name.
 */
static int
resembles(const struct header_field *f, const char *name)
{
	const char *p = f->p, *end = p + f->len;
	size_t len = strlen(name);

	while (p < end && (unsigned char)*p <= ' ' && *p != '\n')
		p++;
	if ((size_t)(end - p) <= len || str_ncasecmp(p, name, len) != 0)
		return 0;
	for (p += len; p < end && (unsigned char)*p <= ' ' && *p != '\n';)
		p++;
	return p < end && *p == ':';
}

/* The fields; which of them is there in another shape; FIELDS: none. */
static unsigned
gather(struct look *l, const struct smtp_case *c)
{
	struct header_field f;
	struct header h;
	unsigned i;

	header_init(&h, c->text, c->len);
	while (header_next(&h, &f))
		for (i = 0; i < FIELDS; i++) {
			if (f.name_len == 0 && resembles(&f, names[i]))
				return i;
			if (header_is(&f, names[i]) && l->n[i]++ == 0)
				l->field[i] = f;
		}
	return FIELDS;
}

struct smtp_verdict
check_from(struct smtp_session *s, struct smtp_case *c)
{
	struct smtp_verdict v = fine;
	struct look l = { .s = s };
	unsigned odd;

	if (smtpd.conf.sender_any || s->service == SERVICE_LOCAL ||
	    s->login[0] == '\0')
		return fine;
	odd = gather(&l, c);
	if (odd == FIELDS && (l.n[FROM] > 1 || l.n[SENDER] > 1))
		odd = l.n[FROM] > 1 ? FROM : SENDER;
	if (odd != FIELDS)
		return refuse_odd(names[odd]);
	if (l.n[RESENT] > 0) {
		v = judge(&l, RESENT);
		l.far = 1;
	}
	if (v.outcome == VERDICT_PASS && l.n[FROM] > 0)
		v = judge(&l, FROM);
	if (v.outcome == VERDICT_PASS && l.n[SENDER] > 0)
		v = judge(&l, SENDER);
	return v;
}
