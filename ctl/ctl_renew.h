/*
 * The certificate that setup made (RENEW_CERT, RENEW_KEY in the configuration
 * directory, signed by itself) follows the host's name. Any other is its
 * owner's, and stays.
 */
#ifndef CTL_CTL_RENEW_H
#define CTL_CTL_RENEW_H

#include "ctl/ctl.h"
#include "ctl/ctl_set.h"

#define RENEW_CERT "certificate.pem"
#define RENEW_KEY "key.pem"

/* cert_make for hostname and the domains of the set. 0, or -1 with why. */
int	renew_make(const char *hostname, const struct set *s,
	    struct buf *cert, struct buf *key, struct buf *why) ATTR_CHECK;
/* 1 if the two absolute paths are those in dir, and the certificate ours. */
int	renew_is_ours(const char *dir, const char *cert, const char *key);
/*
 * Makes one that is ours anew where it has another name than c->hostname or
 * ran out, and says so; what hinders is warned of. After ctl_load.
 */
void	renew(struct ctl *c);

#endif
