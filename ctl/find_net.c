/*
 * The network of this machine, as its kernel has it.
 */
#include "config.h"

#include <arpa/inet.h>

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "ctl/find.h"
#include "ctl/find_net.h"
#include "lib/base/fd.h"
#include "lib/base/str.h"

enum { ROUTES_MAX = 1 << 20 };

/* The columns: interface, destination, gateway, flags ... in hexadecimal. */
int
find_router(const char *text, char ip[INET_ADDRSTRLEN])
{
	unsigned to, gateway, flags;
	struct in_addr in;
	const char *line;
	char copy[256];
	size_t len;

	while ((line = str_line(&text, &len)) != NULL) {
		if (len >= sizeof(copy))
			continue;
		memcpy(copy, line, len);
		copy[len] = '\0';
		if (sscanf(copy, "%*s %8x %8x %x", &to, &gateway,
		    &flags) != 3 || to != 0 || gateway == 0)
			continue;
		/* As the machine's words lie in memory. */
		memcpy(&in, &gateway, sizeof(in));
		return inet_ntop(AF_INET, &in, ip, INET_ADDRSTRLEN) != NULL;
	}
	return 0;
}

static void
read_router(char ip[INET_ADDRSTRLEN])
{
	struct buf text = BUF_INIT(ROUTES_MAX);
	int fd = open("/proc/net/route", O_RDONLY | O_CLOEXEC);

	ip[0] = '\0';
	if (fd == -1)
		return;
	if (fd_slurp(fd, &text) == -1 || !find_router(buf_str(&text), ip))
		ip[0] = '\0';
	close(fd);
	buf_clear(&text);
}

/* The first of that family and kind; temporary: of those. */
static const struct host_address *
first_of(const struct host_addresses *l, int family, enum address_kind kind,
    int temporary)
{
	size_t i;

	for (i = 0; i < l->n; i++)
		if (l->a[i].family == family && l->a[i].kind == kind &&
		    l->a[i].temporary == temporary)
			return &l->a[i];
	return NULL;
}

/*
 * A router that got another prefix leaves the addresses of the old one to run
 * out: they are there still, deprecated.
 */
static int
has_older_prefix(const struct host_addresses *l, const struct host_address *a)
{
	size_t i;

	for (i = 0; i < l->n; i++)
		if (l->a[i].family == AF_INET6 && l->a[i].deprecated &&
		    l->a[i].kind == ADDRESS_PUBLIC &&
		    memcmp(l->a[i].ip, a->ip, 8) != 0)
			return 1;
	return 0;
}

static void
judge_ipv6(struct find_network *n)
{
	const struct host_addresses *l = &n->local;
	const struct host_address *a;

	n->ipv6 = FIND_IPV6_NONE;
	n->ipv6_address[0] = '\0';
	n->ipv6_life = FIND_LIFE_FOREVER;
	if ((a = first_of(l, AF_INET6, ADDRESS_PUBLIC, 0)) != NULL) {
		n->ipv6 = !a->leased ? FIND_IPV6_LASTING :
		    has_older_prefix(l, a) ? FIND_IPV6_CHANGES :
		    FIND_IPV6_LEASED;
		if (a->leased)
			n->ipv6_life = a->life;
	} else if ((a = first_of(l, AF_INET6, ADDRESS_PUBLIC, 1)) != NULL)
		n->ipv6 = FIND_IPV6_TEMPORARY;
	else if ((a = first_of(l, AF_INET6, ADDRESS_PRIVATE, 0)) != NULL)
		n->ipv6 = FIND_IPV6_PRIVATE;
	if (a != NULL)
		(void)str_copy(n->ipv6_address, sizeof(n->ipv6_address),
		    a->text);
}

void
find_network_judge(struct find_network *n)
{
	/* The first that there is says how the machine is seen. */
	static const struct { enum address_kind kind; enum find_outer outer; }
	    kinds[] = {
		{ ADDRESS_PUBLIC, FIND_OUTER_PUBLIC },
		{ ADDRESS_SHARED, FIND_OUTER_PROVIDER_NAT },
		{ ADDRESS_DS_LITE, FIND_OUTER_DS_LITE },
		{ ADDRESS_PRIVATE, FIND_OUTER_NAT },
	};
	const struct host_address *a;
	size_t i;

	n->outer = FIND_OUTER_NONE;
	n->address[0] = '\0';
	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if ((a = first_of(&n->local, AF_INET, kinds[i].kind, 0)) !=
		    NULL) {
			n->outer = kinds[i].outer;
			(void)str_copy(n->address, sizeof(n->address),
			    a->text);
			break;
		}
	judge_ipv6(n);
}

void
find_network(struct find_network *n)
{
	char name[HOST_NAME_MAX + 1];

	memset(n, 0, sizeof(*n));
	if (gethostname(name, sizeof(name)) == 0 &&
	    memchr(name, '\0', sizeof(name)) != NULL &&
	    strchr(name, '.') != NULL)
		(void)str_copy(n->name, sizeof(n->name), name);
	host_addresses_read(&n->local);
	read_router(n->router);
	find_network_judge(n);
}
