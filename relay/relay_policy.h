/*
 * How to speak to each destination: which TLS, which login. Made of the
 * configuration once, before the jail; a destination may ask for more than
 * that (lib/mail/dest_key.h), never for less. Certificates are verified where
 * the configuration says so or names authorities (relay_ca_file); elsewhere
 * mail that must be verified waits, and its words say why.
 */
#ifndef RELAY_POLICY_H
#define RELAY_POLICY_H

#include "lib/mail/dest_key.h"
#include "relay/relay.h"

/*
 * password is the one of conf->user; both live as long as the process. 0, or
 * -1 with why. Warns where the smarthost's certificate could not be verified:
 * mail to it waits (relay_connect.c).
 */
int	policy_open(const struct relay_conf *conf, const char *password,
	    struct buf *why) ATTR_CHECK;
/* What a session for k has to be. 0; -1 with words: it cannot be made now. */
int	policy_find(const struct dest_key *k, struct policy *p_r,
	    struct buf *words) ATTR_CHECK;

#endif
