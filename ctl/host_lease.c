/*
 * The addresses that the kernel has, and what it knows of those of IPv6 beside
 * their octets: how long they are good for. By rtnetlink(7), for /proc/net/if_inet6 has flags alone.
 */
#include "config.h"

#include <linux/if_addr.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <ifaddrs.h>
#include <net/if.h>
#include <string.h>
#include <unistd.h>

#include "ctl/host_address.h"

enum { DATAGRAM_MAX = 32 * 1024, DATAGRAMS_MAX = 1000, ANSWER_S = 2 };

static const uint32_t forever = 0xffffffff;	/* INFINITY_LIFE_TIME */

static void
mark(struct host_addresses *l, const unsigned char ip[16], uint32_t flags,
    uint32_t valid)
{
	struct host_address a = { .family = AF_INET6 };
	size_t i;

	memcpy(a.ip, ip, 16);
	for (i = 0; i < l->n; i++) {
		if (!host_address_same(&l->a[i], &a))
			continue;
		l->a[i].deprecated = (flags & IFA_F_DEPRECATED) != 0;
		l->a[i].temporary = (flags & (IFA_F_TEMPORARY |
		    IFA_F_DEPRECATED)) != 0;
		l->a[i].leased = (flags & IFA_F_PERMANENT) == 0 &&
		    valid != forever;
		l->a[i].life = l->a[i].leased ? valid : 0;
	}
}

/* One address: its attributes stand behind struct ifaddrmsg. */
static void
judge(struct host_addresses *l, const unsigned char *p, size_t len)
{
	struct ifa_cacheinfo life = { .ifa_valid = forever };
	unsigned char ip[16];
	struct ifaddrmsg m;
	struct rtattr at;
	uint32_t flags;
	int has = 0;

	if (len < sizeof(m))
		return;
	memcpy(&m, p, sizeof(m));
	flags = m.ifa_flags;
	if (m.ifa_family != AF_INET6)
		return;
	for (p += sizeof(m), len -= sizeof(m); len >= sizeof(at);
	    p += RTA_ALIGN(at.rta_len), len -= RTA_ALIGN(at.rta_len)) {
		memcpy(&at, p, sizeof(at));
		if (at.rta_len < sizeof(at) || at.rta_len > len)
			break;
		if (at.rta_type == IFA_ADDRESS &&
		    at.rta_len == RTA_LENGTH(sizeof(ip))) {
			memcpy(ip, p + RTA_LENGTH(0), sizeof(ip));
			has = 1;
		} else if (at.rta_type == IFA_FLAGS &&
		    at.rta_len == RTA_LENGTH(sizeof(flags)))
			memcpy(&flags, p + RTA_LENGTH(0), sizeof(flags));
		else if (at.rta_type == IFA_CACHEINFO &&
		    at.rta_len >= RTA_LENGTH(sizeof(life)))
			memcpy(&life, p + RTA_LENGTH(0), sizeof(life));
		if (RTA_ALIGN(at.rta_len) > len)
			break;
	}
	if (has)
		mark(l, ip, flags, life.ifa_valid);
}

int
host_addresses_leases(struct host_addresses *l, const void *data, size_t len)
{
	const unsigned char *p = data;
	struct nlmsghdr h;

	while (len >= sizeof(h)) {
		memcpy(&h, p, sizeof(h));
		if (h.nlmsg_len < sizeof(h) || h.nlmsg_len > len ||
		    h.nlmsg_type == NLMSG_DONE || h.nlmsg_type == NLMSG_ERROR)
			return 0;
		if (h.nlmsg_type == RTM_NEWADDR)
			judge(l, p + NLMSG_HDRLEN, h.nlmsg_len -
			    NLMSG_HDRLEN);
		if (NLMSG_ALIGN(h.nlmsg_len) >= len)
			break;
		p += NLMSG_ALIGN(h.nlmsg_len);
		len -= NLMSG_ALIGN(h.nlmsg_len);
	}
	return 1;
}

/* A host without netlink knows of no lease. */
static void
ask_leases(struct host_addresses *l)
{
	struct { struct nlmsghdr h; struct ifaddrmsg m; } ask = {
		.h = { .nlmsg_len = sizeof(ask), .nlmsg_type = RTM_GETADDR,
		    .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP },
		.m = { .ifa_family = AF_INET6 } };
	struct timeval wait = { .tv_sec = ANSWER_S };
	char data[DATAGRAM_MAX];
	int fd, i, more = 1;
	ssize_t n;

	fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	if (fd == -1)
		return;
	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait,
	    sizeof(wait)) == 0 && send(fd, &ask, sizeof(ask), 0) ==
	    (ssize_t)sizeof(ask))
		for (i = 0; more && i < DATAGRAMS_MAX; i++) {
			n = recv(fd, data, sizeof(data), 0);
			more = n > 0 && host_addresses_leases(l, data,
			    (size_t)n);
		}
	close(fd);
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
	struct ifaddrs *list, *i;

	l->n = 0;
	if (getifaddrs(&list) == -1)
		return;
	for (i = list; i != NULL && l->n < HOST_ADDRESSES_MAX; i = i->ifa_next)
		if (i->ifa_addr != NULL && (i->ifa_flags & IFF_UP) != 0 &&
		    (i->ifa_addr->sa_family == AF_INET ||
		    i->ifa_addr->sa_family == AF_INET6))
			add(l, i->ifa_addr);
	freeifaddrs(list);
	ask_leases(l);
}
