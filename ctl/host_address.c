#include "config.h"

#include <arpa/inet.h>

#include <string.h>

#include "ctl/host_address.h"
#include "lib/base/words.h"
#include "lib/net/nets.h"

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
