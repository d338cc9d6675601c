/*
 * What setup's assistant finds out by itself, before it asks: the network of
 * this machine, what DNS says of a domain, who the provider is, and whether a
 * login at its server works. Facts in structs; no questions, no printing.
 *
 * What comes from outside root does not read. find_domain and find_login start
 * a child (LIBEXECDIR/scout, LIBEXECDIR/trial), which gives root up, has an
 * empty root directory and the filter of resolve or relay, and answers by a
 * pipe; its answer counts as hostile, too. Nobody is asked but the name servers
 * of this machine (or the key resolver), the domain's own mail servers and web
 * server (autoconfig), and the server that the caller names.
 *
 * Bounds: the arrays below, FIND_MS for a call of find_domain, FIND_LOGIN_MS
 * for one of find_login. Memory: the structs hold all, nothing is to be freed.
 * They are large (50 kB): not for the stack of a deep call.
 */
#ifndef CTL_FIND_H
#define CTL_FIND_H

#include <netinet/in.h>
#include <stdint.h>

#include "ctl/host_address.h"
#include "lib/mail/limits.h"

enum {
	FIND_MX_MAX = 8,
	FIND_SERVERS_MAX = 24,
	FIND_TEXT_MAX = 300,	/* of a reason, a reply, a login's form */
	FIND_MS = 45 * 1000,
	FIND_LOGIN_MS = 40 * 1000,
	FIND_LIFE_FOREVER = -1,
};

/* How this machine is seen from the Internet, by IPv4. */
enum find_outer {
	FIND_OUTER_NONE,	/* no address but of loopback and link */
	FIND_OUTER_PUBLIC,	/* an interface has a public address */
	FIND_OUTER_NAT,		/* a private one: behind a router */
	FIND_OUTER_PROVIDER_NAT, /* 100.64.0.0/10 (RFC 6598): no way in */
	FIND_OUTER_DS_LITE,	/* 192.0.0.0/29 (RFC 6333): no way in */
};

enum find_ipv6 {
	FIND_IPV6_NONE,
	FIND_IPV6_LASTING,	/* set by hand, or for ever */
	FIND_IPV6_LEASED,	/* for a time: the prefix may change */
	FIND_IPV6_CHANGES,	/* an older prefix is there still: it does */
	FIND_IPV6_TEMPORARY,	/* of RFC 8981 alone: of no use for a server */
	FIND_IPV6_PRIVATE,	/* fc00::/7 alone (RFC 4193) */
};

struct find_network {
	char	 name[DOMAIN_MAX + 1];	/* of the machine, "" without a dot */
	struct host_addresses local;
	enum find_outer outer;
	char	 address[INET6_ADDRSTRLEN];	/* that says so; or "" */
	char	 router[INET_ADDRSTRLEN];	/* the default one; or "" */
	enum find_ipv6 ipv6;
	char	 ipv6_address[INET6_ADDRSTRLEN]; /* that says so; or "" */
	int64_t	 ipv6_life;	/* seconds that it is good for at the most;
				   FIND_LIFE_FOREVER */
};

/* Of the kernel: nothing is asked of the network, it takes no time. */
void	find_network(struct find_network *n);
/* The same of addresses that are there already. */
void	find_network_judge(struct find_network *n);

enum find_known {
	FIND_UNKNOWN,		/* no answer, or not asked */
	FIND_NO,
	FIND_YES,
};

enum find_protocol { FIND_SMTP, FIND_IMAP, FIND_POP3 };	/* SMTP: submission */
enum find_tls { FIND_TLS, FIND_STARTTLS, FIND_PLAIN };
/* What the server takes for a proof; several, or'ed. */
enum find_auth {
	FIND_AUTH_PASSWORD = 1,	/* PLAIN, LOGIN */
	FIND_AUTH_ENCRYPTED = 2,	/* CRAM-MD5 and the like */
	FIND_AUTH_OAUTH2 = 4,
	FIND_AUTH_OTHER = 8,	/* by address, Kerberos, a certificate ... */
};
/* The first label of a host that each customer has of his own. */
#define FIND_OWN "%SERVER%"
enum find_source { FIND_PRESET, FIND_SRV, FIND_AUTOCONFIG };

struct find_server {
	enum find_source source;
	enum find_protocol protocol;
	enum find_tls tls;
	char	 host[DOMAIN_MAX + 1];
	unsigned port;			/* 0: unknown, and tls with it */
	char	 login[FIND_TEXT_MAX];	/* %EMAILADDRESS% ...; "": unknown */
	unsigned auth;			/* enum find_auth; 0: unknown */
	unsigned poll;	/* shortest polling interval, seconds; 0: unknown */
};

/* As asked for first: TLS before STARTTLS; of SRV by priority and weight. */
struct find_servers {
	size_t	 n;
	struct find_server s[FIND_SERVERS_MAX];
};

/* Calls each for every server of the table of providers with a shortest polling
   interval. 0, or -1 with why: the table cannot be read. */
int	find_polls(const char *file,
	    void (*each)(const struct find_server *s, void *arg), void *arg,
	    struct buf *why) ATTR_CHECK;
/* The first of that protocol; NULL: there is none. */
const struct find_server *find_server(const struct find_servers *l,
	    enum find_protocol p);
/* Its host's first label is the customer's own, "%SERVER%": ask. */
int	find_server_is_own(const struct find_server *s);
/* That host is its, or "NAME.REST" of "%SERVER%.REST". */
int	find_server_fits(const struct find_server *s, const char *host);
/* The first of that protocol that the host fits is copied, with the host. 1, or
   0: there is none. */
int	find_server_named(const struct find_servers *l, enum find_protocol p,
	    const char *host, struct find_server *out);
/* A password is of no use there: OAuth (RFC 7628) is all that it takes. */
int	find_server_wants_oauth(const struct find_server *s);
/*
 * The login that a form stands for: %EMAILADDRESS%, %EMAILLOCALPART%,
 * %EMAILDOMAIN%. "": the form is unknown, or asks for something that is in no
 * address (a customer's number): ask.
 */
void	find_login_name(const char *form, const char *address,
	    char login[FIND_TEXT_MAX]);

/* How DNS is asked. All zero: the servers of resolv.conf. */
struct find_ask {
	const char *resolver;	/* as the keys of rohrpost.conf; NULL: "" */
	const char *trust_anchor;
	const char *hostname;	/* of this server, for EHLO and PTR; or NULL */
	const char *reach;	/* whose port 25 is tried; NULL: the domain's
				   own MX, unless it is this host */
	unsigned smtp_port;	/* 0: 25. Another one in tests */
	const char *address;	/* the public addresses; NULL: those of the
				   interfaces */
	const char *ca_file;	/* as relay_ca_file; NULL: the system's */
	unsigned web_port;	/* 0: 443 of autoconfig. Another in tests */
	int	 loopback_ok;	/* may talk to loopback: for tests */
};

struct find_domain {
	enum find_known exists;		/* the domain, in DNS */
	enum find_known mx_known;	/* FIND_NO: it has no MX */
	size_t	 n_mx;
	char	 mx[FIND_MX_MAX][DOMAIN_MAX + 1]; /* the most preferred first */
	enum find_known mx_here;	/* one of them is this host */
	enum find_known spf, dmarc;	/* it has such a record */
	enum find_known host;		/* hostname leads to an address */
	enum find_known host_here;	/* to one of this host */
	enum find_known ptr;		/* the address leads back to hostname */
	char	 ptr_name[DOMAIN_MAX + 1]; /* where else it leads; or "" */
	enum find_known port25;		/* it goes out */
	char	 port25_host[DOMAIN_MAX + 1];	/* who was asked; or "" */
	char	 port25_why[FIND_TEXT_MAX];	/* FIND_NO: in words; FIND_YES:
					   how it refuses this machine, or "" */
	/* RFC 6186, RFC 8314; a protocol with "." is not offered: no server,
	   and its bit (1 << enum find_protocol) in srv_none. */
	struct find_servers srv;
	unsigned srv_none;
	struct find_servers autoconfig;	/* of the domain's own web server */
};

/* 0, or -1 with why: nothing could be asked. */
int	find_domain(const struct find_ask *a, const char *domain,
	    struct find_domain *d, struct buf *why) ATTR_CHECK;

/* The addresses of a host; known_r FIND_NO: there is no such name. As above. */
int	find_host(const struct find_ask *a, const char *name,
	    enum find_known *known_r, struct host_addresses *l,
	    struct buf *why) ATTR_CHECK;

struct find_provider {
	char	 id[DOMAIN_MAX + 1];	/* "gmx.net" */
	char	 name[FIND_TEXT_MAX];	/* "GMX" */
	char	 source[FIND_TEXT_MAX];	/* who says so: an address */
	char	 example[DOMAIN_MAX + 1]; /* of a customer's own server; "": all
					   customers have the same */
	int	 by_mx;			/* found by an MX, not by the domain */
	struct find_servers servers;
};

/*
 * The provider of a domain, by the domain's name or else by its MX hosts (d may
 * be NULL), of the table file (rohrpost-providers(5)); NULL: the installed one.
 * 1; 0: it is in no line; -1 with why: the table cannot be read, or is wrong.
 */
int	find_provider(const char *file, const char *domain,
	    const struct find_domain *d, struct find_provider *p,
	    struct buf *why) ATTR_CHECK;

/* The same by a host that the provider has for that; *out is its row. */
int	find_provider_of(const char *file, enum find_protocol protocol,
	    const char *host, struct find_server *out, struct buf *why)
	    ATTR_CHECK;

enum find_profile { FIND_PROFILE_DIRECT, FIND_PROFILE_RELAY,
	FIND_PROFILE_COLLECTOR };

/*
 * Proposes a profile; reason is a sentence or two. d may be NULL: DNS could
 * not be asked.
 */
enum find_profile find_profile(const struct find_network *n,
	    const struct find_domain *d, struct buf *reason);

enum find_trial {
	FIND_TRIAL_GOOD,	/* it answers, and the login works */
	FIND_TRIAL_NO_HOST,	/* DNS knows no such name */
	FIND_TRIAL_NO_DNS,	/* DNS does not answer */
	FIND_TRIAL_NO_ANSWER,	/* refused, or silent */
	FIND_TRIAL_NO_MAIL,	/* what answers is no mail server */
	FIND_TRIAL_NO_TLS,	/* STARTTLS is not offered */
	FIND_TRIAL_TLS,		/* the handshake fails: often the wrong port */
	FIND_TRIAL_CERTIFICATE,	/* of another name, run out, nobody's */
	FIND_TRIAL_NO_LOGIN,	/* no way of ours to log in is offered */
	FIND_TRIAL_PASSWORD,	/* name or password are wrong */
	FIND_TRIAL_REFUSED,	/* it says something else: later, or no */
	FIND_TRIAL_BROKEN,	/* nothing could be tried */
};

/*
 * Connects to a server as relay will (SMTP), or fetch (IMAP, POP3), and logs in;
 * nothing is sent, and no mail is read. user "": no login. words: one or two sentences, with what the server said.
 */
enum find_trial find_login(const struct find_ask *a,
	    const struct find_server *s, const char *user,
	    const char *password, struct buf *words);

#endif
