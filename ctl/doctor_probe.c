/*
 * The ports as another Rohrpost sees them.
 */
#include "config.h"

#include <stdio.h>

#include "ctl/doctor.h"
#include "ctl/probe_ask.h"

void
doctor_probe(const struct dns_host *h, const char *where, struct findings *l)
{
	struct buf why = BUF_INIT(600);
	unsigned port[PROBE_PORTS_MAX], n, i;
	struct probe_answer a;
	char text[16];

	if (where == NULL)
		where = dns_host_value(h, "probe");
	n = probe_own_ports(h, port);
	if (where[0] == '\0' || n == 0)
		return;
	if (probe_ask(where, port, n, &a, &why) == -1)
		finding_add(l, FINDING_PROBE_FAILED, h->name, where,
		    buf_str(&why), NULL);
	else
		for (i = 0; i < a.n; i++) {
			snprintf(text, sizeof(text), "%u", a.p[i].port);
			finding_add(l, a.p[i].state == PROBE_OPEN ?
			    FINDING_OUTSIDE_GOOD : a.p[i].state ==
			    PROBE_REFUSED ? FINDING_OUTSIDE_REFUSED :
			    FINDING_OUTSIDE_SILENT, h->name, text, where,
			    NULL);
		}
	buf_clear(&why);
}
