/*
 * What the line of an account in passwd says after "address:", and a value of
 * auth/passwd.cdb: fields with ":" between them,
 *
 *	crypt=HASH
 *		the hash of the account's password, in the methods of auth
 *	scram-sha-256=ITERATIONS,SALT,STOREDKEY,SERVERKEY
 *		keys of the same password (lib/mail/scram.h)
 *	app=NAME,PROTOCOLS,CREATED,HASH
 *		a further password for one program; any number up to
 *		CREDENTIAL_APPS. NAME: 1 to CREDENTIAL_NAME_MAX octets of UTF-8
 *		without ",", ":" and control characters, no two of an account
 *		the same. PROTOCOLS: names with "+" between them (imap, pop3,
 *		submission; one that is not known admits nothing), or "*" for
 *		all. CREATED: seconds since 1970
 *	protocols=PROTOCOLS
 *		in passwd.cdb, written by the compile: the account logs in by
 *		these alone (lib/mail/protocols.h), whatever password it has
 *	pam=USER
 *		in passwd.cdb, written by the compile: PAM says whether a
 *		password is that of this user of the host, where it is no app
 *		password
 *	TAG=VALUE
 *		any other tag (1 to 32 of a-z, 0-9, "-"): kept by edits, no
 *		concern of readers
 *
 * The first field may be a hash alone, as versions before wrote the whole: it
 * begins with "$" or "{" and stands for crypt=. No hash has a ":" in it.
 */
#ifndef LIB_MAIL_CREDENTIAL_H
#define LIB_MAIL_CREDENTIAL_H

#include <stddef.h>
#include <stdint.h>

#include "lib/base/attr.h"
#include "lib/base/buf.h"

enum {
	CREDENTIAL_MAX = 16 * 1024,	/* octets of the whole */
	CREDENTIAL_HASH_MAX = 400,	/* of a hash */
	CREDENTIAL_APPS = 16,
	CREDENTIAL_NAME_MAX = 64,
};

enum credential_kind {
	CREDENTIAL_CRYPT,
	CREDENTIAL_SCRAM,
	CREDENTIAL_APP,
	CREDENTIAL_PROTOCOLS,
	CREDENTIAL_PAM,
	CREDENTIAL_OTHER,
};

/* A field; all point into the text that was read. */
struct credential {
	enum credential_kind kind;
	const char *text;	/* as it stands there */
	size_t	 text_len;
	const char *value;	/* after the "=" */
	size_t	 len;
};

struct credential_app {
	const char *name, *protocols, *hash;
	size_t	 name_len, protocols_len, hash_len;
	uint64_t created;
};

/*
 * Takes the field at *p and steps over it: 1; 0 at the end; -1 for a malformed
 * one (*p stands after it then, so that readers can go on).
 */
int	credential_next(const char **p, const char *end,
	    struct credential *c_r) ATTR_CHECK;
/* Reads the value of an app field. 0, or -1 with why. */
int	credential_app(const struct credential *c, struct credential_app *a_r,
	    struct buf *why) ATTR_CHECK;
/* May that password be used for the protocol ("imap")? */
int	credential_app_may(const struct credential_app *a,
	    const char *protocol) ATTR_CHECK;
/*
 * The protocols that the account logs in by (enum of protocols.h): those of all
 * such fields; of one that cannot be read none; without one all.
 */
uint32_t credential_protocols(const char *p, size_t len);
/*
 * The hash of the account's password: 1 and hash_r, or 0 where there is none.
 */
int	credential_hash(const char *p, size_t len, struct buf *hash_r)
	    ATTR_CHECK;

#endif
