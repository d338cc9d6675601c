#include "config.h"

#include <stdio.h>
#include <string.h>

#include "ctl/dns_check.h"
#include "ctl/probe_ask.h"
#include "lib/base/str.h"
#include "lib/base/words.h"
#include "lib/net/connect.h"
#include "lib/net/stream.h"

enum { CONNECT_MS = 5000, HUNG_UP = -2 };

int
probe_where(const char *where, char host[DOMAIN_MAX + 1], unsigned *port,
    struct buf *why)
{
	const char *colon = strrchr(where, ':');
	size_t len = colon != NULL ? (size_t)(colon - where) : 0;
	uint64_t v;

	if (len > 2 && where[0] == '[' && where[len - 1] == ']') {
		where++;
		len -= 2;
	}
	if (len > 0 && len <= DOMAIN_MAX && str_number(colon + 1,
	    strlen(colon + 1), 65535, &v) == 0 && v > 0) {
		memcpy(host, where, len);
		host[len] = '\0';
		*port = (unsigned)v;
		return 0;
	}
	buf_set(why, _("\"%.80s\" is no HOST:PORT"), where);
	return -1;
}

int
probe_reach(const char *host, unsigned port, struct addr *to, struct buf *why)
{
	struct host_addresses l = { .n = 0 };
	size_t i;
	int fd = -1;

	if (host_address_parse(&l.a[0], host, strlen(host)) == 0)
		l.n = 1;
	else if (dns_check_addresses(host, &l) != DNS_OK)
		buf_set(why, _("%s has no address"), host);
	for (i = 0; i < l.n && i < CHECK_ADDRESSES_MAX && fd == -1; i++)
		if (addr_of_ip(to, l.a[i].text, strlen(l.a[i].text), port) ==
		    0)
			fd = addr_connect(to, CONNECT_MS, why);
	return fd;
}

/* 0, or -1 or HUNG_UP with why. */
static int
take_lines(struct stream *s, struct probe_answer *a, struct buf *why)
{
	char *line;
	size_t len;
	int r = 1;

	while (r == 1 && a->n <= PROBE_PORTS_MAX) {
		if (stream_line(s, PROBE_LINE_MAX, &line, &len) !=
		    STREAM_OK) {
			buf_set(why, "%s", stream_words(s));
			return HUNG_UP;
		}
		if (str_is(line, len, "BUSY")) {
			buf_set(why, "%s", _("it was asked from this address "
			    "a moment ago: try again in ten seconds"));
			return -1;
		}
		if (a->n == PROBE_PORTS_MAX && !str_is(line, len, "END"))
			break;
		r = a->n == PROBE_PORTS_MAX ? 0 : probe_parse_answer(line,
		    len, &a->p[a->n].port, &a->p[a->n].state);
		a->n += r == 1;
	}
	if (r == 0)
		return 0;
	buf_set(why, "%s", _("what answers there is no Rohrpost that lets "
	    "itself be asked (listen_probe)"));
	return -1;
}

int
probe_ask(const char *where, const unsigned *port, unsigned n,
    struct probe_answer *a, struct buf *why)
{
	char host[DOMAIN_MAX + 1];
	struct stream s;
	unsigned at, i;
	struct addr to;
	int fd, r;

	a->n = 0;
	if (probe_where(where, host, &at, why) == -1 ||
	    (fd = probe_reach(host, at, &to, why)) == -1)
		return -1;
	stream_init(&s, fd);
	stream_deadline(&s, PROBE_ALL_MS);
	stream_puts(&s, "PROBE");
	for (i = 0; i < n; i++)
		stream_printf(&s, " %u", port[i]);
	stream_puts(&s, "\r\n");
	r = take_lines(&s, a, why);
	if (r == HUNG_UP) {
		for (i = 0; i < n && probe_port(port[i]); i++)
			;
		if (i < n && a->n == 0)
			buf_set(why, _("it hangs up: without probe_any_port "
			    "it tries the ports of mail alone, and %u is none "
			    "of them"), port[i]);
		r = -1;
	}
	stream_clear(&s);
	return r;
}

/* A line of the answer. 1: of a trick; 0: END; -1 with why. */
static int
take_trick(const char *line, size_t len, struct probe_tricks *a,
    struct buf *why)
{
	enum trick_verdict v;
	const char *said;
	int i;

	if (str_is(line, len, "END"))
		return 0;
	if (len > 3 && strncmp(line, "AT ", 3) == 0 &&
	    host_address_parse(&a->at, line + 3, len - 3) == 0)
		return 1;
	i = trick_parse(line, len, &v, &said);
	if (i == -1) {
		buf_set(why, "%s", str_is(line, len, "BUSY") ?
		    _("it was asked from this address a moment ago: try "
		    "again in ten seconds") : _("what answers there is no "
		    "Rohrpost that lets itself be asked (listen_probe)"));
		return -1;
	}
	a->t[i].verdict = v;
	snprintf(a->t[i].said, sizeof(a->t[i].said), "%.*s",
	    (int)(line + len - said), said);
	return 1;
}

int
probe_ask_tricks(const char *where, unsigned port, const char *domain,
    const char *name, struct probe_tricks *a, struct buf *why)
{
	int lines = TRICKS_MAX + 2, fd, r = 1;
	char host[DOMAIN_MAX + 1], *line;
	enum stream_status st;
	struct stream s;
	struct addr to;
	unsigned at;
	size_t len;

	if (probe_where(where, host, &at, why) == -1 ||
	    (fd = probe_reach(host, at, &to, why)) == -1)
		return -1;
	stream_init(&s, fd);
	stream_deadline(&s, TRICK_ALL_MS + PROBE_ALL_MS);
	stream_printf(&s, "TRICKS %u %s %s\r\n", port, domain, name);
	while (r == 1 && lines-- > 0) {
		st = stream_line(&s, TRICK_LINE_MAX, &line, &len);
		if (st == STREAM_OK)
			r = take_trick(line, len, a, why);
		else {
			buf_set(why, "%s", stream_words(&s));
			r = -1;
		}
	}
	stream_clear(&s);
	return r == 0 ? 0 : -1;
}

unsigned
probe_own_ports(const struct dns_host *h, unsigned port[PROBE_PORTS_MAX])
{
	unsigned s, n = 0;

	for (s = 0; s < SERVICE_COUNT && n < PROBE_PORTS_MAX; s++)
		if (h->port[s] != 0)
			port[n++] = h->port[s];
	return n;
}
