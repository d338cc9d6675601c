/* What set-up reads of outside: an autoconfig file, the answers of its children,
   and the table of providers. */
#include <stdlib.h>
#include <string.h>

#include "ctl/find_autoconfig.h"
#include "ctl/find_pack.h"
#include "ctl/find_preset.h"
#include "lib/mail/probe.h"
#include "lib/mail/trick.h"
#include "lib/mail/trial.h"

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
servers(const struct find_servers *l)
{
	size_t i;

	if (l->n > FIND_SERVERS_MAX)
		abort();
	for (i = 0; i < l->n; i++)
		if (l->s[i].port > 65535 || l->s[i].tls > FIND_PLAIN ||
		    l->s[i].protocol > FIND_POP3 ||
		    strpbrk(l->s[i].host, " \"\r\n") != NULL)
			abort();
}

static void
presets(const uint8_t *data, size_t size)
{
	struct preset x = PRESET_INIT;
	struct buf why = BUF_INIT(400), text = BUF_INIT(PRESET_FILE_MAX);
	const char *p;
	unsigned line = 0;

	buf_append(&text, data, size);
	p = buf_str(&text);
	while (preset_next(&p, &line, &x, &why) == 1) {
		preset_fill(&x, "a.example", "b.a.example");
		servers(&x.p.servers);
		(void)preset_has_domain(&x, "a.example");
		(void)preset_has_mx(&x, "a.example");
	}
	preset_clear(&x);
	buf_clear(&why);
	buf_clear(&text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct find_domain d;
	static struct find_question q;
	static struct find_servers l;
	static struct trial_question t;
	char words[TRIAL_WORDS_MAX + 1];
	struct host_addresses a;
	enum trial_result r;
	enum find_known known;
	unsigned port[PROBE_PORTS_MAX];
	enum probe_state ps;
	enum trick_verdict v;
	char domain[DOMAIN_MAX + 1], host[DOMAIN_MAX + 1];
	const char *said;

	if (find_autoconfig((const char *)data, size, &l) == 0)
		servers(&l);
	if (find_unpack_domain(data, size, &d) == 0) {
		servers(&d.srv);
		servers(&d.autoconfig);
	}
	(void)find_unpack_question(data, size, &q);
	(void)find_unpack_host(data, size, &known, &a);
	(void)trial_unpack(data, size, &t);
	(void)trial_unpack_answer(data, size, &r, words);
	(void)host_addresses_leases(&a, data, size);
	(void)probe_parse((const char *)data, size, port);
	(void)probe_parse_answer((const char *)data, size, port, &ps);
	if (trick_parse_question((const char *)data, size, port, domain,
	    host) == 1 && (strpbrk(domain, " \r\n<>") != NULL ||
	    strpbrk(host, " \r\n<>") != NULL || port[0] == 0))
		abort();
	if (trick_parse((const char *)data, size, &v, &said) != -1 &&
	    (said < (const char *)data || said > (const char *)data + size))
		abort();
	presets(data, size);
	return 0;
}
