#include <string.h>

#include "lib/base/str.h"
#include "lib/net/addr.h"
#include "relay/relay_check.h"
#include "relay/resolve_hosts.h"

/* As route_literal takes it: "[192.0.2.1]", "[2001:db8::1]", "[IPv6:...]". */
static int
is_literal(const char *text)
{
	size_t len = strlen(text);
	int tagged = str_ncasecmp(text, "[IPv6:", 6) == 0;

	if (len < 2 || text[len - 1] != ']')
		return 0;
	if (tagged)
		return addr_is_ip(text + 6, len - 7, 1);
	return addr_is_ip(text + 1, len - 2, 0) ||
	    addr_is_ip(text + 1, len - 2, 1);
}

int
check_relay_host(const char *host, struct buf *why)
{
	size_t len = strlen(host);
	char name[DOMAIN_MAX + 1];

	if (len == 0)
		return 0;
	if (host[0] == '[' && !is_literal(host))
		buf_set(why, "relay_host: \"%.80s\" is no address like "
		    "[192.0.2.1] or [2001:db8::1]", host);
	else if (addr_is_ip(host, len, 0) || addr_is_ip(host, len, 1))
		buf_set(why, "relay_host: an address stands in brackets: "
		    "[%s]", host);
	else if (host[0] != '[' && hosts_text(host, name) == -1)
		buf_set(why, "relay_host: \"%.80s\" is no name of a host",
		    host);
	else
		return 0;
	return -1;
}
