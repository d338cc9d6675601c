/*
 * A certificate for a host that has none yet: ECDSA P-256, signed by itself.
 */
#ifndef CTL_CTL_CERT_H
#define CTL_CTL_CERT_H

#include "lib/base/attr.h"
#include "lib/base/buf.h"

/*
 * Makes key and certificate as PEM texts, good for ten years, for hostname
 * and the n domains. 0, or -1 with why.
 */
int	cert_make(const char *hostname, char *const *domains, size_t n,
	    struct buf *cert, struct buf *key, struct buf *why) ATTR_CHECK;
/* 1 if the PEM file is a certificate for hostname that has not expired. */
int	cert_good(const char *path, const char *hostname);
/* 1 if the PEM file is as cert_make makes them: its own key's, for ten years. */
int	cert_is_ours(const char *path);
/* 1 if the file holds a certificate as PEM. */
int	cert_reads(const char *path);
/* tls_judge of the PEM file, now; 0 where it cannot be read. */
int	cert_judge(const char *path, const char *hostname, struct buf *words);
/*
 * The directory that systemd's unit hides from the programs (ProtectHome,
 * PrivateTmp) and path lies in; NULL where it is in none, or the configuration
 * directory dir is in one itself. Both are absolute.
 */
const char *cert_hidden(const char *dir, const char *path);

#endif
