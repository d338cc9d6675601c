/*
 * doctor: what works on this machine and in its network, what stands in the
 * way, and which profile fits. Parts of the command, each of which adds
 * findings and facts (ctl/dns_finding.h).
 */
#ifndef CTL_DOCTOR_H
#define CTL_DOCTOR_H

#include "ctl/dns_check.h"
#include "ctl/dns_domains.h"
#include "ctl/find.h"

enum {
	DOCTOR_DISK_LOW = 256 << 20,	/* octets: said before DISK_FLOOR */
	DOCTOR_INODES_LOW = 1000,
	DOCTOR_QUEUE_OLD = 4 * 3600,	/* seconds */
	DOCTOR_TRIES = 3,	/* mail servers for port 25 */
	DOCTOR_CONNECT_MS = 3000,	/* a port of this machine */
};

enum doctor_port25 {
	PORT25_UNKNOWN,
	PORT25_BLOCKED,		/* nobody answers */
	PORT25_REFUSED,		/* it goes out; who was asked refuses us */
	PORT25_GOOD,
};

/* What the verdict follows from. */
struct doctor_facts {
	int	 outside;	/* an IPv4 address leads here from outside */
	int	 walled;	/* a provider's NAT, or DS-Lite, is in between */
	enum doctor_port25 port25;
	int	 distrusted;	/* no good PTR, or on a list */
};

enum doctor_verdict { VERDICT_DIRECT, VERDICT_RELAY, VERDICT_COLLECTOR,
	VERDICT_UNKNOWN };

enum doctor_verdict doctor_verdict(const struct doctor_facts *f);

/* What is looked at before root is given up. running_r: the suite runs. */
void	doctor_host(struct ctl *c, const struct dns_host *h,
	    struct findings *l, int *running_r);
/* Room on the disk alone: for status, too. */
void	doctor_disk(const char *state_dir, const char *hostname,
	    struct findings *l);
/* The addresses of the machine; tells whether it is walled in. */
int	doctor_addresses(const struct dns_host *h,
	    const struct find_network *n, struct findings *l);
/* The ports that are listened on, by connections to them. */
void	doctor_ports(const struct dns_host *h, struct findings *l);
/* reach: the host that the operator named, or NULL: an MX of his domains. */
enum doctor_port25 doctor_port25(struct dns_check *k,
	    const struct dns_domains *d, const char *reach);
/* The same without a finding: name_r is who was asked, or "", why what he
   said where it is PORT25_BLOCKED or PORT25_REFUSED. */
enum doctor_port25 doctor_try_port25(struct dns_check *k,
	    const struct dns_domains *d, const char *reach,
	    char name_r[DOMAIN_MAX + 1], struct buf *why);
/*
 * The name as seen from inside: of_name are the addresses that it has here. A
 * public address that no interface has is connected to where the suite runs.
 */
void	doctor_inside(const struct dns_host *h,
	    const struct host_addresses *of_name, int running,
	    struct findings *l);
/* The ports as another Rohrpost sees them: where ("host:port"), or the key
   probe; without both nobody is asked. */
void	doctor_probe(const struct dns_host *h, const char *where,
	    struct findings *l);
/* The lists of doctor_dnsbl: how many have an address of ours. */
unsigned doctor_lists(struct dns_check *k);

#endif
