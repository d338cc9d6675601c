/*
 * What setup's conversation proposes, and why: from what ctl/find.h finds out.
 */
#ifndef CTL_SETUP_FACTS_H
#define CTL_SETUP_FACTS_H

#include "ctl/ctl_conf.h"
#include "ctl/find.h"

enum { SUBMISSION_PORT = 587, SUBMISSIONS_PORT = 465 };

struct facts {
	struct find_ask ask;
	struct find_network net;
	struct find_domain domain;
	int	 known;			/* domain is */
	struct find_provider provider;
	int	 has_provider;
	struct find_server server;	/* the one that was answered */
	const char *collect_ca_file;
	struct find_server incoming;	/* the same to collect from */
	char	 name[DOMAIN_MAX + 1];	/* of this server, as proposed; or "" */
	struct buf reason;		/* why the profile is proposed */
	enum find_profile profile;
};

/* The network; conf (the present rohrpost.conf) says how DNS is asked. It must
   outlive f. Free it with facts_free. */
struct facts *facts_new(const struct conf_file *conf);
/* Asks DNS about the domain; hostname is that of this server, NULL: the one
   that is proposed. */
void	facts_look(struct facts *f, const char *domain, const char *hostname);
/* What follows from f->domain, which DNS has told. */
void	facts_judge(struct facts *f, const char *domain);
void	facts_free(struct facts **f);

/* The provider's outgoing server, or NULL; it may be one whose name is to be
   asked (find_server_is_own). */
const struct find_server *facts_relay(const struct facts *f);
/* The host that is meant by an answer: the first label of a customer's own
   server is enough. "": it is too long. */
void	facts_full(const struct facts *f, const char *answer,
	    char host[DOMAIN_MAX + 1]);
/* Sets f->server: as the domain's provider, the domain itself or any provider
   has that host, else by port 587. 1: it is one that is known. */
int	facts_server(struct facts *f, const char *host);
/* Sets f->server to that host by port 465 or 587, with TLS as usual there; what
   else is known of it stays. */
void	facts_guess(struct facts *f, const char *host, unsigned port);
/* Where the mail of that login, "" where none is known, can be collected: of its
   provider, the domain's, or the domain itself; or NULL. *p is room for the
   first of them. */
const struct find_server *facts_incoming(const struct facts *f,
	    const char *login, struct find_provider *p);
/* Sets f->incoming: as any of them has that host, else by the usual port.
   protocol: FIND_SMTP for either. */
void	facts_collect(struct facts *f, const char *host,
	    enum find_protocol protocol);
/* Whose domain it is, where that is a provider's own; NULL: nobody's known. */
const char *facts_owner(const char *domain, struct find_provider *p);

#endif
