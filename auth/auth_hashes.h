/*
 * The hashes that a password may be checked against: those of an account's
 * line (lib/mail/credential.h) that count for the protocol of a request.
 */
#ifndef AUTH_AUTH_HASHES_H
#define AUTH_AUTH_HASHES_H

#include <stddef.h>

#include "lib/base/buf.h"
#include "lib/mail/credential.h"

enum { AUTH_HASHES_MAX = 1 + CREDENTIAL_APPS };

struct auth_hashes {
	unsigned n;
	char	*hash[AUTH_HASHES_MAX];
	char	*app[AUTH_HASHES_MAX];	/* its name; NULL: the account's */
	char	*pam;		/* the host's user whom PAM judges; or NULL */
	int	 scram;		/* keys of the account's password are there */
	const char *fault;	/* why a hash was left out; or NULL */
};

/*
 * Where the account has a password of its own PAM is not asked for it (pam NULL).
 * protocol: "imap", "pop3", "submission"; NULL for all. What cannot be read is
 * left out. auth_hashes_clear in any case.
 */
void	auth_hashes_read(struct auth_hashes *h, const char *text, size_t len,
	    const char *protocol);
/* A list of that hash alone. */
void	auth_hashes_one(struct auth_hashes *h, const char *hash);
/* Wipes. */
void	auth_hashes_clear(struct auth_hashes *h);

#endif
