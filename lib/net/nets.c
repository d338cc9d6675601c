#include <netinet/in.h>
#include <string.h>

#include "lib/base/str.h"
#include "lib/base/words.h"
#include "lib/net/addr.h"
#include "lib/net/nets.h"

/* The address, of all its bits. An IPv4 one mapped into IPv6 is IPv4. 0, -1. */
static int
net_of_ip(struct net *n, const char *p, size_t len)
{
	const struct sockaddr_in6 *s6;
	const struct sockaddr_in *s4;
	struct addr a;

	memset(n, 0, sizeof(*n));
	if (addr_of_ip(&a, p, len, 0) == -1)
		return -1;
	s4 = (const void *)&a.ss;
	s6 = (const void *)&a.ss;
	n->v6 = a.ss.ss_family == AF_INET6;
	if (!n->v6)
		memcpy(n->ip, &s4->sin_addr, 4);
	else if (IN6_IS_ADDR_V4MAPPED(&s6->sin6_addr)) {
		n->v6 = 0;
		memcpy(n->ip, s6->sin6_addr.s6_addr + 12, 4);
	} else
		memcpy(n->ip, &s6->sin6_addr, 16);
	n->bits = n->v6 ? 128 : 32;
	return 0;
}

/* True where the first bits of both are the same. */
static int
same_bits(const unsigned char *a, const unsigned char *b, unsigned bits)
{
	unsigned rest = bits % 8;

	return memcmp(a, b, bits / 8) == 0 && (rest == 0 ||
	    (a[bits / 8] ^ b[bits / 8]) >> (8 - rest) == 0);
}

/* Sets every bit behind the first ones to 0. True where one was not. */
static int
clear_rest(struct net *n, unsigned bits)
{
	unsigned i, all = n->v6 ? 128 : 32;
	int found = 0;

	for (i = bits; i < all; i++) {
		found |= n->ip[i / 8] >> (7 - i % 8) & 1;
		n->ip[i / 8] &= (unsigned char)~(0x80u >> i % 8);
	}
	return found;
}

/* Reads one network. NULL, or what is wrong with it. */
static const char *
net_parse(struct net *n, const char *p, size_t len)
{
	const char *slash = memchr(p, '/', len);
	size_t ip = slash == NULL ? len : (size_t)(slash - p);
	int open = ip > 1 && p[0] == '[' && p[ip - 1] == ']';
	uint64_t bits;

	if (net_of_ip(n, p + open, ip - 2 * (size_t)open) == -1)
		return _("is no network like 192.0.2.0/24 or 2001:db8::/32");
	if (slash == NULL)
		return NULL;
	if (str_number(slash + 1, len - ip - 1, n->bits, &bits) == -1)
		return n->v6 ? _("has no length from 0 to 128 after the "
		    "/") : _("has no length from 0 to 32 after the /");
	n->bits = (unsigned)bits;
	if (clear_rest(n, n->bits))
		return _("is an address within a network: without the /, it is "
		    "that host; with the bits after its length 0, the "
		    "network");
	return NULL;
}

int
nets_parse(struct nets *l, const char *text, struct buf *why)
{
	static const char blanks[] = " \t,";
	const char *fault;
	size_t len;

	l->n = 0;
	for (text += strspn(text, blanks); *text != '\0';
	    text += strspn(text, blanks)) {
		len = strcspn(text, blanks);
		if (l->n == NETS_MAX) {
			buf_set(why, _("more than %d networks"), NETS_MAX);
			return -1;
		}
		if ((fault = net_parse(&l->list[l->n], text, len)) != NULL) {
			buf_set(why, "\"%.*s\" %s",
			    (int)(len > 80 ? 80 : len), text, fault);
			return -1;
		}
		l->n++;
		text += len;
	}
	return 0;
}

int
nets_have(const struct nets *l, const char *ip)
{
	const struct net *n;
	struct net host;

	if (net_of_ip(&host, ip, strlen(ip)) == -1)
		return 0;
	for (n = l->list; n < l->list + l->n; n++)
		if (n->v6 == host.v6 && same_bits(n->ip, host.ip, n->bits))
			return 1;
	return 0;
}
