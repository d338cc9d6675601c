/* Who may send, and to whom. */
#include "lib/base/log.h"
#include "lib/base/str.h"
#include "smtpd/smtpd_check.h"
#include "smtpd/smtpd_local.h"

static const struct smtp_verdict fine = { .outcome = VERDICT_PASS },
    later = { VERDICT_LATER, { 0, NULL,
	"the tables cannot be read, try again later" }, NULL, NULL, NULL,
	NULL };

/* Some accounts read and do not write. */
static struct smtp_verdict
judge_right(struct smtp_session *s)
{
	static const struct smtp_verdict
	    silent = SMTP_REFUSE(550, "5.7.1", "this account may not send");
	static struct buf name = BUF_INIT(ADDRESS_MAX);
	static struct buf list = BUF_INIT(0);
	struct tables_user u;

	if (s->login[0] == '\0' || s->trusted)
		return fine;
	buf_reset(&name);
	if (s->service != SERVICE_LOCAL)
		buf_puts(&name, s->login);
	else if (smtpd_local_account(s, &name, &list) == LOOKUP_ERROR)
		return later;
	switch (name.len == 0 ? LOOKUP_ABSENT :
	    tables_user(smtpd.tables, buf_str(&name), &u)) {
	case LOOKUP_FOUND:
		return u.flags & TABLES_SILENT ? silent : fine;
	case LOOKUP_ABSENT:
		return fine;
	default:
		return later;
	}
}

/* May this client use that sender? */
struct smtp_verdict
check_sender(struct smtp_session *s, struct smtp_case *c)
{
	static const struct smtp_verdict
	    foreign = SMTP_REFUSE(553, "5.7.1", "that sender is not yours"),
	    bare = SMTP_REFUSE(501, "5.1.7", "a sender needs a domain");
	static const struct smtp_verdict stranger = { VERDICT_LATER, { 0, NULL,
	    "your user id has no name in /etc/passwd" }, NULL, NULL, NULL,
	    NULL };
	const struct address *a = c->address;
	struct smtp_verdict may;

	if (s->nameless) {
		log_info("client %s: %s has no name in /etc/passwd",
		    s->remote, s->login);
		return stranger;
	}
	may = judge_right(s);
	if (may.outcome != VERDICT_PASS)
		return may;
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

/* RFC 1870 6.2: what its quota, or its domain's, could never hold need not come at all. */
static struct smtp_verdict
judge_size(const char *name, uint64_t size)
{
	static const struct smtp_verdict
	    never = SMTP_REFUSE(552, "5.2.3", "larger than the mailbox may be");
	const char *at = strrchr(name, '@');
	struct tables_user u;
	struct tables_sum s;

	if (size == 0)
		return fine;
	if (at == NULL ||
	    tables_user(smtpd.tables, name, &u) != LOOKUP_FOUND ||
	    tables_sum(smtpd.tables, at + 1, &s) != LOOKUP_FOUND)
		return later;
	return (u.quota_size != 0 && size > u.quota_size) ||
	    (s.size != 0 && size > s.size) ? never : fine;
}

static struct smtp_verdict
judge_account(const char *name, uint64_t size)
{
	static const struct smtp_verdict
	    full = SMTP_REFUSE(452, "4.2.2", "the mailbox is full");

	switch (tables_full(smtpd.tables, name)) {
	case LOOKUP_ABSENT:
		return judge_size(name, size);
	case LOOKUP_FOUND:
		return full;
	default:
		return later;
	}
}

/*
 * Cron and its like write to the user they run for, and other hosts report to
 * whom a program here sent as: mail for a system user without a mailbox or an
 * alias is for postmaster. What else a stranger sends there is not, and no
 * stranger can ask for the users of other domains or of system services. Where
 * there may be a new user the next worker knows.
 */
static struct smtp_verdict
judge_absent(struct smtp_session *s, struct smtp_case *c)
{
	static const struct smtp_verdict
	    absent = SMTP_REFUSE(550, "5.1.1", "no such mailbox"),
	    changed = { VERDICT_LATER, { 0, NULL,
		"the password file has changed, come again" }, NULL, NULL,
		NULL, NULL };
	const struct address *a = c->address;
	int outside = s->service != SERVICE_LOCAL;

	if (outside && (smtpd_is_ours(s) || s->env.sender[0] != '\0' ||
	    a->at == a->len ||
	    str_casecmp(a->text + a->at + 1, smtpd.hostname) != 0))
		return absent;
	if (!smtpd_local_current()) {
		server_retire();
		return changed;
	}
	c->postmaster_r = smtpd_local_names(a->text, a->at, outside);
	return c->postmaster_r ? fine : absent;
}

/* Is there such a mailbox, and may this client send to it? */
struct smtp_verdict
check_recipient(struct smtp_session *s, struct smtp_case *c)
{
	static const struct smtp_verdict
	    denied = SMTP_REFUSE(550, "5.7.1", "relaying denied"),
	    literal = SMTP_REFUSE(550, "5.1.2", "no mail to an address literal");
	static struct buf name = BUF_INIT(ADDRESS_MAX);
	static struct buf list = BUF_INIT(0);
	const struct address *a = c->address;

	c->local_r = 1;
	switch (tables_address(smtpd.tables, a->text, &name, &list)) {
	case TABLES_USER:
		return judge_account(buf_str(&name), s->env.size);
	case TABLES_ALIAS:
		return fine;
	case TABLES_ABSENT:
		return judge_absent(s, c);
	case TABLES_REMOTE:
		c->local_r = 0;
		/* The only door to relaying: no address range opens it. */
		if (!smtpd_is_ours(s))
			return denied;
		return a->literal ? literal : fine;
	default:
		return later;
	}
}
