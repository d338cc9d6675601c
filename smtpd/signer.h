/*
 * signer: signs hashes for DKIM. It reads no mail: who has a message computes
 * its hash (lib/mail/dkim.h) and asks for a signature, naming the address whose
 * domain signs and the key's selector (proto_sign in lib/mail/proto.h).
 *
 * Whose domain may sign is told by the channel, never by who asks:
 *
 *   a session       master bound its channel to the account that auth let in:
 *                   what that account may send as (tables_owns)
 *   smtpd (local)   each question brings the client's connection: what the
 *                   kernel's word of its uid may send as (smtpd_local.h)
 *   queue           the host's own name, for reports
 *
 * Keys are active keys of jail/dkim.cdb, which `rohrpost dkim` makes and this
 * user alone can read; it is opened anew when it is replaced. Keys that were
 * used stay parsed, up to SIGNER_KEYS.
 *
 * An asker has one signature in a turn of the loop, so that none waits for
 * another's flood.
 *
 * DIAGNOSTICS: what is refused is logged, once for each channel. Where the
 * tables or the key cannot be read the answer is S_LATER.
 */
#ifndef SMTPD_SIGNER_H
#define SMTPD_SIGNER_H

#include <ev.h>

#include "lib/mail/tables.h"
#include "lib/map/map.h"
#include "lib/server/server.h"

enum { SIGNER_KEYS = 256 };

struct signer_parts {
	struct ev_loop *loop;
	struct tables *tables;
	struct map *keys;
	const char *hostname;
	const char *submit;	/* path of run/submit, as it is bound */
	void	(*stale)(void);	/* the users of this host have changed */
};

struct signer;

/* Takes tables and keys over. The texts stay the caller's. */
struct signer *signer_new(const struct signer_parts *parts);
void	signer_free(struct signer **s);
/* The host has that name from now on. The text stays the caller's. */
void	signer_host(struct signer *s, const char *hostname);
/* Takes the channel over; user: whose session it is, or "". */
void	signer_peer(struct signer *s, const struct wire *w);
void	signer_peer_gone(struct signer *s, enum peer kind, uint32_t instance);

#endif
