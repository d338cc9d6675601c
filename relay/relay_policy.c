#include <string.h>

#include "lib/base/log.h"
#include "lib/net/tls.h"
#include "lib/server/settings.h"
#include "relay/relay_policy.h"

static struct credentials login;
static struct policy by_mx, by_smarthost;
static SSL_CTX *verifying;	/* NULL: nothing can be verified */
static SSL_CTX *unknown;	/* for what may not go in the clear */

int
policy_open(const struct relay_conf *conf, const char *password,
    struct buf *why)
{
	const char *hostname;
	SSL_CTX *weak;

	hostname = settings_hostname(conf->hostname);
	if ((weak = tls_client_new(NULL, TLS_WEAK, why)) == NULL ||
	    (conf->tls != RELAY_TLS_NEVER && (unknown = tls_client_new(NULL,
	    TLS_UNKNOWN, why)) == NULL))
		return -1;
	/* The system's authorities take memory: only where they are used. */
	if (conf->ca_file[0] != '\0' ||
	    (conf->host[0] != '\0' && conf->tls_verify)) {
		verifying = tls_client_new(conf->ca_file[0] != '\0' ?
		    conf->ca_file : NULL, TLS_VERIFIED, why);
		if (verifying == NULL)
			log_warn("relay_ca_file: %s", buf_str(why));
	}
	by_mx = (struct policy){ .hostname = hostname, .clear = 1,
		.tls = conf->tls == RELAY_TLS_NEVER ? RELAY_TLS_NEVER :
		RELAY_TLS_MAY, .ctx = weak, .times = &client_times };
	by_smarthost = (struct policy){ .hostname = hostname,
		.tls = (enum relay_tls)conf->tls,
		.ctx = conf->tls_verify ? verifying : unknown,
		.login = conf->user[0] != '\0' ? &login : NULL,
		.times = &client_times };
	login = (struct credentials){ .user = conf->user,
		.password = password, .mechs = conf->auth };
	return 0;
}

int
policy_find(const struct dest_key *k, struct policy *p, struct buf *words)
{
	*p = k->route[0] == '\0' ? by_smarthost : by_mx;
	if (k->credential[0] != '\0') {
		if (login.user == NULL ||
		    strcmp(login.user, k->credential) != 0) {
			buf_set(words, "4.3.5 relay has no login of the name "
			    "%s (relay_user)", k->credential);
			return -1;
		}
		p->login = &login;
	}
	if (k->tls == DEST_TLS_ROUTE)
		return 0;
	/* The operator forbids TLS: what the key asks for cannot be had. */
	if (p->tls == RELAY_TLS_NEVER) {
		buf_set(words, "4.7.4 the message may go under TLS only, and "
		    "relay_tls is never");
		return -1;
	}
	if (p->tls == RELAY_TLS_MAY)
		p->tls = RELAY_TLS_STARTTLS;
	if (k->tls == DEST_TLS_VERIFIED)
		p->ctx = verifying;
	else if (p->clear)
		p->ctx = unknown;
	p->clear = 0;
	return 0;
}
