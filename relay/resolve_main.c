/*
 * resolve: answers those who ask for the hosts of a mail domain.
 */
#include <ifaddrs.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/base/words.h"
#include "lib/net/addr.h"
#include "lib/net/dns.h"
#include "lib/server/server.h"
#include "relay/resolve_client.h"
#include "relay/resolve_probe.h"
#include "relay/resolve_trouble.h"

static struct {
	char	*hostname, *state_dir, *resolver, *anchor, *public_address;
	int	 verbose;
} conf;

static const struct settings_key keys[] = {
	SETTINGS_KEY_HOSTNAME(__typeof__(conf), hostname),
	SETTINGS_KEY_STATE(__typeof__(conf), state_dir),
	{ "resolver", SETTINGS_TEXT, offsetof(__typeof__(conf), resolver), "",
	    0, 500, NULL, N_("name servers, addr@port ..., or root; empty: "
	    "resolv.conf's") },
	{ "resolver_trust_anchor", SETTINGS_TEXT,
	  offsetof(__typeof__(conf), anchor), "", 0, 900, NULL,
	  N_("file of the DNSSEC trust anchor; empty: no validation") },
	{ "public_address", SETTINGS_TEXT,
	  offsetof(__typeof__(conf), public_address), "", 0, 900, NULL,
	  N_("addresses by which others reach this host; empty: its own") },
	SETTINGS_KEY_VERBOSE(__typeof__(conf), verbose),
	SETTINGS_END
};

enum { SELF_AGE = 60000 };	/* ms that self is taken for true */

static struct self self;
static int64_t self_read_at;	/* ms */

static void
self_add(const struct sockaddr *sa)
{
	struct resolve_address *a;

	self.addr = mem_realloc(self.addr, self.n + 1, sizeof(*a));
	a = &self.addr[self.n++];
	memset(a, 0, sizeof(*a));
	a->family = sa->sa_family;
	if (sa->sa_family == AF_INET)
		memcpy(a->octets,
		    &((const struct sockaddr_in *)(const void *)sa)->sin_addr,
		    4);
	else
		memcpy(a->octets,
		    &((const struct sockaddr_in6 *)(const void *)sa)->sin6_addr,
		    16);
}

/*
 * Reads public_address; with add the addresses are this host's, too. 0, or -1
 * with why.
 */
static int
public_read(int add, struct buf *why)
{
	const char *p = conf.public_address;
	struct addr a;
	size_t n;

	for (;;) {
		p += strspn(p, " \t,");
		if (*p == '\0')
			return 0;
		n = strcspn(p, " \t,");
		if (addr_of_ip(&a, p, n, 0) == -1) {
			buf_set(why, _("public_address: \"%.*s\" is no address "
			    "like 192.0.2.1 or 2001:db8::1"),
			    (int)(n > 80 ? 80 : n), p);
			return -1;
		}
		if (add)
			self_add((const struct sockaddr *)&a.ss);
		p += n;
	}
}

/*
 * The addresses of this host. Loopback is not among them: whether mail may go
 * there is relay's to judge (relay_allow_loopback).
 */
static void
self_read(void)
{
	struct buf why = BUF_INIT(300);
	struct ifaddrs *list, *i;

	self_read_at = clock_mono_ms();
	self.hostname = conf.hostname;
	if (getifaddrs(&list) == -1) {
		log_warn("the addresses of this host are unknown: %m");
		return;
	}
	free(self.addr);
	self.addr = NULL;
	self.n = 0;
	for (i = list; i != NULL; i = i->ifa_next)
		if (i->ifa_addr != NULL && !(i->ifa_flags & IFF_LOOPBACK) &&
		    (i->ifa_addr->sa_family == AF_INET ||
		    i->ifa_addr->sa_family == AF_INET6))
			self_add(i->ifa_addr);
	freeifaddrs(list);
	(void)public_read(1, &why);	/* before_jail has judged it */
	buf_clear(&why);
}

/* The kernel tells addresses without a file: in the jail too. */
static const struct self *
self_now(void)
{
	if (clock_mono_ms() - self_read_at >= SELF_AGE)
		self_read();
	return &self;
}

/*
 * The address of each server and the trust anchor, as libunbound will read
 * them; no question is asked and no thread started.
 */
static int
check(struct buf *why)
{
	return public_read(0, why) == -1 ? -1 :
	    dns_check(conf.resolver, conf.anchor, why);
}

static int
before_jail(void)
{
	struct buf why = BUF_INIT(600);
	int r = public_read(0, &why) == -1 ? -1 :
	    dns_open(conf.resolver, conf.anchor, &why);

	if (r == -1)
		log_warn("%s", buf_str(&why));
	buf_clear(&why);
	self_read();
	trouble_open(conf.resolver);
	return r;
}

/*
 * The servers of resolv.conf and the trust anchor lie outside the jail, so a
 * reload is a fresh process: master starts it when this one has answered what
 * it was asked. (Where resolv.conf has changed master stops this one at once:
 * its servers may not answer at all.)
 */
static int
reload(void)
{
	if (client_busy() == 0)
		server_exit();
	else
		client_on_quiet(server_exit);
	return 0;
}

static void
wired(struct ev_loop *loop, const struct wire *w)
{
	client_add(loop, w, self_now);
}

static void
readable(struct ev_loop *loop, struct ev_io *w, int events)
{
	dns_work();
}

static void
go(struct ev_loop *loop)
{
	static struct ev_io io;
	int fd = dns_fd();

	if (fd == -1)
		log_fatal("resolver: libunbound gives no descriptor");
	ev_io_init(&io, readable, fd, EV_READ);
	ev_io_start(loop, &io);
	trouble_start(loop, server_trouble);
	probe_tell(trouble_lie);
}

int
main(int argc, char **argv)
{
	static const struct server server = {
		.kind = PEER_RESOLVE,
		.keys = keys,
		.conf = &conf,
		.state_dir = (const char **)&conf.state_dir,
		.verbose = &conf.verbose,
		.check = check,
		.before_jail = before_jail,
		.reload = reload,
		.wired = wired,
		.peer_gone = client_gone,
		.go = go,
	};

	return server_loop_main(argc, argv, &server);
}
