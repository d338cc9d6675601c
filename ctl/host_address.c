#include "config.h"

#include <arpa/inet.h>
#include <net/if.h>

#include <fcntl.h>
#include <ifaddrs.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "ctl/host_address.h"
#include "lib/base/fd.h"
#include "lib/base/str.h"
#include "lib/base/words.h"
#include "lib/net/nets.h"

enum { INET6_MAX = 64 * 1024, IF_TEMPORARY = 0x01, IF_DEPRECATED = 0x20,
	IF_PERMANENT = 0x80 };

/* The first that holds an address says its kind (RFC 6890 and others). */
static const struct {
	enum address_kind kind;
	const char *nets;
} kinds[] = {
	{ ADDRESS_LOOPBACK, "127.0.0.0/8 ::1" },
	{ ADDRESS_LINK, "169.254.0.0/16 fe80::/10" },
	{ ADDRESS_PRIVATE, "10.0.0.0/8 172.16.0.0/12 192.168.0.0/16 fc00::/7" },
	{ ADDRESS_SHARED, "100.64.0.0/10" },
	{ ADDRESS_DS_LITE, "192.0.0.0/29" },
	{ ADDRESS_SPECIAL, "0.0.0.0/8 192.0.0.0/24 192.0.2.0/24 "
	    "198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 224.0.0.0/3 "
	    "2001:db8::/32 3fff::/20" },
	{ ADDRESS_PUBLIC, "0.0.0.0/0 2000::/3" },
};

void
host_address_judge(struct host_address *a)
{
	static struct nets nets[sizeof(kinds) / sizeof(kinds[0])];
	struct buf why = BUF_INIT(200);
	size_t i;

	if (inet_ntop(a->family, a->ip, a->text, sizeof(a->text)) == NULL)
		a->text[0] = '\0';
	a->kind = ADDRESS_SPECIAL;
	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (nets[i].n == 0 &&
		    nets_parse(&nets[i], kinds[i].nets, &why) == -1)
			break;
		if (nets_have(&nets[i], a->text)) {
			a->kind = kinds[i].kind;
			break;
		}
	}
	buf_clear(&why);
}

int
host_address_parse(struct host_address *a, const char *p, size_t len)
{
	char text[INET6_ADDRSTRLEN];

	memset(a, 0, sizeof(*a));
	if (len >= sizeof(text))
		return -1;
	memcpy(text, p, len);
	text[len] = '\0';
	a->family = strchr(text, ':') != NULL ? AF_INET6 : AF_INET;
	if (inet_pton(a->family, text, a->ip) != 1)
		return -1;
	host_address_judge(a);
	return 0;
}

int
host_address_same(const struct host_address *a, const struct host_address *b)
{
	return a->family == b->family && memcmp(a->ip, b->ip,
	    a->family == AF_INET ? 4 : 16) == 0;
}

int
host_addresses_have(const struct host_addresses *l,
    const struct host_address *a)
{
	size_t i;

	for (i = 0; i < l->n; i++)
		if (host_address_same(&l->a[i], a))
			return 1;
	return 0;
}

int
host_addresses_parse(struct host_addresses *l, const char *text,
    struct buf *why)
{
	size_t n;

	l->n = 0;
	for (;;) {
		text += strspn(text, " \t,");
		if (*text == '\0')
			return 0;
		n = strcspn(text, " \t,");
		if (l->n == HOST_ADDRESSES_MAX) {
			buf_set(why, _("more than %d addresses"),
			    HOST_ADDRESSES_MAX);
			return -1;
		}
		if (host_address_parse(&l->a[l->n], text, n) == -1) {
			buf_set(why, _("\"%.*s\" is no address like 192.0.2.1 "
			    "or 2001:db8::1"), (int)(n > 80 ? 80 : n), text);
			return -1;
		}
		l->n++;
		text += n;
	}
}

/* One line: address in 32 digits, index, prefix, scope, flags, name. */
static void
flags_line(struct host_addresses *l, const char *line)
{
	struct host_address a = { .family = AF_INET6 };
	unsigned flags, byte;
	char hex[33];
	size_t i;

	if (sscanf(line, "%32[0-9a-f] %*x %*x %*x %x", hex, &flags) != 2 ||
	    strlen(hex) != 32)
		return;
	for (i = 0; i < 16; i++) {
		if (sscanf(hex + 2 * i, "%2x", &byte) != 1)
			return;
		a.ip[i] = (unsigned char)byte;
	}
	for (i = 0; i < l->n; i++)
		if (host_address_same(&l->a[i], &a)) {
			l->a[i].temporary = (flags & (IF_TEMPORARY |
			    IF_DEPRECATED)) != 0;
			l->a[i].leased = (flags & IF_PERMANENT) == 0;
		}
}

void
host_addresses_flags(struct host_addresses *l, const char *text)
{
	const char *line;
	char copy[200];
	size_t len;

	while ((line = str_line(&text, &len)) != NULL) {
		if (len >= sizeof(copy))
			continue;
		memcpy(copy, line, len);
		copy[len] = '\0';
		flags_line(l, copy);
	}
}

static void
add(struct host_addresses *l, const struct sockaddr *sa)
{
	struct host_address *a = &l->a[l->n];

	memset(a, 0, sizeof(*a));
	a->family = sa->sa_family;
	if (sa->sa_family == AF_INET)
		memcpy(a->ip, &((const struct sockaddr_in *)(const void *)
		    sa)->sin_addr, 4);
	else
		memcpy(a->ip, &((const struct sockaddr_in6 *)(const void *)
		    sa)->sin6_addr, 16);
	host_address_judge(a);
	if (!host_addresses_have(l, a))
		l->n++;
}

void
host_addresses_read(struct host_addresses *l)
{
	struct buf text = BUF_INIT(INET6_MAX);
	struct ifaddrs *list, *i;
	int fd;

	l->n = 0;
	if (getifaddrs(&list) == -1)
		return;
	for (i = list; i != NULL && l->n < HOST_ADDRESSES_MAX; i = i->ifa_next)
		if (i->ifa_addr != NULL && (i->ifa_flags & IFF_UP) != 0 &&
		    (i->ifa_addr->sa_family == AF_INET ||
		    i->ifa_addr->sa_family == AF_INET6))
			add(l, i->ifa_addr);
	freeifaddrs(list);
	/* A kernel without IPv6 has no such file. */
	fd = open("/proc/net/if_inet6", O_RDONLY | O_CLOEXEC);
	if (fd != -1) {
		if (fd_slurp(fd, &text) == -1)
			buf_reset(&text);
		close(fd);
	}
	host_addresses_flags(l, buf_str(&text));
	buf_clear(&text);
}

void
host_address_reverse(const struct host_address *a, struct buf *name)
{
	int i;

	if (a->family == AF_INET) {
		buf_printf(name, "%u.%u.%u.%u.in-addr.arpa", a->ip[3],
		    a->ip[2], a->ip[1], a->ip[0]);
		return;
	}
	for (i = 15; i >= 0; i--)
		buf_printf(name, "%x.%x.", a->ip[i] & 15, a->ip[i] >> 4);
	buf_puts(name, "ip6.arpa");
}
