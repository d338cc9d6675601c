/*
 * The name of this server as it is seen from inside its own network: where a
 * router is in between, mail programs at home ask for the public address, and
 * the router leads them back in (hairpin NAT), or it does not.
 */
#include "config.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "ctl/doctor.h"
#include "lib/net/connect.h"

/* Ports of mail programs first: it is they that are inside. */
static const enum service services[] = { SERVICE_IMAPS, SERVICE_SUBMISSIONS,
	SERVICE_SUBMISSION, SERVICE_IMAP, SERVICE_POP3S, SERVICE_SMTP };

static unsigned
port_of(const struct dns_host *h)
{
	size_t i;

	for (i = 0; i < sizeof(services) / sizeof(services[0]); i++)
		if (h->port[services[i]] != 0)
			return h->port[services[i]];
	return 0;
}

/* One public address that no interface has. */
static void
check_hairpin(const struct dns_host *h, const struct host_address *a,
    unsigned port, struct findings *l)
{
	struct buf why = BUF_INIT(300);
	char text[16];
	struct addr to;
	int fd = -1;

	snprintf(text, sizeof(text), "%u", port);
	if (addr_of_ip(&to, a->text, strlen(a->text), port) == 0)
		fd = addr_connect(&to, DOCTOR_CONNECT_MS, &why);
	finding_add(l, fd != -1 ? FINDING_HAIRPIN_GOOD : FINDING_HAIRPIN,
	    h->name, a->text, text, buf_str(&why));
	if (fd != -1)
		close(fd);
	buf_clear(&why);
}

void
doctor_inside(const struct dns_host *h, const struct host_addresses *of_name,
    int running, struct findings *l)
{
	unsigned port = port_of(h);
	size_t i;

	/* DNS of the inside has an address of the inside: nobody asks for the
	   public one here. */
	for (i = 0; i < of_name->n; i++)
		if (of_name->a[i].kind == ADDRESS_PRIVATE) {
			finding_add(l, host_addresses_have(&h->local,
			    &of_name->a[i]) ? FINDING_NAME_INSIDE :
			    FINDING_NAME_OTHER_INSIDE, h->name,
			    of_name->a[i].text, NULL, NULL);
			return;
		}
	if (!running || port == 0)
		return;
	for (i = 0; i < h->outside.n; i++)
		if (h->outside.a[i].family == AF_INET &&
		    !host_addresses_have(&h->local, &h->outside.a[i])) {
			check_hairpin(h, &h->outside.a[i], port, l);
			return;
		}
}
