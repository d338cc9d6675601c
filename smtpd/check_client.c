/* Who connects, and how he says that he is called. */
#include <string.h>

#include "lib/base/log.h"
#include "lib/base/str.h"
#include "smtpd/smtpd_check.h"
#include "smtpd/smtpd_local.h"

static const struct smtp_verdict fine = { .outcome = VERDICT_PASS };

struct smtp_verdict
check_crowd(struct smtp_session *s, struct smtp_case *c)
{
	static const struct smtp_verdict crowded = SMTP_REFUSE(421, "4.7.0",
	    "too many connections from your address");

	if (!c->crowded)
		return fine;
	log_info("client %s: too many connections from there", s->remote);
	return crowded;
}

/*
 * Who a uid is may have changed since this worker read the password file, and
 * the jail lets it read no other: a new worker does.
 */
struct smtp_verdict
check_names(struct smtp_session *s, struct smtp_case *c)
{
	static const struct smtp_verdict changed = SMTP_REFUSE(421, "4.3.2",
	    "the password file has changed, come again");

	if (s->service != SERVICE_LOCAL || smtpd_local_current())
		return fine;
	server_retire();
	return changed;
}

/*
 * RFC 5321 3.1: the client waits for the greeting. What talks before it is no
 * mail server; a TLS hello or a browser ends here, too. Where TLS comes first
 * the client has to talk.
 */
struct smtp_verdict
check_early(struct smtp_session *s, struct smtp_case *c)
{
	static const struct smtp_verdict early = SMTP_REFUSE(554, "5.5.0",
	    "wait for the greeting");

	if (s->service == SERVICE_LOCAL || s->service == SERVICE_SUBMISSIONS ||
	    !stream_readable(&s->io))
		return fine;
	log_info("client %s talked before the greeting", s->remote);
	return early;
}

int
check_helo_octet(char c)
{
	c = (char)str_lower((unsigned char)c);
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
	    c == '.' || c == '-' || c == '_' || c == ':' || c == '[' ||
	    c == ']';
}

/*
 * RFC 5321 4.1.1.1 wants a domain or an address literal, but a machine says
 * what its owner called it ("My PC", "Anna's"): any name will do. It is told
 * in the Received field without what could break that (check_helo_octet).
 */
struct smtp_verdict
check_helo(struct smtp_session *s, struct smtp_case *c)
{
	static const struct smtp_verdict malformed = SMTP_REFUSE(501, "5.5.4",
	    "malformed host name");

	return c->len == 0 || c->len > HELO_MAX ? malformed : fine;
}
