/*
 * A login as a client by SASL (RFC 4422), through GNU SASL, for protocols that
 * have challenge and answer in base64: which mechanism, and the steps of it.
 *
 * The best mechanism comes first: one that does not show the password, and in
 * which the server proves itself too. What hashes in a way that is broken
 * (CRAM-MD5) comes after those that show the password where TLS covers them,
 * and before them where it does not. A mechanism for a token (OAUTHBEARER,
 * XOAUTH2: sasl_token.h) is chosen for a token alone, and under TLS alone.
 *
 * Bounds: a challenge of SASL_CHALLENGE_MAX octets; the times that SCRAM
 * hashes a password.
 *
 * DIAGNOSTICS: words for a person, without the name of the server.
 */
#ifndef RELAY_SASL_H
#define RELAY_SASL_H

#include "lib/base/attr.h"
#include "lib/base/buf.h"

enum {
	SASL_ROUNDS_MAX = 8,		/* of challenge and answer */
	SASL_CHALLENGE_MAX = 2000,	/* octets, decoded */
};

struct sasl_mech {
	const char *name;
	int	 clear;			/* shows the password */
	int	 first;			/* the client speaks first */
	int	 mutual;		/* the server proves itself too */
	unsigned token;			/* enum sasl_token; 0: for a password */
};

/* What stands in place of a password. */
enum sasl_secret {
	SASL_PASSWORD,
	SASL_MASTER,	/* a password, and the name is "user*master", which
			   mechanisms that hash it do not know */
	SASL_TOKEN,	/* an OAuth access token */
};

struct sasl {
	const struct sasl_mech *mech;
	void	*session;
	char	*first;			/* of a token: what is said first */
	int	 said;			/* that has been said */
	int	 proved;		/* of a mutual one: the server has */
};

/* Before the jail. 0, or -1 with why. */
int	sasl_open(struct buf *why) ATTR_CHECK;

/*
 * The best of those that the server offers, " PLAIN SCRAM-SHA-256 " in capital
 * letters. tls: the connection is covered. NULL: none.
 */
const struct sasl_mech *sasl_choose(const char *offered, int tls,
	    enum sasl_secret secret);
/* That of a name, in whatever letters; NULL: not known. */
const struct sasl_mech *sasl_find(const char *name);
/* Is it one of those that the server offers? */
int	sasl_is_offered(const struct sasl_mech *m, const char *offered);

/*
 * 0, or -1 with why. service is that of the protocol: "pop". password is the
 * token where the mechanism is for one.
 */
int	sasl_begin(struct sasl *s, const struct sasl_mech *m, const char *user,
	    const char *password, const char *service, const char *host,
	    struct buf *why) ATTR_CHECK;
/*
 * The answer to a challenge, "" for the first word of a client, both in base64;
 * sasl_free frees it. 0, or -1 with why.
 */
int	sasl_step(struct sasl *s, const char *challenge, char **out_r,
	    struct buf *why) ATTR_CHECK;
void	sasl_free(char **out);
void	sasl_end(struct sasl *s);

#endif
