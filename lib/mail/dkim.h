/*
 * A message that is to be signed (RFC 6376): its two hashes, and the field that
 * says so. The keys are elsewhere (dkim_key.h): what is signed is a hash.
 *
 *   dkim_message_init, _header once, _body as it comes, _end
 *   dkim_hash    what a key signs, for each key
 *   dkim_value   the field's value, with what it signed
 *
 * Signed are the fields that tell what a message is (5.4.1), each as often as
 * it is there; those that a reader is shown, or that change how it is read, are
 * named once more than that, so that nobody can add another of them (5.4.2,
 * 8.15). No l=: all of the body counts. Lines of the field are at most
 * DKIM_LINE octets, but for a name that is longer.
 */
#ifndef LIB_MAIL_DKIM_H
#define LIB_MAIL_DKIM_H

#include "lib/mail/dkim_canon.h"

enum dkim_algorithm {
	DKIM_RSA,	/* rsa-sha256: RFC 6376 3.3.1, RFC 8301 */
	DKIM_ED25519,	/* ed25519-sha256: RFC 8463 */
	DKIM_ALGORITHMS
};

enum {
	DKIM_LINE = 78,
	DKIM_NAMES_MAX = 200,		/* in h= */
	DKIM_SELECTOR_MAX = 63,		/* one label */
	DKIM_SIGNATURE_MAX = 512,	/* octets: RSA of 4096 bits */
	DKIM_VALUE_MAX = 8192,		/* octets of the field's value */
};

#define DKIM_FIELD	"DKIM-Signature"
/* Between selector and domain, in the DNS (3.6.2.1). */
#define DKIM_RECORD	"._domainkey."

/* "rsa-sha256", "ed25519-sha256" */
const char *dkim_algorithm_name(enum dkim_algorithm a);

/* Of zeros it is clear. */
struct dkim_message {
	enum dkim_canon canon;		/* of the header */
	struct evp_md_ctx_st *fields;		/* those of h= */
	struct buf names;		/* h=: "from:from:to" */
	unsigned n_names;
	struct dkim_body body;
	unsigned char body_hash[DKIM_HASH];
};

void	dkim_message_init(struct dkim_message *m, enum dkim_canon header,
	    enum dkim_canon body);
/*
 * The header: added (or NULL), and below it p; an empty line ends each. -1: it
 * has too many fields to be signed.
 */
int	dkim_message_header(struct dkim_message *m, const struct buf *added,
	    const char *p, size_t len) ATTR_CHECK;
void	dkim_message_body(struct dkim_message *m, const char *p, size_t len);
void	dkim_message_end(struct dkim_message *m);
void	dkim_message_clear(struct dkim_message *m);

/* Who signs. Borrowed; the domain as A-labels. */
struct dkim_name {
	const char *domain, *selector;
	enum dkim_algorithm algorithm;
	int64_t	 time;		/* t=: seconds since 1970 */
};

/* After _end. */
void	dkim_hash(const struct dkim_message *m, const struct dkim_name *n,
	    unsigned char out[DKIM_HASH]);
/*
 * Appends the value, with CRLF and a tab at folds and none at the end. Its
 * length depends on that of the signature, not on what it or the body's hash is.
 */
void	dkim_value(const struct dkim_message *m, const struct dkim_name *n,
	    const void *signature, size_t len, struct buf *out);

#endif
