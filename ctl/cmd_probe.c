/*
 * probe: which of our ports answer from another host, which the operator names.
 */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "ctl/commands.h"
#include "ctl/ctl_out.h"
#include "ctl/ctl_util.h"
#include "ctl/dns_ask.h"
#include "ctl/probe_ask.h"
#include "lib/base/words.h"

static int
told(struct ctl *c, const struct probe_answer *a)
{
	static const char *const names[] = { "port", "state" };
	int r = CTL_DONE;
	struct out o;
	unsigned i;

	out_init(&o, stdout, c->json);
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		out_name(&o, names[i], strlen(names[i]));
	for (i = 0; i < a->n; i++) {
		out_number(&o, a->p[i].port);
		out_text(&o, probe_state_name(a->p[i].state));
		if (a->p[i].state != PROBE_OPEN)
			r = CTL_REFUSED;
	}
	return out_end(&o) == 0 ? r : CTL_LATER;
}

int
cmd_probe(struct ctl *c)
{
	struct dns_host h = { .keys = { .k = NULL } };
	struct buf why = BUF_INIT(600);
	unsigned port[PROBE_PORTS_MAX], n, at;
	char host[DOMAIN_MAX + 1];
	struct probe_answer a;
	int r = CTL_REFUSED;

	if (probe_where(c->args[0], host, &at, &why) == -1)
		r = ctl_fail(CTL_REFUSED, "%s", buf_str(&why));
	else if (dns_host_load(&h, c, NULL) == 0) {
		n = probe_own_ports(&h, port);
		if (n == 0)
			r = ctl_fail(CTL_REFUSED, _("no port is open to "
			    "others here (listen_smtp and the like)"));
		else if (dns_ask_open(&h) == 0) {
			r = probe_ask(c->args[0], port, n, &a, &why) == 0 ?
			    told(c, &a) : ctl_fail(CTL_LATER, "%s: %s",
			    c->args[0], buf_str(&why));
			dns_ask_close();
		}
	}
	buf_clear(&why);
	dns_host_clear(&h);
	return r;
}
