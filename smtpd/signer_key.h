/*
 * The keys that signer has read: jail/dkim.cdb, key the name of the record in
 * the DNS (selector._domainkey.domain), value the private key (dkim_key.h).
 */
#ifndef SMTPD_SIGNER_KEY_H
#define SMTPD_SIGNER_KEY_H

#include "lib/mail/dkim_key.h"
#include "lib/map/map.h"

struct signer_keys;

/* Takes the map over. At most max keys stay parsed. */
struct signer_keys *signer_keys_new(struct map *map, unsigned max);
void	signer_keys_free(struct signer_keys **k);
/*
 * The key of that name; good until the next call. MAP_ABSENT: there is none.
 * MAP_ERROR: the file, or the key in it, cannot be read (said once).
 */
enum map_result signer_keys_find(struct signer_keys *k, const char *name,
	    const struct dkim_key **key_r);

#endif
