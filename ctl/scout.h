/*
 * scout: asks DNS, the web server and the mail server of a domain, for the
 * operator's command (ctl/find.h), which is root and does not read what comes
 * from outside. A child of it, not of master.
 */
#ifndef CTL_SCOUT_H
#define CTL_SCOUT_H

#include <openssl/ssl.h>

#include "ctl/find.h"

/* tell is called whenever more is known. */
void	scout_domain(const struct find_ask *a, const char *domain,
	    struct find_domain *d, void (*tell)(const struct find_domain *));

/* Before the jail. ctx verifies. 0, or -1: there is no web then. */
int	scout_web_open(SSL_CTX *ctx) ATTR_CHECK;
/*
 * Autoconfig of the domain's own web servers: autoconfig.DOMAIN, then DOMAIN's
 * /.well-known, by https alone; what they say by http, or lead to elsewhere, is
 * not asked for, and no address of the operator's is named.
 */
void	scout_web(const struct find_ask *a, const char *domain,
	    struct find_servers *l);

#endif
