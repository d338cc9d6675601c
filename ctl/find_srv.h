/*
 * Servers that a domain names by SRV records (RFC 6186, RFC 8314 5.1). Questions
 * go by ctl/dns_ask.h, which must be open.
 */
#ifndef CTL_FIND_SRV_H
#define CTL_FIND_SRV_H

#include "ctl/find.h"

/*
 * Best first: the lower priority; of the same priority TLS at once before
 * STARTTLS (RFC 8314 3), then the greater weight (RFC 2782 has clients throw
 * dice there, to share the load: a proposal is one). *none_r: the protocols
 * whose only records are ".", as bits.
 */
void	find_srv(const char *domain, struct find_servers *l, unsigned *none_r);
/* The questions, so that they are under way. */
void	find_srv_ahead(const char *domain);

#endif
