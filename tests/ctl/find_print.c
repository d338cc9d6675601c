/*
 * What ctl/find.h finds out, as JSON, for tests/suite/test_find.py:
 *
 *	find_print domain PROGRAMS DOMAIN [KEY=VALUE ...]
 *	find_print login PROGRAMS HOST PORT TLS USER PASSWORD [KEY=VALUE ...]
 *	find_print provider FILE DOMAIN [MX]
 *	find_print row FILE HOST
 *	find_print form FORM ADDRESS
 *	find_print network
 *
 * KEY is resolver, hostname, reach, address, ca_file, smtp_port, web_port,
 * loopback.
 */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/find.h"
#include "ctl/find_child.h"
#include "ctl/find_preset.h"
#include "lib/base/str.h"

static const char *const protocols[] = { "smtp", "imap", "pop3" };
static const char *const modes[] = { "tls", "starttls", "plain" };

static void
take_keys(char **argv, struct find_ask *a)
{
	char *v;

	for (; *argv != NULL; argv++) {
		if ((v = strchr(*argv, '=')) == NULL)
			exit(2);
		*v++ = '\0';
		if (strcmp(*argv, "resolver") == 0)
			a->resolver = v;
		else if (strcmp(*argv, "hostname") == 0)
			a->hostname = v;
		else if (strcmp(*argv, "reach") == 0)
			a->reach = v;
		else if (strcmp(*argv, "address") == 0)
			a->address = v;
		else if (strcmp(*argv, "ca_file") == 0)
			a->ca_file = v;
		else if (strcmp(*argv, "smtp_port") == 0)
			a->smtp_port = (unsigned)atoi(v);
		else if (strcmp(*argv, "web_port") == 0)
			a->web_port = (unsigned)atoi(v);
		else if (strcmp(*argv, "loopback") == 0)
			a->loopback_ok = atoi(v);
		else
			exit(2);
	}
}

/* Texts of the tests have nothing that JSON escapes but these. */
static void
text(const char *name, const char *s)
{
	printf("\"%s\": \"", name);
	for (; *s != '\0'; s++)
		printf(*s == '"' || *s == '\\' ? "\\%c" : "%c", *s);
	printf("\", ");
}

static void
servers(const char *name, const struct find_servers *l)
{
	size_t i;

	printf("\"%s\": [", name);
	for (i = 0; i < l->n; i++)
		printf("%s\"%s %s %u %s %s %u %u\"", i > 0 ? ", " : "",
		    protocols[l->s[i].protocol], l->s[i].host, l->s[i].port,
		    modes[l->s[i].tls], l->s[i].login[0] != '\0' ?
		    l->s[i].login : "-", l->s[i].auth, l->s[i].poll);
	printf("], ");
}

static int
print_domain(char **argv)
{
	static struct find_domain d;
	struct find_ask a = { .resolver = NULL };
	struct buf why = BUF_INIT(400), reason = BUF_INIT(1000);
	struct find_network n;
	size_t i;
	int r;

	find_programs = argv[0];
	take_keys(argv + 2, &a);
	find_network(&n);
	r = find_domain(&a, argv[1], &d, &why);
	printf("{");
	text("why", buf_str(&why));
	printf("\"mx\": [");
	for (i = 0; i < d.n_mx; i++)
		printf("%s\"%s\"", i > 0 ? ", " : "", d.mx[i]);
	printf("], ");
	text("ptr_name", d.ptr_name);
	text("port25_host", d.port25_host);
	text("port25_why", d.port25_why);
	servers("srv", &d.srv);
	servers("autoconfig", &d.autoconfig);
	printf("\"exists\": %d, \"mx_known\": %d, \"mx_here\": %d, "
	    "\"spf\": %d, \"dmarc\": %d, \"host\": %d, \"host_here\": %d, "
	    "\"ptr\": %d, \"port25\": %d, \"srv_none\": %u, \"profile\": %d, "
	    "\"result\": %d}\n", d.exists, d.mx_known, d.mx_here, d.spf,
	    d.dmarc, d.host, d.host_here, d.ptr, d.port25, d.srv_none,
	    find_profile(&n, r == 0 ? &d : NULL, &reason), r);
	return 0;
}

static int
print_login(int argc, char **argv)
{
	struct find_server s = { .source = FIND_PRESET };
	struct find_ask a = { .resolver = NULL };
	struct buf words = BUF_INIT(2000);
	unsigned i;

	if (argc < 6)
		return 2;
	find_programs = argv[0];
	(void)str_copy(s.host, sizeof(s.host), argv[1]);
	s.port = (unsigned)atoi(argv[2]);
	for (i = 0; i < 3; i++)
		if (strcmp(modes[i], argv[3]) == 0)
			s.tls = (enum find_tls)i;
	take_keys(argv + 6, &a);
	printf("{\"result\": %d, ", find_login(&a, &s, argv[4], argv[5],
	    &words));
	text("words", buf_str(&words));
	printf("\"end\": 0}\n");
	return 0;
}

static int
print_provider(int argc, char **argv)
{
	static struct find_domain d;
	static struct find_provider p;
	struct buf why = BUF_INIT(400);
	int r;

	if (argc > 2)
		(void)str_copy(d.mx[d.n_mx++], sizeof(d.mx[0]), argv[2]);
	r = find_provider(argv[0], argv[1], &d, &p, &why);
	printf("{");
	text("why", buf_str(&why));
	text("id", p.id);
	text("name", p.name);
	text("source", p.source);
	text("example", p.example);
	servers("servers", &p.servers);
	printf("\"by_mx\": %d, \"result\": %d}\n", p.by_mx, r);
	return 0;
}

/* The row of who has that server for sending. */
static int
print_row(char **argv)
{
	struct find_servers l = { .n = 0 };
	struct buf why = BUF_INIT(400);
	int r = find_provider_of(argv[0], FIND_SMTP, argv[1], &l.s[0], &why);

	l.n = r == 1;
	printf("{");
	text("why", buf_str(&why));
	servers("servers", &l);
	printf("\"oauth\": %d, \"result\": %d}\n", l.n > 0 &&
	    find_server_wants_oauth(&l.s[0]), r);
	return 0;
}

static int
print_form(char **argv)
{
	char login[FIND_TEXT_MAX];

	find_login_name(argv[0], argv[1], login);
	printf("{");
	text("login", login);
	printf("\"end\": 0}\n");
	return 0;
}

static int
print_network(void)
{
	struct find_network n;

	find_network(&n);
	printf("{");
	text("address", n.address);
	text("router", n.router);
	text("ipv6_address", n.ipv6_address);
	printf("\"outer\": %d, \"ipv6\": %d, \"life\": %" PRId64 "}\n",
	    n.outer, n.ipv6, n.ipv6_life);
	return 0;
}

int
main(int argc, char **argv)
{
	signal(SIGPIPE, SIG_IGN);
	if (argc >= 4 && strcmp(argv[1], "domain") == 0)
		return print_domain(argv + 2);
	if (argc >= 4 && strcmp(argv[1], "login") == 0)
		return print_login(argc - 2, argv + 2);
	if (argc >= 4 && strcmp(argv[1], "provider") == 0)
		return print_provider(argc - 2, argv + 2);
	if (argc == 4 && strcmp(argv[1], "row") == 0)
		return print_row(argv + 2);
	if (argc == 4 && strcmp(argv[1], "form") == 0)
		return print_form(argv + 2);
	if (argc == 2 && strcmp(argv[1], "network") == 0)
		return print_network();
	return 2;
}
