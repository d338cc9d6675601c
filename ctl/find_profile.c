/*
 * Which profile fits, and why, in words.
 */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "ctl/find.h"
#include "lib/base/str.h"
#include "lib/base/words.h"

/* No way in. 1, or 0. */
static int
is_walled(const struct find_network *n, struct buf *reason)
{
	if (n->outer == FIND_OUTER_PROVIDER_NAT)
		buf_set(reason, _("The address %s is inside your provider's "
		    "network: no one reaches this machine from the Internet, "
		    "so mail has to be fetched from a provider."),
		    n->address);
	else if (n->outer == FIND_OUTER_DS_LITE)
		buf_set(reason, _("This connection is DS-Lite (%s): no one "
		    "reaches this machine from the Internet by IPv4, so mail "
		    "has to be fetched from a provider."), n->address);
	else if (n->outer == FIND_OUTER_NONE && n->ipv6_address[0] != '\0')
		buf_set(reason, _("This machine has no IPv4 address, only "
		    "%s: servers without IPv6 do not reach it, so mail has to "
		    "be fetched from a provider."), n->ipv6_address);
	else if (n->outer == FIND_OUTER_NONE)
		buf_set(reason, "%s", _("This machine has no address in a "
		    "network: mail has to be fetched from a provider, once it "
		    "has one."));
	else
		return 0;
	return 1;
}

/* Mail can come, but must go through a provider. 1, or 0. */
static int
is_mistrusted(const struct find_network *n, const struct find_domain *d,
    struct buf *reason)
{
	if (d != NULL && d->port25 == FIND_NO)
		buf_set(reason, _("Port 25 does not go out from here (%s: "
		    "%s), so mail has to leave through a provider."),
		    d->port25_host, d->port25_why);
	else if (d != NULL && d->port25 == FIND_YES && d->port25_why[0] != '\0')
		buf_set(reason, _("Port 25 goes out from here, but %s refuses "
		    "this machine (%s): others may, too, so mail leaves better "
		    "through a provider."), d->port25_host, d->port25_why);
	else if (n->outer == FIND_OUTER_NAT)
		buf_set(reason, _("This machine is behind a router (%s). Its "
		    "ports can be forwarded, but other servers seldom trust "
		    "the address of such a connection, so mail leaves better "
		    "through a provider."), n->address);
	else if (d != NULL && d->ptr == FIND_NO && d->ptr_name[0] != '\0')
		buf_set(reason, _("The address %s has the name %s in reverse "
		    "DNS, not the one of this server: other servers refuse "
		    "its mail until your provider sets that name, so mail "
		    "leaves through a provider."), n->address, d->ptr_name);
	else if (d != NULL && d->ptr == FIND_NO)
		buf_set(reason, _("The address %s has no name in reverse DNS: "
		    "other servers refuse its mail until your provider sets "
		    "one, so mail leaves through a provider."), n->address);
	else
		return 0;
	return 1;
}

enum find_profile
find_profile(const struct find_network *n, const struct find_domain *d,
    struct buf *reason)
{
	if (is_walled(n, reason))
		return FIND_PROFILE_COLLECTOR;
	if (is_mistrusted(n, d, reason))
		return FIND_PROFILE_RELAY;
	if (d != NULL && d->port25 == FIND_YES && d->ptr == FIND_YES)
		buf_set(reason, _("The address %s is public, port 25 goes out "
		    "and the name in reverse DNS is right: mail can come and "
		    "go directly."), n->address);
	else
		buf_set(reason, _("The address %s is public, and nothing that "
		    "was found stands against mail that comes and goes "
		    "directly."), n->address);
	return FIND_PROFILE_DIRECT;
}
